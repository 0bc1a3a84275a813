"""Memory of the running embedded service: the sum of PSS over its process tree.

``python -m bench.memory`` while ``make run`` runs. PSS counts a page shared by n processes as one
n-th, so that the sum is what the whole takes from the machine. ``--json`` prints JSON only; the
figures are also kept in ``bench/results/memory.json``.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections import defaultdict
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench.figures import keep
from marketplace.settings import Settings


def supervisor_pid(data: Path) -> int:
    """Return the supervisor that holds the data folder's lock."""
    try:
        found = re.search(r"\(process (\d+)\)", (data / "lock").read_text(encoding="utf-8"))
    except FileNotFoundError:
        found = None
    if found is None or not Path(f"/proc/{found[1]}").exists():
        sys.exit(f"nothing runs in {data}; start it with `make run`")
    return int(found[1])


def tree(root: int) -> list[int]:
    """Return ``root`` and all its descendants."""
    children: dict[int, list[int]] = defaultdict(list)
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parent = int((entry / "stat").read_text(errors="replace").rpartition(")")[2].split()[1])
            except OSError:
                continue
            children[parent].append(int(entry.name))
    found, waiting = [], [root]
    while waiting:
        pid = waiting.pop()
        found.append(pid)
        waiting += children[pid]
    return found


def pss_mib(pid: int) -> float:
    """Return the proportional set size of a process; nothing for one that has just ended."""
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
    except OSError:
        return 0.0
    return int(re.search(r"^Pss:\s+(\d+)", text, re.MULTILINE)[1]) / 1024  # type: ignore[index]


def name_of(pid: int) -> str:
    """Return which part of the service a process is."""
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return "ended"
    parts = {"postgres": "postgres", "valkey-server": "valkey", "marketplace.app": "web", "granian": "web",
             "marketplace.worker": "worker and beat", "marketplace.cli": "supervisor",
             "multiprocessing": "web", "marketplace run": "supervisor"}  # fmt: skip
    return next((part for word, part in parts.items() if word in command), command[:40])


def measure(data: Path) -> dict[str, object]:
    """Return the sum and its parts in MiB."""
    parts: dict[str, float] = defaultdict(float)
    pids = tree(supervisor_pid(data))
    for pid in pids:
        parts[name_of(pid)] += pss_mib(pid)
    return {
        "processes": len(pids),
        "total_mib": round(sum(parts.values()), 1),
        "parts_mib": {name: round(value, 1) for name, value in sorted(parts.items())},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--json", action="store_true")
    wants_json = parser.parse_args().json
    result = measure(Settings.from_environment().data)
    keep("memory", result)
    if wants_json:
        print(json.dumps(result))
        return
    table = Table("part", "PSS, MiB")
    for name, value in result["parts_mib"].items():  # type: ignore[attr-defined]
        table.add_row(name, f"{value:.1f}")
    table.add_row("sum", f"{result['total_mib']:.1f}", style="bold")
    Console().print(table)


if __name__ == "__main__":
    main()
