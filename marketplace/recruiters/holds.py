"""Legal holds: an admin's reasoned word, with an end, that a recruiter's data stays for now (rules B5)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session, aliased

from marketplace import audit
from marketplace.accounts.addresses import parse_address
from marketplace.accounts.models import Account, Role
from marketplace.catalogues import N_
from marketplace.errors import ConflictError, FieldError, InvalidInputError, NotFoundError
from marketplace.periods import add_years
from marketplace.recruiters import retention
from marketplace.recruiters.lifecycle import RecruiterState
from marketplace.recruiters.models import Company, LegalHold, Recruiter

REASON_MAX_LENGTH = 1000
YEARS_AT_MOST = 5
"""A hold is renewed, not placed for ever: storage has an end (GDPR 5)."""


@dataclass(frozen=True, kw_only=True)
class HoldView:
    """A hold with whom it is on, who placed it and whether it stops a purge today."""

    id: UUID
    recruiter_id: UUID
    recruiter: str
    email: str
    company: str
    reason: str
    placed_at: datetime
    placed_by: str | None
    ends_on: date
    lifted_at: datetime | None
    is_live: bool


def place_hold(
    session: Session, now: datetime, admin_id: UUID, recruiter_id: UUID, reason: str, ends_on: date
) -> UUID:
    """Stop the purge of a recruiter until the end of a day, and say why (B5).

    Waits for a purge under way: what is gone cannot be held. Raises :class:`NotFoundError` for an
    unknown recruiter, :class:`ConflictError` for one that is purged, :class:`InvalidInputError`.
    """
    faults = _faults(now, reason.strip(), ends_on)
    if faults:
        raise InvalidInputError(faults)
    recruiter = session.get(Recruiter, recruiter_id, with_for_update=True, populate_existing=True)
    if recruiter is None:
        raise NotFoundError("recruiter")
    if recruiter.state == RecruiterState.PURGED:
        raise ConflictError("already_purged", N_("This account is purged: there is nothing left to hold."))
    hold = LegalHold(
        recruiter_id=recruiter_id, reason=reason.strip(), placed_by=admin_id, placed_at=now, ends_on=ends_on
    )
    session.add(hold)
    session.flush()
    _audit(session, now, "hold.placed", admin_id, recruiter_id, hold, ends_on=ends_on.isoformat())
    return hold.id


def recruiter_by_address(session: Session, address: str) -> UUID:
    """Return whom an admin means by an e-mail address; :class:`InvalidInputError` when it is nobody's."""
    canonical = parse_address(address).canonical
    found = session.scalar(
        select(Recruiter.id)
        .join(Account, Account.id == Recruiter.account_id)
        .where(Account.email_canonical == canonical)
    )
    if found is None:
        raise InvalidInputError.of("email", "unknown_recruiter", N_("No recruiter has this address."))
    return found


def lift_hold(session: Session, now: datetime, admin_id: UUID, hold_id: UUID) -> None:
    """End a hold before its day; ending it twice is no error. Raises :class:`NotFoundError` (B5)."""
    hold = session.get(LegalHold, hold_id, with_for_update=True)
    if hold is None:
        raise NotFoundError("hold")
    if hold.lifted_at is not None:
        return
    hold.lifted_at, hold.lifted_by = now, admin_id
    _audit(session, now, "hold.lifted", admin_id, hold.recruiter_id, hold)


def holds(session: Session, now: datetime, limit: int = 200) -> Sequence[HoldView]:
    """Return the holds, newest first."""
    admin = aliased(Account)
    rows = session.execute(
        select(
            LegalHold,
            Account.first_name,
            Account.last_name,
            Account.email,
            Company.legal_name,
            admin.email.label("placed_by_email"),
        )
        .join(Recruiter, Recruiter.id == LegalHold.recruiter_id)
        .join(Company, Company.id == Recruiter.company_id)
        .join(Account, Account.id == Recruiter.account_id)
        .outerjoin(admin, admin.id == LegalHold.placed_by)
        .order_by(LegalHold.placed_at.desc(), LegalHold.id)
        .limit(limit)
    )
    return [
        HoldView(
            id=row.LegalHold.id,
            recruiter_id=row.LegalHold.recruiter_id,
            recruiter=f"{row.first_name} {row.last_name}".strip(),
            email=row.email,
            company=row.legal_name,
            reason=row.LegalHold.reason,
            placed_at=row.LegalHold.placed_at,
            placed_by=row.placed_by_email,
            ends_on=row.LegalHold.ends_on,
            lifted_at=row.LegalHold.lifted_at,
            is_live=retention.hold_is_live(row.LegalHold.ends_on, row.LegalHold.lifted_at, now.date()),
        )
        for row in rows
    ]


def _faults(now: datetime, reason: str, ends_on: date) -> list[FieldError]:
    faults = []
    if not reason:
        faults.append(FieldError("reason", "required", N_("Say why.")))
    elif len(reason) > REASON_MAX_LENGTH:
        values = (("maximum", REASON_MAX_LENGTH),)
        faults.append(FieldError("reason", "too_long", N_("At most %(maximum)s characters."), values))
    if ends_on < now.date():
        faults.append(FieldError("ends_on", "in_the_past", N_("Choose a day that has not passed.")))
    elif ends_on > add_years(now.date(), YEARS_AT_MOST):
        message = N_("A hold lasts five years at most; it can be placed again.")
        faults.append(FieldError("ends_on", "too_far", message))
    return faults


def _audit(
    session: Session,
    now: datetime,
    act: str,
    admin_id: UUID,
    recruiter_id: UUID,
    hold: LegalHold,
    **details: object,
) -> None:
    audit.record(
        session, now, act, actor_id=admin_id, actor_role=Role.ADMIN.value,
        subject_kind="recruiter", subject_id=recruiter_id, rule="B5", hold_id=str(hold.id), **details,
    )  # fmt: skip
