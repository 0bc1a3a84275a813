"""Notices, the end of an inactive account, legal holds, and sign-ins that race them (rules B5, B6)."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from marketplace import batches, retention
from marketplace.accounts.models import Account, AccountSession, Role, Transport
from marketplace.accounts.password_changes import request_password_reset
from marketplace.accounts.sessions import (
    SignedIn,
    WrongCredentialsError,
    credentials_of,
    touch_session,
)
from marketplace.accounts.sessions import (
    open_session as open_own_session,
)
from marketplace.accounts.signing_in import Caller, sign_in
from marketplace.app import account_hooks
from marketplace.closing_hooks import closing_hooks
from marketplace.errors import ConflictError, InvalidInputError, NotFoundError, UnavailableError
from marketplace.mail import MailSink
from marketplace.mail_delivery import deliver_due_mails
from marketplace.outbox import MAX_ATTEMPTS, OutboxMessage
from marketplace.ports import Ports
from marketplace.recruiters import holds, inactivity
from marketplace.recruiters.models import (
    ArchiveRecord,
    InactivityNotice,
    LegalHold,
    Recruiter,
    RecruiterState,
)
from tests.builders import PASSWORD, a_company, a_recruiter, an_account
from tests.portal import open_session

LAST_USED = datetime(2026, 3, 15, 10, 30, tzinfo=UTC)
END = datetime(2027, 3, 15, 10, 30, tzinfo=UTC)
ADDRESS = "gone@acme-industries.fr"
SECOND = timedelta(seconds=1)


class Desk:
    """One recruiter who stopped coming, and the scheduler."""

    def __init__(self, ports: Ports) -> None:
        self.ports = ports
        self.recruiter_id = self.recruiter()

    def recruiter(self, email: str = ADDRESS, trait: Any = "active", **columns: Any) -> UUID:
        used = columns.pop("used", LAST_USED)
        with self.ports.db.transaction() as session:
            account = an_account(
                session, Role.RECRUITER, email=email, registered_at=used - timedelta(days=30),
                last_activity_at=used, language="en",
            )  # fmt: skip
            return a_recruiter(session, trait, account=account, **columns).id

    def run(self, now: datetime, *, mails: bool = True) -> dict[str, batches.BatchReport]:
        """Let the scheduler run at ``now``, and then the mails."""
        self.ports.clock.instant = now  # type: ignore[attr-defined]
        reports = dict(retention.purge_inactive(self.ports))
        while mails and deliver_due_mails(self.ports):
            pass
        return reports

    def until_closed(self) -> None:
        """All three notices, then the end; the statement is mailed."""
        for days in (60, 30, 7, 0):
            self.run(END - timedelta(days=days))

    def until_closed_without_purge(self) -> None:
        """The same, with the statement still waiting for the mail server."""
        for days in (60, 30, 7):
            self.run(END - timedelta(days=days))
        self.run(END, mails=False)
        assert self.row().state == RecruiterState.CLOSED

    def row(self, recruiter_id: UUID | None = None) -> Recruiter:
        with self.ports.db.reading() as session:
            return session.get_one(Recruiter, recruiter_id or self.recruiter_id)

    def steps(self) -> dict[int, str]:
        with self.ports.db.reading() as session:
            rows = session.scalars(select(InactivityNotice)).all()
        return {
            row.step: "sent" if row.sent_at else "superseded" if row.superseded_at else "" for row in rows
        }

    def sign_in(self, password: str = PASSWORD) -> SignedIn | None:
        caller = Caller(client="", address="", network="")
        try:
            return sign_in(
                self.ports, caller, account_hooks(), email=ADDRESS, password=password,
                transport=Transport.COOKIE,
            )  # fmt: skip
        except WrongCredentialsError:
            return None


@pytest.fixture
def desk(ports: Ports) -> Desk:
    return Desk(ports)


def subjects(sink: MailSink, address: str = ADDRESS) -> list[str]:
    return [mail.subject for mail in sink.to(address)]


def test_three_notices_then_the_end(desk: Desk, mail_sink: MailSink) -> None:
    """B5: notices on their days and no second earlier, then closed at the year; each mail once."""
    for days, sent in ((60, 1), (30, 2), (7, 3)):
        due = END - timedelta(days=days)
        desk.run(due - SECOND)
        assert len(subjects(mail_sink)) == sent - 1
        for now in (due, due, due + timedelta(hours=5)):
            desk.run(now)
            assert len(subjects(mail_sink)) == sent
        assert desk.row().state == RecruiterState.NOTIFIED
    assert subjects(mail_sink) == ["Your account will be deleted on 2027-03-15"] * 3
    desk.run(END - SECOND)
    assert desk.row().state == RecruiterState.NOTIFIED
    desk.run(END)
    assert desk.row().state == RecruiterState.CLOSED
    assert subjects(mail_sink)[3:] == ["Your account is closed: what you still owe to candidates"]
    desk.run(END + SECOND)
    assert desk.row().state == RecruiterState.PURGED


@pytest.mark.parametrize(
    ("since", "end"),
    [
        (datetime(2028, 2, 29, 8, tzinfo=UTC), datetime(2029, 2, 28, 8, tzinfo=UTC)),
        (datetime(2027, 2, 28, 8, tzinfo=UTC), datetime(2028, 2, 28, 8, tzinfo=UTC)),
        (datetime(2027, 12, 31, 23, 59, 59, tzinfo=UTC), datetime(2028, 12, 31, 23, 59, 59, tzinfo=UTC)),
    ],
)
def test_month_ends_and_leap_days(ports: Ports, since: datetime, end: datetime) -> None:
    """B5: the database and the rule agree on the calendar year, to the second."""
    desk = Desk(ports)
    other = desk.recruiter("leap@acme-industries.fr", used=since)
    for days in (60, 30, 7):
        desk.run(end - timedelta(days=days))
    desk.run(end - SECOND)
    assert desk.row(other).state == RecruiterState.NOTIFIED
    desk.run(end)
    assert desk.row(other).state == RecruiterState.CLOSED


def test_a_scheduler_that_stood_still_says_the_latest_once(desk: Desk, mail_sink: MailSink) -> None:
    """B5: off for ten days over two notices, one mail goes out and the earlier are superseded."""
    desk.run(END - timedelta(days=31))
    desk.run(END - timedelta(days=6))
    assert desk.steps() == {60: "sent", 30: "superseded", 7: "sent"}
    assert len(subjects(mail_sink)) == 2
    desk.run(END)
    assert desk.row().state == RecruiterState.NOTIFIED  # a day less than seven since the last one
    desk.run(END + timedelta(days=1) - SECOND)
    assert desk.row().state == RecruiterState.NOTIFIED
    desk.run(END + timedelta(days=1))
    assert desk.row().state == RecruiterState.CLOSED


def test_nobody_is_closed_without_a_notice(desk: Desk, mail_sink: MailSink) -> None:
    """B5: a scheduler off for two years sends the last notice first, and names a day that holds."""
    late = datetime(2029, 1, 10, 8, tzinfo=UTC)
    desk.run(late)
    assert desk.steps() == {60: "superseded", 30: "superseded", 7: "sent"}
    assert subjects(mail_sink) == ["Your account will be deleted on 2029-01-17"]
    desk.run(late + timedelta(days=7) - SECOND)
    assert desk.row().state == RecruiterState.NOTIFIED
    desk.run(late + timedelta(days=7))
    assert desk.row().state == RecruiterState.CLOSED


def test_a_mail_that_waits_is_not_a_notice_sent(desk: Desk) -> None:
    """B5: seven days count from the sending, so that an outage of the mail server purges nobody."""
    desk.run(END - timedelta(days=7), mails=False)
    desk.run(END + timedelta(days=30), mails=False)
    assert desk.row().state == RecruiterState.NOTIFIED
    assert deliver_due_mails(desk.ports) == 1
    desk.run(END + timedelta(days=37) - SECOND)
    assert desk.row().state == RecruiterState.NOTIFIED
    desk.run(END + timedelta(days=37))
    assert desk.row().state == RecruiterState.CLOSED


@pytest.mark.parametrize(("error", "state"), [("UnavailableError", "closed"), ("KeyError", "notified")])
def test_an_address_that_refuses_for_good_holds_up_nothing(desk: Desk, error: str, state: str) -> None:
    """B5: refused by the receiver counts as sent that day; a mail we could not write never does."""
    desk.run(END - timedelta(days=7), mails=False)
    with desk.ports.db.transaction() as session:
        session.execute(update(OutboxMessage).values(attempts=MAX_ATTEMPTS, last_error=error))
    desk.run(END)
    desk.run(END + timedelta(days=7) - SECOND)
    assert desk.row().state == RecruiterState.NOTIFIED
    desk.run(END + timedelta(days=7))
    assert desk.row().state == state


def test_a_sign_in_clears_the_notices(desk: Desk, mail_sink: MailSink) -> None:
    """B5: after a sign-in the account is active again and the clock starts anew."""
    desk.run(END - timedelta(days=7))
    assert desk.sign_in() is not None
    assert desk.row().state == RecruiterState.ACTIVE
    assert desk.steps() == {}
    desk.run(END + timedelta(days=30))
    assert desk.row().state == RecruiterState.ACTIVE
    assert len(subjects(mail_sink)) == 1


def test_a_failed_sign_in_and_a_mail_are_no_activity(desk: Desk) -> None:
    """B5: only an authenticated act moves the clock."""
    desk.run(END - timedelta(days=7))
    assert desk.sign_in("wrong") is None
    assert desk.row().state == RecruiterState.NOTIFIED
    desk.run(END)
    assert desk.row().state == RecruiterState.CLOSED


def test_activity_of_an_open_session_voids_the_cycle(desk: Desk, mail_sink: MailSink) -> None:
    """B5: notices of an older anchor count for nothing, a waiting one is not sent."""
    with desk.ports.db.transaction() as session:
        account = session.scalars(select(Account).where(Account.email == ADDRESS)).one()
        open_session(session, account, END - timedelta(days=7))
        session_id = session.scalars(select(AccountSession.id)).one()
    desk.run(END - timedelta(days=7), mails=False)
    with desk.ports.db.transaction() as session:
        touch_session(session, END - timedelta(days=7) + SECOND, session_id, account.id)
    desk.run(END + timedelta(days=30))
    assert desk.row().state != RecruiterState.CLOSED
    assert subjects(mail_sink) == []


@pytest.mark.parametrize("trait", ["pending", "suspended"])
def test_other_states_keep_their_state_and_end_too(ports: Ports, trait: str) -> None:
    """B5: neither waiting for review nor a suspension stops the clock."""
    desk = Desk(ports)
    other = desk.recruiter("other@acme-industries.fr", trait)
    before = desk.row(other).state
    for days in (60, 30, 7):
        desk.run(END - timedelta(days=days))
        assert desk.row(other).state == before
    desk.run(END)
    assert desk.row(other).state == RecruiterState.CLOSED


def test_closing_ends_every_access(desk: Desk) -> None:
    """B6: sessions, links and the password end with the account; the archive record is there (F3)."""
    with desk.ports.db.transaction() as session:
        account = session.scalars(select(Account).where(Account.email == ADDRESS)).one()
        open_session(session, account, LAST_USED)
    desk.until_closed()
    assert desk.sign_in() is None
    with desk.ports.db.reading() as session:
        assert session.scalar(select(func.count()).select_from(AccountSession)) == 0
        record = session.scalars(select(ArchiveRecord)).one()
    assert record.reason == "inactivity"
    assert record.closed_at == record.statement_sent_at == END
    assert record.erase_at == datetime(2029, 3, 15, 10, 30, tzinfo=UTC)
    assert [notice["step"] for notice in record.notices] == [60, 30, 7]


def test_the_purge_waits_for_the_statement(desk: Desk) -> None:
    """B6, F3: the data goes when the statement was sent, or seven days after the closure without it."""
    for days in (60, 30, 7):
        desk.run(END - timedelta(days=days))
    desk.run(END, mails=False)
    desk.run(END + timedelta(days=7) - SECOND, mails=False)
    assert desk.row().state == RecruiterState.CLOSED
    desk.run(END + timedelta(days=7), mails=False)
    assert desk.row().state == RecruiterState.PURGED


def test_the_statement_carries_the_link_to_open_duties(ports: Ports, mail_sink: MailSink) -> None:
    """B6: the mail just before the data goes has the link where there is a duty to settle, else none."""
    from marketplace.recruiters.closing_emails import emails

    desk = Desk(ports)
    desk.until_closed()
    assert "Confirm them here" not in mail_sink.to(ADDRESS)[-1].text
    link = "https://example.org/deletion-duties/token"
    hooks = replace(closing_hooks(), settle_link=lambda *_: link)
    with ports.db.transaction() as session:
        account_id = str(desk.row().account_id)
        details = {"recruiter_id": str(desk.recruiter_id), "account_id": account_id}
        compose = emails(hooks)["recruiter_closed"]
        mail = compose(session, END, ports.settings, details)
    assert mail is not None
    assert link in mail.text
    assert "confidential until 2029-03-15" in mail.text


# --- Owners --------------------------------------------------------------------------------------


def test_ownership_passes_to_the_longest_standing_colleague(ports: Ports) -> None:
    """B6: a company keeps an owner: the active colleague who was there first."""
    with ports.db.transaction() as session:
        company = a_company(session)
    desk = Desk(ports)
    leaves = desk.recruiter("owner@acme-industries.fr", company=company, is_owner=True)
    used = END - timedelta(days=1)
    waits = desk.recruiter(
        "w@acme-industries.fr", "pending", company=company, is_owner=False, used=used - timedelta(days=99)
    )
    second = desk.recruiter("2@acme-industries.fr", company=company, is_owner=False, used=used)
    first = desk.recruiter(
        "1@acme-industries.fr", company=company, is_owner=False, used=used - timedelta(days=9)
    )
    desk.until_closed()
    assert [desk.row(one).is_owner for one in (leaves, waits, second, first)] == [False, False, False, True]


def test_an_owner_waits_for_a_colleague_who_is_being_changed(ports: Ports) -> None:
    """B6: nothing is half done: while the heir's row is held the closing is left for the next run."""
    with ports.db.transaction() as session:
        company = a_company(session)
    desk = Desk(ports)
    leaves = desk.recruiter("owner@acme-industries.fr", company=company, is_owner=True)
    heir = desk.recruiter("h@acme-industries.fr", company=company, is_owner=False, used=END)
    for days in (60, 30, 7):
        desk.run(END - timedelta(days=days))
    with ports.db.transaction() as session:
        session.get_one(Recruiter, heir, with_for_update=True)
        report = desk.run(END)["recruiters_inactive"]
    assert report.skipped == {"colleague_busy": 1}
    assert desk.row(leaves).state == RecruiterState.NOTIFIED
    desk.run(END)
    assert desk.row(leaves).state == RecruiterState.CLOSED
    assert desk.row(heir).is_owner


# --- Holds ---------------------------------------------------------------------------------------


def hold(desk: Desk, until: date) -> UUID:
    with desk.ports.db.transaction() as session:
        admin = an_account(session, Role.ADMIN)
        return holds.place_hold(session, LAST_USED, admin.id, desk.recruiter_id, "A dispute.", until)


def test_a_hold_stops_the_purge_and_not_the_notices(desk: Desk, mail_sink: MailSink) -> None:
    """B5: a legal hold (reason, admin, end) stops the purge to the end of its last day."""
    hold(desk, END.date() + timedelta(days=2))
    desk.until_closed()
    assert len(subjects(mail_sink)) == 3
    desk.run(datetime(2027, 3, 17, 23, 59, 59, tzinfo=UTC))
    assert desk.row().state == RecruiterState.NOTIFIED
    desk.run(datetime(2027, 3, 18, tzinfo=UTC))
    assert desk.row().state == RecruiterState.CLOSED


def test_a_hold_that_is_lifted_stops_nothing(desk: Desk) -> None:
    """B5: lifting ends a hold; twice is no error; who and when stay recorded."""
    hold_id = hold(desk, END.date() + timedelta(days=99))
    desk.until_closed()
    assert desk.row().state == RecruiterState.NOTIFIED
    with desk.ports.db.transaction() as session:
        admin = an_account(session, Role.ADMIN)
        for _ in range(2):
            holds.lift_hold(session, END, admin.id, hold_id)
        row = session.get_one(LegalHold, hold_id)
        assert (row.lifted_by, row.lifted_at) == (admin.id, END)
        with pytest.raises(NotFoundError):
            holds.lift_hold(session, END, admin.id, admin.id)
    desk.run(END)
    assert desk.row().state == RecruiterState.CLOSED


def test_a_hold_between_closing_and_purge_stops_the_purge(desk: Desk) -> None:
    """B5: what is closed and not yet purged can still be held; what is purged cannot."""
    desk.until_closed()
    hold(desk, END.date() + timedelta(days=2))
    desk.run(END + SECOND)
    assert desk.row().state == RecruiterState.CLOSED
    desk.run(END + timedelta(days=3))
    assert desk.row().state == RecruiterState.PURGED
    with pytest.raises(ConflictError):
        hold(desk, END.date())


def test_a_hold_is_asked_for_again_under_the_lock(desk: Desk) -> None:
    """B5: who was found due a moment before a hold was placed is not closed."""
    desk.run(END - timedelta(days=7))
    hold(desk, END.date())
    job = inactivity.closing_job(END, desk.ports.settings, closing_hooks())
    found_before = select(Recruiter).where(Recruiter.id == desk.recruiter_id)
    report = batches.run(desk.ports.db, replace(job, due=found_before, locked=(Recruiter,)))
    assert report.skipped == {"legal_hold": 1}
    assert desk.row().state == RecruiterState.NOTIFIED


def test_a_hold_waits_for_a_closing_under_way_and_stops_the_purge(desk: Desk) -> None:
    """B5: a hold placed in the middle of a closing is there before anything is purged."""
    desk.run(END - timedelta(days=7))
    job = inactivity.closing_job(END, desk.ports.settings, closing_hooks())
    waiting = threading.Thread(target=lambda: hold(desk, END.date()))

    def act(session: Session, recruiter: Recruiter) -> batches.Skip | None:
        waiting.start()
        waiting.join(1)
        assert waiting.is_alive()
        return job.act(session, recruiter)

    assert batches.run(desk.ports.db, replace(job, act=act)).done == 1
    waiting.join(30)
    desk.run(END + timedelta(hours=1))
    assert desk.row().state == RecruiterState.CLOSED


@pytest.mark.parametrize(
    ("reason", "ends_on", "field"),
    [
        (" ", date(2026, 12, 1), "reason"),
        ("x" * 1001, date(2026, 12, 1), "reason"),
        ("x", date(2026, 3, 14), "ends_on"),
        ("x", date(2031, 3, 16), "ends_on"),
    ],
)
def test_a_hold_needs_a_reason_and_an_end(desk: Desk, reason: str, ends_on: date, field: str) -> None:
    """B5: a reason, and a last day between today and five years ahead."""
    with desk.ports.db.transaction() as session:
        admin_id = an_account(session, Role.ADMIN).id
        with pytest.raises(InvalidInputError) as refused:
            holds.place_hold(session, LAST_USED, admin_id, desk.recruiter_id, reason, ends_on)
    assert [fault.field for fault in refused.value.errors] == [field]


# --- Races ---------------------------------------------------------------------------------------


def in_parallel(*calls: Callable[[], object]) -> list[object]:
    results: list[object] = [None] * len(calls)

    def work(index: int, call: Callable[[], object]) -> None:
        results[index] = call()

    threads = [threading.Thread(target=work, args=pair) for pair in enumerate(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return results


def test_a_sign_in_first_keeps_the_account(desk: Desk) -> None:
    """B5: while a sign-in holds the account the purge passes it by, and afterwards finds it active."""
    desk.run(END - timedelta(days=7))
    desk.ports.clock.instant = END  # type: ignore[attr-defined]
    with desk.ports.db.transaction() as session:
        opened = open_own_session(
            session, END, desk.ports.settings, credentials_of(session, END, ADDRESS), None,
            client="", address="", transport=Transport.COOKIE, hooks=account_hooks(),
        )  # fmt: skip
        assert opened is not None
        report = desk.run(END)["recruiters_inactive"]
        assert (report.found, report.skipped) == (1, {"moved_on": 1})
    assert desk.run(END + SECOND)["recruiters_inactive"].found == 0
    assert desk.row().state == RecruiterState.ACTIVE


def test_a_purge_first_locks_the_sign_in_out(desk: Desk) -> None:
    """B5: a sign-in that arrives while the account is being closed waits, and is then refused."""
    desk.run(END - timedelta(days=7))
    desk.ports.clock.instant = END  # type: ignore[attr-defined]
    job = inactivity.closing_job(END, desk.ports.settings, closing_hooks())
    outcome: list[SignedIn | None] = []
    waiting = threading.Thread(target=lambda: outcome.append(desk.sign_in()))

    def act(session: Session, recruiter: Recruiter) -> batches.Skip | None:
        done = job.act(session, recruiter)
        session.flush()
        waiting.start()
        waiting.join(1.5)
        assert waiting.is_alive()  # it waits for the account's row
        return done

    report = batches.run(desk.ports.db, replace(job, act=act))
    waiting.join(30)
    assert (report.done, dict(report.failed)) == (1, {})
    assert outcome == [None]
    assert desk.row().state == RecruiterState.CLOSED


def test_no_link_and_no_new_password_opens_a_closed_account(desk: Desk, mail_sink: MailSink) -> None:
    """B6: between the close and the purge a reset is answered as ever, and mails and opens nothing."""
    desk.until_closed_without_purge()
    before = len(mail_sink.sent)
    with desk.ports.db.transaction() as session:
        request_password_reset(session, END, ADDRESS)
    deliver_due_mails(desk.ports)
    assert not [mail for mail in mail_sink.sent[before:] if "password" in mail.subject.lower()]
    assert desk.sign_in() is None


def test_two_schedulers_at_once(ports: Ports, mail_sink: MailSink) -> None:
    """B5: two runs at the same moment do each thing once between them."""
    desk = Desk(ports)
    ids = [desk.recruiter(f"r{number}@acme-industries.fr") for number in range(12)]
    ports.clock.instant = END - timedelta(days=7)  # type: ignore[attr-defined]
    in_parallel(*[lambda: retention.purge_inactive(ports)] * 2)
    while deliver_due_mails(ports):
        pass
    assert len(mail_sink.sent) == 13
    ports.clock.instant = END  # type: ignore[attr-defined]
    reports = in_parallel(*[lambda: retention.purge_inactive(ports)] * 2)
    done = [report["recruiters_inactive"].done for report in reports]  # type: ignore[index]
    assert sum(done) == 13
    assert {desk.row(one).state for one in ids} == {RecruiterState.CLOSED}
    with ports.db.reading() as session:
        assert session.scalar(select(func.count()).select_from(ArchiveRecord)) == 13


def test_a_run_killed_half_way_is_gone_on_with(ports: Ports) -> None:
    """B5: what was closed stays closed, the rest is closed by the next run; no mail is asked twice."""
    desk = Desk(ports)
    for number in range(5):
        desk.recruiter(f"r{number}@acme-industries.fr")
    desk.run(END - timedelta(days=7))
    job = inactivity.closing_job(END, ports.settings, closing_hooks())
    seen: list[UUID] = []

    def act(session: Session, recruiter: Recruiter) -> batches.Skip | None:
        if len(seen) == 3:
            raise UnavailableError("database")
        seen.append(recruiter.id)
        return job.act(session, recruiter)

    with pytest.raises(UnavailableError):
        batches.run(ports.db, replace(job, act=act))
    assert desk.run(END, mails=False)["recruiters_inactive"].done == 3
    with ports.db.reading() as session:
        asked = select(func.count()).where(OutboxMessage.details["mail"].astext == "recruiter_closed")
        assert session.scalar(asked) == 6
