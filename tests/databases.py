"""Real PostgreSQL for the tests: one throwaway cluster a session, one migrated template, cheap copies.

The cluster lives in memory (``/dev/shm``) where there is such a thing. A copy of the template takes
about 20 ms there, so each test has a database of its own and real commits are fine.
``DATABASE_URL_TEST`` names a server to use instead; its account must be allowed to make databases.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from itertools import count
from pathlib import Path

import psycopg
from sqlalchemy import URL, make_url

from marketplace import migrations
from marketplace.demo.embedded_postgres import THROWAWAY_OPTIONS, PostgresServer

PREFIX = "marketplace-tests-"


class TestServer:
    """A running server with a migrated template database; :meth:`stop` leaves nothing behind."""

    __test__ = False

    def __init__(self) -> None:
        self._server: PostgresServer | None = None
        given = os.environ.get("DATABASE_URL_TEST")
        if given:
            self._url = make_url(given)
        else:
            self._server = PostgresServer(throwaway_folder(), options=THROWAWAY_OPTIONS)
            self._url = make_url(self._server.start())
        self.template = f"template_{os.getpid()}"
        drop(self._url, self.template)
        execute(self._url, f"CREATE DATABASE {self.template}")
        migrations.upgrade(text_of(self._url.set(database=self.template)))

    @property
    def template_url(self) -> str:
        """The address of the template; nobody may stay connected to it."""
        return text_of(self._url.set(database=self.template))

    def stop(self) -> None:
        """Drop the template, stop the server and delete its folder."""
        if self._server is None:
            drop(self._url, self.template)
        else:
            self._server.stop()
            self._server.remove()


class Copies:
    """Makes and drops copies of one template, over a connection that is kept."""

    def __init__(self, template_url: str, worker: str) -> None:
        self._url = make_url(template_url)
        self._names = (f"{self._url.database}_{worker}_{number}" for number in count())
        self._connection = psycopg.connect(address(self._url.set(database="postgres")), autocommit=True)

    def make(self) -> str:
        """Return the address of a fresh copy."""
        name = next(self._names)
        self._connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        self._connection.execute(f"CREATE DATABASE {name} TEMPLATE {self._url.database} STRATEGY FILE_COPY")
        return text_of(self._url.set(database=name))

    def drop(self, url: str) -> None:
        """Drop a copy, whoever is still connected."""
        self._connection.execute(f"DROP DATABASE IF EXISTS {make_url(url).database} WITH (FORCE)")

    def close(self) -> None:
        self._connection.close()


def throwaway_folder() -> Path:
    """Return a new folder in memory if possible, after sweeping those of killed sessions."""
    memory = Path("/dev/shm")
    parent = memory if os.access(memory, os.W_OK) else Path(tempfile.gettempdir())
    for folder in parent.glob(f"{PREFIX}*"):
        owner = re.match(rf"{PREFIX}(\d+)-", folder.name)
        if owner and not Path(f"/proc/{owner[1]}").exists():
            shutil.rmtree(folder, ignore_errors=True)
    return Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-", dir=parent))


def execute(url: URL, statement: str) -> None:
    with psycopg.connect(address(url.set(database="postgres")), autocommit=True) as connection:
        connection.execute(statement)


def drop(url: URL, name: str) -> None:
    execute(url, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


def text_of(url: URL) -> str:
    """Return the SQLAlchemy address with its password."""
    return url.render_as_string(hide_password=False)


def address(url: URL) -> str:
    """Return the address as psycopg itself takes it."""
    return text_of(url.set(drivername="postgresql"))
