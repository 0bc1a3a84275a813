"""The JSON routes of accounts over the whole application."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from litestar import Litestar
from litestar.testing import TestClient

from marketplace.accounts.admins import create_admin, grant_bearer
from marketplace.accounts.models import Account
from marketplace.web.guards import unguarded
from tests.builders import a_candidate

Client = TestClient[Litestar]
ADA = "ada@example.org"
PASSWORD = "violet tractors sing at noon"
OTHER_PASSWORD = "seven quiet owls eat marmalade"


def _bearer(client: Client, world: Any, email: str = ADA, password: str = PASSWORD) -> dict[str, str]:
    answer = client.post(
        "/api/v1/sessions", json={"email": email, "password": password, "transport": "bearer"}
    )
    assert answer.status_code == 201, answer.text
    return {"authorization": f"Bearer {answer.json()['token']}"}


def _program(world: Any, **fields: Any) -> Any:
    """A member with a candidate's profile who may use bearer tokens."""
    account_id = world.member(ADA, **fields)
    with world.db.transaction() as session:
        a_candidate(session, "incomplete", account=session.get(Account, account_id))
    world.act(grant_bearer, world.act(create_admin, "root@acme.fr"), account_id)
    return account_id


def test_a_program_signs_in_reads_and_signs_out(client: Client, world: Any) -> None:
    """interface.md: a bearer session for accounts that were granted one, gone after signing out."""
    account_id = _program(world)
    answer = client.post("/api/v1/sessions", json={"email": ADA, "password": PASSWORD, "transport": "bearer"})
    body = answer.json()
    assert (answer.status_code, body["role"], body["next"]) == (201, "candidate", None)
    assert set(body) == {"token", "expires_at", "role", "next"}
    assert "set-cookie" not in answer.headers
    program = {"authorization": f"Bearer {body['token']}"}
    me = client.get("/api/v1/me", headers=program).json()
    assert (me["id"], me["role"], me["email"], me["state"]) == (
        str(account_id),
        "candidate",
        ADA,
        "incomplete",
    )
    assert me["candidate_id"]
    assert "work_country" not in me
    listed = client.get("/api/v1/sessions", headers=program).json()["items"]
    assert [(row["transport"], row["is_current"]) for row in listed] == [("bearer", True)]
    assert client.delete("/api/v1/sessions/current", headers=program).status_code == 204
    assert client.get("/api/v1/me", headers=program).status_code == 401


def test_bearer_needs_a_grant(client: Client, world: Any) -> None:
    """interface.md: without the grant 403 `bearer_not_granted`, and only after the right password."""
    world.member(ADA)
    right = client.post("/api/v1/sessions", json={"email": ADA, "password": PASSWORD, "transport": "bearer"})
    wrong = client.post("/api/v1/sessions", json={"email": ADA, "password": "wrong", "transport": "bearer"})
    assert (right.status_code, right.json()["code"]) == (403, "bearer_not_granted")
    assert (wrong.status_code, wrong.json()["code"]) == (401, "wrong_credentials")


def test_a_browser_gets_a_cookie_and_a_form_token(client: Client, world: Any) -> None:
    """S-01, W-03: the token is in the cookie alone; the form token lets the browser change things."""
    world.member(ADA)
    answer = client.post("/api/v1/sessions", json={"email": ADA, "password": PASSWORD})
    body = answer.json()
    assert answer.status_code == 201
    assert "token" not in body
    assert "HttpOnly" in answer.headers["set-cookie"]
    refused = client.put("/api/v1/me/password", json={"new_password": OTHER_PASSWORD})
    assert refused.status_code == 403
    changed = client.put(
        "/api/v1/me/password",
        json={"current_password": PASSWORD, "new_password": OTHER_PASSWORD},
        headers={"x-csrftoken": body["csrf_token"]},
    )
    assert changed.status_code == 200, changed.text
    out = client.delete("/api/v1/sessions/current", headers={"x-csrftoken": changed.json()["csrf_token"]})
    assert (out.status_code, out.headers["clear-site-data"]) == (204, '"cache", "storage"')


def _masked(answer: Any) -> tuple[int, dict[str, Any], list[str]]:
    body = {key: value for key, value in answer.json().items() if key != "instance"}
    return answer.status_code, body, sorted(answer.headers.keys())


def test_answers_tell_nothing_about_an_address(client: Client, world: Any) -> None:
    """A-06: known, unknown, unconfirmed, temporary and admin addresses get byte-equal answers."""
    world.member("known@example.org")
    world.register("unconfirmed@example.org")
    world.member("temporary@example.org", password=None)
    world.act(create_admin, "root@example.org")
    addresses = [f"{name}@example.org" for name in ("known", "unconfirmed", "temporary", "root", "nobody")]
    for route, body in [
        ("/api/v1/sessions", {"password": "not the right password"}),
        ("/api/v1/password-resets", {}),
    ]:
        answers = [_masked(client.post(route, json={"email": email, **body})) for email in addresses]
        assert all(answer == answers[0] for answer in answers), route
    assert answers[0][:2] == (202, {})


def test_confirmation_and_recovery(client: Client, world: Any) -> None:
    """A3, A6: confirm by token; reset by token; each works once."""
    world.register(ADA)
    token = world.link(ADA, "confirm-email")
    assert client.post("/api/v1/email-confirmations", json={"token": token}).status_code == 200
    again = client.post("/api/v1/email-confirmations", json={"token": token})
    assert (again.status_code, again.json()["errors"][0]["code"]) == (422, "invalid_token")
    client.post("/api/v1/password-resets", json={"email": ADA})
    body = {"token": world.link(ADA, "reset-password"), "password": OTHER_PASSWORD}
    assert client.post("/api/v1/password-resets/confirmations", json=body).status_code == 200
    assert client.post("/api/v1/password-resets/confirmations", json=body).status_code == 422
    signed_in = client.post("/api/v1/sessions", json={"email": ADA, "password": OTHER_PASSWORD})
    assert signed_in.status_code == 201


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b'{"email": 1}', b'{"email": "a@b.fr", "password": "x", "role": "admin"}', b"\xff"],
)
def test_bad_bodies_are_refused(client: Client, world: Any, body: bytes) -> None:
    """interface.md: wrong input gets a 4xx problem, never a 5xx."""
    answer = client.post("/api/v1/sessions", content=body, headers={"content-type": "application/json"})
    assert 400 <= answer.status_code < 500
    assert answer.headers["content-type"].startswith("application/problem+json")


@pytest.mark.parametrize("password", ["x" * 129, "x" * 5000, "x" * 900_000, "\x00" * 20, "\ud800" * 20])
def test_an_endless_password_costs_nothing(client: Client, world: Any, password: str) -> None:
    """A-02: more than 128 characters never reach the hash; the answer is a 4xx at once."""
    world.member(ADA)
    content = json.dumps({"email": ADA, "password": password})
    answer = client.post("/api/v1/sessions", content=content, headers={"content-type": "application/json"})
    assert answer.status_code in {400, 401, 422}


def test_own_data_over_json(client: Client, world: Any) -> None:
    """A7: names and language change, nothing else can be sent (Z-03)."""
    _program(world)
    program = _bearer(client, world)
    changed = client.patch("/api/v1/me", json={"first_name": "Augusta", "language": "fr"}, headers=program)
    assert (changed.status_code, changed.json()["first_name"]) == (200, "Augusta")
    for field in ("id", "role", "email", "birth_date", "may_use_bearer", "state"):
        refused = client.patch("/api/v1/me", json={field: "x"}, headers=program)
        assert refused.status_code == 422, field
    wrong = client.patch("/api/v1/me", json={"last_name": " "}, headers=program)
    assert wrong.json()["errors"][0]["field"] == "last_name"


def test_changing_the_password_renews_the_token(client: Client, world: Any) -> None:
    """S-03, S-04: a program goes on with the new token; the old one and other sessions are over."""
    _program(world)
    here, other = _bearer(client, world), _bearer(client, world)
    changed = client.put(
        "/api/v1/me/password",
        json={"current_password": PASSWORD, "new_password": OTHER_PASSWORD},
        headers=here,
    )
    new = {"authorization": f"Bearer {changed.json()['token']}"}
    assert client.get("/api/v1/me", headers=new).status_code == 200
    assert client.get("/api/v1/me", headers=here).status_code == 401
    assert client.get("/api/v1/me", headers=other).status_code == 401


def test_only_ones_own_sessions_can_be_ended(client: Client, world: Any) -> None:
    """S-05, Z-02: a session of somebody else is as unknown as one that never was."""
    _program(world)
    world.member("eve@example.org")
    eve = world.sign_in("eve@example.org")
    program = _bearer(client, world)
    other = world.sign_in(ADA)
    answers = [
        client.delete(f"/api/v1/sessions/{session_id}", headers=program)
        for session_id in (eve.session_id, uuid4())
    ]
    assert [answer.status_code for answer in answers] == [404, 404]
    assert _masked(answers[0]) == _masked(answers[1])
    assert client.delete(f"/api/v1/sessions/{other.session_id}", headers=program).status_code == 204


def test_taking_the_grant_back_ends_the_program(client: Client, world: Any) -> None:
    """S-04: what a session may do is read at each request."""
    account_id = _program(world)
    program = _bearer(client, world)
    with world.db.transaction() as session:
        session.get(Account, account_id).may_use_bearer = False
    assert client.get("/api/v1/me", headers=program).status_code == 401


def test_a_temporary_password_opens_one_door(client: Client, app: Litestar, world: Any) -> None:
    """A-08: until it is changed every guarded route answers 403 `password_change_required`."""
    assert not list(unguarded(app))
    _program(world, password=None)
    secret = re.search(r"^[\w-]{22}$", world.mails(ADA)[-1].text, re.MULTILINE)
    assert secret
    answer = client.post(
        "/api/v1/sessions", json={"email": ADA, "password": secret[0], "transport": "bearer"}
    )
    assert answer.json()["next"] == "change_password"
    program = {"authorization": f"Bearer {answer.json()['token']}"}
    for method, path in [
        ("GET", "/me"),
        ("GET", "/sessions"),
        ("PATCH", "/me"),
        ("POST", "/me/acceptances"),
        ("GET", "/me/profile"),
    ]:
        body: dict[str, Any] = {"acceptances": []} if path == "/me/acceptances" else {}
        sent = None if method == "GET" else body
        refused = client.request(method, f"/api/v1{path}", headers=program, json=sent)
        assert (refused.status_code, refused.json()["code"]) == (403, "password_change_required"), path
    changed = client.put("/api/v1/me/password", json={"new_password": OTHER_PASSWORD}, headers=program)
    program = {"authorization": f"Bearer {changed.json()['token']}"}
    assert client.get("/api/v1/me", headers=program).status_code == 200


@pytest.mark.parametrize(
    ("late", "status"), [(timedelta(hours=72, seconds=-1), 201), (timedelta(hours=72), 401)]
)
def test_a_temporary_password_expires(client: Client, world: Any, late: timedelta, status: int) -> None:
    """A3: 72 hours."""
    world.member(ADA, password=None)
    secret = re.search(r"^[\w-]{22}$", world.mails(ADA)[-1].text, re.MULTILINE)
    assert secret
    world.clock.advance(late)
    answer = client.post("/api/v1/sessions", json={"email": ADA, "password": secret[0]})
    assert answer.status_code == status
