"""The profile (rules C1): every fault collected, everything folded, the state that follows."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace import reference
from marketplace.candidates import index_rows, profiles
from marketplace.candidates.lifecycle import CandidateState, Missing
from marketplace.candidates.models import Candidate
from marketplace.candidates.profiles import ProfileInput, Right, clean, sort_skills
from marketplace.errors import ConflictError, FieldError, InvalidInputError
from marketplace.outbox import OutboxMessage
from tests.builders import a_candidate, an_account

GOOD = ProfileInput(
    country="FR",
    region="FR-IDF",
    job_fields=["development"],
    start_month="2027-09",
    flex_weeks=4,
    headline="Apprenti développeur",
    skills=["python", "Jardinage"],
    languages=["fr", "EN"],
    education_level=5,
    current_employer=" ACME ",
    right_to_work=[
        Right("FR", "yes"),
        Right("GB", "yes", date(2028, 1, 31)),
        Right("US", "needs_sponsorship"),
    ],
)


def save(session, now, settings, account_id: UUID, profile: ProfileInput) -> profiles.Profile:
    return profiles.update_profile(session, now, settings, account_id, profile)


def faults(session, now, settings, **changes: object) -> list[tuple[str, str]]:
    candidate = a_candidate(session, "hidden")
    with pytest.raises(InvalidInputError) as refused:
        save(session, now, settings, candidate.account_id, replace(GOOD, **changes))  # type: ignore[arg-type]
    return [(fault.field, fault.code) for fault in refused.value.errors]


def changed(session: Session, candidate: Candidate) -> OutboxMessage:
    found = session.scalars(
        select(OutboxMessage)
        .where(OutboxMessage.subject == str(candidate.id))
        .order_by(OutboxMessage.id.desc())
    ).first()
    assert found is not None
    return found


def test_a_whole_profile(session, now, settings) -> None:
    """C1: what is written is what is read; words outside the vocabulary stay text, no facet."""
    candidate = a_candidate(session, "incomplete")
    saved = save(session, now, settings, candidate.account_id, GOOD)
    assert saved == profiles.own_profile(session, now, settings, candidate.account_id)
    assert (saved.country, saved.region, saved.job_fields) == ("FR", "FR-IDF", ("development",))
    assert (saved.start_on, saved.start_month, saved.flex_weeks) == (None, "2027-09", 4)
    assert (saved.skills, saved.other_skills) == (("python",), ("Jardinage",))
    assert (saved.languages, saved.education_level, saved.current_employer) == (("fr", "en"), 5, "ACME")
    assert saved.right_to_work == tuple(GOOD.right_to_work)
    assert (saved.state, saved.missing) == (CandidateState.INCOMPLETE, (Missing.CV,))
    assert saved.confirmed_at == now


def test_what_is_read_can_be_sent_back(session, now, settings) -> None:
    """C1: saving the profile as it was read changes nothing."""
    candidate = a_candidate(session, "incomplete")
    first = save(session, now, settings, candidate.account_id, GOOD)
    names = ProfileInput.__dataclass_fields__
    again = ProfileInput(**{name: getattr(first, name) for name in names})
    assert save(session, now, settings, candidate.account_id, again) == first


def test_an_absent_field_empties(session, now, settings) -> None:
    """C1, C7: an empty profile of a searchable person makes it incomplete and unlisted at commit."""
    candidate = a_candidate(session)
    saved = save(session, now, settings, candidate.account_id, ProfileInput())
    assert saved.state is CandidateState.INCOMPLETE
    assert set(saved.missing) == set(Missing) - {Missing.CV, Missing.GUARDIAN_CONSENT}
    assert index_rows.pending_lower_keys(session, "FR") == {candidate.key}


def test_completing_makes_hidden(session, now, settings) -> None:
    """C7: with the last gap filled the profile is hidden, never searchable by itself."""
    candidate = a_candidate(session, "hidden", state=CandidateState.INCOMPLETE, region=None)
    assert save(session, now, settings, candidate.account_id, GOOD).state is CandidateState.HIDDEN


def test_a_minor_stays_restricted(session, now, settings) -> None:
    """A1, C3: minors complete everything and stay restricted."""
    candidate = a_candidate(session, "minor")
    saved = save(session, now, settings, candidate.account_id, GOOD)
    assert (saved.state, saved.missing) == (CandidateState.RESTRICTED, (Missing.GUARDIAN_CONSENT,))


@pytest.mark.parametrize(
    ("changes", "lowers"),
    [
        ({"region": "FR-BRE"}, False),
        ({"skills": ["java"]}, False),
        ({"headline": "Autre"}, False),
        ({"start_month": "2027-10"}, True),
        ({"flex_weeks": 5}, True),
        ({"right_to_work": [Right("GB", "yes")]}, True),
        ({"country": "GB", "region": "GB-ENG"}, True),
    ],
)
def test_what_lowers_visibility(session, now, settings, changes: dict[str, object], lowers: bool) -> None:
    """G: a move, a permit or a start keeps a listed person out until the index knows; a region may lag."""
    candidate = a_candidate(session)
    save(session, now, settings, candidate.account_id, GOOD)
    session.flush()
    profile = replace(GOOD, **changes)  # type: ignore[arg-type]
    if "country" in changes:
        regions = [code for code, region in reference.regions().items() if region.country == "GB"]
        profile = replace(profile, region=regions[0])
    save(session, now, settings, candidate.account_id, profile)
    message = changed(session, candidate)
    assert message.lowers_visibility is lowers
    if "country" in changes:
        assert message.details == {"was_country": "FR"}
        assert index_rows.pending_lower_keys(session, "FR") == {candidate.key}
        assert index_rows.pending_lower_keys(session, "GB") == {candidate.key}
        assert index_rows.pending_lower_keys(session, "US") == frozenset()


def test_each_change_has_its_version(session, now, settings) -> None:
    """F-02: the version grows with every change, in its transaction."""
    candidate = a_candidate(session)
    for expected in (2, 3, 4):
        save(session, now, settings, candidate.account_id, GOOD)
        assert index_rows.document_rows(session, [candidate.key])[0].version == expected


def test_overseas_codes_fold(session, now, settings) -> None:
    """C1: GP, RE and the like are France, for residence and for the right to work."""
    candidate = a_candidate(session, "incomplete")
    profile = replace(GOOD, country="re", region="FR-974", right_to_work=[Right("GP", "yes")])
    saved = save(session, now, settings, candidate.account_id, profile)
    assert (saved.country, saved.region, saved.right_to_work) == ("FR", "FR-974", (Right("FR", "yes"),))


@pytest.mark.parametrize("country", ["JE", "GG", "IM", "GI", "MC", "PR", "DE", "XX"])
def test_outside_the_territory(session, now, settings, country: str) -> None:
    """C1: the Channel Islands, Man, Gibraltar, Monaco and US territories are not in the Territory."""
    assert faults(session, now, settings, country=country) == [("country", "outside_territory")]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"region": "GB-ENG"}, [("region", "unknown_region")]),
        ({"country": "US"}, [("region", "region_elsewhere")]),
        ({"country": None}, [("region", "region_elsewhere")]),
        ({"job_fields": ["development", "x"]}, [("job_fields", "unknown_value")]),
        ({"languages": ["fr", "xx"]}, [("languages", "unknown_value")]),
        ({"education_level": 2}, [("education_level", "unknown_value")]),
        ({"education_level": 9}, [("education_level", "unknown_value")]),
        ({"flex_weeks": -1}, [("flex_weeks", "out_of_range")]),
        ({"flex_weeks": 27}, [("flex_weeks", "out_of_range")]),
        ({"start_month": "2027-13"}, [("start_month", "not_a_month")]),
        ({"start_month": "2040-01"}, [("start_month", "start_too_far")]),
        ({"start_month": None, "start_on": date(2020, 1, 1)}, [("start_on", "start_too_far")]),
        ({"start_on": date(2027, 10, 1)}, [("start_month", "two_starts")]),
        ({"headline": "x" * 201}, [("headline", "too_long")]),
        ({"current_employer": "x" * 201}, [("current_employer", "too_long")]),
        ({"other_skills": ["y" * 61]}, [("other_skills", "too_long")]),
        ({"other_skills": [f"skill {n}" for n in range(31)]}, [("other_skills", "too_many")]),
        ({"right_to_work": [Right("DE", "yes")]}, [("right_to_work", "outside_territory")]),
        ({"right_to_work": [Right("FR", "maybe")]}, [("right_to_work.FR", "unknown_value")]),
        (
            {"right_to_work": [Right("FR", "no", date(2028, 1, 1))]},
            [("right_to_work.FR", "expiry_without_right")],
        ),
        ({"right_to_work": [Right("FR", "yes", date(2199, 12, 31))]}, [("right_to_work.FR", "too_late")]),
        ({"right_to_work": [Right("FR", "yes"), Right("RE", "no")]}, [("right_to_work.FR", "stated_twice")]),
    ],
)
def test_each_fault_is_named(session, now, settings, changes, expected) -> None:
    """C1: a wrong field is a 422 that names it."""
    if changes.get("region") == "GB-ENG" and "GB-ENG" in reference.regions():
        expected = [("region", "region_elsewhere")]
    assert faults(session, now, settings, **changes) == expected


def test_every_fault_at_once(session, now, settings) -> None:
    """C1: all faults are told together, those of the form first, and nothing is stored."""
    candidate = a_candidate(session, "hidden")
    wrong = replace(GOOD, country="DE", flex_weeks=99, education_level=1, job_fields=["x"])
    with pytest.raises(InvalidInputError) as refused:
        profiles.update_profile(
            session, now, settings, candidate.account_id, wrong,
            other_faults=[FieldError("start_on", "not_a_date", "Enter a date: year, month and day.")],
        )  # fmt: skip
    assert [fault.field for fault in refused.value.errors] == [
        "start_on", "country", "flex_weeks", "job_fields", "education_level",
    ]  # fmt: skip
    assert session.scalars(select(OutboxMessage)).all() == []
    assert candidate.headline == "Apprentie développeuse Python"


@pytest.mark.parametrize("weeks", [0, 26])
def test_the_bounds_of_flexibility(session, now, settings, weeks: int) -> None:
    """G: 0 and 26 weeks are fine."""
    candidate = a_candidate(session, "hidden")
    saved = save(session, now, settings, candidate.account_id, replace(GOOD, flex_weeks=weeks))
    assert saved.flex_weeks == weeks


def test_a_day_inside_the_month_is_the_day(session, now, settings) -> None:
    """G: a day and its own month together are that day, as search results show both."""
    candidate = a_candidate(session, "hidden")
    saved = save(session, now, settings, candidate.account_id, replace(GOOD, start_on=date(2027, 9, 13)))
    assert (saved.start_on, saved.start_month) == (date(2027, 9, 13), None)


def test_headline_and_words_are_scrubbed(session, now, settings) -> None:
    """C4, P-04: names and contact details stay the candidate's own in what is indexed or listed."""
    account = an_account(session, first_name="Nadia", last_name="Kowalczyk")
    candidate = a_candidate(session, account=account)
    profile = replace(
        GOOD, headline="Nadia Kowalczyk, nadia@example.org, développeuse",
        other_skills=["Kowalczyk", "nadia@example.org", "vélo"],
    )  # fmt: skip
    saved = save(session, now, settings, candidate.account_id, profile)
    row = index_rows.document_rows(session, [candidate.key])[0]
    assert saved.headline.startswith("Nadia")
    assert "développeuse" in row.headline
    for secret in ("Nadia", "Kowalczyk", "@"):
        assert secret not in row.headline + row.skills_text
    assert row.other_skills == ("Jardinage", "vélo")


def test_a_suspended_profile_is_closed(session, now, settings) -> None:
    """C7: while suspended nothing is changed."""
    candidate = a_candidate(session, "suspended")
    with pytest.raises(ConflictError):
        save(session, now, settings, candidate.account_id, GOOD)


def test_skills_are_known_by_slug_and_label() -> None:
    """C1: a slug or a label in either language is the skill; the rest stays text, each once."""
    assert sort_skills(
        ["python", "PYTHON", "C#", "automated testing", "Tests automatisés", "Vélo", "vélo", " "]
    ) == (
        ["python", "c-sharp", "automated-testing"],
        ["Vélo"],
    )


@given(st.text(max_size=80))
def test_clean_text_is_one_harmless_line(text: str) -> None:
    """W-03: what is stored has no control characters and cleaning again changes nothing."""
    cleaned = clean(text)
    assert clean(cleaned) == cleaned
    assert cleaned == " ".join(cleaned.split())
    cleaned.encode("utf-8")
    assert not any(ord(character) < 32 for character in cleaned)
