"""Use cases of recruiters: registering, confirming, own professional data, mandate, submitting again.

What admins decide is in ``reviews.py``. Whether a registration meets a known address is told to
nobody but its owner: the answer is the same (A5).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from marketplace import audit, outbox
from marketplace.accounts import queries as accounts
from marketplace.accounts.addresses import parse_address
from marketplace.accounts.field_checks import tidy
from marketplace.accounts.hooks import MemberFacts
from marketplace.accounts.mail_requests import request_mail
from marketplace.accounts.models import Role
from marketplace.accounts.registration import Registration, register_account
from marketplace.catalogues import N_
from marketplace.db import undo_on_rollback
from marketplace.errors import (
    ConflictError,
    FieldError,
    InvalidInputError,
    NotAllowedError,
    NotFoundError,
    TooLargeError,
)
from marketplace.files import DISCARDED, FileStore
from marketplace.pdf.limited import PDFReader
from marketplace.recruiters import queries
from marketplace.recruiters.data import provider_lists
from marketplace.recruiters.lifecycle import (
    CompanyState,
    RecruiterState,
    capabilities,
    company_transition,
    settled_state,
)
from marketplace.recruiters.models import Company, CompanyDomain, Recruiter
from marketplace.recruiters.policy import (
    EmailReason,
    EmailVerdict,
    Outcome,
    normalised_registration_number,
    territory_of,
)
from marketplace.settings import Settings

DECLARATIONS = ("authorised", "professional_use", "ethical_code")
"""What every recruiter declares, each of them (B1)."""

COMPANY_KINDS = ("private", "public")
NAME_MAX_LENGTH = 200
JOB_TITLE_MAX_LENGTH = 120

SCHOOL_DOMAIN, MANDATE, COMPANY_MATCH = "school_domain", "mandate", "company_match"
"""Review reasons: a school's domain (B2), work on behalf (B1), a company joined by its number only."""

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
NUMBER_FAULTS = {
    "FR": N_("This is no SIREN or SIRET number: check its digits."),
    "GB": N_("This is no company number as Companies House gives them (for example 01234567 or SC123456)."),
    "US": N_("This is no Employer Identification Number (for example 12-3456789)."),
}
REQUIRED = N_("Please fill in this field.")
TOO_LONG = N_("Use at most %(maximum)s characters.")
UNREADABLE = N_("Some of these characters cannot be used here.")
OUTSIDE_TERRITORY = N_("Choose France, the United Kingdom or the United States.")


@dataclass(frozen=True, kw_only=True)
class CompanyGiven:
    """The employer as a recruiter names it (B1)."""

    name: str
    country: str
    kind: str = "private"
    registration_number: str | None = None
    on_behalf: bool = False


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
    country = _territory(settings, "company.country", data.company.country, faults)
    work_country = _territory(settings, "work_country", data.work_country, faults)
    if country and work_country and country != work_country:
        message = N_("You must work in a country where the company is established.")
        faults.append(FieldError("work_country", "not_established", message))
    name, number = _company_fields(data.company, country, "company.", faults)
    job_title = _text("job_title", data.job_title, JOB_TITLE_MAX_LENGTH, faults)
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
    _audit(
        session, now, "recruiter.registered", account_id, "recruiter", recruiter.id, "B1",
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


def email_confirmed(session: Session, now: datetime, account_id: UUID) -> None:
    """Hook of accounts: the address is the recruiter's; what waits for an admin is told to them (B3, B4)."""
    company = locked_company(session, queries.company_of(session, account_id))
    recruiter = locked_recruiter(session, account_id)
    if settle(session, now, recruiter, company):
        request_mail(session, now, "company_verified", account_id)
    elif company.state == CompanyState.PENDING_REVIEW or recruiter.review_reasons:
        tell_admins(session, now, recruiter)


def member_facts(session: Session, account_id: UUID) -> MemberFacts:
    """Hook of accounts: what ``GET /me`` says of a recruiter."""
    facts = queries.recruiter_facts(session, account_id)
    return MemberFacts(state=facts.state.value, work_country=facts.work_country)


def settle(session: Session, now: datetime, recruiter: Recruiter, company: Company) -> bool:
    """Bring a waiting recruiter to the state the facts ask for; tell whether they became active (B3, B4).

    The domain of an active recruiter becomes known for the company, unless anyone can have an
    address there or the recruiter works for it under a mandate.
    """
    is_confirmed = accounts.contact_details(session, recruiter.account_id).is_confirmed
    before = RecruiterState(recruiter.state)
    state = settled_state(
        before,
        is_email_confirmed=is_confirmed,
        company=CompanyState(company.state),
        is_under_review=bool(recruiter.review_reasons),
    )
    if state == before:
        return False
    recruiter.state, recruiter.state_changed_at = state, now
    session.flush()
    _audit(
        session, now, "recruiter.state_changed", None, "recruiter", recruiter.id, "B4",
        before=before.value, after=state.value,
    )  # fmt: skip
    if state is not RecruiterState.ACTIVE:
        return False
    if not recruiter.is_on_behalf and not provider_lists().is_open_to_anyone(recruiter.email_domain):
        session.execute(
            insert(CompanyDomain)
            .values(domain=recruiter.email_domain, company_id=company.id, known_since=now)
            .on_conflict_do_nothing()
        )
    return True


def update_professional_data(
    session: Session,
    now: datetime,
    settings: Settings,
    account_id: UUID,
    *,
    job_title: str | None = None,
    work_country: str | None = None,
) -> None:
    """Correct one's own professional data; a change of work country waits for an admin (A7, B1).

    None leaves a field as it is; asking for the present country takes the request back. Raises
    :class:`InvalidInputError`; :class:`NotAllowedError` where the state allows no change.
    """
    faults: list[FieldError] = []
    title = None if job_title is None else _text("job_title", job_title, JOB_TITLE_MAX_LENGTH, faults)
    country = None if work_country is None else _territory(settings, "work_country", work_country, faults)
    if faults:
        raise InvalidInputError(faults)
    recruiter = _own_recruiter(session, account_id)
    changed = []
    if title is not None and title != recruiter.job_title:
        recruiter.job_title = title
        changed.append("job_title")
    if country is not None:
        requested = None if country == recruiter.work_country else country
        if requested != recruiter.requested_work_country:
            recruiter.requested_work_country = requested
            changed.append("requested_work_country")
            if requested is not None:
                tell_admins(session, now, recruiter)
    if changed:
        _audit(
            session, now, "recruiter.corrected", account_id, "recruiter", recruiter.id, "A7", fields=changed
        )


def confirm_data(session: Session, now: datetime, account_id: UUID) -> None:
    """Record that the recruiter looked at their data and found them right (A7)."""
    recruiter = _own_recruiter(session, account_id)
    recruiter.confirmed_at = now
    _audit(session, now, "recruiter.data_confirmed", account_id, "recruiter", recruiter.id, "A7")


def attach_mandate(
    session: Session,
    now: datetime,
    settings: Settings,
    files: FileStore,
    reader: PDFReader,
    account_id: UUID,
    content: bytes,
) -> None:
    """Keep the mandate of a recruiter who works on behalf of the company, for review (B1).

    A PDF under the limits of a CV, looked at in the limited process; a new one replaces the old
    and is reviewed anew. Raises :class:`TooLargeError`, :class:`InvalidInputError`,
    :class:`ConflictError` when the recruiter works within the company.
    """
    recruiter = _own_recruiter(session, account_id)
    if not recruiter.is_on_behalf:
        raise ConflictError("no_mandate_needed", N_("You work within the company: no mandate is needed."))
    if len(content) > settings.cv_max_bytes:
        raise TooLargeError(settings.cv_max_bytes)
    if not content:
        raise InvalidInputError.of("file", "required", N_("Choose a PDF file."))
    refusal = reader.check(content)
    if refusal is not None:
        message = N_("This file cannot be read as a PDF without a password. Choose another one.")
        raise InvalidInputError.of("file", str(refusal), message)
    old = recruiter.mandate_file
    recruiter.mandate_file = key = files.put("mandate", content)
    undo_on_rollback(session, partial(files.delete, key))
    if old is not None:
        outbox.publish(session, now, DISCARDED, old)
    if MANDATE not in recruiter.review_reasons:
        recruiter.review_reasons = [*recruiter.review_reasons, MANDATE]
    _audit(
        session,
        now,
        "mandate.attached",
        account_id,
        "recruiter",
        recruiter.id,
        "B1",
        replaced=old is not None,
    )
    tell_admins(session, now, recruiter)


def resubmit_company(session: Session, now: datetime, account_id: UUID, given: CompanyGiven) -> None:
    """Put a refused company into the queue again, with its name, kind and number corrected (B3).

    The country stays: another country is another company. Raises :class:`InvalidInputError`,
    :class:`ConflictError` when it is not refused, :class:`NotAllowedError` for somebody whose own
    place in the company is not settled.
    """
    company = locked_company(session, queries.company_of(session, account_id))
    recruiter = _own_recruiter(session, account_id)
    if COMPANY_MATCH in recruiter.review_reasons:
        raise NotAllowedError(
            "not_your_company", N_("Whether you belong to this company is not settled yet.")
        )
    state = company_transition(CompanyState(company.state), CompanyState.PENDING_REVIEW)
    faults: list[FieldError] = []
    name, number = _company_fields(given, company.country, "company.", faults)
    if faults:
        raise InvalidInputError(faults)
    company.legal_name, company.kind, company.registration_number = name, given.kind, number
    company.state, company.submitted_at = state, now
    company.decided_at = company.decided_by = company.decision_reason = None
    session.flush()
    _audit(session, now, "company.resubmitted", account_id, "company", company.id, "B3")
    tell_admins(session, now, recruiter)


def tell_admins(session: Session, now: datetime, recruiter: Recruiter) -> None:
    """Ask for a mail to each admin: this recruiter, or their company, waits to be looked at."""
    for admin_id in queries.admin_ids(session):
        request_mail(session, now, "review_waiting", admin_id, recruiter_id=str(recruiter.id))


def locked_recruiter(session: Session, account_id: UUID) -> Recruiter:
    """Return the row of an account's recruiter for a change; else :class:`NotFoundError`."""
    recruiter = session.scalar(
        select(Recruiter)
        .where(Recruiter.account_id == account_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if recruiter is None:
        raise NotFoundError("recruiter")
    return recruiter


def locked_company(session: Session, company_id: UUID) -> Company:
    """Return the row of a company for a change; else :class:`NotFoundError`.

    Who locks both locks the company first, then its recruiters, so that nobody waits in a circle.
    """
    company = session.get(Company, company_id, with_for_update=True, populate_existing=True)
    if company is None:
        raise NotFoundError("company")
    return company


def _own_recruiter(session: Session, account_id: UUID) -> Recruiter:
    recruiter = locked_recruiter(session, account_id)
    company = session.get_one(Company, recruiter.company_id)
    if not capabilities(RecruiterState(recruiter.state), CompanyState(company.state)).may_complete_profile:
        raise NotAllowedError("recruiter_not_active", N_("Your account does not allow this at the moment."))
    return recruiter


# --- Fields --------------------------------------------------------------------------------------


def _professional(session: Session, email: str, faults: list[FieldError]) -> EmailVerdict | None:
    """Judge the address as it would be stored and written to; one that cannot be read is accounts' fault."""
    try:
        parsed = parse_address(email)
    except InvalidInputError:
        return None
    verdict = queries.email_verdict(session, parsed.given)
    if verdict.outcome is Outcome.REFUSED and verdict.reason is not None:
        domain = verdict.domain or parsed.domain
        values = (("domain", domain),)
        faults.append(FieldError("email", verdict.reason.value, EMAIL_FAULTS[verdict.reason], values))
    return verdict


def _company_fields(
    given: CompanyGiven, country: str | None, prefix: str, faults: list[FieldError]
) -> tuple[str, str | None]:
    name = _text(f"{prefix}name", given.name, NAME_MAX_LENGTH, faults)
    if given.kind not in COMPANY_KINDS:
        faults.append(FieldError(f"{prefix}kind", "unknown_kind", N_("Choose private or public employer.")))
    typed = (given.registration_number or "").strip()
    number = normalised_registration_number(country, typed) if country and typed else None
    if country and typed and number is None:
        faults.append(FieldError(f"{prefix}registration_number", "invalid_number", NUMBER_FAULTS[country]))
    return name, number


def _territory(settings: Settings, field: str, code: str, faults: list[FieldError]) -> str | None:
    country = territory_of(code, with_us_territories=settings.us_territories)
    if country is None:
        faults.append(FieldError(field, "outside_territory", OUTSIDE_TERRITORY))
    return country


def _text(field: str, value: str, maximum: int, faults: list[FieldError]) -> str:
    text = tidy(value)
    if not text:
        faults.append(FieldError(field, "required", REQUIRED))
    elif len(text) > maximum:
        faults.append(FieldError(field, "too_long", TOO_LONG, (("maximum", maximum),)))
    elif any(unicodedata.category(mark)[0] == "C" for mark in text):
        faults.append(FieldError(field, "unreadable", UNREADABLE))
    return text


def _audit(
    session: Session,
    now: datetime,
    act: str,
    account_id: UUID | None,
    subject_kind: str,
    subject_id: UUID,
    rule: str,
    **details: object,
) -> None:
    audit.record(
        session, now, act, actor_id=account_id, actor_role=Role.RECRUITER.value if account_id else "system",
        subject_kind=subject_kind, subject_id=subject_id, rule=rule, **details,
    )  # fmt: skip
