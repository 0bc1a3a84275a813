"""The mails of recruiters and of the admins who review them, composed when they are sent.

The outbox holds ids only; what a mail says is read anew here, and None means that it is no longer
wanted.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from marketplace.accounts import queries as accounts
from marketplace.accounts.emails import Composer
from marketplace.catalogues import N_
from marketplace.errors import NotFoundError
from marketplace.mail import Mail, letter
from marketplace.recruiters import queries, review_queries
from marketplace.recruiters.lifecycle import CompanyState, RecruiterState
from marketplace.recruiters.queries import RecruiterFacts
from marketplace.settings import Settings

HELLO = N_("Hello %(name)s,")


def company_verified(
    session: Session,
    now: datetime,  # noqa: ARG001  (every composer has this signature)
    settings: Settings,
    details: dict[str, Any],
) -> Mail | None:
    """The company is verified: search is open, or what is still missing (B3)."""
    facts = _recruiter(session, details)
    if facts is None or facts.company_state is not CompanyState.VERIFIED:
        return None
    if facts.state is RecruiterState.ACTIVE:
        last = N_("You can search for candidates now: %(search)s")
    elif facts.is_on_behalf and not facts.has_mandate:
        last = N_("As you work on its behalf, please attach your mandate here; it is then reviewed: %(home)s")
    else:
        last = N_("An admin still has to look at your own place in it. What happens next: %(home)s")
    return _mail(
        facts, settings, N_("%(company)s is verified"), HELLO, N_("%(company)s is now verified."), last
    )


def company_refused(
    session: Session,
    now: datetime,  # noqa: ARG001  (every composer has this signature)
    settings: Settings,
    details: dict[str, Any],
) -> Mail | None:
    """The company was refused, why, and that it can be submitted again (B3)."""
    facts = _recruiter(session, details)
    if facts is None or facts.company_state is not CompanyState.REFUSED:
        return None
    return _mail(
        facts,
        settings,
        N_("%(company)s could not be verified"),
        HELLO,
        N_("We could not verify %(company)s. The reason given:"),
        "%(reason)s",
        N_("You can correct its data and submit it again: %(home)s"),
        reason=facts.company_decision_reason or "",
    )


def recruiter_approved(
    session: Session,
    now: datetime,  # noqa: ARG001  (every composer has this signature)
    settings: Settings,
    details: dict[str, Any],
) -> Mail | None:
    """What was to be reviewed of a recruiter is approved (B1, B2)."""
    facts = _recruiter(session, details)
    if facts is None or facts.review_reasons:
        return None
    is_active = facts.state is RecruiterState.ACTIVE and facts.company_state is CompanyState.VERIFIED
    last = (
        N_("You can search for candidates now: %(search)s")
        if is_active
        else N_("What happens next: %(home)s")
    )
    intro = N_("An admin has reviewed your registration with %(company)s and approved it.")
    return _mail(facts, settings, N_("Your registration was approved"), HELLO, intro, last)


def recruiter_refused(
    session: Session,
    now: datetime,  # noqa: ARG001  (every composer has this signature)
    settings: Settings,
    details: dict[str, Any],
) -> Mail | None:
    """What was to be reviewed of a recruiter is refused, and why (B1, B2)."""
    facts = _recruiter(session, details)
    if facts is None:
        return None
    reason = review_queries.last_refusal(session, facts.recruiter_id)
    if reason is None:
        return None
    return _mail(
        facts,
        settings,
        N_("Something in your registration was not approved"),
        HELLO,
        N_("An admin could not approve your registration with %(company)s. The reason given:"),
        "%(reason)s",
        N_("What you can do: %(home)s"),
        reason=reason,
    )


def review_waiting(
    session: Session,
    now: datetime,  # noqa: ARG001  (every composer has this signature)
    settings: Settings,
    details: dict[str, Any],
) -> Mail | None:
    """Tells an admin that a company or a recruiter waits; None once somebody has decided."""
    try:
        facts = queries.recruiter_facts_by_id(session, UUID(details["recruiter_id"]))
        admin = accounts.contact_details(session, UUID(details["account_id"]))
    except NotFoundError:
        return None
    waits = facts.company_state is CompanyState.PENDING_REVIEW
    if not waits and not facts.review_reasons and facts.requested_work_country is None:
        return None
    values = {
        "company": facts.company_name,
        "link": f"{settings.base_url}/admin/companies/{facts.company_id}",
    }
    texts = (N_("%(company)s, or one of its recruiters, waits for your review:"), "%(link)s")
    return letter(admin.email, admin.language, N_("To review: %(company)s"), texts, values)


EMAILS: dict[str, Composer] = {
    "company_verified": company_verified,
    "company_refused": company_refused,
    "recruiter_approved": recruiter_approved,
    "recruiter_refused": recruiter_refused,
    "review_waiting": review_waiting,
}


def _recruiter(session: Session, details: dict[str, Any]) -> RecruiterFacts | None:
    try:
        return queries.recruiter_facts(session, UUID(details["account_id"]))
    except NotFoundError:
        return None


def _mail(facts: RecruiterFacts, settings: Settings, subject: str, *paragraphs: str, **more: str) -> Mail:
    values = {
        "name": facts.first_name,
        "company": facts.company_name,
        "home": f"{settings.base_url}/recruiter",
        "search": f"{settings.base_url}/recruiter/search",
        **more,
    }
    return letter(facts.email, facts.language, subject, paragraphs, values)
