"""The files of one generation of the embedded index: schema, opening, and what their faults are told as."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import structlog
import tantivy

from marketplace.errors import SearchUnavailableError
from marketplace.search.document import SCHEMA, Kind

log = structlog.get_logger()

_WHITESPACE = "positions"


@contextmanager
def engine_faults() -> Iterator[None]:
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
def schema() -> tantivy.Schema:
    """Return ``document.SCHEMA`` as the engine's."""
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


def create(path: Path) -> tantivy.Index:
    """Return a new, empty index in a folder that is there."""
    return _prepared(tantivy.Index(schema(), path=str(path)))


def open_generation(path: Path) -> tantivy.Index:
    """Return an index that is there; it shows a later commit once ``reload`` is called."""
    index = _prepared(tantivy.Index.open(str(path)))
    index.config_reader("manual")
    return index
