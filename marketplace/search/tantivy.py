"""The embedded engine: Tantivy, in process, one folder per country. The only module that imports it.

The analysed text of ``document.flatten`` is indexed as it comes; no engine parser sees user text.
Whoever writes takes the folder's write lock, opens the one writer, commits and lets go; readers look
at two file stamps before each search and so see another process's commit at once.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from itertools import islice
from pathlib import Path
from typing import cast

import structlog
import tantivy
from tantivy import Occur, Query

from marketplace.errors import ConflictError, SearchUnavailableError
from marketplace.reference import TERRITORY
from marketplace.search import matching, synonyms, words
from marketplace.search.document import (
    SCHEMA,
    SPELLINGS,
    CandidateDocument,
    Field,
    Kind,
    Value,
    fingerprint,
    flatten,
    join_id,
)
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
from marketplace.search.query import FacetResult, Hit, Position, SearchPage, SearchQuery, Sort
from marketplace.search.synonyms import Alternative, Need, Sought

log = structlog.get_logger()

_WHITESPACE = "positions"
_MOST_TERMS = 500
"""Up to here a union of terms is quicker than a set of them."""

_WRITE_HEAP = 32_000_000
_REBUILD_HEAP = 128_000_000
_BATCH = 200
_PAGE = 5000


@dataclass(frozen=True)
class _Reader:
    """An open generation and the searcher of its last commit seen."""

    current: Current
    stamp: Stamp
    index: tantivy.Index
    searcher: tantivy.Searcher


@dataclass(frozen=True)
class _Plan:
    """A compiled search: filters that always hold, the dates, the words, and one filter per selection."""

    mandatory: tuple[tuple[Occur, Query], ...]
    dates: tuple[tuple[Occur, Query], ...]
    text: tuple[tuple[Occur, Query], ...]
    selected: Mapping[str, tuple[Occur, Query]]

    def query(self, without: str | None = None) -> Query:
        """Return the whole query, without the selection of one facet if named."""
        filters = [*self.mandatory, *self.dates]
        filters += [chosen for name, chosen in self.selected.items() if name != without]
        return _all_of([(Occur.Must, Query.const_score_query(_all_of(filters), 0.0)), *self.text])


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
        with _engine():
            searcher = self._searcher(query.visibility.country)
            if searcher is not None:
                return _answer(searcher, query, needs)
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
            with _engine(), folder.writing():
                index = self._writable(folder)
                folder.record({"put": flats})
                with _writer(index, _WRITE_HEAP) as writer:
                    _upsert(index, writer, flats)

    def remove(self, country: str, versions: Mapping[int, int]) -> None:
        """See :meth:`SearchIndex.remove`."""
        if not versions:
            return
        folder = self._folders[country]
        with _engine(), folder.writing():
            index = self._writable(folder)
            folder.record({"remove": sorted(versions.items())})
            with _writer(index, _WRITE_HEAP) as writer:
                _remove(index, writer, versions)

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
            with _engine():
                generation = folder.begin()
                index = _create(folder.generation(generation))
            done = _fill(index, documents, progress)
            if check is not None:
                check(_versions(index))
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
            with _engine():
                index = _open(folder.generation(current.previous))
            wanted = iter(changes(_versions(index)))
            while batch := list(islice(wanted, _BATCH)):
                gone = {change.key: change.version for change in batch if isinstance(change, Removal)}
                flats = [flatten(change) for change in batch if isinstance(change, CandidateDocument)]
                with _engine(), _writer(index, _WRITE_HEAP) as writer:
                    _upsert(index, writer, flats)
                    _remove(index, writer, gone)
            _answer_from(folder, index, current.previous)

    def tidy(self, country: str, older_than: datetime, left_before: datetime) -> list[str]:  # noqa: ARG002
        """See :meth:`SearchIndex.tidy`. No rebuild goes on from what another left: it goes at once."""
        with _engine():
            return self._folders[country].tidy(older_than)

    def versions(self, country: str) -> Versions:
        """See :meth:`SearchIndex.versions`."""
        with _engine():
            searcher = self._searcher(country)
        return iter(()) if searcher is None else _listed(searcher)

    def stored(self, country: str, keys: Collection[int]) -> dict[int, int]:
        """See :meth:`SearchIndex.stored`."""
        with _engine():
            searcher = self._searcher(country)
            return {} if searcher is None or not keys else dict(_stored_versions(searcher, keys))

    def count(self, country: str) -> int:
        """See :meth:`SearchIndex.count`."""
        with _engine():
            searcher = self._searcher(country)
            return 0 if searcher is None else searcher.num_docs

    def health(self) -> IndexHealth:
        """See :meth:`SearchIndex.health`."""
        states = {}
        with _engine():
            for country, folder in self._folders.items():
                current = folder.current()
                fits = current is None or (current.complete and current.fingerprint == fingerprint())
                states[country] = CountryHealth(self.count(country), not fits, folder.is_rebuilding())
        return IndexHealth(states)

    def close(self) -> None:
        """See :meth:`SearchIndex.close`. Readers are mapped files, which go with the process."""

    def _searcher(self, country: str) -> tantivy.Searcher | None:
        """Return a searcher of the last commit, or none where nothing fits this code."""
        folder = self._folders[country]
        reader = self._readers.get(country)
        if reader is not None and folder.stamp(reader.current) == reader.stamp:
            return reader.searcher if reader.current.fingerprint == fingerprint() else None
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
                return reader.searcher
        raise SearchUnavailableError

    def _writable(self, folder: CountryFolder) -> tantivy.Index:
        """Return the index to write to, begun anew where none fits; called under the write lock."""
        current = folder.current()
        if current is None or current.fingerprint != fingerprint():
            generation = folder.begin()
            index = _create(folder.generation(generation))
            folder.switch(Current(generation, fingerprint(), complete=current is None))
            if not folder.is_rebuilding():
                folder.clear()
            if current is not None:
                log.warning("search.index_outdated", folder=folder.path.name)
            return index
        return _open(folder.generation(current.generation))


@contextmanager
def _engine() -> Iterator[None]:
    """Turn every fault of the engine into ``SearchUnavailableError``; a panic is a BaseException."""
    try:
        yield
    except (ValueError, OSError, RuntimeError) as error:
        log.exception("search.engine_failed")
        full = "no space left" in str(error).lower()
        raise SearchUnavailableError(reason="the disk of the index is full" if full else "") from error
    except BaseException as error:
        if type(error).__name__ == "PanicException":
            log.exception("search.engine_panicked")
            raise SearchUnavailableError from error
        raise


@cache
def _schema() -> tantivy.Schema:
    builder = tantivy.SchemaBuilder()
    for field in SCHEMA:
        if field.kind is Kind.KEYWORD:
            builder.add_text_field(field.name, fast=True, tokenizer_name="raw", index_option="basic")
        elif field.kind is Kind.NUMBER:
            builder.add_integer_field(field.name, indexed=field.name == "key", fast=True)
        else:
            positions = "position" if field.boost > 0 else "basic"
            builder.add_text_field(field.name, tokenizer_name=_WHITESPACE, index_option=positions)
    return builder.build()


def _prepared(index: tantivy.Index) -> tantivy.Index:
    whitespace = tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.whitespace()).build()
    index.register_tokenizer(_WHITESPACE, whitespace)
    return index


def _create(path: Path) -> tantivy.Index:
    return _prepared(tantivy.Index(_schema(), path=str(path)))


def _open(path: Path) -> tantivy.Index:
    index = _prepared(tantivy.Index.open(str(path)))
    index.config_reader("manual")
    return index


def _reopened(reader: _Reader | None, current: Current, folder: CountryFolder, stamp: Stamp) -> _Reader:
    if reader is not None and reader.stamp == stamp:  # another thread was quicker
        return reader
    if reader is not None and reader.current.generation == current.generation:
        index = reader.index
    else:
        index = _open(folder.generation(current.generation))
    index.reload()
    return _Reader(current, stamp, index, index.searcher())


@contextmanager
def _writer(index: tantivy.Index, heap: int) -> Iterator[tantivy.IndexWriter]:
    """Give the one writer; what was written is durable when the block ends, or none of it."""
    writer = index.writer(heap, 1)
    try:
        yield writer
        writer.commit()
    except BaseException:
        writer.rollback()
        raise
    finally:
        writer.wait_merging_threads()


def _fill(index: tantivy.Index, documents: Iterable[CandidateDocument], progress: Progress | None) -> int:
    """Index every document into an empty generation; faults of ``documents`` pass as they are."""
    source, done = iter(documents), 0
    with _engine():
        writer = index.writer(_REBUILD_HEAP, 1)
    try:
        while batch := [flatten(document) for document in islice(source, _BATCH)]:
            with _engine():
                for flat in batch:
                    writer.add_document(_document(flat))
            done += len(batch)
            if progress is not None:
                progress(done)
        with _engine():
            writer.commit()
    finally:
        with _engine():
            writer.wait_merging_threads()
    return done


def _document(flat: Mapping[str, Value]) -> tantivy.Document:
    """Return the engine's document; texts with alternatives at a position are handed over as tokens."""
    with_alternatives = [field.name for field in matching.SCORED if "|" in cast("str", flat[field.name])]
    plain = {name: value for name, value in flat.items() if name not in with_alternatives}
    document = tantivy.Document.from_dict(plain, _schema())
    for name in with_alternatives:
        tokens = [
            tantivy.Token(form, position, 0, 0)
            for position, forms in enumerate(cast("str", flat[name]).split())
            for form in forms.split("|")
        ]
        document.add_pre_tokenized_text(name, tantivy.PreTokenizedString("", tokens))
    return document


def _upsert(index: tantivy.Index, writer: tantivy.IndexWriter, flats: Iterable[Mapping[str, Value]]) -> None:
    """Replace by key, but never a newer version by an older one."""
    newest: dict[int, Mapping[str, Value]] = {}
    for flat in flats:
        key = cast("int", flat["key"])
        if key not in newest or cast("int", flat["version"]) >= cast("int", newest[key]["version"]):
            newest[key] = flat
    for key, version in _committed_versions(index, newest):
        if version > cast("int", newest[key]["version"]):
            del newest[key]
    _delete(writer, newest)
    for flat in newest.values():
        writer.add_document(_document(flat))


def _remove(index: tantivy.Index, writer: tantivy.IndexWriter, versions: Mapping[int, int]) -> None:
    """Remove by key, but nothing newer than the row that says so."""
    newer = {key for key, version in _committed_versions(index, versions) if version > versions[key]}
    _delete(writer, versions.keys() - newer)


def _answer_from(folder: CountryFolder, index: tantivy.Index, generation: str) -> None:
    """Write what was written meanwhile to ``generation`` too, and let it answer from then on."""
    with _engine(), folder.writing():
        for entry in folder.recorded():
            with _writer(index, _WRITE_HEAP) as writer:
                if "put" in entry:
                    _upsert(index, writer, entry["put"])
                else:
                    _remove(index, writer, dict(entry["remove"]))
        before = folder.current()
        if before is None:
            folder.switch(Current(generation, fingerprint(), complete=True))
        else:
            folder.switch(before.followed_by(generation, fingerprint()))


def _versions(index: tantivy.Index) -> Versions:
    """Return key and version of every committed document by ascending key."""
    with _engine():
        index.reload()
        return _listed(index.searcher())


def _listed(searcher: tantivy.Searcher) -> Versions:
    last = -1
    while True:
        with _engine():
            found = searcher.search(
                _at_least("key", last + 1), _PAGE, count=False, order_by_field="key", order=tantivy.Order.Asc
            ).hits
            addresses = [address for _, address in found]
            versions = cast("list[int]", searcher.fast_field_values("version", addresses))
        yield from zip((key for key, _ in found), versions, strict=True)
        if len(found) < _PAGE:
            return
        last = found[-1][0]


def _committed_versions(index: tantivy.Index, keys: Collection[int]) -> list[tuple[int, int]]:
    """Return key and version of the documents of ``keys`` that are committed."""
    index.reload()
    return _stored_versions(index.searcher(), keys)


def _stored_versions(searcher: tantivy.Searcher, keys: Collection[int]) -> list[tuple[int, int]]:
    here = _one_of("key", list(keys))
    addresses = [address for _, address in searcher.search(here, max(1, len(keys)), count=False).hits]
    stored = cast("list[int]", searcher.fast_field_values("key", addresses))
    return list(zip(stored, cast("list[int]", searcher.fast_field_values("version", addresses)), strict=True))


def _delete(writer: tantivy.IndexWriter, keys: Iterable[int]) -> None:
    for key in keys:
        writer.delete_documents_by_term("key", key)


@dataclass(frozen=True)
class _Found:
    """One page: the exact total, the hits, and where the next page starts."""

    total: int
    hits: tuple[Hit, ...]
    after: Position | None


def _answer(searcher: tantivy.Searcher, query: SearchQuery, needs: Sequence[Need]) -> SearchPage:
    plan = _plan(query, needs)
    loose: frozenset[str] = frozenset()
    if matching.goes_by_score(query):
        page = _ranked(searcher, query, plan.query())
    else:
        page = _ordered(searcher, query, plan.query())
    if page.total == 0 and (loose := _misspelt(searcher, plan, needs)):
        plan = _plan(query, needs, loose)
        page = _ordered(searcher, query, plan.query())
    facets = _facets(searcher, query, plan) if query.with_facets else ()
    return SearchPage(page.total, page.hits, facets, page.after, words.reading(needs, loose))


def _count(searcher: tantivy.Searcher, query: Query) -> int:
    return _total(searcher.search(query, 1, count=True))


def _total(answer: tantivy.SearchResult) -> int:
    return cast("int", answer.count)  # type: ignore[attr-defined]  # missing from its stubs


def _ordered(searcher: tantivy.Searcher, query: SearchQuery, full: Query) -> _Found:
    """Return a page by a unique sort key; the next one starts after the last key, whatever is written."""
    seen, room = matching.room(query)
    order = matching.stable_order(query)
    field = matching.ORDER_FIELDS[order]
    after, asked = query.after, full
    if after is not None and after.order is order:
        asked = _all_of([(Occur.Must, full), (Occur.Must, _at_least(field, after.value + 1))])
    answer = searcher.search(
        asked, room + 1, count=asked is full, order_by_field=field, order=tantivy.Order.Asc
    )
    total = _total(answer) if asked is full else _count(searcher, full)
    page = answer.hits[:room]
    keys = [value & matching.KEY_MASK for value, _ in page]
    hits = _hits(searcher, keys, [address for _, address in page], [None] * len(page))
    if len(answer.hits) <= room:
        return _Found(total, hits, None)
    last = page[-1][0] if page else after.value if after is not None else 0
    return _Found(total, hits, Position(order, last, seen + len(page)))


def _ranked(searcher: tantivy.Searcher, query: SearchQuery, full: Query) -> _Found:
    """Return a page by score, ties by key. Ties that reach over the page's end are read to their end."""
    seen, room = matching.room(query)
    end = seen + room
    limit = end + 1
    while True:
        answer = searcher.search(full, limit, count=True)
        found = answer.hits
        if len(found) < limit or found[-1][0] < found[end - 1][0] or not room:
            break
        limit *= 4
    addresses = [address for _, address in found]
    keys = cast("list[int]", searcher.fast_field_values("key", addresses))
    scores = [score for score, _ in found]
    ranks = sorted(range(len(found)), key=lambda rank: (-scores[rank], keys[rank]))
    page = ranks[seen:end]
    hits = _hits(
        searcher,
        [keys[rank] for rank in page],
        [addresses[rank] for rank in page],
        [scores[rank] for rank in page],
    )
    more = len(ranks) > end
    return _Found(_total(answer), hits, Position(Sort.RELEVANCE, end, end) if more else None)


def _hits(
    searcher: tantivy.Searcher,
    keys: Sequence[int],
    addresses: list[tantivy.DocAddress],
    scores: Sequence[float | None],
) -> tuple[Hit, ...]:
    high = cast("list[int]", searcher.fast_field_values("id_high", addresses))
    low = cast("list[int]", searcher.fast_field_values("id_low", addresses))
    return tuple(
        Hit(join_id(*halves), key, score) for key, score, *halves in zip(keys, scores, high, low, strict=True)
    )


def _facets(searcher: tantivy.Searcher, query: SearchQuery, plan: _Plan) -> tuple[FacetResult, ...]:
    """Count each facet with every filter but its own; those without a selection in one go."""
    counts: dict[str, dict[str, int]] = {}
    free = [name for name in FACETS if name not in plan.selected]
    for names, without in [(free, None), *(([name], name) for name in plan.selected)]:
        asked = {
            name: {
                "terms": {
                    "field": FACETS[name].field,
                    "size": matching.MOST_VALUES,
                    "segment_size": matching.MOST_VALUES,
                }
            }
            for name in names
        }
        answer = searcher.aggregate(plan.query(without), asked) if asked else {}
        for name, found in answer.items():
            counts[name] = {bucket["key"]: bucket["doc_count"] for bucket in found["buckets"]}
    return tuple(
        result(facet, counts.get(facet.name, {}), query.selections.get(facet.name, ()))
        for facet in FACETS.values()
    )


def _misspelt(searcher: tantivy.Searcher, plan: _Plan, needs: Sequence[Need]) -> frozenset[str]:
    """Return the words that nobody in the visible scope has, so that a typo may be forgiven."""
    return frozenset(
        alternative.text
        for alternative in matching.possible_typos(needs)
        if not _count(searcher, _all_of([*plan.mandatory, (Occur.Must, _alternative(alternative))]))
    )


def _plan(query: SearchQuery, needs: Sequence[Need], loose: frozenset[str] = frozenset()) -> _Plan:
    mandatory = [(Occur.Must, _at_least(*bound)) for bound in matching.lower_bounds(query)]
    if excluded := query.visibility.excluded_keys:
        mandatory.append((Occur.MustNot, _one_of("key", sorted(excluded))))
    ends, begins = matching.date_bounds(query)
    dates = [(Occur.Must, _at_least(*ends))] if ends is not None else []
    if begins is not None:
        dates.append((Occur.Must, _at_most(*begins)))
    selected = {
        name: (Occur.Must, _one_of(*chosen)) for name, chosen in matching.selected_values(query).items()
    }
    text = tuple(_need(need, loose) for need in needs)
    return _Plan(tuple(mandatory), tuple(dates), text, selected)


def _need(need: Need, loose: frozenset[str]) -> tuple[Occur, Query]:
    if len(need.alternatives) == 1 and need.alternatives[0].is_excluded:
        return Occur.MustNot, _exactly(need.alternatives[0].exact)
    return Occur.Must, _best([_alternative(alternative, loose) for alternative in need.alternatives])


def _alternative(alternative: Alternative, loose: frozenset[str] = frozenset()) -> Query:
    exact = _exactly(alternative.exact)
    if alternative.is_excluded:
        everyone = Query.const_score_query(Query.all_query(), 0.0)
        return _all_of([(Occur.Must, everyone), (Occur.MustNot, exact)])
    if alternative.text in loose:
        return _all_of([(Occur.Must, _nearly(sought)) for sought in alternative.exact])
    if not alternative.also:
        return exact
    also = _best([_anywhere(sought) for sought in alternative.also], synonyms.ALSO_TIE)
    return _best([exact, Query.boost_query(also, synonyms.BOOST)], synonyms.EXACT_TIE)


def _exactly(exact: Sequence[Sought]) -> Query:
    return _all_of([(Occur.Must, _anywhere(sought)) for sought in exact])


def _anywhere(sought: Sought) -> Query:
    """Return the query for words in any text and fitting stemming; the best field counts most."""
    parts = [
        query if field.boost == 1 else Query.boost_query(query, field.boost)
        for field in matching.fields_of(sought)
        for query in _in_field(field, sought.positions)
    ]
    return _best(parts, matching.TIE)


def _in_field(field: Field, positions: Sequence[Sequence[str]]) -> list[Query]:
    return [
        Query.term_query(_schema(), field.name, stems[0])
        if len(stems) == 1
        else Query.phrase_query(_schema(), field.name, list(stems))
        for stems in matching.readings(field, positions)
    ]


def _nearly(sought: Sought) -> Query:
    """Return the query for words one letter away (never more: security.md X-07)."""
    return _best(
        [Query.fuzzy_term_query(_schema(), SPELLINGS, form, distance=1) for form in sought.positions[0]]
    )


def _one_of(field: str, values: Sequence[str | int]) -> Query:
    """Return the filter on any of ``values``: a union of terms, measured 3 to 20 times as fast as a set."""
    if len(values) > _MOST_TERMS:
        return Query.term_set_query(_schema(), field, values)
    terms = [(Occur.Should, Query.term_query(_schema(), field, value)) for value in values]
    return Query.boolean_query(terms)


def _at_least(field: str, bound: int) -> Query:
    return Query.range_query(_schema(), field, tantivy.FieldType.Integer, lower_bound=bound)


def _at_most(field: str, bound: int) -> Query:
    return Query.range_query(_schema(), field, tantivy.FieldType.Integer, upper_bound=bound)


def _best(queries: Sequence[Query], tie: float = 0.0) -> Query:
    return queries[0] if len(queries) == 1 else Query.disjunction_max_query(queries, tie)


def _all_of(clauses: Sequence[tuple[Occur, Query]]) -> Query:
    if len(clauses) == 1 and clauses[0][0] is Occur.Must:
        return clauses[0][1]
    return Query.boolean_query(clauses)
