"""The mails of inactivity and closing: notices, and the statement of obligations (rules B5, B6, F3).

That a mail went out is written in the transaction of its sending: nobody is purged on the strength
of a mail that still waits.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace.accounts.emails import Composer
from marketplace.accounts.models import Account
from marketplace.catalogues import N_
from marketplace.mail import Mail, letter
from marketplace.recruiters import retention
from marketplace.recruiters.closing import STATEMENT, ClosingHooks
from marketplace.recruiters.emails import HELLO
from marketplace.recruiters.inactivity import NOTICE, RUNNING, anchor_of, rule_of
from marketplace.recruiters.models import ArchiveRecord, InactivityNotice, Recruiter
from marketplace.settings import Settings


def emails(hooks: ClosingHooks) -> dict[str, Composer]:
    """Return the composers; the statement asks ``hooks`` for the link to settle open duties."""

    def statement(
        session: Session, now: datetime, settings: Settings, details: dict[str, Any]
    ) -> Mail | None:
        return statement_of_obligations(session, now, settings, details, hooks)

    return {NOTICE: inactivity_notice, STATEMENT: statement}


def inactivity_notice(
    session: Session, now: datetime, settings: Settings, details: dict[str, Any]
) -> Mail | None:
    """That the account ends unless its owner signs in, and when; none once they did (B5)."""
    notice = session.get(InactivityNotice, UUID(details["notice_id"]))
    recruiter = None if notice is None else session.get_one(Recruiter, notice.recruiter_id)
    if notice is None or recruiter is None or recruiter.state not in RUNNING:
        return None
    if anchor_of(session, recruiter) != notice.anchor:
        return None
    account = session.get_one(Account, recruiter.account_id)
    notice.sent_at = now
    ends_at = retention.announced_end(notice.anchor, now, rule_of(settings))
    values = {
        "name": account.first_name,
        "since": notice.anchor.date().isoformat(),
        "day": ends_at.date().isoformat(),
        "link": f"{settings.base_url}/sign-in",
    }
    paragraphs = (
        HELLO,
        N_("You have not used your recruiter account at Talent Marketplace since %(since)s."),
        N_("Accounts not used for a year are deleted with their data: yours on %(day)s or soon after."),
        N_("To keep it, sign in once before that day: %(link)s"),
        N_("If you no longer need it, there is nothing to do. Delete every copy of a CV you still hold."),
    )
    return letter(
        account.email, account.language, N_("Your account will be deleted on %(day)s"), paragraphs, values
    )


def statement_of_obligations(
    session: Session, now: datetime, settings: Settings, details: dict[str, Any], hooks: ClosingHooks
) -> Mail | None:
    """That the account is closed, what goes on binding its owner, and how to settle open duties (F3)."""
    recruiter_id = UUID(details["recruiter_id"])
    record = session.scalar(
        select(ArchiveRecord).where(ArchiveRecord.recruiter_id == recruiter_id).with_for_update()
    )
    account = session.get(Account, UUID(details["account_id"]))
    if record is None or account is None or record.purged_at is not None:
        return None
    link = hooks.settle_link(session, now, settings, recruiter_id) if hooks.settle_link else None
    record.statement_sent_at = now
    paragraphs = [
        HELLO,
        N_("Your recruiter account for %(company)s was not used for a year, so it is closed today."),
        N_("Your personal data is deleted now. What the Special Terms bind you to goes on:"),
        N_("- What you learned about candidates stays confidential until %(until)s."),
        N_("- Delete each copy of a CV by the day printed on it, and use it for nothing else until then."),
    ]
    if link is not None:
        paragraphs += [
            N_("Some copies are not confirmed as deleted yet. Confirm them here, without an account:"),
            "%(link)s",
        ]
    paragraphs.append(
        N_("Until that day we keep, under no name, what you accepted and accessed; then it is erased.")
    )
    values = {
        "name": account.first_name,
        "company": record.company_name,
        "until": record.erase_at.date().isoformat(),
        "link": link or "",
    }
    subject = N_("Your account is closed: what you still owe to candidates")
    return letter(account.email, account.language, subject, paragraphs, values)
