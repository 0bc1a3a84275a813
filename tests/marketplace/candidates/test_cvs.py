"""Uploads, reading and replacing of CVs (rules C4)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from marketplace.candidates import cvs, index_rows, queries, recruiter_view
from marketplace.candidates.index_rows import CHANGED
from marketplace.candidates.lifecycle import CandidateState, CVState
from marketplace.candidates.models import CV, Candidate
from marketplace.db import Database
from marketplace.errors import (
    ConflictError,
    InvalidInputError,
    NotFoundError,
    TooLargeError,
    TooManyRequestsError,
    UnavailableError,
)
from marketplace.files import DISCARDED, FolderFileStore
from marketplace.outbox import OutboxMessage
from marketplace.pdf.results import Extraction, RefusalReason
from marketplace.rate_limits.models import QuotaUse
from marketplace.settings import Settings
from tests.builders import a_candidate, an_account

PDF = b"%PDF-1.7 a small file"
READY = Extraction(
    outcome="ready", pages=2, text="Python avec Camille, camille@example.org", reader="pypdf",
    language="fr", rewritten=b"%PDF-1.7 rewritten",
)  # fmt: skip
NO_TEXT = Extraction(outcome="no_text", pages=1, rewritten=b"%PDF-1.7 scan")
REFUSED = Extraction.refused(RefusalReason.MALFORMED)


class Checker:
    """Answers as told, in the place of the limited process."""

    def __init__(self, *answers: RefusalReason | None) -> None:
        self.answers = list(answers)

    def check(self, content: bytes) -> RefusalReason | None:
        return self.answers.pop(0) if self.answers else None


@pytest.fixture
def files(settings: Settings) -> FolderFileStore:
    return FolderFileStore(settings.files_dir)


@pytest.fixture
def account_id(db: Database) -> UUID:
    with db.transaction() as session:
        account = an_account(session, first_name="Camille", last_name="Dubois")
        return a_candidate(session, "hidden", account=account, cv_text=None).account_id


def stored(settings: Settings) -> list[str]:
    return sorted(path.name for path in settings.files_dir.rglob("*.pdf"))


def upload(
    db: Database, files: FolderFileStore, settings: Settings, now: datetime, account_id: UUID,
    content: bytes = PDF, *, checker: Checker | None = None,
) -> cvs.CVStatus:  # fmt: skip
    return cvs.take_upload(
        db, files, checker or Checker(), settings, now, account_id, content, "../../Mon CV.pdf"
    )


def read(
    db: Database, files: FolderFileStore, now: datetime, cv_id: UUID, extraction: Extraction
) -> CVState | None:
    with db.transaction() as session:
        return cvs.apply_extraction(session, now, cv_id, extraction, files)


def topics(session: Session) -> Sequence[str]:
    return session.scalars(select(OutboxMessage.topic).order_by(OutboxMessage.id)).all()


def mails(session: Session) -> list[str]:
    return [
        message.details["mail"]
        for message in session.scalars(select(OutboxMessage).where(OutboxMessage.topic == "mail.requested"))
    ]


def discarded(db: Database) -> dict[str, datetime]:
    with db.transaction() as session:
        rows = session.scalars(select(OutboxMessage).where(OutboxMessage.topic == DISCARDED))
        return {row.subject: row.available_at for row in rows}


def test_an_upload_is_received(db, files, settings, now, account_id) -> None:
    """C4: a good file is stored, waits to be read, and its name is a label only (U-06)."""
    status = upload(db, files, settings, now, account_id)
    assert (status.state, status.label, status.is_current) == (CVState.RECEIVED, "Mon CV.pdf", False)
    assert len(stored(settings)) == 1
    with db.transaction() as session:
        assert topics(session) == [cvs.UPLOADED]
        assert cvs.uploaded_content(session, files, status.cv_id) == PDF


def test_a_ready_cv_is_scrubbed_rewritten_and_completes(db, files, settings, now, account_id) -> None:
    """C4, C7: only the rewritten copy is kept, the shown text is scrubbed, the profile gets its version."""
    status = upload(db, files, settings, now, account_id)
    with db.transaction() as session:
        original = session.scalars(select(CV.original_key)).one()
        session.scalars(select(Candidate)).one().state = CandidateState.INCOMPLETE
    assert read(db, files, now, status.cv_id, READY) is CVState.READY
    with db.transaction() as session:
        current = recruiter_view.current_cv(session, queries.candidate_id_of(session, account_id))
        candidate = session.scalars(select(Candidate)).one()
        assert current is not None
        assert "Camille" not in current.text_scrubbed
        assert "@" not in current.text_scrubbed
        assert "Python" in current.text_scrubbed
        assert files.get(current.file_key) == READY.rewritten
        assert (candidate.state, candidate.version) == (CandidateState.HIDDEN, 2)
        assert CHANGED in topics(session)
        assert mails(session) == []
        assert cvs.own_file(session, account_id, files)[1] == READY.rewritten
    assert discarded(db) == {original: now}


def test_a_scan_is_accepted_and_told(db, files, settings, now, account_id) -> None:
    """C4: a file without text is accepted, marked, and the candidate told by mail."""
    status = upload(db, files, settings, now, account_id)
    assert read(db, files, now, status.cv_id, NO_TEXT) is CVState.NO_TEXT
    with db.transaction() as session:
        assert mails(session) == ["cv_without_text"]
        assert cvs.cv_in_use(session, account_id) is not None


def test_the_old_cv_stays_until_the_new_one_is_good(db, files, settings, now, account_id) -> None:
    """C4: a refused upload leaves the CV in use, with its text; a good one replaces it."""
    first = upload(db, files, settings, now, account_id)
    read(db, files, now, first.cv_id, READY)
    second = upload(db, files, settings, now + timedelta(minutes=1), account_id)
    with db.transaction() as session:
        in_use = cvs.cv_in_use(session, account_id)
        assert in_use is not None
        assert in_use.cv_id == first.cv_id
    assert read(db, files, now, second.cv_id, REFUSED) is CVState.REFUSED
    with db.transaction() as session:
        in_use = cvs.cv_in_use(session, account_id)
        newest = cvs.latest_cv(session, account_id)
        assert in_use is not None
        assert newest is not None
        assert in_use.cv_id == first.cv_id
        assert (newest.state, newest.reason) == (CVState.REFUSED, RefusalReason.MALFORMED)
        assert mails(session) == ["cv_refused"]
        old_key = session.scalars(select(CV.file_key).where(CV.is_current)).one()
    third = upload(db, files, settings, now + timedelta(minutes=2), account_id)
    read(db, files, now, third.cv_id, READY)
    with db.transaction() as session:
        in_use = cvs.cv_in_use(session, account_id)
        assert in_use is not None
        assert in_use.cv_id == third.cv_id
        assert session.scalars(select(CV.text).where(CV.id == first.cv_id)).one() == ""
    assert discarded(db)[old_key] == now + timedelta(hours=24)


def test_reading_twice_changes_nothing(db, files, settings, now, account_id) -> None:
    """C4: a repeated message finds its work done; one for a CV that is gone finds nothing."""
    status = upload(db, files, settings, now, account_id)
    read(db, files, now, status.cv_id, READY)
    before = stored(settings)
    assert read(db, files, now, status.cv_id, REFUSED) is CVState.READY
    assert stored(settings) == before
    assert read(db, files, now, UUID(int=7), READY) is None


def test_the_newest_upload_counts(db, files, settings, now, account_id) -> None:
    """C4: of two uploads that wait the older is dropped, and reading it later does nothing."""
    first = upload(db, files, settings, now, account_id)
    second = upload(db, files, settings, now + timedelta(seconds=1), account_id)
    assert read(db, files, now, first.cv_id, READY) is None
    assert read(db, files, now, second.cv_id, READY) is CVState.READY


@pytest.mark.parametrize("reason", [reason for reason in RefusalReason if reason != "too_large"])
def test_a_refusal_at_once_stores_nothing(db, files, settings, limited, now, account_id, reason) -> None:
    """C4: what is refused at once is a 422 with its reason and a sentence; nothing of it is stored."""
    with pytest.raises(InvalidInputError) as refused:
        upload(db, files, limited, now, account_id, checker=Checker(reason))
    fault = refused.value.errors[0]
    assert (fault.field, fault.code) == ("file", reason.value)
    assert fault.message % dict(fault.values)
    assert stored(settings) == []
    with db.transaction() as session:
        assert cvs.latest_cv(session, account_id) is None
        assert session.scalar(select(func.count()).select_from(QuotaUse)) == 1


@pytest.mark.parametrize(("extra", "is_ok"), [(-1, True), (0, True), (1, False)])
def test_size(db, files, settings, now, account_id, extra: int, is_ok) -> None:
    """C4, U-01: 5 MiB is accepted, one byte more is refused as too large."""
    content = PDF + bytes(settings.cv_max_bytes - len(PDF) + extra)
    if is_ok:
        assert upload(db, files, settings, now, account_id, content).state is CVState.RECEIVED
    else:
        with pytest.raises(TooLargeError):
            upload(db, files, settings, now, account_id, content)


def test_ten_uploads_a_day(db, files, limited, now, account_id) -> None:
    """C4: nine and ten are taken, refused ones count, the eleventh waits until the first is a day old."""
    for number in range(10):
        reason = RefusalReason.NOT_PDF if number % 2 else None
        at = now + timedelta(minutes=number)
        if reason:
            with pytest.raises(InvalidInputError):
                upload(db, files, limited, at, account_id, checker=Checker(reason))
        else:
            upload(db, files, limited, at, account_id)
    with pytest.raises(TooManyRequestsError) as refused:
        upload(db, files, limited, now + timedelta(hours=1), account_id)
    assert (refused.value.limit, refused.value.quota) == (10, "CV_UPLOAD")
    assert refused.value.retry_after == 23 * 3600
    day = timedelta(days=1)
    with pytest.raises(TooManyRequestsError):
        upload(db, files, limited, now + day - timedelta(seconds=1), account_id)
    upload(db, files, limited, now + day, account_id)
    with pytest.raises(TooManyRequestsError):
        upload(db, files, limited, now + day, account_id)


def test_parallel_uploads_cannot_slip_past(db, files, limited, now, account_id) -> None:
    """C4: of twelve attempts at once exactly ten are taken."""

    def attempt(_: int) -> bool:
        try:
            upload(db, files, limited, now, account_id)
        except TooManyRequestsError:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(attempt, range(12))) == 10


def test_a_failed_transaction_leaves_no_file(db, files, settings, now, account_id) -> None:
    """INV-3: a file exists only with its row: neither a rollback nor a failed reading leaves one."""

    def fail(session: Session, work: Callable[[Session], object]) -> None:
        work(session)
        raise RuntimeError

    with pytest.raises(RuntimeError), db.transaction() as session:
        fail(session, lambda session: cvs.receive_cv(session, now, files, account_id, PDF, "cv.pdf"))
    assert stored(settings) == []
    status = upload(db, files, settings, now, account_id)
    with pytest.raises(RuntimeError), db.transaction() as session:
        fail(session, lambda session: cvs.apply_extraction(session, now, status.cv_id, READY, files))
    assert len(stored(settings)) == 1
    with db.transaction() as session:
        assert cvs.uploaded_content(session, files, status.cv_id) == PDF


def test_deleting_a_cv(db, files, settings, now) -> None:
    """C4, C7, D5: deleting makes a searchable profile incomplete, unlisted at commit, and tells holders."""
    told: list[UUID] = []
    with db.transaction() as session:
        candidate = a_candidate(session)
        candidate_id, account_id = candidate.id, candidate.account_id
    with db.transaction() as session:
        cvs.delete_cv(session, now, settings, account_id, lambda *given: told.append(given[-1]))
    with db.transaction() as session:
        candidate = session.scalars(select(Candidate)).one()
        assert candidate.state == CandidateState.INCOMPLETE
        assert recruiter_view.current_cv(session, candidate_id) is None
        assert index_rows.pending_lower_keys(session, "FR") == {candidate.key}
    assert told == [candidate_id]
    assert len(discarded(db)) == 1
    with pytest.raises(NotFoundError), db.transaction() as session:
        cvs.delete_cv(session, now, settings, account_id, lambda *_: None)


def test_a_suspended_candidate_uploads_nothing(db, files, settings, now) -> None:
    """C7: a suspended account is closed for changes."""
    with db.transaction() as session:
        account_id = a_candidate(session, "suspended").account_id
    with pytest.raises(ConflictError):
        upload(db, files, settings, now, account_id)


def test_files_go_when_their_time_has_come(db, files, settings, now, account_id) -> None:
    """C4: the original goes once it is rewritten, the file of a replaced CV a day later, not before."""
    first = upload(db, files, settings, now, account_id)
    read(db, files, now, first.cv_id, READY)
    second = upload(db, files, settings, now + timedelta(seconds=1), account_id)
    read(db, files, now, second.cv_id, READY)
    day = timedelta(hours=24)
    for at, removed, left in (
        (now, 2, 2), (now + day - timedelta(seconds=1), 0, 2), (now + day, 1, 1), (now + day, 0, 1),
    ):  # fmt: skip
        with db.transaction() as session:
            assert cvs.remove_discarded(session, at, files) == removed
        assert len(stored(settings)) == left


def test_a_store_that_is_away_is_asked_again(db, files, settings, now, account_id) -> None:
    """C4: a file that cannot be removed now is not forgotten."""

    class Away(FolderFileStore):
        def delete(self, key: str) -> None:
            raise UnavailableError("files")

    status = upload(db, files, settings, now, account_id)
    read(db, files, now, status.cv_id, REFUSED)
    with db.transaction() as session:
        assert cvs.remove_discarded(session, now, Away(settings.files_dir)) == 0
    with db.transaction() as session:
        assert cvs.remove_discarded(session, now, files) == 0
        assert cvs.remove_discarded(session, now + timedelta(seconds=2), files) == 1
    assert stored(settings) == []


@pytest.mark.parametrize(
    ("given", "label"),
    [
        ("cv.pdf", "cv.pdf"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\me\\Mon CV.pdf", "Mon CV.pdf"),
        ("a\x00b\r\nSet-Cookie: x.pdf", "abSet-Cookie: x.pdf"),
        ("\u202efdp.exe", "fdp.exe"),
        ("", "cv.pdf"),
        ("///", "cv.pdf"),
        ("x" * 4096, "x" * 120),
    ],
)
def test_a_file_name_is_only_a_label(given: str, label: str) -> None:
    """U-06: paths, controls, direction tricks and long names become a harmless short label."""
    assert cvs.clean_label(given) == label
