"""One text in two plain copies of the same length, so that what is found there can be cut from it. Pure.

The first copy is without accents and has one kind of blank, apostrophe and hyphen; the second is in
lower case too.
"""

from __future__ import annotations

import unicodedata

Span = tuple[int, int]
"""Where something was found: its first place, and the one after its last."""


def normal(text: str) -> str:
    """Return ``text`` with composed accents, ligatures as letters, and no character that is not seen."""
    text = unicodedata.normalize("NFC", text.translate(_EXPANDED))
    return text.translate(_INVISIBLE)


class _Folding(dict[int, str]):
    """A table for ``str.translate`` that gives one character for one, made as characters are met."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        base = unicodedata.normalize("NFKD", character)
        rest = base[1:]
        if len(base) > 1 and not all(unicodedata.combining(other) for other in rest):
            base = character
        plain = base[0] if base else character
        if plain.isspace() and plain != "\n":
            plain = " "
        self[code] = plain
        return plain


class _Lowering(dict[int, str]):
    def __missing__(self, code: int) -> str:
        lower = chr(code).lower()
        self[code] = lower if len(lower) == 1 else chr(code)
        return self[code]


PLAIN = _Folding({
    ord("ø"): "o", ord("Ø"): "O", ord("ł"): "l", ord("Ł"): "L", ord("đ"): "d", ord("Đ"): "D", ord("ı"): "i",
    ord("’"): "'", ord("‘"): "'", ord("ʼ"): "'", ord("‐"): "-", ord("‑"): "-", ord("‒"): "-", ord("–"): "–",
    ord("−"): "-", ord("·"): ".", ord("•"): "•", ord("․"): ".",
})  # fmt: skip
"""Takes off accents and makes blanks, apostrophes and hyphens alike."""

LOWER = _Lowering()
"""Lower case, where it is one character too."""

_EXPANDED = {code: unicodedata.normalize("NFKC", chr(code)) for code in range(0xFB00, 0xFB07)} | {
    0x0133: "ij"
}
_INVISIBLE: dict[int, str] = dict.fromkeys([
    0x00AD, 0x200B, 0x200C, 0x200D, 0x2060, 0xFEFF, 0x200E, 0x200F,
    *range(0x202A, 0x202F), *range(0x2066, 0x206A),
], "")  # fmt: skip
