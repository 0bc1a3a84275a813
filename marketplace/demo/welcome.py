"""What `make run` prints when everything answers: the address, the portals, who to sign in as."""

from __future__ import annotations

import json
from pathlib import Path

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from marketplace.demo.children import write_private

PORTALS = (
    ("Recruiters", "/recruiter"),
    ("Candidates", "/candidate"),
    ("Admins", "/admin"),
    ("Mail that was sent", "/dev/mail"),
    ("API", "/api/docs"),
)


def welcome(address: str, data: Path) -> RenderableType:
    """Return the panel; accounts come from ``demo.json``, which only its owner can read."""
    portals = Table.grid(padding=(0, 2))
    for name, path in PORTALS:
        portals.add_row(name, Text(address + path, style="cyan"))
    parts: list[RenderableType] = [Text(address, style="bold cyan"), "", portals]
    people = accounts(data / "demo.json")
    if people:
        # E-mail above password, so that neither is cut on a narrow terminal.
        table = Table.grid(padding=(0, 2))
        table.add_row(Text("Sign in as", style="bold"), Text("e-mail and password", style="bold"))
        for person in people:
            words = "\n".join(str(person.get(key, "")) for key in ("email", "password"))
            table.add_row(str(person.get("role", "")), Text(words, overflow="fold"))
        parts += ["", table]
    parts += ["", Text(f"Data and logs: {data}\nStop: Ctrl-C", style="dim", overflow="fold")]
    return Panel(Group(*parts), title="Recruiter Talent Marketplace", expand=False, padding=(1, 2))


def accounts(path: Path) -> list[dict[str, object]]:
    """Return the demonstration accounts; none where there is no sample data."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))["accounts"]
    except (OSError, ValueError, KeyError):
        return []
    return [person for person in found if isinstance(person, dict)]


def readdress(path: Path, address: str) -> None:
    """Make ``demo.json`` name the address of this run, where there is such a file."""
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return
    if facts.get("base_url") != address:
        write_private(path, json.dumps(facts | {"base_url": address}, indent=2))
