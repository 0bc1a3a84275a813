"""The retention table: what a purge leaves behind, forecasts, dry runs, certificates (rules B6, F2, F3)."""

from __future__ import annotations

import json
import os
import tracemalloc
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from click.testing import CliRunner
from sqlalchemy import delete, func, insert, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session
from structlog.testing import capture_logs

from marketplace import batches, certificates, outbox, retention
from marketplace.accounts.mail_requests import request_mail
from marketplace.accounts.models import Account, AccountSession, MailToken, Role, SignInFailure, TokenPurpose
from marketplace.candidates.cvs import remove_discarded
from marketplace.certificates import RetentionRun
from marketplace.cli import main
from marketplace.closing_hooks import closing_hooks
from marketplace.contacts import disclosures, ledger_queries, messages
from marketplace.contacts.models import CVDownload, DutyState, MessageAuthor, ReplayedRequest
from marketplace.db import Database
from marketplace.errors import ConflictError
from marketplace.mail import FolderMailer
from marketplace.mail_delivery import deliver_due_mails
from marketplace.outbox import OutboxMessage
from marketplace.ports import Ports
from marketplace.rate_limits.models import QuotaUse
from marketplace.recruiters import review_queries
from marketplace.recruiters.closing import address_hash
from marketplace.recruiters.inactivity import closing_job
from marketplace.recruiters.models import (
    ArchiveRecord,
    Company,
    EmailDomainRule,
    InactivityNotice,
    Recruiter,
    RecruiterState,
    ReviewDecision,
)
from marketplace.terms.models import Acceptance, DocumentKind
from tests.builders import a_candidate, a_company, a_recruiter, an_account, an_opening
from tests.portal import open_session

ROOT = Path(__file__).parents[2]
LAST_USED = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
END = datetime(2027, 11, 23, 9, 0, tzinfo=UTC)

FIRST, LAST, EMAIL = "Canarifirst", "Canarilast", "canari.mail@acme-industries.fr"
HASH, CLIENT, BODY, TITLE = "canarihash$" + "0" * 40, "Canariclient", "Canaribody, bonjour.", "Canarititle"
MANDATE, DECISION, IP = b"%PDF-1.4 canarimandate", "Canaridecision", "203.0.113.77"
CANARIES = (
    FIRST,
    LAST,
    "canari.mail",
    "canarihash",
    CLIENT,
    "Canaribody",
    TITLE,
    "canarimandate",
    DECISION,
    IP,
)


@pytest.fixture
def ports(ports: Ports) -> Ports:
    """With the folder mailer, whose mails stay until somebody deletes them."""
    return replace(ports, mailer=FolderMailer(ports.settings.mail_dir, ports.settings.mail_from))


def at(ports: Ports, now: datetime) -> None:
    ports.clock.instant = now  # type: ignore[attr-defined]


def deliver(ports: Ports) -> None:
    while deliver_due_mails(ports):
        pass


def places_of(ports: Ports, canary: str) -> set[str]:
    """Return every table, and every file below the data folder, that holds a canary (as text or bytes)."""
    found = set()
    with ports.db.reading() as session:
        tables = session.scalars(
            text("SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'")
        ).all()
        for table in tables:
            statement = text(
                f'SELECT count(*) FROM "{table}" AS t WHERE t::text ILIKE :word OR t::text ILIKE :bytes'
            )
            words = {"word": f"%{canary}%", "bytes": f"%{canary.encode().hex()}%"}
            if session.scalar(statement, words):
                found.add(table)
    folder = ports.settings.data
    for path in folder.rglob("*"):
        if path.is_file() and canary.lower().encode() in path.read_bytes().lower():
            found.add(path.relative_to(folder).parts[0])
    return found


class Past:
    """A recruiter with a full history: mandate, sessions, links, contacts, copies, mails, decisions."""

    def __init__(self, ports: Ports) -> None:
        self.ports = ports
        with ports.db.transaction() as session:
            self._make(session, ports)
        deliver(ports)

    def _make(self, session: Session, ports: Ports) -> None:
        now, settings = LAST_USED, ports.settings
        account = an_account(
            session, Role.RECRUITER, email=EMAIL, first_name=FIRST, last_name=LAST, password_hash=HASH,
            last_activity_at=now,
        )  # fmt: skip
        key = ports.files.put("mandate", MANDATE)
        recruiter = a_recruiter(session, account=account, job_title=TITLE, mandate_file=key)
        candidate = a_candidate(session)
        self.account_id, self.recruiter_id, self.candidate_id = account.id, recruiter.id, candidate.id
        self.candidate_account = candidate.account_id
        opening = an_opening(session, recruiter)
        open_session(session, account, now, client=CLIENT, address=IP)
        session.add(
            Acceptance(
                account_id=account.id, document=DocumentKind.ETHICAL_CODE, version="2026-11", language="fr",
                text_hash="e" * 64, accepted_at=now,
            )
        )  # fmt: skip
        session.add(
            ReviewDecision(
                company_id=recruiter.company_id, recruiter_id=recruiter.id, decision="approve",
                reason=DECISION, decided_at=now,
            )
        )  # fmt: skip
        session.add(EmailDomainRule(pattern=EMAIL, verdict="allow", reason="known", decided_at=now))
        disclosures.open_profile(session, now, settings, account.id, candidate.id)
        self.contact_id = messages.request_contact(
            session, now, settings, account.id, candidate.id, opening_id=opening.id, message=BODY
        ).id
        messages.write_as_candidate(session, now, settings, candidate.account_id, self.contact_id, "Oui !")
        self.copy_id = uuid4()
        session.add(
            CVDownload(
                id=self.copy_id, recruiter_id=recruiter.id, company_id=recruiter.company_id,
                candidate_id=candidate.id, opening_id=opening.id, cv_id=uuid4(), downloaded_at=now,
                delete_by_on=date(2027, 5, 23), session_id=uuid4(),
            )
        )  # fmt: skip
        request_mail(session, now, "password_changed", account.id)


@pytest.fixture
def past(ports: Ports) -> Past:
    return Past(ports)


def purge(ports: Ports) -> None:
    """A year passes: notices, closing, purge, and the daily rules."""
    for days in (60, 30, 7, 0):
        at(ports, END - timedelta(days=days))
        retention.purge_inactive(ports)
        deliver(ports)
    at(ports, END + timedelta(hours=1))
    retention.purge_inactive(ports)
    at(ports, END + timedelta(days=9))
    retention.run(ports, [rule for rule in retention.RULES if rule.is_daily])
    with ports.db.transaction() as session:
        remove_discarded(session, ports.clock.now(), ports.files, limit=100)


def test_after_a_purge_nothing_personal_is_left(past: Past, ports: Ports) -> None:
    """B6, P-11: no table, file, log or mail holds a word of the person; the ledger keeps the job title."""
    before = {canary: places_of(ports, canary) for canary in CANARIES}
    assert all(before.values()), "each canary is somewhere, or its absence later would prove nothing"
    assert "mail" in before["canari.mail"]
    assert "files" in before["canarimandate"]
    with capture_logs() as logs:
        purge(ports)
    after = {canary: places for canary in CANARIES if (places := places_of(ports, canary))}
    assert after == {TITLE: {"disclosure"}}
    said = json.dumps(logs, default=str).lower()
    assert [canary for canary in CANARIES if canary.lower() in said] == []
    assert list(ports.settings.mail_dir.glob("*.eml")) == []


def test_what_must_stay_stays(past: Past, ports: Ports) -> None:
    """B6, C6: access log, thread and open duty are there; the thread says that the account was closed."""
    purge(ports)
    with ports.db.transaction() as session:
        tombstone = session.get_one(Recruiter, past.recruiter_id)
        assert tombstone.state == RecruiterState.PURGED
        assert session.scalar(select(Recruiter.account_id).where(Recruiter.id == tombstone.id)) is None
    with ports.db.transaction() as session:
        log = ledger_queries.access_log(session, past.candidate_id).rows
        assert {(row.role, row.company.startswith("Acme")) for row in log} == {(TITLE, True)}
        duty = session.get_one(CVDownload, past.copy_id)
        assert duty.state == DutyState.OPEN
        (contact,) = messages.candidate_contacts(session, past.candidate_account).rows
        assert (contact.has_recruiter, contact.recruiter_name, contact.recruiter_role) == (False, "", "")
        thread = messages.candidate_thread(
            session, ports.clock.now(), past.candidate_account, past.contact_id
        )
        assert not thread.may_write
        assert [(line.author, line.body) for line in thread.messages] == [
            (MessageAuthor.RECRUITER, ""), (MessageAuthor.CANDIDATE, "Oui !"),
        ]  # fmt: skip
        with pytest.raises(ConflictError):
            messages.write_as_candidate(
                session, ports.clock.now(), ports.settings, past.candidate_account, past.contact_id, "?"
            )
        assert messages.answer_contact(
            session, ports.clock.now(), past.candidate_account, past.contact_id, messages.Answer.ACCEPT
        )
        company_id = session.get_one(Recruiter, past.recruiter_id).company_id
        assert review_queries.recruiters_page(session)[0] == ()
        assert review_queries.company_evidence(session, company_id).company.recruiters == ()


def test_the_archive_record_names_nobody_and_is_erased_after_two_years(past: Past, ports: Ports) -> None:
    """F3: who accepted what, what they accessed, why they closed, for two years to the instant."""
    purge(ports)
    with ports.db.reading() as session:
        record = session.scalars(select(ArchiveRecord)).one()
    assert [row["document"] for row in record.acceptances] == ["ethical_code"]
    assert {kind: row["count"] for kind, row in record.accessed.items()} == {"profile": 1, "contact": 1}
    assert (record.reason, record.recruiter_id) == ("inactivity", past.recruiter_id)
    assert record.address_hash == address_hash(ports.settings, EMAIL)
    assert EMAIL.encode() not in record.address_hash
    rule = [rule for rule in retention.RULES if rule.id == "archive_records"]
    at(ports, datetime(2029, 11, 23, 8, 59, 59, tzinfo=UTC))
    assert retention.run(ports, rule)["archive_records"].done == 0
    at(ports, datetime(2029, 11, 23, 9, 0, tzinfo=UTC))
    assert retention.run(ports, rule)["archive_records"].done == 1


# --- Every rule of the table ---------------------------------------------------------------------


def due_rows(ports: Ports, now: datetime) -> None:
    """One row of each daily rule that is due at ``now``, and one a second from being so."""
    second = timedelta(seconds=1)
    with ports.db.transaction() as session:
        account = an_account(session)
        for late in (timedelta(0), second):
            day = now - timedelta(hours=24) + late
            token = open_session(session, account, day - timedelta(hours=12))
            assert token
            session.add(
                MailToken(
                    account_id=account.id, purpose=TokenPurpose.CONFIRM_EMAIL, token_hash=os.urandom(32),
                    created_at=day, expires_at=day,
                )
            )  # fmt: skip
            session.add(
                MailToken(
                    account_id=account.id, purpose=TokenPurpose.CONFIRM_EMAIL, token_hash=os.urandom(32),
                    created_at=day, expires_at=now + timedelta(days=9), used_at=day,
                )
            )  # fmt: skip
            session.add(
                ReplayedRequest(
                    account_id=account.id, key_hash=os.urandom(32), body_hash=os.urandom(32), made_id=uuid4(),
                    at=day,
                )
            )  # fmt: skip
            outbox.publish(session, day, "mail.requested", account.id)
            company = a_company(session, "pending")
            unconfirmed = an_account(
                session, Role.RECRUITER, email_confirmed_at=None,
                registered_at=now - timedelta(days=7) + late, last_activity_at=None,
            )  # fmt: skip
            a_recruiter(session, "pending_confirmation", account=unconfirmed, company=company)
            session.add(archive(now + late))
            session.add(QuotaUse(quota="SEARCH", account_id=account.id, at=day))
            session.add(SignInFailure(subject_hash=os.urandom(32), in_a_row=1, last_failed_at=day, recent=[]))
        session.flush()
        an_account(session, Role.ADMIN, email_confirmed_at=None, registered_at=now - timedelta(days=99))
        rows = session.scalars(select(OutboxMessage).order_by(OutboxMessage.id)).all()
        rows[0].done_at, rows[1].done_at = rows[0].created_at - second, rows[1].created_at


def archive(erase_at: datetime) -> ArchiveRecord:
    return ArchiveRecord(
        recruiter_id=uuid4(), company_id=uuid4(), company_name="Acme", address_hash=b"0" * 32, acceptances=[],
        declarations=[], declared_at=LAST_USED, accessed={}, notices=[], reason="inactivity",
        registered_at=LAST_USED, closed_at=LAST_USED, erase_at=erase_at,
    )  # fmt: skip


EXPECTED = {
    "archive_records": 1, "registrations_unconfirmed": 1, "sessions": 1, "mailed_links": 2,
    "repeated_requests": 1, "outbox": 1, "mail_bodies": 0, "quota_uses": 1, "sign_in_failures": 1,
}  # fmt: skip


def counts(db: Database) -> dict[str, int]:
    tables = (
        Account, AccountSession, MailToken, ReplayedRequest, OutboxMessage, ArchiveRecord, Company,
        QuotaUse, SignInFailure,
    )  # fmt: skip
    with db.reading() as session:
        return {
            table.__tablename__: session.scalar(select(func.count()).select_from(table)) or 0
            for table in tables
        }


def test_each_rule_deletes_at_its_bound_and_not_a_second_before(ports: Ports) -> None:
    """F2: what is due is deleted, what lacks a second stays; a dry run reports the same only."""
    now = datetime(2027, 3, 1, 2, 0, tzinfo=UTC)
    due_rows(ports, now)
    at(ports, now)
    before = counts(ports.db)
    daily = [rule for rule in retention.RULES if rule.is_daily]
    forecast = {item.rule.id: item for item in retention.forecast(ports, 1)}
    dry = retention.run(ports, daily, is_dry_run=True)
    assert counts(ports.db) == before
    with ports.db.reading() as session:
        assert certificates.newest_runs(session, 10) == []
    real = retention.run(ports, daily)
    assert {rule: report.done for rule, report in real.items()} == EXPECTED
    for rule, report in real.items():
        assert (report.found, report.subjects_sha256) == (dry[rule].found, dry[rule].subjects_sha256)
        assert forecast[rule].now == report.done
        assert forecast[rule].due == 2 * report.done
    left = {table: before[table] - number for table, number in counts(ports.db).items()}
    assert left == {
        "account": 1, "account_session": 1, "mail_token": 2, "replayed_request": 1, "outbox_message": 1,
        "archive_record": 1, "company": 1, "quota_use": 1, "sign_in_failure": 1,
    }  # fmt: skip


def test_a_company_somebody_needs_is_not_deleted_with_a_registration(ports: Ports) -> None:
    """F2: of an unconfirmed registration the company goes if nobody else is in it and no admin decided."""
    now = datetime(2027, 3, 1, tzinfo=UTC)
    with ports.db.transaction() as session:
        shared, verified = a_company(session, "pending"), a_company(session)
        a_recruiter(session, "pending", company=shared)
        for company in (shared, verified):
            account = an_account(session, Role.RECRUITER, email_confirmed_at=None)
            a_recruiter(session, "pending_confirmation", account=account, company=company)
    at(ports, now)
    rule = [rule for rule in retention.RULES if rule.id == "registrations_unconfirmed"]
    assert retention.run(ports, rule)["registrations_unconfirmed"].done == 2
    with ports.db.reading() as session:
        assert session.scalar(select(func.count()).select_from(Company)) == 2


def test_certificates_are_proof_that_nobody_can_change(ports: Ports) -> None:
    """F2: each real run leaves one with numbers and proof; the table is append-only."""
    due_rows(ports, LAST_USED)
    retention.run(ports, [rule for rule in retention.RULES if rule.id == "sessions"])
    with ports.db.transaction() as session:
        (run,) = certificates.newest_runs(session, 10)
        assert (run.rule, run.found, run.done, run.cutoff_at) == ("sessions", 1, 1, LAST_USED)
        assert len(run.subjects_sha256) == 64
    with ports.db.transaction() as session:
        with pytest.raises(IntegrityError):
            session.execute(delete(RetentionRun))
        session.rollback()


def test_old_mails_of_the_folder_are_deleted(ports: Ports) -> None:
    """F2: a mail in the outbox folder has seven days; a dry run only counts."""
    with ports.db.transaction() as session:
        for _ in range(2):
            request_mail(session, LAST_USED, "password_changed", an_account(session).id)
    deliver(ports)
    first, second = sorted(ports.settings.mail_dir.glob("*.eml"))
    bound = (LAST_USED - timedelta(days=7)).timestamp()
    os.utime(first, (bound - 1, bound - 1))
    os.utime(second, (bound, bound))
    rule = [rule for rule in retention.RULES if rule.id == "mail_bodies"]
    assert retention.run(ports, rule, is_dry_run=True)["mail_bodies"].done == 1
    assert first.exists()
    assert retention.run(ports, rule)["mail_bodies"].done == 1
    assert (first.exists(), second.exists()) == (False, True)


def test_a_sweep_passes_by_what_another_holds(db: Database) -> None:
    """F2: two runs at once wait for nobody; the row is deleted by the one that holds it, or the next."""
    with db.transaction() as session:
        session.add_all([archive(LAST_USED) for _ in range(5)])
    due = ArchiveRecord.erase_at <= LAST_USED
    with db.transaction() as other:
        other.scalars(select(ArchiveRecord).limit(1).with_for_update()).one()
        report = batches.sweep(db, (ArchiveRecord.id,), due, page=2)
    assert (report.found, report.done, report.skipped) == (5, 4, {batches.MOVED_ON: 1})
    assert batches.sweep(db, (ArchiveRecord.id,), due, page=1).done == 1


def test_the_dry_run_of_closing_and_purging_forgets_nothing(past: Past, ports: Ports) -> None:
    """F2: in a dry run no mail file goes, no row changes, and the numbers are those of the real run."""
    for days in (60, 30, 7):
        at(ports, END - timedelta(days=days))
        retention.send_notices(ports)
        deliver(ports)
    at(ports, END)
    rules = [rule for rule in retention.RULES if not rule.is_daily]
    assert retention.run(ports, rules, is_dry_run=True)["recruiters_inactive"].done == 1
    with ports.db.reading() as session:
        assert session.get_one(Recruiter, past.recruiter_id).state == RecruiterState.NOTIFIED
    assert retention.run(ports, rules)["recruiters_inactive"].done == 1
    deliver(ports)
    mails = len(list(ports.settings.mail_dir.glob("*.eml")))
    dry = retention.run(ports, rules, is_dry_run=True)["recruiters_closed"]
    assert len(list(ports.settings.mail_dir.glob("*.eml"))) == mails
    assert places_of(ports, FIRST)
    assert dry.done == retention.run(ports, rules)["recruiters_closed"].done == 1


# --- Ten thousand --------------------------------------------------------------------------------


def many_due(session: Session, number: int) -> None:
    """Notified recruiters of one company whose year has passed."""
    company = a_company(session)
    accounts, recruiters, notices = [], [], []
    for index in range(number):
        account_id, recruiter_id = uuid4(), uuid4()
        email = f"r{index}@acme-industries.fr"
        accounts.append({
            "id": account_id, "role": "recruiter", "email": email, "email_canonical": email,
            "email_confirmed_at": LAST_USED, "first_name": "A", "last_name": "B", "language": "fr",
            "password_hash": None, "password_kind": "none", "registered_at": LAST_USED,
        })  # fmt: skip
        recruiters.append({
            "id": recruiter_id, "account_id": account_id, "company_id": company.id, "job_title": "T",
            "work_country": "FR", "state": "notified", "state_changed_at": LAST_USED, "is_owner": False,
            "email_domain": "acme-industries.fr", "declarations": [], "declared_at": LAST_USED,
            "confirmed_at": LAST_USED, "review_reasons": [],
        })  # fmt: skip
        notices.append({
            "id": uuid4(), "recruiter_id": recruiter_id, "anchor": LAST_USED, "step": 7, "due_at": LAST_USED,
            "requested_at": LAST_USED, "sent_at": LAST_USED,
        })  # fmt: skip
    session.execute(insert(Account), accounts)
    session.execute(insert(Recruiter), recruiters)
    session.execute(insert(InactivityNotice), notices)


@pytest.mark.slow
def test_memory_is_that_of_a_page_however_many_are_due(ports: Ports) -> None:
    """B5, section D: memory stays that of one page from the first fifty on, so of 10,000 due as well."""
    with ports.db.transaction() as session:
        many_due(session, 300)
    at(ports, END)
    job = closing_job(END, ports.settings, closing_hooks())
    seen: list[int] = []

    def watch(report: batches.BatchReport) -> None:
        if report.found == 50:
            tracemalloc.start()
        elif report.found > 50 and report.found % 50 == 0:
            seen.append(tracemalloc.get_traced_memory()[0])

    report = batches.run(ports.db, job, page=50, progress=watch)
    tracemalloc.stop()
    assert report.done == 300
    assert seen[-1] - seen[0] < 400_000


# --- The edges -----------------------------------------------------------------------------------


def call(*arguments: str, **environment: str) -> Any:
    return CliRunner().invoke(main, list(arguments), env=environment, prog_name="marketplace")


@pytest.fixture
def environment(tmp_path: Path, database_url: str) -> dict[str, str]:
    return {"DATABASE_URL": database_url, "MARKETPLACE_DATA": str(tmp_path / "data")}


def test_the_command_line_forecasts_and_runs(environment: dict[str, str], ports: Ports) -> None:
    """F2: the same numbers for people and for programs; a dry run writes nothing; an unknown rule is 2."""
    due_rows(ports, datetime(2026, 1, 1, tzinfo=UTC))
    forecast = json.loads(call("retention", "forecast", "--days", "30", "--json", **environment).output)
    assert {row["rule"]: row["now"] for row in forecast["rules"]}["sessions"] == 2
    assert "sessions" in call("retention", "forecast", **environment).output
    dry = call("retention", "run", "--dry-run", "--only", "sessions", "--json", **environment)
    line = json.loads(dry.output.splitlines()[-1])
    assert (line["rule"], line["dry_run"], line["done"]) == ("sessions", True, 2)
    assert counts(ports.db)["account_session"] == 2
    result = call("retention", "run", **environment)
    assert result.exit_code == 0, result.output
    assert "inactivity_notices" in result.output
    assert counts(ports.db)["account_session"] == 0
    assert call("retention", "run", "--only", "nothing", **environment).exit_code == 2


def test_the_privacy_page_shows_the_table() -> None:
    """F2, GDPR 30: the page is generated from the data."""
    assert retention.as_markdown() in (ROOT / "docs/privacy.md").read_text(encoding="utf-8")


def test_ids_of_rules_are_unique() -> None:
    """F2: a certificate names one rule."""
    ids = [rule.id for rule in retention.RULES]
    assert len(set(ids)) == len(ids)
