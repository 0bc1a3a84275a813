"""``marketplace index rebuild`` against raw bulk of the same documents, prepared before, on one node.

``python -m bench.rebuild --candidates 20000`` with ``OPENSEARCH_URL``; without it, the embedded engine is
measured alone. The command runs as a process of its own, whose peak memory is read from the kernel. Raw is
opensearch-py: its ``bulk`` (one request at a time) and its ``parallel_bulk`` (two), bodies already JSON.
Both write to an index of the same mapping without replicas and refresh. The aims: the rebuild at least
0.7 times as fast as raw, in at most 300 MB.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from statistics import median
from typing import Any

import msgspec
from opensearchpy import OpenSearch, helpers

from bench.corpus import write_candidates
from bench.figures import tell
from bench.installation import either_engine, installation
from indexer.reading import live_documents
from marketplace.ports import Ports
from marketplace.search.document import flatten
from marketplace.search.opensearch_mapping import index_body
from marketplace.settings import Settings

RATIO, MEGABYTES = 0.7, 300
RAW = "bench-raw"

Timed = Callable[[], float]
"""Does one round and returns documents a second."""


class Command:
    """``marketplace index rebuild --country FR`` in a process of its own."""

    def __init__(self, settings: Settings) -> None:
        self._environment = {
            **os.environ,
            "DATABASE_URL": settings.database_url,
            "MARKETPLACE_DATA": str(settings.data),
            "MARKETPLACE_SEARCH": settings.search,
            "MARKETPLACE_OPENSEARCH_SHARDS": str(settings.opensearch_shards),
        }
        self.peak_megabytes = 0.0
        self.cpu_seconds = 0.0

    def start(self) -> subprocess.Popen[str]:
        """Start it, its answer in a pipe."""
        return subprocess.Popen(
            [sys.executable, "-m", "marketplace.cli", "index", "rebuild", "--country", "FR", "--json"],
            env=self._environment, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip

    def __call__(self) -> float:
        process = self.start()
        told = process.stdout.read() if process.stdout else ""
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            sys.exit(f"the rebuild ended with {process.returncode}")
        self.peak_megabytes = max(self.peak_megabytes, used.ru_maxrss / 1024)
        self.cpu_seconds = used.ru_utime + used.ru_stime
        done: dict[str, float] = json.loads(told.splitlines()[-1])
        return done["documents"] / done["seconds"]


class Raw:
    """The client's own bulk helpers on prepared bodies."""

    def __init__(self, client: OpenSearch, bodies: list[tuple[int, str]]) -> None:
        self._client = client
        self._bodies = bodies

    def one_at_a_time(self) -> float:
        return self._timed(
            lambda actions: helpers.bulk(self._client, actions, chunk_size=1000, max_chunk_bytes=4_000_000)
        )

    def two_at_once(self) -> float:
        def send(actions: Iterator[dict[str, Any]]) -> None:
            sent = helpers.parallel_bulk(
                self._client, actions, thread_count=2, chunk_size=1000, max_chunk_bytes=4_000_000
            )
            for _ in sent:
                pass

        return self._timed(send)

    def _timed(self, send: Callable[[Iterator[dict[str, Any]]], object]) -> float:
        self._client.indices.delete(index=RAW, ignore_unavailable=True)
        self._client.indices.create(index=RAW, body=index_body(shards=1, replicas=0, is_loading=True))
        started = time.perf_counter()
        send({"_index": RAW, "_id": str(key), "_source": body} for key, body in self._bodies)
        self._client.indices.refresh(index=RAW)
        rate = len(self._bodies) / (time.perf_counter() - started)
        if self._client.count(index=RAW)["count"] != len(self._bodies):
            sys.exit("raw bulk lost documents")
        self._client.indices.delete(index=RAW)
        return rate


def measure(ports: Ports, rounds: int) -> dict[str, object]:
    """Run every side in turn, ``rounds`` times after one that is not counted."""
    command = Command(ports.settings)
    sides: dict[str, Timed] = {"rebuild": command}
    client = None
    if ports.settings.search == "opensearch":
        client = OpenSearch(ports.settings.opensearch_url, timeout=120)
        bodies = [(d.key, msgspec.json.encode(flatten(d)).decode()) for d in live_documents(ports, "FR")]
        raw = Raw(client, bodies)
        sides |= {"raw_one_at_a_time": raw.one_at_a_time, "raw_two_at_once": raw.two_at_once}
    rates: dict[str, list[float]] = {name: [] for name in sides}
    for number in range(rounds + 1):
        for name, side in sides.items():
            rate = side()
            if number:  # the first round warms the engine up
                rates[name].append(rate)
    rate_of = {name: median(measured) for name, measured in rates.items()}
    figures: dict[str, object] = {
        f"{name}_documents_per_second": round(rate) for name, rate in rate_of.items()
    }
    figures["rebuild_peak_mb"] = round(command.peak_megabytes)
    figures["within_memory"] = command.peak_megabytes <= MEGABYTES
    for name, rate in rate_of.items():
        if name != "rebuild":
            figures[f"ratio_to_{name}"] = round(rate_of["rebuild"] / rate, 2)
    if client is not None:
        fastest = max(rate for name, rate in rate_of.items() if name != "rebuild")
        figures["within_ratio"] = rate_of["rebuild"] / fastest >= RATIO
        client.close()
    return figures


def run(candidates: int, rounds: int) -> None:
    """Set everything up in a folder of its own, measure, print a table and write the JSON."""
    with installation(either_engine()) as ports:
        write_candidates(ports.db, ports.clock.now(), candidates, "FR")
        figures = {"candidates": candidates, "engine": ports.settings.search, **measure(ports, rounds)}
    tell("rebuild", "Index rebuild, beside raw bulk", figures)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--candidates", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=2)
    arguments = parser.parse_args()
    run(arguments.candidates, arguments.rounds)


if __name__ == "__main__":
    main()
