"""Ports for the tests of accounts: real database, mails kept in memory."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import func, select

from marketplace.accounts.hooks import AccountHooks
from marketplace.accounts.models import Account, Role, Transport
from marketplace.accounts.registration import Registration, confirm_email, register_account
from marketplace.accounts.sessions import SignedIn, WrongCredentialsError
from marketplace.accounts.signing_in import Caller, sign_in
from marketplace.app import build_ports
from marketplace.clock import FixedClock
from marketplace.db import Database
from marketplace.mail import Mail, MailSink
from marketplace.mail_delivery import deliver_due_mails
from marketplace.ports import Ports
from marketplace.rate_limits.memory import MemoryLimiter
from marketplace.settings import Settings
from marketplace.terms.queries import required_documents
from marketplace.terms.services import AcceptedVersion, publish_builtin

PASSWORD = "violet tractors sing at noon"


class World:
    """The ports and the few acts that nearly every test begins with."""

    def __init__(self, ports: Ports) -> None:
        self.ports = ports
        self.db: Database = ports.db
        assert isinstance(ports.clock, FixedClock)
        self.clock = ports.clock
        self.settings: Settings = ports.settings
        assert isinstance(ports.mailer, MailSink)
        self.sink = ports.mailer
        self.hooks = AccountHooks()

    def act(self, service: Callable[..., Any], *args: Any, **named: Any) -> Any:
        """Call a service as the edge does: one transaction, the time of the clock."""
        with self.db.transaction() as session:
            return service(session, self.clock.now(), *args, **named)

    def acceptances(self, role: Role, language: str = "en") -> list[AcceptedVersion]:
        with self.db.transaction() as session:
            documents = required_documents(session, role, language, self.clock.today())
        return [AcceptedVersion(item.document.value, item.version) for item in documents]

    def register(self, email: str, role: Role = Role.CANDIDATE, **fields: Any) -> UUID | None:
        language = fields.get("language", "en")
        values: dict[str, Any] = {
            "first_name": "Ada",
            "last_name": "Lovelace",
            "birth_date": date(2000, 5, 17),
            "password": PASSWORD,
            "acceptances": self.acceptances(role, language) if language in {"en", "fr"} else [],
        }
        data = Registration(email=email, **(values | fields))
        account_id: UUID | None = self.act(register_account, self.settings, data, role)
        return account_id

    def mails(self, address: str) -> list[Mail]:
        """Deliver what waits and return every mail to the address so far."""
        deliver_due_mails(self.ports)
        return self.sink.to(address)

    def link(self, address: str, path: str) -> str:
        """Return the token of the newest link to ``path`` mailed to the address."""
        text = self.mails(address)[-1].text
        found = re.search(rf"{re.escape(self.settings.base_url)}/{path}/([\w-]+)", text)
        assert found, text
        return found[1]

    def member(self, email: str, role: Role = Role.CANDIDATE, **fields: Any) -> UUID:
        """Register and confirm."""
        account_id = self.register(email, role, **fields)
        assert account_id is not None
        self.act(confirm_email, self.link(email, "confirm-email"), self.hooks)
        return account_id

    def account(self, account_id: UUID) -> Account:
        with self.db.transaction() as session:
            return session.get_one(Account, account_id)

    def count(self, table: type) -> int:
        """Return how many rows a table has."""
        with self.db.transaction() as session:
            return session.scalar(select(func.count()).select_from(table)) or 0

    def temporary_password(self, address: str) -> str:
        """Return the password in the newest mail to the address."""
        text = self.mails(address)[-1].text
        found = re.search(r"^[\w-]{22}$", text, re.MULTILINE)
        assert found, text
        return found[0]

    def sign_in(self, email: str, password: str = PASSWORD, **named: Any) -> Any:
        """Sign in as the edge does; None for wrong credentials."""
        try:
            return self.try_sign_in(email, password, **named)
        except WrongCredentialsError:
            return None

    def try_sign_in(self, email: str, password: str = PASSWORD, **named: Any) -> SignedIn:
        """Sign in as the edge does, from one network unless told."""
        values = {"client": "Firefox, Linux", "address": "192.0.2.0", "network": "192.0.2.7"}
        transport = named.pop("transport", Transport.COOKIE)
        caller = Caller(**(values | named))
        return sign_in(self.ports, caller, self.hooks, email=email, password=password, transport=transport)


@pytest.fixture
def ports(
    settings: Settings, db: Database, database_url: str, clock: FixedClock, mail_sink: MailSink
) -> Ports:
    """The real adapters; the limiter's time stands still with the clock."""
    limiter = MemoryLimiter(lambda: clock.now().timestamp())
    settings = replace(settings, database_url=database_url)
    return build_ports(settings, db=db, clock=clock, mailer=mail_sink, limiter=limiter)


@pytest.fixture
def world(ports: Ports) -> World:
    """The ports with the built-in documents published."""
    made = World(ports)
    made.act(publish_builtin)
    return made
