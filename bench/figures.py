"""What a benchmark tells: figures kept as JSON in ``bench/results/``, shown as a table."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

RESULTS = Path(__file__).parent / "results"


def percentile(times: Sequence[float], share: float) -> float:
    """Return the time below which ``share`` of the sorted times lie, in ms."""
    ordered = sorted(times)
    return 1000 * ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def keep(name: str, figures: Mapping[str, object]) -> None:
    """Write the figures to ``bench/results/<name>.json``."""
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{name}.json").write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


def tell(name: str, title: str, figures: Mapping[str, object]) -> None:
    """Keep the figures and print them, one a row."""
    keep(name, figures)
    table = Table("figure", "value", title=title)
    for figure, value in figures.items():
        table.add_row(figure, str(value))
    Console().print(table)
