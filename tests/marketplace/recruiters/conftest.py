"""What the tests of recruiters share: documents in force, a registration that is complete."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime
from typing import Any

import pytest
from sqlalchemy.orm import Session

from marketplace.accounts.models import Role
from marketplace.accounts.registration import Registration
from marketplace.recruiters.services import DECLARATIONS, CompanyGiven, RecruiterRegistration
from marketplace.terms.queries import required_documents
from marketplace.terms.services import AcceptedVersion, publish_builtin
from tests.marketplace.admin.conftest import client

__all__ = ["Registrations", "client", "registration"]

Registrations = Callable[..., RecruiterRegistration]


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
