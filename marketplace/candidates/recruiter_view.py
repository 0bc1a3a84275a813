"""What a recruiter is shown of candidates: the card of a list, the opened profile, the current CV.

Frozen structs, read when somebody asks. Whether they may be shown is decided before:
``contacts/disclosures.py`` is the gate.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from marketplace.accounts.models import Account
from marketplace.candidates.lifecycle import CVState
from marketplace.candidates.models import CV, Candidate
from marketplace.candidates.policy import Start, VisibilityFacts, start_month, start_on
from marketplace.candidates.policy_facts import FACTS, facts_of, permits_column, permits_of, start_of
from marketplace.errors import NotFoundError
from marketplace.reference import skills as skill_terms


@dataclass(frozen=True, kw_only=True)
class CandidateCard:
    """What a list shows of one candidate: no name, scrubbed words only (rules D7)."""

    candidate_id: UUID
    key: int
    headline: str
    country: str
    region: str
    job_fields: tuple[str, ...]
    start: Start
    skills: tuple[str, ...]
    other_skills: tuple[str, ...]
    languages: tuple[str, ...]
    education_level: int | None
    fresh_on: date
    cv_text: str

    @property
    def start_on(self) -> date:
        return start_on(self.start)

    @property
    def start_month(self) -> str:
        return start_month(self.start)

    @property
    def skills_text(self) -> str:
        return skills_text(self.skills, self.other_skills)


@dataclass(frozen=True, kw_only=True)
class OpenedProfile:
    """What an opened profile shows (rules D7): ``last_name`` is empty for a minor."""

    card: CandidateCard
    first_name: str
    last_name: str
    is_minor: bool


@dataclass(frozen=True, kw_only=True)
class CurrentCV:
    """The CV that is shown and downloaded: the last good one (rules C4)."""

    cv_id: UUID
    state: CVState
    file_key: str
    sha256: str
    pages: int | None
    text_scrubbed: str
    uploaded_at: datetime


def skills_text(slugs: Iterable[str], others: Iterable[str]) -> str:
    """Return skills as words to search: labels in French and English, then other words."""
    known = skill_terms()
    labels = [
        label
        for slug in slugs
        if (term := known.get(slug)) is not None
        for label in dict.fromkeys((term.term_fr, term.term_en))
    ]
    return ", ".join([*labels, *others])


def fresh_day(profile_confirmed_at: datetime) -> date:
    """Return the UTC day of the last confirmed profile (rules G, ``fresh``)."""
    return profile_confirmed_at.astimezone(UTC).date()


_CARD = (
    *FACTS,
    Candidate.version,
    Candidate.region,
    Candidate.job_fields,
    Candidate.skills,
    Candidate.other_skills,
    Candidate.languages,
    Candidate.education_level,
    Candidate.profile_confirmed_at,
    Candidate.headline_scrubbed,
    CV.text_scrubbed,
)


def select_cards(*more: Any) -> Any:
    """Return the statement that reads candidates with the text of their current CV."""
    return (
        select(*_CARD, *more)
        .join(Account, Account.id == Candidate.account_id)
        .outerjoin(CV, (CV.candidate_id == Candidate.id) & CV.is_current)
    )


def people_to_list(
    session: Session, ids: Collection[UUID]
) -> dict[UUID, tuple[VisibilityFacts, CandidateCard]]:
    """Return facts and card of each of these candidates in one statement, for the caller to re-check."""
    found = {}
    for row in session.execute(_listed_people(), {"ids": list(ids)}):
        found[row.id] = facts_of(row, permits_of(row)), _card(row)
    return found


@cache
def _listed_people() -> Any:
    """The statement of :func:`people_to_list`, built once: it is part of every search."""
    return select_cards(permits_column()).where(
        Candidate.id.in_(bindparam("ids", expanding=True)), Candidate.start_day.is_not(None)
    )


def opened_profile(session: Session, candidate_id: UUID, *, is_minor: bool) -> OpenedProfile:
    """Return an opened profile (rules D7); of a minor only the first name (rules C3, D7).

    ``is_minor`` is the policy's answer on the facts the decision was made from. The disclosure
    gate has written its row before; raises :class:`NotFoundError` for an unknown id.
    """
    row = session.execute(
        select_cards(Account.first_name, Account.last_name).where(Candidate.id == candidate_id)
    ).one_or_none()
    if row is None:
        raise NotFoundError(candidate_id)
    return OpenedProfile(
        card=_card(row),
        first_name=row.first_name,
        last_name="" if is_minor else row.last_name,
        is_minor=is_minor,
    )


def _card(row: Any) -> CandidateCard:
    start = start_of(row)
    if start is None:
        raise NotFoundError(row.id)
    return CandidateCard(
        candidate_id=row.id,
        key=row.key,
        headline=row.headline_scrubbed,
        country=row.country or "",
        region=row.region or "",
        job_fields=tuple(row.job_fields),
        start=start,
        skills=tuple(row.skills),
        other_skills=tuple(row.other_skills),
        languages=tuple(row.languages),
        education_level=row.education_level,
        fresh_on=fresh_day(row.profile_confirmed_at),
        cv_text=row.text_scrubbed or "",
    )


def current_cv(session: Session, candidate_id: UUID) -> CurrentCV | None:
    """Return the CV recruiters are shown, if there is one (rules C4)."""
    row = session.execute(
        select(CV.id, CV.state, CV.file_key, CV.sha256, CV.pages, CV.text_scrubbed, CV.uploaded_at).where(
            CV.candidate_id == candidate_id, CV.is_current
        )
    ).one_or_none()
    if row is None or row.file_key is None:
        return None
    return CurrentCV(
        cv_id=row.id,
        state=CVState(row.state),
        file_key=row.file_key,
        sha256=row.sha256,
        pages=row.pages,
        text_scrubbed=row.text_scrubbed,
        uploaded_at=row.uploaded_at,
    )
