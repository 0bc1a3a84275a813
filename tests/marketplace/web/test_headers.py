"""Every answer carries the security headers, whatever went wrong (security.md W-01, W-02, S-07)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from marketplace.clock import FixedClock
from marketplace.db import Database
from marketplace.settings import Settings
from marketplace.web.headers import DATA_POLICY, PAGE_POLICY
from tests.builders import an_account
from tests.marketplace.web.conftest import build
from tests.portal import PortalClient

ANSWERS = [
    ("GET", "/", 200),
    ("GET", "/nowhere", 404),
    ("DELETE", "/", 405),
    ("POST", "/language", 403),
    ("GET", "/probe/refusals/broken", 500),
    ("GET", "/probe/refusals/large", 413),
    ("GET", "/probe/refusals/often", 429),
    ("GET", "/probe/refusals/away", 503),
    ("GET", "/probe/page", 303),
    ("GET", "/static/app.css", 200),
    ("GET", "/static/nothing.css", 404),
    ("GET", "/livez", 200),
    ("GET", "/api/v1/nowhere", 404),
    ("GET", "/api/v1/probe/refusals/broken", 500),
    ("GET", "/api/docs", 200),
    ("TRACE", "/", 405),
]


@pytest.mark.parametrize(("method", "path", "status"), ANSWERS)
def test_every_answer_has_the_headers(client: PortalClient, method: str, path: str, status: int) -> None:
    """W-01, W-02: content policy and the rest are on 200, 404, 405, 413, 429, 500, 503 and static."""
    answer = client.request(method, path, follow_redirects=False)
    assert answer.status_code == status
    is_page = answer.headers.get("content-type", "").startswith("text/html")
    assert answer.headers["content-security-policy"] == (PAGE_POLICY if is_page else DATA_POLICY)
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "strict-origin-when-cross-origin"
    assert answer.headers["cross-origin-opener-policy"] == "same-origin"
    assert answer.headers["cross-origin-resource-policy"] == "same-origin"
    assert "camera=()" in answer.headers["permissions-policy"]
    assert "access-control-allow-origin" not in answer.headers
    assert "server" not in answer.headers
    assert answer.headers["x-request-id"]


def test_policy_allows_nothing_inline() -> None:
    """W-01: no inline or evaluated code, no other host."""
    assert "unsafe" not in PAGE_POLICY
    assert "http" not in PAGE_POLICY
    assert PAGE_POLICY.startswith(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:"
    )


def test_too_large_body_has_the_headers(client: PortalClient) -> None:
    """W-01: a body over the limit is a 413 with the headers, and it is a problem."""
    token = client.get("/api/v1/csrf-token").json()["token"]
    answer = client.post(
        "/api/v1/probe/changes",
        content=b'{"title": "' + b"x" * (1024 * 1024 + 1) + b'"}',
        headers={"content-type": "application/json", "x-csrftoken": token},
    )
    assert answer.status_code == 413
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["content-security-policy"] == DATA_POLICY


def test_transport_security_only_over_tls(settings: Settings, db: Database, clock: FixedClock) -> None:
    """W-02: two years of TLS once people come by https; never announced over plain http (RFC 6797)."""
    for base_url, expected in (
        ("https://talent.example", "max-age=63072000; includeSubDomains"),
        ("http://127.0.0.1:8000", None),
    ):
        with PortalClient(build(replace(settings, base_url=base_url), db=db, clock=clock)) as client:
            assert client.get("/livez").headers.get("strict-transport-security") == expected


def test_pages_are_never_cached_and_static_files_are(client: PortalClient, db: Database) -> None:
    """S-07: pages are ``no-store``, signed in or not; static files carry a hash and stay a year."""
    with db.transaction() as session:
        account = an_account(session)
    assert client.get("/").headers["cache-control"] == "no-store"
    client.sign_in_as(account)
    assert client.get("/probe/page").headers["cache-control"] == "no-store"
    assert client.get("/api/v1/probe/whoami").headers["cache-control"] == "no-store"
    static = client.get("/static/app.css").headers["cache-control"]
    assert "max-age=31536000" in static
    assert "immutable" in static


@pytest.mark.parametrize("origin", ["null", "https://evil.example", "http://127.0.0.1:8000.evil.example"])
def test_no_origin_is_ever_let_in(client: PortalClient, origin: str) -> None:
    """W-02: no answer allows another origin."""
    answer = client.get("/api/v1/csrf-token", headers={"origin": origin})
    assert not [name for name in answer.headers if name.startswith("access-control")]


def test_a_path_that_looks_like_a_file_is_nothing(client: PortalClient, db: Database) -> None:
    """S-07: ``/account/x.css`` is no page of the account (cache deception)."""
    with db.transaction() as session:
        account = an_account(session)
    client.sign_in_as(account)
    assert client.get("/probe/page/x.css").status_code == 404


def test_head_is_get_without_a_body(client: PortalClient) -> None:
    """HEAD answers what GET would, body left out (RFC 9110)."""
    answer = client.head("/")
    assert answer.status_code == 200
    assert answer.content == b""
    assert int(answer.headers["content-length"]) > 1000
