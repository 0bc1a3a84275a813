"""Finding links, bare domains and the paths of profiles, but no names of techniques (rules C4). Pure."""

# Patterns read better whole.
# ruff: noqa: E501
from __future__ import annotations

import re
from collections.abc import Iterator

from marketplace.candidates.scrubbing.characters import Span

_URL = re.compile(
    r"(?:(?:https?|ftp|hxxps?|mailto|tel|callto|skype)[ ]?:[ ]?(?://)?|(?<![a-z0-9])www ?\.)[^\s<>\"…]{1,2000}"
)
_BARE_DOMAIN = re.compile(
    r"(?<![\w@.-])((?:[a-z0-9][a-z0-9-]{0,62}(?:\.|\[\.\]|\(\.\)| ?\[dot\] ?)){1,4})([a-z]{2,24})(?![\w-])"
    r"((?::\d{1,5})?[/?#][^\s<>\"…]{0,2000})?"
)
_ENDINGS = frozenset([
    "com", "org", "net", "edu", "gov", "info", "biz", "name", "pro", "xyz", "site", "website", "online",
    "tech", "paris", "bzh", "alsace", "corsica", "dev", "app", "io", "me", "ai", "co", "fr", "uk", "de",
    "be", "ch", "eu", "it", "ca", "nl", "pt", "pl", "ie", "lu", "tv", "gg", "ly", "link", "page", "blog",
    "cloud", "store", "shop", "design", "studio", "agency", "digital", "academy", "work", "works", "jobs",
    "cv", "resume", "portfolio", "bio", "art", "photo", "photography", "media", "space", "live", "life",
    "world", "team", "group", "email", "contact", "codes", "engineer", "software", "systems", "network",
    "scot", "wales", "london", "nyc",
])  # fmt: skip
_ENDINGS_WITH_PATH = frozenset([
    "us", "in", "es", "se", "ne", "re", "at", "cz", "dk", "fi", "no", "gr", "ro", "hu", "ru", "ua", "br",
    "mx", "ar", "cl", "jp", "cn", "kr", "au", "nz", "za", "so", "to", "fm",
])  # fmt: skip
_NO_LINKS = frozenset([
    "asp.net", "ado.net", "vb.net", "ml.net", "diagrams.net", "socket.io", "draw.io", "crates.io",
    "material.io", "fast.ai", "h2o.ai", "c3.ai", "booking.com", "monday.com", "make.com", "n8n.io",
    "amazon.com", "salesforce.com", "force.com",
])  # fmt: skip
_SITES = r"(?:linkedin|github|gitlab|bitbucket|twitter|facebook|instagram|behance|dribbble|medium|stackoverflow|youtube)"
_SITE_SPACED = re.compile(
    rf"(?<![a-z0-9])({_SITES} ?\. ?(?:com|org|net|io)(?: ?/ ?[\w%.~-]{{1,100}}){{0,4}}/?)"
)
_PROFILE_PATH = re.compile(r"(?<!\S)(/?in/[\w%-]{3,100}/?)")
_LABELLED_HANDLE = re.compile(
    r"(?<![a-z])(?:linkedin|github|gitlab|twitter|instagram|facebook|skype|telegram|discord|orcid|whatsapp|snapchat)"
    r" ?: ?(?!//)([^\s,;|…]{2,100})"
)


def find_links(plain: str, low: str) -> Iterator[Span]:
    """Find links with and without their scheme; a bare domain only with an ending that is known."""
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
