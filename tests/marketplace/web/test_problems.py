"""One table from refusals to answers: status, problem details, pages (interface.md, RFC 9457)."""

from __future__ import annotations

import re

import pytest

from marketplace.catalogues import LANGUAGES, translate
from marketplace.web.problem_kinds import KINDS
from tests.marketplace.web.conftest import REFUSALS
from tests.portal import PortalClient, text_of

STATUSES = {
    "invalid": 422, "missing": 404, "contact": 403, "signed-out": 401, "conflict": 409, "large": 413,
    "often": 429, "search": 503, "away": 503, "broken": 500,
}  # fmt: skip


@pytest.mark.parametrize("kind", REFUSALS)
def test_each_refusal_under_api(client: PortalClient, kind: str) -> None:
    """Every refusal is problem details with a type that is served, a title and its status."""
    answer = client.get(f"/api/v1/probe/refusals/{kind}")
    problem = answer.json()
    assert answer.status_code == problem["status"] == STATUSES[kind]
    assert answer.headers["content-type"] == "application/problem+json"
    assert problem["title"]
    assert problem["detail"]
    assert client.get(problem["type"]).status_code == 200


@pytest.mark.parametrize("kind", REFUSALS)
def test_each_refusal_as_a_page(client: PortalClient, kind: str) -> None:
    """Outside of /api the same refusals are pages in words; signed out one is led to sign in."""
    answer = client.get(f"/probe/refusals/{kind}", follow_redirects=False)
    if kind == "signed-out":
        assert (answer.status_code, answer.headers["location"][:9]) == (303, "/sign-in?")
        return
    assert answer.status_code == STATUSES[kind]
    assert answer.headers["content-type"].startswith("text/html")
    assert "<h1>" in answer.text


def test_what_stays_inside(client: PortalClient) -> None:
    """W-06: a 500 says nothing of its cause; a 404 nothing of what was looked for."""
    for path in ("/api/v1/probe/refusals/broken", "/probe/refusals/broken"):
        assert "4711" not in client.get(path).text
        assert "ZeroDivision" not in client.get(path).text
    assert "secret-id" not in client.get("/api/v1/probe/refusals/missing").text


def test_unknown_foreign_and_malformed_look_the_same(client: PortalClient) -> None:
    """Z-02: the 404 of a service, of an unknown route and of a malformed id are the same bytes."""

    def masked(path: str) -> str:
        return re.sub(r"[0-9a-f]{80}|[0-9a-f-]{36}", "", client.get(path).text.replace(path, "PATH"))

    assert masked("/api/v1/probe/refusals/missing") == masked("/api/v1/nowhere")
    assert masked("/probe/refusals/missing") == masked("/nowhere")


def test_reasons_errors_and_retry(client: PortalClient) -> None:
    """D3: reasons of a contact refusal, fields of a 422, when to come back."""
    assert client.get("/api/v1/probe/refusals/contact").json()["reasons"] == [
        "budget_spent",
        "terms_outdated",
    ]
    errors = client.get("/api/v1/probe/refusals/invalid").json()["errors"]
    assert errors == [{"field": "email", "code": "taken", "message": "This is required."}]
    often = client.get("/api/v1/probe/refusals/often")
    assert often.headers["retry-after"] == "17"
    assert often.headers["ratelimit"] == '"SEARCH";r=0;t=17'
    assert often.headers["ratelimit-policy"] == '"SEARCH";q=30'
    assert client.get("/api/v1/probe/refusals/away").headers["retry-after"] == "9"
    assert client.get("/probe/refusals/search").headers["retry-after"] == "5"
    assert client.get("/api/v1/probe/refusals/signed-out").headers["www-authenticate"] == "Bearer"
    assert "allow" in client.delete("/api/v1/csrf-token").headers


@pytest.mark.parametrize(
    ("body", "status", "field", "code"),
    [
        (b"{", 400, None, "malformed_request"),
        (b"\xff", 400, None, "malformed_request"),
        (b"", 400, None, "malformed_request"),
        (b"null", 422, "body", "invalid"),
        (b"[]", 422, "body", "invalid"),
        (b"{}", 422, "title", "required"),
        (b'{"title": 3, "company": {"name": "x"}}', 422, "title", "invalid"),
        (b'{"title": "x", "company": {}}', 422, "company.name", "required"),
        (b'{"title": "x", "company": {"name": "y", "z": 1}}', 422, "company.z", "unknown"),
        (b'{"title": "x", "company": {"name": "y"}, "z": 1}', 422, "z", "unknown"),
    ],
)
def test_bad_bodies(client: PortalClient, body: bytes, status: int, field: str | None, code: str) -> None:
    """interface.md: 400 is for what cannot be parsed, 422 for what is parsed and wrong, field named."""
    answer = client.post("/api/v1/probe/changes", content=body, headers={"content-type": "application/json"})
    assert answer.status_code == status
    problem = answer.json()
    if field is None:
        assert problem["code"] == code
    else:
        assert [(error["field"], error["code"]) for error in problem["errors"]] == [(field, code)]


def test_problems_speak_the_asked_language(client: PortalClient) -> None:
    """F4: titles and sentences follow Accept-Language; codes do not change."""
    french = client.get("/api/v1/probe/refusals/missing", headers={"accept-language": "fr"}).json()
    english = client.get("/api/v1/probe/refusals/missing", headers={"accept-language": "en"}).json()
    assert french["title"] == translate("fr", KINDS["not_found"].title) != english["title"]
    assert french["code"] == english["code"]


@pytest.mark.parametrize("code", KINDS)
def test_every_type_has_its_page(client: PortalClient, code: str) -> None:
    """RFC 9457: a problem's type leads to words about it, in both languages."""
    for language in LANGUAGES:
        page = client.get(f"/problems/{code}", headers={"accept-language": language})
        assert page.status_code == 200
        assert translate(language, KINDS[code].title) in text_of(page.text)
    assert client.get("/problems/no-such-thing").status_code == 404
