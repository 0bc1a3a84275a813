"""What admins decide about companies, recruiters and domains."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from marketplace.accounts.models import Role
from marketplace.audit import AuditEntry
from marketplace.errors import ConflictError, InvalidInputError, NotFoundError
from marketplace.outbox import OutboxMessage
from marketplace.recruiters import domain_queries, queries, review_queries
from marketplace.recruiters.models import CompanyDomain, EmailDomainRule
from marketplace.recruiters.reviews import (
    decide_company,
    remove_domain_rule,
    review_recruiter,
    set_domain_rule,
)
from tests.builders import a_company, a_recruiter, an_account


@pytest.fixture
def admin(session):
    return an_account(session, Role.ADMIN)


@pytest.fixture
def company(session):
    return a_company(session, "pending", registration_number="732829320")


def facts_of(session, recruiter):
    return queries.recruiter_facts(session, recruiter.account_id)


def mails(session):
    rows = session.scalars(select(OutboxMessage).order_by(OutboxMessage.id)).all()
    return [(row.details["mail"], row.subject) for row in rows]


def domains_of(session, company):
    return set(session.scalars(select(CompanyDomain.domain).where(CompanyDomain.company_id == company.id)))


def test_verifying_opens_the_company_and_remembers_its_domain(session, now, admin, company):
    """B3: an admin verifies: author, date and reason are kept, confirmed recruiters are active, the
    domain known."""
    recruiter = a_recruiter(session, "pending", company=company, email_domain="acme.fr")
    assert decide_company(session, now, admin.id, company.id, "verify", "Found in the register") == "verified"
    facts = facts_of(session, recruiter)
    assert (facts.state, facts.company_state, facts.company_domains) == ("active", "verified", {"acme.fr"})
    assert facts.capabilities.may_search
    (line,) = review_queries.company_evidence(session, company.id).history
    assert (line.decision, line.reason, line.decided_at) == ("verify", "Found in the register", now)
    assert admin.email in (line.author or "")
    assert mails(session) == [("company_verified", str(recruiter.account_id))]
    acts = session.scalars(select(AuditEntry.act).where(AuditEntry.actor_id == admin.id)).all()
    assert acts == ["company.verified"]


def test_an_unconfirmed_recruiter_stays_out_and_their_domain_unknown(session, now, admin, company):
    """B2, B3: only a confirmed address opens the account, and only such an address makes a domain known."""
    recruiter = a_recruiter(session, "pending_confirmation", company=company, email_domain="acme.fr")
    decide_company(session, now, admin.id, company.id, "verify", "ok")
    assert facts_of(session, recruiter).state == "pending_confirmation"
    assert domains_of(session, company) == set()
    assert mails(session) == []


def test_a_decision_is_taken_once(session, now, admin, company):
    """B4: a company that does not wait any more cannot be decided again."""
    decide_company(session, now, admin.id, company.id, "refuse", "Unknown at this address")
    for decision in ("verify", "refuse"):
        with pytest.raises(ConflictError):
            decide_company(session, now, admin.id, company.id, decision, "again")
    assert company.state == "refused"


@pytest.mark.parametrize(
    ("decision", "reason", "field"),
    [
        ("maybe", "x", "decision"),
        ("verify", "", "reason"),
        ("refuse", "  ", "reason"),
        ("refuse", "x" * 1001, "reason"),
        ("refuse", "a\u202eb", "reason"),
    ],
)
def test_a_decision_has_a_reason(session, now, admin, company, decision, reason, field):
    """B3: a decision is one of the two and says why."""
    with pytest.raises(InvalidInputError) as refused:
        decide_company(session, now, admin.id, company.id, decision, reason)
    assert refused.value.errors[0].field == field
    assert company.state == "pending_review"


def test_an_unknown_company_is_not_found(session, now, admin):
    """B3: there is nothing to decide about an unknown company."""
    with pytest.raises(NotFoundError):
        decide_company(session, now, admin.id, admin.id, "verify", "x")


def test_refusing_tells_the_confirmed_recruiters_why(session, now, admin, company):
    """B3: refused with a reason; recruiters wait on and may submit again."""
    recruiter = a_recruiter(session, "pending", company=company)
    a_recruiter(session, "pending_confirmation", company=company)
    decide_company(session, now, admin.id, company.id, "refuse", "The number belongs to another company")
    facts = facts_of(session, recruiter)
    assert (facts.state, facts.company_state) == ("pending_review", "refused")
    assert facts.company_decision_reason == "The number belongs to another company"
    assert mails(session) == [("company_refused", str(recruiter.account_id))]


@pytest.mark.parametrize("domain", ["gmail.com", "yopmail.com", "neuf.fr"])
def test_a_providers_domain_never_becomes_known(session, now, admin, company, domain):
    """B3: an address allowed one by one does not make its provider's domain the company's."""
    recruiter = a_recruiter(session, "pending", company=company, email_domain=domain)
    decide_company(session, now, admin.id, company.id, "verify", "ok")
    assert facts_of(session, recruiter).state == "active"
    assert domains_of(session, company) == set()


def test_the_page_of_a_company_settles_its_owners_school_domain_and_mandate(session, now, admin):
    """B1, B2: with the company the admin has looked at the first recruiter's address and attached mandate."""
    for columns in (
        {"review_reasons": ["school_domain"]},
        {
            "review_reasons": ["mandate", "school_domain"],
            "is_on_behalf": True,
            "mandate_file": "mandate/x.pdf",
        },
    ):
        company = a_company(session, "pending")
        recruiter = a_recruiter(session, "pending", company=company, email_domain="univ-x.fr", **columns)
        decide_company(session, now, admin.id, company.id, "verify", "ok")
        assert (facts_of(session, recruiter).state, facts_of(session, recruiter).review_reasons) == (
            "active",
            (),
        )
        known = set() if columns.get("is_on_behalf") else {"univ-x.fr"}
        assert domains_of(session, company) == known


def test_a_missing_mandate_holds_its_recruiter_back(session, now, admin, company):
    """B1: a verified company does not open the account of who works for it without a mandate."""
    recruiter = a_recruiter(
        session, "pending", company=company, review_reasons=["mandate"], is_on_behalf=True
    )
    decide_company(session, now, admin.id, company.id, "verify", "ok")
    assert facts_of(session, recruiter).state == "pending_review"
    with pytest.raises(InvalidInputError):
        review_recruiter(session, now, admin.id, recruiter.id, "approve", "ok")
    recruiter.mandate_file = "mandate/x.pdf"
    assert review_recruiter(session, now, admin.id, recruiter.id, "approve", "Signed on 2 May") == "active"
    assert domains_of(session, company) == set()


def test_colleagues_of_a_verified_domain_come_in_strangers_wait(session, now, admin, company):
    """B3: of those who joined by number, who shares the owner's domain comes in; others need their own
    review."""
    owner = a_recruiter(session, "pending", company=company, email_domain="acme.fr")
    colleague, stranger, mandated = (
        a_recruiter(session, "pending", company=company, is_owner=False,
                    review_reasons=["company_match", *more],
                    email_domain=domain, is_on_behalf=bool(more))
        for domain, more in (("acme.fr", []), ("elsewhere.fr", []), ("acme.fr", ["mandate"]))
    )  # fmt: skip
    decide_company(session, now, admin.id, company.id, "verify", "ok")
    states = [facts_of(session, r).state for r in (owner, colleague, stranger, mandated)]
    assert states == ["active", "active", "pending_review", "pending_review"]
    assert domains_of(session, company) == {"acme.fr"}
    review_recruiter(session, now, admin.id, stranger.id, "approve", "Works for the group")
    assert facts_of(session, stranger).state == "active"
    assert domains_of(session, company) == {
        "acme.fr",
        "elsewhere.fr",
    }


def test_refusing_a_recruiter_leaves_them_waiting_and_told_why(session, now, admin):
    """B1, B2: who is refused stays in review, is told the reason, and may be approved later."""
    recruiter = a_recruiter(session, "pending", company=a_company(session), review_reasons=["company_match"])
    assert (
        review_recruiter(session, now, admin.id, recruiter.id, "refuse", "Not on their staff")
        == "pending_review"
    )
    assert mails(session) == [("recruiter_refused", str(recruiter.account_id))]
    assert review_queries.last_refusal(session, recruiter.id) == "Not on their staff"
    assert facts_of(session, recruiter).review_reasons == ("company_match",)


def test_a_change_of_work_country_is_carried_out_or_taken_back(session, now, admin):
    """B1: a change of work country is reviewed; until then, and when refused, the old one is in force."""
    for decision, country in (("approve", "GB"), ("refuse", "FR")):
        recruiter = a_recruiter(session, requested_work_country="GB")
        assert facts_of(session, recruiter).work_country == "FR"
        review_recruiter(session, now, admin.id, recruiter.id, decision, "Letter seen")
        facts = facts_of(session, recruiter)
        assert (facts.work_country, facts.requested_work_country, facts.state) == (country, None, "active")


def test_review_refuses_what_cannot_be(session, now, admin):
    """B1: nothing open, an unknown recruiter, an unknown decision, no reason."""
    recruiter = a_recruiter(session)
    with pytest.raises(ConflictError):
        review_recruiter(session, now, admin.id, recruiter.id, "approve", "x")
    with pytest.raises(NotFoundError):
        review_recruiter(session, now, admin.id, admin.id, "approve", "x")
    for decision, reason in (("maybe", "x"), ("approve", "")):
        with pytest.raises(InvalidInputError):
            review_recruiter(session, now, admin.id, recruiter.id, decision, reason)


def test_domain_rules_are_set_replaced_and_removed(session, now, admin):
    """B2: an admin allows or denies a domain or an address; the last word on it stands."""
    first = set_domain_rule(session, now, admin.id, " Tiny-ISP.fr. ", "deny", "An internet provider")
    assert domain_queries.email_verdict(session, "a@mail.tiny-isp.fr").reason == "denied"
    again = set_domain_rule(session, now, admin.id, "tiny-isp.fr", "allow", "It is an employer after all")
    assert first == again
    assert domain_queries.email_verdict(session, "a@tiny-isp.fr").outcome == "allowed"
    address = set_domain_rule(session, now, admin.id, "Ada+x@Gmail.com", "allow", "Sole trader")
    assert domain_queries.email_verdict(session, "ada@gmail.com").outcome == "allowed"
    assert domain_queries.email_verdict(session, "eve@gmail.com").outcome == "refused"
    assert [rule.pattern for rule in domain_queries.domain_rules(session)] == ["ada@gmail.com", "tiny-isp.fr"]
    assert domain_queries.domain_rules(session)[0].author == admin.email
    remove_domain_rule(session, now, admin.id, address)
    session.flush()
    assert domain_queries.email_verdict(session, "ada@gmail.com").outcome == "refused"
    with pytest.raises(NotFoundError):
        remove_domain_rule(session, now, admin.id, address)


@pytest.mark.parametrize(
    ("pattern", "verdict", "reason"),
    [
        ("", "deny", "x"), ("com", "deny", "x"), ("co.uk", "deny", "x"), ("not a domain", "deny", "x"),
        ("a@b@c.fr", "deny", "x"), ("acme.fr", "maybe", "x"), ("acme.fr", "deny", ""), ("*.fr", "deny", "x"),
    ],
)  # fmt: skip
def test_wrong_domain_rules_are_refused(session, now, admin, pattern, verdict, reason):
    """B2: a rule is about a domain below a public suffix or one address, and has a reason."""
    with pytest.raises(InvalidInputError):
        set_domain_rule(session, now, admin.id, pattern, verdict, reason)
    assert session.scalars(select(EmailDomainRule)).all() == []
