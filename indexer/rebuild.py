"""Builds an index anew from PostgreSQL and swaps it in (design.md, decision 5; security.md F-04).

The live index answers meanwhile and the relay goes on: what it writes goes to both. Before the swap the
new index is compared with the database, document by document; after it every change written since the
rebuild began is looked at once more. A rebuild that is killed leaves the live index as it was; the next
one goes on where it was, if the engine can, and the sweep removes what is left.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import datetime, timedelta
from itertools import islice

import structlog
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from indexer import drift
from indexer.documents import document_of
from indexer.reading import live_documents
from marketplace import outbox
from marketplace.candidates import index_rows, streams
from marketplace.errors import ConflictError
from marketplace.ports import Ports
from marketplace.reference import TERRITORY
from marketplace.search.port import FOREVER, Change, Removal, Versions

log = structlog.get_logger()

LOCK = 0x1D_EC6
"""First half of the key of the advisory lock of a rebuild; the second is the country."""

MARGIN = timedelta(minutes=10)
"""A change is dated when its transaction begins; none lasts this long."""

ENOUGH = 100_000
"""More differences than this prove the same."""

KEPT = timedelta(hours=24)
"""How long the index before is kept to go back to (security.md F-04)."""

RESUMABLE = timedelta(hours=1)
"""For how long after its start a killed rebuild can be gone on with."""


def rebuild(ports: Ports, country: str, progress: Callable[[int], None] | None = None) -> int:
    """Rebuild the index of one country; return the number of documents.

    ``progress`` is told how many are done. Raises ``SearchUnavailableError`` when the engine is
    away and ``ConflictError`` when another rebuild runs (``rebuild_running``) or the new index is not
    what the database says (``rebuild_differs``); the live index is untouched then.
    """
    with _alone(ports, country) as still_alone:
        since = ports.clock.now() - MARGIN

        def check(versions: Versions) -> None:
            still_alone()
            compare(ports, country, versions, since)

        with closing(live_documents(ports, country)) as documents:
            done = ports.index.rebuild(country, documents, progress, check)
        drift.check_recent(ports, since)
    return done


def rollback(ports: Ports, country: str) -> None:
    """Let the index before the last rebuild answer again, with what changed since.

    Raises ``ConflictError``: ``no_previous_index``, ``rebuild_running``.
    """
    with _alone(ports, country):
        since = ports.clock.now() - MARGIN
        ports.index.rollback(country, lambda versions: _changes(ports, country, versions))
        drift.check_recent(ports, since)


def tidy(ports: Ports) -> dict[str, list[str]]:
    """Remove what killed rebuilds left and what is kept no longer; return the names by country."""
    now = ports.clock.now()
    removed = {country: ports.index.tidy(country, now - KEPT, now - RESUMABLE) for country in TERRITORY}
    return {country: names for country, names in removed.items() if names}


def compare(ports: Ports, country: str, versions: Versions, since: datetime) -> None:
    """Raise ``ConflictError`` where a new index is not what the database says.

    Who changed since the rebuild began is left out: those documents are on their way.
    """
    with drift.wanted_by_database(ports, country) as wanted:
        differing = list(islice(drift.differences(wanted, versions), ENOUGH))
    with ports.db.reading() as session:
        changed = set(streams.changed_keys(session, since))
    found = Counter(kind for key, kind in differing if key not in changed and kind is not drift.Kind.EXPIRED)
    if found:
        told = ", ".join(f"{count} {kind}" for kind, count in sorted(found.items()))
        log.error("index.rebuild_differs", country=country, **{kind.value: n for kind, n in found.items()})
        raise ConflictError(
            "rebuild_differs",
            f"The new index of {country} differs from the database ({told}) and was thrown away; "
            "the one before goes on answering. Run the rebuild again.",
        )


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
            except ConflictError as error:
                log.info("index.not_rebuilt", country=country, reason=error.code)
    return done


def _is_outdated(ports: Ports, country: str) -> bool:
    """Whether the index was made by other fields, was never finished, or was lost with its folder."""
    state = ports.index.health().countries[country]
    if state.is_rebuilding or state.needs_rebuild or state.documents:
        return state.needs_rebuild and not state.is_rebuilding
    with ports.db.reading() as session:
        return (
            index_rows.count_searchable(session, country) > 0
            and outbox.oldest_pending(session, index_rows.CHANGED) is None
        )


def expected_documents(ports: Ports, country: str) -> int:
    """Return about how many documents a rebuild will write, for its progress bar."""
    with ports.db.reading() as session:
        return index_rows.count_searchable(session, country)


@contextmanager
def _alone(ports: Ports, country: str) -> Iterator[Callable[[], None]]:
    """Keep every other rebuild of the country out; the value makes sure that this still holds.

    The lock is the connection's, so it is free as soon as the process that holds it is gone.
    """
    with ports.db.transaction() as session:
        number = TERRITORY.index(country)
        if not session.scalar(select(func.pg_try_advisory_xact_lock(LOCK, number))):
            raise ConflictError(
                "rebuild_running",
                f"A rebuild of the index of {country} is running already; wait until it is done.",
            )
        yield lambda: _ask(session)


def _ask(session: Session) -> None:
    session.execute(text("SELECT 1"))  # a lost connection has lost the lock with it


def _changes(ports: Ports, country: str, versions: Versions) -> Iterator[Change]:
    """Yield what makes an older index equal to the database."""
    with drift.wanted_by_database(ports, country) as wanted:
        for keys in drift.batches(drift.differences(wanted, versions)):
            with ports.db.reading() as other:
                found = index_rows.document_rows(other, [key for key, _ in keys])
            rows = {row.facts.key: row for row in found}
            for key, _ in keys:
                yield _change(ports, country, key, rows.get(key))


def _change(ports: Ports, country: str, key: int, row: index_rows.DocumentRow | None) -> Change:
    if row is None:
        return Removal(key, FOREVER)
    document = document_of(row, ports.clock.today(), ports.settings)
    if document is None or document.country != country:
        return Removal(key, row.version)
    return document
