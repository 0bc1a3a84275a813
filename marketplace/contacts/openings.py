"""The apprenticeships a recruiter offers: made, changed, closed (rules D3)."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy.orm import Session

from marketplace import audit
from marketplace.contacts import opening_queries
from marketplace.contacts.asking_recruiters import AskingRecruiter, asking_recruiter
from marketplace.contacts.models import Opening, OpeningState
from marketplace.contacts.opening_queries import OpeningView
from marketplace.contacts.policy import Reason
from marketplace.errors import ConflictError, FieldError, InvalidInputError, NotAllowedError, NotFoundError
from marketplace.periods import add_years
from marketplace.reference import TERRITORY

TITLE_CHARACTERS = 200
COMPANY_CHARACTERS = 200
YEARS_AHEAD = 5
OPENINGS_KEPT_OPEN = 200
"""More at once is no person's work; closing one makes room."""


@dataclass(frozen=True, kw_only=True)
class OpeningChange:
    """What to change of an opening; None leaves it as it is."""

    title: str | None = None
    company: str | None = None
    job_country: str | None = None
    start_on: date | None = None
    state: OpeningState | None = None


def create_opening(
    session: Session,
    now: datetime,
    account_id: UUID,
    *,
    title: str,
    job_country: str,
    start_on: date,
    company: str | None = None,
) -> OpeningView:
    """Open an apprenticeship to contact candidates about; the hiring company defaults to the own one (D3).

    Raises :class:`InvalidInputError` for a field, :class:`NotAllowedError` while the recruiter is not
    active or the company not verified (B3, B4), :class:`ConflictError` when too many are open.
    """
    recruiter = _active(asking_recruiter(session, account_id))
    change = OpeningChange(
        title=title, company=company or recruiter.company_name, job_country=job_country, start_on=start_on
    )
    change = _checked(change, now.date())
    if opening_queries.open_openings_count(session, recruiter.recruiter_id) >= OPENINGS_KEPT_OPEN:
        raise ConflictError("too_many_openings", "Close an opening before you create another one.")
    opening = Opening(
        recruiter_id=recruiter.recruiter_id,
        company_id=recruiter.company_id,
        title=change.title,
        company_name=change.company,
        job_country=change.job_country,
        start_on=change.start_on,
        state=OpeningState.OPEN,
        created_at=now,
    )
    session.add(opening)
    session.flush()
    _record(session, now, "opening.created", account_id, opening)
    return opening_queries.opening_view(opening)


def change_opening(
    session: Session, now: datetime, account_id: UUID, opening_id: UUID, change: OpeningChange
) -> OpeningView:
    """Change, close or reopen an own opening (D3); what the ledger says of it stays as it was.

    Raises :class:`NotFoundError` for an unknown or foreign one, :class:`InvalidInputError` for a field.
    """
    recruiter = asking_recruiter(session, account_id)
    opening = _own(session, recruiter, opening_id, lock=True)
    if change.state is not OpeningState.CLOSED:
        _active(recruiter)
    change = _checked(change, now.date())
    was_open = opening.state == OpeningState.OPEN
    opening.title = change.title or opening.title
    opening.company_name = change.company or opening.company_name
    opening.job_country = change.job_country or opening.job_country
    opening.start_on = change.start_on or opening.start_on
    opening.state = change.state or opening.state
    session.flush()
    closes = was_open and opening.state == OpeningState.CLOSED
    _record(session, now, "opening.closed" if closes else "opening.changed", account_id, opening)
    return opening_queries.opening_view(opening)


def own_opening(session: Session, account_id: UUID, opening_id: UUID) -> OpeningView:
    """Return an own opening, open or closed; :class:`NotFoundError` for any other."""
    recruiter = asking_recruiter(session, account_id)
    return opening_queries.opening_view(_own(session, recruiter, opening_id, lock=False))


def own_open_opening(session: Session, recruiter_id: UUID, opening_id: UUID) -> OpeningView:
    """Return an own, open opening; anything else is a 422 ``opening_required`` (D3, security.md C-05)."""
    opening = session.get(Opening, opening_id)
    if opening is None or opening.recruiter_id != recruiter_id or opening.state != OpeningState.OPEN:
        raise InvalidInputError(
            [FieldError("opening_id", "opening_required", "Choose one of your open openings.")],
            code="opening_required",
        )
    return opening_queries.opening_view(opening)


def _own(session: Session, recruiter: AskingRecruiter, opening_id: UUID, *, lock: bool) -> Opening:
    opening = session.get(Opening, opening_id, with_for_update=True if lock else None)
    if opening is None or opening.recruiter_id != recruiter.recruiter_id:
        raise NotFoundError
    return opening


def _active(recruiter: AskingRecruiter) -> AskingRecruiter:
    if not recruiter.is_company_verified:
        raise NotAllowedError(Reason.COMPANY_NOT_VERIFIED, "Your company is not verified yet.")
    if not recruiter.is_active:
        raise NotAllowedError(Reason.RECRUITER_NOT_ACTIVE, "Your account is not active.")
    return recruiter


def _checked(change: OpeningChange, today: date) -> OpeningChange:
    """Return the change with its texts tidied; raise :class:`InvalidInputError` naming every wrong field."""
    errors: list[FieldError] = []
    title = _line(change.title, "title", TITLE_CHARACTERS, errors)
    company = _line(change.company, "company", COMPANY_CHARACTERS, errors)
    if change.job_country is not None and change.job_country not in TERRITORY:
        errors.append(FieldError("job_country", "not_in_territory", "Choose FR, GB or US."))
    if change.start_on is not None and not _is_near(change.start_on, today):
        errors.append(FieldError("start_on", "out_of_range", "Give a start date within the next five years."))
    if errors:
        raise InvalidInputError(errors)
    return OpeningChange(
        title=title,
        company=company,
        job_country=change.job_country,
        start_on=change.start_on,
        state=change.state,
    )


def _is_near(start_on: date, today: date) -> bool:
    """A start some months ago can still be joined; years ago or far ahead is a slip of the keyboard."""
    return add_years(today, -1) <= start_on <= add_years(today, YEARS_AHEAD)


def _line(text: str | None, field: str, limit: int, errors: list[FieldError]) -> str | None:
    if text is None:
        return None
    tidy = " ".join(text.split())
    if not tidy:
        errors.append(FieldError(field, "required", "Fill in this field."))
    elif len(tidy) > limit:
        errors.append(FieldError(field, "too_long", "At most %(limit)s characters.", (("limit", limit),)))
    elif any(unicodedata.category(character) in {"Cc", "Cs", "Cf"} for character in tidy):
        errors.append(FieldError(field, "characters", "Control characters are not accepted."))
    return tidy


def _record(session: Session, now: datetime, act: str, account_id: UUID, opening: Opening) -> None:
    audit.record(
        session, now, act, actor_id=account_id, actor_role="recruiter",
        subject_kind="opening", subject_id=opening.id, rule="D3", job_country=opening.job_country,
    )  # fmt: skip
