"""Whether the process lives and whether it can serve: ``/livez`` and ``/readyz``."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeoutError
from functools import partial
from typing import Any, Literal

import msgspec
import redis
from litestar import Response
from litestar import get as litestar_get
from litestar.di import NamedDependency
from sqlalchemy import func, select, text

from marketplace.errors import MarketplaceError
from marketplace.outbox import MAX_ATTEMPTS, OutboxMessage
from marketplace.ports import Ports

SECONDS = 0.8
"""Each check answers within this, or counts as away: an answer of 503 takes at most a second."""
LAG_SECONDS = 300
"""An outbox message waiting longer means that nobody drains it."""

_checks = ThreadPoolExecutor(max_workers=8, thread_name_prefix="readyz")


class Check(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One dependency: ``ok`` or ``away``, with seconds for the lag.

    ``needs_rebuild`` names the countries whose index was made by other code and is to be rebuilt.
    """

    status: Literal["ok", "away"]
    seconds: float | None = None
    needs_rebuild: tuple[str, ...] = ()


class Readiness(msgspec.Struct, kw_only=True):
    """Every dependency by its name."""

    status: Literal["ready", "not_ready"]
    checks: dict[str, Check]


@litestar_get("/livez", opt={"public": True}, include_in_schema=False, sync_to_thread=False)
def livez() -> dict[str, str]:
    """The process answers."""
    return {"status": "alive"}


@litestar_get("/readyz", opt={"public": True}, include_in_schema=False, sync_to_thread=True)
def readyz(ports: NamedDependency[Ports]) -> Response[Readiness]:
    """The database, the search engine, the broker and the outbox, each named; 503 when one is away."""
    checks: dict[str, Callable[[], Check]] = {
        "database": partial(_database, ports),
        "search": partial(_search, ports),
        "broker": partial(_broker, ports.settings.redis_url),
        "lag": partial(_lag, ports),
    }
    running = {name: _checks.submit(check) for name, check in checks.items()}
    found = {name: _result(future) for name, future in running.items()}
    ready = all(check.status == "ok" for check in found.values())
    return Response(
        Readiness(status="ready" if ready else "not_ready", checks=found),
        status_code=200 if ready else 503,
        headers={} if ready else {"retry-after": "5"},
    )


def _result(future: Future[Check]) -> Check:
    try:
        return future.result(timeout=SECONDS)
    except (MarketplaceError, redis.RedisError, OSError, FutureTimeoutError, RuntimeError):
        return Check(status="away")


def _database(ports: Ports) -> Check:
    with ports.db.reading() as session:
        session.execute(text("SELECT 1"))
    return Check(status="ok")


def _search(ports: Ports) -> Check:
    return Check(status="ok", needs_rebuild=ports.index.health().needs_rebuild)


def _broker(url: str) -> Check:
    """Ping the broker; a process without one (tests) has nothing that could be away."""
    if url:
        client: Any = redis.Redis.from_url(
            url.replace("redis+socket://", "unix://"), socket_connect_timeout=SECONDS, socket_timeout=SECONDS
        )
        with client:
            client.ping()
    return Check(status="ok")


def _lag(ports: Ports) -> Check:
    with ports.db.reading() as session:
        oldest = session.scalar(
            select(func.min(OutboxMessage.available_at)).where(
                OutboxMessage.done_at.is_(None), OutboxMessage.attempts < MAX_ATTEMPTS
            )
        )
    seconds = max(0.0, (ports.clock.now() - oldest).total_seconds()) if oldest else 0.0
    return Check(status="ok" if seconds <= LAG_SECONDS else "away", seconds=round(seconds, 1))
