"""Registering a recruiter with their company, joined or made."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from sqlalchemy import func, select

from marketplace.accounts.models import Account
from marketplace.audit import AuditEntry
from marketplace.errors import InvalidInputError
from marketplace.recruiters import queries
from marketplace.recruiters.models import Company, CompanyDomain, EmailDomainRule, Recruiter
from marketplace.recruiters.registration import register_recruiter
from tests.builders import a_company, a_recruiter
from tests.marketplace.recruiters.conftest import confirm, enrolled, mails


def counts(session):
    return tuple(
        session.scalar(select(func.count()).select_from(table)) for table in (Account, Recruiter, Company)
    )


def test_a_first_recruiter_waits_for_confirmation_and_owns_a_waiting_company(
    session, now, settings, registration
):
    """B1, B4: registering makes a recruiter who waits for confirmation and a company that waits for
    review."""
    account_id = enrolled(session, now, settings, registration())
    facts = queries.recruiter_facts(session, account_id)
    assert (facts.state, facts.company_state, facts.is_owner) == (
        "pending_confirmation",
        "pending_review",
        True,
    )
    assert (facts.company_name, facts.company_registration_number) == ("Acme Industries SA", "732829320")
    assert (facts.work_country, facts.job_title, facts.review_reasons) == ("FR", "Head of hiring", ())
    assert facts.confirmed_at == now
    assert facts.registered_at == now
    assert session.scalars(select(AuditEntry.act).where(AuditEntry.rule == "B1")).all() == [
        "recruiter.registered"
    ]


def test_every_fault_is_told_at_once_and_nothing_is_stored(session, now, settings, registration):
    """B1: all wrong fields are named in one answer, and nothing of it is stored."""
    before = counts(session)
    wrong = registration(
        first_name=" ", email="ada@gmail.com", password="short", job_title="", work_country="DE",
        declarations=[],
        acceptances=(), company_name="", company_country="JE", company_kind="club",
    )  # fmt: skip
    with pytest.raises(InvalidInputError) as refused:
        register_recruiter(session, now, settings, wrong)
    fields = {error.field for error in refused.value.errors}
    assert {
        "first_name", "email", "password", "job_title", "work_country", "declarations", "company.name",
        "company.country", "company.kind", "acceptances.special_terms", "acceptances.ethical_code",
        "acceptances.terms_of_use", "acceptances.privacy_policy",
    } <= fields  # fmt: skip
    assert counts(session) == before


@pytest.mark.parametrize(
    ("changes", "field", "code"),
    [
        ({"email": "ada@gmail.com"}, "email", "free_mail"),
        ({"email": "ada@mail.gmail.com"}, "email", "free_mail"),
        ({"email": "ada@gmaıl.com"}, "email", "lookalike"),
        ({"email": "ada@yopmail.com"}, "email", "disposable"),
        ({"email": "ada@[1.2.3.4]"}, "email", "invalid_email"),
        ({"email": "ada@acme.fr\nBcc: x@y.fr"}, "email", "invalid_email"),
        ({"company_registration_number": "732829321"}, "company.registration_number", "invalid_number"),
        ({"company_country": "GB", "work_country": "GB"}, "company.registration_number", "invalid_number"),
        ({"company_country": "DE"}, "company.country", "outside_territory"),
        ({"work_country": "GG"}, "work_country", "outside_territory"),
        ({"work_country": "GB"}, "work_country", "not_established"),
        ({"declarations": ["authorised", "professional_use"]}, "declarations", "declarations_needed"),
        ({"declarations": ["authorised"] * 3}, "declarations", "declarations_needed"),
        (
            {"declarations": ["authorised", "professional_use", "ethical_code", "x"]},
            "declarations",
            "declarations_needed",
        ),
        ({"job_title": "x" * 121}, "job_title", "too_long"),
        ({"job_title": "a\u202eb"}, "job_title", "unreadable"),
        ({"company_name": "x" * 201}, "company.name", "too_long"),
        ({"birth_date": date(2008, 11, 24)}, "birth_date", "too_young"),
    ],
)
def test_each_fault_has_its_field_and_code(session, now, settings, registration, changes, field, code):
    """B1, B2: what is wrong is named with a code that says why."""
    with pytest.raises(InvalidInputError) as refused:
        register_recruiter(session, now, settings, registration(**changes))
    assert [(error.field, error.code) for error in refused.value.errors] == [(field, code)]


def test_eighteen_today_is_old_enough(session, now, settings, registration):
    """B1: a recruiter is 18; the birthday itself counts."""
    assert register_recruiter(session, now, settings, registration(birth_date=date(2008, 11, 23)))


def test_overseas_france_is_france(session, now, settings, registration):
    """B1, C-02: a company in Réunion whose recruiter works in Guadeloupe is in France."""
    data = registration(company_country="RE", work_country="GP", company_registration_number="")
    facts = queries.recruiter_facts(session, enrolled(session, now, settings, data))
    assert (facts.company_country, facts.work_country, facts.company_registration_number) == (
        "FR",
        "FR",
        None,
    )


def test_us_territories_are_a_setting(session, now, settings, registration):
    """C-02: the territories of the United States are in only where the setting says so."""
    data = registration(company_country="PR", work_country="US", company_registration_number="12-3456789")
    with pytest.raises(InvalidInputError):
        register_recruiter(session, now, settings, data)
    assert register_recruiter(session, now, replace(settings, us_territories=True), data)


def test_a_known_address_gets_the_same_answer_and_no_second_account(session, now, settings, registration):
    """A5: a second registration with an address that folds to a known one stores nothing, and its owner
    is told."""
    assert register_recruiter(session, now, settings, registration())
    before = counts(session)
    assert (
        register_recruiter(session, now, settings, registration(email="ADA+jobs@acme-industries.FR")) is None
    )
    assert counts(session) == before
    assert len(mails(session, "account_exists")) == 1


def test_a_known_domain_makes_both_immediate(session, now, settings, registration):
    """B3, B4: the e-mail's domain already known for the company: verified member at once, active on
    confirming."""
    company = a_company(session, domain="acme-industries.fr")
    for number in ("732829320", ""):
        data = registration(email=f"x{number}@hr.acme-industries.fr", company_registration_number=number)
        account_id = enrolled(session, now, settings, data)
        facts = confirm(session, now, account_id)
        assert (facts.company_id, facts.state) == (company.id, "active")
        assert mails(session, "company_verified")[-1] == str(account_id)
    assert mails(session, "review_waiting") == []


@pytest.mark.parametrize(
    ("columns", "changes"),
    [
        ({"registration_number": "552100554"}, {}),
        ({"country": "GB"}, {}),
    ],
)
def test_a_known_domain_of_another_company_is_not_this_company(
    session, now, settings, registration, columns, changes
):
    """B3: a domain known for a company with another number, or in another country, verifies nothing."""
    a_company(session, domain="acme-industries.fr", **columns)
    facts = confirm(session, now, enrolled(session, now, settings, registration(**changes)))
    assert (facts.state, facts.company_state, facts.is_owner) == ("pending_review", "pending_review", True)


@pytest.mark.parametrize("trait", ["verified", "pending"])
def test_a_number_alone_never_gives_membership(session, now, settings, registration, trait):
    """B3: who names the number of a company from another domain waits for a review of their own."""
    company = a_company(session, trait, registration_number="732829320", domain="other.fr")
    a_recruiter(session, company=company)
    data = registration(email="eve@elsewhere.fr")
    facts = confirm(session, now, enrolled(session, now, settings, data))
    assert (facts.company_id, facts.state, facts.review_reasons) == (
        company.id,
        "pending_review",
        ("company_match",),
    )
    assert not facts.is_owner
    assert not facts.capabilities.may_search


def test_a_refused_companys_number_is_no_match(session, now, settings, registration):
    """B3: a registration with the number of a refused company makes a company of its own."""
    refused = a_company(session, "refused", registration_number="732829320")
    account_id = enrolled(session, now, settings, registration())
    assert queries.recruiter_facts(session, account_id).company_id != refused.id


def test_school_domains_go_to_review_even_where_the_domain_is_known(session, now, settings, registration):
    """B2: a school's staff and students share its domain, so each of them is looked at."""
    a_company(session, domain="univ-lyon1.fr")
    data = registration(email="ada@univ-lyon1.fr", company_registration_number=None)
    facts = confirm(session, now, enrolled(session, now, settings, data))
    assert (facts.company_state, facts.state, facts.review_reasons) == (
        "verified",
        "pending_review",
        ("school_domain",),
    )


def test_one_allowed_address_of_a_provider_registers_but_joins_nobody(session, now, settings, registration):
    """B2, B3: an admin may allow one free-mail address; the provider's domain says nothing about a
    company."""
    session.add(
        EmailDomainRule(
            pattern="ada@gmail.com", verdict="allow", reason="Sole trader", decided_by=None, decided_at=now
        )
    )
    session.add(CompanyDomain(domain="gmail.com", company_id=a_company(session).id, known_since=now))
    session.flush()
    facts = confirm(session, now, enrolled(session, now, settings, registration(email="ada@gmail.com")))
    assert (facts.state, facts.is_owner) == ("pending_review", True)


def test_who_works_on_behalf_needs_a_mandate(session, now, settings, registration):
    """B1: working on behalf of a company is never immediate, whatever its domains."""
    a_company(session, domain="acme-industries.fr", registration_number="732829320")
    data = registration(company_on_behalf=True, company_registration_number=None)
    facts = confirm(session, now, enrolled(session, now, settings, data))
    assert (facts.state, facts.review_reasons, facts.has_mandate) == ("pending_review", ("mandate",), False)
