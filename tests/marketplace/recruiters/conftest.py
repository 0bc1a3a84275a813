"""What the tests of recruiters share: documents in force, a registration that is complete."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace.accounts.models import Role
from marketplace.accounts.registration import Registration, confirm_account
from marketplace.app import account_hooks
from marketplace.outbox import OutboxMessage
from marketplace.recruiters import queries
from marketplace.recruiters.field_checks import CompanyGiven
from marketplace.recruiters.registration import DECLARATIONS, RecruiterRegistration, register_recruiter
from marketplace.settings import Settings
from marketplace.terms.queries import required_documents
from marketplace.terms.services import AcceptedVersion, publish_builtin
from tests.marketplace.admin.conftest import client

__all__ = ["PDF", "Registrations", "client", "confirm", "enrolled", "mails", "registration"]

Registrations = Callable[..., RecruiterRegistration]

PDF = (
    b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj 2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj "
    b"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 200]>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"
)


def mails(session: Session, name: str) -> list[str]:
    """Return whom the mails of a name are asked for, the first asked for first."""
    rows = session.scalars(select(OutboxMessage).where(OutboxMessage.topic == "mail.requested")).all()
    return [row.subject for row in rows if row.details["mail"] == name]


def enrolled(session: Session, now: datetime, settings: Settings, data: RecruiterRegistration) -> UUID:
    """Register a recruiter whose address is new; return the account."""
    account_id = register_recruiter(session, now, settings, data)
    assert account_id is not None
    return account_id


def confirm(session: Session, now: datetime, account_id: UUID) -> queries.RecruiterFacts:
    """Confirm a recruiter's address; return what they are then."""
    confirm_account(session, now, account_id, account_hooks())
    return queries.recruiter_facts(session, account_id)


@pytest.fixture
def registration(session: Session, now: datetime) -> Registrations:
    """Makes a registration without a fault; fields are changed by name, those of the company by
    ``company_``."""
    publish_builtin(session, now)
    session.flush()
    accepted = tuple(
        AcceptedVersion(item.document.value, item.version)
        for item in required_documents(session, Role.RECRUITER, "en", now.date())
    )

    def make(**changes: Any) -> RecruiterRegistration:
        company = CompanyGiven(name="Acme Industries SA", country="FR", registration_number="732 829 320")
        company = replace(
            company, **{k.removeprefix("company_"): v for k, v in changes.items() if k.startswith("company_")}
        )
        person = Registration(
            first_name="Ada", last_name="Martin", birth_date=date(1990, 1, 2), email="ada@acme-industries.fr",
            password=None, language="en", acceptances=accepted,
        )  # fmt: skip
        fields = person.__dataclass_fields__
        person = replace(person, **{k: v for k, v in changes.items() if k in fields})
        own = {k: v for k, v in changes.items() if k in {"job_title", "work_country", "declarations"}}
        base = RecruiterRegistration(
            person=person,
            job_title="Head of hiring",
            work_country="FR",
            company=company,
            declarations=DECLARATIONS,
        )
        return replace(base, **own)

    return make
