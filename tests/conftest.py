"""Fixtures every test may use; what only one package needs is in its own conftest."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from litestar import Litestar
from litestar.testing import TestClient
from sqlalchemy.orm import Session

from marketplace.clock import FixedClock
from marketplace.db import Database
from marketplace.mail import MailSink
from marketplace.ports import Ports
from marketplace.rate_limits.quotas import NO_LIMITS
from marketplace.settings import Settings
from tests.databases import Copies, TestServer
from tests.opensearch import node_url

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
SERVER = pytest.StashKey[TestServer]()


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Under xdist the controller owns the one server; its workers are told where it is."""
    node.workerinput["template_url"] = _server(node.config).template_url


def pytest_report_header() -> list[str]:
    """Say which real services were found; one that is required and missing ends the session."""
    found = {
        "postgresql": "DATABASE_URL_TEST" if os.environ.get("DATABASE_URL_TEST") else "embedded",
        "valkey": "embedded",
        "opensearch": node_url(),
        "chromium": next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None),
        "nginx": shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin"),
    }
    required = {name for name in os.environ.get("MARKETPLACE_REQUIRE", "").split(",") if name}
    missing = sorted(name for name in required if not found.get(name))
    if missing:
        raise pytest.UsageError(f"MARKETPLACE_REQUIRE names what is not here: {', '.join(missing)}")
    return [f"{name}: {place or 'not found, its tests are skipped'}" for name, place in found.items()]


def pytest_unconfigure(config: pytest.Config) -> None:
    server = config.stash.get(SERVER, None)
    if server is not None:
        server.stop()


def _server(config: pytest.Config) -> TestServer:
    if SERVER not in config.stash:
        config.stash[SERVER] = TestServer()
    return config.stash[SERVER]


@pytest.fixture(scope="session")
def copies(pytestconfig: pytest.Config) -> Iterator[Copies]:
    """The maker of databases: copies of the migrated template."""
    told = getattr(pytestconfig, "workerinput", {})
    made = Copies(
        told.get("template_url") or _server(pytestconfig).template_url, told.get("workerid", "main")
    )
    yield made
    made.close()


@pytest.fixture
def database_url(copies: Copies) -> Iterator[str]:
    """The address of a migrated, empty database that is this test's own."""
    url = copies.make()
    yield url
    copies.drop(url)


@pytest.fixture
def db(database_url: str) -> Iterator[Database]:
    """The test's own database; commits are real."""
    database = Database(database_url, pool_size=5)
    yield database
    database.dispose()


@pytest.fixture
def session(db: Database) -> Iterator[Session]:
    """A transaction on :func:`db`, for what needs no commit in the middle."""
    with db.transaction() as session:
        yield session


@pytest.fixture
def clock() -> FixedClock:
    """Monday 23 November 2026, 09:00 UTC, until it is moved."""
    return FixedClock(NOW)


@pytest.fixture
def now(clock: FixedClock) -> datetime:
    return clock.now()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Defaults, with a data folder of the test's own and password hashes that cost nothing.

    No quota but for tests about limits, which take :func:`limited`: many tests share one address.
    """
    return Settings(data=tmp_path / "data", secret_key="k" * 48, password_hash_memory_kib=8, quotas=NO_LIMITS)


@pytest.fixture
def limited(settings: Settings) -> Settings:
    """The same settings with the quotas that the product has."""
    return replace(settings, quotas={})


@pytest.fixture
def mail_sink() -> MailSink:
    """Every mail that was sent through :func:`ports`."""
    return MailSink()


@pytest.fixture
def ports(
    settings: Settings, db: Database, database_url: str, clock: FixedClock, mail_sink: MailSink
) -> Ports:
    """The real adapters on the test's own database, index and folders; time stands still."""
    from marketplace.app import build_ports  # late: most tests need no web stack

    return build_ports(replace(settings, database_url=database_url), db=db, clock=clock, mailer=mail_sink)


@pytest.fixture
def app(ports: Ports) -> Litestar:
    """The whole application over :func:`ports`."""
    from tests.apps import an_app  # late: most tests need no web stack

    return an_app(ports)


@pytest.fixture
def client(app: Litestar, settings: Settings) -> Iterator[TestClient[Litestar]]:
    """A browser without JavaScript: keeps cookies, follows no redirect unless told."""
    with TestClient(app, base_url=settings.base_url) as client:
        client.follow_redirects = False
        yield client
