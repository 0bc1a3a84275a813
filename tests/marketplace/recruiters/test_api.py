"""The JSON routes of recruiters, up to the story that leads to an open search."""

from __future__ import annotations

import re

import pytest

from marketplace.accounts.models import Role
from marketplace.mail_delivery import deliver_due_mails
from marketplace.recruiters import queries, review_queries
from tests.builders import a_company, a_recruiter, an_account
from tests.marketplace.admin.conftest import settled
from tests.marketplace.recruiters.conftest import PDF


@pytest.fixture
def body(client):
    """A registration without a fault, as a program sends it."""
    terms = client.get("/api/v1/terms", headers={"accept-language": "en"}).json()["items"]
    accepted = [
        {"document": item["document"], "version": item["version"]}
        for item in terms
        if item["language"] == "en" and item["document"] != "consent_search"
    ]
    return {
        "first_name": "Ada", "last_name": "Martin", "birth_date": "1990-01-02",
        "email": "ada@acme-industries.fr",
        "password": "a long sentence nobody guesses", "job_title": "Head of hiring", "work_country": "FR",
        "company": {"name": "Acme Industries SA", "country": "FR", "registration_number": "732829320"},
        "declarations": ["authorised", "professional_use", "ethical_code"], "acceptances": accepted,
    }  # fmt: skip


def register(client, body):
    return client.post("/api/v1/recruiters", json=body, headers={"accept-language": "en"})


def found(pattern, text):
    match = re.search(pattern, text)
    assert match, text
    return match[1]


def test_registration_answers_the_same_for_a_known_address(client, body, db):
    """A5, B1: 202 and an empty object, for a new address as for a known one; one account."""
    answers = [
        register(client, body | {"email": email})
        for email in ("ada@acme-industries.fr", "ADA+x@acme-industries.fr")
    ]
    assert [(a.status_code, a.json()) for a in answers] == [(202, {})] * 2
    with db.transaction() as session:
        assert len(review_queries.recruiters_page(session)[0]) == 1


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"email": "ada@gmail.com"}, "email"), ({"email": "a\r\nb@x.fr"}, "email"),
        ({"work_country": "DE"}, "work_country"),
        ({"declarations": []}, "declarations"), ({"acceptances": []}, "acceptances.special_terms"),
        ({"birth_date": "2010-01-01"}, "birth_date"), ({"birth_date": "nonsense"}, "birth_date"),
        (
            {"company": {"name": "Acme", "country": "FR", "registration_number": "1"}},
            "company.registration_number",
        ),
        ({"company": {"name": "Acme", "country": "FR", "state": "verified"}}, "company.state"),
        ({"state": "active"}, "state"), ({"is_owner": True}, "is_owner"), ({"password": "short"}, "password"),
        ({"first_name": "\x00"}, "body"), ({"job_title": 7}, "job_title"),
    ],
)  # fmt: skip
def test_wrong_registrations_name_the_field(client, body, db, change, field):
    """B1, Z-03: 422 with the field named; unknown and unwritable fields are refused; nothing is stored."""
    answer = register(client, body | change)
    assert answer.status_code == 422
    assert field in {error["field"] for error in answer.json()["errors"]}
    with db.transaction() as session:
        assert review_queries.recruiters_page(session) == ((), None)


def test_own_professional_data(client, db):
    """A7, B1: read, corrected, confirmed; the work country waits for review."""
    with db.transaction() as session:
        account = settled(session, an_account(session, Role.RECRUITER))
        a_recruiter(session, account=account)
    client.sign_in_as(account)
    own = client.get("/api/v1/me/recruiter").json()
    assert own["state"] == "active"
    assert own["capabilities"]["may_contact"] is True
    changed = client.change("PATCH", "/me/recruiter", {"job_title": "CTO", "work_country": "GB"}).json()
    assert (changed["job_title"], changed["work_country"], changed["requested_work_country"]) == (
        "CTO",
        "FR",
        "GB",
    )
    refused: list[dict[str, object]] = [{"work_country": "DE"}, {"state": "active"}, {"is_owner": True}]
    for wrong in refused:
        assert client.change("PATCH", "/me/recruiter", wrong).status_code == 422
    assert client.change("POST", "/me/recruiter/confirmations").status_code == 200
    assert client.change("POST", "/me/recruiter/company-submissions", {"name": "Acme"}).status_code == 409


def test_mandate_and_submitting_again(client, db):
    """B1, B3: a mandate as the multipart part `file`; a refused company submitted again."""
    with db.transaction() as session:
        account = settled(session, an_account(session, Role.RECRUITER))
        company = a_company(session, "refused")
        a_recruiter(
            session,
            "pending",
            account=account,
            company=company,
            is_on_behalf=True,
            review_reasons=["mandate"],
        )
    client.sign_in_as(account)
    put = [
        client.change("PUT", "/me/recruiter/mandate", files={"file": ("x", content)})
        for content in (b"x", PDF)
    ]
    assert [answer.status_code for answer in put] == [422, 200]
    assert put[1].json()["mandate_attached"] is True
    again = client.change("POST", "/me/recruiter/company-submissions", {"name": "Acme SAS"})
    assert again.json()["company"]["state"] == "pending_review"


def test_from_registration_to_an_open_search(client, body, db, mail_sink):
    """B1, B3, B4: register, confirm by the mailed link, refused, submitted again, verified, told:
    search is open."""
    with db.transaction() as session:
        admin = settled(session, an_account(session, Role.ADMIN, language="en"))
    assert register(client, body).status_code == 202
    deliver_due_mails(client.ports)
    token = found(r"/confirm-email/([\w-]+)", mail_sink.to("ada@acme-industries.fr")[0].text)
    assert client.post("/api/v1/email-confirmations", json={"token": token}).status_code == 200
    deliver_due_mails(client.ports)
    company_id = found(r"/admin/companies/([\w-]+)", mail_sink.to(admin.email)[0].text)

    with db.transaction() as session:
        (facts,), _ = review_queries.recruiters_page(session)
    assert facts.state == "pending_review"
    assert facts.capabilities.may_see_counts
    client.sign_in_as(admin)
    path = f"/admin/companies/{company_id}/decisions"
    assert client.change("POST", path, {"decision": "refuse", "reason": "No such name"}).status_code == 201
    deliver_due_mails(client.ports)
    assert "No such name" in mail_sink.to("ada@acme-industries.fr")[-1].text

    client.cookies.clear()
    credentials = {"email": body["email"], "password": body["password"]}
    signed_in = client.post("/api/v1/sessions", json=credentials)
    assert (signed_in.status_code, signed_in.json()["next"]) == (201, None)
    again = client.change("POST", "/me/recruiter/company-submissions", body["company"] | {"name": "Acme SAS"})
    assert again.status_code == 422  # the country is not part of a submission
    again = client.change("POST", "/me/recruiter/company-submissions", {"name": "Acme SAS"})
    assert again.json()["company"]["state"] == "pending_review"

    client.sign_in_as(admin)
    assert client.change("POST", path, {"decision": "verify", "reason": "In the register"}).status_code == 201
    deliver_due_mails(client.ports)
    assert "/recruiter/search" in mail_sink.to("ada@acme-industries.fr")[-1].text
    with db.transaction() as session:
        facts = queries.recruiter_facts(session, facts.account_id)
    assert (facts.state, set(facts.company_domains)) == ("active", {"acme-industries.fr"})

    client.cookies.clear()
    colleague = body | {"email": "bob@acme-industries.fr", "first_name": "Bob"}
    assert register(client, colleague).status_code == 202
    deliver_due_mails(client.ports)
    token = found(r"/confirm-email/([\w-]+)", mail_sink.to("bob@acme-industries.fr")[0].text)
    assert client.post("/api/v1/email-confirmations", json={"token": token}).status_code == 200
    client.post("/api/v1/sessions", json=credentials | {"email": "bob@acme-industries.fr"})
    me = client.get("/api/v1/me").json()
    assert (me["state"], me["work_country"]) == ("active", "FR")
