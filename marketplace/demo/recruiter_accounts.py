"""The demonstration recruiter: registered, confirmed and reviewed as anybody else."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from sqlalchemy.orm import Session

from marketplace.accounts.hooks import AccountHooks
from marketplace.accounts.models import Role
from marketplace.accounts.registration import Registration, confirm_account
from marketplace.errors import MarketplaceError
from marketplace.recruiters import queries, reviews
from marketplace.recruiters.field_checks import CompanyGiven
from marketplace.recruiters.registration import RecruiterRegistration, register_recruiter
from marketplace.recruiters.settling import email_confirmed
from marketplace.settings import Settings
from marketplace.terms import queries as terms
from marketplace.terms.services import AcceptedVersion


class SampleDataExistsError(MarketplaceError):
    """The installation has sample data already; it is made once, or anew with ``--reset``."""

    code = "sample_data_exists"

    def __init__(self) -> None:
        super().__init__("this installation has sample data already; --reset starts anew")


EMAIL = "camille.martin@acme-industries.example"
COMPANIES = {
    "FR": CompanyGiven(name="Acme Industries SAS", country="FR", registration_number="732 829 320"),
    "GB": CompanyGiven(name="Acme Industries Ltd", country="GB", registration_number="01234567"),
    "US": CompanyGiven(name="Acme Industries Inc.", country="US", registration_number="12-3456789"),
}
HOOKS = AccountHooks(confirmed={Role.RECRUITER: email_confirmed})


def register_demonstration_recruiter(
    session: Session, then: datetime, settings: Settings, admin_id: UUID, country: str
) -> tuple[str, UUID]:
    """Register Camille Martin of Acme in ``country`` as of ``then``; return address and account id."""
    language = "fr" if country == "FR" else "en"
    wanted = terms.required_documents(session, Role.RECRUITER, language, then.date())
    account_id = register_recruiter(
        session,
        then,
        settings,
        RecruiterRegistration(
            person=Registration(
                first_name="Camille",
                last_name="Martin",
                birth_date=date(1988, 4, 12),
                email=EMAIL,
                language=language,
                acceptances=[AcceptedVersion(item.document.value, item.version) for item in wanted],
            ),
            job_title="Chargée de recrutement" if country == "FR" else "Talent acquisition partner",
            work_country=country,
            company=COMPANIES[country],
            declarations=["authorised", "professional_use", "ethical_code"],
        ),
    )
    if account_id is None:
        raise SampleDataExistsError
    confirm_account(session, then, account_id, HOOKS, mail_password=False)
    company_id = queries.recruiter_facts(session, account_id).company_id
    reviews.decide_company(session, then, admin_id, company_id, reviews.VERIFY, "Demonstration company.")
    return EMAIL, account_id
