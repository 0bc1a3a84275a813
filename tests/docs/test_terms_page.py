"""docs/terms.md is true: what it names exists and names the rule, and no rule is missing."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/terms.md").read_text(encoding="utf-8")
RULES = ROOT.parent / "shared/rules.md"
ROW = re.compile(r"^\| ([A-G]\d{0,2}) \| (.+) \|$", re.MULTILINE)


def _table(title: str) -> dict[str, list[str]]:
    section = PAGE.split(f"## {title}\n")[1].split("\n## ")[0]
    rows = ROW.findall(section)
    assert len({rule for rule, _ in rows}) == len(rows)
    return {rule: cells.split(" | ") for rule, cells in rows}


BUILT, TO_COME = _table("Built"), _table("To come")


def _named(cell: str) -> list[str]:
    return re.findall(r"`([^`]+\.py)`", cell)


def _names(rule: str, text: str) -> bool:
    """Whether the text names the rule; section G is also "rules G" among other words."""
    return re.search(rf"(?<![A-Za-z0-9-]){rule}(?![A-Za-z0-9-])", text) is not None


def _prose(path: Path) -> str:
    """Return the docstrings of a module; what its comments say is added by the caller."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    nodes = (node for node in ast.walk(tree) if isinstance(node, _DOCUMENTED))
    return "\n".join(text for node in nodes if (text := ast.get_docstring(node)))


_DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def _comments(path: Path) -> str:
    return "\n".join(re.findall(r"#.*$", path.read_text(encoding="utf-8"), re.MULTILINE))


@pytest.mark.parametrize("rule", BUILT)
def test_each_named_module_names_its_rule(rule: str) -> None:
    """Every module of the table exists, and a docstring or comment of it names the rule."""
    _, modules, _ = BUILT[rule]
    assert _named(modules)
    for name in _named(modules):
        path = ROOT / name
        assert _names(rule, _prose(path) + _comments(path)), f"{name} does not name {rule}"


@pytest.mark.parametrize("rule", BUILT)
def test_each_named_test_names_its_rule(rule: str) -> None:
    """Every test file of the table exists, and a docstring of it names the rule."""
    _, _, tests = BUILT[rule]
    assert _named(tests)
    for name in _named(tests):
        assert name.startswith("tests/")
        assert _names(rule, _prose(ROOT / name)), f"{name} does not name {rule}"


def test_no_rule_is_in_both_lists() -> None:
    """A rule is built, in part at least, or it is to come."""
    assert not BUILT.keys() & TO_COME.keys()


@pytest.mark.skipif(not RULES.is_file(), reason="the rules are beside the repository where it is made")
def test_every_rule_is_in_one_of_the_lists() -> None:
    """The two lists together are the rules."""
    text = RULES.read_text(encoding="utf-8")
    known = set(re.findall(r"^\| ([A-F]\d+) \|", text, re.MULTILINE))
    known |= {"G"} if re.search(r"^## G\b", text, re.MULTILINE) else set()
    assert BUILT.keys() | TO_COME.keys() == known


def _claims() -> Iterator[tuple[str, str]]:
    """Yield (test file, rule) of each docstring that begins with the rule it proves."""
    for path in sorted((ROOT / "tests").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            text = ast.get_docstring(node) if isinstance(node, _DOCUMENTED) else None
            head = re.match(r"((?:[A-G]\d{0,2})(?:(?:,| and) [A-G]\d{0,2})*)(?=[:,. ])", text or "")
            for rule in re.findall(r"[A-G]\d{0,2}", head[1]) if head and ":" in (text or "") else ():
                if rule == "G" or len(rule) > 1:
                    yield str(path.relative_to(ROOT)), rule


def test_every_rule_that_a_test_proves_is_in_the_table() -> None:
    """What a test's docstring proves is built, so the table has it."""
    assert {rule for _, rule in _claims()} - BUILT.keys() == set()


def test_results_are_ordered_as_their_page_says() -> None:
    """E7: the page on the order of results names each order there is, and that nobody is scored."""
    from marketplace.search.query import Sort

    template = ROOT / "marketplace/search/templates/search/ordering.html"
    page = template.read_text(encoding="utf-8").lower()
    assert {sort.value for sort in Sort} == {"relevance", "fresh", "start"}
    assert "relevance" in page
    assert "newest" in page or "fresh" in page
    assert "start" in page
    assert "score" in page
