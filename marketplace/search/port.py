"""The port every search engine fills (design.md, decision 3): PostgreSQL decides, the index proposes."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from marketplace.search.document import CandidateDocument
from marketplace.search.query import SearchPage, SearchQuery

Progress = Callable[[int], None]
"""Told the number of documents indexed so far."""

Versions = Iterator[tuple[int, int]]
"""(key, version) of documents in ascending order of key."""

Check = Callable[[Versions], None]
"""Looks at a new index before it answers; what it raises leaves the one before in place."""

FOREVER = 2**62
"""The version of a removal that nothing follows."""


class DocumentRefusedError(Exception):
    """The engine refuses documents as they are; trying again does not help. ``reasons`` by key."""

    def __init__(self, reasons: Mapping[int, str]) -> None:
        super().__init__("; ".join(f"{key}: {reason}" for key, reason in sorted(reasons.items())))
        self.reasons = dict(reasons)


@dataclass(frozen=True, slots=True)
class Removal:
    """A document that must go, with the version of the row that says so."""

    key: int
    version: int


Change = CandidateDocument | Removal


@dataclass(frozen=True)
class CountryHealth:
    """The index of one country. ``needs_rebuild``: it was made by other fields or another analysis."""

    documents: int
    needs_rebuild: bool = False
    is_rebuilding: bool = False


@dataclass(frozen=True)
class IndexHealth:
    """What ``/readyz`` says of search."""

    countries: Mapping[str, CountryHealth]

    @property
    def needs_rebuild(self) -> tuple[str, ...]:
        """The countries whose index has to be rebuilt before it is complete."""
        return tuple(code for code, state in self.countries.items() if state.needs_rebuild)


class SearchIndex(Protocol):
    """One index per country. Every method raises ``SearchUnavailableError`` when the engine is away."""

    def search(self, query: SearchQuery) -> SearchPage:
        """Answer one page. Total and facet counts are exact; nobody outside the visibility is in any.

        Where the country has no index nobody is found, and the page says so (``has_index``).
        """
        ...

    def put(self, documents: Iterable[CandidateDocument]) -> None:
        """Add or replace documents by key, durably. An older version never replaces a newer one."""
        ...

    def remove(self, country: str, versions: Mapping[int, int]) -> None:
        """Remove documents by key, durably; removing what is not there is fine.

        The version is that of the row that says so: a newer document stays. :data:`FOREVER` is above
        every version, for rows that are no more.
        """
        ...

    def refresh(self) -> None:
        """Make all that this process wrote before visible to the next search of any process."""
        ...

    def rebuild(
        self,
        country: str,
        documents: Iterable[CandidateDocument],
        progress: Progress | None = None,
        check: Check | None = None,
    ) -> int:
        """Build the country's index anew and swap it in at once; return the number of documents.

        ``documents`` is first touched after the index is locked against a second rebuild. The live
        index keeps answering, and what is written to it meanwhile is in the new one too. ``check``
        sees the new index before it answers. The one before is kept, to go back to. What a killed rebuild
        has written already an engine may go on from; ``check`` tells whether it was right to.
        Raises ``ConflictError`` (``rebuild_running``) when another rebuild of the country runs.
        """
        ...

    def rollback(self, country: str, changes: Callable[[Versions], Iterable[Change]]) -> None:
        """Let the index before the last rebuild answer again, brought up to date first.

        ``changes`` is given what that index holds and says what has to change in it; what is written
        meanwhile is in it too. Raises ``ConflictError``: ``no_previous_index``, ``rebuild_running``.
        """
        ...

    def tidy(self, country: str, older_than: datetime, left_before: datetime) -> list[str]:
        """Remove what is kept to go back to, and what a killed rebuild left; return the names.

        The former only if it was replaced before ``older_than``, the latter if it was begun before
        ``left_before`` or no rebuild can go on from it. Nothing is done while a rebuild runs.
        """
        ...

    def versions(self, country: str) -> Versions:
        """Yield (key, version) of every document in ascending order of key."""
        ...

    def stored(self, country: str, keys: Collection[int]) -> dict[int, int]:
        """Return the version by key of those of ``keys`` that are in the index; some thousands at most."""
        ...

    def count(self, country: str) -> int:
        """Return the number of documents of the country."""
        ...

    def health(self) -> IndexHealth:
        """Say how each country's index is."""
        ...

    def close(self) -> None:
        """Give back what is held open."""
        ...
