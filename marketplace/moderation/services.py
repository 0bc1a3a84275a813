"""Use cases of sanctions: suspending, lifting, and giving back what a suspension had taken (E5).

Each is decided on the account's locked row, in one transaction with its audit entry and its mail.
Callers have checked that the author is an admin. How a role is suspended is the role's own part
(``recruiters/suspension.py``, ``candidates/suspension.py``).
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy.orm import Session

from marketplace import audit
from marketplace.accounts import suspension as accounts
from marketplace.accounts.mail_requests import request_mail
from marketplace.accounts.models import Role
from marketplace.candidates import suspension as candidates
from marketplace.candidates.lifecycle import CandidateState
from marketplace.catalogues import N_
from marketplace.errors import FieldError, InvalidInputError, NotFoundError
from marketplace.moderation import queries
from marketplace.moderation.models import Sanction
from marketplace.moderation.policy import LONGEST_YEARS, SanctionKind, Term, is_possible_end, strictest
from marketplace.recruiters import suspension as recruiters
from marketplace.recruiters.lifecycle import RecruiterState
from marketplace.settings import Settings

CLAUSE_MAX_LENGTH = 200
TEXT_MAX_LENGTH = 4000


@dataclass(frozen=True, kw_only=True)
class Measure:
    """What an admin decides, with the statement of reasons; without ``until`` it is for good."""

    kind: str
    until: datetime | None
    clause: str
    facts: str
    reason: str


def suspend_recruiter(
    session: Session, now: datetime, settings: Settings, admin_id: UUID, recruiter_id: UUID, measure: Measure
) -> UUID:
    """Suspend a recruiter from this commit on; return the sanction's id (E5).

    Raises :class:`InvalidInputError`, :class:`NotFoundError`, :class:`ConflictError` for one whose
    state cannot be suspended.
    """
    member = queries.recruiter_line(session, recruiter_id)
    return _impose(session, now, settings, admin_id, member.account_id, measure)


def suspend_candidate(
    session: Session, now: datetime, settings: Settings, admin_id: UUID, candidate_id: UUID, measure: Measure
) -> UUID:
    """Suspend a candidate, who is in no answer from this commit on; the same otherwise (E5, D2)."""
    member = queries.candidate_line(session, candidate_id)
    return _impose(session, now, settings, admin_id, member.account_id, measure)


def lift(
    session: Session, now: datetime, settings: Settings, admin_id: UUID, sanction_id: UUID, reason: str
) -> None:
    """End a sanction before its time; the member is reinstated unless another one holds (E5).

    Lifting what holds no more, lifted or run out, changes nothing. Raises
    :class:`InvalidInputError`, :class:`NotFoundError`.
    """
    faults: list[FieldError] = []
    text = _text("reason", reason, TEXT_MAX_LENGTH, faults)
    if faults:
        raise InvalidInputError(faults)
    account_id = queries.sanction(session, sanction_id).account_id
    role = accounts.hold(session, account_id)
    _end_what_is_over(session, now, settings, account_id, role)
    found = session.get(Sanction, sanction_id, populate_existing=True)
    if found is None:
        raise NotFoundError("sanction")
    if found.ended_at is not None:
        return
    found.lifted_at, found.lifted_by, found.lift_reason = now, admin_id, text
    session.flush()
    _audit(session, now, "sanction.lifted", found, admin_id)
    request_mail(session, now, "sanction_lifted", account_id, sanction_id=str(sanction_id))
    _end_what_is_over(session, now, settings, account_id, role, admin_id)


def reinstate_if_due(session: Session, now: datetime, settings: Settings, account_id: UUID) -> bool:
    """Give a member back what suspensions that have run out had taken; tell whether they are free (E5).

    Asked twice, or by two at once, it is done once. An account that is gone is nobody's.
    """
    try:
        role = accounts.hold(session, account_id)
    except NotFoundError:
        return False
    return _end_what_is_over(session, now, settings, account_id, role)


def _impose(
    session: Session, now: datetime, settings: Settings, admin_id: UUID, account_id: UUID, measure: Measure
) -> UUID:
    clause, facts, reason = _statement(now, measure)
    role = accounts.hold(session, account_id)
    _end_what_is_over(session, now, settings, account_id, role)
    standing = queries.open_sanctions(session, account_id)
    sanction_id = uuid4()
    if standing:
        before = standing[0].state_before  # what the first one left; that is what comes back
    elif role is Role.RECRUITER:
        before = recruiters.suspend(session, now, account_id, admin_id, sanction_id).value
    else:
        before = candidates.suspend(session, now, account_id, admin_id, sanction_id).value
    made = Sanction(
        id=sanction_id,
        account_id=account_id,
        role=role,
        kind=SanctionKind.SUSPEND,
        starts_at=now,
        until=measure.until,
        clause=clause,
        facts=facts,
        reason=reason,
        decided_by=admin_id,
        state_before=before,
    )
    session.add(made)
    session.flush()
    counts = strictest(map(_term, (*standing, made)), now)
    if counts is not None:
        accounts.suspend(session, now, account_id, counts.sanction_id, counts.until)
    until = None if measure.until is None else measure.until.isoformat()
    _audit(session, now, "sanction.imposed", made, admin_id, clause=clause, until=until)
    request_mail(session, now, "sanction_imposed", account_id, sanction_id=str(sanction_id))
    return sanction_id


def _end_what_is_over(
    session: Session,
    now: datetime,
    settings: Settings,
    account_id: UUID,
    role: Role,
    admin_id: UUID | None = None,
) -> bool:
    """Write down what holds no more; reinstate when nothing is left, and tell so."""
    standing = queries.open_sanctions(session, account_id)
    counts = strictest(map(_term, standing), now)
    over = [row for row in standing if not _holds(row, now)]
    if not over:
        return False
    for row in over:
        row.ended_at = now
        if row.lifted_at is None:
            _audit(session, now, "sanction.ended", row, None)
    session.flush()
    if counts is not None:
        accounts.hold_on(session, account_id, counts.sanction_id, counts.until)
        return False
    accounts.reinstate(session, account_id)
    before = standing[0].state_before
    if role is Role.RECRUITER:
        recruiters.reinstate(session, now, account_id, RecruiterState(before), admin_id=admin_id)
    else:
        candidates.reinstate(session, now, settings, account_id, CandidateState(before), admin_id=admin_id)
    last = over[-1]
    if last.lifted_at is None:
        request_mail(session, now, "suspension_ended", account_id, sanction_id=str(last.id))
    return True


def _holds(row: Sanction, now: datetime) -> bool:
    return strictest([_term(row)], now) is not None


def _term(row: Sanction) -> Term:
    return Term(sanction_id=row.id, starts_at=row.starts_at, until=row.until, lifted_at=row.lifted_at)


def _statement(now: datetime, measure: Measure) -> tuple[str, str, str]:
    """Return clause, facts and reason as they are stored; raises :class:`InvalidInputError`."""
    faults: list[FieldError] = []
    if measure.kind != SanctionKind.SUSPEND:
        faults.append(FieldError("kind", "unknown_kind", N_("The only sanction there is, is suspend.")))
    if measure.until is not None and not is_possible_end(measure.until, now):
        message = N_("Choose an end in the future, within %(years)s years; or suspend for good.")
        faults.append(FieldError("until", "out_of_range", message, (("years", LONGEST_YEARS),)))
    clause = " ".join(_text("clause", measure.clause, CLAUSE_MAX_LENGTH, faults).split())
    facts = _text("facts", measure.facts, TEXT_MAX_LENGTH, faults)
    reason = _text("reason", measure.reason, TEXT_MAX_LENGTH, faults)
    if faults:
        raise InvalidInputError(faults)
    return clause, facts, reason


def _text(field: str, value: str, maximum: int, faults: list[FieldError]) -> str:
    """Return what is read by the member as it is stored: composed, lines kept, nothing invisible."""
    text = unicodedata.normalize("NFC", value.replace("\r\n", "\n")).strip()
    if not text:
        faults.append(FieldError(field, "required", N_("Write this down: the member reads it.")))
    elif len(text) > maximum:
        message = N_("Use at most %(maximum)s characters.")
        faults.append(FieldError(field, "too_long", message, (("maximum", maximum),)))
    elif not all(mark in "\n\t" or mark.isprintable() for mark in text):
        message = N_("Some of these characters cannot be used here.")
        faults.append(FieldError(field, "unreadable", message))
    return text


def _audit(
    session: Session, now: datetime, act: str, row: Sanction, admin_id: UUID | None, **details: object
) -> None:
    audit.record(
        session, now, act, actor_id=admin_id, actor_role=Role.ADMIN.value if admin_id else "system",
        subject_kind="account", subject_id=row.account_id, rule="E5", sanction_id=str(row.id),
        kind=SanctionKind(row.kind).value, **details,
    )  # fmt: skip
