"""Sending what the outbox asks for: once, in both languages, one bad mail never in another's way."""

from __future__ import annotations

import smtplib
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from marketplace import mail_delivery, outbox
from marketplace.accounts.emails import EMAILS
from marketplace.accounts.mail_requests import request_mail
from marketplace.accounts.models import Account, MailToken, PasswordKind, Role
from marketplace.errors import UnavailableError
from marketplace.mail import Mail, MailSink
from marketplace.mail_delivery import composers, deliver_due_mails
from marketplace.outbox import OutboxMessage
from marketplace.ports import Ports
from tests.builders import an_account


class FailingMailer(MailSink):
    """A server that is away, refuses, or breaks, for chosen addresses; keeps what it took."""

    def __init__(self, errors: dict[str, Exception]) -> None:
        super().__init__()
        self.errors = errors
        self.taken: list[str] = []

    def send(self, mail: Mail) -> None:
        error = self.errors.get(mail.to)
        if isinstance(error, smtplib.SMTPException):
            raise UnavailableError("mail", 60) from error
        if error is not None:
            raise error
        self.taken.append(mail.to)


def _ask(ports: Ports, mail: str, *addresses: str, **columns: Any) -> None:
    with ports.db.transaction() as session:
        for address in addresses:
            account = an_account(session, Role.CANDIDATE, email=address, **columns)
            request_mail(session, ports.clock.now(), mail, account.id)


def _pending(ports: Ports) -> list[OutboxMessage]:
    with ports.db.transaction() as session:
        waiting = select(OutboxMessage).where(OutboxMessage.done_at.is_(None)).order_by(OutboxMessage.id)
        return list(session.scalars(waiting))


def test_a_mail_is_sent_once(ports: Ports, mail_sink: MailSink) -> None:
    """F-06: a delivered mail is done; running again sends nothing."""
    _ask(ports, "password_changed", "a@example.org", "b@example.org")
    assert deliver_due_mails(ports) == 2
    assert deliver_due_mails(ports) == 0
    assert [mail.to for mail in mail_sink.sent] == ["a@example.org", "b@example.org"]
    assert len({mail.key for mail in mail_sink.sent}) == 2
    assert _pending(ports) == []


@pytest.mark.parametrize("name", sorted(EMAILS))
@pytest.mark.parametrize("language", ["en", "fr"])
def test_mails_of_accounts_in_both_languages(
    ports: Ports, mail_sink: MailSink, name: str, language: str
) -> None:
    """F4, R-03: subject and text in the member's language; links start with our address only."""
    unconfirmed = name == "confirm_email"
    columns: dict[str, Any] = {"language": language, "first_name": "Zoé"}
    if unconfirmed:
        columns["email_confirmed_at"] = None
    if name in {"temporary_password", "password_disabled"}:
        columns |= {"password_hash": None, "password_kind": PasswordKind.NONE}
    with ports.db.transaction() as session:
        account = an_account(session, email="zoe@example.org", **columns)
        ids = (
            {"requested_at": ports.clock.now().isoformat(), "epoch": account.epoch}
            if name == "password_reset"
            else {}
        )
        request_mail(session, ports.clock.now(), name, account.id, **ids)
    assert deliver_due_mails(ports) == 1
    (mail,) = mail_sink.sent
    assert mail.language == language
    assert ("Bonjour" in mail.text) is (language == "fr")
    assert "%(" not in mail.text
    assert ("Zoé" in mail.text) is not unconfirmed
    links = [word for word in mail.text.split() if "://" in word]
    assert links
    assert all(link.startswith(f"{ports.settings.base_url}/") for link in links)


def test_one_bad_mail_does_not_stop_the_others(ports: Ports) -> None:
    """F-06: what cannot be composed or is refused for good backs off; the rest goes out."""
    refused = smtplib.SMTPRecipientsRefused({"bad@example.org": (550, b"no such user")})
    mailer = FailingMailer({"bad@example.org": refused, "odd@example.org": ValueError("odd")})
    ports = replace(ports, mailer=mailer)
    _ask(ports, "password_changed", "bad@example.org", "odd@example.org")
    _ask(ports, "no_such_mail", "lost@example.org")
    _ask(ports, "password_changed", "good@example.org")
    assert deliver_due_mails(ports) == 1
    assert mailer.taken == ["good@example.org"]
    assert [(row.attempts, row.last_error) for row in _pending(ports)] == [
        (1, "UnavailableError"),
        (1, "ValueError"),
        (1, "KeyError"),
    ]


def test_a_bad_mail_is_given_up_at_last(ports: Ports) -> None:
    """F-06: after the last attempt the message is kept with its error and no longer tried."""
    ports = replace(ports, mailer=FailingMailer({"odd@example.org": ValueError("odd")}))
    _ask(ports, "password_changed", "odd@example.org")
    for _ in range(outbox.MAX_ATTEMPTS + 3):
        deliver_due_mails(ports)
        ports.clock.advance(timedelta(hours=2))  # type: ignore[attr-defined]
    (row,) = _pending(ports)
    assert row.attempts == outbox.MAX_ATTEMPTS


@pytest.mark.parametrize(
    "error", [OSError(), smtplib.SMTPServerDisconnected(), smtplib.SMTPDataError(451, b"later")]
)
def test_mails_wait_for_the_server(ports: Ports, mail_sink: MailSink, error: Exception) -> None:
    """F-06: an hour without a mail server loses nothing and gives nothing up; then all go out once."""
    away = UnavailableError("mail", 60)
    away.__cause__ = error

    class Away(MailSink):
        def send(self, _: Mail) -> None:
            raise away

    _ask(ports, "password_changed", "a@example.org", "b@example.org")
    down = replace(ports, mailer=Away())
    for _ in range(60):
        assert deliver_due_mails(down) == 0
        ports.clock.advance(timedelta(minutes=1))  # type: ignore[attr-defined]
    assert {row.attempts for row in _pending(ports)} == {0}
    ports.clock.advance(timedelta(minutes=1))  # type: ignore[attr-defined]
    assert deliver_due_mails(ports) == 2
    assert sorted(mail.to for mail in mail_sink.sent) == ["a@example.org", "b@example.org"]


def test_nothing_of_a_mail_that_failed_is_kept(ports: Ports, mail_sink: MailSink) -> None:
    """A-08, A-09: the hash of a token or password is stored only with the mail that carries it."""
    mailer = FailingMailer({"new@example.org": ValueError("odd"), "none@example.org": ValueError("odd")})
    _ask(ports, "confirm_email", "new@example.org", email_confirmed_at=None)
    _ask(
        ports,
        "temporary_password",
        "none@example.org",
        password_hash=None,
        password_kind=PasswordKind.NONE,
    )
    deliver_due_mails(replace(ports, mailer=mailer))
    with ports.db.transaction() as session:
        assert session.scalar(select(func.count()).select_from(MailToken)) == 0
        account = session.scalars(select(Account).where(Account.email == "none@example.org")).one()
        assert account.password_hash is None
    ports.clock.advance(timedelta(minutes=1))  # type: ignore[attr-defined]
    assert deliver_due_mails(ports) == 2


def test_what_is_no_longer_wanted_is_not_sent(ports: Ports, mail_sink: MailSink) -> None:
    """A3: no link once confirmed, no temporary password once one is chosen, nothing to nobody."""
    _ask(ports, "confirm_email", "done@example.org")
    _ask(ports, "temporary_password", "chosen@example.org")
    with ports.db.transaction() as session:
        for name in EMAILS:
            request_mail(session, ports.clock.now(), name, None)
    assert deliver_due_mails(ports) == 0
    assert mail_sink.sent == []
    assert _pending(ports) == []


def test_a_run_is_bounded(ports: Ports, monkeypatch: pytest.MonkeyPatch) -> None:
    """F-06: one run sends a batch; the next goes on."""
    monkeypatch.setattr(mail_delivery, "BATCH", 2)
    _ask(ports, "password_changed", *(f"m{number}@example.org" for number in range(3)))
    assert [deliver_due_mails(ports), deliver_due_mails(ports)] == [2, 1]


def test_every_mail_that_is_asked_for_has_its_composer() -> None:
    """F-06: names in the code are names in the registry."""
    import re

    package = Path(mail_delivery.__file__).parent
    asked = {
        name
        for path in package.rglob("*.py")
        for name in re.findall(r'request_mail\(\s*session,\s*now,\s*"(\w+)"', path.read_text("utf-8"))
        + re.findall(r'"mail": "(\w+)"', path.read_text("utf-8"))
    }
    assert "confirm_email" in asked
    assert asked <= set(composers())
