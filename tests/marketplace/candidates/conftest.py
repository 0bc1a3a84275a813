"""The whole application, with a checker of files that answers as told, and a candidate signed in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime

import pytest
from litestar import Litestar

from marketplace.accounts.models import Account
from marketplace.db import Database
from marketplace.pdf.results import RefusalReason
from marketplace.ports import Ports
from marketplace.settings import Settings
from marketplace.terms import services as terms
from marketplace.terms.models import DocumentKind
from tests.apps import an_app
from tests.builders import a_candidate, an_account
from tests.portal import PortalClient


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Uploads are counted as the product counts them; the other quotas are other tests'."""
    counted = {name: text for name, text in settings.quotas.items() if name != "CV_UPLOAD"}
    return replace(settings, quotas=counted)


CONSENT = "# Consent\n\nI agree to be found.\n\n- by recruiters"


@dataclass
class Checker:
    """Stands where the limited process does; ``answer`` is what it says of the next file."""

    answer: RefusalReason | None = None
    seen: list[bytes] = field(default_factory=list)

    def check(self, content: bytes) -> RefusalReason | None:
        self.seen.append(content)
        return self.answer

    def close(self) -> None:
        """Nothing is held."""


@pytest.fixture
def checker() -> Checker:
    return Checker()


@pytest.fixture
def site(ports: Ports, checker: Checker, now: datetime) -> Litestar:
    """The application; the consent text is published, nothing else has to be accepted."""
    with ports.db.transaction() as session:
        for language in ("en", "fr"):
            terms.publish(session, now, DocumentKind.CONSENT_SEARCH, language, CONSENT, now.date())
    return an_app(ports, reader=checker)


@pytest.fixture
def browser(site: Litestar) -> Iterator[PortalClient]:
    with PortalClient(site) as client:
        yield client


def signed_in(browser: PortalClient, db: Database, trait: str = "hidden", **columns: object) -> Account:
    """Sign a new candidate in and return the account."""
    with db.transaction() as session:
        account = an_account(session, language="en", first_name="Camille", last_name="Dubois")
        a_candidate(session, trait, account=account, **columns)  # type: ignore[arg-type]
    browser.sign_in_as(account)
    return account
