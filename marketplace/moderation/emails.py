"""The mails of sanctions: the statement of reasons, a lifted one, the end (rules E5).

They are for the member alone, in the member's language, and the only marketplace mails that a
suspended member is sure to get.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from marketplace.accounts import queries as accounts
from marketplace.accounts.emails import Composer
from marketplace.catalogues import N_
from marketplace.errors import NotFoundError
from marketplace.mail import Mail, letter
from marketplace.moderation import queries
from marketplace.moderation.queries import SanctionView
from marketplace.settings import Settings

NOT_AUTOMATED = N_("A person decided this, not a program.")
HOW_TO_OBJECT = N_("If you disagree, answer this mail and say why. Another person will look at it.")


def sanction_imposed(
    session: Session,
    now: datetime,  # noqa: ARG001  (every composer has this signature)
    settings: Settings,
    details: dict[str, Any],
) -> Mail | None:
    """The statement of reasons: what, until when, clause, facts, reason, how to object (M-01)."""
    found = _sanction(session, details)
    if found is None:
        return None
    until = (
        N_("It ends by itself on %(until)s.")
        if found.until
        else N_("It holds for good, unless it is lifted.")
    )
    return _mail(
        session,
        found,
        N_("Your account is suspended"),
        N_("Hello %(name)s,"),
        N_("Your account at Talent Marketplace is suspended since %(since)s."),
        until,
        N_("Clause: %(clause)s"),
        N_("Facts: %(facts)s"),
        N_("Reason: %(reason)s"),
        NOT_AUTOMATED,
        HOW_TO_OBJECT,
        N_("You can sign in to read this statement: %(link)s"),
        until=_instant(found.until) if found.until else "",
        since=_instant(found.starts_at),
        clause=found.clause,
        facts=found.facts,
        reason=found.reason,
        link=f"{settings.base_url}/suspended",
    )


def sanction_lifted(
    session: Session, now: datetime, settings: Settings, details: dict[str, Any]
) -> Mail | None:
    """That a sanction was lifted, why, and whether another one still holds."""
    found = _sanction(session, details)
    if found is None or found.lift_reason is None:
        return None
    what_now = (
        N_("Another suspension still holds; its statement is here: %(statement)s")
        if accounts.is_suspended(session, now, found.account_id)
        else N_(
            "Everything is as it was before; what you gave up meanwhile stays given up. Sign in: %(link)s"
        )
    )
    return _mail(
        session,
        found,
        N_("Your suspension was lifted"),
        N_("Hello %(name)s,"),
        N_("The suspension of your account of %(since)s was lifted."),
        N_("Reason: %(reason)s"),
        what_now,
        since=_instant(found.starts_at),
        reason=found.lift_reason,
        statement=f"{settings.base_url}/suspended",
        link=f"{settings.base_url}/sign-in",
    )


def suspension_ended(
    session: Session, now: datetime, settings: Settings, details: dict[str, Any]
) -> Mail | None:
    """That a suspension has run out; not when a new one has begun since."""
    found = _sanction(session, details)
    if found is None or accounts.is_suspended(session, now, found.account_id):
        return None
    return _mail(
        session,
        found,
        N_("Your suspension has ended"),
        N_("Hello %(name)s,"),
        N_("The suspension of your account of %(since)s has ended."),
        N_("Everything is as it was before; what you gave up meanwhile stays given up. Sign in: %(link)s"),
        since=_instant(found.starts_at),
        link=f"{settings.base_url}/sign-in",
    )


EMAILS: dict[str, Composer] = {
    "sanction_imposed": sanction_imposed,
    "sanction_lifted": sanction_lifted,
    "suspension_ended": suspension_ended,
}


def _sanction(session: Session, details: dict[str, Any]) -> SanctionView | None:
    try:
        return queries.own_sanction(session, UUID(details["account_id"]), UUID(details["sanction_id"]))
    except NotFoundError:
        return None


def _instant(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def _mail(session: Session, found: SanctionView, subject: str, *paragraphs: str, **values: object) -> Mail:
    person = accounts.contact_details(session, found.account_id)
    known = {"name": person.first_name, **values}
    return letter(person.email, person.language, subject, paragraphs, known)
