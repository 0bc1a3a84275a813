"""Use cases of a recruiter's own data: job and country, mandate, a refused company again (A7, B1, B3)."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from uuid import UUID

from sqlalchemy.orm import Session

from marketplace import audit, outbox
from marketplace.accounts.models import Role
from marketplace.catalogues import N_
from marketplace.db import undo_on_rollback
from marketplace.errors import ConflictError, FieldError, InvalidInputError, NotAllowedError, TooLargeError
from marketplace.files import DISCARDED, FileStore
from marketplace.pdf.limited import PDFReader
from marketplace.recruiters import queries
from marketplace.recruiters.field_checks import (
    JOB_TITLE_MAX_LENGTH,
    CompanyGiven,
    company_fields,
    territory,
    text_field,
)
from marketplace.recruiters.lifecycle import (
    CompanyState,
    RecruiterState,
    capabilities,
    company_transition,
)
from marketplace.recruiters.models import COMPANY_MATCH, MANDATE, Company, Recruiter
from marketplace.recruiters.rows import locked_company, locked_recruiter
from marketplace.recruiters.settling import tell_admins
from marketplace.settings import Settings


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
    title = None if job_title is None else text_field("job_title", job_title, JOB_TITLE_MAX_LENGTH, faults)
    country = None if work_country is None else territory(settings, "work_country", work_country, faults)
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
    name, number = company_fields(given, company.country, "company.", faults)
    if faults:
        raise InvalidInputError(faults)
    company.legal_name, company.kind, company.registration_number = name, given.kind, number
    company.state, company.submitted_at = state, now
    company.decided_at = company.decided_by = company.decision_reason = None
    session.flush()
    _audit(session, now, "company.resubmitted", account_id, "company", company.id, "B3")
    tell_admins(session, now, recruiter)


def _own_recruiter(session: Session, account_id: UUID) -> Recruiter:
    recruiter = locked_recruiter(session, account_id)
    company = session.get_one(Company, recruiter.company_id)
    if not capabilities(RecruiterState(recruiter.state), CompanyState(company.state)).may_complete_profile:
        raise NotAllowedError("recruiter_not_active", N_("Your account does not allow this at the moment."))
    return recruiter


def _audit(
    session: Session,
    now: datetime,
    act: str,
    account_id: UUID,
    subject_kind: str,
    subject_id: UUID,
    rule: str,
    **details: object,
) -> None:
    audit.record(
        session, now, act, actor_id=account_id, actor_role=Role.RECRUITER.value,
        subject_kind=subject_kind, subject_id=subject_id, rule=rule, **details,
    )  # fmt: skip
