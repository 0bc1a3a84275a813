"""What the JSON routes of admins take and give (interface.md); unknown fields are refused."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

from marketplace.recruiters.domain_queries import DomainRule
from marketplace.recruiters.queries import RecruiterFacts
from marketplace.recruiters.review_queries import CompanyEvidence, CompanyLine
from marketplace.recruiters.schemas import RecruiterOut, recruiter_out

Line = Annotated[str, Meta(max_length=400)]
Reason = Annotated[str, Meta(max_length=2000)]
Code = Annotated[str, Meta(max_length=40)]


class _In(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """What a client sends."""


class CompanyDecisionIn(_In):
    """``verify`` or ``refuse``, with the reason."""

    decision: Code
    reason: Reason


class RecruiterReviewIn(_In):
    """``approve`` or ``refuse``, with the reason."""

    decision: Code
    reason: Reason


class DomainRuleIn(_In):
    """``allow`` or ``deny`` for a domain with its sub-domains, or for one address."""

    pattern: Line
    verdict: Code
    reason: Reason


class GrantIn(_In):
    """``bearer``: sign in as a program."""

    grant: Code


class ReviewedRecruiterOut(msgspec.Struct, kw_only=True):
    """A recruiter as evidence: who, from which address, on whose behalf."""

    account_id: UUID
    first_name: str
    last_name: str
    email: str
    email_domain: str
    email_confirmed: bool
    registered_at: datetime
    recruiter: RecruiterOut


class QueuedCompanyOut(msgspec.Struct, kw_only=True):
    """A company with the evidence of the queue (rules B3)."""

    id: UUID
    name: str
    kind: str
    country: str
    registration_number: str | None
    registration_number_valid: bool | None
    state: str
    submitted_at: datetime
    decided_at: datetime | None
    decision_reason: str | None
    domains: list[str]
    recruiters: list[ReviewedRecruiterOut]


class QueuedCompaniesOut(msgspec.Struct, kw_only=True):
    items: list[QueuedCompanyOut]
    next_cursor: str | None


class DecisionOut(msgspec.Struct, kw_only=True):
    decision: str
    reason: str
    decided_at: datetime
    author: str | None
    recruiter: str | None


class CompanyEvidenceOut(msgspec.Struct, kw_only=True):
    """One company with its history and the companies that look like it."""

    company: QueuedCompanyOut
    history: list[DecisionOut]
    similar: list[QueuedCompanyOut]


class DecidedOut(msgspec.Struct, kw_only=True):
    id: UUID
    state: str


class ReviewedRecruitersOut(msgspec.Struct, kw_only=True):
    items: list[ReviewedRecruiterOut]
    next_cursor: str | None


class DomainRuleOut(msgspec.Struct, kw_only=True):
    id: UUID
    pattern: str
    verdict: str
    reason: str
    decided_at: datetime
    author: str | None


class DomainRulesOut(msgspec.Struct, kw_only=True):
    items: list[DomainRuleOut]
    next_cursor: str | None = None


class GrantOut(msgspec.Struct, kw_only=True):
    grant: str


def reviewed_out(facts: RecruiterFacts) -> ReviewedRecruiterOut:
    """Return a recruiter as an admin sees them."""
    return ReviewedRecruiterOut(
        account_id=facts.account_id,
        first_name=facts.first_name,
        last_name=facts.last_name,
        email=facts.email,
        email_domain=facts.email_domain,
        email_confirmed=facts.email_confirmed_at is not None,
        registered_at=facts.registered_at,
        recruiter=recruiter_out(facts),
    )


def company_out(line: CompanyLine) -> QueuedCompanyOut:
    """Return a line of the queue."""
    return QueuedCompanyOut(
        id=line.id,
        name=line.legal_name,
        kind=line.kind,
        country=line.country,
        registration_number=line.registration_number,
        registration_number_valid=line.is_number_valid,
        state=line.state.value,
        submitted_at=line.submitted_at,
        decided_at=line.decided_at,
        decision_reason=line.decision_reason,
        domains=list(line.domains),
        recruiters=[reviewed_out(facts) for facts in line.recruiters],
    )


def evidence_out(evidence: CompanyEvidence) -> CompanyEvidenceOut:
    """Return everything about one company."""
    return CompanyEvidenceOut(
        company=company_out(evidence.company),
        history=[
            DecisionOut(
                decision=line.decision,
                reason=line.reason,
                decided_at=line.decided_at,
                author=line.author,
                recruiter=line.recruiter,
            )
            for line in evidence.history
        ],
        similar=[company_out(line) for line in evidence.similar],
    )


def domain_rule_out(rule: DomainRule) -> DomainRuleOut:
    """Return an admin's rule."""
    return DomainRuleOut(
        id=rule.id,
        pattern=rule.pattern,
        verdict=rule.verdict.value,
        reason=rule.reason,
        decided_at=rule.decided_at,
        author=rule.author,
    )
