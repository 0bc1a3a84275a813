"""The retention table as data: what is kept, until when, what ends it, and how that is proved (F2).

One row a rule: it can forecast and it can run. ``docs/privacy.md`` shows the table and a test holds
it true. A run is the same code in earnest and as a rehearsal; one in earnest leaves a certificate. What
ends the archive of closed recruiters (F3) is a row like the others.
To add a rule, add a row to :data:`RULES`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, exists, func, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from marketplace import batches, certificates, outbox
from marketplace.accounts import throttling
from marketplace.accounts.models import Account, AccountSession, MailToken, Role, SignInFailure
from marketplace.batches import BatchReport, Job, Skip
from marketplace.catalogues import N_
from marketplace.closing_hooks import closing_hooks
from marketplace.contacts.models import ReplayedRequest
from marketplace.outbox import OutboxMessage
from marketplace.ports import Ports
from marketplace.rate_limits import uses
from marketplace.rate_limits.models import QuotaUse
from marketplace.recruiters import inactivity
from marketplace.recruiters.models import ArchiveRecord, Company, CompanyState, Recruiter
from marketplace.settings import Settings

FORECAST_DAYS = (30, 60, 90)

Progress = Callable[[BatchReport], None]
Condition = Callable[[datetime, Settings], ColumnElement[bool]]
"""What is due at an instant, over the columns of one table."""


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One row of the table. ``clause`` is the id of the Terms; ``period`` says its length in words."""

    id: str
    clause: str
    what: str
    trigger: str
    period: Callable[[Settings], str]
    action: str
    proof: str
    count_due: Callable[[Ports, Session, datetime], int]
    carry_out: Callable[[Ports, datetime, bool, Progress | None], BatchReport]
    is_daily: bool = True


@dataclass(frozen=True, kw_only=True)
class Forecast:
    """How many subjects a rule will have found by the end of some days; ``now`` are due already."""

    rule: Rule
    period: str
    now: int
    due: int


def forecast(ports: Ports, days: int) -> Sequence[Forecast]:
    """Return what becomes due within ``days`` if nobody does anything about it, rule by rule (F2)."""
    now = ports.clock.now()
    with ports.db.transaction() as session:
        return [
            Forecast(
                rule=rule,
                period=rule.period(ports.settings),
                now=rule.count_due(ports, session, now),
                due=rule.count_due(ports, session, now + timedelta(days=days)),
            )
            for rule in RULES
        ]


def run(
    ports: Ports,
    rules: Iterable[Rule],
    *,
    is_dry_run: bool = False,
    progress: Callable[[Rule, BatchReport], None] | None = None,
) -> Mapping[str, BatchReport]:
    """Carry out rules and return their reports; each real run leaves its certificate (F2)."""
    reports = {}
    for rule in rules:
        started_at = ports.clock.now()
        tell = None if progress is None else _told(progress, rule)
        report = reports[rule.id] = rule.carry_out(ports, started_at, is_dry_run, tell)
        if not is_dry_run:
            with ports.db.transaction() as session:
                certificates.record_run(session, rule.id, started_at, ports.clock.now(), report)
    return reports


def send_notices(ports: Ports, *, is_dry_run: bool = False, progress: Progress | None = None) -> BatchReport:
    """Ask for the notices of inactivity that are due (B5)."""
    now = ports.clock.now()
    return batches.run(
        ports.db, inactivity.notices_job(now, ports.settings), is_dry_run=is_dry_run, progress=progress
    )


def purge_inactive(ports: Ports) -> Mapping[str, BatchReport]:
    """Send the notices that are due, close who had them all, purge who is closed and was told (B5, B6)."""
    notices = send_notices(ports)
    return {"notices": notices, **run(ports, [rule for rule in RULES if not rule.is_daily])}


# --- Kinds of rows -------------------------------------------------------------------------------


def _swept(key: tuple[InstrumentedAttribute[Any], ...], due: Condition) -> dict[str, Any]:
    """Rows that are deleted as they are."""

    def count(ports: Ports, session: Session, until: datetime) -> int:
        statement = select(func.count()).select_from(key[0].class_).where(due(until, ports.settings))
        return session.scalar(statement) or 0

    def carry_out(ports: Ports, now: datetime, is_dry_run: bool, progress: Progress | None) -> BatchReport:
        return batches.sweep(
            ports.db, key, due(now, ports.settings), is_dry_run=is_dry_run, progress=progress
        )

    return {"count_due": count, "carry_out": carry_out}


def _worked_off(
    job: Callable[[Ports, datetime, bool], Job[Any]],
    count: Callable[[Session, datetime, Settings], int],
) -> dict[str, Any]:
    """Subjects that are decided on one by one."""

    def count_due(ports: Ports, session: Session, until: datetime) -> int:
        return count(session, until, ports.settings)

    def carry_out(ports: Ports, now: datetime, is_dry_run: bool, progress: Progress | None) -> BatchReport:
        return batches.run(ports.db, job(ports, now, is_dry_run), is_dry_run=is_dry_run, progress=progress)

    return {"count_due": count_due, "carry_out": carry_out}


# --- Jobs ----------------------------------------------------------------------------------------


def _closing(ports: Ports, now: datetime, is_dry_run: bool) -> Job[Recruiter]:
    if not is_dry_run:
        with ports.db.transaction() as session:
            inactivity.mark_undeliverable(session, now)
    return inactivity.closing_job(now, ports.settings, closing_hooks())


def _purging(ports: Ports, now: datetime, is_dry_run: bool) -> Job[Recruiter]:
    forget = _nothing if is_dry_run else ports.mailer.forget  # a deleted file cannot be taken back
    return inactivity.purging_job(now, ports.settings, closing_hooks(), forget)


def _nothing(_: str) -> None:
    """Forget nobody: a rehearsal."""


def _unconfirmed_due(until: datetime, settings: Settings) -> ColumnElement[bool]:
    return (
        Account.email_confirmed_at.is_(None)
        & (Account.role != Role.ADMIN)
        & (Account.registered_at <= until - timedelta(days=settings.unconfirmed_days))
    )


def _unconfirmed(ports: Ports, now: datetime, _: bool) -> Job[Account]:
    return Job(
        name="registrations.unconfirmed",
        key=Account.id,
        due=select(Account).where(_unconfirmed_due(now, ports.settings)),
        act=_delete_registration,
        locked=(Account,),
    )


def _delete_registration(session: Session, account: Account) -> Skip | None:
    """Delete an account nobody confirmed, and the company it alone brought along."""
    company_id = session.scalar(select(Recruiter.company_id).where(Recruiter.account_id == account.id))
    session.delete(account)
    session.flush()
    company = None if company_id is None else session.get(Company, company_id, with_for_update=True)
    is_needed = company is None or company.state != CompanyState.PENDING_REVIEW or company.decided_at
    if company is not None and not is_needed:
        others = exists().where(Recruiter.company_id == company.id)
        if not session.scalar(select(others)):
            session.delete(company)
    return None


def _count_unconfirmed(session: Session, until: datetime, settings: Settings) -> int:
    statement = select(func.count()).select_from(Account).where(_unconfirmed_due(until, settings))
    return session.scalar(statement) or 0


def _count_mails(ports: Ports, _: Session, until: datetime) -> int:
    return ports.mailer.expire(until - timedelta(days=ports.settings.mail_body_days), is_dry_run=True)


def _expire_mails(ports: Ports, now: datetime, is_dry_run: bool, progress: Progress | None) -> BatchReport:
    before = now - timedelta(days=ports.settings.mail_body_days)
    report = BatchReport()
    report.found = report.done = ports.mailer.expire(before, is_dry_run=is_dry_run)
    if progress is not None:
        progress(report)
    return report


def _spent_before(until: datetime, settings: Settings) -> datetime:
    return until - timedelta(hours=settings.spent_hours)


# --- The table -----------------------------------------------------------------------------------

CERTIFICATE = "certificate of the run"

RULES: tuple[Rule, ...] = (
    Rule(
        id="recruiters_inactive",
        clause="B5",
        what=N_("Recruiters who do not use their account"),
        trigger="later of registration and last authenticated activity",
        period=lambda s: (
            f"{s.inactivity_years} calendar year; notices {s.inactivity_first_notice_days}, "
            f"{s.inactivity_second_notice_days} and {s.inactivity_last_notice_days} days before; never "
            f"before {s.inactivity_days_after_last_notice} days after the last; a legal hold stops it"
        ),
        action="close: sessions end, archive record written, statement of obligations mailed",
        proof=f"{CERTIFICATE}; audit entry and notices in the archive record",
        is_daily=False,
        **_worked_off(_closing, inactivity.ending_by),
    ),
    Rule(
        id="recruiters_closed",
        clause="B6",
        what=N_("Account, sessions, acceptances, mandate, own messages and mails of a closed recruiter"),
        trigger="the statement of obligations was sent",
        period=lambda s: f"at once; {s.closing_mail_days} days after closure if it cannot be sent",
        action="delete; a tombstone keeps ledger, threads and open deletion duties together",
        proof=f"{CERTIFICATE}; audit entry",
        is_daily=False,
        **_worked_off(_purging, inactivity.closed_by),
    ),
    Rule(
        id="archive_records",
        clause="F3",
        what=N_(
            "Archive record of a closed recruiter: acceptances, accesses in numbers, reason, under no name"
        ),
        trigger="closure",
        period=lambda s: f"{s.archive_years} calendar years",
        action="delete",
        proof=CERTIFICATE,
        **_swept((ArchiveRecord.id,), lambda until, _: ArchiveRecord.erase_at <= until),
    ),
    Rule(
        id="registrations_unconfirmed",
        clause="F2",
        what=N_("Registrations whose address was never confirmed, with a company nobody else is in"),
        trigger="registration",
        period=lambda s: f"{s.unconfirmed_days} days",
        action="delete",
        proof=CERTIFICATE,
        **_worked_off(_unconfirmed, _count_unconfirmed),
    ),
    Rule(
        id="sessions",
        clause="F2",
        what=N_("Sessions, with browser and shortened address"),
        trigger="their absolute end",
        period=lambda s: f"{s.spent_hours} hours",
        action="delete",
        proof=CERTIFICATE,
        **_swept((AccountSession.id,), lambda until, s: AccountSession.expires_at <= _spent_before(until, s)),
    ),
    Rule(
        id="mailed_links",
        clause="F2",
        what=N_("Mailed single-use links (hashes)"),
        trigger="use or expiry",
        period=lambda s: f"{s.spent_hours} hours",
        action="delete",
        proof=CERTIFICATE,
        **_swept(
            (MailToken.id,),
            lambda until, s: or_(
                MailToken.expires_at <= _spent_before(until, s), MailToken.used_at <= _spent_before(until, s)
            ),
        ),
    ),
    Rule(
        id="repeated_requests",
        clause="F2",
        what=N_("What a request with an Idempotency-Key made"),
        trigger="the request",
        period=lambda s: f"{s.idempotency_hours} hours",
        action="delete",
        proof=CERTIFICATE,
        **_swept(
            (ReplayedRequest.account_id, ReplayedRequest.key_hash),
            lambda until, s: ReplayedRequest.at <= until - timedelta(hours=s.idempotency_hours),
        ),
    ),
    Rule(
        id="outbox",
        clause="F2",
        what=N_("Messages carried out (topics and ids)"),
        trigger="done",
        period=lambda _: "1 day",
        action="delete, hourly too",
        proof=CERTIFICATE,
        **_swept((OutboxMessage.id,), lambda until, _: outbox.prunable(until)),
    ),
    Rule(
        id="mail_bodies",
        clause="F2",
        what=N_("Mails in the outbox folder (only where no mail server is set)"),
        trigger="sent",
        period=lambda s: f"{s.mail_body_days} days",
        action="delete",
        proof=f"{CERTIFICATE}, by number",
        count_due=_count_mails,
        carry_out=_expire_mails,
    ),
    Rule(
        id="quota_uses",
        clause="F2",
        what=N_("Acts counted in the quotas of a day (ids and times)"),
        trigger="the act",
        period=lambda _: "1 day",
        action="delete",
        proof=CERTIFICATE,
        **_swept((QuotaUse.id,), lambda until, _: uses.prunable(until)),
    ),
    Rule(
        id="sign_in_failures",
        clause="F2",
        what=N_("Failed sign-ins of an address (a keyed hash and times)"),
        trigger="the last failure",
        period=lambda s: f"1 day; {s.sign_in_lock_days} days from {s.sign_in_lock_after} in a row on",
        action="delete",
        proof=CERTIFICATE,
        **_swept((SignInFailure.subject_hash,), throttling.prunable),
    ),
)


def as_markdown() -> str:
    """Return the table as ``docs/privacy.md`` shows it, with the defaults of the settings."""
    settings = Settings()
    rows = [
        f"| `{rule.id}` | {rule.clause} | {rule.what} | {rule.trigger} | {rule.period(settings)} "
        f"| {rule.action} | {rule.proof} |"
        for rule in RULES
    ]
    head = "| id | rule | what | counted from | kept for | then | proof |\n|---|---|---|---|---|---|---|\n"
    return head + "\n".join(rows) + "\n"


def _told(progress: Callable[[Rule, BatchReport], None], rule: Rule) -> Progress:
    return lambda report: progress(rule, report)


if __name__ == "__main__":
    print(as_markdown(), end="")  # noqa: T201  (prints the table)
