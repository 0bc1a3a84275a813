"""Marked copies and the duty to delete them (rules D4, D5; security.md U-08, X-06)."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from pypdf import PdfReader
from reportlab.pdfgen.canvas import Canvas
from sqlalchemy import select

from marketplace.candidates.lifecycle import CandidateState
from marketplace.candidates.models import CV, Candidate
from marketplace.contacts import downloads, ledger_queries, services
from marketplace.contacts import duties as duties_of
from marketplace.contacts.models import CVDownload, DutyState
from marketplace.contacts.policy import Act
from marketplace.errors import InvalidInputError, NotFoundError, UnavailableError
from marketplace.files import FolderFileStore
from marketplace.outbox import OutboxMessage
from marketplace.pdf.limited import PDFReader
from marketplace.pdf.results import Marking
from marketplace.recruiters.lifecycle import RecruiterState
from marketplace.recruiters.models import Recruiter
from tests.builders import a_recruiter, an_opening
from tests.marketplace.contacts.conftest import Scene


@dataclass
class NoteMarker:
    """A real, small marker: writes what it was told to mark into the bytes; fails as often as it is told."""

    failures: int = 0
    seen: list[Marking] = field(default_factory=list)
    during: Callable[[], None] | None = None

    def mark(self, content: bytes, marking: Marking) -> bytes:
        if self.failures:
            self.failures -= 1
            raise UnavailableError("pdf", 30)
        if self.during:
            self.during()
        self.seen.append(marking)
        return content + marking.copy_id.encode()


@pytest.fixture
def files(scene: Scene, tmp_path: Path) -> FolderFileStore:
    """A store that holds the candidate's rewritten CV."""
    page = BytesIO()
    canvas = Canvas(page)
    canvas.drawString(72, 720, "Python and Django")
    canvas.save()
    store = FolderFileStore(tmp_path / "files")
    key = store.put("cv", page.getvalue())
    with scene.db.transaction() as session:
        session.scalars(select(CV).where(CV.candidate_id == scene.candidate_id)).one().file_key = key
    return store


def take(scene: Scene, **more: Any) -> downloads.TakenCopy:
    with scene.gate() as session:
        return downloads.download_cv(
            session, more.get("now", scene.now), scene.settings, scene.recruiter_account, scene.session_id,
            scene.candidate_id, opening_id=more.get("opening_id", scene.opening.id),
            idempotency_key=more.get("key"),
        )  # fmt: skip


def fetch(
    scene: Scene,
    files: FolderFileStore,
    copy_id: UUID,
    marker: downloads.CopyMarker | None = None,
    **more: Any,
) -> bytes:
    return downloads.hand_out(
        scene.db, files, marker or NoteMarker(), scene.settings, more.get("now", scene.now),
        more.get("account", scene.recruiter_account), more.get("session_id", scene.session_id), copy_id,
    )  # fmt: skip


def duties(scene: Scene, now: datetime | None = None) -> tuple[duties_of.Duty, ...]:
    with scene.db.transaction() as session:
        return duties_of.own_duties(session, now or scene.now, scene.recruiter_account).rows


def test_a_download_is_a_ledger_row_and_a_duty_of_six_months(scene: Scene, files: FolderFileStore) -> None:
    """D4: recruiter, company, candidate, opening, CV hash, copy id and time, with the day to delete by."""
    taken = take(scene)
    assert taken.delete_by_on == date(2027, 5, 23)
    (row,) = scene.ledger()
    assert (row.kind, row.copy_id, row.delete_by_on) == (Act.CV_DOWNLOAD, taken.id, taken.delete_by_on)
    assert row.opening_id == scene.opening.id
    assert row.cv_sha256
    (duty,) = duties(scene)
    assert (duty.copy.id, duty.copy.state, duty.days_left) == (taken.id, DutyState.OPEN, 181)


def test_a_second_download_is_a_second_duty(scene: Scene, files: FolderFileStore) -> None:
    """D4, X-06: two copies of one CV are two duties, and each copy names its own."""
    first, second = take(scene), take(scene)
    assert len(scene.ledger()) == len(duties(scene)) == 2
    one, two = fetch(scene, files, first.id), fetch(scene, files, second.id)
    assert one != two
    assert str(first.id).encode() in one
    assert str(second.id).encode() in two


def test_the_delivered_pdf_names_recipient_day_and_identifier(scene: Scene, files: FolderFileStore) -> None:
    """D4, X-06: a visible footer (recipient, date, delete-by) and an identifier, by the real marker."""
    reader = PDFReader(scene.settings)
    first, second = take(scene), take(scene)
    copies = [fetch(scene, files, taken.id, reader) for taken in (first, second)]
    assert copies[0] != copies[1]
    for taken, content in zip((first, second), copies, strict=True):
        text = "".join(page.extract_text() for page in PdfReader(BytesIO(content)).pages)
        assert "Python and Django" in text
        assert "Camille" in text
        assert str(taken.id)[:8] in text
        metadata = PdfReader(BytesIO(content)).metadata
        assert metadata is not None
        assert str(metadata["/MarketplaceCopy"]) == str(taken.id)


def test_a_copy_is_handed_out_once(scene: Scene, files: FolderFileStore) -> None:
    """U-08: the second time it does not exist."""
    taken = take(scene)
    assert fetch(scene, files, taken.id)
    with pytest.raises(NotFoundError):
        fetch(scene, files, taken.id)


@pytest.mark.parametrize(("seconds", "there"), [(59, True), (60, True), (61, False)])
def test_a_copy_waits_a_minute(scene: Scene, files: FolderFileStore, seconds: int, there: bool) -> None:
    """U-08, interface: within 60 s it is given, afterwards it does not exist."""
    taken = take(scene)
    later = scene.now + timedelta(seconds=seconds)
    if there:
        assert fetch(scene, files, taken.id, now=later)
    else:
        with pytest.raises(NotFoundError):
            fetch(scene, files, taken.id, now=later)


def test_a_copy_is_for_the_session_that_took_it(scene: Scene, files: FolderFileStore) -> None:
    """U-08, Z-02: in another session, for another recruiter or under an unknown id it does not exist."""
    taken = take(scene)
    with scene.db.transaction() as session:
        stranger = a_recruiter(session).account_id
    for more in ({"session_id": uuid4()}, {"account": stranger}):
        with pytest.raises(NotFoundError):
            fetch(scene, files, taken.id, None, **more)
    with pytest.raises(NotFoundError):
        fetch(scene, files, uuid4())
    assert fetch(scene, files, taken.id)


def test_a_failure_to_mark_burns_nothing(scene: Scene, files: FolderFileStore) -> None:
    """D4: no copy leaves unmarked; a failed marking is a 503, and the next try within the minute works."""
    taken = take(scene)
    marker = NoteMarker(failures=1)
    with pytest.raises(UnavailableError):
        fetch(scene, files, taken.id, marker)
    assert fetch(scene, files, taken.id, marker, now=scene.now + timedelta(seconds=30))


def _withdrawn(scene: Scene) -> None:
    scene.change(Candidate, scene.candidate_id, state=CandidateState.HIDDEN)


def _suspended(scene: Scene) -> None:
    scene.change(Recruiter, scene.recruiter_id, state=RecruiterState.SUSPENDED)


def _replaced(scene: Scene) -> None:
    with scene.db.transaction() as session:
        cv = session.scalars(select(CV).where(CV.candidate_id == scene.candidate_id)).one()
        cv.is_current = False


@pytest.mark.parametrize("happens", [_withdrawn, _suspended, _replaced])
@pytest.mark.parametrize("when", ["before", "while marking"])
def test_the_hand_over_is_decided_again(
    scene: Scene, files: FolderFileStore, happens: Callable[[Scene], None], when: str
) -> None:
    """U-08, INV-5: after a withdrawal, suspension or new CV, even during the marking, nothing is given."""
    taken = take(scene)
    marker = NoteMarker()
    if when == "before":
        happens(scene)
    else:
        marker.during = lambda: happens(scene)
    with pytest.raises(NotFoundError):
        fetch(scene, files, taken.id, marker)


def wait(barrier: threading.Barrier) -> None:
    barrier.wait(10)


def test_two_requests_at_once_get_one_copy(scene: Scene, files: FolderFileStore) -> None:
    """U-08: single use holds for parallel requests on real connections."""
    taken = take(scene)
    both = threading.Barrier(2)
    marker = NoteMarker(during=lambda: wait(both))
    outcomes: list[str] = []

    def run() -> None:
        try:
            fetch(scene, files, taken.id, marker)
            outcomes.append("given")
        except NotFoundError:
            outcomes.append("unknown")

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert sorted(outcomes) == ["given", "unknown"]


def test_a_copy_without_a_ledger_row_never_leaves(scene: Scene, files: FolderFileStore) -> None:
    """INV-1: a duty whose ledger row is not there gives no file."""
    stray = uuid4()
    with scene.db.transaction() as session:
        cv_id = session.scalars(select(CV.id)).first()
        session.add(
            CVDownload(
                id=stray, recruiter_id=scene.recruiter_id, company_id=scene.company_id,
                candidate_id=scene.candidate_id, opening_id=scene.opening.id, cv_id=cv_id,
                downloaded_at=scene.now, delete_by_on=date(2027, 5, 23), session_id=scene.session_id,
            )
        )  # fmt: skip
    with pytest.raises(NotFoundError):
        fetch(scene, files, stray)


def test_the_same_key_takes_one_copy(scene: Scene, files: FolderFileStore) -> None:
    """F-07: a retry gets the first copy; parallel ones have one effect; another body is refused."""
    with scene.db.transaction() as session:
        other = an_opening(session, session.get_one(Recruiter, scene.recruiter_id)).id
    taken: list[UUID] = []
    threads = [threading.Thread(target=lambda: taken.append(take(scene, key="k").id)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert len(taken) == 4
    assert len(set(taken)) == len(scene.ledger()) == 1
    with pytest.raises(InvalidInputError):
        take(scene, key="k", opening_id=other)


def test_deletion_is_attested_for_one_several_or_all(scene: Scene, files: FolderFileStore) -> None:
    """D4: attested duties are settled, with the time; the others stay open; all means every open one."""
    ids = [take(scene).id for _ in range(4)]

    def attest(copies: list[UUID] | None) -> tuple[duties_of.Duty, ...]:
        with scene.db.transaction() as session:
            return duties_of.settle(session, scene.now, scene.recruiter_account, copies, duties_of.DELETED)

    attest(ids[:1])
    attest(ids[:2])
    states = {duty.copy.id: duty.copy.state for duty in duties(scene)}
    assert [states[i] for i in ids] == [
        DutyState.ATTESTED,
        DutyState.ATTESTED,
        DutyState.OPEN,
        DutyState.OPEN,
    ]
    assert len(attest(None)) == 2
    assert attest(None) == ()
    assert {duty.copy.state for duty in duties(scene)} == {DutyState.ATTESTED}
    assert sum(entry.act == "deletion.attested" for entry in scene.audit()) == 4
    for wrong in ([], [uuid4()] * 1, [ids[0], uuid4()]):
        with pytest.raises((NotFoundError, InvalidInputError)):
            attest(wrong)


def test_a_foreign_duty_cannot_be_attested(scene: Scene, files: FolderFileStore) -> None:
    """Z-02, D4: only the holder attests; one foreign id among own ones settles none."""
    taken = take(scene)
    with scene.db.transaction() as session:
        stranger = a_recruiter(session).account_id
    with scene.db.transaction() as session, pytest.raises(NotFoundError):
        duties_of.settle(session, scene.now, stranger, [taken.id], duties_of.DELETED)
    assert duties(scene)[0].copy.state is DutyState.OPEN


def test_days_left_and_overdue(scene: Scene, files: FolderFileStore) -> None:
    """D4: on the day itself a duty still runs; the day after it is overdue."""
    take(scene)
    on_the_day = datetime.combine(date(2027, 5, 23), scene.now.timetz())
    for days, left, overdue in ((-1, 1, False), (0, 0, False), (1, -1, True)):
        (duty,) = duties(scene, on_the_day + timedelta(days=days))
        assert (duty.days_left, duty.is_overdue) == (left, overdue)


def withdraw(scene: Scene, now: datetime | None = None) -> None:
    with scene.db.transaction() as session:
        services.candidate_withdrew(session, now or scene.now, scene.settings, scene.candidate_id)


def told(scene: Scene) -> list[tuple[str, list[str]]]:
    with scene.db.transaction() as session:
        rows = session.scalars(
            select(OutboxMessage).where(OutboxMessage.details["mail"].astext == "deletion_shortened")
        )
        return [(row.subject, row.details["copy_ids"]) for row in rows]


def test_a_withdrawal_shortens_open_duties_and_tells_each_holder_once(
    scene: Scene, files: FolderFileStore
) -> None:
    """D5, C-09: seven days for every open copy, one mail a holder; attested copies are left alone."""
    attested, first, second = take(scene), take(scene), take(scene)
    with scene.db.transaction() as session:
        duties_of.settle(session, scene.now, scene.recruiter_account, [attested.id], duties_of.DELETED)
    withdraw(scene)
    by_id = {duty.copy.id: duty.copy for duty in duties(scene)}
    assert by_id[attested.id].delete_by_on == date(2027, 5, 23)
    assert by_id[first.id].delete_by_on == by_id[second.id].delete_by_on == date(2026, 11, 30)
    ((holder, copies),) = told(scene)
    assert holder == str(scene.recruiter_id)
    assert set(copies) == {str(first.id), str(second.id)}
    withdraw(scene, scene.now + timedelta(days=3))
    assert len(told(scene)) == 1
    assert {duty.copy.delete_by_on for duty in duties(scene)} == {date(2027, 5, 23), date(2026, 11, 30)}


def test_the_access_log_shows_each_disclosure_with_the_duty_of_today(
    scene: Scene, files: FolderFileStore
) -> None:
    """C6: kind, time, company, role, purpose, and the state of the deletion duty as it stands now."""
    scene.open_profile()
    take(scene)
    withdraw(scene)
    with scene.db.transaction() as session:
        copy, profile = ledger_queries.access_log(session, scene.candidate_id).rows
    assert (profile.kind, profile.purpose, profile.duty_state, profile.delete_by_on) == (
        Act.PROFILE, "Search for an apprentice", None, None,
    )  # fmt: skip
    assert (copy.kind, copy.purpose, copy.role) == (
        Act.CV_DOWNLOAD,
        scene.opening.title,
        "Chargée de recrutement",
    )
    assert (copy.delete_by_on, copy.duty_state) == (date(2026, 11, 30), DutyState.OPEN)
    assert copy.company.startswith("Acme")
