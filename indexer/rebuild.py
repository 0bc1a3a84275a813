"""Builds an index anew from PostgreSQL and swaps it in (design.md, decision 5).

The live index answers meanwhile. The relay waits: the whole rebuild holds the lock that serialises
its batches, so nothing read before a change can be written after it.
"""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import func, select

from indexer.relay import LOCK, live_documents
from marketplace.ports import Ports


def rebuild(ports: Ports, country: str, progress: Callable[[int], None] | None = None) -> int:
    """Rebuild the index of one country; return the number of documents.

    ``progress`` is told how many are done. Raises ``SearchUnavailableError`` when the engine is
    away and ``ConflictError`` when another rebuild runs; the live index is untouched then.
    """
    with ports.db.transaction() as session:
        session.execute(select(func.pg_advisory_xact_lock(LOCK)))
        documents = live_documents(ports, country, ports.clock.today())
        return ports.index.rebuild(country, documents, progress)


def expected_documents(ports: Ports, country: str) -> int:
    """Return about how many documents a rebuild will write, for its progress bar."""
    from marketplace.candidates.queries import count_searchable

    with ports.db.reading() as session:
        return count_searchable(session, country)
