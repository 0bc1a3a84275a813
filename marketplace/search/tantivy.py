"""The embedded engine: Tantivy, in process, one folder per country.

The analysed text of ``document.flatten`` is indexed as it comes. Whoever writes takes the folder's
write lock, opens the one writer, commits and lets go; readers look at two file stamps before each
search and so see another process's commit at once. Queries, answers and writing are modules of their
own beside this one, which keeps the promises of the port.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path

import structlog
import tantivy

from marketplace.errors import ConflictError, SearchUnavailableError
from marketplace.reference import TERRITORY
from marketplace.search import synonyms, words
from marketplace.search.document import CandidateDocument, Value, fingerprint, flatten
from marketplace.search.facets import FACETS, result
from marketplace.search.generations import CountryFolder, Current, Stamp
from marketplace.search.port import (
    Change,
    Check,
    CountryHealth,
    IndexHealth,
    Progress,
    Removal,
    Versions,
)
from marketplace.search.query import SearchPage, SearchQuery
from marketplace.search.tantivy_answers import answer
from marketplace.search.tantivy_files import create, engine_faults, open_generation
from marketplace.search.tantivy_writing import (
    BATCH,
    committed,
    fill,
    listed,
    put_newer,
    remove_older,
    stored_versions,
    writing,
)

log = structlog.get_logger()


@dataclass(frozen=True)
class _Reader:
    """An open generation and the searcher of its last commit seen."""

    current: Current
    stamp: Stamp
    index: tantivy.Index
    searcher: tantivy.Searcher


class TantivyIndex:
    """The :class:`~marketplace.search.port.SearchIndex` of one machine; safe for threads and processes."""

    def __init__(self, folder: Path, *, lock_seconds: float = 30.0) -> None:
        self._folders = {
            country: CountryFolder(folder / f"candidates-{country.lower()}", lock_seconds)
            for country in TERRITORY
        }
        self._readers: dict[str, _Reader] = {}
        self._lock = threading.Lock()

    def search(self, query: SearchQuery) -> SearchPage:
        """See :meth:`SearchIndex.search`."""
        needs = synonyms.expand(query.words)
        with engine_faults():
            reader = self._reader(query.visibility.country)
            if reader is not None and reader.current.complete:
                return answer(reader.searcher, query, needs)
        facets = tuple(result(facet, {}, query.selections.get(facet.name, ())) for facet in FACETS.values())
        return SearchPage(
            0, (), facets if query.with_facets else (), None, words.reading(needs), has_index=False
        )

    def put(self, documents: Iterable[CandidateDocument]) -> None:
        """See :meth:`SearchIndex.put`."""
        by_country: dict[str, list[dict[str, Value]]] = defaultdict(list)
        for document in documents:
            by_country[document.country].append(flatten(document))
        for country, flats in by_country.items():
            folder = self._folders[country]
            with engine_faults(), folder.writing():
                index = self._writable(folder)
                folder.record({"put": flats})
                with writing(index) as writer:
                    put_newer(index, writer, flats)

    def remove(self, country: str, versions: Mapping[int, int]) -> None:
        """See :meth:`SearchIndex.remove`."""
        if not versions:
            return
        folder = self._folders[country]
        with engine_faults(), folder.writing():
            index = self._writable(folder)
            folder.record({"remove": sorted(versions.items())})
            with writing(index) as writer:
                remove_older(index, writer, versions)

    def refresh(self) -> None:
        """See :meth:`SearchIndex.refresh`. Each search looks for itself, so there is nothing to do."""

    def rebuild(
        self,
        country: str,
        documents: Iterable[CandidateDocument],
        progress: Progress | None = None,
        check: Check | None = None,
    ) -> int:
        """See :meth:`SearchIndex.rebuild`. Writers wait only while the journal is replayed and swapped."""
        folder = self._folders[country]
        with folder.rebuilding():
            with engine_faults():
                generation = folder.begin()
                index = create(folder.generation(generation))
            done = fill(index, documents, progress)
            if check is not None:
                check(committed(index))
            _answer_from(folder, index, generation)
        return done

    def rollback(self, country: str, changes: Callable[[Versions], Iterable[Change]]) -> None:
        """See :meth:`SearchIndex.rollback`."""
        folder = self._folders[country]
        with folder.rebuilding():
            current = folder.current()
            if current is None or current.previous is None or current.previous_fingerprint != fingerprint():
                raise ConflictError(
                    "no_previous_index", "There is no index to go back to that fits this code."
                )
            with engine_faults():
                index = open_generation(folder.generation(current.previous))
            wanted = iter(changes(committed(index)))
            while batch := list(islice(wanted, BATCH)):
                gone = {change.key: change.version for change in batch if isinstance(change, Removal)}
                flats = [flatten(change) for change in batch if isinstance(change, CandidateDocument)]
                with engine_faults(), writing(index) as writer:
                    put_newer(index, writer, flats)
                    remove_older(index, writer, gone)
            _answer_from(folder, index, current.previous)

    def tidy(self, country: str, older_than: datetime, left_before: datetime) -> list[str]:  # noqa: ARG002
        """See :meth:`SearchIndex.tidy`. No rebuild goes on from what another left: it goes at once."""
        with engine_faults():
            return self._folders[country].tidy(older_than)

    def versions(self, country: str) -> Versions:
        """See :meth:`SearchIndex.versions`."""
        with engine_faults():
            reader = self._reader(country)
        return iter(()) if reader is None else listed(reader.searcher)

    def stored(self, country: str, keys: Collection[int]) -> dict[int, int]:
        """See :meth:`SearchIndex.stored`."""
        with engine_faults():
            reader = self._reader(country)
            return {} if reader is None or not keys else dict(stored_versions(reader.searcher, keys))

    def count(self, country: str) -> int:
        """See :meth:`SearchIndex.count`."""
        with engine_faults():
            reader = self._reader(country)
            return 0 if reader is None else reader.searcher.num_docs

    def health(self) -> IndexHealth:
        """See :meth:`SearchIndex.health`."""
        states = {}
        with engine_faults():
            for country, folder in self._folders.items():
                current = folder.current()
                fits = current is None or (current.complete and current.fingerprint == fingerprint())
                states[country] = CountryHealth(self.count(country), not fits, folder.is_rebuilding())
        return IndexHealth(states)

    def close(self) -> None:
        """See :meth:`SearchIndex.close`. Readers are mapped files, which go with the process."""

    def _reader(self, country: str) -> _Reader | None:
        """Return the reader of the last commit, or none where nothing fits this code.

        What is not complete was begun anew and waits for its rebuild: a search may not show it.
        """
        folder = self._folders[country]
        reader = self._readers.get(country)
        if reader is not None and folder.stamp(reader.current) == reader.stamp:
            return reader if reader.current.fingerprint == fingerprint() else None
        for _ in range(3):  # the generation may be swapped and removed while it is opened
            current = folder.current()
            if current is None or current.fingerprint != fingerprint():
                return None
            stamp = folder.stamp(current)
            with self._lock:
                try:
                    reader = _reopened(self._readers.get(country), current, folder, stamp)
                except (ValueError, OSError):
                    continue
                self._readers[country] = reader
                return reader
        raise SearchUnavailableError

    def _writable(self, folder: CountryFolder) -> tantivy.Index:
        """Return the index to write to, begun anew where none fits; called under the write lock."""
        current = folder.current()
        if current is None or current.fingerprint != fingerprint():
            generation = folder.begin()
            index = create(folder.generation(generation))
            folder.switch(Current(generation, fingerprint(), complete=current is None))
            if not folder.is_rebuilding():
                folder.clear()
            if current is not None:
                log.warning("search.index_outdated", folder=folder.path.name)
            return index
        return open_generation(folder.generation(current.generation))


def _reopened(reader: _Reader | None, current: Current, folder: CountryFolder, stamp: Stamp) -> _Reader:
    if reader is not None and reader.stamp == stamp:  # another thread was quicker
        return reader
    if reader is not None and reader.current.generation == current.generation:
        index = reader.index
    else:
        index = open_generation(folder.generation(current.generation))
    index.reload()
    return _Reader(current, stamp, index, index.searcher())


def _answer_from(folder: CountryFolder, index: tantivy.Index, generation: str) -> None:
    """Write what was written meanwhile to ``generation`` too, and let it answer from then on."""
    with engine_faults(), folder.writing():
        for entry in folder.recorded():
            with writing(index) as writer:
                if "put" in entry:
                    put_newer(index, writer, entry["put"])
                else:
                    remove_older(index, writer, dict(entry["remove"]))
        before = folder.current()
        if before is None:
            folder.switch(Current(generation, fingerprint(), complete=True))
        else:
            folder.switch(before.followed_by(generation, fingerprint()))
