"""Sending what the outbox asks for: claims, composes, sends, marks done.

A mail is one transaction: what its composer stores (the hash of a token) is kept only if the mail
went out. A process killed between sending and committing sends once more, with a new token; that is
the one way in which a mail comes twice.
"""

from __future__ import annotations

import dataclasses
import smtplib
from collections.abc import Mapping
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING
from uuid import UUID

import structlog
from sqlalchemy.orm import Session

from marketplace import outbox
from marketplace.accounts import emails as accounts
from marketplace.accounts import queries as account_queries
from marketplace.accounts.emails import Composer
from marketplace.accounts.mail_requests import MAIL_REQUESTED
from marketplace.candidates import emails as candidates
from marketplace.closing_hooks import closing_hooks
from marketplace.contacts import emails as contacts
from marketplace.errors import UnavailableError
from marketplace.moderation import emails as moderation
from marketplace.outbox import OutboxMessage
from marketplace.recruiters import closing, closing_emails, inactivity
from marketplace.recruiters import emails as recruiters

if TYPE_CHECKING:
    from marketplace.ports import Ports

log = structlog.get_logger()

BATCH = 100
"""Mails of one run; the next run goes on with the rest."""


WITHHELD = frozenset(
    {
        "contact_received", "message_received", "contact_answered",
        "cv_refused", "cv_without_text",
        "company_verified", "company_refused", "recruiter_approved", "recruiter_refused",
    }
)  # fmt: skip
"""Mails of the marketplace's business, which a suspended member does not get (rules E5, INV-5).

The security of the account, the statement of reasons, a withdrawal's confirmation and duties to
delete go out all the same; a new mail is put here or into :data:`SENT_WHILE_SUSPENDED`.
"""

SENT_WHILE_SUSPENDED = frozenset({*accounts.EMAILS, *moderation.EMAILS}) | {
    "opt_in_withdrawn", "deletion_shortened", "deletion_reminder", "deletion_handed_on", "review_waiting",
    inactivity.NOTICE, closing.STATEMENT,
}  # fmt: skip

PERMANENT = 500
"""SMTP replies from here on are final (RFC 5321, 4.2.1)."""


@cache
def composers() -> Mapping[str, Composer]:
    """Return every feature's mails by name; two features may not share one."""
    merged: dict[str, Composer] = {}
    for emails in (
        accounts.EMAILS,
        candidates.EMAILS,
        contacts.EMAILS,
        moderation.EMAILS,
        recruiters.EMAILS,
        closing_emails.emails(closing_hooks()),
    ):
        clash = merged.keys() & emails.keys()
        if clash:
            raise ValueError(f"two mails are named {', '.join(sorted(clash))}")
        merged |= emails
    return merged


def deliver_due_mails(ports: Ports) -> int:
    """Send the mails that are due and return how many went out.

    A mail that cannot be composed or is refused by its receiver is tried again later, ever more
    rarely, and holds up no other. While the mail server is away nothing is given up: the run stops,
    and the mails wait.
    """
    sent = 0
    for _ in range(BATCH):
        with ports.db.transaction() as session:
            found = outbox.claim(session, ports.clock.now(), (MAIL_REQUESTED,), 1)
            if not found:
                break
            try:
                sent += _carry_out(ports, session, found[0])
            except UnavailableError as error:
                log.warning("mail.waits", message_id=found[0].id, dependency=error.dependency)
                found[0].available_at = ports.clock.now() + timedelta(seconds=error.retry_after)
                break
    return sent


def _carry_out(ports: Ports, session: Session, message: OutboxMessage) -> int:
    """Send one mail; raise :class:`UnavailableError` when it is not the mail's own fault."""
    name = str(message.details.get("mail"))
    try:
        with session.begin_nested():
            sent = _send(ports, session, message, name)
    except Exception as error:
        if isinstance(error, UnavailableError) and not _is_refused(error):
            raise
        log.warning("mail.failed", message_id=message.id, mail=name, error=type(error).__name__)
        outbox.mark_failed(message, ports.clock.now(), error)
        return 0
    outbox.mark_done(message, ports.clock.now())
    return sent


def _send(ports: Ports, session: Session, message: OutboxMessage, name: str) -> int:
    compose = composers()[name]
    details = {**message.details, "account_id": message.details.get("account_id", message.subject)}
    if name in WITHHELD and _is_suspended(ports, session, str(details["account_id"])):
        return 0
    mail = compose(session, ports.clock.now(), ports.settings, details)
    if mail is None:
        return 0
    session.flush()
    ports.mailer.send(dataclasses.replace(mail, key=mail.key or f"mail-{message.id}"))
    return 1


def _is_suspended(ports: Ports, session: Session, account_id: str) -> bool:
    """Whether the receiver is suspended when the mail would go out: it is dropped, not kept back."""
    return account_queries.is_suspended(session, ports.clock.now(), UUID(account_id))


def _is_refused(error: UnavailableError) -> bool:
    """Whether the server is there and says no to this one mail for good."""
    cause = error.__cause__
    if isinstance(cause, smtplib.SMTPRecipientsRefused):
        return all(code >= PERMANENT for code, _ in cause.recipients.values())
    return isinstance(cause, smtplib.SMTPSenderRefused | smtplib.SMTPDataError) and (
        cause.smtp_code >= PERMANENT
    )
