"""Use case of registration: a recruiter with their company, joined or made (B1).

Whether a registration meets a known address is told to nobody but its owner: the answer is the same
(A5).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace import audit
from marketplace.accounts.addresses import parse_address
from marketplace.accounts.models import Role
from marketplace.accounts.registration import Registration, register_account
from marketplace.catalogues import N_
from marketplace.errors import FieldError, InvalidInputError
from marketplace.recruiters import queries
from marketplace.recruiters.data import provider_lists
from marketplace.recruiters.domain_queries import email_verdict
from marketplace.recruiters.field_checks import (
    JOB_TITLE_MAX_LENGTH,
    CompanyGiven,
    company_fields,
    territory,
    text_field,
)
from marketplace.recruiters.lifecycle import CompanyState, RecruiterState
from marketplace.recruiters.models import COMPANY_MATCH, MANDATE, SCHOOL_DOMAIN, Company, Recruiter
from marketplace.recruiters.policy import EmailReason, EmailVerdict, Outcome
from marketplace.settings import Settings

DECLARATIONS = ("authorised", "professional_use", "ethical_code")
"""What every recruiter declares, each of them (B1)."""

EMAIL_FAULTS = {
    EmailReason.MALFORMED: N_("Enter an e-mail address like name@example.org."),
    EmailReason.QUOTED: N_("Addresses with quotes or comments are not accepted."),
    EmailReason.IP_LITERAL: N_("Use an address with a domain name, not with a number."),
    EmailReason.NO_DOMAIN: N_("This is not the domain of an organisation."),
    EmailReason.FREE_MAIL: N_("%(domain)s gives addresses to anyone. Use your professional address."),
    EmailReason.DISPOSABLE: N_("%(domain)s gives throw-away addresses. Use your professional address."),
    EmailReason.LOOKALIKE: N_("This domain looks like another mail provider. Use your professional address."),
    EmailReason.MIXED_SCRIPT: N_(
        "This domain mixes letters of several alphabets. Use your professional address."
    ),
    EmailReason.CONFUSABLE: N_(
        "This domain imitates another one with similar letters. Use your professional address."
    ),
    EmailReason.DENIED: N_("Addresses of %(domain)s are not accepted here."),
}


@dataclass(frozen=True, kw_only=True)
class RecruiterRegistration:
    """What B1 asks; ``person`` holds names, birth date, e-mail, password and acceptances."""

    person: Registration
    job_title: str
    work_country: str
    company: CompanyGiven
    declarations: Sequence[str]


def register_recruiter(
    session: Session,
    now: datetime,
    settings: Settings,
    data: RecruiterRegistration,
    *,
    unread: Sequence[FieldError] = (),
) -> UUID | None:
    """Register a recruiter with their company; return the account's id, None for a known address (B1).

    The company is joined at once only by a domain known for it; by its registration number alone
    the recruiter waits for a review of their own; else it is made and waits in the queue (B3).
    ``unread`` are the faults of fields that could not be read at all, told with the others. Raises
    :class:`InvalidInputError` with every fault at once; nothing is stored then.
    """
    faults = list(unread)
    verdict = _professional(session, data.person.email, faults)
    country = territory(settings, "company.country", data.company.country, faults)
    work_country = territory(settings, "work_country", data.work_country, faults)
    if country and work_country and country != work_country:
        message = N_("You must work in a country where the company is established.")
        faults.append(FieldError("work_country", "not_established", message))
    name, number = company_fields(data.company, country, "company.", faults)
    job_title = text_field("job_title", data.job_title, JOB_TITLE_MAX_LENGTH, faults)
    if set(data.declarations) != set(DECLARATIONS) or len(data.declarations) != len(DECLARATIONS):
        message = N_("Each of the three declarations is needed.")
        faults.append(FieldError("declarations", "declarations_needed", message))
    account_id = register_account(
        session, now, settings, data.person, Role.RECRUITER, company_name=name, other_faults=faults
    )
    if account_id is None:
        return None
    assert verdict is not None and verdict.domain is not None and country and work_country  # noqa: S101, PT018
    company, reasons = _company_for(session, now, data.company, (name, country, number), verdict)
    recruiter = Recruiter(
        account_id=account_id,
        company_id=company.id,
        job_title=job_title,
        work_country=work_country,
        state=RecruiterState.PENDING_CONFIRMATION,
        state_changed_at=now,
        is_owner=not _has_owner(session, company.id),
        is_on_behalf=data.company.on_behalf,
        email_domain=verdict.domain,
        review_reasons=reasons,
        declarations=list(DECLARATIONS),
        declared_at=now,
        confirmed_at=now,
    )
    session.add(recruiter)
    session.flush()
    audit.record(
        session, now, "recruiter.registered", actor_id=account_id, actor_role=Role.RECRUITER.value,
        subject_kind="recruiter", subject_id=recruiter.id, rule="B1",
        company_id=str(company.id), review=reasons,
    )  # fmt: skip
    return account_id


def _company_for(
    session: Session,
    now: datetime,
    given: CompanyGiven,
    fields: tuple[str, str, str | None],
    verdict: EmailVerdict,
) -> tuple[Company, list[str]]:
    """Return the company a recruiter belongs to, made if need be, and what must be reviewed of them."""
    name, country, number = fields
    reasons = [SCHOOL_DOMAIN] if verdict.outcome is Outcome.REVIEW else []
    if given.on_behalf:
        reasons.append(MANDATE)
    elif verdict.domain and not provider_lists().is_open_to_anyone(verdict.domain):
        for company in queries.companies_knowing(session, verdict.domain, country):
            if number is None or company.registration_number in {None, number}:
                return company, reasons
    known = queries.company_by_number(session, country, number) if number else None
    if known is not None:
        # A number is public: whoever knows it is not thereby one of the company's people.
        return known, [*reasons, COMPANY_MATCH]
    company = Company(
        legal_name=name,
        kind=given.kind,
        country=country,
        registration_number=number,
        state=CompanyState.PENDING_REVIEW,
        registered_at=now,
        submitted_at=now,
    )
    session.add(company)
    session.flush()
    return company, reasons


def _has_owner(session: Session, company_id: UUID) -> bool:
    owners = select(Recruiter.id).where(Recruiter.company_id == company_id, Recruiter.is_owner).limit(1)
    return session.scalar(owners) is not None


def _professional(session: Session, email: str, faults: list[FieldError]) -> EmailVerdict | None:
    """Judge the address as it would be stored and written to; one that cannot be read is accounts' fault."""
    try:
        parsed = parse_address(email)
    except InvalidInputError:
        return None
    verdict = email_verdict(session, parsed.given)
    if verdict.outcome is Outcome.REFUSED and verdict.reason is not None:
        domain = verdict.domain or parsed.domain
        values = (("domain", domain),)
        faults.append(FieldError("email", verdict.reason.value, EMAIL_FAULTS[verdict.reason], values))
    return verdict
