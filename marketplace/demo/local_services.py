"""The embedded database and broker together, for the supervisor and for single commands.

A command run beside a running supervisor uses its servers; run alone, it starts them for as long as
it takes, under the same lock.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from marketplace.demo.children import ServiceError
from marketplace.demo.data_folder import AlreadyRunningError, DataFolder
from marketplace.demo.embedded_postgres import PostgresServer
from marketplace.demo.embedded_valkey import ValkeyServer
from marketplace.settings import Settings


class LocalServers:
    """PostgreSQL and Valkey below one data folder, but those the settings name elsewhere."""

    def __init__(self, data: Path, settings: Settings) -> None:
        self.postgres = None if settings.database_url else PostgresServer(data / "postgres")
        self.valkey = None if settings.redis_url else ValkeyServer(data / "valkey")

    def start(self) -> dict[str, str]:
        """Start both at once and return the environment that names them (main thread only)."""
        for server in (self.postgres, self.valkey):
            if server is not None:
                server.begin()
        return {
            **({"DATABASE_URL": self.postgres.finish()} if self.postgres else {}),
            **({"REDIS_URL": self.valkey.finish()} if self.valkey else {}),
        }

    def running(self) -> dict[str, str]:
        """Return the environment of the servers somebody else started."""
        return {
            **({"DATABASE_URL": self.postgres.url()} if self.postgres else {}),
            **({"REDIS_URL": self.valkey.url} if self.valkey else {}),
        }

    def await_orphans(self) -> None:
        """Wait for servers whose supervisor was killed."""
        for server in (self.postgres, self.valkey):
            if server is not None:
                server.await_orphan()

    def stop(self) -> None:
        """Stop what was started, the database last."""
        for server in (self.valkey, self.postgres):
            if server is not None:
                server.stop()

    def remove(self) -> None:
        """Delete the data of the stopped servers."""
        for server in (self.valkey, self.postgres):
            if server is not None:
                server.remove()


@contextmanager
def local_services(settings: Settings, purpose: str) -> Iterator[tuple[Settings, DataFolder | None]]:
    """Yield settings that name live servers, and the data folder if it is ours alone meanwhile.

    The environment names the servers too, for what reads it later (the task queue, children).
    Raises :class:`ServiceError`.
    """
    if settings.database_url:
        yield settings, None
        return
    folder = DataFolder(settings.data)
    servers = LocalServers(folder.path, settings)
    try:
        folder.open(f"marketplace {purpose}")
    except AlreadyRunningError:
        base_url = folder.state().get("base_url") or settings.base_url
        yield named(replace(settings, base_url=base_url), servers.running()), None
        return
    try:
        folder.await_orphans()
        yield named(settings, servers.start()), folder
    finally:
        servers.stop()
        folder.close()


def named(settings: Settings, environment: dict[str, str]) -> Settings:
    """Return ``settings`` with the servers of ``environment``, which is made the process's own."""
    os.environ.update(environment)
    return replace(
        settings,
        database_url=environment.get("DATABASE_URL", settings.database_url),
        redis_url=environment.get("REDIS_URL", settings.redis_url),
    )


def clear_local_data(settings: Settings) -> None:
    """Delete everything in the data folder; refused while it is in use or when the database is elsewhere.

    Raises :class:`ServiceError`.
    """
    if settings.database_url:
        raise ServiceError(
            "only the local data folder can be emptied, and DATABASE_URL names a database of yours"
        )
    folder = DataFolder(settings.data)
    servers = LocalServers(folder.path, settings)
    folder.open("marketplace, deleting the local data")
    try:
        folder.await_orphans()
        servers.await_orphans()
        servers.remove()
        folder.clear()
    finally:
        folder.close()
