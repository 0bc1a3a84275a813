"""PDF → text (rules C4): two readers, and what real CVs need to become readable and findable.

Runs inside the limited process of ``marketplace.pdf`` (which finds :func:`read_text` by name), and
in process in tests. The facts behind each step are in facts/pdf-text.md.
"""

# Patterns and word lists read better whole.

# Patterns and word lists read better whole.
# ruff: noqa: E501, PLR2004
from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from itertools import zip_longest
from typing import Literal, NamedTuple

import pypdf
import pypdfium2

from marketplace.pdf.opening import OutOfTime, cpu_limit, open_with_pdfium, open_with_pypdf, pypdf_limits
from marketplace.pdf.results import Numbers, PDFRefusedError

PYPDF_CPU_SECONDS = 4.0
"""After this the second reader takes the rest of the pages: ten seconds are all the process has."""

LONG_WORD = 18
LONG_WORD_SHARE = 0.03
"""Words over 18 letters: 0.06 to 0.25 where blanks are lost, at most 0.013 elsewhere."""


class Page(NamedTuple):
    """A page's raw text and who read it."""

    text: str
    reader: Literal["pypdf", "pypdfium2"]


@dataclass(frozen=True, kw_only=True)
class PDFText:
    """What was read: tidy text, pages divided by a blank line."""

    pages: int
    text: str
    has_text: bool
    reader: Literal["pypdf", "pypdfium2"]
    language: Literal["fr", "en"] | None


def read_text(content: bytes, numbers: Numbers) -> PDFText:
    """Return the text by pypdf, and by PDFium where pypdf fails or reads badly (rules C4).

    ``has_text`` is false where every page has fewer than ``numbers.min_characters`` letters and
    digits after both readers: a scan. Raises :class:`PDFRefusedError` for a user password alone;
    a file neither reader opens has no pages and no text.
    """
    first = _pages_by_pypdf(content, numbers.max_pages)
    chosen = [Page(text or "", "pypdf") for text in first]
    if not first or any(needs_second_reader(text, numbers.min_characters) for text in first):
        second = _pages_by_pdfium(content, numbers.max_pages)
        chosen = choose_pages(first, second, numbers.min_characters)
    clean = [tidy(page.text) for page in chosen]
    text = "\n\n".join(page for page in clean if page)[: numbers.max_characters].rstrip()
    return PDFText(
        pages=len(clean),
        text=text,
        has_text=any(letters_and_digits(page) >= numbers.min_characters for page in clean),
        reader="pypdfium2" if any(page.reader == "pypdfium2" for page in chosen) else "pypdf",
        language=guess_language(text),
    )


def _pages_by_pypdf(content: bytes, max_pages: int) -> list[str | None]:
    """Return each page's text, none for a page that failed; nothing where pypdf cannot open the file."""
    texts: list[str | None] = []
    try:
        with pypdf_limits(), cpu_limit(PYPDF_CPU_SECONDS):
            pages = open_with_pypdf(content).pages
            total = min(len(pages), max_pages)
            texts = [None] * total
            for index in range(total):
                texts[index] = _page_text(partial(_text_by_pypdf, pages, index))
    except PDFRefusedError:
        raise
    except (Exception, OutOfTime):  # noqa: BLE001 - pypdf lets nearly any class through
        return texts
    return texts


def _text_by_pypdf(pages: Sequence[pypdf.PageObject], index: int) -> str:
    return pages[index].extract_text()


def _pages_by_pdfium(content: bytes, max_pages: int) -> list[str | None]:
    try:
        with open_with_pdfium(content) as document:
            return [
                _page_text(partial(_text_by_pdfium, document, index))
                for index in range(min(len(document), max_pages))
            ]
    except PDFRefusedError:
        raise
    except Exception:  # noqa: BLE001 - nearly any class; what is left undone is tried another way
        return []


def _text_by_pdfium(document: pypdfium2.PdfDocument, index: int) -> str:
    with closing(document[index]) as page, closing(page.get_textpage()) as text_page:
        return str(text_page.get_text_range())


def _page_text(read: Callable[[], str]) -> str | None:
    """Return one page, or none when it fails: it must not take the others with it."""
    try:
        return read()[:_RAW_CHARACTERS_PER_PAGE]
    except Exception:  # noqa: BLE001 - nearly any class; what is left undone is tried another way
        return None


def needs_second_reader(text: str | None, min_characters: int) -> bool:
    """Tell whether a page looks badly read: failed, nearly empty, words run together, ligatures or icons as names."""
    if text is None or letters_and_digits(text) < min_characters:
        return True
    words = _LETTERS.findall(text)
    long_words = sum(len(word) > LONG_WORD for word in words)
    if long_words >= 3 and long_words > len(words) * LONG_WORD_SHARE:
        return True
    return bool(_LOST_LIGATURE.search(text)) or len(_GLYPH_NAME.findall(text)) >= _GLYPH_NAMES


def choose_pages(
    first: Sequence[str | None], second: Sequence[str | None], min_characters: int
) -> list[Page]:
    """Return each page by the reader that read it better: the second only where the first reads badly.

    The second's page must have at least half the letters, so that it cannot lose what the first had.
    """
    chosen = []
    for by_first, by_second in zip_longest(first, second):
        is_bad = needs_second_reader(by_first, min_characters)
        have, offered = letters_and_digits(by_first or ""), letters_and_digits(by_second or "")
        if is_bad and offered and offered * 2 >= have:
            chosen.append(Page(by_second or "", "pypdfium2"))
        else:
            chosen.append(Page(by_first or "", "pypdf"))
    return chosen


def letters_and_digits(text: str) -> int:
    """Count what makes a page more than a scan (rules C4)."""
    return sum(character.isalnum() for character in text)


def tidy(text: str) -> str:
    """Return a page's text as people write it: readable, searchable, fit for PostgreSQL; lines stay lines."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    text = _restore_ligatures(text)
    text = _drop_icons(text)
    text = _compose_accents(text)
    text = unicodedata.normalize("NFKC", _SOFT_HYPHEN.sub("", text).replace("\ufffe", _BREAK))
    text = _drop_unprintable(text)
    lines = [" ".join(line.split(" ")) for line in text.split("\n")]
    lines = [_without_shadow(_SPACED_LETTERS.sub(_join_letters, line)) for line in lines]
    text = "\n".join(_BLANKS.sub(" ", line).strip() for line in _without_repeats(lines))
    return _BLANK_LINES.sub("\n\n", _join_hyphens(text)).strip()


def _restore_ligatures(text: str) -> str:
    text = _GLYPH_LIGATURE.sub(lambda match: match[1].replace("_", ""), text)
    text = _GLYPH_DIGIT.sub(lambda match: _DIGITS[match[1]], text)
    text = _GLYPH_LETTER.sub(r"\1", text)
    text = _LIBERTINE_CAPITALS.sub(lambda match: match[0].translate(_LIBERTINE_LETTERS), text)
    text = text.translate(_LIBERTINE_LIGATURES)
    text = _TEX_QUOTES.sub(r"« \1 »", text)
    return _TEX_LIGATURE.sub(lambda match: _TEX_LIGATURES[match[0]], text)


def _drop_icons(text: str) -> str:
    """Drop icon glyphs that came out as words: "/map-marker", "/_388", "♂phone"."""
    return _ICON_SIGNS.sub(" ", _ICON_NUMBER.sub(" ", _ICON_NAME.sub(_icon_or_word, text)))


def _icon_or_word(match: re.Match[str]) -> str:
    starts_line = match.start() == 0 or match.string[match.start() - 1] == "\n"
    name = match[2]
    return match[1] if starts_line or "-" in name or name in _ICONS else match[0]


def _compose_accents(text: str) -> str:
    """Join accents that old TeX fonts draw beside their letter: "D´eveloppeur"."""
    return _LOOSE_ACCENT.sub(lambda match: unicodedata.normalize("NFC", match[2] + _ACCENTS[match[1]]), text)


def _drop_unprintable(text: str) -> str:
    """Drop NUL, other controls, lone surrogates (which PostgreSQL refuses), private use, and what is invisible."""
    kept = []
    for character in text:
        if character in "\n" + _BREAK:
            kept.append(character)
            continue
        kind = unicodedata.category(character)
        if kind in {"Cc", "Co", "Cn", "Zs", "Zl", "Zp"} or character == "\ufffd":
            kept.append(" ")
        elif kind not in {"Cf", "Cs"}:
            kept.append(character)
    return "".join(kept)


def _without_shadow(line: str) -> str:
    """Return a line drawn twice (a shadow, a bold made of two prints) once."""
    line = line.strip()
    for gap in range(3):
        half, rest = divmod(len(line) - gap, 2)
        if half < _SHADOW_LETTERS or rest or line[half : half + gap].strip():
            continue
        if line[:half] == line[half + gap :] and any(map(str.isalpha, line)):
            return line[:half].strip()
    if len(line) >= 2 * _SHADOW_LETTERS and line[::2] == line[1::2] and any(map(str.isalpha, line)):
        return line[::2]
    return line


def _without_repeats(lines: Sequence[str]) -> list[str]:
    """Drop a line that only repeats the one before: the same shadow on a line of its own."""
    return [
        line
        for before, line in zip(["", *lines], lines, strict=False)
        if line != before or len(line) < _SHADOW_LETTERS
    ]


def _join_letters(match: re.Match[str]) -> str:
    """Join "E X P E R I E N C E"; wider gaps between words are kept by the pattern."""
    return match[0].replace(" ", "")


def _join_hyphens(text: str) -> str:
    """Join words broken at a line's end, unless the hyphen belongs to them ("cloud-native")."""
    known = {word.lower() for word in _LETTERS.findall(text)}

    def join(match: re.Match[str]) -> str:
        left, right = match[1], match[4]
        if right.lower() in _CONJUNCTIONS:
            return f"{left}- {right}"
        if (left + right).lower() not in known and (
            len(left) == 1
            or left.lower() in _COMPOUND_STARTS
            or (left.lower() in known_apart and right.lower() in known_apart)
        ):
            return f"{left}-{right}"
        return left + right

    known_apart = known - {
        word.lower() for match in _BROKEN_WORD.finditer(text) for word in (match[1], match[4])
    } | _repeated(text)
    text = _BROKEN_WORD.sub(join, text)
    return text.replace(_BREAK, "").replace("\u2010", "-")


def _repeated(text: str) -> set[str]:
    """Return the words that stand in the text more than once."""
    counts = Counter(word.lower() for word in _LETTERS.findall(text))
    return {word for word, count in counts.items() if count > 1}


def guess_language(text: str) -> Literal["fr", "en"] | None:
    """Guess for display only: such guesses are shaky on CVs, nothing may hang on them (facts/pdf-text.md 9)."""
    words = Counter(word.lower() for word in _LETTERS.findall(text))
    french, english = (sum(words[word] for word in stopwords) for stopwords in (_FRENCH, _ENGLISH))
    if max(french, english) < _STOPWORDS_NEEDED or french == english:
        return None
    return "fr" if french > english else "en"


# How pages are judged and cleaned.

_RAW_CHARACTERS_PER_PAGE = 400_000
_SHADOW_LETTERS = 4
_GLYPH_NAMES = 5
_STOPWORDS_NEEDED = 5
_BREAK = "\x02"  # PDFium's sign for a hyphen and the line's end after it
_SOFT_HYPHEN = re.compile("\u00ad(?:\n[ \t]*)?")

_LETTERS = re.compile(r"[^\W\d_]+")
_BLANKS = re.compile(r"[ \t]+")
_BLANK_LINES = re.compile(r"\n{3,}")
_LOST_LIGATURE = re.compile(
    "(?<=[a-z])[\x00\ufffd](?=[a-z])"
    r"|\b(?:[Pp]ro les?|[Cc]erti (?:c|é)|[Qq]uali (?:c|é)|[Ss]cienti [cq]|[Ss]peci [cq]|[Ee]f (?:cien|cac)|[Oo]f ces?)"
)
_GLYPH_NAME = re.compile(r"(?<![\w/])/[a-z_][a-z0-9_⌢-]*(?![\w/])|[A-Za-z]/[a-zT]_[a-z]")

_GLYPH_LIGATURE = re.compile(r"/((?:f_f_[ijlt]|f_[fijlt]|T_h|t_t|c_t|s_t))")
_DIGITS = dict(
    zip(
        ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"],
        "0123456789",
        strict=True,
    )
)
_GLYPH_DIGIT = re.compile(rf"/({'|'.join(_DIGITS)})\.[a-z]{{2,12}}")
_GLYPH_LETTER = re.compile(r"/([A-Za-z])\.(?:sc|smcp|c2sc|alt|swash|end|init)\b")
# Linux Libertine and Biolinum give small capitals and two ligatures in the private use area.
_LIBERTINE_CAPITALS = re.compile("[\ue051-\ue06a]{2,}|(?<=[A-Z])[\ue051-\ue06a]")
_LIBERTINE_LETTERS = {0xE051 + index: chr(ord("a") + index) for index in range(26)}
_LIBERTINE_LIGATURES = {0xE039: "ft", 0xE03C: "tt"}
_TEX_LIGATURES = {
    "\x1b": "ff", "\x1c": "fi", "\x1d": "fl", "\x1e": "ffi", "\x1f": "ffl",
    "\x0b": "ff", "\x0c": "fi", "\x0e": "ffi", "\x0f": "ffl",
}  # fmt: skip
_TEX_LIGATURE = re.compile("[\x0b\x0c\x0e\x0f\x1b-\x1f](?=[^\\W\\d_])|(?<=[^\\W\\d_])[\x1b-\x1f]")
_TEX_QUOTES = re.compile("\x13 ?([^\x13\x14\n]{1,200}?) ?\x14")
_ACCENTS = {"´": "\u0301", "ˆ": "\u0302", "¨": "\u0308", "˜": "\u0303", "¸": "\u0327"}
_LOOSE_ACCENT = re.compile("([´ˆ¨˜¸])([aeiouycnAEIOUYCN])")
_ICON_NAME = re.compile(r"(?m)(^[ \t]*|[ \t])/([a-z][a-z0-9]*(?:-[a-z0-9]+)*)(?=\s|$)")
_ICON_NUMBER = re.compile(r"(?<!\S)/(?:_\d+|[gGcC]\d+|uni[0-9A-F]{4,6})(?!\S)")
_ICON_SIGNS = re.compile(r"(?<!\S)(?:[♂♀]\S*|/\S*⌢\S*)|\S*¶[^\W\d_]\S*")
_SPACED_LETTERS = re.compile(r"(?<!\S)(?:[^\W\d_] ){3,}[^\W\d_](?!\S)")
_BROKEN_WORD = re.compile(rf"([^\W\d_]+)(?:([-\u2010])[ \n]|({_BREAK})\n?)([^\W\d_]{{2,}})")

_ICONS = frozenset(
    ["at", "bitbucket", "bolt", "book", "briefcase", "building", "calendar", "car", "certificate", "circle", "city", "clock", "code", "cog", "cogs", "comment", "comments", "desktop", "discord", "download", "dribbble", "edit", "education", "email", "envelope", "facebook", "fax", "file", "flag", "flask", "folder", "gamepad", "gear", "git", "github", "gitlab", "globe", "google", "graduation", "hackerrank", "heart", "home", "info", "instagram", "institution", "key", "kaggle", "language", "laptop", "leetcode", "lightbulb", "link", "linkedin", "lock", "mail", "map", "marker", "mastodon", "medium", "mobile", "music", "orcid", "paperclip", "pen", "pencil", "phone", "plane", "print", "researchgate", "rss", "school", "search", "signal", "skype", "stackoverflow", "star", "suitcase", "tag", "tags", "telegram", "telephone", "tools", "trophy", "twitter", "university", "user", "users", "video", "website", "wechat", "whatsapp", "wrench", "xicon", "xing", "xtwitter", "youtube"]
)  # fmt: skip
_CONJUNCTIONS = frozenset(("and", "or", "et", "ou", "to", "und", "y", "e", "o"))
_COMPOUND_STARTS = frozenset(
    ["auto", "back", "bi", "bio", "client", "cloud", "co", "cost", "cross", "customer", "data", "decision", "demi", "deep", "e", "end", "entry", "event", "ex", "fast", "first", "front", "full", "go", "hands", "hard", "high", "in", "inter", "interne", "key", "large", "lead", "life", "long", "low", "machine", "mid", "mini", "mono", "multi", "myself", "new", "next", "non", "object", "off", "on", "one", "open", "part", "peer", "peut", "plug", "post", "pre", "pro", "problem", "quasi", "re", "real", "right", "safe", "self", "semi", "server", "short", "single", "small", "socio", "soft", "sous", "state", "stand", "step", "team", "test", "third", "time", "top", "touch", "two", "ultra", "up", "user", "vice", "web", "well", "wide", "work", "world", "year", "porte", "garde", "rendez", "chef", "contre", "arrière", "avant", "après", "micro", "macro"]
)  # fmt: skip
_FRENCH = frozenset(
    [
        "le",
        "la",
        "les",
        "des",
        "du",
        "un",
        "une",
        "et",
        "en",
        "dans",
        "pour",
        "avec",
        "sur",
        "par",
        "au",
        "aux",
        "est",
        "être",
        "ce",
        "cette",
        "ses",
        "mes",
        "je",
        "nous",
        "vous",
        "que",
        "qui",
    ]
)
_ENGLISH = frozenset(
    [
        "the",
        "of",
        "and",
        "in",
        "for",
        "with",
        "to",
        "a",
        "an",
        "on",
        "by",
        "at",
        "from",
        "as",
        "is",
        "are",
        "was",
        "were",
        "my",
        "our",
        "this",
        "that",
        "using",
        "i",
        "we",
        "you",
        "it",
    ]
)
