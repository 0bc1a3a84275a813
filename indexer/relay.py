"""Drains the outbox into the index: claim what changed, read it again, put or remove, mark done.

Rows are re-read, so repeats and disorder of messages are harmless, and one reading carries out every
message of a candidate; batches are serialised by an advisory lock (ADR 0013). The index is durable
before a message is marked done: from the commit of a withdrawal until then the candidate's key is
excluded from every query (rules G, pending changes). What can never be carried out is given up after
``outbox.MAX_ATTEMPTS``, listed with its reason, and its candidate stays excluded.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import structlog
from sqlalchemy.orm import Session

from indexer import writing
from marketplace import outbox
from marketplace.candidates import index_rows
from marketplace.errors import MarketplaceError, SearchUnavailableError
from marketplace.ports import Ports
from marketplace.search.port import FOREVER, DocumentRefusedError

log = structlog.get_logger()

BATCH = 500

TRIES, PAUSE = 5, 0.05
"""How often, and how many seconds apart, a drain asks for the lock before it leaves it to the holder."""

BREATH = 0.2
"""Seconds in which more changes gather while many come in: each batch has the engine show what it wrote, and
that costs far more than a change (measured by ``python -m bench.load``)."""


@dataclass(frozen=True)
class DrainReport:
    """What a drain did: messages done, documents written, candidates removed, messages the engine refused."""

    done: int = 0
    indexed: int = 0
    removed: int = 0
    refused: int = 0

    def __add__(self, other: DrainReport) -> DrainReport:
        return DrainReport(
            self.done + other.done,
            self.indexed + other.indexed,
            self.removed + other.removed,
            self.refused + other.refused,
        )


def drain(ports: Ports, *, batch: int = BATCH) -> DrainReport:
    """Bring the index up to date with every message that is due; return what was done.

    When the engine is away the messages stay, with a later date, and nothing is lost. While another
    drain holds the lock this one does not wait, so that no worker stands still for it: the holder, or
    the next sweep, carries out what is due. A rebuild does not stop a drain. A message that cannot be
    carried out is found by smaller batches, put off, and holds up no other. The first batch is taken at
    once, one that is not full is followed by the next after a breath.
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
            size = max(1, size // 8)
            continue
        if report is None or not (report.done or report.refused):
            return total
        total += report
        if report.done + report.refused < size:
            if not _is_due(ports):
                return total
            time.sleep(BREATH)
        size = min(batch, size * 2)


def _drain_once(ports: Ports, size: int) -> DrainReport | None:
    """Carry out one batch; None when there is no lock or no engine to be had."""
    with ports.db.transaction() as session:
        if not _is_alone(session):
            return None
        messages = outbox.claim(session, ports.clock.now(), [index_rows.CHANGED], size)
        if not messages:
            return DrainReport()
        return _index(session, ports, [*messages, *outbox.claim_same(session, messages)])


def _is_due(ports: Ports) -> bool:
    with ports.db.reading() as session:
        return outbox.is_due(session, ports.clock.now(), [index_rows.CHANGED])


def _put_off(ports: Ports, error: Exception) -> None:
    """Try the oldest due message later, or never again."""
    with ports.db.transaction() as session:
        for message in outbox.claim(session, ports.clock.now(), [index_rows.CHANGED], 1):
            _fail(ports, message, error)


def _fail(ports: Ports, message: outbox.OutboxMessage, error: Exception, reason: str = "") -> None:
    outbox.mark_failed(message, ports.clock.now(), error, reason)
    is_dead = message.attempts >= outbox.MAX_ATTEMPTS
    log.warning(
        "index.message_given_up" if is_dead else "index.message_put_off",
        message=message.id,
        error=message.last_error,
    )


def _is_alone(session: Session) -> bool:
    """Take the lock for this transaction; another drain's last moments are waited for."""
    for _ in range(TRIES):
        if writing.is_alone(session):
            return True
        time.sleep(PAUSE)
    return False


def _index(session: Session, ports: Ports, messages: Sequence[outbox.OutboxMessage]) -> DrainReport | None:
    """Index one batch; None when the engine is away."""
    now = ports.clock.now()
    ids = {UUID(message.subject) for message in messages}
    rows = index_rows.document_rows_by_id(session, ids)
    # Someone erased has no row any more, so the message names the key.
    gone = {int(message.details["key"]): FOREVER for message in messages if "key" in message.details}
    try:
        written = writing.write(ports, rows, gone)
    except SearchUnavailableError as error:
        log.warning("index.unavailable", waiting=len(messages), reason=str(error))
        for message in messages:
            if message.attempts < outbox.MAX_ATTEMPTS:  # claimed along with others of its candidate
                outbox.mark_failed(message, now, error)
                message.attempts = min(message.attempts, 3)  # an engine that is away is no fault of it
        return None
    reasons = {str(row.facts.candidate_id): written.refused.get(row.facts.key) for row in rows}
    refused = 0
    for message in messages:
        reason = reasons.get(message.subject)
        if reason is None:
            outbox.mark_done(message, now)
        else:
            refused += 1
            _fail(ports, message, DocumentRefusedError({}), reason)
    removed = len(ids) - len(written.indexed) - len(written.refused)
    return DrainReport(len(messages) - refused, len(written.indexed), removed, refused)
