"""What other features and the index read of candidates."""

from __future__ import annotations

from datetime import date
from uuid import uuid4

import pytest
from sqlalchemy import event

from marketplace.candidates import queries, streams
from marketplace.candidates.lifecycle import CandidateState
from marketplace.candidates.policy import Start, WorkPermit, WorkRight
from marketplace.candidates.queries import Refusals, skills_text
from marketplace.db import Database
from marketplace.errors import NotFoundError
from tests.builders import a_block, a_candidate, a_company, a_recruiter, a_right_to_work, an_exclusion


def test_facts_in_two_statements(session, db: Database) -> None:
    """D2: the facts of any number of candidates take two statements."""
    people = [a_candidate(session, work_countries=("FR", "GB")) for _ in range(3)]
    statements: list[str] = []
    event.listen(db.engine, "before_cursor_execute", lambda *given: statements.append(given[2]))
    facts = queries.visibility_facts(session, [person.id for person in people] + [uuid4()])
    assert len(statements) == 2
    assert set(facts) == {person.id for person in people}
    assert queries.visibility_facts_by_key(session, [people[0].key]) == {people[0].key: facts[people[0].id]}


def test_facts_hold_what_the_policy_needs(session) -> None:
    """G: state, country, start, permits, birth date, consent and pause come from the row."""
    person = a_candidate(session, "minor_with_consent", work_countries=(), pause_due_on=date(2027, 1, 1))
    a_right_to_work(session, person, "GB", WorkRight.YES, date(2028, 5, 1))
    facts = queries.visibility_facts(session, [person.id])[person.id]
    assert facts.state is CandidateState.SEARCHABLE
    assert facts.start == Start(date(2027, 9, 1), is_month=True)
    assert facts.permits == {"GB": WorkPermit(WorkRight.YES, date(2028, 5, 1))}
    assert facts.birth_date == date(2009, 3, 2)
    assert facts.opted_in_on == date(2026, 11, 13)
    assert facts.guardian_consent_until == date(2027, 3, 1)
    assert facts.pause_due_on == date(2027, 1, 1)


def test_documents_come_in_slices(session) -> None:
    """A rebuild reads every searchable candidate of one country, once, slice by slice, by ascending key."""
    people = [a_candidate(session) for _ in range(5)]
    a_candidate(session, "hidden")
    a_candidate(session, country="GB", region=None)
    ranges = streams.slices(session, "FR", size=2)
    assert ranges[0][0] == 0
    rows = [list(streams.iter_document_rows(session, "FR", after, last)) for after, last in ranges]
    assert [len(part) for part in rows] == [2, 2, 1]
    assert [row.facts.key for part in rows for row in part] == sorted(person.key for person in people)
    assert queries.document_rows_by_id(session, [people[0].id]) == [rows[0][0]]
    facts = [(one.facts.key, one.version) for one in streams.iter_facts(session, "FR")]
    assert facts == [(row.facts.key, row.version) for part in rows for row in part]


def test_skills_are_searchable_in_both_languages() -> None:
    """D1: the words of a skill are its labels in French and English, then the candidate's own."""
    text = skills_text(["automated-testing", "python", "unknown"], ["vélo"])
    assert text == "tests automatisés, automated testing, Python, vélo"


def test_cards_hold_no_name(session) -> None:
    """Z-04, D7: a list card has no name, address, birth date or employer."""
    person = a_candidate(session, current_employer="ACME")
    _, card = queries.people_to_list(session, [person.id])[person.id]
    assert set(card.__dataclass_fields__) == {
        "candidate_id", "key", "headline", "country", "region", "job_fields", "start", "skills",
        "other_skills", "languages", "education_level", "fresh_on", "cv_text",
    }  # fmt: skip
    assert (card.start_month, card.start_on, card.fresh_on) == (
        "2027-09",
        date(2027, 9, 1),
        date(2026, 11, 18),
    )


@pytest.mark.parametrize("is_minor", [True, False])
def test_of_a_minor_only_the_first_name(session, is_minor) -> None:
    """C3, D7: an opened profile shows both names; a minor's the first name only."""
    person = a_candidate(session)
    opened = queries.opened_profile(session, person.id, is_minor=is_minor)
    assert opened.first_name == "Camille"
    assert bool(opened.last_name) is not is_minor
    with pytest.raises(NotFoundError):
        queries.opened_profile(session, uuid4(), is_minor=False)


EXCLUDING = [
    ({"domain": "acme.fr"}, True),
    ({"domain": "jobs.acme.fr"}, True),
    ({"domain": "x.jobs.acme.fr"}, False),
    ({"domain": "cme.fr"}, False),
    ({"domain": "fr"}, False),
    ({"registration_number": "732829320"}, True),
    ({"registration_number": "111111111"}, False),
]


@pytest.mark.parametrize(("exclusion", "is_hidden"), EXCLUDING)
def test_exclusions_by_domain_and_number(session, exclusion: dict[str, str], is_hidden) -> None:
    """C5, Z-05: an excluded domain hides from it and its sub-domains, a number from its company."""
    recruiter = a_recruiter(session)
    person = a_candidate(session)
    a_candidate(session)
    an_exclusion(session, person, **exclusion)
    asker = (recruiter.id, recruiter.company_id, ["jobs.acme.fr"], "732829320")
    assert queries.hidden_from(session, *asker) == ({person.key} if is_hidden else frozenset())
    assert queries.refusals(session, person.id, *asker) == Refusals(
        company_excluded=is_hidden, recruiter_blocked=False
    )


@pytest.mark.parametrize("by", ["company", "recruiter"])
def test_exclusions_and_blocks_by_id(session, by: str) -> None:
    """C5, C8: a company excluded or blocked by id hides from all of it; a blocked recruiter from one."""
    company = a_company(session)
    blocked, colleague, other = (
        a_recruiter(session, company=company), a_recruiter(session, company=company), a_recruiter(session),
    )  # fmt: skip
    person = a_candidate(session)
    if by == "company":
        a_block(session, person, company_id=company.id)
    else:
        a_block(session, person, recruiter_id=blocked.id)
    seen = {
        name: queries.hidden_from(session, who.id, who.company_id, [], None)
        for name, who in {"blocked": blocked, "colleague": colleague, "other": other}.items()
    }
    assert seen == {
        "blocked": {person.key},
        "colleague": {person.key} if by == "company" else frozenset(),
        "other": frozenset(),
    }
    asked = queries.refusals(session, person.id, blocked.id, company.id, [], None)
    assert asked == Refusals(company_excluded=False, recruiter_blocked=True)
