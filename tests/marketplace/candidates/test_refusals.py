"""Which candidates an asker is refused by (rules C5, C8)."""

from __future__ import annotations

import pytest

from marketplace.candidates.refusals import Asker, Refusals, hidden_from, refusals_of
from tests.builders import a_block, a_candidate, a_company, a_recruiter, an_exclusion

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
    asker = Asker(recruiter.id, recruiter.company_id, ["jobs.acme.fr"], "732829320")
    assert hidden_from(session, asker) == ({person.key} if is_hidden else frozenset())
    assert refusals_of(session, person.id, asker) == Refusals(
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
        name: hidden_from(session, Asker(who.id, who.company_id, [], None))
        for name, who in {"blocked": blocked, "colleague": colleague, "other": other}.items()
    }
    assert seen == {
        "blocked": {person.key},
        "colleague": {person.key} if by == "company" else frozenset(),
        "other": frozenset(),
    }
    asked = refusals_of(session, person.id, Asker(blocked.id, company.id, [], None))
    assert asked == Refusals(company_excluded=False, recruiter_blocked=True)
