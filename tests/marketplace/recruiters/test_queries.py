"""What is read of a recruiter."""

from __future__ import annotations

from marketplace.recruiters import queries
from tests.builders import a_recruiter


def test_member_facts_are_the_hook_of_get_me(session):
    """A7: ``GET /me`` says the recruiter's state and work country."""
    recruiter = a_recruiter(session)
    assert queries.member_facts(session, recruiter.account_id).state == "active"
    assert queries.member_facts(session, recruiter.account_id).work_country == "FR"
