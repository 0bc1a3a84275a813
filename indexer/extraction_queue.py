"""Uploaded CVs that wait to be read: claim one, read it in the limited process, apply the result.

One CV is one transaction, so that a worker that dies leaves the others to go on and this one to be
claimed again. The row lock is held while the limited process reads (20 s at most).
"""

from __future__ import annotations

from uuid import UUID

import structlog
from sqlalchemy.orm import Session

from marketplace import outbox
from marketplace.candidates import cvs
from marketplace.ports import Ports

log = structlog.get_logger()

TOPIC = "cv.uploaded"


def extract_waiting(ports: Ports, limit: int | None = None) -> int:
    """Read waiting CVs until none is left (or ``limit``); return how many were tried."""
    done = 0
    while limit is None or done < limit:
        message_id: int | None = None
        try:
            with ports.db.transaction() as session:
                messages = outbox.claim(session, ports.clock.now(), [TOPIC], 1)
                if not messages:
                    break
                message_id = messages[0].id
                _extract(session, ports, UUID(messages[0].subject))
                outbox.mark_done(messages[0], ports.clock.now())
        except Exception as error:
            if message_id is None:
                raise
            log.warning("cv.extraction_failed", message=message_id, error=type(error).__name__)
            _try_later(ports, message_id, error)
        done += 1
    return done


def _extract(session: Session, ports: Ports, cv_id: UUID) -> None:
    content = cvs.uploaded_content(session, ports.files, cv_id)
    if content is not None:  # else: replaced or deleted meanwhile
        extraction = ports.reader.extract(content)
        cvs.apply_extraction(session, ports.clock.now(), cv_id, extraction, ports.files)


def _try_later(ports: Ports, message_id: int, error: Exception) -> None:
    """Note the failure in a transaction of its own, for the first one is rolled back."""
    with ports.db.transaction() as session:
        message = session.get(outbox.OutboxMessage, message_id, with_for_update={"skip_locked": True})
        if message is not None and message.done_at is None:
            outbox.mark_failed(message, ports.clock.now(), error)
