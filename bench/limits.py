"""What the limits of rules E1 add to one search: CPU of the web process, with and without them.

Two copies of the application in this process answer the same JSON searches in turn, over real
PostgreSQL and Valkey: in one every quota is counted, with numbers out of reach, in the other all are
``none``. A request's CPU is that of the whole process with its threads, so what the caller and the
search itself cost is the same on both sides and falls out of the difference.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import time
from dataclasses import replace
from itertools import cycle, islice
from typing import Any
from urllib.parse import urlencode, urlsplit

from litestar import Litestar

from bench.corpus import write_candidates
from bench.figures import tell
from bench.installation import installation
from bench.search import main_queries, recruiter_with_token
from indexer.rebuild import rebuild
from marketplace.app import create_app
from marketplace.logs import configure_logs
from marketplace.rate_limits.quotas import NO_LIMITS, Quota
from marketplace.settings import Settings

GATE_MS = 0.5
FAR = {quota.value: "600/minute;1000000/day" for quota in Quota}
"""Out of reach, and counted as the defaults are: moving windows, and the uses of a day."""


async def ask(app: Litestar, query_string: str, token: str) -> float:
    """Answer one search and return the CPU it took, in ms."""
    host = urlsplit(app.state.ports.settings.base_url).netloc.encode()
    scope: Any = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET",
        "scheme": "http", "path": "/api/v1/candidates/search", "raw_path": b"/api/v1/candidates/search",
        "query_string": query_string.encode(), "root_path": "", "client": ("198.51.100.7", 1),
        "server": ("127.0.0.1", 8000),
        "headers": [(b"host", host), (b"authorization", b"Bearer " + token.encode())],
    }  # fmt: skip
    status = 0

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        nonlocal status
        status = message.get("status", status)

    started = time.process_time()
    await app(scope, receive, send)
    taken = time.process_time() - started
    if status != 200:  # noqa: PLR2004  (HTTP)
        raise SystemExit(f"the search answered {status}")
    return 1000 * taken


async def measure(
    counted: Litestar, free: Litestar, queries: list[str], token: str, requests: int
) -> dict[str, object]:
    """Ask both in turn, each first every other time, after each query was asked once of both."""
    with_limits: list[float] = []
    without: list[float] = []
    for number, query_string in enumerate(islice(cycle(queries), len(queries) + requests)):
        for app in (counted, free) if number % 2 else (free, counted):
            taken = await ask(app, query_string, token)
            if number >= len(queries):
                (with_limits if app is counted else without).append(taken)
    differences = [one - other for one, other in zip(with_limits, without, strict=True)]
    added = statistics.median(differences)
    return {
        "requests": requests,
        "search_with_limits_cpu_ms": round(statistics.median(with_limits), 2),
        "search_without_cpu_ms": round(statistics.median(without), 2),
        "added_cpu_ms": round(added, 2),
        "added_cpu_mean_ms": round(statistics.fmean(differences), 2),
        "ratio": round(statistics.median(with_limits) / statistics.median(without), 3),
        "gate_ms": GATE_MS,
        "within_gate": added <= GATE_MS,
    }


def run(candidates: int, requests: int) -> None:
    """Set everything up in a folder of its own, measure, print a table and write the JSON."""
    configure_logs()
    with installation(replace(Settings.from_environment(), quotas=FAR)) as ports:
        now = ports.clock.now()
        write_candidates(ports.db, now, candidates, "FR")
        rebuild(ports, "FR")
        _, token = recruiter_with_token(ports)
        queries = [urlencode(pairs) for pairs in main_queries(f"{now:%Y-%m}")]
        free = replace(ports, settings=replace(ports.settings, quotas=NO_LIMITS))
        figures = asyncio.run(
            measure(
                create_app(ports.settings, ports=ports), create_app(free.settings, ports=free),
                queries, token, requests,
            )
        )  # fmt: skip
    tell("limits", "What the limits add to a search", figures)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--candidates", type=int, default=1_000)
    parser.add_argument("--requests", type=int, default=300)
    arguments = parser.parse_args()
    run(arguments.candidates, arguments.requests)


if __name__ == "__main__":
    main()
