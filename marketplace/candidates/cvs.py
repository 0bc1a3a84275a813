"""A candidate's CV: upload, reading, replacement, deletion (rules C4).

An upload is three steps that no transaction spans, because the file is looked at in a limited
process in between: count the attempt, check, store. Reading happens in the worker; the old CV stays
until the new one is good. A file is in the store exactly as long as a row names it: what a
transaction stored is removed when it fails, what it dropped is removed after it by the outbox.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from hashlib import sha256
from typing import Protocol
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace import outbox
from marketplace.candidates import changes, queries, recruiter_view
from marketplace.candidates.lifecycle import CVState
from marketplace.candidates.models import CV
from marketplace.candidates.scrubbing import scrub
from marketplace.db import Database, undo_on_rollback
from marketplace.errors import (
    FieldError,
    InvalidInputError,
    NotFoundError,
    TooLargeError,
    UnavailableError,
)
from marketplace.files import DISCARDED, FileStore
from marketplace.pdf.results import MESSAGES, Extraction, RefusalReason
from marketplace.rate_limits import uses
from marketplace.rate_limits.policy import Counted
from marketplace.rate_limits.quotas import Quota
from marketplace.settings import Settings

UPLOADED = "cv.uploaded"
"""Outbox topic: a CV waits to be read; the subject is its id."""

REPLACED_FILE_KEPT = timedelta(hours=24)
"""How long the file of a replaced CV stays (security.md, retention schedule)."""

_LABEL_MAX = 120
_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})


class CVChecker(Protocol):
    """The part of ``pdf.limited.PDFReader`` an upload needs."""

    def check(self, content: bytes) -> RefusalReason | None: ...


@dataclass(frozen=True, kw_only=True)
class CVStatus:
    """What the candidate is told of one CV."""

    cv_id: UUID
    state: CVState
    reason: RefusalReason | None
    label: str
    uploaded_at: datetime
    pages: int | None
    is_current: bool


def refusal(reason: RefusalReason, settings: Settings) -> FieldError:
    """Return the refusal as a sentence the candidate can act on (rules C4)."""
    values: tuple[tuple[str, str | int], ...] = ()
    if reason is RefusalReason.TOO_MANY_PAGES:
        values = (("pages", settings.cv_max_pages),)
    if reason is RefusalReason.TOO_LARGE:
        values = (("megabytes", settings.cv_max_bytes // (1024 * 1024)),)
    return FieldError("file", reason.value, MESSAGES[reason], values)


def take_upload(
    db: Database,
    files: FileStore,
    reader: CVChecker,
    settings: Settings,
    now: datetime,
    account_id: UUID,
    content: bytes,
    label: str,
) -> CVStatus:
    """Take one uploaded file from the edge to ``received`` (rules C4).

    The attempt is counted and committed before anything else, so that refused ones count too and
    parallel ones cannot slip past. The file is checked with no transaction open. Raises
    :class:`TooManyRequestsError`, :class:`TooLargeError`, :class:`InvalidInputError` with the
    reason, :class:`ConflictError` when the account is closed for changes.
    """
    with db.transaction() as session:
        count_upload(session, now, settings, account_id)
    if len(content) > settings.cv_max_bytes:
        raise TooLargeError(settings.cv_max_bytes)
    reason = reader.check(content)
    if reason is RefusalReason.TOO_LARGE:
        raise TooLargeError(settings.cv_max_bytes)
    if reason is not None:
        raise InvalidInputError([refusal(reason, settings)], "cv_refused")
    with db.transaction() as session:
        return receive_cv(session, now, files, account_id, content, label)


def count_upload(session: Session, now: datetime, settings: Settings, account_id: UUID) -> None:
    """Count an attempt to upload, good or not; the eleventh in 24 hours is refused (rules C4).

    Raises :class:`TooManyRequestsError`, :class:`ConflictError`.
    """
    changes.require_open(changes.lock(session, account_id))
    whom = Counted(account_id=account_id, company_id=None, registered_at=None)
    uses.use(session, now, settings, Quota.CV_UPLOAD, whom)


def receive_cv(
    session: Session, now: datetime, files: FileStore, account_id: UUID, content: bytes, label: str
) -> CVStatus:
    """Store a checked file as ``received`` and ask for it to be read (rules C4).

    An older upload that still waits is dropped: the newest counts. The CV in use is not touched.
    """
    subject = changes.lock(session, account_id)
    changes.require_open(subject)
    for waiting in _all_cvs(session, subject.candidate.id):
        if waiting.state == CVState.RECEIVED:
            _remove(session, now, waiting)
    cv = CV(
        candidate_id=subject.candidate.id,
        state=CVState.RECEIVED,
        is_current=False,
        label=clean_label(label),
        uploaded_at=now,
        original_key=_store(session, files, content),
        sha256=sha256(content).hexdigest(),
        bytes=len(content),
    )
    session.add(cv)
    subject.candidate.last_sign_of_life_at = now
    session.flush()
    outbox.publish(session, now, UPLOADED, cv.id)
    changes.record(session, now, subject, "cv.uploaded", "C4", cv_id=str(cv.id), sha256=cv.sha256)
    return _status(cv)


def uploaded_content(session: Session, files: FileStore, cv_id: UUID) -> bytes | None:
    """Return the bytes of a CV that waits to be read; none when it is gone or read already."""
    key = session.scalar(select(CV.original_key).where(CV.id == cv_id, CV.state == CVState.RECEIVED))
    return None if key is None else files.get(key)


def apply_extraction(
    session: Session, now: datetime, cv_id: UUID, extraction: Extraction, files: FileStore
) -> CVState | None:
    """Carry out what reading a CV gave (rules C4): ``ready``, ``no_text`` or ``refused``.

    A good one replaces the CV in use, its rewritten copy is the only file kept, and its text is
    scrubbed. A refused one changes nothing else, and the candidate is mailed the reason; so are
    those whose file has no text. Safe to repeat; returns None when the CV is gone.
    """
    candidate_id = session.scalar(select(CV.candidate_id).where(CV.id == cv_id))
    if candidate_id is None:
        return None
    subject = changes.lock_by_id(session, candidate_id)
    cv = session.get(CV, cv_id, populate_existing=True)
    if cv is None or cv.state != CVState.RECEIVED:
        return None if cv is None else CVState(cv.state)
    cv.state = CVState(extraction.outcome)
    cv.processed_at = now
    cv.pages = extraction.pages
    _discard(session, now, cv.original_key)
    cv.original_key = None
    if extraction.outcome == "refused" or extraction.rewritten is None:
        cv.state = CVState.REFUSED
        cv.reason = (extraction.reason or RefusalReason.MALFORMED).value
        _mail(session, now, subject, "cv_refused", cv)
        changes.record(
            session, now, subject, "cv.refused", "C4", actor_role="system",
            cv_id=str(cv.id), reason=cv.reason,
        )  # fmt: skip
        return CVState.REFUSED
    key = _store(session, files, extraction.rewritten)
    try:
        _replace_current(session, now, subject, cv, extraction, key)
    except BaseException:
        files.delete(key)  # the caller may go on after a savepoint
        raise
    return CVState(cv.state)


def _replace_current(
    session: Session,
    now: datetime,
    subject: changes.Subject,
    cv: CV,
    extraction: Extraction,
    file_key: str,
) -> None:
    """Put a good CV in the place of the one in use, whose text goes at once and its file in a day."""
    for other in _all_cvs(session, subject.candidate.id):
        if other.is_current:
            other.is_current = False
            other.text = other.text_scrubbed = other.label = ""
            _discard(session, now, other.file_key, after=REPLACED_FILE_KEPT)
    session.flush()
    cv.is_current = True
    cv.file_key = file_key
    cv.text = extraction.text
    cv.text_scrubbed = scrub(extraction.text, subject.person.names)
    cv.language = extraction.language
    cv.reader = extraction.reader
    if cv.state == CVState.NO_TEXT:
        _mail(session, now, subject, "cv_without_text", cv)
    changes.settle(session, now, subject, None)
    changes.conclude(
        session, now, subject, "cv.accepted", "C4", actor_role="system",
        cv_id=str(cv.id), outcome=extraction.outcome,
    )  # fmt: skip


def delete_cv(
    session: Session,
    now: datetime,
    settings: Settings,
    account_id: UUID,
    tell_copy_holders: changes.CopyHolders,
) -> None:
    """Delete every CV of the candidate with its files; the licence to show them ends (rules C4).

    A searchable profile becomes incomplete, out of every answer from the commit on. Whoever took a
    copy is told and has seven days to delete it, as after an erasure (rules D5). Raises
    :class:`NotFoundError` when there is none.
    """
    subject = changes.lock(session, account_id)
    rows = _all_cvs(session, subject.candidate.id)
    if not rows:
        raise NotFoundError("cv")
    for cv in rows:
        _remove(session, now, cv)
    changes.settle(session, now, subject, settings.majority_age)
    changes.conclude(session, now, subject, "cv.deleted", "C4", cvs=[str(cv.id) for cv in rows])
    tell_copy_holders(session, now, settings, subject.candidate.id)


def rescrub(session: Session, subject: changes.Subject) -> None:
    """Scrub the CV in use anew, after the person's names changed (rules C4)."""
    for cv in _all_cvs(session, subject.candidate.id):
        if cv.is_current:
            cv.text_scrubbed = scrub(cv.text, subject.person.names)


def latest_cv(session: Session, account_id: UUID) -> CVStatus | None:
    """Return the newest upload of a candidate, whatever became of it."""
    candidate_id = queries.candidate_id_of(session, account_id)
    rows = _all_cvs(session, candidate_id)
    return _status(rows[0]) if rows else None


def cv_in_use(session: Session, account_id: UUID) -> CVStatus | None:
    """Return the CV recruiters are shown, which may be older than the newest upload."""
    candidate_id = queries.candidate_id_of(session, account_id)
    return next((_status(cv) for cv in _all_cvs(session, candidate_id) if cv.is_current), None)


def own_file(session: Session, account_id: UUID, files: FileStore) -> tuple[str, bytes]:
    """Return file name and bytes of the candidate's own CV in use (rules A7).

    The name is ours, never the client's (security.md U-06). Raises :class:`NotFoundError`.
    """
    current = recruiter_view.current_cv(session, queries.candidate_id_of(session, account_id))
    if current is None:
        raise NotFoundError("cv")
    return f"cv-{current.cv_id.hex[:8]}.pdf", files.get(current.file_key)


def remove_discarded(session: Session, now: datetime, files: FileStore, limit: int = 100) -> int:
    """Remove files that no row names any more and return how many; for the worker, safe to repeat.

    One that cannot be removed now is tried again later and holds up no other.
    """
    messages = outbox.claim(session, now, [DISCARDED], limit)
    removed = 0
    for message in messages:
        try:
            files.delete(message.subject)
        except (UnavailableError, OSError) as error:
            outbox.mark_failed(message, now, error)
        else:
            outbox.mark_done(message, now)
            removed += 1
    return removed


def clean_label(label: str) -> str:
    """Return a client's file name as a harmless label (security.md U-06): one line, no path, no tricks."""
    name = re.split(r"[/\\]", label)[-1]
    visible = "".join(character for character in name if unicodedata.category(character) not in _INVISIBLE)
    return " ".join(visible.split())[:_LABEL_MAX].strip() or "cv.pdf"


def _all_cvs(session: Session, candidate_id: UUID) -> list[CV]:
    return list(
        session.scalars(
            select(CV).where(CV.candidate_id == candidate_id).order_by(CV.uploaded_at.desc(), CV.id)
        )
    )


def _status(cv: CV) -> CVStatus:
    return CVStatus(
        cv_id=cv.id,
        state=CVState(cv.state),
        reason=None if cv.reason is None else RefusalReason(cv.reason),
        label=cv.label,
        uploaded_at=cv.uploaded_at,
        pages=cv.pages,
        is_current=cv.is_current,
    )


def _mail(session: Session, now: datetime, subject: changes.Subject, name: str, cv: CV) -> None:
    outbox.publish(
        session, now, "mail.requested", subject.person.account_id,
        details={"mail": name, "cv_id": str(cv.id)}, unique_key=f"{name}:{cv.id}",
    )  # fmt: skip


def _remove(session: Session, now: datetime, cv: CV) -> None:
    _discard(session, now, cv.original_key)
    _discard(session, now, cv.file_key)
    session.delete(cv)


def _discard(session: Session, now: datetime, key: str | None, after: timedelta = timedelta(0)) -> None:
    """Have a file removed once this transaction is committed: never before, and never not."""
    if key is not None:
        outbox.publish(session, now, DISCARDED, key, available_at=now + after)


def _store(session: Session, files: FileStore, content: bytes) -> str:
    """Store a file that stays only if the transaction is committed."""
    key = files.put("cv", content)
    undo_on_rollback(session, partial(files.delete, key))
    return key
