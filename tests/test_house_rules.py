"""Rules of the house that no linter knows."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MODULES = sorted(path for package in ("marketplace", "indexer") for path in (ROOT / package).rglob("*.py"))
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
