"""Read SQL of the ledger: as the candidate reads it (rules C6), and as a recruiter's own record."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, select
from sqlalchemy.orm import Session

from marketplace.contacts.models import CVDownload, Disclosure, DutyException, DutyState
from marketplace.contacts.paging import PAGE, Page, Position, newest_first, page_of
from marketplace.contacts.policy import Act


@dataclass(frozen=True, kw_only=True)
class LedgerView:
    """One line of the candidate's access log (rules C6)."""

    id: int
    kind: Act
    at: datetime
    company: str
    role: str
    purpose: str
    delete_by_on: date | None
    duty_state: DutyState | None
    duty_exception: DutyException | None


def access_log(
    session: Session, candidate_id: UUID, *, after: Position | None = None, size: int = PAGE
) -> Page[LedgerView]:
    """Return what left about a candidate, newest first, with the state of each duty today (rules C6).

    The day shown is the duty's, which a withdrawal may have shortened, not the ledger's.
    """
    statement = (
        select(
            Disclosure.id,
            Disclosure.kind,
            Disclosure.at,
            Disclosure.company_name,
            Disclosure.recruiter_role,
            Disclosure.purpose,
            Disclosure.delete_by_on,
            CVDownload.delete_by_on.label("duty_on"),
            CVDownload.state,
            CVDownload.exception,
        )
        .outerjoin(CVDownload, CVDownload.id == Disclosure.copy_id)
        .where(Disclosure.candidate_id == candidate_id)
    )
    statement = newest_first(statement, Disclosure.at, Disclosure.id, after)
    views = [_ledger(row) for row in session.execute(statement.limit(size + 1))]
    return page_of(views, size, lambda view: Position(view.at, view.id))


def seen_or_contacted(
    session: Session, recruiter_id: UUID, candidate_ids: Collection[UUID]
) -> dict[UUID, frozenset[Act]]:
    """Return what this recruiter already did with which of these candidates."""
    statement = (
        select(Disclosure.candidate_id, Disclosure.kind)
        .where(Disclosure.recruiter_id == recruiter_id, Disclosure.candidate_id.in_(candidate_ids))
        .distinct()
    )
    done: dict[UUID, set[Act]] = {}
    for row in session.execute(statement):
        done.setdefault(row.candidate_id, set()).add(Act(row.kind))
    return {candidate_id: frozenset(acts) for candidate_id, acts in done.items()}


def _ledger(row: Row[*tuple[Any, ...]]) -> LedgerView:
    return LedgerView(
        id=row.id,
        kind=Act(row.kind),
        at=row.at,
        company=row.company_name,
        role=row.recruiter_role,
        purpose=row.purpose,
        delete_by_on=row.duty_on or row.delete_by_on,
        duty_state=None if row.state is None else DutyState(row.state),
        duty_exception=None if row.exception is None else DutyException(row.exception),
    )
