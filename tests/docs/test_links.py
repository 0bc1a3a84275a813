"""What the documents point at is there: files, headings, commands."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from marketplace.cli import main

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
LINK = re.compile(r"\]\(([^)\s]+)\)")
CODE = re.compile(r"```.*?```|`[^`\n]+`", re.DOTALL)


def _slug(heading: str) -> str:
    """Return the anchor a heading gets where the pages are read."""
    text = re.sub(r"[^\w\- ]", "", heading.strip().lower().replace("`", ""))
    return text.replace(" ", "-")


def _anchors(page: Path) -> set[str]:
    return {_slug(found) for found in re.findall(r"^#+ (.+)$", page.read_text("utf-8"), re.MULTILINE)}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_relative_links_lead_somewhere(page: Path) -> None:
    """A link to a file of ours leads to it, and one to a heading to that heading."""
    for target in LINK.findall(CODE.sub("", page.read_text(encoding="utf-8"))):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        path = (page.parent / name).resolve() if name else page
        assert path.exists(), f"{target} leads nowhere"
        if anchor and path.suffix == ".md":
            assert anchor in _anchors(path), f"{target} is no heading"


def _said() -> Iterator[tuple[str, str]]:
    """Yield (page, command line) of every piece of code in the documents."""
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        pieces = [piece.strip("`") for piece in CODE.findall(text)]
        pieces += re.findall(r"^    (.+)$", text, re.MULTILINE)
        for piece in pieces:
            for line in piece.splitlines():
                yield str(page.relative_to(ROOT)), line.strip().removeprefix("$ ").split(" #")[0].strip()


def test_make_targets_exist() -> None:
    """Every `make …` that a document names is a target."""
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    named = {
        (page, found[1]) for page, line in _said() if (found := re.match(r"make ((?!\w+=)[a-z]+)\b", line))
    }
    assert any(target == "run" for _, target in named)
    assert {(page, target) for page, target in named if target not in targets} == set()


def _command(words: list[str]) -> str | None:
    """Return the first word that is no command of the line, or None."""
    group: click.Command = main
    context = click.Context(main)
    for word in words:
        if not isinstance(group, click.Group):
            return None
        found = group.get_command(context, word)
        if found is None:
            return word
        group = found
    return None


def test_commands_exist() -> None:
    """Every `marketplace …` that a document names is a command with the options it is given."""
    wrong = set()
    for page, line in _said():
        words = line.removeprefix("python -m ").removeprefix(".venv/bin/").split()
        if not words or words[0] not in {"marketplace", "marketplace.cli"}:
            continue
        named = [word for word in words[1:] if re.fullmatch(r"[a-z-]+", word) and not word.startswith("-")]
        if (unknown := _command(named[:2])) is not None:
            wrong.add((page, line, unknown))
    assert wrong == set()
