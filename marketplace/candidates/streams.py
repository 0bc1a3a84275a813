"""All candidates of a country as the index must hold them, streamed: memory stays the same at any number.

Each stream is one server-side cursor, so it sees one moment of the database and needs a transaction
around it for as long as it is read; who stops before its end closes it.
"""

from __future__ import annotations

from collections.abc import Collection, Generator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Uuid, cast, func, or_, select, update
from sqlalchemy.orm import Session

from marketplace.accounts.models import Account
from marketplace.candidates.index_rows import CHANGED, DocumentRow, document_row
from marketplace.candidates.lifecycle import CandidateState
from marketplace.candidates.models import Candidate
from marketplace.candidates.policy import VisibilityFacts
from marketplace.candidates.policy_facts import FACTS, facts_of, permits_column, permits_of
from marketplace.candidates.recruiter_view import select_cards
from marketplace.outbox import MAX_ATTEMPTS, OutboxMessage

ROWS = 250
"""Rows a cursor brings at a time where they carry texts."""

_FACT_ROWS = 5000


@dataclass(frozen=True, slots=True)
class IndexedFacts:
    """What decides whether a candidate has a document, and its version."""

    facts: VisibilityFacts
    version: int
    region: str | None


def iter_facts(session: Session, country: str) -> Generator[IndexedFacts, None, None]:
    """Yield every searchable candidate of a country, without texts, by ascending key."""
    statement = (
        select(*FACTS, Candidate.version, Candidate.region)
        .join(Account, Account.id == Candidate.account_id)
        .where(*_searchable(country))
        .order_by(Candidate.key)
        .execution_options(yield_per=_FACT_ROWS)
    )
    with session.execute(statement) as rows:
        for row in rows:
            yield IndexedFacts(facts_of(row, {}), row.version, row.region)


def iter_document_rows(
    session: Session, country: str, after: int, last: int
) -> Generator[DocumentRow, None, None]:
    """Yield what the documents of the keys in ``(after, last]`` are built from, by ascending key."""
    statement = (
        select_cards(permits_column())
        .where(*_searchable(country), Candidate.key > after, Candidate.key <= last)
        .order_by(Candidate.key)
        .execution_options(yield_per=ROWS)
    )
    with session.execute(statement) as rows:
        for row in rows:
            yield document_row(row, permits_of(row))


def slices(session: Session, country: str, size: int) -> list[tuple[int, int]]:
    """Return ranges ``(after, last]`` of keys that hold ``size`` searchable candidates each, in order.

    The last one is open-ended, so that nobody who becomes searchable meanwhile is left out.
    """
    numbered = (
        select(Candidate.key, func.row_number().over(order_by=Candidate.key).label("number"))
        .where(*_searchable(country))
        .subquery()
    )
    ends = session.scalars(
        select(numbered.c.key).where(numbered.c.number % size == 0).order_by(numbered.c.key)
    ).all()
    return list(zip([0, *ends], [*ends, 2**62], strict=True))


def waiting_keys(session: Session, keys: Collection[int]) -> set[int]:
    """Return those of ``keys`` with a change that the relay has yet to carry out; the dead do not count."""
    waits = OutboxMessage.done_at.is_(None) & (OutboxMessage.attempts < MAX_ATTEMPTS)
    here = session.scalars(_keys_of_messages(waits).where(Candidate.key.in_(keys)))
    key = OutboxMessage.details["key"].as_integer()  # of somebody erased, who has no row any more
    erased = session.scalars(select(key).where(OutboxMessage.topic == CHANGED, waits, key.in_(keys)))
    return {*here, *erased}


def changed_keys(session: Session, since: datetime) -> list[int]:
    """Return, in order, the keys of everybody whose change was written at or after ``since`` or waits."""
    statement = _keys_of_messages(or_(OutboxMessage.created_at >= since, OutboxMessage.done_at.is_(None)))
    return sorted(set(session.scalars(statement)))


def conclude_dead(session: Session, now: datetime, keys: Collection[int]) -> int:
    """Mark done what was given up of these candidates, whom the index now shows as they are."""
    subjects = session.scalars(select(Candidate.id).where(Candidate.key.in_(keys)))
    rows = session.execute(
        update(OutboxMessage)
        .where(
            OutboxMessage.topic == CHANGED,
            OutboxMessage.subject.in_([str(one) for one in subjects]),
            OutboxMessage.done_at.is_(None),
            OutboxMessage.attempts >= MAX_ATTEMPTS,
        )
        .values(done_at=now)
        .returning(OutboxMessage.id)
    )
    return len(rows.all())


def _keys_of_messages(*conditions: Any) -> Any:
    subjects = select(cast(OutboxMessage.subject, Uuid)).where(OutboxMessage.topic == CHANGED, *conditions)
    return select(Candidate.key).where(Candidate.id.in_(subjects))


def _searchable(country: str) -> tuple[Any, ...]:
    return Candidate.country == country, Candidate.state == CandidateState.SEARCHABLE
