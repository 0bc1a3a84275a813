"""A search through the service beside the same question sent raw to OpenSearch, in one run.

Needs an empty node: ``make opensearch``, then ``.venv/bin/python -m bench.engine``.
Both sides hold the same candidates on the same node. *Service* is the JSON route over HTTP: session,
visibility, hydration from PostgreSQL, re-check, five multi-select facets, highlights, 20 hits. *Raw*
is the question of ``bench/raw_query.json``, highlights from offsets; *fvh* the same with the fast
vector highlighter; *plain* without highlights. Latency with one client, the sides in turn;
throughput with eight, one side after the other.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from http.client import HTTPConnection
from itertools import cycle, islice
from pathlib import Path
from urllib.parse import urlencode

import msgspec
from rich.progress import Progress

from bench.corpus import write_many
from bench.figures import percentile, tell
from bench.installation import installation, on_node
from bench.raw_engine import RawClient, search_body
from bench.search import PORT, main_queries, recruiter_with_token, served, visibility_of
from indexer.reading import live_documents
from indexer.rebuild import rebuild
from marketplace.ports import Ports
from marketplace.search import url
from marketplace.search.query import Visibility

RAW_QUERY = Path(__file__).parent / "raw_query.json"
COUNTRY = "FR"
GATE_ADDED_MS = 8.0
GATE_THROUGHPUT = 0.7
CLIENTS = 8
WARM = 10
"""Rounds of all queries before anything is timed: the node compiles its code while it answers."""

Ask = Callable[[int], int]
"""Sends the query of a number and returns how many it found."""


def example_body() -> dict[str, object]:
    """Return the body that ``raw_query.json`` shows: the first query, on a fixed day."""
    pairs = main_queries("2026-11")[0]
    visibility = Visibility(country="FR", job_country="FR", today=date(2026, 11, 25))
    return search_body(url.read(pairs, default_job_country="FR").query(visibility))


class Sides:
    """The ways to ask the same queries; ``adapter`` is the port alone, in this process."""

    def __init__(self, ports: Ports, visibility: Visibility, token: str) -> None:
        queries = main_queries(f"{ports.clock.now():%Y-%m}")
        self._read = [url.read(pairs, default_job_country=COUNTRY).query(visibility) for pairs in queries]
        self.paths = [f"/api/v1/candidates/search?{urlencode(pairs)}" for pairs in queries]
        self.bodies = {
            name: [msgspec.json.encode(search_body(query, highlighter)) for query in self._read]
            for name, highlighter in (("raw", "unified"), ("fvh", "fvh"), ("plain", None))
        }
        self._headers = {"Authorization": f"Bearer {token}"}
        self._node = ports.settings.opensearch_url
        self._index = ports.index

    def client(self, side: str) -> Ask:
        """Return a client of its own for one side."""
        if side == "service":
            connection = HTTPConnection("127.0.0.1", PORT, timeout=60)

            def ask(number: int) -> int:
                connection.request("GET", self.paths[number % len(self.paths)], headers=self._headers)
                answer = connection.getresponse()
                body = answer.read()
                if answer.status != 200:  # noqa: PLR2004  (OK)
                    raise SystemExit(f"the service answered {answer.status}: {body[:300]!r}")
                total: int = msgspec.json.decode(body)["total"]
                return total

            return ask
        if side == "adapter":
            return lambda number: self._index.search(self._read[number % len(self._read)]).total
        raw, bodies = RawClient(self._node), self.bodies[side]

        def ask_raw(number: int) -> int:
            total: int = raw.search(bodies[number % len(bodies)])["hits"]["total"]["value"]
            return total

        return ask_raw

    def median_found(self) -> int:
        """Return how many people the middle one of the queries finds."""
        return sorted(map(self.client("adapter"), range(len(self.paths))))[len(self.paths) // 2]


def latencies(sides: Sides, names: Sequence[str], requests: int) -> dict[str, list[float]]:
    """Time every side on the same queries, in turn, after a warm-up of each query on each."""
    clients = {name: sides.client(name) for name in names}
    times: dict[str, list[float]] = {name: [] for name in names}
    warm = WARM * len(sides.paths)
    order = cycle([names, tuple(reversed(names))])
    for number, turn in enumerate(islice(order, warm + requests)):
        for name in turn:
            started = time.perf_counter()
            clients[name](number)
            if number >= warm:
                times[name].append(time.perf_counter() - started)
    return times


def answers(sides: Sides, name: str, seconds: float) -> int:
    """Return how many searches eight clients of one side get through in this time."""
    until = time.perf_counter() + seconds

    def work(first: int) -> int:
        ask, done = sides.client(name), 0
        while time.perf_counter() < until:
            ask(first + CLIENTS * done)
            done += 1
        return done

    with ThreadPoolExecutor(CLIENTS) as pool:
        return sum(pool.map(work, range(CLIENTS)))


def same_totals(sides: Sides) -> float:
    """Return the share of queries of which both sides find as many."""
    service, raw = sides.client("service"), sides.client("plain")
    return sum(service(n) == raw(n) for n in range(len(sides.paths))) / len(sides.paths)


def measure(ports: Ports, candidates: int, requests: int, seconds: float, workers: int) -> dict[str, object]:
    """Load both sides and measure; return the figures."""
    raw = RawClient(ports.settings.opensearch_url)
    write_many(ports.db, ports.clock.now(), range(candidates), COUNTRY)
    account_id, token = recruiter_with_token(ports)
    started = time.perf_counter()
    indexed = rebuild(ports, COUNTRY)
    ours = time.perf_counter() - started
    raw.create()
    started = time.perf_counter()
    with Progress(transient=True) as bar:
        task = bar.add_task("loading the raw index", total=candidates)
        for done in raw.load(live_documents(ports, COUNTRY)):
            bar.update(task, completed=done)
    theirs = time.perf_counter() - started
    for index in ("raw-candidates", f"candidates-{COUNTRY.lower()}"):
        raw.call("POST", f"/{index}/_forcemerge?max_num_segments=1")
    visibility = visibility_of(ports, account_id)
    sides = Sides(ports, visibility, token)
    with served(ports, workers):
        times = latencies(sides, ("service", "raw", "fvh", "plain"), requests)
        rates = {name: answers(sides, name, seconds) / seconds for name in ("raw", "service", "plain")}
        agree = same_totals(sides)
    raw.drop()
    p = {name: (percentile(taken, 0.5), percentile(taken, 0.95)) for name, taken in times.items()}
    return {
        "candidates": indexed,
        "requests": requests,
        "web_processes": workers,
        **{f"{name}_p50_ms": round(values[0], 2) for name, values in p.items()},
        **{f"{name}_p95_ms": round(values[1], 2) for name, values in p.items()},
        "p50_ratio": round(p["service"][0] / p["raw"][0], 2),
        "added_p50_ms": round(p["service"][0] - p["raw"][0], 2),
        "added_p95_ms": round(p["service"][1] - p["raw"][1], 2),
        **{f"{name}_per_second": round(rate, 1) for name, rate in rates.items()},
        "throughput_ratio": round(rates["service"] / rates["raw"], 2),
        "same_totals": round(agree, 3),
        "rebuild_seconds": round(ours, 1),
        "raw_load_seconds": round(theirs, 1),
        "within_gates": p["service"][0] - p["raw"][0] <= GATE_ADDED_MS
        and p["service"][1] - p["raw"][1] <= GATE_ADDED_MS
        and rates["service"] >= GATE_THROUGHPUT * rates["raw"],
    }


def run(candidates: int, requests: int, seconds: float, workers: int = 2) -> None:
    """Set everything up in a folder of its own, measure, print a table and write the JSON."""
    if json.loads(RAW_QUERY.read_text(encoding="utf-8")) != example_body():
        raise SystemExit("bench/raw_query.json is not the body that is sent; write it with --write-body")
    node = os.environ.get("OPENSEARCH_URL", "http://127.0.0.1:9200")
    with installation(on_node(node)) as ports:
        figures = measure(ports, candidates, requests, seconds, workers)
    tell("engine", "Search through the service, beside the raw engine", figures)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.engine", description=__doc__)
    parser.add_argument("--candidates", type=int, default=100_000)
    parser.add_argument("--requests", type=int, default=400)
    parser.add_argument("--seconds", type=float, default=20.0, help="of each throughput run")
    parser.add_argument("--workers", type=int, default=2, help="web processes of the service")
    parser.add_argument("--write-body", action="store_true", help="write bench/raw_query.json and end")
    arguments = parser.parse_args()
    if arguments.write_body:
        RAW_QUERY.write_text(json.dumps(example_body(), indent=1) + "\n", encoding="utf-8")
        return
    run(arguments.candidates, arguments.requests, arguments.seconds, arguments.workers)


if __name__ == "__main__":
    main()
