"""The query string of a search, both ways: checked parameters in, one canonical form out.

The page's form, its links, the API and saved searches all go through here (interface.md, search
route). What is wrong is told one fault a field; within the limits of rules D1 every text is valid.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from urllib.parse import urlencode

from marketplace.catalogues import N_
from marketplace.errors import FieldError, InvalidInputError
from marketplace.reference import TERRITORY
from marketplace.search import words
from marketplace.search.facets import FACETS
from marketplace.search.query import NO_SELECTION, Position, SearchQuery, Sort, Visibility, Words
from marketplace.settings import Settings

DEFAULT_SIZE = 20

_SINGLE = frozenset({"q", "job_country", "start_from", "start_to", "flex", "sort", "cursor", "size"})
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_SIZE = re.compile(r"[0-9]{1,3}")

Pairs = list[tuple[str, str]]


@dataclass(frozen=True)
class Limits:
    """The numbers of rules D1 and E2, from the settings."""

    characters: int = 256
    terms: int = 16
    facet_values: int = 50
    page_size: int = 50
    window: int = 500

    @classmethod
    def of(cls, settings: Settings) -> Limits:
        return cls(
            characters=settings.query_max_characters,
            terms=settings.query_max_terms,
            facet_values=settings.query_max_facet_values,
            page_size=settings.page_size_max,
            window=settings.page_window,
        )


@dataclass(frozen=True)
class Chip:
    """A choice in force and the query string without it; ``name`` is the parameter."""

    name: str
    value: str
    without: str


@dataclass(frozen=True, kw_only=True)
class SearchParameters:
    """What a query string asks, checked. With a :class:`Visibility` it becomes a search."""

    default_job_country: str
    job_country: str
    q: str = ""
    words: Words = field(default_factory=Words)
    selections: Mapping[str, frozenset[str]] = field(default_factory=lambda: NO_SELECTION)
    start_from: date | None = None
    start_to: date | None = None
    flex: bool = False
    chosen_sort: Sort | None = None
    size: int = DEFAULT_SIZE
    cursor: str | None = None
    window: int = 500

    @property
    def default_sort(self) -> Sort:
        """``relevance`` with words, else ``fresh`` (rules G)."""
        return Sort.RELEVANCE if self.words.clauses else Sort.FRESH

    @property
    def sort(self) -> Sort:
        return self.chosen_sort or self.default_sort

    def query(self, visibility: Visibility, after: Position | None = None) -> SearchQuery:
        """Return the search of these parameters by someone who may see ``visibility``."""
        return SearchQuery(
            visibility=visibility, words=self.words, selections=self.selections,
            start_from=self.start_from, start_to=self.start_to, flex=self.flex,
            sort=self.sort, size=self.size, window=self.window, after=after,
        )  # fmt: skip

    def pairs(self) -> Pairs:
        """Return the canonical parameters: sorted, defaults and cursor left out."""
        pairs = [(name, value) for name, values in self.selections.items() for value in values]
        if self.q:
            pairs.append(("q", self.q))
        if self.job_country != self.default_job_country:
            pairs.append(("job_country", self.job_country))
        if self.start_from is not None:
            pairs.append(("start_from", self.start_from.isoformat()))
        if self.start_to is not None:
            pairs.append(("start_to", self.start_to.isoformat()))
        if self.flex:
            pairs.append(("flex", "1"))
        if self.sort is not self.default_sort:
            pairs.append(("sort", self.sort.value))
        if self.size != DEFAULT_SIZE:
            pairs.append(("size", str(self.size)))
        return sorted(pairs)

    def query_string(self) -> str:
        """Return the canonical query string; the same search always gives the same one."""
        return urlencode(self.pairs())

    def next_page(self, cursor: str) -> str:
        """Return the query string of the page at ``cursor``."""
        return urlencode([*self.pairs(), ("cursor", cursor)])

    def without_facet(self, name: str) -> SearchParameters:
        """Return the same search from its first page, nothing selected in one facet."""
        return replace(self, selections=_tidy({**self.selections, name: ()}), cursor=None)

    def without_dates(self) -> SearchParameters:
        """Return the same search from its first page, whenever the start is."""
        return replace(self, start_from=None, start_to=None, flex=False, cursor=None)

    def without_filters(self) -> SearchParameters:
        """Return the words alone, from the first page."""
        return replace(self.without_dates(), selections=NO_SELECTION)

    def with_text(self, text: str) -> SearchParameters:
        """Return the same search for other words, from its first page.

        Where nothing is left to rank by, the order is the default again.
        """
        tree = words.parse(text)
        chosen = self.chosen_sort
        if not tree.clauses and chosen is Sort.RELEVANCE:
            chosen = None
        return replace(self, q=text, words=tree, chosen_sort=chosen, cursor=None)

    def toggled(self, name: str, value: str) -> str:
        """Return the query string with a facet value selected, or no longer; from the first page on."""
        chosen = self.selections.get(name, frozenset()) ^ {value}
        selections = {**self.selections, name: chosen}
        return replace(self, selections=_tidy(selections)).query_string()

    def chips(self) -> tuple[Chip, ...]:
        """Return every choice in force beside the words, with the link that takes it back."""
        chips = [
            Chip(name, value, self.toggled(name, value))
            for name in FACETS
            for value in sorted(self.selections.get(name, ()))
        ]
        for name, value, without in (
            ("start_from", self.start_from, replace(self, start_from=None)),
            ("start_to", self.start_to, replace(self, start_to=None)),
        ):
            if value is not None:
                chips.append(Chip(name, value.isoformat(), without.query_string()))
        if self.flex:
            chips.append(Chip("flex", "1", replace(self, flex=False).query_string()))
        return tuple(chips)

    def fingerprint(self, country: str) -> str:
        """Return what binds a cursor to this search in ``country``; the page size may change."""
        pairs = [("country", country), ("job_country", self.job_country)]
        pairs += replace(self, size=DEFAULT_SIZE).pairs()
        return hashlib.sha256(urlencode(pairs).encode()).hexdigest()[:32]


def read(
    pairs: Iterable[tuple[str, str]], *, default_job_country: str, limits: Limits | None = None
) -> SearchParameters:
    """Return the checked parameters; empty ones count as absent, as forms send them.

    Raises ``InvalidInputError`` with one ``FieldError`` a fault (rules D1, E2, G).
    """
    reader = _Reader(limits or Limits())
    single, multiple = reader.sort_out(pairs)
    whole = single.get("q", "").encode(errors="replace").decode()  # no lone surrogates
    text = " ".join(whole.split())
    parameters = SearchParameters(
        default_job_country=default_job_country,
        job_country=reader.job_country(single.get("job_country", default_job_country)),
        q=text,
        words=reader.words(single.get("q", ""), text),
        selections=reader.selections(multiple),
        start_from=reader.day("start_from", single.get("start_from")),
        start_to=reader.day("start_to", single.get("start_to")),
        flex=reader.flag("flex", single.get("flex")),
        chosen_sort=reader.sort(single.get("sort")),
        size=reader.size(single.get("size")),
        cursor=single.get("cursor"),
        window=reader.limits.window,
    )
    start, end = parameters.start_from, parameters.start_to
    if start is not None and end is not None and start > end:
        reader.fault("start_to", "reversed_dates", N_("The end of the period is before its start."))
    if reader.errors:
        raise InvalidInputError(reader.errors)
    return parameters


class _Reader:
    """Reads parameters one by one and collects their faults."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.errors: list[FieldError] = []

    def fault(self, name: str, code: str, message: str, **values: str | int) -> None:
        self.errors.append(FieldError(name, code, message, tuple(values.items())))

    def sort_out(self, pairs: Iterable[tuple[str, str]]) -> tuple[dict[str, str], dict[str, set[str]]]:
        single: dict[str, str] = {}
        multiple: dict[str, set[str]] = {}
        for name, value in pairs:
            if name not in _SINGLE and name not in FACETS:
                self.fault(name, "unknown_parameter", N_("This parameter is not known."))
            elif not value:
                continue
            elif name in FACETS:
                multiple.setdefault(name, set()).add(value)
            elif name in single:
                self.fault(name, "repeated", N_("Give this once."))
            else:
                single[name] = value
        return single, multiple

    def words(self, raw: str, text: str) -> Words:
        if len(raw) > self.limits.characters:
            self.fault("q", "too_long", N_("At most %(limit)s characters."), limit=self.limits.characters)
            return Words()
        tree = words.parse(text)
        if words.count_terms(tree) > self.limits.terms:
            self.fault("q", "too_many_terms", N_("At most %(limit)s words."), limit=self.limits.terms)
        return tree

    def job_country(self, value: str) -> str:
        if value not in TERRITORY:
            self.fault(
                "job_country",
                "unknown_country",
                N_("Choose France, the United Kingdom or the United States."),
            )
        return value

    def selections(self, multiple: Mapping[str, set[str]]) -> Mapping[str, frozenset[str]]:
        if sum(map(len, multiple.values())) > self.limits.facet_values:
            self.fault(
                next(iter(multiple)), "too_many_values", N_("At most %(limit)s filter values."),
                limit=self.limits.facet_values,
            )  # fmt: skip
        for name, values in multiple.items():
            if not all(map(FACETS[name].accepts, values)):
                self.fault(name, "unknown_value", N_("This value is not in the list."))
        return _tidy(multiple)

    def day(self, name: str, value: str | None) -> date | None:
        if value is None:
            return None
        try:
            if _DAY.fullmatch(value):
                return date.fromisoformat(value)
        except ValueError:
            pass
        self.fault(name, "invalid_date", N_("Write the date as YYYY-MM-DD."))
        return None

    def flag(self, name: str, value: str | None) -> bool:
        if value not in {None, "0", "1", "false", "true"}:
            self.fault(name, "invalid_flag", N_("Write 1 or 0."))
        return value in {"1", "true"}

    def sort(self, value: str | None) -> Sort | None:
        if value is None:
            return None
        try:
            return Sort(value)
        except ValueError:
            self.fault("sort", "unknown_sort", N_("Sort by relevance, start or fresh."))
            return None

    def size(self, value: str | None) -> int:
        if value is None:
            return DEFAULT_SIZE
        if not _SIZE.fullmatch(value) or not 1 <= int(value) <= self.limits.page_size:
            self.fault("size", "invalid_size", N_("Between 1 and %(limit)s."), limit=self.limits.page_size)
            return DEFAULT_SIZE
        return int(value)


def _tidy(selections: Mapping[str, Iterable[str]]) -> Mapping[str, frozenset[str]]:
    """Return the selections in the order of the facets, without empty ones."""
    return {name: frozenset(selections[name]) for name in FACETS if selections.get(name)}
