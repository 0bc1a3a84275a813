"""A dependency away: 503 with `Retry-After` within a second, everything else goes on, nothing is lost."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from dataclasses import replace
from io import BytesIO
from typing import Any

import httpx
import pytest
from celery import Celery
from litestar.testing import TestClient
from pypdf import PdfWriter
from sqlalchemy import select

from indexer.relay import drain
from marketplace.accounts.models import Account, AccountSession
from marketplace.app import build_ports, create_app
from marketplace.candidates.models import CV, Candidate, CandidateState
from marketplace.db import Database
from marketplace.errors import SearchUnavailableError
from marketplace.mail import MailSink
from marketplace.outbox import OutboxMessage
from marketplace.ports import Ports
from marketplace.settings import Settings
from marketplace.worker import Waker, celery_configuration
from tests.builders import PASSWORD, a_candidate, a_recruiter, an_opening
from tests.portal import ORIGIN, PortalClient

A_SECOND = 1.0


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A port that is taken and that nobody listens on: connecting is refused at once."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


class AbsentIndex:
    """An engine that does not answer."""

    def __getattr__(self, name: str) -> Any:
        def refuse(*_: Any, **__: Any) -> None:
            raise SearchUnavailableError

        if name == "close":
            return lambda: None
        return refuse


def assert_away(answer: httpx.Response, code: str, *, seconds: int) -> None:
    """Hold an answer against what interface.md promises of a dependency that is away."""
    assert answer.status_code == 503, answer.text
    assert 1 <= int(answer.headers["retry-after"]) <= seconds
    assert "content-security-policy" in answer.headers
    if answer.request.url.path.startswith("/api/"):
        assert answer.headers["content-type"] == "application/problem+json"
        assert (answer.json()["status"], answer.json()["code"]) == (503, code)
    else:
        assert answer.headers["content-type"].startswith("text/html")
        assert "</html>" in answer.text


def accounts_of(db: Database) -> tuple[Account, Account, str, str]:
    """Return a recruiter's and a candidate's account, the candidate's id and an opening's."""
    with db.transaction() as session:
        candidate, recruiter = a_candidate(session), a_recruiter(session)
        opening = an_opening(session, recruiter)
        return (
            session.get_one(Account, recruiter.account_id), session.get_one(Account, candidate.account_id),
            str(candidate.id), str(opening.id),
        )  # fmt: skip


def test_without_the_search_engine(ports: Ports, db: Database) -> None:
    """F-05: search is a 503 of its own, on both sides; profiles, contact, sign-in and withdrawal go on."""
    recruiter_account, candidate_account, candidate_id, opening_id = accounts_of(db)
    with create_portal(replace(ports, index=AbsentIndex())) as site:
        site.sign_in_as(recruiter_account)
        for path in ("/api/v1/candidates/search", "/recruiter/search"):
            started = time.monotonic()
            assert_away(site.get(f"{path}?q=python"), "search_unavailable", seconds=30)
            assert time.monotonic() - started < A_SECOND
        assert site.get(f"/api/v1/candidates/{candidate_id}").status_code == 200
        body = {"opening_id": opening_id, "message": "Bonjour"}
        assert site.change("POST", f"/candidates/{candidate_id}/contacts", body).status_code == 201
        site.sign_in_as(candidate_account)
        assert site.change("DELETE", "/me/opt-in").status_code == 204
        site.sign_in_as(recruiter_account)
        assert site.get(f"/api/v1/candidates/{candidate_id}").status_code == 404
        site.cookies.clear()
        credentials = {"email": candidate_account.email, "password": PASSWORD}
        assert site.post("/api/v1/sessions", json=credentials).status_code == 201
    with db.transaction() as session:
        waiting = session.scalars(
            select(OutboxMessage.done_at).where(OutboxMessage.topic == "candidate.changed")
        ).all()
    assert waiting
    assert set(waiting) == {None}


def test_what_waited_for_the_engine_is_caught_up(ports: Ports, db: Database) -> None:
    """F-05, C2: a withdrawal made while the engine was away is in the index once it is back."""
    recruiter_account, candidate_account, _, _ = accounts_of(db)
    with create_portal(ports) as site:
        site.sign_in_as(candidate_account)
        drain(ports)
    with create_portal(replace(ports, index=AbsentIndex())) as site:
        site.sign_in_as(candidate_account)
        assert site.change("DELETE", "/me/opt-in").status_code == 204
    with create_portal(ports) as site:
        site.sign_in_as(recruiter_account)
        assert site.get("/api/v1/candidates/search").json()["total"] == 0
        drain(ports)
        assert ports.index.count("FR") == 0


def create_portal(ports: Ports) -> PortalClient:
    return PortalClient(create_app(ports.settings, ports=ports))


ROUTES = [
    ("GET", "/api/v1/terms"), ("GET", "/api/v1/me"), ("GET", "/api/v1/candidates/search"),
    ("GET", "/recruiter/search"), ("GET", "/sign-in"), ("GET", "/terms/terms_of_use"),
]  # fmt: skip


@pytest.mark.parametrize("signed_in", [False, True], ids=["anonymous", "with a cookie"])
def test_without_the_database(settings: Settings, closed_port: int, signed_in: bool) -> None:
    """F-05: no route hangs or says 500; the process still says that it is alive, and not ready."""
    away = replace(settings, database_url=f"postgresql+psycopg://nobody@127.0.0.1:{closed_port}/nothing")
    app = create_app(away, mailer=MailSink())
    with TestClient(app, base_url=ORIGIN) as client:
        if signed_in:
            client.cookies.set("tm_session", "t" * 43, domain="127.0.0.1", path="/")
        for method, path in ROUTES:
            client.request(method, path, follow_redirects=False)  # a page's templates are compiled once
            started = time.monotonic()
            answer = client.request(method, path, follow_redirects=False)
            assert time.monotonic() - started < A_SECOND, path
            if signed_in or path.startswith(("/api/v1/terms", "/terms/")):
                assert_away(answer, "unavailable", seconds=30)
            else:
                assert answer.status_code < 500, path
        body = {"email": "somebody@example.org", "password": PASSWORD, "transport": "bearer"}
        assert_away(client.post("/api/v1/sessions", json=body), "unavailable", seconds=30)
        assert_away(
            client.get("/api/v1/me", headers={"authorization": "Bearer x"}), "unavailable", seconds=30
        )
        assert client.get("/livez").status_code == 200
        ready = client.get("/readyz")
        assert (ready.status_code, ready.json()["checks"]["database"]["status"]) == (503, "away")
        assert ready.json()["checks"]["search"]["status"] == "ok"


def test_the_database_comes_back(ports: Ports, db: Database) -> None:
    """F-05: connections that died under the pool cost one retry at most, and no restart."""
    recruiter_account, *_ = accounts_of(db)
    with create_portal(ports) as site:
        site.sign_in_as(recruiter_account)
        assert site.get("/api/v1/me").status_code == 200
        with db.engine.connect() as connection:
            connection.exec_driver_sql(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        assert site.get("/api/v1/me").status_code == 200


def a_pdf() -> bytes:
    writer, buffer = PdfWriter(), BytesIO()
    writer.add_blank_page(200, 200)
    writer.write(buffer)
    return buffer.getvalue()


def test_without_the_files_folder(ports: Ports, db: Database) -> None:
    """An upload that cannot be kept is a 503; what was there before stays, and nothing is half stored."""
    ports.settings.files_dir.parent.mkdir(parents=True, exist_ok=True)
    ports.settings.files_dir.write_text("a file where the folder should be: stops root, too")
    _, candidate_account, _, _ = accounts_of(db)
    with create_portal(ports) as candidate:
        candidate.sign_in_as(candidate_account)
        token = candidate.get("/api/v1/csrf-token").json()["token"]
        before = candidate.get("/api/v1/me/cv").json()
        files = {"file": ("cv.pdf", a_pdf(), "application/pdf")}
        answer = candidate.put("/api/v1/me/cv", files=files, headers={"X-CSRFToken": token})
        assert_away(answer, "unavailable", seconds=30)
        assert_away(
            candidate.submit("/candidate/cv", files=files, understood="yes"), "unavailable", seconds=30
        )
        assert candidate.get("/api/v1/me/cv").json() == before
    with db.transaction() as session:
        assert len(session.scalars(select(CV)).all()) == 1
        assert session.scalars(select(Candidate.state)).all() == [CandidateState.SEARCHABLE]


@pytest.mark.parametrize("says_nothing", [False, True], ids=["refuses", "says nothing"])
def test_without_the_broker(ports: Ports, database_url: str, says_nothing: bool) -> None:
    """F-06: who changes something is answered as ever, within a second; the outbox keeps what to do."""
    with socket.socket() as broker:
        broker.bind(("127.0.0.1", 0))
        if says_nothing:
            broker.listen()
        _hold_without_broker(ports, database_url, broker.getsockname()[1])


def _hold_without_broker(ports: Ports, database_url: str, closed_port: int) -> None:
    settings = replace(
        ports.settings, database_url=database_url, redis_url=f"redis://127.0.0.1:{closed_port}/0"
    )
    away = build_ports(settings, clock=ports.clock, mailer=MailSink())
    # The process's own Celery application may have read another address before.
    changes = celery_configuration() | {"broker_url": settings.redis_url}
    waker = away.db.after_commit = Waker(Celery(set_as_current=False, changes=changes))
    _, candidate_account, _, _ = accounts_of(away.db)
    with create_portal(away) as candidate:
        candidate.sign_in_as(candidate_account)
        started = time.monotonic()
        assert candidate.change("DELETE", "/me/opt-in").status_code == 204
        body = {"email": candidate_account.email}
        assert candidate.change("POST", "/password-resets", body).status_code == 202
        assert time.monotonic() - started < 2 * A_SECOND
        with away.db.transaction() as session:
            topics = set(session.scalars(select(OutboxMessage.topic)))
            assert session.scalars(select(AccountSession)).all()
        assert {"candidate.changed", "mail.requested"} <= topics
        ready = candidate.get("/readyz")
        assert (ready.status_code, ready.json()["checks"]["broker"]["status"]) == (503, "away")
    waker.wait()
