"""What the forms of openings and contacts send, and what their pages say in plain words."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from uuid import UUID

from sqlalchemy.orm import Session

from marketplace.catalogues import N_
from marketplace.contacts import openings
from marketplace.contacts.models import OpeningState
from marketplace.contacts.opening_queries import OpeningView
from marketplace.contacts.openings import OpeningChange
from marketplace.contacts.policy import Reason
from marketplace.errors import FieldError, InvalidInputError, NotFoundError
from marketplace.web.portal import FormData

NEW = "new"
"""The choice of an opening that is made with the contact itself."""

REASONS: Mapping[Reason, str] = {
    Reason.NO_RIGHT_TO_WORK: N_("The candidate has no right to work in the country of the job."),
    Reason.RECRUITER_NOT_ACTIVE: N_("Your account is not active."),
    Reason.COMPANY_NOT_VERIFIED: N_("Your company is not verified yet."),
    Reason.TERMS_OUTDATED: N_("A document has a new version that you have not accepted yet."),
    Reason.DATA_UNCONFIRMED: N_(
        "Your data have not been confirmed for too long. Confirm them in your account."
    ),
    Reason.DUTIES_OVERDUE: N_(
        "You hold copies whose deletion is long overdue. Delete them, attest it, and go on."
    ),
    Reason.BUDGET_SPENT: N_("You have opened as many profiles as is usual; the pace will be looked at."),
}
"""What a recruiter is told: keys of the catalogues."""


def id_of(text: str) -> UUID:
    """Return the id a form sent; raise :class:`NotFoundError` for what is none."""
    try:
        return UUID(text)
    except ValueError:
        raise NotFoundError from None


def day_of(text: str, field: str) -> date:
    """Return the day a form sent; raise :class:`InvalidInputError` naming the field."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise InvalidInputError.of(field, "invalid", N_("Give a date.")) from None


def opening_from(session: Session, now: datetime, account_id: UUID, form: FormData) -> OpeningView:
    """Create the opening of a form; its fields are named as in the API."""
    return openings.create_opening(
        session,
        now,
        account_id,
        title=form.text("title"),
        job_country=form.text("job_country"),
        start_on=day_of(form.text("start_on"), "start_on"),
        company=form.text("company") or None,
    )


def change_from(form: FormData) -> OpeningChange:
    """Return what the form of an opening changes."""
    return OpeningChange(
        title=form.text("title"),
        company=form.text("company") or None,
        job_country=form.text("job_country"),
        start_on=day_of(form.text("start_on"), "start_on"),
    )


def state_from(form: FormData) -> OpeningChange:
    """Return the closing or reopening a button asks for."""
    try:
        return OpeningChange(state=OpeningState(form.text("state")))
    except ValueError:
        raise InvalidInputError.of("state", "invalid", N_("An opening is open or closed.")) from None


def chosen_opening(text: str, field: str) -> UUID:
    """Return the opening chosen in a form; raise :class:`InvalidInputError` where none was."""
    try:
        return UUID(text)
    except ValueError:
        raise InvalidInputError(
            [FieldError(field, "opening_required", N_("Choose one of your open openings."))],
            code="opening_required",
        ) from None
