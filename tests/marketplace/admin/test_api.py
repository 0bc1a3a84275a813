"""The admin's JSON routes, and who may use the admin's routes at all."""

from __future__ import annotations

import pytest

from marketplace.accounts.models import Role
from marketplace.admin import api, portal
from tests.builders import a_candidate, a_company, a_recruiter, an_account
from tests.marketplace.admin.conftest import settled


def test_the_queue_and_a_decision(client, admin, db):
    """B3: the queue with its evidence, a decision, the state after it; nothing is decided twice."""
    with db.transaction() as session:
        company = a_company(session, "pending", registration_number="732829320")
        a_company(session)
        recruiter = a_recruiter(session, "pending", company=company, email_domain="acme.fr")
    items = client.get("/api/v1/admin/companies?state=pending_review").json()["items"]
    assert [item["id"] for item in items] == [str(company.id)]
    assert items[0]["registration_number_valid"] is True
    (evidence,) = items[0]["recruiters"]
    assert (evidence["email_domain"], evidence["email_confirmed"]) == ("acme.fr", True)
    path = f"/admin/companies/{company.id}/decisions"
    answer = client.change("POST", path, {"decision": "verify", "reason": "In the register"})
    assert (answer.status_code, answer.json()) == (201, {"id": str(company.id), "state": "verified"})
    assert client.change("POST", path, {"decision": "refuse", "reason": "x"}).status_code == 409
    detail = client.get(f"/api/v1/admin/companies/{company.id}").json()
    assert detail["history"][0]["reason"] == "In the register"
    assert detail["company"]["domains"] == ["acme.fr"]
    found = client.get("/api/v1/admin/recruiters?state=active").json()["items"]
    assert str(recruiter.id) in {item["recruiter"]["id"] for item in found}


@pytest.mark.parametrize(
    "body",
    [
        {"decision": "maybe", "reason": "x"}, {"decision": "verify", "reason": ""}, {"decision": "verify"},
        {"decision": "verify", "reason": "x", "state": "verified"}, {"decision": 1, "reason": "x"},
    ],
)  # fmt: skip
def test_a_wrong_decision_is_422(client, admin, db, body):
    """B3, Z-03: a decision without reason, of another kind, or with more fields changes nothing."""
    with db.transaction() as session:
        company = a_company(session, "pending")
    assert client.change("POST", f"/admin/companies/{company.id}/decisions", body).status_code == 422
    assert client.get(f"/api/v1/admin/companies/{company.id}").json()["company"]["state"] == "pending_review"


def test_lists_are_paged_by_cursor(client, admin, db):
    """E2: lists come in pages by an opaque cursor; a foreign one is refused."""
    with db.transaction() as session:
        ids = {str(a_recruiter(session, "pending").company_id) for _ in range(5)}
    for path in ("companies", "recruiters"):
        seen, cursor = [], None
        while True:
            page = client.get(
                f"/api/v1/admin/{path}", params={"size": 2} | ({"cursor": cursor} if cursor else {})
            ).json()
            seen += [
                i["id"] if path == "companies" else i["recruiter"]["company"]["id"] for i in page["items"]
            ]
            cursor = page["next_cursor"]
            if cursor is None:
                break
        assert len(seen) == 5
        assert set(seen) == ids
        for bad in ("x", "eHg=", "MjAyNi0wMS0wMSB4"):
            assert client.get(f"/api/v1/admin/{path}?cursor={bad}").status_code == 400
        assert client.get(f"/api/v1/admin/{path}?size=51").status_code == 422
        assert client.get(f"/api/v1/admin/{path}?state=nonsense").status_code == 422


def test_a_recruiter_is_reviewed(client, admin, db):
    """B1: what is to be reviewed of one recruiter is approved with a reason."""
    with db.transaction() as session:
        recruiter = a_recruiter(session, requested_work_country="GB")
    path = f"/admin/recruiters/{recruiter.id}/reviews"
    assert (
        client.change("POST", path, {"decision": "approve", "reason": "Letter seen"}).json()["state"]
        == "active"
    )
    assert client.change("POST", path, {"decision": "approve", "reason": "Letter seen"}).status_code == 409


def test_domain_rules(client, admin):
    """B2: rules are made, listed and taken back."""
    rule = {"pattern": "tiny-isp.fr", "verdict": "deny", "reason": "A provider"}
    made = client.change("POST", "/admin/domains", rule)
    assert made.status_code == 201
    assert made.json()["author"] == admin.email
    assert client.get("/api/v1/admin/domains").json()["items"] == [made.json()]
    assert client.change("POST", "/admin/domains", rule | {"pattern": "fr"}).status_code == 422
    assert client.change("DELETE", f"/admin/domains/{made.json()['id']}").status_code == 204
    assert client.change("DELETE", f"/admin/domains/{made.json()['id']}").status_code == 404


def test_a_member_is_granted_bearer_tokens(client, admin, db):
    """E8: only the grant there is; an unknown member is 404."""
    with db.transaction() as session:
        account = an_account(session)
    path = f"/admin/members/{account.id}/grants"
    assert client.change("POST", path, {"grant": "bearer"}).status_code == 201
    assert client.change("POST", path, {"grant": "admin"}).status_code == 422
    unknown = f"/admin/members/{a_uuid()}/grants"
    assert client.change("POST", unknown, {"grant": "bearer"}).status_code == 404


def a_uuid() -> str:
    return "00000000-0000-4000-8000-000000000000"


def routes() -> list[tuple[str, str]]:
    found = [(m, "/api/v1" + p) for r in api.ROUTES for p in r.paths for m in r.http_methods]
    found += [(m, p) for r in portal.ROUTES for p in r.paths for m in r.http_methods]
    return sorted(
        (m, "/".join(a_uuid() if part.startswith("{") else part for part in p.split("/"))) for m, p in found
    )


@pytest.fixture
def visitors(db, client):
    """One of everybody who is no admin."""
    with db.transaction() as session:
        company = a_company(session)
        accounts = {
            "candidate": an_account(session),
            "owner": an_account(session, Role.RECRUITER),
            "pending": an_account(session, Role.RECRUITER),
            "suspended": an_account(session, Role.RECRUITER),
        }
        a_candidate(session, account=accounts["candidate"])
        a_recruiter(session, company=company, account=accounts["owner"])
        a_recruiter(session, "pending", account=accounts["pending"])
        a_recruiter(session, "suspended", account=accounts["suspended"])
        for account in accounts.values():
            settled(session, account)
    return accounts


def test_nobody_else_enters(client, visitors):
    """M-03, Z-01: every admin route refuses candidates and recruiters of every state with 403,
    strangers with 401."""
    assert len(routes()) >= 18
    for name, account in [("nobody", None), *visitors.items()]:
        if account is not None:
            client.sign_in_as(account)
        token = client.get("/api/v1/csrf-token").json()["token"]
        for method, path in routes():
            if path.startswith("/api/"):
                answer = client.request(
                    method, path, headers={"X-CSRFToken": token}, json={} if method == "POST" else None
                )
                assert answer.status_code == (401 if account is None else 403), (name, method, path)
            else:
                data = {"_csrf_token": token} if method == "POST" else None
                answer = client.request(method, path, data=data, follow_redirects=False)
                if account is None:
                    assert answer.status_code == 303, path
                    assert answer.headers["location"].startswith("/sign-in"), path
                else:
                    assert answer.status_code == 403, (name, method, path)
