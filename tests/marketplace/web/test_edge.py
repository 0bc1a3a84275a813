"""What holds around every route: the Host, the request id, odd bytes, the log line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import structlog
from structlog.testing import capture_logs

from marketplace.clock import FixedClock
from marketplace.db import Database
from marketplace.settings import Settings
from marketplace.web.edge import allowed_hosts
from tests.builders import an_account
from tests.marketplace.web.conftest import build
from tests.portal import PortalClient


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "", "127.0.0.1:8000@evil.example", "evil.example:8000"]
)
@pytest.mark.parametrize("path", ["/", "/nowhere", "/api/v1/csrf-token", "/static/app.css"])
def test_a_foreign_host_is_400(client: PortalClient, host: str, path: str) -> None:
    """R-03: a request for a host that is not ours is 400, on every path."""
    assert client.get(path, headers={"host": host}).status_code == 400


def test_forwarded_hosts_are_ignored(client: PortalClient) -> None:
    """R-03: X-Forwarded-Host and Forwarded change nothing; links come from the base address."""
    answer = client.get("/", headers={"x-forwarded-host": "evil.example", "forwarded": "host=evil.example"})
    assert answer.status_code == 200
    assert "evil.example" not in answer.text


def test_two_hosts_are_400(client: PortalClient) -> None:
    """R-03: a request with two Host fields is 400."""
    answer = client.get("/", headers=[("host", "127.0.0.1:8000"), ("host", "evil.example")])
    assert answer.status_code == 400


def test_production_knows_one_host(settings: Settings) -> None:
    """R-03: loopback names are for development only."""
    production = replace(settings, env="production", base_url="https://talent.example")
    assert allowed_hosts(production) == {"talent.example"}


def test_each_request_has_its_id(client: PortalClient) -> None:
    """Problem details name the request as the log does."""
    answer = client.get("/api/v1/nowhere")
    assert answer.json()["instance"] == f"urn:uuid:{answer.headers['x-request-id']}"
    assert client.get("/").headers["x-request-id"] != answer.headers["x-request-id"]


@pytest.mark.parametrize("path", ["/%00", "/?q=a%00b", "/api/v1/probe/refusals/%00", "/language%00"])
def test_nul_is_400(client: PortalClient, path: str) -> None:
    """W-06: a NUL, which PostgreSQL cannot store, is refused before anything sees it."""
    assert client.get(path).status_code == 400


def test_nul_in_bodies(client: PortalClient) -> None:
    """W-06: neither a form nor JSON brings a NUL in."""
    assert client.submit("/probe/form", word="a\x00b").status_code == 422
    body = {"title": "a\x00b", "company": {"name": "x"}}
    assert client.post("/api/v1/probe/changes", json=body).status_code == 422
    escaped = b'{"title": "\\\\u0000", "company": {"name": "x"}}'
    answer = client.post(
        "/api/v1/probe/changes", content=escaped, headers={"content-type": "application/json"}
    )
    assert answer.status_code == 201
    assert answer.json() == {"title": "\\u0000"}


@pytest.fixture
def logs() -> Iterator[list[Any]]:
    with capture_logs() as found:
        yield found


def test_the_log_line(client: PortalClient, db: Database, logs: list[Any]) -> None:
    """L-03: route template, ids and a truncated address; no query string, token or e-mail address."""
    with db.transaction() as session:
        account = an_account(session)
    client.sign_in_as(account)
    client.get("/api/v1/probe/refusals/missing?q=secretword")
    line = next(entry for entry in logs if entry["event"] == "request.answered" and entry["status"] == 404)
    assert line["route"] == "/api/v1/probe/refusals/{kind}"
    assert line["account_id"] == str(account.id)
    assert line["problem"] == "not_found"
    written = json.dumps(logs, default=str)
    for canary in ("secretword", account.email, account.last_name, client.cookies["tm_session"], "secret-id"):
        assert canary not in written


def test_health_and_static_are_not_logged(client: PortalClient, logs: list[Any]) -> None:
    """The log is for people's requests; probes and files would drown them."""
    client.get("/livez")
    client.get("/static/app.css")
    assert [entry for entry in logs if entry["event"] == "request.answered"] == []


def test_a_second_application_answers_alike(settings: Settings, db: Database, clock: FixedClock) -> None:
    """Nothing of the edge is kept in a module: two applications live side by side."""
    with (
        PortalClient(build(settings, db=db, clock=clock)) as one,
        PortalClient(build(settings, db=db, clock=clock)) as two,
    ):
        assert one.get("/livez").json() == two.get("/livez").json() == {"status": "alive"}
    assert structlog.is_configured() in {True, False}
