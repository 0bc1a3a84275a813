"""Marked copies of CVs: taken with the duty to delete them, handed out once (rules D4, X-06).

What becomes of the duty is in ``duties.py``.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol
from uuid import UUID, uuid4

from sqlalchemy.orm import Session

from marketplace import audit
from marketplace.contacts import disclosures, replays, retention
from marketplace.contacts.asking_recruiters import asking_recruiter, recruiter_of
from marketplace.contacts.gate import gate
from marketplace.contacts.models import CVDownload, DutyState
from marketplace.contacts.openings import own_open_opening
from marketplace.db import Database
from marketplace.errors import NotFoundError
from marketplace.files import FileStore
from marketplace.pdf.results import Marking
from marketplace.settings import Settings


class CopyMarker(Protocol):
    """Writes footer and identifier into a copy; :class:`marketplace.pdf.limited.PDFReader` does."""

    def mark(self, content: bytes, marking: Marking) -> bytes: ...


@dataclass(frozen=True)
class TakenCopy:
    """A download as recorded, before the file is handed out."""

    id: UUID
    delete_by_on: date


def download_cv(
    session: Session,
    now: datetime,
    settings: Settings,
    account_id: UUID,
    session_id: UUID,
    candidate_id: UUID,
    *,
    opening_id: UUID,
    idempotency_key: str | None = None,
) -> TakenCopy:
    """Record a download with its ledger row and its duty of six months, in one transaction (D4).

    A second download of the same CV is a second duty. The file is handed out by :func:`hand_out`
    within a minute, to the same session. Raises :class:`InvalidInputError` (``opening_required``), and
    what :func:`marketplace.contacts.disclosures.permit_download` raises. With an ``Idempotency-Key``
    a retry gets what the first request made (security.md F-07).
    """
    recruiter = asking_recruiter(session, account_id)
    request = replays.Request(account_id, idempotency_key, ("download", candidate_id, opening_id))
    made = replays.replayed(session, now, settings, request)
    if made is not None:
        copy = session.get_one(CVDownload, made)
        return TakenCopy(copy.id, copy.delete_by_on)
    opening = own_open_opening(session, recruiter.recruiter_id, opening_id)
    copy_id = uuid4()
    meeting, cv, delete_by_on = disclosures.permit_download(
        session, now, settings, account_id, candidate_id, opening, copy_id
    )
    session.add(
        CVDownload(
            id=copy_id,
            recruiter_id=meeting.recruiter.recruiter_id,
            company_id=meeting.recruiter.company_id,
            candidate_id=candidate_id,
            opening_id=opening_id,
            cv_id=cv.cv_id,
            downloaded_at=now,
            delete_by_on=delete_by_on,
            state=DutyState.OPEN,
            session_id=session_id,
        )
    )
    session.flush()
    replays.remember(session, request, copy_id)
    return TakenCopy(copy_id, delete_by_on)


def hand_out(
    db: Database,
    files: FileStore,
    marker: CopyMarker,
    settings: Settings,
    now: datetime,
    account_id: UUID,
    session_id: UUID,
    copy_id: UUID,
) -> bytes:
    """Return the marked PDF of a recorded download, once (U-08, D4).

    Marking runs between two transactions, so that no row is held meanwhile and a failure burns
    nothing: :class:`UnavailableError`, and the next try within the minute works. Everything is decided
    again when the copy is claimed. Raises :class:`NotFoundError` for an unknown or foreign copy, in
    another session, after a minute, the second time, and when the candidate is hidden meanwhile.
    """
    with gate(db, now) as session:
        file_key, marking = _prepared(session, now, settings, account_id, session_id, copy_id)
    marked = marker.mark(files.get(file_key), marking)
    with gate(db, now) as session:
        _prepared(session, now, settings, account_id, session_id, copy_id)
        copy = session.get_one(CVDownload, copy_id)
        copy.handed_out_at = now
        audit.record(
            session, now, "cv_download.handed_out", actor_id=account_id, actor_role="recruiter",
            subject_kind="cv_download", subject_id=copy_id, rule="D4",
        )  # fmt: skip
    return marked


def _prepared(
    session: Session,
    now: datetime,
    settings: Settings,
    account_id: UUID,
    session_id: UUID,
    copy_id: UUID,
) -> tuple[str, Marking]:
    """Check that the copy may be handed out now, hold it, and return what it takes to make it.

    The candidate is held first and the copy second, in the order of a withdrawal, so that the two
    never wait for each other.
    """
    copy = session.get(CVDownload, copy_id)
    if copy is None or not _is_waiting(copy, now, settings, session_id):
        raise NotFoundError
    if recruiter_of(session, copy.recruiter_id).account_id != account_id:
        raise NotFoundError
    recruiter, file_key = disclosures.recheck_copy(session, now, settings, account_id, copy)
    session.refresh(copy, with_for_update=True)
    if not _is_waiting(copy, now, settings, session_id):
        raise NotFoundError
    marking = Marking(
        recipient=recruiter.full_name,
        company=recruiter.company_name,
        downloaded_on=copy.downloaded_at.date(),
        delete_by_on=copy.delete_by_on,
        copy_id=str(copy.id),
        language=recruiter.language,
    )
    return file_key, marking


def _is_waiting(copy: CVDownload, now: datetime, settings: Settings, session_id: UUID) -> bool:
    return (
        copy.session_id == session_id
        and copy.handed_out_at is None
        and copy.state == DutyState.OPEN
        and retention.ticket_is_live(copy.downloaded_at, now, settings.download_ticket_seconds)
    )
