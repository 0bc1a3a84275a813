"""Closing a recruiter's account and taking the person's data away (rules B6, F3).

Two steps, because a mail goes out in between. :func:`close` ends access at once, writes the archive
record and asks for the statement of obligations; :func:`purge`, once that mail was sent, deletes the
account and leaves a tombstone for what must stay readable: the candidates' access log (company and
role as they were, in the append-only ledger), their threads, and open deletion duties.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import String, cast, delete, or_, select, update
from sqlalchemy.orm import Session

from marketplace import audit, outbox
from marketplace.accounts.mail_requests import MAIL_REQUESTED, request_mail
from marketplace.accounts.models import Account, AccountSession, MailToken, PasswordKind
from marketplace.batches import Skip
from marketplace.files import DISCARDED
from marketplace.outbox import OutboxMessage
from marketplace.periods import add_years
from marketplace.recruiters.lifecycle import RecruiterState, transition
from marketplace.recruiters.models import (
    ArchiveRecord,
    Company,
    EmailDomainRule,
    InactivityNotice,
    LegalHold,
    Recruiter,
    ReviewDecision,
)
from marketplace.recruiters.policy import Address, RuleVerdict, read_address
from marketplace.recruiters.retention import accessed_summary
from marketplace.settings import Settings
from marketplace.signing import signing_key
from marketplace.terms.models import Acceptance

STATEMENT = "recruiter_closed"
"""Name of the mail with the statement of obligations (F3)."""

COLLEAGUE_BUSY = "colleague_busy"


class ClosingReason(StrEnum):
    """Why an account was closed, as the archive keeps it (F3)."""

    INACTIVITY = "inactivity"


@dataclass(frozen=True)
class ClosingHooks:
    """What other features know of a recruiter and do when one goes; wired in ``closing_hooks.py``.

    ``accessed`` gives the ledger by kind (count, first, last); ``closed`` and ``purged`` act in the
    same transaction; ``settle_link`` makes the link to settle open duties when the statement is
    mailed, None when there is none to settle.
    """

    accessed: Callable[[Session, UUID], Sequence[tuple[str, int, datetime, datetime]]]
    closed: Callable[[Session, datetime, UUID], None]
    purged: Callable[[Session, datetime, UUID], None]
    settle_link: Callable[[Session, datetime, Settings, UUID], str | None] | None = None


def close(
    session: Session,
    now: datetime,
    settings: Settings,
    hooks: ClosingHooks,
    recruiter: Recruiter,
    reason: ClosingReason,
) -> Skip | None:
    """End every access, pass ownership on, write the archive record, ask for the statement (B6, F3).

    The caller holds company, account and recruiter, and has decided. Skips while the colleague who
    would own the company is being changed by somebody else.
    """
    account = session.get_one(Account, recruiter.account_id)
    company = session.get_one(Company, recruiter.company_id)
    if recruiter.is_owner and not _hand_over(session, now, recruiter):
        return Skip(COLLEAGUE_BUSY)
    before = RecruiterState(recruiter.state)
    recruiter.state = transition(transition(before, RecruiterState.DELETION_PENDING), RecruiterState.CLOSED)
    recruiter.state_changed_at = now
    _lock_out(session, now, account)
    hooks.closed(session, now, recruiter.id)
    session.add(_archive_record(session, now, settings, hooks, recruiter, account, company, reason))
    session.flush()
    request_mail(session, now, STATEMENT, account.id, recruiter_id=str(recruiter.id))
    _audit(session, now, "recruiter.closed", recruiter.id, "B6", before=before.value, reason=reason.value)
    return None


def purge(session: Session, now: datetime, hooks: ClosingHooks, recruiter: Recruiter) -> str:
    """Take the person's data away and leave the tombstone; return the address, to be forgotten (B6).

    Ledger, contacts, openings and duties stay, and point at the tombstone. What the candidate wrote
    is the candidate's and stays as well.
    """
    account = session.get_one(Account, recruiter.account_id)
    account_id, email, canonical = account.id, account.email, account.email_canonical
    if recruiter.mandate_file is not None:
        outbox.publish(session, now, DISCARDED, recruiter.mandate_file)
    recruiter.state = transition(RecruiterState(recruiter.state), RecruiterState.PURGED)
    recruiter.state_changed_at = now
    recruiter.mandate_file = recruiter.requested_work_country = None
    recruiter.job_title = recruiter.email_domain = ""
    recruiter.declarations, recruiter.review_reasons = [], []
    hooks.purged(session, now, recruiter.id)
    session.execute(
        update(ReviewDecision).where(ReviewDecision.recruiter_id == recruiter.id).values(reason="")
    )
    session.execute(delete(LegalHold).where(LegalHold.recruiter_id == recruiter.id))
    session.execute(delete(InactivityNotice).where(InactivityNotice.recruiter_id == recruiter.id))
    session.execute(
        update(ArchiveRecord).where(ArchiveRecord.recruiter_id == recruiter.id).values(purged_at=now)
    )
    _drop_address_rules(session, {email, canonical})
    _drop_messages(session, account_id)
    session.execute(  # first let go, so that deleting the account leaves the tombstone
        update(Recruiter).where(Recruiter.id == recruiter.id).values(account_id=None)
    )
    session.execute(
        delete(Account).where(Account.id == account_id).execution_options(synchronize_session=False)
    )
    _audit(session, now, "recruiter.purged", recruiter.id, "B6")
    return email


def _hand_over(session: Session, now: datetime, recruiter: Recruiter) -> bool:
    """Let the longest-standing active colleague own the company; False while that row is held (B6).

    With nobody active the longest-standing one who waits for review; with nobody at all the next who
    registers becomes the owner, as the first did.
    """
    heir_id = None
    for states in (
        (RecruiterState.ACTIVE, RecruiterState.NOTIFIED),
        (RecruiterState.PENDING_REVIEW,),
    ):
        heir_id = heir_id or session.scalar(
            select(Recruiter.id)
            .join(Account, Account.id == Recruiter.account_id)
            .where(
                Recruiter.company_id == recruiter.company_id,
                Recruiter.id != recruiter.id,
                Recruiter.state.in_(states),
            )
            .order_by(Account.registered_at, Recruiter.id)
            .limit(1)
        )
    if heir_id is not None:
        heir = session.scalar(
            select(Recruiter).where(Recruiter.id == heir_id).with_for_update(skip_locked=True)
        )
        if heir is None:
            return False
        heir.is_owner = True
        _audit(session, now, "company.ownership_passed", heir.id, "B6", company_id=str(heir.company_id))
    recruiter.is_owner = False
    return True


def _lock_out(session: Session, now: datetime, account: Account) -> None:
    """End every session, void every link and password: nobody signs in to a closed account."""
    account.closed_at = now
    account.epoch += 1
    account.password_hash, account.password_kind = None, PasswordKind.NONE
    account.may_use_bearer = False
    session.execute(delete(AccountSession).where(AccountSession.account_id == account.id))
    session.execute(delete(MailToken).where(MailToken.account_id == account.id))


def _archive_record(
    session: Session,
    now: datetime,
    settings: Settings,
    hooks: ClosingHooks,
    recruiter: Recruiter,
    account: Account,
    company: Company,
    reason: ClosingReason,
) -> ArchiveRecord:
    accepted = session.scalars(
        select(Acceptance).where(Acceptance.account_id == account.id).order_by(Acceptance.accepted_at)
    )
    notices = session.scalars(
        select(InactivityNotice)
        .where(InactivityNotice.recruiter_id == recruiter.id)
        .order_by(InactivityNotice.due_at)
    )
    return ArchiveRecord(
        recruiter_id=recruiter.id,
        company_id=company.id,
        company_name=company.legal_name,
        address_hash=address_hash(settings, account.email_canonical),
        acceptances=[
            {
                "document": row.document, "version": row.version, "language": row.language,
                "text_hash": row.text_hash, "accepted_at": row.accepted_at.isoformat(),
            }
            for row in accepted
        ],
        declarations=list(recruiter.declarations),
        declared_at=recruiter.declared_at,
        accessed=dict(accessed_summary(hooks.accessed(session, recruiter.id))),
        notices=[
            {"step": row.step, "sent_at": row.sent_at.isoformat() if row.sent_at else None} for row in notices
        ],
        reason=reason.value,
        registered_at=account.registered_at,
        last_activity_at=account.last_activity_at,
        closed_at=now,
        erase_at=add_years(now, settings.archive_years),
    )  # fmt: skip


def address_hash(settings: Settings, canonical: str) -> bytes:
    """Return the keyed hash under which an address is found again, and only by asking for it (F3)."""
    return hmac.digest(signing_key(settings, "archive address"), canonical.encode(), hashlib.sha256)


def _drop_address_rules(session: Session, addresses: set[str]) -> None:
    """Forget that an admin let this one address in (B2); a refusal of it stays until B7 keeps a hash."""
    read = [read_address(address) for address in addresses]
    identities = {address.identity for address in read if isinstance(address, Address)} | addresses
    session.execute(
        delete(EmailDomainRule).where(
            EmailDomainRule.pattern.in_(identities), EmailDomainRule.verdict == RuleVerdict.ALLOW
        )
    )


def _drop_messages(session: Session, account_id: UUID) -> None:
    """Delete the mails asked for the person, sent or not; those with an id of theirs only may stay."""
    key = str(account_id)
    session.execute(
        delete(OutboxMessage).where(
            OutboxMessage.topic == MAIL_REQUESTED,
            or_(
                OutboxMessage.subject == key, cast(OutboxMessage.details["account_id"].astext, String) == key
            ),
        )
    )


def _audit(
    session: Session, now: datetime, act: str, recruiter_id: UUID, rule: str, **details: object
) -> None:
    audit.record(
        session, now, act, actor_id=None, actor_role="system",
        subject_kind="recruiter", subject_id=recruiter_id, rule=rule, **details,
    )  # fmt: skip
