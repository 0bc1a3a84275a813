"""The mail port: SMTP, a folder, a sink.

A mail is composed by a feature's ``emails.py`` from an outbox row that is carried out after the
commit; what leaves here is plain text with an optional HTML alternative.
"""

from __future__ import annotations

import os
import smtplib
import ssl
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import SMTP
from email.utils import formatdate, make_msgid
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote, urlsplit

from marketplace.catalogues import N_, translate
from marketplace.errors import UnavailableError


@dataclass(frozen=True)
class Mail:
    """One message to one address; ``key`` is its idempotency key, when it has one."""

    to: str
    subject: str
    text: str
    language: str = "en"
    key: str | None = None


def letter(
    to: str, language: str, subject: str, paragraphs: Iterable[str], values: Mapping[str, object]
) -> Mail:
    """Return the mail of these messages in ``language``, ``values`` filled in, with our signature."""
    texts = [translate(language, paragraph) % values for paragraph in paragraphs]
    signature = translate(language, N_("The Talent Marketplace team"))
    return Mail(
        to=to,
        subject=translate(language, subject) % values,
        text="\n\n".join([*texts, signature]) + "\n",
        language=language,
    )


class Mailer(Protocol):
    """Sends a mail or raises :class:`UnavailableError`."""

    def send(self, mail: Mail) -> None: ...

    def forget(self, address: str) -> int:
        """Delete what is kept of mails to ``address``; return how many (rules B6)."""
        ...

    def expire(self, before: datetime, *, is_dry_run: bool = False) -> int:
        """Delete what is kept of mails sent before that instant; return how many (rules F2)."""
        ...


def compose(mail: Mail, sender: str) -> EmailMessage:
    """Return the RFC 5322 message; line breaks in headers are refused by the policy."""
    message = EmailMessage(policy=SMTP)
    message["From"] = sender
    message["To"] = mail.to
    message["Subject"] = " ".join(mail.subject.split())
    message["Date"] = formatdate(usegmt=True)
    message["Message-ID"] = make_msgid(domain="marketplace.invalid")
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(mail.text)  # clears content headers, so the language comes after
    message["Content-Language"] = mail.language
    return message


class SmtpMailer:
    """Sends through the server of ``smtp://[user:password@]host[:port]`` (``smtps://`` for TLS)."""

    def __init__(self, url: str, sender: str) -> None:
        self._url = urlsplit(url)
        self._sender = sender

    def send(self, mail: Mail) -> None:
        url = self._url
        trusted = ssl.create_default_context()  # smtplib by itself checks no certificate (O-04)
        try:
            with self._connected(trusted) as server:
                if url.username:
                    if url.scheme == "smtp":
                        server.starttls(context=trusted)
                    server.login(unquote(url.username), unquote(url.password or ""))
                server.send_message(compose(mail, self._sender))
        except (OSError, smtplib.SMTPException) as error:
            raise UnavailableError("mail", 60) from error

    def _connected(self, trusted: ssl.SSLContext) -> smtplib.SMTP:
        host, port = self._url.hostname or "localhost", self._url.port or 0
        if self._url.scheme == "smtps":
            return smtplib.SMTP_SSL(host, port, timeout=10, context=trusted)
        return smtplib.SMTP(host, port, timeout=10)

    def forget(self, address: str) -> int:  # noqa: ARG002  (nothing is kept here)
        return 0

    def expire(self, before: datetime, *, is_dry_run: bool = False) -> int:  # noqa: ARG002
        return 0


class FolderMailer:
    """Writes each mail as an ``.eml`` file, readable at ``/dev/mail`` in development."""

    def __init__(self, folder: Path, sender: str) -> None:
        self._folder = folder
        self._sender = sender

    def send(self, mail: Mail) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        name = f"{time.time_ns()}-{os.urandom(4).hex()}.eml"
        partial = self._folder / f".{name}"
        partial.write_bytes(compose(mail, self._sender).as_bytes())
        partial.rename(self._folder / name)

    def forget(self, address: str) -> int:
        return sum(_removed(path) for path in self._mails() if _is_to(path, address))

    def expire(self, before: datetime, *, is_dry_run: bool = False) -> int:
        old = [path for path in self._mails() if _modified(path) < before.timestamp()]
        return len(old) if is_dry_run else sum(_removed(path) for path in old)

    def _mails(self) -> Iterator[Path]:
        return self._folder.glob("*.eml") if self._folder.is_dir() else iter(())


def _is_to(path: Path, address: str) -> bool:
    try:
        with path.open("rb") as file:
            sent_to = BytesParser(policy=SMTP).parse(file, headersonly=True)["To"]
    except FileNotFoundError:  # another worker was quicker
        return False
    return str(sent_to).casefold() == address.casefold()


def _modified(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:  # another worker was quicker
        return float("inf")


def _removed(path: Path) -> bool:
    try:
        path.unlink()
    except FileNotFoundError:  # another worker was quicker
        return False
    return True


@dataclass
class MailSink:
    """Keeps mails in memory; the fixture of the tests."""

    sent: list[Mail] = field(default_factory=list)

    def send(self, mail: Mail) -> None:
        compose(mail, "sink@marketplace.example")
        self.sent.append(mail)

    def forget(self, address: str) -> int:
        before = len(self.sent)
        self.sent[:] = [mail for mail in self.sent if mail.to != address]
        return before - len(self.sent)

    def expire(self, before: datetime, *, is_dry_run: bool = False) -> int:  # noqa: ARG002
        return 0

    def to(self, address: str) -> list[Mail]:
        """Return the mails to ``address``, oldest first."""
        return [mail for mail in self.sent if mail.to == address]
