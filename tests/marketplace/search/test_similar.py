"""Similar candidates: shared facets, said; nobody hidden, nobody not opened (rules D2, D3, D7, E7)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from marketplace.audit import AuditEntry
from marketplace.candidates.models import Candidate, CandidateState
from marketplace.contacts.models import Disclosure
from marketplace.errors import ContactNotAllowedError, InvalidInputError, NotFoundError
from marketplace.recruiters.lifecycle import RecruiterState
from marketplace.recruiters.models import Recruiter
from marketplace.search.similar import LOOKED_AT, MOST
from tests.builders import NOW, a_block, a_recruiter
from tests.markets import Market


@pytest.fixture
def opened(market: Market) -> UUID:
    """Somebody whose profile the recruiter has opened: two fields, three skills."""
    made = market.candidate(job_fields=["development", "data-ai"], skills=["python", "java", "sql"])
    market.opens(made)
    return made


def found(market: Market, of: UUID) -> dict[UUID, tuple[tuple[str, ...], tuple[str, ...]]]:
    return {one.card.candidate_id: (one.job_fields, one.skills) for one in market.similar(of).found}


def test_they_share_a_field_and_a_skill_and_it_is_said(market: Market, opened: UUID) -> None:
    """E7: one of the fields and one of the skills at least; the person asked about is not among them."""
    one = market.candidate(job_fields=["data-ai"], skills=["sql", "javascript"])
    both = market.candidate(job_fields=["data-ai", "development"], skills=["java", "python"])
    market.candidate(job_fields=["sales"], skills=["python"])
    market.candidate(job_fields=["development"], skills=["javascript"])
    market.candidate(job_fields=["development"], skills=[])
    market.index()
    assert found(market, opened) == {
        both: (("development", "data-ai"), ("python", "java")),
        one: (("data-ai",), ("sql",)),
    }
    assert list(found(market, opened)) == [both, one]


def test_without_skills_the_field_decides(market: Market) -> None:
    """E7: nothing is made up where a profile names no skill."""
    bare = market.candidate(job_fields=["sales"], skills=[])
    other = market.candidate(job_fields=["sales"], skills=["python"])
    market.opens(bare)
    market.index()
    assert found(market, bare) == {other: (("sales",), ())}


def test_most_shared_then_newest(market: Market, opened: UUID) -> None:
    """E7: the number of shared skills, then the day of the last confirmed profile; six at most."""
    made = [
        market.candidate(
            skills=["python", "java", "sql"][: 1 + number % 3],
            profile_confirmed_at=NOW - timedelta(days=20 - number),
        )
        for number in range(9)
    ]
    market.index()
    expected = [made[place] for place in (8, 5, 2, 7, 4, 1)]
    assert list(found(market, opened)) == expected
    assert len(expected) == MOST


def test_a_page_of_the_newest_is_looked_at(market: Market, opened: UUID) -> None:
    """E2: whoever shares most but is beyond the newest fifty is not found; the page about order says so."""
    oldest = market.candidate(skills=["python", "java", "sql"], profile_confirmed_at=NOW - timedelta(days=99))
    for _ in range(LOOKED_AT - 1):
        market.candidate(skills=["sql"], cv_text="Un texte court.")
    market.index()
    assert next(iter(found(market, opened))) == oldest
    market.candidate(skills=["sql"])
    market.index()
    assert oldest not in found(market, opened)


def _withdrawn(session: Session, market: Market, person: Candidate) -> None:
    session.execute(update(Candidate).where(Candidate.id == person.id).values(state=CandidateState.HIDDEN))


def _blocking(session: Session, market: Market, person: Candidate) -> None:
    a_block(session, person, recruiter_id=market.recruiter_id)


def _moved(session: Session, market: Market, person: Candidate) -> None:
    session.execute(update(Candidate).where(Candidate.id == person.id).values(country="GB", region="GB-TLI"))


@pytest.mark.parametrize("change", [_withdrawn, _blocking, _moved])
def test_who_is_hidden_is_as_unknown(
    market: Market, opened: UUID, change: Callable[[Session, Market, Candidate], None]
) -> None:
    """D3, INV-2: the decision of opening, taken anew; and nobody hidden is in anybody's list."""
    other = market.candidate(job_fields=["development"], skills=["python"])
    market.opens(other)
    market.index()
    assert list(found(market, other)) == [opened]
    with market.ports.db.transaction() as session:
        change(session, market, session.get_one(Candidate, opened))
    with pytest.raises(NotFoundError):
        market.similar(opened)
    assert found(market, other) == {}


def test_who_was_never_opened_is_as_unknown(market: Market, opened: UUID) -> None:
    """D7: an id alone tells nothing; a colleague's opening is not one's own."""
    seen = market.candidate()
    market.index()
    with pytest.raises(NotFoundError) as unknown:
        market.similar(uuid4())
    with pytest.raises(NotFoundError) as unopened:
        market.similar(seen)
    assert type(unknown.value) is type(unopened.value)
    with market.ports.db.transaction() as session:
        colleague = a_recruiter(session)
        other = Market(market.ports, colleague.account_id, colleague.id, colleague.company_id)
    other.opens(seen)
    with pytest.raises(NotFoundError):
        market.similar(seen)
    assert list(found(other, seen)) == [opened]


def test_looking_writes_no_disclosure_and_a_refusal_is_audited(market: Market, opened: UUID) -> None:
    """D7: nothing new leaves about the person, so no row; what was refused stands in the audit ledger."""
    seen = market.candidate()
    market.index()

    def written() -> tuple[int, list[Any]]:
        with market.ports.db.transaction() as session:
            rows = session.scalar(select(func.count()).select_from(Disclosure)) or 0
            refused = session.scalars(
                select(AuditEntry.details).where(AuditEntry.act == "profile.refused")
            ).all()
        return rows, [details["reasons"] for details in refused]

    market.similar(opened)
    assert written() == (1, [])
    with pytest.raises(NotFoundError):
        market.similar(seen)
    assert written() == (1, [["not_opened"]])


def test_the_cards_have_no_names(market: Market, opened: UUID) -> None:
    """D7: what lists show, nothing more."""
    market.candidate()
    market.index()
    (one,) = market.similar(opened).found
    assert not hasattr(one.card, "first_name")


def test_who_may_not_open_may_not_look(market: Market, opened: UUID) -> None:
    """B4, D3: a recruiter who is suspended meanwhile, and a country outside the Territory."""
    with pytest.raises(InvalidInputError):
        market.similar(opened, "DE")
    with market.ports.db.transaction() as session:
        session.execute(
            update(Recruiter)
            .where(Recruiter.id == market.recruiter_id)
            .values(state=RecruiterState.SUSPENDED)
        )
    with pytest.raises(ContactNotAllowedError):
        market.similar(opened)
