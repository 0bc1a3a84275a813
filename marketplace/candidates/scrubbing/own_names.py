"""One pattern for the person's own names, in every way they are written (rules C4). Pure."""

# Lengths of names say most as plain numbers.
# ruff: noqa: PLR2004
from __future__ import annotations

import re
from collections.abc import Sequence

from marketplace.candidates.scrubbing.characters import LOWER, PLAIN, normal

_SHORTEST_JOINED = 6
_FIRST_CJK = 0x2E80
_NAME_BREAK = re.compile(r"[\s\-'’._]+")
_PARTICLES = frozenset([
    "de", "la", "le", "les", "du", "des", "d", "l", "van", "von", "der", "den", "ter", "el", "al", "bin",
    "ben", "ibn", "da", "do", "dos", "di", "del", "della", "of", "the", "mc", "mac", "o", "st", "saint",
])  # fmt: skip


def names_pattern(names: Sequence[str]) -> re.Pattern[str] | None:  # noqa: C901 - one branch a spelling
    """Return one pattern for all names, their parts, and the ways they are run together."""
    wholes = [
        [part for part in _NAME_BREAK.split(normal(name).translate(PLAIN).translate(LOWER)) if part]
        for name in names
    ]
    found: set[str] = set()
    for parts in wholes:
        if len(parts) > 1 and sum(map(len, parts)) > 3:
            found.add(r"[\s.'’_-]{0,2}".join(map(re.escape, parts)))
        for part in parts:
            if len(part) > 1 and part not in _PARTICLES:
                found.add(re.escape(part))
                if len(part) > 3:
                    found.add(" ".join(map(re.escape, part)))
            elif len(part) == 1 and ord(part) >= _FIRST_CJK:
                found.add(re.escape(part))
    joined = ["".join(parts) for parts in wholes if parts]
    for one in joined:
        for other in joined:
            if one != other and len(one) > 1 and len(other) > 1:
                # With an initial only when long: "Pat Hill" must not take out "path".
                short = [name for name in (one[0] + other, one + other[0]) if len(name) >= _SHORTEST_JOINED]
                found.update(map(re.escape, (one + other, *short)))
    if not found:
        return None
    words = sorted((name for name in found if ord(name[0]) < _FIRST_CJK), key=len, reverse=True)
    others = sorted((name for name in found if ord(name[0]) >= _FIRST_CJK), key=len, reverse=True)
    branches = [rf"(?<![^\W\d_])(?:{'|'.join(words)})(?![^\W\d_])"] if words else []
    return re.compile("|".join([*branches, *others]))
