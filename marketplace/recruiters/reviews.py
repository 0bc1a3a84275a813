"""What admins decide about companies, recruiters and e-mail domains (B1, B2, B3).

Each decision has an author, a date and a reason, stays in the history, and is committed with its
audit entry and the mails it asks for. Callers have checked that the author is an admin.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from marketplace import audit
from marketplace.accounts.field_checks import tidy
from marketplace.accounts.mail_requests import request_mail
from marketplace.accounts.models import Role
from marketplace.catalogues import N_
from marketplace.errors import ConflictError, InvalidInputError, NotFoundError
from marketplace.recruiters.data import provider_lists
from marketplace.recruiters.lifecycle import CompanyState, RecruiterState, company_transition
from marketplace.recruiters.models import (
    COMPANY_MATCH,
    MANDATE,
    SCHOOL_DOMAIN,
    Company,
    CompanyDomain,
    EmailDomainRule,
    Recruiter,
    ReviewDecision,
)
from marketplace.recruiters.policy import Address, RuleVerdict, read_address
from marketplace.recruiters.rows import locked_company
from marketplace.recruiters.settling import settle

REASON_MAX_LENGTH = 1000
VERIFY, REFUSE, APPROVE = "verify", "refuse", "approve"
_TARGETS = {VERIFY: CompanyState.VERIFIED, REFUSE: CompanyState.REFUSED}
_PENDING = (RecruiterState.PENDING_CONFIRMATION, RecruiterState.PENDING_REVIEW)


def decide_company(
    session: Session, now: datetime, admin_id: UUID, company_id: UUID, decision: str, reason: str
) -> CompanyState:
    """Verify or refuse a company that waits, with a reason; return its new state (B3).

    Verifying makes its confirmed recruiters active and their domains known. Of what was to be
    reviewed it settles for the first recruiter the school's domain and an attached mandate, for
    they are evidence on the same page, and for colleagues that they share a domain now known;
    everything else waits for :func:`review_recruiter`. Raises :class:`InvalidInputError`,
    :class:`NotFoundError`, :class:`ConflictError` when it does not wait (any more).
    """
    if decision not in _TARGETS:
        raise InvalidInputError.of("decision", "unknown_decision", N_("Decide to verify or to refuse."))
    text = _reason(reason)
    company = locked_company(session, company_id)
    company.state = company_transition(CompanyState(company.state), _TARGETS[decision])
    company.decided_at, company.decided_by, company.decision_reason = now, admin_id, text
    _record(session, now, admin_id, company.id, None, decision, text)
    _audit(session, now, f"company.{company.state.value}", admin_id, "company", company.id, "B3")
    waiting = _waiting(session, company_id)
    if decision == VERIFY:
        _open_company(session, now, company, waiting)
    mail = "company_verified" if decision == VERIFY else "company_refused"
    for recruiter in waiting:
        if recruiter.state != RecruiterState.PENDING_CONFIRMATION:
            request_mail(session, now, mail, recruiter.account_id)
    return company.state


def _open_company(session: Session, now: datetime, company: Company, waiting: Sequence[Recruiter]) -> None:
    for recruiter in waiting:
        if recruiter.is_owner:
            settled = {SCHOOL_DOMAIN} | ({MANDATE} if recruiter.mandate_file else set())
            _drop_reasons(recruiter, now, settled)
        settle(session, now, recruiter, company)
    known = set(
        session.scalars(select(CompanyDomain.domain).where(CompanyDomain.company_id == company.id)).all()
    )
    for recruiter in waiting:
        if not recruiter.is_on_behalf and recruiter.email_domain in known:
            _drop_reasons(recruiter, now, {COMPANY_MATCH})
            settle(session, now, recruiter, company)


def review_recruiter(
    session: Session, now: datetime, admin_id: UUID, recruiter_id: UUID, decision: str, reason: str
) -> RecruiterState:
    """Approve or refuse what is to be reviewed of one recruiter, with a reason; return their state (B1, B2).

    Approving settles every open point and carries out a requested change of work country. Refusing
    takes the requested change back and leaves a waiting recruiter waiting, told why. Raises
    :class:`InvalidInputError` (also for a mandate that is not attached yet),
    :class:`NotFoundError`, :class:`ConflictError` when nothing is open.
    """
    if decision not in {APPROVE, REFUSE}:
        raise InvalidInputError.of("decision", "unknown_decision", N_("Decide to approve or to refuse."))
    text = _reason(reason)
    company_id = session.scalar(select(Recruiter.company_id).where(Recruiter.id == recruiter_id))
    if company_id is None:
        raise NotFoundError("recruiter")
    company = locked_company(session, company_id)
    recruiter = session.get_one(Recruiter, recruiter_id, with_for_update=True, populate_existing=True)
    if not recruiter.review_reasons and recruiter.requested_work_country is None:
        raise ConflictError("nothing_to_review", N_("There is nothing to review here any more."))
    mail = "recruiter_refused"
    if decision == APPROVE:
        if MANDATE in recruiter.review_reasons and recruiter.mandate_file is None:
            raise InvalidInputError.of("decision", "mandate_missing", N_("The mandate is not attached yet."))
        if recruiter.requested_work_country is not None:
            recruiter.work_country = recruiter.requested_work_country
        _drop_reasons(recruiter, now, set(recruiter.review_reasons))
        settle(session, now, recruiter, company)
        mail = "recruiter_approved"
    recruiter.requested_work_country = None
    session.flush()
    _record(session, now, admin_id, company.id, recruiter.id, decision, text)
    _audit(
        session, now, "recruiter.reviewed", admin_id, "recruiter", recruiter.id, "B1", decision=decision,
        work_country=recruiter.work_country,
    )  # fmt: skip
    if recruiter.state != RecruiterState.PENDING_CONFIRMATION:
        request_mail(session, now, mail, recruiter.account_id)
    return RecruiterState(recruiter.state)


def set_domain_rule(
    session: Session, now: datetime, admin_id: UUID, pattern: str, verdict: str, reason: str
) -> UUID:
    """Allow or deny a domain with its sub-domains, or one address; return the rule's id (B2).

    A rule on the same domain or address is replaced. Raises :class:`InvalidInputError`.
    """
    if verdict not in set(RuleVerdict):
        raise InvalidInputError.of("verdict", "unknown_verdict", N_("Choose to allow or to deny."))
    text, key = _reason(reason), _pattern(pattern)
    values = {"verdict": verdict, "reason": text, "decided_by": admin_id, "decided_at": now}
    rule_id: UUID = session.scalars(
        insert(EmailDomainRule)
        .values(pattern=key, **values)
        .on_conflict_do_update(index_elements=["pattern"], set_=values)
        .returning(EmailDomainRule.id)
    ).one()
    _audit(session, now, "domain_rule.set", admin_id, "domain_rule", rule_id, "B2", verdict=verdict)
    return rule_id


def remove_domain_rule(session: Session, now: datetime, admin_id: UUID, rule_id: UUID) -> None:
    """Take a rule back; :class:`NotFoundError` when there is none (B2)."""
    rule = session.get(EmailDomainRule, rule_id)
    if rule is None:
        raise NotFoundError("domain_rule")
    session.delete(rule)
    _audit(session, now, "domain_rule.removed", admin_id, "domain_rule", rule_id, "B2", verdict=rule.verdict)


def _waiting(session: Session, company_id: UUID) -> list[Recruiter]:
    return list(
        session.scalars(
            select(Recruiter)
            .where(Recruiter.company_id == company_id, Recruiter.state.in_(_PENDING))
            .order_by(Recruiter.is_owner.desc(), Recruiter.id)
            .with_for_update()
            .execution_options(populate_existing=True)
        )
    )


def _drop_reasons(recruiter: Recruiter, now: datetime, settled: set[str]) -> None:
    left = [reason for reason in recruiter.review_reasons if reason not in settled]
    if left != recruiter.review_reasons:
        recruiter.review_reasons, recruiter.reviewed_at = left, now


def _reason(reason: str) -> str:
    text = tidy(reason)
    if not text:
        raise InvalidInputError.of("reason", "required", N_("Give the reason; it stays in the history."))
    if len(text) > REASON_MAX_LENGTH:
        message = N_("Use at most %(maximum)s characters.")
        raise InvalidInputError.of("reason", "too_long", message, maximum=REASON_MAX_LENGTH)
    if not text.isprintable():
        raise InvalidInputError.of(
            "reason", "unreadable", N_("Some of these characters cannot be used here.")
        )
    return text


def _pattern(typed: str) -> str:
    """Return a rule's key: the A-label of a domain, or an address without its plus-tag."""
    text = typed.strip()
    is_address = "@" in text
    address = read_address(text if is_address else f"postmaster@{text}")
    if not isinstance(address, Address) or provider_lists().registrable(address.host) is None:
        message = N_("Enter a domain like example.org or one address.")
        raise InvalidInputError.of("pattern", "invalid_pattern", message)
    return address.identity if is_address else address.host


def _record(
    session: Session,
    now: datetime,
    admin_id: UUID,
    company_id: UUID,
    recruiter_id: UUID | None,
    decision: str,
    reason: str,
) -> None:
    session.add(
        ReviewDecision(
            company_id=company_id,
            recruiter_id=recruiter_id,
            decision=decision,
            reason=reason,
            decided_by=admin_id,
            decided_at=now,
        )
    )
    session.flush()


def _audit(
    session: Session,
    now: datetime,
    act: str,
    admin_id: UUID,
    subject_kind: str,
    subject_id: UUID,
    rule: str,
    **details: object,
) -> None:
    audit.record(
        session, now, act, actor_id=admin_id, actor_role=Role.ADMIN.value,
        subject_kind=subject_kind, subject_id=subject_id, rule=rule, **details,
    )  # fmt: skip
