"""What a number of candidates costs on one node: time, disk, memory, latency; the figures of docs/scale.md.

``python -m bench.scale --sizes 100000 1000000`` with ``OPENSEARCH_URL`` on an empty node. For each size in
turn: candidates are written up to it, the index is rebuilt by the command in a process of its own, with the
shards docs/scale.md reckons with (one for each half million) or with ``--shards``, and the main query of
``bench.search`` is asked of the service over HTTP and of the node itself, as the adapter asks it. Nothing is
merged by hand: what is measured is what a rebuild leaves. The aim: p95 at the last size at most four times
that at the first.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from opensearchpy import OpenSearch
from rich.console import Console
from rich.table import Table
from sqlalchemy import text

from bench.corpus import write_many
from bench.engine import Sides, answers, latencies
from bench.figures import keep, percentile
from bench.installation import installation, on_node
from bench.memory import tree
from bench.rebuild import Command
from bench.search import recruiter_with_token, served, visibility_of
from bench.sizing import Assumed, shards_of
from marketplace.ports import Ports

COUNTRY = "FR"
TIMES = 4.0
"""p95 may grow by this from the first size to the last."""

_TICK = os.sysconf("SC_CLK_TCK")

Figures = dict[str, Any]


def cpu_seconds(root: int) -> float:
    """Return the CPU the processes under ``root`` have used, ended children included."""
    ticks = 0
    for pid in tree(root):
        fields = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
        ticks += sum(int(field) for field in fields[11:15])
    return ticks / _TICK


class Node:
    """The figures a node tells of itself."""

    def __init__(self, url: str) -> None:
        self._client = OpenSearch(url, timeout=120)

    def cpu_seconds(self) -> float:
        """Return the CPU its process has used."""
        (node,) = self._client.nodes.stats(metric="process")["nodes"].values()
        return float(node["process"]["cpu"]["total_in_millis"]) / 1000

    def sizes(self, alias: str) -> Figures:
        """Return bytes, segments and deleted documents of the index, and the heap in use."""
        stats = self._client.indices.stats(index=alias, metric="store,segments,docs")["_all"]["primaries"]
        (node,) = self._client.nodes.stats(metric="jvm")["nodes"].values()
        return {
            "index_mb": round(stats["store"]["size_in_bytes"] / 1e6, 1),
            "bytes_a_document": round(stats["store"]["size_in_bytes"] / stats["docs"]["count"]),
            "segments": stats["segments"]["count"],
            "heap_used_mb": round(node["jvm"]["mem"]["heap_used_in_bytes"] / 1e6),
            "heap_max_mb": round(node["jvm"]["mem"]["heap_max_in_bytes"] / 1e6),
        }

    def close(self) -> None:
        """Close the connections."""
        self._client.close()


def database_sizes(ports: Ports) -> Figures:
    """Return the bytes of the database, and of the rows of a candidate with indexes and texts."""
    with ports.db.reading() as session:
        whole = session.scalar(text("SELECT pg_database_size(current_database())"))
        return {"database_mb": round((whole or 0) / 1e6, 1)}


def answered(sides: Sides, side: str, seconds: float, cpu: Callable[[], dict[str, float]]) -> Figures:
    """Ask with eight clients; return searches a second and the CPU of each part for one, in ms."""
    before, started = cpu(), time.perf_counter()
    asked = answers(sides, side, seconds)
    taken, after = time.perf_counter() - started, cpu()
    return {
        f"{side}_per_second": round(asked / taken, 1),
        **{f"{side}_{name}_cpu_ms": round(1000 * (after[name] - before[name]) / asked, 2) for name in after},
    }


def measure(
    ports: Ports, sizes: list[int], shards: int | None, requests: int, seconds: float, postgres: int | None
) -> list[Figures]:
    """Grow to each size in turn and measure there."""
    node = Node(ports.settings.opensearch_url)
    account_id, token = recruiter_with_token(ports)
    written = 0
    figures: list[Figures] = []
    for size in sizes:
        started = time.perf_counter()
        write_many(ports.db, ports.clock.now(), range(written, size), COUNTRY)
        with ports.db.reading() as session:
            session.execute(text("VACUUM ANALYZE"))
        written = size
        one: Figures = {"candidates": size, "written_in_s": round(time.perf_counter() - started)}
        one["shards"] = shards or shards_of(size, Assumed())
        command = Command(replace(ports.settings, opensearch_shards=one["shards"]))
        before = node.cpu_seconds()
        started = time.perf_counter()
        rate = command()
        one |= {
            "rebuild_documents_per_second": round(rate),
            "rebuild_s": round(time.perf_counter() - started),
            "rebuild_peak_mb": round(command.peak_megabytes),
            "rebuild_cpu_ms_a_document": round(1000 * command.cpu_seconds / size, 3),
            "rebuild_node_cpu_ms_a_document": round(1000 * (node.cpu_seconds() - before) / size, 3),
            **node.sizes(f"candidates-{COUNTRY.lower()}"),
            **database_sizes(ports),
        }
        visibility = visibility_of(ports, account_id)
        sides = Sides(ports, visibility, token)
        with served(ports) as (process, _):

            def cpu(web: int = process.pid) -> dict[str, float]:
                used = {"web": cpu_seconds(web), "node": node.cpu_seconds()}
                return used if postgres is None else used | {"postgres": cpu_seconds(postgres)}

            for side, times in latencies(sides, ("service", "adapter"), requests).items():
                for label, share in (("p50", 0.5), ("p95", 0.95)):
                    one[f"{side}_{label}_ms"] = round(percentile(times, share), 2)
            one |= answered(sides, "service", seconds, cpu) | answered(sides, "adapter", seconds, cpu)
            one |= {"median_found": sides.median_found()}
        Console().print_json(data=one)
        figures.append(one)
    node.close()
    return figures


def run(sizes: list[int], shards: int | None, requests: int, seconds: float) -> None:
    """Set everything up in a folder of its own, measure, print a table and write the JSON."""
    url = os.environ.get("OPENSEARCH_URL")
    if not url:
        sys.exit("bench.scale needs OPENSEARCH_URL: start a node with `make opensearch`")
    patient = replace(on_node(url), search_milliseconds=10_000)  # what is slow is to be counted, not refused
    with installation(patient) as ports:
        figures = measure(ports, sizes, shards, requests, seconds, _postmaster(ports.settings.data))
    grown = figures[-1]["service_p95_ms"] / figures[0]["service_p95_ms"]
    told = {
        "sizes": figures, "p95_grew_by": round(grown, 2), "gate": TIMES, "within_gate": grown <= TIMES,
    }  # fmt: skip
    keep("scale", told)
    table = Table("figure", *(f"{one['candidates']:,}" for one in figures), title="What a number costs")
    for name in figures[0]:
        table.add_row(name, *(str(one[name]) for one in figures))
    Console().print(table)
    Console().print(f"p95 of the service grew {grown:.2f} times (aim at most {TIMES:.0f})")


def _postmaster(folder: Path) -> int | None:
    """Return the process of the embedded PostgreSQL in ``folder``; None where it is another's."""
    for found in folder.rglob("postmaster.pid"):
        return int(found.read_text().splitlines()[0])
    return None


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.scale", description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[100_000, 1_000_000])
    parser.add_argument("--shards", type=int, help="of the index at every size, instead of by its size")
    parser.add_argument("--requests", type=int, default=300)
    parser.add_argument("--seconds", type=float, default=20.0, help="of each throughput run")
    arguments = parser.parse_args()
    run(sorted(arguments.sizes), arguments.shards, arguments.requests, arguments.seconds)


if __name__ == "__main__":
    main()
