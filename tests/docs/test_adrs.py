"""The records of decisions are numbered without a gap and say what a decision must say."""

from __future__ import annotations

import re
from pathlib import Path

ADRS = sorted((Path(__file__).parents[2] / "docs/adr").glob("*.md"))


def test_records_are_numbered_without_a_gap() -> None:
    """Each has its own number, in its name and in its title."""
    numbers = [int(path.name[:4]) for path in ADRS]
    assert numbers == list(range(1, len(ADRS) + 1))
    for path in ADRS:
        title = path.read_text(encoding="utf-8").splitlines()[0]
        assert re.match(rf"# {int(path.name[:4])}\. |# {path.name[:4]}\b|# ADR {path.name[:4]}", title), title
