"""From what was measured to what 1, 10 and 100 million candidates need: the tables of docs/scale.md.

``python -m bench.sizing`` reads ``bench/results/scale.json`` (written by ``python -m bench.scale``) and
prints Markdown. What is assumed stands in :class:`Assumed`; every option changes one of them. The model:
the CPU of a search on the node is a fixed part and one for each million documents of the country, drawn
through the smallest and the largest size measured; all else is a figure of the largest size, times a count.
"""

from __future__ import annotations

import argparse
import json
import math
from dataclasses import dataclass, fields
from typing import Any

from bench.figures import RESULTS
from marketplace.demo.people import SHARES

SIZES = (1_000_000, 10_000_000, 100_000_000)
DAY_SECONDS = 86_400
MILLION = 1_000_000


@dataclass(frozen=True)
class Assumed:
    """What nobody has measured yet; change it to yours."""

    recruiters_per_candidate: float = 0.01
    searches_a_day: float = 10.0
    """Of each recruiter, on a working day."""
    busiest_hour: float = 0.2
    """Share of a day's searches in its busiest hour."""
    changes_a_month: float = 2.0
    """Of each candidate: an edit, a confirmation."""
    copies: int = 2
    """Of each shard: one and a replica."""
    cpu_share: float = 0.5
    """How busy a core may be in the busiest hour."""
    cores_a_node: int = 16
    shard_millions: float = 0.5
    """Documents of a shard: its part of a search runs on one core, and bounds how long the search takes."""
    disk_share: float = 0.7
    """How full a disk may be."""
    generations: int = 3
    """Indexes at once while one is built: the one that answers, the one before, the new one."""


@dataclass(frozen=True)
class Measured:
    """What one candidate, one search and one document cost, from the sizes measured."""

    fixed_cpu_ms: float
    million_cpu_ms: float
    web_cpu_ms: float
    database_cpu_ms: float
    index_bytes: float
    database_bytes: float
    load_cpu_ms: float
    node_load_cpu_ms: float
    documents_a_second: float

    @classmethod
    def of(cls, sizes: list[dict[str, Any]]) -> Measured:
        """Draw the line through the first and the last size."""
        small, large = sizes[0], sizes[-1]
        apart = (large["candidates"] - small["candidates"]) / MILLION
        slope = (large["service_node_cpu_ms"] - small["service_node_cpu_ms"]) / apart
        return cls(
            fixed_cpu_ms=max(0.0, small["service_node_cpu_ms"] - slope * small["candidates"] / MILLION),
            million_cpu_ms=slope,
            web_cpu_ms=large["service_web_cpu_ms"],
            database_cpu_ms=large.get("service_postgres_cpu_ms", 0.0),
            index_bytes=large["bytes_a_document"],
            database_bytes=1e6 * large["database_mb"] / large["candidates"],
            load_cpu_ms=large["rebuild_cpu_ms_a_document"],
            node_load_cpu_ms=large["rebuild_node_cpu_ms_a_document"],
            documents_a_second=large["rebuild_documents_per_second"],
        )

    def search_cpu_ms(self, documents: float) -> float:
        """Return the CPU of one search on the nodes, over a country of so many documents."""
        return self.fixed_cpu_ms + self.million_cpu_ms * documents / MILLION


Row = tuple[str, ...]


def rows(measured: Measured, assumed: Assumed) -> list[Row]:
    """Return the table, a row for each figure with its value at each of :data:`SIZES`."""
    told = [_at(size, measured, assumed) for size in SIZES]
    return [(name, *(one[name] for one in told)) for name in told[0]]


def shards_of(documents: float, assumed: Assumed) -> int:
    """Return into how many shards the index of a country with so many documents is cut."""
    return max(1, math.ceil(documents / MILLION / assumed.shard_millions))


def _at(candidates: int, measured: Measured, assumed: Assumed) -> dict[str, str]:
    countries = {code: candidates * share for code, share in SHARES}
    searches = (
        candidates * assumed.recruiters_per_candidate * assumed.searches_a_day * assumed.busiest_hour / 3600
    )
    changes = 2 * candidates * assumed.changes_a_month / 30 / DAY_SECONDS
    shards = {code: shards_of(count, assumed) for code, count in countries.items()}
    search_ms = {code: measured.search_cpu_ms(count) for code, count in countries.items()}
    mean_ms = sum(share * search_ms[code] for code, share in SHARES)
    node_ms = searches * mean_ms + changes * measured.node_load_cpu_ms * assumed.copies
    cores = node_ms / 1000 / assumed.cpu_share
    index = candidates * measured.index_bytes * assumed.copies
    nodes = max(2, math.ceil(cores / assumed.cores_a_node))
    largest = max(countries.values())
    one_core = 1000 / measured.load_cpu_ms
    return {
        "searches a second, busiest hour": f"{searches:,.0f}" if searches >= 10 else f"{searches:.1f}",  # noqa: PLR2004
        "changes a second, twice the mean": f"{changes:,.1f}",
        "shards FR / GB / US": " / ".join(str(count) for count in shards.values()),
        "documents of a shard, FR": f"{countries['FR'] / shards['FR'] / MILLION:.1f} M",
        "node CPU of a search, FR": f"{search_ms['FR']:,.0f} ms",
        "of that on one shard": f"{measured.search_cpu_ms(countries['FR'] / shards['FR']):,.0f} ms",
        "cores of the nodes": f"{max(2.0, cores):,.0f}",
        f"nodes of {assumed.cores_a_node} cores": f"{nodes:,}",
        "index, copies included": _bytes(index),
        "memory for it to stay in (page cache)": _bytes(index),
        "disk of the nodes, a rebuild included": _bytes(index * assumed.generations / assumed.disk_share),
        "cores of the web": f"{max(1.0, searches * measured.web_cpu_ms / 1000 / assumed.cpu_share):,.0f}",
        "PostgreSQL, rows and texts": _bytes(candidates * measured.database_bytes),
        "rebuild of FR, on the machine measured": _time(largest / measured.documents_a_second),
        "rebuild of FR, nodes no limit": _time(largest / one_core),
    }


def _bytes(count: float) -> str:
    for unit in ("MB", "GB", "TB"):
        count /= 1000 if unit != "MB" else MILLION
        if count < 1000:  # noqa: PLR2004
            break
    return f"{count:,.1f} {unit}" if count < 10 else f"{count:,.0f} {unit}"  # noqa: PLR2004


def _time(seconds: float) -> str:
    return f"{seconds / 60:,.0f} min" if seconds < 2 * 3600 else f"{seconds / 3600:,.1f} h"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.sizing", description=__doc__)
    for field in fields(Assumed):
        parser.add_argument(
            f"--{field.name.replace('_', '-')}", type=type(field.default), default=field.default
        )
    assumed = Assumed(**vars(parser.parse_args()))
    measured = Measured.of(json.loads((RESULTS / "scale.json").read_text(encoding="utf-8"))["sizes"])
    print("| | " + " | ".join(f"{size // MILLION} M" for size in SIZES) + " |")
    print("|---|" + "---|" * len(SIZES))
    for row in rows(measured, assumed):
        print("| " + " | ".join(row) + " |")


if __name__ == "__main__":
    main()
