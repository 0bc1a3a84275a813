"""The facts of the policy as the tables hold them."""

from __future__ import annotations

from datetime import date
from uuid import uuid4

from sqlalchemy import event

from marketplace.candidates.lifecycle import CandidateState
from marketplace.candidates.policy import Start, WorkPermit, WorkRight
from marketplace.candidates.policy_facts import visibility_facts
from marketplace.db import Database
from tests.builders import a_candidate, a_right_to_work


def test_facts_in_two_statements(session, db: Database) -> None:
    """D2: the facts of any number of candidates take two statements."""
    people = [a_candidate(session, work_countries=("FR", "GB")) for _ in range(3)]
    statements: list[str] = []
    event.listen(db.engine, "before_cursor_execute", lambda *given: statements.append(given[2]))
    facts = visibility_facts(session, [person.id for person in people] + [uuid4()])
    assert len(statements) == 2
    assert set(facts) == {person.id for person in people}


def test_facts_hold_what_the_policy_needs(session) -> None:
    """G: state, country, start, permits, birth date, consent and pause come from the row."""
    person = a_candidate(session, "minor_with_consent", work_countries=(), pause_due_on=date(2027, 1, 1))
    a_right_to_work(session, person, "GB", WorkRight.YES, date(2028, 5, 1))
    facts = visibility_facts(session, [person.id])[person.id]
    assert facts.state is CandidateState.SEARCHABLE
    assert facts.start == Start(date(2027, 9, 1), is_month=True)
    assert facts.permits == {"GB": WorkPermit(WorkRight.YES, date(2028, 5, 1))}
    assert facts.birth_date == date(2009, 3, 2)
    assert facts.opted_in_on == date(2026, 11, 13)
    assert facts.guardian_consent_until == date(2027, 3, 1)
    assert facts.pause_due_on == date(2027, 1, 1)
