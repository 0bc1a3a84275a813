"""The only place that tells recruiters what other features do when an account ends (rules B6)."""

from __future__ import annotations

from marketplace.contacts import closing as contacts
from marketplace.contacts import duties
from marketplace.recruiters.closing import ClosingHooks


def closing_hooks() -> ClosingHooks:
    """Return what closing and purging ask of the other features, so that recruiters imports none."""
    return ClosingHooks(
        accessed=contacts.accessed,
        closed=contacts.recruiter_closed,
        purged=contacts.recruiter_purged,
        settle_link=duties.issue_settle_link,
    )
