"""Read SQL of e-mail domains: the admins' rules, and the verdict on an address that follows (B2)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace.accounts.models import Account
from marketplace.recruiters.data import provider_lists
from marketplace.recruiters.models import EmailDomainRule
from marketplace.recruiters.policy import (
    Address,
    EmailVerdict,
    RuleVerdict,
    professional_email_verdict,
    read_address,
)


@dataclass(frozen=True, kw_only=True)
class DomainRule:
    """An admin's word on a domain or an address, with author, date and reason (B2)."""

    id: UUID
    pattern: str
    verdict: RuleVerdict
    reason: str
    decided_at: datetime
    author: str | None


def email_verdict(session: Session, text: str) -> EmailVerdict:
    """Return the verdict of B2 on an address, with the admins' rules of this moment."""
    providers = provider_lists()
    address = read_address(text)
    rules: dict[str, RuleVerdict] = {}
    if isinstance(address, Address):
        labels = address.host.split(".")
        keys = [address.identity, *(".".join(labels[index:]) for index in range(len(labels)))]
        found = select(EmailDomainRule.pattern, EmailDomainRule.verdict).where(
            EmailDomainRule.pattern.in_(keys)
        )
        rules = {pattern: RuleVerdict(verdict) for pattern, verdict in session.execute(found)}
    return professional_email_verdict(text, providers, rules)


def domain_rules(session: Session) -> tuple[DomainRule, ...]:
    """Return every admin rule, in the order of their patterns."""
    rows = session.execute(
        select(EmailDomainRule, Account.email)
        .outerjoin(Account, Account.id == EmailDomainRule.decided_by)
        .order_by(EmailDomainRule.pattern)
    )
    return tuple(
        DomainRule(
            id=rule.id,
            pattern=rule.pattern,
            verdict=RuleVerdict(rule.verdict),
            reason=rule.reason,
            decided_at=rule.decided_at,
            author=author,
        )
        for rule, author in rows
    )
