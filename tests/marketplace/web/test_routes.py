"""Every route is decided about, and the shared ones answer (security.md Z-01, interface.md)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from litestar import Litestar, get
from sqlalchemy import delete

from marketplace import outbox
from marketplace.clock import FixedClock
from marketplace.db import Database
from marketplace.mail import FolderMailer, Mail
from marketplace.search import tantivy
from marketplace.settings import Settings
from marketplace.web import health
from marketplace.web.guards import unguarded
from tests.marketplace.web.conftest import build
from tests.portal import PortalClient


def test_every_route_has_a_guard_or_is_public(app: Litestar) -> None:
    """Z-01: deny by default: no route exists that nobody decided about."""
    assert list(unguarded(app)) == []


def test_a_forgotten_route_is_found(settings: Settings, db: Database, clock: FixedClock) -> None:
    """Z-01: the sweep sees a route without guard."""

    @get("/forgotten", sync_to_thread=False)
    def forgotten() -> None: ...

    app = build(settings, db=db, clock=clock)
    app.register(forgotten)
    assert list(unguarded(app)) == ["GET /forgotten"]


def _handlers(app: Litestar) -> Iterator[tuple[str, str, object]]:
    for route in app.routes:
        for method, (handler, _) in getattr(route, "route_handler_map", {}).items():
            if method != "OPTIONS":
                yield method, route.path, handler


def test_nothing_public_but_what_is_meant_to_be(app: Litestar) -> None:
    """Z-01: a page of a portal is never public."""
    for _, path, handler in _handlers(app):
        is_public = handler.opt.get("public")  # type: ignore[attr-defined]
        if is_public and "probe" not in path:
            assert not path.startswith(
                ("/account", "/admin", "/api/v1/me", "/api/v1/admin", "/api/v1/contacts")
            )
            in_portal = path.startswith(("/candidate", "/recruiter"))
            assert not in_portal or "/sign-up" in path, path


def test_production_has_no_mail_folder(settings: Settings, db: Database, clock: FixedClock) -> None:
    """O-03: ``/dev/mail`` does not exist in production."""
    production = replace(settings, env="production", base_url="https://talent.example")
    with PortalClient(build(production, db=db, clock=clock)) as client:
        assert client.get("/dev/mail", headers={"host": "talent.example"}).status_code == 404
        assert "/dev/mail" not in client.get("/", headers={"host": "talent.example"}).text


def test_the_mail_folder(client: PortalClient, settings: Settings) -> None:
    """The development mails are listed and read as text, their links clickable."""
    assert client.get("/dev/mail").status_code == 200
    FolderMailer(settings.mail_dir, "a@b.example").send(
        Mail(
            "x@y.example",
            "Bonjour <b>",
            "Cliquez : http://127.0.0.1:8000/confirm-email/abc.\n<script>alert(1)</script>",
        )
    )
    name = next(settings.mail_dir.glob("*.eml")).stem
    assert "Bonjour &lt;b&gt;" in client.get("/dev/mail").text
    page = client.get(f"/dev/mail/{name}").text
    assert '<a href="http://127.0.0.1:8000/confirm-email/abc">' in page
    assert "<script>alert" not in page
    for wrong in ("1-00000000", "..%2Fsecret_key", name + ".eml"):
        assert client.get(f"/dev/mail/{wrong}").status_code == 404


def test_ready(client: PortalClient) -> None:
    """interface.md: ``/readyz`` names database, search, broker and lag."""
    answer = client.get("/readyz")
    assert answer.status_code == 200
    assert set(answer.json()["checks"]) == {"database", "search", "broker", "lag"}


def test_ready_though_an_index_is_to_be_rebuilt(
    client: PortalClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """interface.md: an index of other code is named, so that an operator need not guess."""
    client.app.state.ports.index.rebuild("FR", [])
    assert "needs_rebuild" not in client.get("/readyz").json()["checks"]["search"]
    monkeypatch.setattr(tantivy, "fingerprint", lambda: "another")
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()["checks"]["search"]["needs_rebuild"]) == (200, ["FR"])


@pytest.mark.parametrize(
    ("age", "status"),
    [(health.LAG_SECONDS - 1, 200), (health.LAG_SECONDS, 200), (health.LAG_SECONDS + 1, 503)],
)
def test_lag_makes_it_not_ready(
    client: PortalClient, db: Database, clock: FixedClock, age: int, status: int
) -> None:
    """interface.md: an outbox nobody drains is not ready: just before, at and after the bound."""
    with db.transaction() as session:
        outbox.publish(session, clock.now(), "candidate.changed", "1")
    clock.advance(timedelta(seconds=age))
    answer = client.get("/readyz")
    assert answer.status_code == status
    assert answer.json()["checks"]["lag"]["status"] == ("ok" if status == 200 else "away")
    with db.transaction() as session:
        session.execute(delete(outbox.OutboxMessage))


def test_not_ready_without_database_or_broker(settings: Settings, clock: FixedClock, tmp_path: Path) -> None:
    """interface.md: what is away is named, with 503 and Retry-After; the process is still alive."""
    gone = Database("postgresql+psycopg://nobody@127.0.0.1:9/none")
    away = replace(settings, redis_url=f"unix://{tmp_path}/none.sock")
    with PortalClient(build(away, db=gone, clock=clock)) as client:
        answer = client.get("/readyz")
        assert answer.status_code == 503
        assert answer.headers["retry-after"]
        states = {name: check["status"] for name, check in answer.json()["checks"].items()}
        assert states == {"database": "away", "search": "ok", "broker": "away", "lag": "away"}
        assert client.get("/livez").status_code == 200
    gone.dispose()


def test_openapi_is_complete(client: PortalClient) -> None:
    """interface.md: OpenAPI 3.1, with problem details for refusals, and no page among the routes."""
    answer = client.get("/api/openapi.json")
    document = json.loads(answer.content)
    assert document["openapi"].startswith("3.1")
    assert all(path.startswith("/api/v1/") for path in document["paths"])
    token = document["paths"]["/api/v1/csrf-token"]["get"]["responses"]
    assert "application/problem+json" in token["400"]["content"]


def test_the_docs_are_ours(client: PortalClient) -> None:
    """W-01: the page of the API loads local files only and has no inline code."""
    page = client.get("/api/docs").text
    assert "swagger-ui-bundle.js" in page
    assert "http://" not in page.replace("http://127.0.0.1:8000", "")
    assert "https://" not in page


def test_csp_reports_are_counted(client: PortalClient) -> None:
    """W-01: a browser's report is taken without a token and without an answer's body."""
    report = [
        {
            "type": "csp-violation",
            "body": {"effectiveDirective": "script-src", "blockedURL": "https://e.example"},
        }
    ]
    answer = client.post(
        "/csp-reports", content=json.dumps(report), headers={"content-type": "application/reports+json"}
    )
    assert answer.status_code == 204
    assert answer.content == b""
