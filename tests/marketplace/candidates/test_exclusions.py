"""Exclusions and blocks as the candidate makes them (rules C5, C8)."""

from __future__ import annotations

from uuid import uuid4

import pytest

from marketplace.candidates import exclusions
from marketplace.candidates.refusals import Asker, Refusals, hidden_from, refusals_of
from marketplace.errors import ConflictError, InvalidInputError, NotFoundError
from tests.builders import a_candidate, a_company, a_recruiter


@pytest.mark.parametrize(
    ("text", "domain"),
    [
        ("acme.fr", "acme.fr"),
        ("  ACME.fr ", "acme.fr"),
        ("someone@jobs.acme.fr", "jobs.acme.fr"),
        ("https://www.acme.co.uk/careers", "acme.co.uk"),
        ("société.fr", "xn--socit-esab.fr"),
    ],
)
def test_domains_are_normalised(text: str, domain: str) -> None:
    """C5: a domain is kept as companies' own are: A-labels, lower case, without what surrounds it."""
    assert exclusions.excluded_domain(text) == domain


@pytest.mark.parametrize(
    "text", ["", "fr", "co.uk", "not a domain", "@", "a..b", "127.0.0.1", "x" * 300 + ".fr"]
)
def test_what_is_no_domain(text: str) -> None:
    """C5: a public suffix would exclude everyone; what is no domain is refused."""
    with pytest.raises(InvalidInputError) as refused:
        exclusions.excluded_domain(text)
    assert refused.value.errors[0].field == "domain"


def test_adding_and_removing(session, now) -> None:
    """C5: an exclusion is named once, seen in the list, and taken back; foreign ones are not found."""
    person, other = a_candidate(session), a_candidate(session)
    company = a_company(session)
    first = exclusions.add_exclusion(session, now, person.account_id, domain="acme.fr", label="Mon employeur")
    again = exclusions.add_exclusion(session, now, person.account_id, domain="ACME.fr")
    number = exclusions.add_exclusion(
        session, now, person.account_id, registration_number="732 829 320 00074"
    )
    by_id = exclusions.add_exclusion(session, now, person.account_id, company_id=company.id)
    assert again == first
    assert (number.registration_number, by_id.label) == ("732829320", company.legal_name)
    listed = exclusions.exclusions_of(session, person.account_id)
    assert {item.exclusion_id for item in listed} == {
        first.exclusion_id, number.exclusion_id, by_id.exclusion_id,
    }  # fmt: skip
    with pytest.raises(NotFoundError):
        exclusions.remove_exclusion(session, now, other.account_id, first.exclusion_id)
    exclusions.remove_exclusion(session, now, person.account_id, first.exclusion_id)
    assert len(exclusions.exclusions_of(session, person.account_id)) == 2
    with pytest.raises(NotFoundError):
        exclusions.remove_exclusion(session, now, person.account_id, first.exclusion_id)


@pytest.mark.parametrize(
    "given", [{}, {"domain": "acme.fr", "registration_number": "732829320"}, {"domain": " "}]
)
def test_exactly_one_name(session, now, given: dict[str, str]) -> None:
    """C5: a company is named in exactly one way."""
    person = a_candidate(session)
    with pytest.raises(InvalidInputError):
        exclusions.add_exclusion(session, now, person.account_id, **given)  # type: ignore[arg-type]


def test_numbers_are_checked(session, now) -> None:
    """C5: a number no register knows is refused; an EIN is read as one."""
    person = a_candidate(session)
    with pytest.raises(InvalidInputError):
        exclusions.add_exclusion(session, now, person.account_id, registration_number="123")
    ein = exclusions.add_exclusion(session, now, person.account_id, registration_number="12-3456789")
    assert ein.registration_number == "12-3456789"


def test_unknown_companies(session, now) -> None:
    """Z-02: an unknown company is not found."""
    person = a_candidate(session)
    with pytest.raises(NotFoundError):
        exclusions.add_exclusion(session, now, person.account_id, company_id=uuid4())
    for unknown in ({"company_id": uuid4()}, {"recruiter_id": uuid4()}):
        with pytest.raises(NotFoundError):
            exclusions.block(session, now, person.account_id, **unknown)


def test_at_most_two_hundred(session, now) -> None:
    """C5: the two hundredth exclusion is taken, the next one refused."""
    person = a_candidate(session)
    for number in range(exclusions.EXCLUSIONS_MAX):
        exclusions.add_exclusion(session, now, person.account_id, domain=f"company{number}.fr")
    with pytest.raises(ConflictError):
        exclusions.add_exclusion(session, now, person.account_id, domain="one-more.fr")


def test_blocking_and_unblocking(session, now) -> None:
    """C8: a block holds from its commit, once however often it is asked for, and can be taken back."""
    person, recruiter = a_candidate(session), a_recruiter(session)
    asker = Asker(recruiter.id, recruiter.company_id, [], None)
    for _ in range(2):
        exclusions.block(session, now, person.account_id, recruiter_id=recruiter.id)
    exclusions.block(session, now, person.account_id, company_id=recruiter.company_id)
    assert refusals_of(session, person.id, asker) == Refusals(company_excluded=False, recruiter_blocked=True)
    exclusions.unblock(session, now, person.account_id, recruiter_id=recruiter.id)
    assert hidden_from(session, asker) == {person.key}
    exclusions.unblock(session, now, person.account_id, company_id=recruiter.company_id)
    assert hidden_from(session, asker) == frozenset()
