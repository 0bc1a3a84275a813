"""Rules of the house that no linter knows."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MODULES = sorted(path for package in ("marketplace", "indexer") for path in (ROOT / package).rglob("*.py"))
EDGE = ("api", "portal", "guards", "schemas", "forms")
"""Modules that know HTTP, by the end of their name; the cookies of a sign-in are two more."""
COOKIES = {"devices", "signing_in"}
FORBIDDEN_NAMES = {"utils.py", "helpers.py", "common.py", "base.py", "manager.py"}


def commits(source: str) -> list[int]:
    """Return the lines of ``source`` that call a method named ``commit``."""
    return [
        node.lineno
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "commit"
    ]


def test_the_rule_about_commits_sees_one() -> None:
    """The check below finds what it looks for."""
    assert commits("with x:\n    session.commit()\n") == [2]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_only_db_commits(path: Path) -> None:
    """One commit at the edge, in ``marketplace/db.py``; the index's writer is no database."""
    if path not in {ROOT / "marketplace" / "db.py", ROOT / "marketplace" / "search" / "tantivy_writing.py"}:
        assert commits(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_module_says_what_it_is_for(path: Path) -> None:
    """Each module has a docstring, and none has a name that says nothing."""
    source = path.read_text(encoding="utf-8")
    assert path.name not in FORBIDDEN_NAMES
    assert not source.strip() or ast.get_docstring(ast.parse(source))


def http(source: str) -> list[str]:
    """Return what ``source`` imports of the web framework, the web package, or an API or a portal."""
    imported = [
        name
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)]
        )
    ]
    return [
        name
        for name in imported
        if f"{name}.".startswith(("litestar.", "marketplace.web.")) or _is_edge(name.rpartition(".")[2])
    ]


def _is_edge(name: str) -> bool:
    return name in {"api", "portal"} or name.endswith(("_api", "_portal"))


def test_the_rule_about_http_sees_every_way_to_it() -> None:
    """The check below finds what it looks for."""
    for line in (
        "import litestar", "from litestar import Request", "from marketplace.web import pages",
        "from marketplace import web", "from marketplace.contacts.api import x",
        "from marketplace.contacts import openings_portal",
    ):  # fmt: skip
        assert http(line), line
    assert (
        http("import json\nfrom marketplace.contacts import queries\nfrom marketplace.webhooks import x")
        == []
    )


FEATURES = (
    "accounts",
    "candidates",
    "contacts",
    "moderation",
    "rate_limits",
    "recruiters",
    "search",
    "terms",
)
INSIDE = [
    path
    for path in MODULES
    if path.relative_to(ROOT).parts[1] in FEATURES
    and not path.stem.endswith(EDGE)
    and path.stem not in COOKIES
]


@pytest.mark.parametrize("path", INSIDE, ids=lambda path: str(path.relative_to(ROOT)))
def test_what_is_inside_knows_no_http(path: Path) -> None:
    """Use cases, rules, queries and models of a feature import no web, no API and no portal."""
    assert http(path.read_text(encoding="utf-8")) == []


def test_every_feature_is_held_to_it() -> None:
    """A new package is a feature, or one of those whose business HTTP is or who start processes."""
    packages = {path.parent.name for path in (ROOT / "marketplace").glob("*/__init__.py")}
    assert packages == {*FEATURES, "admin", "demo", "migrations", "pdf", "reference", "web"}
