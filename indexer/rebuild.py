"""Builds an index anew from PostgreSQL and swaps it in (design.md, decision 5).

The live index answers meanwhile. The relay waits: the whole rebuild holds the lock that serialises
its batches, so nothing read before a change can be written after it.
"""

from __future__ import annotations

from collections.abc import Callable

import structlog
from sqlalchemy import func, select

from indexer.relay import LOCK, live_documents
from marketplace import outbox
from marketplace.candidates import queries
from marketplace.errors import ConflictError
from marketplace.ports import Ports
from marketplace.reference import TERRITORY

log = structlog.get_logger()


def rebuild(ports: Ports, country: str, progress: Callable[[int], None] | None = None) -> int:
    """Rebuild the index of one country; return the number of documents.

    ``progress`` is told how many are done. Raises ``SearchUnavailableError`` when the engine is
    away and ``ConflictError`` when another rebuild runs; the live index is untouched then.
    """
    with ports.db.transaction() as session:
        session.execute(select(func.pg_advisory_xact_lock(LOCK)))
        documents = live_documents(ports, country, ports.clock.today())
        return ports.index.rebuild(country, documents, progress)


def rebuild_outdated(ports: Ports) -> dict[str, int]:
    """Rebuild each index that does not fit this code, or is empty where it should not be.

    Returns the number of documents by country. Safe to run twice and by several workers: a country
    that another process rebuilds is left to it.
    """
    done = {}
    for country in TERRITORY:
        if _is_outdated(ports, country):
            try:
                done[country] = rebuild(ports, country)
            except ConflictError:
                log.info("index.rebuilt_elsewhere", country=country)
    return done


def _is_outdated(ports: Ports, country: str) -> bool:
    """Whether the index was made by other fields, was never finished, or was lost with its folder."""
    state = ports.index.health().countries[country]
    if state.is_rebuilding or state.needs_rebuild or state.documents:
        return state.needs_rebuild and not state.is_rebuilding
    with ports.db.reading() as session:
        rows = next(queries.iter_searchable(session, country, batch=1), [])
        return bool(rows) and outbox.oldest_pending(session, queries.CHANGED) is None


def expected_documents(ports: Ports, country: str) -> int:
    """Return about how many documents a rebuild will write, for its progress bar."""
    with ports.db.reading() as session:
        return queries.count_searchable(session, country)
