"""What the search index is made of: the rows behind its documents, and what it has yet to learn.

``indexer/documents.py`` makes documents of these rows; ``streams.py`` reads all of a country.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, String, cast, exists, func, or_, select
from sqlalchemy.orm import Session

from marketplace.candidates.lifecycle import CandidateState
from marketplace.candidates.models import Candidate
from marketplace.candidates.policy import VisibilityFacts, WorkPermit
from marketplace.candidates.policy_facts import facts_of, permits_by_candidate
from marketplace.candidates.recruiter_view import fresh_day, select_cards, skills_text
from marketplace.outbox import OutboxMessage

CHANGED = "candidate.changed"
"""Outbox topic: the index must learn this candidate anew; the subject is the candidate's id."""


@dataclass(frozen=True, kw_only=True)
class DocumentRow:
    """Everything the index document of one candidate is built from (``indexer/documents.py``)."""

    facts: VisibilityFacts
    version: int
    region: str | None
    job_fields: tuple[str, ...]
    skills: tuple[str, ...]
    other_skills: tuple[str, ...]
    languages: tuple[str, ...]
    education_level: int | None
    fresh_on: date
    headline: str
    cv_text: str

    @property
    def skills_text(self) -> str:
        """The words of the skills in both languages, then those outside the vocabulary."""
        return skills_text(self.skills, self.other_skills)


def document_rows(session: Session, keys: Collection[int]) -> list[DocumentRow]:
    """Return what the documents of these keys are built from; erased ones are absent."""
    return _document_rows(session, Candidate.key.in_(keys))


def document_rows_by_id(session: Session, ids: Collection[UUID]) -> list[DocumentRow]:
    """Return the same by candidate id, as outbox rows name them."""
    return _document_rows(session, Candidate.id.in_(ids))


def _document_rows(session: Session, condition: ColumnElement[bool]) -> list[DocumentRow]:
    rows = session.execute(select_cards().where(condition).order_by(Candidate.key)).all()
    permits = permits_by_candidate(session, [row.id for row in rows])
    return [document_row(row, permits[row.id]) for row in rows]


def document_row(row: Any, permits: Mapping[str, WorkPermit]) -> DocumentRow:
    """Return a row of :func:`select_cards` as what a document is built from."""
    return DocumentRow(
        facts=facts_of(row, permits),
        version=row.version,
        region=row.region,
        job_fields=tuple(row.job_fields),
        skills=tuple(row.skills),
        other_skills=tuple(row.other_skills),
        languages=tuple(row.languages),
        education_level=row.education_level,
        fresh_on=fresh_day(row.profile_confirmed_at),
        headline=row.headline_scrubbed,
        cv_text=row.text_scrubbed or "",
    )


def count_searchable(session: Session, country: str) -> int:
    """Return how many candidates of a country are searchable."""
    statement = select(func.count()).where(
        Candidate.country == country, Candidate.state == CandidateState.SEARCHABLE
    )
    return session.scalars(statement).one()


def is_anyone_indexed(session: Session, country: str) -> bool:
    """Say whether a country has anybody who must be in its index by now: searchable, no change on its way."""
    on_its_way = exists().where(
        OutboxMessage.topic == CHANGED,
        OutboxMessage.subject == cast(Candidate.id, String),
        OutboxMessage.done_at.is_(None),
    )
    found = exists().where(
        Candidate.country == country, Candidate.state == CandidateState.SEARCHABLE, ~on_its_way
    )
    return bool(session.scalar(select(found)))


def pending_lower_keys(session: Session, country: str) -> frozenset[int]:
    """Return the keys a query on ``country`` must leave out: changes not yet in the index (rules G).

    A candidate who moved away still has a document in the old country's index, so the move's
    message names that country.
    """
    pending = session.execute(_pending()).all()
    if not pending:
        return frozenset()
    left = [UUID(subject) for subject, was_country in pending if was_country == country]
    statement = select(Candidate.key).where(
        Candidate.id.in_([UUID(subject) for subject, _ in pending]),
        or_(Candidate.country == country, Candidate.id.in_(left)),
    )
    return frozenset(session.scalars(statement))


@cache
def _pending() -> Any:
    return select(OutboxMessage.subject, OutboxMessage.details["was_country"].astext).where(
        OutboxMessage.done_at.is_(None),
        OutboxMessage.lowers_visibility,
        OutboxMessage.topic == CHANGED,
    )
