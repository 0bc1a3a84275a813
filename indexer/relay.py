"""Drains the outbox into the index: claim what changed, read it again, put or remove, mark done.

Rows are re-read, so repeats and disorder of messages are harmless; batches are serialised by an
advisory lock, because a document written from an older reading must not overtake a removal
(ADR 0013). The index is durable before a message is marked done: from the commit of a withdrawal
until then the candidate's key is excluded from every query (rules G, pending changes).
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

import structlog
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from indexer.documents import document_of
from marketplace import outbox
from marketplace.candidates import queries
from marketplace.errors import MarketplaceError, SearchUnavailableError
from marketplace.ports import Ports
from marketplace.reference import TERRITORY
from marketplace.search.document import CandidateDocument
from marketplace.search.port import FOREVER

log = structlog.get_logger()

BATCH = 500
LOCK = 0x1D_EC5
"""Key of the advisory lock that serialises batches."""

TRIES, PAUSE = 5, 0.05
"""How often, and how many seconds apart, a drain asks for the lock before it leaves it to the holder."""


@dataclass(frozen=True)
class DrainReport:
    """What a drain did: messages done, documents written, candidates removed."""

    done: int = 0
    indexed: int = 0
    removed: int = 0

    def __add__(self, other: DrainReport) -> DrainReport:
        return DrainReport(self.done + other.done, self.indexed + other.indexed, self.removed + other.removed)


def drain(ports: Ports, *, batch: int = BATCH) -> DrainReport:
    """Bring the index up to date with every message that is due; return what was done.

    When the engine is away the messages stay, with a later date, and nothing is lost. While another
    drain or a rebuild holds the lock this one does not wait, so that no worker stands still for it:
    the holder, or the next sweep, carries out what is due. A message that cannot be carried out is
    tried alone, put off, and holds up no other.
    """
    total, size = DrainReport(), batch
    while True:
        try:
            report = _drain_once(ports, size)
        except Exception as error:
            if isinstance(error, MarketplaceError):
                raise  # the database is away: nothing is the messages' fault
            if size == 1:
                _put_off(ports, error)
            size = 1
            continue
        if report is None or not report.done:
            return total
        total += report


def _drain_once(ports: Ports, size: int) -> DrainReport | None:
    """Carry out one batch; None when there is no lock or no engine to be had."""
    with ports.db.transaction() as session:
        if not _is_alone(session):
            return None
        messages = outbox.claim(session, ports.clock.now(), [queries.CHANGED], size)
        return _index(session, ports, messages) if messages else DrainReport()


def _put_off(ports: Ports, error: Exception) -> None:
    """Try the oldest due message later. It never dies: what the index lacks is told by the log alone."""
    with ports.db.transaction() as session:
        for message in outbox.claim(session, ports.clock.now(), [queries.CHANGED], 1):
            log.warning("index.message_put_off", message=message.id, error=type(error).__name__)
            outbox.mark_failed(message, ports.clock.now(), error)
            message.attempts = min(message.attempts, 6)


def _is_alone(session: Session) -> bool:
    """Take the lock for this transaction; another drain's last moments are waited for."""
    for _ in range(TRIES):
        if session.scalar(select(func.pg_try_advisory_xact_lock(LOCK))):
            return True
        time.sleep(PAUSE)
    return False


def _index(session: Session, ports: Ports, messages: Sequence[outbox.OutboxMessage]) -> DrainReport | None:
    """Index one batch; None when the engine is away."""
    now = ports.clock.now()
    ids = {UUID(message.subject) for message in messages}
    rows = queries.document_rows_by_id(session, ids)
    documents = [d for row in rows if (d := document_of(row, now.date(), ports.settings)) is not None]
    gone = _to_remove(rows, documents, messages)
    try:
        ports.index.put(documents)
        for country, versions in gone.items():
            if versions:
                ports.index.remove(country, versions)
        ports.index.refresh()  # from the next line on these candidates are no longer pending (rules G)
    except SearchUnavailableError as error:
        log.warning("index.unavailable", waiting=len(messages))
        for message in messages:
            outbox.mark_failed(message, now, error)
            message.attempts = min(message.attempts, 3)  # an engine that is away is no fault of the message
        return None
    for message in messages:
        outbox.mark_done(message, now)
    return DrainReport(len(messages), len(documents), len(ids) - len({d.candidate_id for d in documents}))


def _to_remove(
    rows: Iterable[queries.DocumentRow],
    documents: Iterable[CandidateDocument],
    messages: Iterable[outbox.OutboxMessage],
) -> dict[str, dict[int, int]]:
    """Return key and version of what to remove, by index: everywhere a candidate has no document now.

    Someone who moved has a document in the new country and is removed from the others; someone
    erased has no row any more, so the message names the key.
    """
    here = {document.key: document.country for document in documents}
    versions = {int(message.details["key"]): FOREVER for message in messages if "key" in message.details}
    versions |= {row.facts.key: row.version for row in rows}
    return {
        country: {key: version for key, version in versions.items() if here.get(key) != country}
        for country in TERRITORY
    }


def live_documents(ports: Ports, country: str, today: date) -> Iterable[CandidateDocument]:
    """Yield the document of every visible candidate of a country, by ascending key, batch by batch."""
    with ports.db.reading() as session:
        for rows in queries.iter_searchable(session, country):
            for row in rows:
                document = document_of(row, today, ports.settings)
                if document is not None:
                    yield document
