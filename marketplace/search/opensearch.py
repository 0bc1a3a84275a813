"""The search engine of production: OpenSearch, one index per country behind an alias.

Docs: docs/search.md, 15. Queries and mapping are plain data of their own modules; this one keeps the
promises of the port. A search that the engine does not answer whole and in time is refused.
"""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from http import HTTPStatus
from itertools import chain, islice

import structlog

from marketplace.clock import Clock, SystemClock
from marketplace.errors import ConflictError, SearchUnavailableError
from marketplace.reference import TERRITORY
from marketplace.search import opensearch_bulk as bulk
from marketplace.search import opensearch_queries as queries
from marketplace.search import synonyms, words
from marketplace.search.document import CandidateDocument
from marketplace.search.facets import FACETS, result
from marketplace.search.opensearch_calls import (
    BLOCKED,
    BLOCKED_REASON,
    Deadline,
    Engine,
    EngineError,
    Json,
    whole,
)
from marketplace.search.opensearch_generations import Generations, Layout, Lease, Leases, layouts
from marketplace.search.opensearch_mapping import GONE
from marketplace.search.opensearch_question import WHOLE, Question
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
from marketplace.settings import Settings

log = structlog.get_logger()

_LOOK_AGAIN = 5.0
"""Seconds for which it is believed that the index of a country fits this code."""

_REBUILD_NEEDED = 30
"""Seconds to wait for an index of other fields to be rebuilt."""

_PAGE = 5000
_LOOKED_UP = 1000
"""Keys asked for at once of an index that a killed rebuild has begun."""

_LISTING = 30.0
"""Seconds for questions no person waits for."""


class OpenSearchIndex:
    """The :class:`~marketplace.search.port.SearchIndex` of a cluster; safe for threads and processes."""

    def __init__(
        self,
        engine: Engine,
        *,
        prefix: str = "candidates",
        shards: int = 1,
        replicas: int = 0,
        clock: Clock | None = None,
        lease_seconds: float = 30.0,
    ) -> None:
        self.engine = engine
        self._prefix = prefix
        self._countries = {
            country: Generations(engine, f"{prefix}-{country.lower()}", shards=shards, replicas=replicas)
            for country in TERRITORY
        }
        self._leases = Leases(engine, prefix, clock or SystemClock(), lease_seconds)
        self._believed: dict[str, float] = {}
        self._written: set[str] = set()
        self._lock = threading.Lock()

    @classmethod
    def of(cls, settings: Settings) -> OpenSearchIndex:
        """Return the index of the cluster that ``settings`` name."""
        engine = Engine(
            settings.opensearch_url.split(","),
            ca_file=settings.opensearch_ca,
            search_seconds=settings.search_milliseconds / 1000,
        )
        return cls(engine, shards=settings.opensearch_shards, replicas=settings.opensearch_replicas)

    def search(self, query: SearchQuery) -> SearchPage:
        """See :meth:`SearchIndex.search`."""
        needs = synonyms.expand(query.words)
        deadline = Deadline(self.engine.search_seconds)
        country = query.visibility.country
        try:
            if self._answers(country, deadline):
                return Question(self.engine, self._countries[country].base, query, needs, deadline).page()
        except EngineError as error:
            if error.status != HTTPStatus.NOT_FOUND:
                log.exception("search.engine_refused", kind=error.kind)
                raise SearchUnavailableError from error
            self._believed.pop(country, None)
        facets = tuple(result(facet, {}, query.selections.get(facet.name, ())) for facet in FACETS.values())
        return SearchPage(
            0, (), facets if query.with_facets else (), None, words.reading(needs), has_index=False
        )

    def put(self, documents: Iterable[CandidateDocument]) -> None:
        """See :meth:`SearchIndex.put`. Raises ``DocumentRefusedError`` for what the engine cannot store."""
        by_country: dict[str, list[CandidateDocument]] = defaultdict(list)
        for document in documents:
            by_country[document.country].append(document)
        for country, given in by_country.items():
            home = self._countries[country]
            layout = self._writable(home)
            building = home.building if layout.building is not None else None
            self._write(
                country, chain.from_iterable(bulk.put_actions(home.base, building, one) for one in given)
            )

    def remove(self, country: str, versions: Mapping[int, int]) -> None:
        """See :meth:`SearchIndex.remove`."""
        if not versions:
            return
        home = self._countries[country]
        with _engine():
            layout = home.layout()
        if layout.current is None and layout.building is None:
            return
        building = home.building if layout.building is not None else None
        self._write(
            country,
            chain.from_iterable(
                bulk.remove_actions(home.base, building, key, version) for key, version in versions.items()
            ),
        )

    def refresh(self) -> None:
        """See :meth:`SearchIndex.refresh`. Only the indexes this process wrote to are refreshed."""
        with self._lock:
            written, self._written = self._written, set()
        if not written:
            return
        bases = ",".join(self._countries[country].base for country in sorted(written))
        try:
            with _engine():
                whole(
                    self.engine.do_again("POST", f"/{bases}/_refresh", None, {"ignore_unavailable": "true"})
                )
        except SearchUnavailableError:
            with self._lock:
                self._written |= written
            raise

    def rebuild(
        self,
        country: str,
        documents: Iterable[CandidateDocument],
        progress: Progress | None = None,
        check: Check | None = None,
    ) -> int:
        """See :meth:`SearchIndex.rebuild`. The index before stays, to go back to."""
        home = self._countries[country]
        with self._leases.hold(country) as lease:
            with _engine():
                name, is_begun = home.begin()
            try:
                done = self._fill(home, documents, lease, progress, is_begun=is_begun)
                self._open(home, name, lease, check)
            except BaseException:
                self._abandon(home, name)
                raise
            self._finish(home)
        self._believed.pop(country, None)
        return done

    def rollback(self, country: str, changes: Callable[[Versions], Iterable[Change]]) -> None:
        """See :meth:`SearchIndex.rollback`. Writers write to both until the aliases move."""
        home = self._countries[country]
        with self._leases.hold(country) as lease:
            with _engine():
                name = home.begin_again()
            try:
                self._apply(home, changes(self._versions(home.building)), lease)
                self._open(home, name, lease)
            except BaseException:
                with _engine():
                    home.end_again(name)
                raise
            self._finish(home)
        self._believed.pop(country, None)

    def tidy(self, country: str, older_than: datetime, left_before: datetime) -> list[str]:
        """See :meth:`SearchIndex.tidy`."""
        home = self._countries[country]
        with _engine():
            # The usual case: no lease is taken that a rebuild might want.
            if home.is_tidy(older_than, left_before):
                return []
        try:
            with self._leases.hold(country), _engine():
                return home.tidy(older_than, left_before)
        except ConflictError:
            return []

    def versions(self, country: str) -> Versions:
        """See :meth:`SearchIndex.versions`. Pages of keys, so nothing is held open and all may be written."""
        return self._versions(self._countries[country].base)

    def stored(self, country: str, keys: Collection[int]) -> dict[int, int]:
        """See :meth:`SearchIndex.stored`."""
        return self._stored(self._countries[country].base, keys)

    def count(self, country: str) -> int:
        """See :meth:`SearchIndex.count`."""
        with _engine():
            return self._count(self._countries[country].base, _LISTING)

    def health(self) -> IndexHealth:
        """See :meth:`SearchIndex.health`."""
        with _engine():
            found = layouts(self.engine, self._prefix, self._countries)
            return IndexHealth(
                {
                    country: CountryHealth(
                        self._count(layout.current, self.engine.search_seconds) if layout.current else 0,
                        needs_rebuild=layout.answering is not None and not layout.answering.fits,
                        is_rebuilding=layout.building is not None and self._leases.is_held(country),
                    )
                    for country, layout in found.items()
                }
            )

    def close(self) -> None:
        """See :meth:`SearchIndex.close`."""
        self.engine.close()

    def _answers(self, country: str, deadline: Deadline) -> bool:
        """Whether the country has an index; one of other fields cannot answer until it is rebuilt."""
        if self._believed.get(country, 0.0) > time.monotonic():
            return True
        answering = self._countries[country].layout(deadline).answering
        if answering is None:
            return False
        if not answering.fits_fields:
            log.warning("search.index_outdated", country=country)
            raise SearchUnavailableError(_REBUILD_NEEDED)
        self._believed[country] = time.monotonic() + _LOOK_AGAIN
        return True

    def _writable(self, home: Generations) -> Layout:
        """Return the layout to write to, with an index that answers and has this code's fields."""
        with _engine():
            layout = home.layout()
            if layout.current is None:
                home.create_first(layout)
                layout = home.layout()
        if layout.answering is None or not layout.answering.fits_fields:
            log.warning("search.index_outdated", index=home.base)
            raise SearchUnavailableError(_REBUILD_NEEDED)
        return layout

    def _write(self, country: str, actions: Iterable[bulk.Action]) -> None:
        with self._lock:
            self._written.add(country)
        with _engine():
            for _ in bulk.send(self.engine, actions):
                pass

    def _fill(
        self,
        home: Generations,
        documents: Iterable[CandidateDocument],
        lease: Lease,
        progress: Progress | None,
        *,
        is_begun: bool,
    ) -> int:
        """Index every document into the index that is built; faults of ``documents`` pass as they are.

        What was written meanwhile stays: it is of the same version at least. Where a killed rebuild has
        begun, what is there already is not sent again.
        """
        sent, there = 0, 0

        def missing() -> Iterator[CandidateDocument]:
            nonlocal there
            with _engine():
                whole(self.engine.do_again("POST", f"/{home.building}/_refresh"))
            waiting = iter(documents)
            while batch := list(islice(waiting, _LOOKED_UP)):
                stored = self._stored(home.building, [document.key for document in batch])
                left = [one for one in batch if stored.get(one.key, -1) < one.version]
                there += len(batch) - len(left)
                yield from left

        given = missing() if is_begun else documents
        actions = (bulk.put_action(home.building, document, only_newer=True) for document in given)
        with _engine():
            for taken in bulk.send_at_once(self.engine, actions):
                lease.check()
                sent += taken
                if progress is not None:
                    progress(sent + there)
        if there:
            log.info("search.rebuild_resumed", index=home.base, there=there, sent=sent)
        return sent + there

    def _apply(self, home: Generations, changes: Iterable[Change], lease: Lease) -> None:
        actions = (
            bulk.purge_action(home.building, change.key, change.version)
            if isinstance(change, Removal)
            else bulk.put_action(home.building, change)
            for change in changes
        )
        with _engine():
            for _ in bulk.send(self.engine, actions):
                lease.check()

    def _open(self, home: Generations, name: str, lease: Lease, check: Check | None = None) -> None:
        with _engine():
            home.open(name)
            self._purge(home.building)
        if check is not None:
            check(self._versions(home.building))
        with _engine():
            lease.check()
            home.switch(name)

    def _finish(self, home: Generations) -> None:
        with _engine():
            self._purge(home.base)
            home.clear()

    def _purge(self, alias: str) -> None:
        """Remove the marks of removals made while the index was built; no search ever finds them."""
        whole(self.engine.do_again("POST", f"/{alias}/_refresh"))
        while marked := self._marked(alias):
            for _ in bulk.send(self.engine, (bulk.purge_action(alias, *one) for one in marked)):
                pass
            whole(self.engine.do_again("POST", f"/{alias}/_refresh"))

    def _marked(self, alias: str) -> list[tuple[int, int]]:
        body = {"size": _PAGE, "query": {"term": {GONE: True}}, "version": True, "track_total_hits": False}
        answer = whole(self.engine.do_again("POST", f"/{alias}/_search", body, WHOLE))
        return [(int(one["_id"]), one["_version"]) for one in answer["hits"]["hits"]]

    def _abandon(self, home: Generations, name: str) -> None:
        try:
            if home.layout().current != name:
                home.delete(name)
        except (SearchUnavailableError, EngineError):
            log.warning("search.rebuild_left", index=name)  # the next rebuild removes it

    def _versions(self, base: str) -> Versions:
        last = -1
        while True:
            found = self._listed(base, {"query": {"range": {"key": {"gt": last}}}, "size": _PAGE})
            yield from found
            if len(found) < _PAGE:
                return
            last = found[-1][0]

    def _stored(self, alias: str, keys: Collection[int]) -> dict[int, int]:
        body = {"query": {"terms": {"key": sorted(keys)}}, "size": max(1, len(keys))}
        return dict(self._listed(alias, body))

    def _listed(self, base: str, which: Json) -> list[tuple[int, int]]:
        body = which | {
            "sort": [{"key": "asc"}],
            "track_total_hits": False, "stored_fields": "_none_", "docvalue_fields": ["version"],
        }  # fmt: skip
        with _engine():
            found = _listing(self.engine, base, body)
        return [(one["sort"][0], one["fields"]["version"][0]) for one in found["hits"]["hits"]]

    def _count(self, base: str, seconds: float) -> int:
        body = {"size": 0, "query": {"exists": {"field": "key"}}, "track_total_hits": True}
        return queries.total_of(_listing(self.engine, base, body, seconds))


def _listing(engine: Engine, base: str, body: Json, seconds: float = _LISTING) -> Json:
    """Ask what no person waits for; where there is no index, nothing is found."""
    params = WHOLE | {"ignore_unavailable": "true"}
    return whole(engine.look(f"/{base}/_search", params, seconds, body))


@contextmanager
def _engine() -> Iterator[None]:
    """Turn what the engine refuses, against all expectation, into ``SearchUnavailableError``."""
    try:
        yield
    except (EngineError, bulk.MissingAliasError) as error:
        log.exception("search.engine_refused")
        blocked = isinstance(error, EngineError) and error.kind == BLOCKED
        raise SearchUnavailableError(reason=BLOCKED_REASON if blocked else "") from error
