"""A rebuild in a process of its own that stops where it is told, to be killed there.

``python -m tests.indexer.rebuild_process STAGE ENGINE PLACE`` with ``DATABASE_URL`` and ``NOW`` in
the environment; prints ``at STAGE`` when it is there, and waits.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Generator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from indexer import drift, reading, rebuild
from marketplace.app import build_ports
from marketplace.clock import FixedClock
from marketplace.search.opensearch import OpenSearchIndex
from marketplace.search.opensearch_calls import Engine
from marketplace.search.tantivy import TantivyIndex
from marketplace.settings import Settings

STAGES = (
    "before the first document",
    "between documents",
    "before the comparison",
    "before the swap",
    "after it",
)


def wait_here(stage: str) -> None:
    """Say so, and wait to be killed."""
    sys.stdout.write(f"at {stage}\n")
    sys.stdout.flush()
    while True:
        time.sleep(60)


def stopping(function: Callable[..., Any], stage: str, *, after: bool = False) -> Callable[..., Any]:
    """Return ``function`` that stops before or after its work."""

    def stopped(*args: Any, **named: Any) -> Any:
        if after:
            function(*args, **named)
        wait_here(stage)

    return stopped


def stop_at(stage: str) -> None:
    """Have the rebuild stop at ``stage``."""
    read = reading.live_documents

    def documents(*args: Any) -> Generator[Any, None, None]:
        for number, document in enumerate(read(*args)):
            if stage == "before the first document" or (stage == "between documents" and number == 3):
                wait_here(stage)
            yield document

    setattr(rebuild, "live_documents", documents)  # noqa: B010  (what the module uses, not what it exports)
    if stage == "before the comparison":
        rebuild.compare = stopping(rebuild.compare, stage)
    elif stage == "before the swap":
        rebuild.compare = stopping(rebuild.compare, stage, after=True)
    elif stage == "after it":
        drift.check_recent = stopping(drift.check_recent, stage)


def main() -> None:
    stage, engine, place = sys.argv[1:]
    settings = Settings(data=Path(os.environ["MARKETPLACE_DATA"]), secret_key="k" * 48,
                        database_url=os.environ["DATABASE_URL"])  # fmt: skip
    clock = FixedClock(datetime.fromisoformat(os.environ["NOW"]).astimezone(UTC))
    if engine == "opensearch":
        index: Any = OpenSearchIndex(Engine([os.environ["OPENSEARCH_URL"]]), prefix=place, lease_seconds=2.0)
    else:
        index = TantivyIndex(Path(place))
    stop_at(stage)
    rebuild.rebuild(build_ports(settings, clock=clock, index=index), "FR")


if __name__ == "__main__":
    main()
