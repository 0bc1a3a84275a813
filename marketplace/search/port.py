"""The port every search engine fills (design.md, decision 3): PostgreSQL decides, the index proposes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from marketplace.search.document import CandidateDocument
from marketplace.search.query import SearchPage, SearchQuery

Progress = Callable[[int], None]
"""Told the number of documents indexed so far."""


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
        """Answer one page. Total and facet counts are exact; nobody outside the visibility is in any."""
        ...

    def put(self, documents: Iterable[CandidateDocument]) -> None:
        """Add or replace documents by key, durably. An older version never replaces a newer one."""
        ...

    def remove(self, country: str, keys: Iterable[int]) -> None:
        """Remove documents, durably; removing what is not there is fine."""
        ...

    def refresh(self) -> None:
        """Make all that was written before visible to the next search of this process."""
        ...

    def rebuild(
        self, country: str, documents: Iterable[CandidateDocument], progress: Progress | None = None
    ) -> int:
        """Build the country's index anew and swap it in at once; return the number of documents.

        ``documents`` is first touched after the index is locked against a second rebuild. The live
        index keeps answering, and what is written to it meanwhile is in the new one too.
        Raises ``ConflictError`` (``rebuild_running``) when another rebuild of the country runs.
        """
        ...

    def versions(self, country: str) -> Iterator[tuple[int, int]]:
        """Yield (key, version) of every document in ascending order of key."""
        ...

    def count(self, country: str) -> int:
        """Return the number of documents of the country."""
        ...

    def health(self) -> IndexHealth:
        """Say how each country's index is."""
        ...
