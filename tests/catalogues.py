"""Finds every message people can read, and what the French catalogues lack of it.

    python -m tests.catalogues [feature]

prints the missing entries of a feature as a skeleton to translate.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from babel.messages.catalog import Message
from babel.messages.pofile import read_po
from jinja2.ext import babel_extract

PACKAGE = Path(__file__).parent.parent / "marketplace"
LANGUAGE = "fr"
PLACEHOLDER = re.compile(r"%\((\w+)\)[sd]")
KEYWORDS = {"_": None, "gettext": None, "N_": None, "ngettext": (1, 2)}

# Which arguments of a call are messages: by position, then by keyword.
PYTHON_CALLS: dict[str, tuple[tuple[int, ...], tuple[str, ...]]] = {
    "_": ((0,), ()),
    "N_": ((0,), ()),
    "gettext": ((0,), ()),
    "translate": ((1,), ("message",)),
    "translate_plural": ((1, 2), ("one", "many")),
    "FieldError": ((2,), ("message",)),
    "of": ((2,), ("message",)),  # InvalidInputError.of
    "NotAllowedError": ((1,), ("message",)),
    "ConflictError": ((1,), ("message",)),
    "see_other": ((1,), ("flash",)),
}


@dataclass(frozen=True)
class Found:
    """A message and the first place it stands."""

    feature: str
    text: str
    plural: str | None
    place: str


COMMAND_LINE = frozenset({"demo", "migrations"})
"""Packages whose words only operators read: the command line speaks English."""


def features() -> list[str]:
    """Return the feature packages; modules beside them count as ``web``, which translates for them."""
    packages = {path.name for path in PACKAGE.iterdir() if (path / "__init__.py").exists()}
    return sorted(packages - COMMAND_LINE)


@cache
def messages() -> tuple[Found, ...]:
    """Return every message of templates and code."""
    templates = [path for path in sorted(PACKAGE.rglob("*.html")) if "templates" in path.parts]
    in_templates = [found for path in templates for found in _in_template(path)]
    return (*in_templates, *(found for path in sorted(PACKAGE.rglob("*.py")) for found in _in_code(path)))


@cache
def _constants_of_code() -> frozenset[str]:
    """Return every string that stands in code."""
    return frozenset(
        node.value
        for path in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    )


def _feature(path: Path) -> str:
    parts = path.relative_to(PACKAGE).parts
    return parts[0] if len(parts) > 1 else "web"


def _in_template(path: Path) -> Iterator[Found]:
    with path.open("rb") as source:
        for line, _, texts, _ in babel_extract(
            source, list(KEYWORDS), [], {"extensions": "jinja2.ext.do", "silent": "false"}
        ):
            constant = strings(texts) if isinstance(texts, str) else [text for text in texts or () if text]
            if not constant:
                continue
            one, *rest = constant
            yield Found(_feature(path), one, rest[0] if rest else None, f"{path.relative_to(PACKAGE)}:{line}")


def _in_code(path: Path) -> Iterator[Found]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Call):
            continue
        name = getattr(node.func, "attr", getattr(node.func, "id", ""))
        if name not in PYTHON_CALLS:
            continue
        positions, keywords = PYTHON_CALLS[name]
        arguments = [node.args[index] for index in positions if index < len(node.args)]
        arguments += [keyword.value for keyword in node.keywords if keyword.arg in keywords]
        texts = [text for argument in arguments for text in _constants(argument)]
        if not texts:
            continue
        place = f"{path.relative_to(PACKAGE)}:{node.lineno}"
        if name == "translate_plural":
            yield Found(_feature(path), texts[0], texts[1], place)
        else:
            for text in texts:
                yield Found(_feature(path), text, None, place)


def _constants(node: ast.expr) -> Iterator[str]:
    """The strings an argument can be: a constant, or either side of a condition."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value:
        yield node.value
    elif isinstance(node, ast.IfExp):
        yield from _constants(node.body)
        yield from _constants(node.orelse)


@cache
def catalogue(feature: str) -> list[Message]:
    """Return the French entries of a feature."""
    path = PACKAGE / feature / "locale" / f"{LANGUAGE}.po"
    if not path.exists():
        return []
    with path.open("rb") as source:
        return [entry for entry in read_po(source, locale=LANGUAGE, abort_invalid=True) if entry.id]


@cache
def translated() -> dict[str, tuple[str, Message]]:
    """Return message → feature and entry, over all features."""
    return {_key(entry): (feature, entry) for feature in features() for entry in catalogue(feature)}


def _key(entry: Message) -> str:
    return entry.id if isinstance(entry.id, str) else entry.id[0]


def strings(value: object) -> list[str]:
    """Return the forms of a message or translation."""
    if isinstance(value, str):
        return [value]
    return [str(form) for form in value] if isinstance(value, list | tuple) else []


def faults(feature: str) -> list[str]:
    """Return a readable line for each thing wrong with the French of ``feature``."""
    known = translated()
    lines: list[str] = []
    seen: set[str] = set()
    for found in messages():
        if found.feature != feature or found.text in seen:
            continue
        seen.add(found.text)
        if found.text not in known:
            lines.append(f"{found.place}: no French for {found.text!r}")
        elif found.plural and len(strings(known[found.text][1].string)) < 2:
            lines.append(f"{found.place}: no plural for {found.text!r}")
    for entry in catalogue(feature):
        texts = strings(entry.string)
        if entry.fuzzy or not texts or not all(texts):
            lines.append(f"{feature}/locale/{LANGUAGE}.po: {_key(entry)!r} is empty or fuzzy")
        wanted = {name for text in strings(entry.id) for name in PLACEHOLDER.findall(text)}
        for text in texts:
            got = set(PLACEHOLDER.findall(text))
            missing = wanted - got - ({"num"} if len(texts) > 1 else set())
            if missing or got - wanted:
                lines.append(f"{feature}/locale/{LANGUAGE}.po: other placeholders in {text!r}")
    return lines


def unused(feature: str) -> list[str]:
    """Return the French entries of ``feature`` whose English stands nowhere any more."""
    used = {text for found in messages() for text in (found.text, found.plural) if text}
    used |= _constants_of_code()
    return [_key(entry) for entry in catalogue(feature) if _key(entry) not in used]


def skeleton(feature: str) -> str:
    """Return the missing entries of ``feature``, to be translated."""
    known = translated()
    seen: dict[str, Found] = {}
    for found in messages():
        if found.feature == feature and found.text not in known:
            seen.setdefault(found.text, found)
    entries = []
    for found in seen.values():
        quoted = found.text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
        if found.plural:
            forms = 'msgstr[0] ""\nmsgstr[1] ""\n'
            entries.append(f'#: {found.place}\nmsgid "{quoted}"\nmsgid_plural "{found.plural}"\n{forms}')
        else:
            entries.append(f'#: {found.place}\nmsgid "{quoted}"\nmsgstr ""\n')
    return "\n".join(entries)


if __name__ == "__main__":
    for name in sys.argv[1:] or features():
        print(f"# {name}\n{skeleton(name)}")  # noqa: T201
