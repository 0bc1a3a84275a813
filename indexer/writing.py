"""Writes what the database says of some candidates to the index, one refused document at a time aside.

Used by the relay and by the repair of drift, always under the lock that serialises them: a document
written from an older reading must not overtake a removal (ADR 0013).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from indexer.documents import document_of
from marketplace.candidates.index_rows import DocumentRow
from marketplace.ports import Ports
from marketplace.reference import TERRITORY
from marketplace.search.document import CandidateDocument
from marketplace.search.port import DocumentRefusedError

LOCK = 0x1D_EC5
"""Key of the advisory lock that serialises whoever writes to the live index."""


@dataclass(frozen=True)
class Written:
    """The keys that have a document now, and why the engine refused others."""

    indexed: frozenset[int]
    refused: Mapping[int, str]


def is_alone(session: Session) -> bool:
    """Take the lock for this transaction if it is free."""
    return bool(session.scalar(select(func.pg_try_advisory_xact_lock(LOCK))))


def be_alone(session: Session) -> None:
    """Take the lock for this transaction; who holds it does so for a batch only."""
    session.execute(select(func.pg_advisory_xact_lock(LOCK)))


def write(ports: Ports, rows: Iterable[DocumentRow], gone: Mapping[int, int]) -> Written:
    """Put the document of each row where it belongs and remove the candidate from everywhere else.

    Someone who moved has a document in the new country and is removed from the others. ``gone`` are
    keys without a row, with the version of their removal. The index is durable and shows all of it
    when this returns; what the engine refused is removed, for an older document must not stay.
    """
    given, today = list(rows), ports.clock.today()
    made = [d for row in given if (d := document_of(row, today, ports.settings)) is not None]
    documents, refused = _put(ports, made)
    here = {document.key: document.country for document in documents}
    versions = {**gone, **{row.facts.key: row.version for row in given}}
    for country in TERRITORY:
        elsewhere = {key: version for key, version in versions.items() if here.get(key) != country}
        if elsewhere:
            ports.index.remove(country, elsewhere)
    ports.index.refresh()
    return Written(frozenset(here), refused)


def _put(ports: Ports, documents: list[CandidateDocument]) -> tuple[list[CandidateDocument], dict[int, str]]:
    """Put what the engine takes; writing the others of a request again changes nothing."""
    refused: dict[int, str] = {}
    while documents:
        try:
            ports.index.put(documents)
        except DocumentRefusedError as error:
            left = [document for document in documents if document.key not in error.reasons]
            if len(left) == len(documents):
                raise
            refused |= error.reasons
            documents = left
        else:
            break
    return documents, refused
