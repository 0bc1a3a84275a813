"""Confirmed recruiters and the state that the facts ask for."""

from __future__ import annotations

from marketplace.accounts.models import Role
from tests.builders import a_company, an_account
from tests.marketplace.recruiters.conftest import confirm, enrolled, mails


def test_confirming_puts_the_recruiter_into_review_and_tells_each_admin(session, now, settings, registration):
    """B3, B4: a confirmed recruiter of a company nobody decided about waits, and every admin gets a mail."""
    admins = {str(an_account(session, Role.ADMIN).id) for _ in range(2)}
    an_account(session, Role.ADMIN, email_confirmed_at=None)
    account_id = enrolled(session, now, settings, registration())
    assert confirm(session, now, account_id).state == "pending_review"
    assert set(mails(session, "review_waiting")) == admins


def test_a_known_domain_of_a_suspended_company_opens_nothing(session, now, settings, registration):
    """B4: a suspended company activates nobody."""
    company = a_company(session, "suspended", domain="acme-industries.fr")
    facts = confirm(session, now, enrolled(session, now, settings, registration()))
    assert (facts.company_id, facts.state) == (company.id, "pending_review")
