"""The application over HTTP, for the pages and JSON routes of recruiters and admins."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from marketplace.accounts.models import Account, Role
from marketplace.app import build_ports
from marketplace.clock import FixedClock
from marketplace.db import Database
from marketplace.mail import MailSink
from marketplace.settings import Settings
from marketplace.terms.models import Acceptance
from marketplace.terms.queries import required_documents
from marketplace.terms.services import publish_builtin
from tests.apps import an_app
from tests.builders import NOW, an_account
from tests.portal import PortalClient


@pytest.fixture
def client(
    settings: Settings, db: Database, clock: FixedClock, mail_sink: MailSink
) -> Iterator[PortalClient]:
    """A browser before the whole application, with the documents published."""
    app = an_app(build_ports(settings, mailer=mail_sink, db=db, clock=clock))
    with db.transaction() as session:
        publish_builtin(session, NOW)
    with PortalClient(app) as browser:
        yield browser


def settled(session: Any, account: Account) -> Account:
    """Let ``account`` have accepted what is in force, so that nothing stands before its pages."""
    for document in required_documents(session, Role(account.role), account.language, NOW.date()):
        session.add(
            Acceptance(
                account_id=account.id, document=document.document, version=document.version,
                language=document.language, text_hash=document.text_hash, accepted_at=NOW,
            )
        )  # fmt: skip
    session.flush()
    return account


@pytest.fixture
def admin(db: Database, client: PortalClient) -> Account:
    """An admin, signed in."""
    with db.transaction() as session:
        account = settled(session, an_account(session, Role.ADMIN, language="en"))
    client.sign_in_as(account)
    return account
