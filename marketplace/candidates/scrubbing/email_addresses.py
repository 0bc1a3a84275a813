"""Finding e-mail addresses and handles, however they are written (rules C4). Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from marketplace.candidates.scrubbing.characters import Span

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


def find_email_addresses(low: str) -> Iterator[Span]:
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
