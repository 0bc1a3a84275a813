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
        with ports.db.transaction() as session:
            messages = outbox.claim(session, ports.clock.now(), [TOPIC], 1)
            if not messages:
                break
            _extract(session, ports, messages[0])
        done += 1
    return done


def _extract(session: Session, ports: Ports, message: outbox.OutboxMessage) -> None:
    try:
        with session.begin_nested():
            cv_id = UUID(message.subject)
            content = cvs.uploaded_content(session, ports.files, cv_id)
            if content is not None:  # else: replaced or deleted meanwhile
                extraction = ports.reader.extract(content)
                cvs.apply_extraction(session, ports.clock.now(), cv_id, extraction, ports.files)
    except Exception as error:  # noqa: BLE001  (kept with its error and tried again; never lost)
        log.warning("cv.extraction_failed", cv_id=message.subject, error=type(error).__name__)
        outbox.mark_failed(message, ports.clock.now(), error)
    else:
        outbox.mark_done(message, ports.clock.now())
