"""The batch that reminds holders of copies: each reminder once, to who can act on it (rules D4, D5, B6)."""

from __future__ import annotations

import random
import re
import threading
import tracemalloc
from collections.abc import Iterable
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import func, insert, select

from marketplace.accounts.models import Account, Role
from marketplace.contacts import duties, duty_queries, reminders, retention, services
from marketplace.contacts.models import CVDownload, DeletionReminder, DutyState, Opening
from marketplace.mail import Mail, MailSink
from marketplace.mail_delivery import deliver_due_mails
from marketplace.outbox import OutboxMessage
from marketplace.ports import Ports
from marketplace.recruiters.lifecycle import RecruiterState
from marketplace.recruiters.models import Company, Recruiter
from tests.builders import a_copy, a_recruiter, an_account, an_opening
from tests.marketplace.contacts.conftest import Scene

DUE = date(2027, 5, 23)


def taken(scene: Scene, **columns: Any) -> UUID:
    with scene.db.transaction() as session:
        opening = session.get_one(Opening, scene.opening.id)
        return a_copy(session, opening, scene.candidate_id, **columns).id


def at(scene: Scene, day: date) -> datetime:
    return datetime.combine(day, scene.now.timetz())


def run(scene: Scene, day: date) -> int:
    """Run the batch on a day; return how many recruiters were reminded."""
    report = reminders.remind_deletions(scene.db, at(scene, day), scene.settings)
    assert not report.failed
    return report.done


def written(scene: Scene) -> list[tuple[int, bool]]:
    """The steps written down, in the order of their days, with whether they were sent."""
    with scene.db.transaction() as session:
        rows = session.scalars(select(DeletionReminder).order_by(DeletionReminder.due_on))
        return [(row.days_before, row.sent_at is not None) for row in rows]


def mails(ports: Ports, sink: MailSink, day: date) -> list[Mail]:
    """Deliver what waits on a day and return it."""
    before = len(sink.sent)
    clock = ports.clock
    later = replace(ports, clock=type(clock)(datetime.combine(day, clock.now().timetz())))  # type: ignore[call-arg]
    while deliver_due_mails(later):
        pass
    return sink.sent[before:]


def address(scene: Scene, account_id: UUID) -> str:
    with scene.db.transaction() as session:
        return session.get_one(Account, account_id).email


def test_every_day_of_a_life_run_twice(scene: Scene, ports: Ports, mail_sink: MailSink) -> None:
    """D4, C-08: day by day, the batch run twice a day: each reminder is one mail on its day, and no other."""
    taken(scene)
    sent: dict[int, int] = {}
    for left in range(62, -24, -1):
        day = DUE - timedelta(days=left)
        if run(scene, day) + run(scene, day):
            sent[left] = len(mails(ports, mail_sink, day))
    assert sent == dict.fromkeys([60, 30, 14, 3, 0, -7, -14, -21], 1)
    assert written(scene) == [(left, True) for left in sent]


def test_off_for_ten_days_the_latest_is_sent(scene: Scene, ports: Ports, mail_sink: MailSink) -> None:
    """D4: off from 4 days before until 7 after: one mail, and the two it makes superfluous are superseded."""
    taken(scene)
    for left in (60, 30, 14, 4):
        run(scene, DUE - timedelta(days=left))
    back = DUE + timedelta(days=7)
    mails(ports, mail_sink, DUE - timedelta(days=4))
    assert run(scene, back) == 1
    assert run(scene, back) == 0
    assert written(scene)[3:] == [(3, False), (0, False), (-7, True)]
    (mail,) = mails(ports, mail_sink, back)
    assert "7 jours de retard" in mail.text


def test_one_mail_lists_every_copy_of_a_recruiter(scene: Scene, ports: Ports, mail_sink: MailSink) -> None:
    """D4: fifty copies due on one day are one mail, each with its day; another recruiter gets their own."""
    copies = [taken(scene) for _ in range(50)]
    with scene.db.transaction() as session:
        other = a_recruiter(session)
        a_copy(session, an_opening(session, other), scene.candidate_id)
    day = DUE - timedelta(days=30)
    assert run(scene, day) == 2
    sent = mails(ports, mail_sink, day)
    assert len(sent) == 2
    (own,) = [mail for mail in sent if mail.to == address(scene, scene.recruiter_account)]
    assert all(f"cv-{copy.hex[:8]}.pdf" in own.text for copy in copies)
    assert own.text.count("2027-05-23, 30 jours restants") == 50


def test_what_is_settled_before_the_mail_goes_is_not_in_it(
    scene: Scene, ports: Ports, mail_sink: MailSink
) -> None:
    """D4: composed from what is still open; with nothing left there is no mail."""
    first, second = taken(scene), taken(scene)
    day = DUE - timedelta(days=30)
    run(scene, day)
    scene.change(CVDownload, first, state=DutyState.ATTESTED, settled_at=scene.now)
    (mail,) = mails(ports, mail_sink, day)
    assert f"cv-{first.hex[:8]}" not in mail.text
    assert f"cv-{second.hex[:8]}" in mail.text
    run(scene, DUE)
    scene.change(CVDownload, second, state=DutyState.EXCEPTED, settled_at=scene.now)
    assert mails(ports, mail_sink, DUE) == []
    assert run(scene, DUE + timedelta(days=70)) == 0


def test_a_shortened_duty_is_reminded_on_its_new_days(
    scene: Scene, ports: Ports, mail_sink: MailSink
) -> None:
    """D5, C-09: the mail of the withdrawal, then 3 days before, the day, weekly; no nag right after it."""
    taken(scene)
    told = DUE - timedelta(days=40)
    with scene.db.transaction() as session:
        services.candidate_withdrew(session, at(scene, told), scene.settings, scene.candidate_id)
    reminded = [left for left in range(-1, 22) if run(scene, told + timedelta(days=left))]
    assert reminded == [4, 7, 14, 21]
    assert len(mails(ports, mail_sink, told + timedelta(days=21))) == 5


LINK = re.compile(r"http://127\.0\.0\.1:8000/deletion-duties/(\S+)")


@pytest.mark.parametrize(
    "state", [RecruiterState.SUSPENDED, RecruiterState.DELETION_PENDING, RecruiterState.CLOSED]
)
def test_who_cannot_sign_in_gets_a_link_that_settles(
    scene: Scene, ports: Ports, mail_sink: MailSink, state: RecruiterState
) -> None:
    """B6: suspended, leaving or closed, the mail carries the settle link and not the page to sign in to."""
    copy = taken(scene)
    scene.change(Recruiter, scene.recruiter_id, state=state)
    run(scene, DUE)
    (mail,) = mails(ports, mail_sink, DUE)
    assert mail.to == address(scene, scene.recruiter_account)
    assert "/recruiter/downloads" not in mail.text
    found = LINK.search(mail.text)
    assert found
    with scene.db.transaction() as session:
        (duty,) = duties.settle_by_link(session, scene.now, found[1], None, duties.DELETED)
    assert (duty.copy.id, duty.copy.state) == (copy, DutyState.ATTESTED)


def purge(scene: Scene) -> None:
    """Make a tombstone of the recruiter: without an account where the column allows it."""
    account = {} if not Recruiter.__table__.c.account_id.nullable else {"account_id": None}
    scene.change(Recruiter, scene.recruiter_id, state=RecruiterState.PURGED, **account)


def test_once_purged_the_companys_owner_is_reminded_and_can_settle(
    scene: Scene, ports: Ports, mail_sink: MailSink
) -> None:
    """B6: copy id and days, no name of anybody; the owner settles by a link, and the former one lives on."""
    copy = taken(scene)
    with scene.db.transaction() as session:
        own = duties.issue_settle_link(session, scene.now, scene.settings, scene.recruiter_id)
        company = session.get_one(Company, scene.company_id)
        owner = a_recruiter(session, company=company).account_id
        a_recruiter(session, company=company, is_owner=False)
        a_recruiter(session, "suspended", company=company)
    former = address(scene, scene.recruiter_account)
    purge(scene)
    for day in (DUE, DUE + timedelta(days=7)):
        assert run(scene, day) == 1
        (mail,) = mails(ports, mail_sink, day)
        assert mail.to == address(scene, owner) != former
        assert f"copie {copy} ({scene.opening.title})" in mail.text
        assert former not in mail.text
    found = LINK.search(mail.text)
    assert own
    assert found
    with scene.db.transaction() as session:
        assert duties.is_link_live(session, own.rpartition("/")[2])
        duties.settle_by_link(session, scene.now, found[1], [copy], duties.DELETED)
        assert not duties.is_link_live(session, own.rpartition("/")[2])
        assert not duties.is_link_live(session, found[1])


def test_without_an_owner_the_admins_are_told(scene: Scene, ports: Ports, mail_sink: MailSink) -> None:
    """B6: else to the admins, each once, with the page of all duties; the mail of a withdrawal too (D5)."""
    taken(scene)
    with scene.db.transaction() as session:
        admins = {an_account(session, Role.ADMIN).email for _ in range(2)}
    purge(scene)
    run(scene, DUE)
    sent = mails(ports, mail_sink, DUE)
    assert {mail.to for mail in sent} == admins
    assert len(sent) == 2
    assert all("/admin/deletion-duties" in mail.text and not LINK.search(mail.text) for mail in sent)
    with scene.db.transaction() as session:
        services.candidate_withdrew(session, at(scene, DUE), scene.settings, scene.candidate_id)
    assert {mail.to for mail in mails(ports, mail_sink, DUE)} == admins


@pytest.mark.parametrize(
    ("language", "subject", "stop"),
    [
        ("fr", "En retard\u00a0: supprimez les CV que vous avez téléchargés", "plus de 14 jours de retard"),
        ("en", "Overdue: please delete the CVs you downloaded", "more than 14 days overdue"),
    ],
)
def test_the_mail_says_what_is_stopped_in_both_languages(
    scene: Scene, ports: Ports, mail_sink: MailSink, language: str, subject: str, stop: str
) -> None:
    """D4, F4: 14 days late says nothing of a stop, 21 days late does; every placeholder is filled in."""
    scene.change(Account, scene.recruiter_account, language=language)
    taken(scene)
    for late, is_stopped in ((14, False), (21, True)):
        day = DUE + timedelta(days=late)
        run(scene, day)
        (mail,) = mails(ports, mail_sink, day)
        assert (mail.subject, mail.language) == (subject, language)
        assert (stop in mail.text) is is_stopped
        assert "%(" not in mail.text
        assert "/recruiter/downloads" in mail.text


def test_two_schedulers_at_once_remind_once(scene: Scene) -> None:
    """D4: two runs at the same moment write each reminder once and request one mail."""
    for _ in range(3):
        taken(scene)
    threads = [threading.Thread(target=run, args=(scene, DUE)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert run(scene, DUE) == 0
    with scene.db.transaction() as session:
        assert session.scalar(select(func.count()).select_from(OutboxMessage)) == 1
        sent = session.scalars(select(DeletionReminder).where(DeletionReminder.sent_at.is_not(None)))
        assert len(list(sent)) == 3


def test_a_dry_run_counts_the_same_and_writes_nothing(scene: Scene) -> None:
    """D4, F2: the rehearsal reports what the run does, and leaves no reminder and no mail."""
    taken(scene)
    dry = reminders.remind_deletions(scene.db, at(scene, DUE), scene.settings, is_dry_run=True)
    assert written(scene) == []
    real = reminders.remind_deletions(scene.db, at(scene, DUE), scene.settings)
    assert (dry.found, dry.done, dry.subjects_sha256) == (real.found, real.done, real.subjects_sha256)


def test_the_query_says_what_the_rule_says(scene: Scene) -> None:
    """D4: on 400 duties in every situation, PostgreSQL finds due exactly what the pure rule finds due."""
    chance, plan, today = random.Random(4), reminders.plan_of(scene.settings), date(2027, 3, 1)
    expected = set()
    with scene.db.transaction() as session:
        opening = session.get_one(Opening, scene.opening.id)
        for _ in range(400):
            due_on = today + timedelta(days=chance.randint(-40, 70))
            downloaded = at(scene, due_on - timedelta(days=chance.choice([7, 20, 62, 181])))
            told = at(scene, due_on - timedelta(days=chance.randint(0, 7))) if chance.random() < 0.3 else None
            state = chance.choice([DutyState.OPEN, DutyState.OPEN, DutyState.ATTESTED])
            copy = a_copy(
                session, opening, scene.candidate_id, delete_by_on=due_on, downloaded_at=downloaded,
                holder_told_at=told, state=state,
            )  # fmt: skip
            dated = retention.dated_on(downloaded, told)
            days = retention.reminder_days(due_on, dated, today, plan)
            recorded = days[: chance.randint(0, len(days))]
            for day in recorded:
                session.add(
                    DeletionReminder(
                        copy_id=copy.id, due_on=day, days_before=(due_on - day).days, sent_at=scene.now
                    )
                )
            if state is DutyState.OPEN and retention.due_reminders(days, recorded).sent:
                expected.add(copy.id)
        session.flush()
        found = session.scalars(duty_queries.copies_to_remind(scene.recruiter_id, today, plan))
        assert {copy.id for copy in found} == expected
    assert 60 < len(expected) < 300


def many(scene: Scene, recruiters: int, copies: int) -> None:
    """Insert recruiters, each with so many copies that are due."""
    with scene.db.transaction() as session:
        holders = []
        company = session.get_one(Company, scene.company_id)
        for _ in range(recruiters):
            recruiter = a_recruiter(session, company=company)
            holders.append(an_opening(session, recruiter))
        session.execute(insert(CVDownload), list(_rows(holders, scene.candidate_id, copies, scene.now)))
        session.expunge_all()


def _rows(
    openings: Iterable[Opening], candidate_id: UUID, copies: int, now: datetime
) -> Iterable[dict[str, Any]]:
    for opening in openings:
        for _ in range(copies):
            yield {
                "id": uuid4(), "recruiter_id": opening.recruiter_id, "company_id": opening.company_id,
                "candidate_id": candidate_id, "opening_id": opening.id, "cv_id": uuid4(),
                "session_id": uuid4(), "downloaded_at": now, "delete_by_on": DUE, "state": DutyState.OPEN,
            }  # fmt: skip


@pytest.mark.slow
def test_ten_thousand_due_duties_in_bounded_memory(scene: Scene) -> None:
    """D4: 10,000 duties of 100 recruiters: one mail each, every reminder once, memory of one page."""
    many(scene, 100, 100)
    tracemalloc.start()
    try:
        assert run(scene, DUE) == 100
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 8 * 1024 * 1024
    assert run(scene, DUE) == 0
    with scene.db.transaction() as session:
        sent = select(func.count()).where(DeletionReminder.sent_at.is_not(None))
        assert session.scalar(sent) == 10_000
        assert session.scalar(select(func.count()).select_from(OutboxMessage)) == 100
