"""The gate between recruiter and candidate (rules D3, D7): it holds both, decides, and lets pass or refuses.

Handlers run what passes it, the functions of ``disclosures.py``, inside :func:`gate`, which audits
what was refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace import audit
from marketplace.candidates import policy as candidate_policy
from marketplace.candidates.models import Candidate
from marketplace.candidates.policy_facts import visibility_facts
from marketplace.candidates.refusals import refusals_of
from marketplace.catalogues import N_
from marketplace.contacts.asking_recruiters import AskingRecruiter, asking_recruiter
from marketplace.contacts.facts import candidate_facts, recruiter_facts
from marketplace.contacts.policy import (
    Act,
    CandidateFacts,
    Decision,
    Reason,
    RecruiterFacts,
    contact_decision,
)
from marketplace.db import Database
from marketplace.errors import ContactNotAllowedError, NotAllowedError, NotFoundError, TooManyRequestsError
from marketplace.settings import Settings


@dataclass(frozen=True)
class Attempt:
    """Who tried what on whom, and every reason why not; for the audit."""

    account_id: UUID
    candidate_id: UUID
    act: Act
    reasons: tuple[str, ...]


class HiddenCandidateError(NotFoundError):
    """The candidate may not be known to the recruiter; :func:`gate` makes it a plain 404."""

    def __init__(self, attempt: Attempt) -> None:
        super().__init__()
        self.attempt = attempt


class StoppedRecruiterError(ContactNotAllowedError):
    """Reasons on the recruiter's side (rules D3)."""

    def __init__(self, attempt: Attempt, shown: tuple[Reason, ...]) -> None:
        super().__init__([reason.value for reason in shown])
        self.attempt = attempt


class WithheldFromMinorError(NotAllowedError):
    """Neither the e-mail address nor the file of a minor is given (rules C3)."""

    def __init__(self, attempt: Attempt) -> None:
        super().__init__("withheld_from_minor", N_("Write to this candidate here; nothing else is given."))
        self.attempt = attempt


class SpentQuotaError(TooManyRequestsError):
    """A quota of a day is used up (rules E1)."""

    def __init__(self, attempt: Attempt, spent: TooManyRequestsError) -> None:
        super().__init__(spent.quota, spent.limit, spent.retry_after, spent.seconds)
        self.attempt = attempt


@contextmanager
def gate(db: Database, now: datetime) -> Iterator[Session]:
    """Run a disclosure in its transaction; audit a refusal in one of its own, then raise it.

    What was hidden comes out as the same plain :class:`NotFoundError` as an unknown id.
    """
    try:
        with db.transaction() as session:
            yield session
    except (HiddenCandidateError, StoppedRecruiterError, WithheldFromMinorError, SpentQuotaError) as refused:
        rule = "E1" if isinstance(refused, SpentQuotaError) else "D3"
        with db.transaction() as session:
            _record_refusal(session, now, refused.attempt, rule)
        if isinstance(refused, HiddenCandidateError):
            raise NotFoundError from None
        raise


def _record_refusal(session: Session, now: datetime, attempt: Attempt, rule: str) -> None:
    audit.record(
        session, now, f"{attempt.act.value}.refused", actor_id=attempt.account_id, actor_role="recruiter",
        subject_kind="candidate", subject_id=attempt.candidate_id, rule=rule,
        reasons=[str(reason) for reason in attempt.reasons],
    )  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Meeting:
    """A recruiter and a candidate held in one transaction, with the facts both sides are judged on."""

    recruiter: AskingRecruiter
    candidate_id: UUID
    recruiter_facts: RecruiterFacts
    candidate_facts: CandidateFacts
    is_minor: bool
    today: date

    def decide(self, job_country: str, act: Act) -> Decision:
        """Return the decision of rules D3 on these facts."""
        return contact_decision(self.recruiter_facts, self.candidate_facts, job_country, self.today, act)

    def permit(self, job_country: str, act: Act) -> None:
        """Let the act pass, or raise :class:`HiddenCandidateError` or :class:`StoppedRecruiterError`."""
        decision = self.decide(job_country, act)
        if decision.is_hidden:
            raise HiddenCandidateError(self.attempt(act, decision.reasons))
        if not decision.allowed:
            raise StoppedRecruiterError(self.attempt(act, decision.reasons), decision.shown)

    def attempt(self, act: Act, reasons: tuple[str, ...]) -> Attempt:
        """Return the attempt that is refused for these reasons."""
        return Attempt(self.recruiter.account_id, self.candidate_id, act, reasons)


def meet(
    session: Session, now: datetime, settings: Settings, account_id: UUID, candidate_id: UUID, act: Act
) -> Meeting:
    """Hold both rows and read the facts behind them (rules D2, D3).

    Recruiter first, candidate second, always: so two gates never wait for each other. Raises
    :class:`HiddenCandidateError` for an unknown candidate.
    """
    recruiter = asking_recruiter(session, account_id, lock=True)
    is_known = _lock_candidate(session, candidate_id)
    facts = visibility_facts(session, [candidate_id]).get(candidate_id) if is_known else None
    if facts is None:
        raise HiddenCandidateError(Attempt(account_id, candidate_id, act, ("unknown",)))
    today = now.date()
    refusals = refusals_of(session, candidate_id, recruiter.asker)
    return Meeting(
        recruiter=recruiter,
        candidate_id=candidate_id,
        recruiter_facts=recruiter_facts(session, now, settings, recruiter),
        candidate_facts=candidate_facts(facts, refusals, today, settings),
        is_minor=candidate_policy.is_minor(facts, today, settings),
        today=today,
    )


def _lock_candidate(session: Session, candidate_id: UUID) -> bool:
    """Hold the candidate's row until the end of the transaction; False for an unknown id.

    A withdrawal writes that row, so it waits for a disclosure under way, and a disclosure that comes
    after it reads it withdrawn: no ledger row is younger than a withdrawal (security.md C-07).
    """
    held = select(Candidate.id).where(Candidate.id == candidate_id).with_for_update(read=True)
    return session.execute(held).one_or_none() is not None
