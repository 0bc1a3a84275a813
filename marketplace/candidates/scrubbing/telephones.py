"""Finding telephone numbers by the French, British and American numbering plans (rules C4). Pure."""

# The numbers are those of the numbering plans.
# ruff: noqa: E501, PLR2004
from __future__ import annotations

import re
from collections.abc import Iterator

from marketplace.candidates.scrubbing.characters import Span

_DIGITS = re.compile(r"[0-9]+")
_DIGIT_RUN = re.compile(r"(?<![a-z0-9_#])(?:\+ ?)?\(?[+]?[0-9](?:[ ().\-–/_,]{0,3}[0-9])*(?![a-z_]{2})")
_TELEPHONE_LABEL = re.compile(
    r"(?<![a-z])(?:tel|telephone|phone|mobile|mob|portable|port|cell|cellphone|gsm|fax|whatsapp|call|fixe|ph)"
    r"[ .:()°/-]{0,5}(?:[(]?\+ ?)?$"
)


def find_telephones(low: str) -> Iterator[Span]:
    """Find telephone numbers in rows of digits; after a label such as "Tél." six digits are enough."""
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
