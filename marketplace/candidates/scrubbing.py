"""Taking out of a text what finds or names the person (rules C4, security.md P-04). Pure.

What is indexed, listed or shown before a disclosure goes through :func:`scrub`. It errs towards
taking out: a word lost costs a hit, a telephone number left costs the person. But words that
recruiters search for (`Node.js`, `ASP.NET`, versions, dates) stay.

Every pattern works on a copy of the text of the same length, without accents and case, so that
what it finds can be cut from the original; every repetition is bounded, so that hostile text takes
linear time.
"""

# Patterns read better whole, and the numbers are those of the numbering plans.

# Patterns read better whole; the numbers are those of the numbering plans.
# ruff: noqa: E501, PLR2004
from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence

GAP = "…"
"""What stands for what was taken out. It is no letter, so neighbours are never joined."""

_PASSES = 4
_SHORTEST_JOINED = 6
Span = tuple[int, int]


def scrub(text: str, names: Sequence[str]) -> str:
    """Return ``text`` without e-mail addresses, telephone numbers, street addresses, links and ``names`` (C4).

    ``names`` are the person's own: each is taken out as a whole word, in any case, with or without
    accents and hyphens, and so are its parts. Scrubbing again changes nothing.
    """
    text = _normal(text)
    own = _names_pattern(names)
    for _ in range(_PASSES):
        plain = text.translate(_PLAIN)
        low = plain.translate(_LOWER)
        spans = [*_emails(low), *_links(plain, low), *_telephones(low), *_addresses(plain, low)]
        if own is not None:
            spans += [match.span() for match in own.finditer(low)]
        if not spans:
            break
        text = _cut(text, spans)
    return text


def _normal(text: str) -> str:
    text = unicodedata.normalize("NFC", text.translate(_EXPANDED))
    return text.translate(_INVISIBLE)


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


# E-mail addresses


def _emails(low: str) -> Iterator[Span]:
    """Find addresses by their "at", written in any of the usual ways, and handles ("@name")."""
    floor = 0
    for sign in _AT.finditer(low):
        start = _local_part(low, sign.start(), floor)
        floor = sign.end()
        local = low[start : sign.start()]
        found = _DOMAIN.match(low, floor) or _SPACED_DOMAIN.match(low, floor)
        if found is None and sign[0].lstrip(" ") == "@":
            found = _HANDLE.match(low, floor)
            start = start if sign[0] == "@" else sign.end() - 1  # " @name": the word before is none of it
        if found is None or (sign[0].strip().isalpha() and not _is_spelled_address(local, found[0])):
            continue
        floor = found.end()
        yield start, found.end()


def _is_spelled_address(local: str, domain: str) -> bool:
    """Tell "jean at example dot com" from "engineer at example.com", where only the domain is a link."""
    return bool(local) and bool(
        _SPELLED_DOT.search(domain)
        or _MAIL_HOST.match(domain)
        or any(sign in local for sign in "._0123456789")
    )


def _local_part(low: str, end: int, floor: int) -> int:
    """Return where the part before the "at" begins; never before ``floor``, so the whole walk is linear."""
    start, floor = end, max(floor, end - 96)
    while start > floor and (low[start - 1].isalnum() or low[start - 1] in "._+%-'"):
        start -= 1
    if end - start == 1:  # "j e a n @ …": letters set apart
        while (
            start - 2 >= floor
            and low[start - 1] == " "
            and not low[start - 2].isspace()
            and (start - 2 == floor or low[start - 3].isspace())
        ):
            start -= 2
    return start


# Links


def _links(plain: str, low: str) -> Iterator[Span]:
    for match in _URL.finditer(low):
        yield match.start(), match.start() + len(match[0].rstrip(".,;:!?)]}'\"»"))
    for match in _BARE_DOMAIN.finditer(low):
        labels, end, path = match[1], match[2], match[3]
        if f"{labels}{end}" in _NO_LINKS or (
            end not in _ENDINGS and not (path and end in _ENDINGS_WITH_PATH)
        ):
            continue
        if (
            plain[match.start(2)].isupper()
            and not plain[match.start(2) : match.end(2)].isupper()
            and not path
        ):
            continue  # "…the project.It was…": a blank is missing
        yield match.start(), match.start() + len(match[0].rstrip(".,;:!?)]}'\"»"))
    for pattern in (_SITE_SPACED, _PROFILE_PATH, _LABELLED_HANDLE):
        for match in pattern.finditer(low):
            yield match.span(1)


# Telephone numbers


def _telephones(low: str) -> Iterator[Span]:
    for run in _DIGIT_RUN.finditer(low):
        groups = [match.span() for match in _DIGITS.finditer(low, run.start(), run.end())]
        is_labelled = bool(_TELEPHONE_LABEL.search(low, max(0, run.start() - 24), run.start()))
        index = 0
        while index < len(groups):
            last = _telephone_at(low, groups, index, is_labelled)
            if last is None:
                index += 1
                continue
            start = groups[index][0]
            while start > run.start() and low[start - 1] in "+(":
                start -= 1
            yield start, groups[last][1]
            index = last + 1
            is_labelled = False


def _telephone_at(low: str, groups: list[Span], first: int, is_labelled: bool) -> int | None:
    """Return the last group of the longest number that begins with group ``first``."""
    has_plus = low[max(0, groups[first][0] - 2) : groups[first][0]].rstrip("( ").endswith("+")
    digits, parts, best = "", list[str](), None
    for last in range(first, min(len(groups), first + 15)):
        parts.append(low[slice(*groups[last])])
        digits += parts[-1]
        if len(digits) > 15:
            break
        between = low[groups[first][1] : groups[last][0]]
        if len(digits) >= 6 and _is_telephone(
            digits, parts, between, has_plus=has_plus, is_labelled=is_labelled
        ):
            best = last
    return best


def _is_telephone(digits: str, parts: list[str], between: str, *, has_plus: bool, is_labelled: bool) -> bool:  # noqa: PLR0911 - one answer a numbering plan
    """Judge a row of digit groups by the numbering plans of France, the United Kingdom and the United States."""
    count = len(digits)
    if has_plus or (digits.startswith("00") and count >= 10):
        return 8 <= count <= 15
    if is_labelled:
        return not _is_date(parts)
    if count < 10 or _is_date(parts) or ("/" in between and any(len(part) > 2 for part in parts)):
        return False
    if digits[0] == "0":
        return count in {10, 11} and digits[1] != "0"
    sizes = [len(part) for part in parts]
    if count == 10 and digits[0] in "23456789":
        return sizes in ([10], [3, 3, 4], [3, 7], [6, 4]) or max(sizes) == 1
    if count == 11 and digits[0] == "1":
        return sizes in ([11], [1, 3, 3, 4], [1, 10]) or max(sizes) == 1
    return (count == 11 and digits.startswith("33") and parts[0] in {"33", digits}) or (
        count == 12 and digits.startswith(("447", "442", "441")) and parts[0] in {"44", digits}
    )


def _is_date(parts: list[str]) -> bool:
    """Whether the groups are years, or one year among days and months."""
    years = sum(len(part) == 4 and "1940" <= part <= "2069" for part in parts)
    others = [part for part in parts if len(part) != 4]
    return years >= 2 or (years == 1 and len(parts) > 1 and len(others) == len(parts) - 1 and all(
        len(part) <= 2 for part in others))  # fmt: skip


# Street addresses


def _addresses(plain: str, low: str) -> Iterator[Span]:
    for pattern in _LOW_ADDRESSES:
        for match in pattern.finditer(low):
            yield match.span()
    for pattern in _CASED_ADDRESSES:
        for match in pattern.finditer(plain):
            yield match.span()


# The person's own names


def _names_pattern(names: Sequence[str]) -> re.Pattern[str] | None:  # noqa: C901 - one branch a spelling
    """Return one pattern for all names, their parts, and the ways they are run together."""
    wholes = [
        [part for part in _NAME_BREAK.split(_normal(name).translate(_PLAIN).translate(_LOWER)) if part]
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


# Characters


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


_PLAIN = _Folding({
    ord("ø"): "o", ord("Ø"): "O", ord("ł"): "l", ord("Ł"): "L", ord("đ"): "d", ord("Đ"): "D", ord("ı"): "i",
    ord("’"): "'", ord("‘"): "'", ord("ʼ"): "'", ord("‐"): "-", ord("‑"): "-", ord("‒"): "-", ord("–"): "–",
    ord("−"): "-", ord("·"): ".", ord("•"): "•", ord("․"): ".",
})  # fmt: skip
_LOWER = _Lowering()
_EXPANDED = {code: unicodedata.normalize("NFKC", chr(code)) for code in range(0xFB00, 0xFB07)} | {
    0x0133: "ij"
}
_INVISIBLE: dict[int, str] = dict.fromkeys(
    (
        0x00AD,
        0x200B,
        0x200C,
        0x200D,
        0x2060,
        0xFEFF,
        0x200E,
        0x200F,
        *range(0x202A, 0x202F),
        *range(0x2066, 0x206A),
    ),
    "",
)
_GAPS = re.compile(f"{GAP}(?:[ \t]?{GAP})+")
_FIRST_CJK = 0x2E80

# Patterns on the text without accents, in lower case (`low`), or with its case kept (`plain`).

_AT = re.compile(
    r" {0,2}(?:@|[\[({<] ?(?:at|a|arobase|arobas|chez|@) ?[\])}>]|(?<= )(?:at|arobase|arobas)(?= )) {0,2}"
)
_DOT = r"(?:\.| ?[\[({] ?(?:dot|point|\.) ?[\])}] ?| (?:dot|point) | \. ?)"
_DOMAIN = re.compile(rf"[a-z0-9-]{{1,63}}(?:{_DOT}[a-z0-9-]{{1,63}}){{0,4}}{_DOT}[a-z]{{2,24}}(?![a-z0-9])")
_SPACED_DOMAIN = re.compile(
    r"(?:[a-z0-9-] ){1,40}\. ?(?:[a-z0-9-] ){0,30}(?:\. ?)?[a-z](?: [a-z]){1,5}(?![a-z0-9])"
)
_HANDLE = re.compile(r"[a-z0-9_][\w.-]{1,60}")
_SPELLED_DOT = re.compile(r"dot|point")
_MAIL_HOST = re.compile(
    r"(?:gmail|googlemail|outlook|hotmail|live|msn|yahoo|ymail|icloud|me|aol|orange|wanadoo|free|laposte|sfr|"
    r"neuf|bbox|numericable|proton|protonmail|gmx|zoho|btinternet|sky|comcast)\b"
)

_URL = re.compile(
    r"(?:(?:https?|ftp|hxxps?|mailto|tel|callto|skype)[ ]?:[ ]?(?://)?|(?<![a-z0-9])www ?\.)[^\s<>\"…]{1,2000}"
)
_BARE_DOMAIN = re.compile(
    r"(?<![\w@.-])((?:[a-z0-9][a-z0-9-]{0,62}(?:\.|\[\.\]|\(\.\)| ?\[dot\] ?)){1,4})([a-z]{2,24})(?![\w-])"
    r"((?::\d{1,5})?[/?#][^\s<>\"…]{0,2000})?"
)
_ENDINGS = frozenset(
    [
        "com",
        "org",
        "net",
        "edu",
        "gov",
        "info",
        "biz",
        "name",
        "pro",
        "xyz",
        "site",
        "website",
        "online",
        "tech",
        "paris",
        "bzh",
        "alsace",
        "corsica",
        "dev",
        "app",
        "io",
        "me",
        "ai",
        "co",
        "fr",
        "uk",
        "de",
        "be",
        "ch",
        "eu",
        "it",
        "ca",
        "nl",
        "pt",
        "pl",
        "ie",
        "lu",
        "tv",
        "gg",
        "ly",
        "link",
        "page",
        "blog",
        "cloud",
        "store",
        "shop",
        "design",
        "studio",
        "agency",
        "digital",
        "academy",
        "work",
        "works",
        "jobs",
        "cv",
        "resume",
        "portfolio",
        "bio",
        "art",
        "photo",
        "photography",
        "media",
        "space",
        "live",
        "life",
        "world",
        "team",
        "group",
        "email",
        "contact",
        "codes",
        "engineer",
        "software",
        "systems",
        "network",
        "scot",
        "wales",
        "london",
        "nyc",
    ]
)
_ENDINGS_WITH_PATH = frozenset(
    [
        "us",
        "in",
        "es",
        "se",
        "ne",
        "re",
        "at",
        "cz",
        "dk",
        "fi",
        "no",
        "gr",
        "ro",
        "hu",
        "ru",
        "ua",
        "br",
        "mx",
        "ar",
        "cl",
        "in",
        "jp",
        "cn",
        "kr",
        "au",
        "nz",
        "za",
        "so",
        "to",
        "fm",
    ]
)
_NO_LINKS = frozenset(
    ["asp.net", "ado.net", "vb.net", "ml.net", "diagrams.net", "socket.io", "draw.io", "crates.io", "material.io", "fast.ai", "h2o.ai", "c3.ai", "booking.com", "monday.com", "make.com", "n8n.io", "amazon.com", "salesforce.com", "force.com"]
)  # fmt: skip
_SITES = r"(?:linkedin|github|gitlab|bitbucket|twitter|facebook|instagram|behance|dribbble|medium|stackoverflow|youtube)"
_SITE_SPACED = re.compile(
    rf"(?<![a-z0-9])({_SITES} ?\. ?(?:com|org|net|io)(?: ?/ ?[\w%.~-]{{1,100}}){{0,4}}/?)"
)
_PROFILE_PATH = re.compile(r"(?<!\S)(/?in/[\w%-]{3,100}/?)")
_LABELLED_HANDLE = re.compile(
    r"(?<![a-z])(?:linkedin|github|gitlab|twitter|instagram|facebook|skype|telegram|discord|orcid|whatsapp|snapchat)"
    r" ?: ?(?!//)([^\s,;|…]{2,100})"
)

_DIGITS = re.compile(r"[0-9]+")
_DIGIT_RUN = re.compile(r"(?<![a-z0-9_#])(?:\+ ?)?\(?[+]?[0-9](?:[ ().\-–/_,]{0,3}[0-9])*(?![a-z_]{2})")
_TELEPHONE_LABEL = re.compile(
    r"(?<![a-z])(?:tel|telephone|phone|mobile|mob|portable|port|cell|cellphone|gsm|fax|whatsapp|call|fixe|ph)"
    r"[ .:()°/-]{0,5}(?:[(]?\+ ?)?$"
)

_SEPARATOR = r"\n,;|•…\t"
_REST = rf"(?:[ ][^{_SEPARATOR} ]{{1,30}}){{0,8}}"
_WAY = r"rue|avenue|boulevard|bd|bld|bld|blvd|allees?|chemin|impasse|quai|ruelle|faubourg|fbg|venelle|chaussee|esplanade|sentier|rond-point|av|rte|imp|chem"
_WAY_OR_WORD = r"place|pl|route|cours|square|passage|villa|lotissement|residence|hameau|promenade|voie|cite|clos|domaine|mail|montee|parvis|traverse|zone|za|zi|lot"
_COUNTED = "users?|lines|clients|customers|utilisateurs|visiteurs|visitors|personnes|requests|downloads|eur|euros|usd|gbp"
_TOWN = r"[A-Z][A-Za-z'.-]{1,30}(?:[ -](?:[A-Z][A-Za-z'.-]{0,30}|sur|sous|en|les|la|le|de|du|des|aux|et|[lds]')){0,5}"
_LOW_ADDRESSES = (
    re.compile(
        rf"(?<![\w/.])\d{{1,4}}(?: ?(?:bis|ter|quater|[a-d]))?(?: ?- ?\d{{1,4}})? ?,? {{0,2}}(?:{_WAY})\b\.?{_REST}"
    ),
    re.compile(
        rf"(?<![\w/.])\d{{1,4}}(?: ?(?:bis|ter|quater))?(?: ?, ?| )(?:{_WAY_OR_WORD})\b\.? (?:de la|de l'|du|des|d')(?![a-z]){_REST}"
    ),
    re.compile(rf"(?<![\w/.])\d{{1,4}}(?: ?(?:bis|ter|quater))? ?, ?(?:{_WAY_OR_WORD})\b\.?{_REST}"),
    re.compile(
        rf"(?<![\w'])(?:rue|avenue|boulevard|impasse) (?:de la|de l'|du|des|de|d') ?[^{_SEPARATOR} ]{{1,30}}{_REST.replace('{0,8}', '{0,4}')}"
    ),
    re.compile(r"(?<!\w)(?:b\.?p\.? ?\d{1,5}|(?:cs|tsa) ?\d{5}|cedex(?: \d{1,2})?)(?!\w)"),
    re.compile(
        r"(?<!\w)(?:p\.? ?o\.? ?box|flat|apt|appt|appartement|apartment|suite|batiment|bat\.|escalier) ?(?:n[o°] ?)?[#.]? ?(?:[a-z]?\d{1,5}[a-z]?)(?!\w)"
    ),
    re.compile(
        rf"(?m)^ *(?:f ?- ?)?(?:0[1-9]|[1-8]\d|9[0-8])\d{{3}} {{1,2}}(?!(?:{_COUNTED})\b)[a-z][a-z' -]{{1,40}}$"
    ),
    re.compile(r"(?m)^ *(?:residence|lieu-dit|lieudit) [^\n:;|•…]{1,60}$"),
    re.compile(r"(?<![a-z])(?:address|adresse|domicile|home address|adresse postale) ?: ?[^\n|•…]{3,120}"),
)
_STATE = "A[KLRZ]|C[AOT]|D[CE]|FL|GA|HI|I[ADLN]|K[SY]|LA|M[ADEINOST]|N[CDEHJMVY]|O[HKR]|PA|RI|S[CD]|T[NX]|UT|V[AT]|W[AIVY]|PR"
_STREET_WORDS = r"(?:[A-Z0-9][A-Za-z0-9'.-]{0,30} ){1,4}"
_STREET_KIND = (
    r"(?:[Ss]treet|[Rr]oad|[Aa]venue|[Ll]ane|STREET|ROAD|AVENUE|LANE|St|Rd|Ave|Ln|Dr|Drive|DRIVE|Close|Court|Ct|Crescent|"
    r"Gardens|Grove|Hill|Terrace|Way|Place|Pl|Boulevard|Blvd|Square|Mews|Parade|Row|Walk|Highway|Hwy|Parkway|Pkwy|Circle|"
    r"Cir|Trail|View|Rise|Green|Park|Wharf|Quay|Loop|Broadway|Wave)"
)
_CASED_ADDRESSES = (
    re.compile(
        rf"(?<![\w/.])\d{{1,4}}(?: ?(?:bis|ter|quater|[A-D]))? (?i:{_WAY_OR_WORD})\b\.?(?= (?:(?:de|la|le) ){{0,2}}[A-Z]){_REST}"
    ),
    re.compile(rf"(?<![\w'])(?i:rue|avenue|boulevard|impasse)(?= [A-Z]){_REST.replace('{0,8}', '{0,4}')}"),
    re.compile(
        rf"(?<![\w.])(?:F ?- ?|FR-)?(?:0[1-9]|[1-8]\d|9[0-8]) ?\d{{3}},? {{1,2}}(?!(?i:{_COUNTED})\b){_TOWN}"
        r"(?= {0,2}(?:$|[\n,;|•(…\t–)/.-]| [Cc]edex|CEDEX| France|FRANCE))"
    ),
    re.compile(
        rf"(?<![\w.])\d{{1,5}}[A-Za-z]?,? {_STREET_WORDS}{_STREET_KIND}\b\.?(?:,? (?:[Aa]pt|[Ss]uite|[Uu]nit|[Ff]lat|#)\.? ?\w{{1,6}})?"
    ),
    re.compile(rf"(?<![\w.])\d{{1,5}}[A-Za-z]? {_STREET_WORDS.replace(' )', ' ?)')}, ?\d{{5}}(?!\d)"),
    re.compile(
        rf"(?<![\w.])(?:[A-Z][A-Za-z'.-]{{1,30}} ){{0,2}}(?:[A-Z][A-Za-z'.-]{{1,30}},? )(?:{_STATE}),? {{1,2}}\d{{5}}(?:-\d{{4}})?(?!\d)"
    ),
    re.compile(rf"(?<!\w)(?:{_STATE}) {{1,2}}\d{{5}}(?:-\d{{4}})?(?!\d)"),
    re.compile(
        r"(?<![\w])(?:GIR ?0AA|(?:[A-PR-UWYZ](?:\d{1,2}|[A-HK-Y]\d{1,2}|\d[A-HJKPSTUW]|[A-HK-Y]\d[ABEHMNPRV-Y]))"
        r" ?\d(?!(?:GB|TB)\b)[ABD-HJLNP-UW-Z]{2})(?!\w)"
    ),
)

_NAME_BREAK = re.compile(r"[\s\-'’._]+")
_PARTICLES = frozenset(
    [
        "de",
        "la",
        "le",
        "les",
        "du",
        "des",
        "d",
        "l",
        "van",
        "von",
        "der",
        "den",
        "ter",
        "el",
        "al",
        "bin",
        "ben",
        "ibn",
        "da",
        "do",
        "dos",
        "di",
        "del",
        "della",
        "of",
        "the",
        "mc",
        "mac",
        "o",
        "st",
        "saint",
    ]
)
