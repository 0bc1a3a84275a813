"""The documents that come with the product, and reading their small Markdown subset.

``<kind>.<language>.md`` beside this module are the texts. The subset is: ``#`` to ``###`` headings,
paragraphs, ``-`` lists, ``**strong**`` and ``[label](target)`` with a relative or https target. It
is read into data that a template escapes; HTML in a text is shown as text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Literal

BUILTIN_VERSION = "1.0"
BUILTIN_EFFECTIVE_ON = date(2026, 1, 1)

_INLINE = re.compile(r"\*\*(?P<strong>[^*]+)\*\*|\[(?P<label>[^\]]+)\]\((?P<target>[^)\s]+)\)")
_TARGET = re.compile(r"(https://|/(?!/)|#)[^\s\"'<>]*")


@dataclass(frozen=True)
class BuiltinDocument:
    """A text of the package."""

    document: str
    language: str
    text: str


@dataclass(frozen=True)
class Span:
    """A run of text inside a block; ``target`` makes it a link."""

    text: str
    is_strong: bool = False
    target: str | None = None


@dataclass(frozen=True)
class Block:
    """A heading, a paragraph or a list; only a list has more than one line."""

    kind: Literal["h1", "h2", "h3", "paragraph", "list"]
    lines: tuple[tuple[Span, ...], ...]


@cache
def builtin() -> tuple[BuiltinDocument, ...]:
    """Return the texts of the package."""
    found = []
    for entry in sorted(files(__name__).iterdir(), key=lambda entry: entry.name):
        document, _, rest = entry.name.partition(".")
        language, _, suffix = rest.partition(".")
        if suffix == "md":
            found.append(BuiltinDocument(document, language, entry.read_text("utf-8")))
    return tuple(found)


def read_markdown(text: str) -> tuple[Block, ...]:
    """Read the subset into blocks; whatever is not understood is plain text."""
    blocks = []
    for chunk in re.split(r"\n\s*\n", text.replace("\r\n", "\n").strip()):
        lines = [line.rstrip() for line in chunk.split("\n")]
        heading = re.fullmatch(r"(#{1,3}) (.+)", lines[0])
        if heading:
            kind: Literal["h1", "h2", "h3"] = ("h1", "h2", "h3")[len(heading[1]) - 1]
            blocks.append(Block(kind, (_spans(heading[2]),)))
            lines = lines[1:]
        if lines and all(line.startswith(("- ", "  ")) for line in lines):
            entries = re.split(r"(?m)^- ", "\n".join(lines))[1:]
            blocks.append(Block("list", tuple(_spans(" ".join(entry.split())) for entry in entries)))
        elif lines:
            blocks.append(Block("paragraph", (_spans(" ".join(lines)),)))
    return tuple(blocks)


def title_of(text: str) -> str:
    """Return the first heading of a document."""
    first = text.lstrip().split("\n", 1)[0]
    return first.removeprefix("# ").strip()


def _spans(text: str) -> tuple[Span, ...]:
    spans = []
    position = 0
    for match in _INLINE.finditer(text):
        if match.start() > position:
            spans.append(Span(text[position : match.start()]))
        if match["strong"]:
            spans.append(Span(match["strong"], is_strong=True))
        elif _TARGET.fullmatch(match["target"]):
            spans.append(Span(match["label"], target=match["target"]))
        else:
            spans.append(Span(match[0]))
        position = match.end()
    if position < len(text):
        spans.append(Span(text[position:]))
    return tuple(spans)
