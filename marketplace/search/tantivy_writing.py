"""What is written to one generation of the embedded index, and which versions of whom it holds."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import islice
from typing import cast

import tantivy

from marketplace.search import matching
from marketplace.search.document import CandidateDocument, Value, flatten
from marketplace.search.port import Progress, Versions
from marketplace.search.tantivy_files import engine_faults, schema
from marketplace.search.tantivy_queries import at_least, one_of

BATCH = 200
_WRITE_HEAP = 32_000_000
_REBUILD_HEAP = 128_000_000
_PAGE = 5000


@contextmanager
def writing(index: tantivy.Index) -> Iterator[tantivy.IndexWriter]:
    """Give the one writer; what was written is durable when the block ends, or none of it."""
    writer = index.writer(_WRITE_HEAP, 1)
    try:
        yield writer
        writer.commit()
    except BaseException:
        writer.rollback()
        raise
    finally:
        writer.wait_merging_threads()


def fill(index: tantivy.Index, documents: Iterable[CandidateDocument], progress: Progress | None) -> int:
    """Index every document into an empty generation; faults of ``documents`` pass as they are."""
    source, done = iter(documents), 0
    with engine_faults():
        writer = index.writer(_REBUILD_HEAP, 1)
    try:
        while batch := [flatten(document) for document in islice(source, BATCH)]:
            with engine_faults():
                for flat in batch:
                    writer.add_document(_document(flat))
            done += len(batch)
            if progress is not None:
                progress(done)
        with engine_faults():
            writer.commit()
    finally:
        with engine_faults():
            writer.wait_merging_threads()
    return done


def _document(flat: Mapping[str, Value]) -> tantivy.Document:
    """Return the engine's document; texts with alternatives at a position are handed over as tokens."""
    with_alternatives = [field.name for field in matching.SCORED if "|" in cast("str", flat[field.name])]
    plain = {name: value for name, value in flat.items() if name not in with_alternatives}
    document = tantivy.Document.from_dict(plain, schema())
    for name in with_alternatives:
        tokens = [
            tantivy.Token(form, position, 0, 0)
            for position, forms in enumerate(cast("str", flat[name]).split())
            for form in forms.split("|")
        ]
        document.add_pre_tokenized_text(name, tantivy.PreTokenizedString("", tokens))
    return document


def put_newer(
    index: tantivy.Index, writer: tantivy.IndexWriter, flats: Iterable[Mapping[str, Value]]
) -> None:
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


def remove_older(index: tantivy.Index, writer: tantivy.IndexWriter, versions: Mapping[int, int]) -> None:
    """Remove by key, but nothing newer than the row that says so."""
    newer = {key for key, version in _committed_versions(index, versions) if version > versions[key]}
    _delete(writer, versions.keys() - newer)


def _delete(writer: tantivy.IndexWriter, keys: Iterable[int]) -> None:
    for key in keys:
        writer.delete_documents_by_term("key", key)


def committed(index: tantivy.Index) -> Versions:
    """Return key and version of every committed document by ascending key."""
    with engine_faults():
        index.reload()
        return listed(index.searcher())


def listed(searcher: tantivy.Searcher) -> Versions:
    """Yield key and version of every document the searcher sees, by ascending key, a page at a time."""
    last = -1
    while True:
        with engine_faults():
            found = searcher.search(
                at_least("key", last + 1), _PAGE, count=False, order_by_field="key", order=tantivy.Order.Asc
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
    return stored_versions(index.searcher(), keys)


def stored_versions(searcher: tantivy.Searcher, keys: Collection[int]) -> list[tuple[int, int]]:
    """Return key and version of those of ``keys`` that the searcher sees."""
    here = one_of("key", list(keys))
    addresses = [address for _, address in searcher.search(here, max(1, len(keys)), count=False).hits]
    stored = cast("list[int]", searcher.fast_field_values("key", addresses))
    return list(zip(stored, cast("list[int]", searcher.fast_field_values("version", addresses)), strict=True))
