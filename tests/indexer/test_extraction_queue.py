"""Waiting CVs are read one by one; a failure keeps the others going and is tried again."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select

from indexer.extraction_queue import extract_waiting
from marketplace.candidates import cvs
from marketplace.candidates.models import CV, CVState
from marketplace.clock import FixedClock
from marketplace.demo.cv_layouts import draw
from marketplace.demo.people import persona
from marketplace.outbox import OutboxMessage
from marketplace.ports import Ports
from tests.builders import a_candidate


def uploaded(ports: Ports) -> UUID:
    with ports.db.transaction() as session:
        account_id = a_candidate(session, "hidden", cv_text=None).account_id
    who = persona(3, ports.clock.today())
    status = cvs.take_upload(
        ports.db,
        ports.files,
        ports.reader,
        ports.settings,
        ports.clock.now(),
        account_id,
        draw(who.resume, 0),
        "cv.pdf",
    )
    return status.cv_id


def state_of(ports: Ports, cv_id: UUID) -> CVState:
    with ports.db.transaction() as session:
        return CVState(session.scalars(select(CV.state).where(CV.id == cv_id)).one())


def test_an_uploaded_cv_is_read(ports: Ports) -> None:
    """C4: received becomes ready, with its text, and only the rewritten file is kept."""
    cv_id = uploaded(ports)
    assert state_of(ports, cv_id) is CVState.RECEIVED
    assert extract_waiting(ports) == 1
    with ports.db.transaction() as session:
        cv = session.get(CV, cv_id)
        assert cv is not None
        assert (cv.state, cv.is_current) == (CVState.READY, True)
        assert len(cv.text_scrubbed) > 200
        assert cv.file_key
        assert ports.files.get(cv.file_key).startswith(b"%PDF-")
    assert extract_waiting(ports) == 0


class BrokenReader:
    """A reader whose machine is out of order."""

    def extract(self, _: bytes) -> Any:
        raise OSError("no more processes")


def test_a_failure_is_kept_and_tried_again(ports: Ports, clock: FixedClock) -> None:
    """F-06: one CV that cannot be read now does not stop the queue and is not lost."""
    cv_id = uploaded(ports)
    broken = replace(ports, reader=BrokenReader())  # type: ignore[arg-type]
    assert extract_waiting(broken) == 1
    with ports.db.transaction() as session:
        message = session.scalars(select(OutboxMessage).where(OutboxMessage.topic == cvs.UPLOADED)).one()
        assert (message.attempts, message.last_error) == (1, "OSError")
    assert extract_waiting(ports) == 0  # not due yet
    clock.advance(timedelta(seconds=2))
    assert extract_waiting(ports) == 1
    assert state_of(ports, cv_id) is CVState.READY
