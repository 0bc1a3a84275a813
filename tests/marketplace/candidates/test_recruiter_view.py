"""What a recruiter is shown of candidates."""

from __future__ import annotations

from datetime import date
from uuid import uuid4

import pytest

from marketplace.candidates.recruiter_view import opened_profile, people_to_list, skills_text
from marketplace.errors import NotFoundError
from tests.builders import a_candidate


def test_skills_are_searchable_in_both_languages() -> None:
    """D1: the words of a skill are its labels in French and English, then the candidate's own."""
    text = skills_text(["automated-testing", "python", "unknown"], ["vélo"])
    assert text == "tests automatisés, automated testing, Python, vélo"


def test_cards_hold_no_name(session) -> None:
    """Z-04, D7: a list card has no name, address, birth date or employer."""
    person = a_candidate(session, current_employer="ACME")
    _, card = people_to_list(session, [person.id])[person.id]
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
    opened = opened_profile(session, person.id, is_minor=is_minor)
    assert opened.first_name == "Camille"
    assert bool(opened.last_name) is not is_minor
    with pytest.raises(NotFoundError):
        opened_profile(session, uuid4(), is_minor=False)
