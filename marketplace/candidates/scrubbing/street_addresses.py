"""Finding street addresses, post boxes and postcodes: French, British and American (rules C4). Pure."""

# Patterns read better whole.
# ruff: noqa: E501
from __future__ import annotations

import re
from collections.abc import Iterator

from marketplace.candidates.scrubbing.characters import Span

_SEPARATOR = r"\n,;|•…\t"
_REST = rf"(?:[ ][^{_SEPARATOR} ]{{1,30}}){{0,8}}"
_WAY = r"rue|avenue|boulevard|bd|bld|blvd|allees?|chemin|impasse|quai|ruelle|faubourg|fbg|venelle|chaussee|esplanade|sentier|rond-point|av|rte|imp|chem"
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


def find_street_addresses(plain: str, low: str) -> Iterator[Span]:
    """Find addresses by words of any case in ``low``, and by words that must be names in ``plain``."""
    for pattern in _LOW_ADDRESSES:
        for match in pattern.finditer(low):
            yield match.span()
    for pattern in _CASED_ADDRESSES:
        for match in pattern.finditer(plain):
            yield match.span()
