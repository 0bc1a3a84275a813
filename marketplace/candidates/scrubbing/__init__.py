"""Taking out of a text what finds or names the person (rules C4, security.md P-04). Pure.

What is indexed, listed or shown before a disclosure goes through :func:`scrub`. It errs towards
taking out: a word lost costs a hit, a telephone number left costs the person. But words that
recruiters search for (`Node.js`, `ASP.NET`, versions, dates) stay.

Each module beside finds one kind of thing. Every pattern works on a copy of the text of the same
length, without accents (`plain`) and case (`low`), so that what it finds can be cut from the
original; every repetition is bounded, so that hostile text takes linear time.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from marketplace.candidates.scrubbing.characters import LOWER, PLAIN, Span, normal
from marketplace.candidates.scrubbing.email_addresses import find_email_addresses
from marketplace.candidates.scrubbing.links import find_links
from marketplace.candidates.scrubbing.own_names import names_pattern
from marketplace.candidates.scrubbing.street_addresses import find_street_addresses
from marketplace.candidates.scrubbing.telephones import find_telephones

GAP = "…"
"""What stands for what was taken out. It is no letter, so neighbours are never joined."""
_GAPS = re.compile(f"{GAP}(?:[ \t]?{GAP})+")
_PASSES = 4


def scrub(text: str, names: Sequence[str]) -> str:
    """Return ``text`` without e-mail and street addresses, telephone numbers, links and ``names`` (C4).

    ``names`` are the person's own: each is taken out as a whole word, in any case, with or without
    accents and hyphens, and so are its parts. Scrubbing again changes nothing.
    """
    text = normal(text)
    own = names_pattern(names)
    for _ in range(_PASSES):
        plain = text.translate(PLAIN)
        low = plain.translate(LOWER)
        spans = [
            *find_email_addresses(low),
            *find_links(plain, low),
            *find_telephones(low),
            *find_street_addresses(plain, low),
        ]
        if own is not None:
            spans += [match.span() for match in own.finditer(low)]
        if not spans:
            break
        text = _cut(text, spans)
    return text


def _cut(text: str, spans: list[Span]) -> str:
    pieces, position = [], 0
    for first, last in sorted(spans):
        start, end = max(first, position), last
        while start < end and text[start].isspace():
            start += 1
        while end > start and text[end - 1].isspace():
            end -= 1
        if start >= end:
            continue
        pieces += [text[position:start], GAP]
        position = end
    return _GAPS.sub(GAP, "".join(pieces) + text[position:])
