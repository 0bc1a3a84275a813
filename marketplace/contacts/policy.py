"""The contact decision: what a recruiter may do with a candidate now (rules D2, D3). Pure.

Belongs here: the decision with its reasons, the same rule as data for the search
(``visibility_for``), and the warning about permits. Fetching the facts belongs to
``facts.py``; writing down what left to ``disclosures.py``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from marketplace.periods import add_months
from marketplace.search.query import Visibility


class Act(StrEnum):
    """What the recruiter is about to do; the values are those of the ledger's kinds (rules D7)."""

    PROFILE = "profile"
    CV_TEXT = "cv_text"
    EMAIL = "email"
    CONTACT = "contact"
    CV_DOWNLOAD = "cv_download"


class Reason(StrEnum):
    """Why not. The order of the members is the order in which reasons are given (rules D3)."""

    NOT_SEARCHABLE = "not_searchable"
    OTHER_COUNTRY = "other_country"
    GUARDIAN_CONSENT_MISSING = "guardian_consent_missing"
    COMPANY_EXCLUDED = "company_excluded"
    RECRUITER_BLOCKED = "recruiter_blocked"

    NO_RIGHT_TO_WORK = "no_right_to_work"
    RECRUITER_NOT_ACTIVE = "recruiter_not_active"
    COMPANY_NOT_VERIFIED = "company_not_verified"
    TERMS_OUTDATED = "terms_outdated"
    DATA_UNCONFIRMED = "data_unconfirmed"
    DUTIES_OVERDUE = "duties_overdue"
    BUDGET_SPENT = "budget_spent"


CANDIDATE_SIDE = frozenset(
    {
        Reason.NOT_SEARCHABLE,
        Reason.OTHER_COUNTRY,
        Reason.GUARDIAN_CONSENT_MISSING,
        Reason.COMPANY_EXCLUDED,
        Reason.RECRUITER_BLOCKED,
    }
)
"""For audit, admin and candidate only: the recruiter gets the answer of an unknown id (rules D3)."""

RECRUITER_SIDE = frozenset(Reason) - CANDIDATE_SIDE
"""Shown to the recruiter (rules D3)."""

STOPS_PROFILE = CANDIDATE_SIDE | {Reason.RECRUITER_NOT_ACTIVE, Reason.COMPANY_NOT_VERIFIED}
"""With any other reason a profile still opens, and says that contact is not allowed (rules D3)."""

STOPPED_BY_OVERDUE_DUTIES = frozenset({Act.EMAIL, Act.CV_DOWNLOAD})
"""``duties_overdue`` stops downloads and reveals only (rules D3)."""


class Caution(StrEnum):
    """A warning told to the recruiter, never a refusal (rules D2)."""

    PERMIT_ENDS_BEFORE_START = "permit_ends_before_start"


@dataclass(frozen=True, kw_only=True)
class RecruiterFacts:
    """What the decision needs to know of the recruiter."""

    work_country: str
    is_active: bool
    is_company_verified: bool
    has_accepted_terms: bool
    has_confirmed_data: bool
    has_duties_overdue: bool
    has_spent_budget: bool = False


@dataclass(frozen=True, kw_only=True)
class CandidateFacts:
    """What the decision needs to know of the candidate, in the words of rules G.

    ``may_work_until`` has a country only when the right there is ``yes`` and lasts until the
    candidate's own start; ``visible_until_on`` is inclusive, none when nothing ends it.
    """

    is_searchable: bool
    country: str | None
    visible_until_on: date | None
    needs_guardian: bool
    has_guardian_consent: bool
    excludes_company: bool
    has_blocked_recruiter: bool
    may_work_until: Mapping[str, date]


@dataclass(frozen=True)
class Decision:
    """Whether, and if not why: every reason that holds, in the order of :class:`Reason`."""

    reasons: tuple[Reason, ...]

    @property
    def allowed(self) -> bool:
        return not self.reasons

    @property
    def is_hidden(self) -> bool:
        """Whether the recruiter must get the answer of an unknown id."""
        return any(reason in CANDIDATE_SIDE for reason in self.reasons)

    @property
    def shown(self) -> tuple[Reason, ...]:
        """The reasons the recruiter may be told."""
        return tuple(reason for reason in self.reasons if reason in RECRUITER_SIDE)


def contact_decision(
    recruiter: RecruiterFacts, candidate: CandidateFacts, job_country: str, today: date, act: Act
) -> Decision:
    """Decide whether ``act`` is allowed today for an apprenticeship in ``job_country`` (rules D2, D3).

    Reasons are collected, not raced: all that hold are given, in one order. For a profile only
    what stops a profile counts; ask for :attr:`Act.CONTACT` to learn what to show inside it.
    """
    holds = {
        Reason.NOT_SEARCHABLE: not is_visible_on(candidate, today),
        Reason.OTHER_COUNTRY: candidate.country != recruiter.work_country,
        Reason.GUARDIAN_CONSENT_MISSING: candidate.needs_guardian and not candidate.has_guardian_consent,
        Reason.COMPANY_EXCLUDED: candidate.excludes_company,
        Reason.RECRUITER_BLOCKED: candidate.has_blocked_recruiter,
        Reason.NO_RIGHT_TO_WORK: not may_work(candidate, job_country, today),
        Reason.RECRUITER_NOT_ACTIVE: not recruiter.is_active,
        Reason.COMPANY_NOT_VERIFIED: not recruiter.is_company_verified,
        Reason.TERMS_OUTDATED: not recruiter.has_accepted_terms,
        Reason.DATA_UNCONFIRMED: not recruiter.has_confirmed_data,
        Reason.DUTIES_OVERDUE: recruiter.has_duties_overdue and act in STOPPED_BY_OVERDUE_DUTIES,
        Reason.BUDGET_SPENT: recruiter.has_spent_budget,
    }
    if act is Act.PROFILE:
        holds = {reason: held and reason in STOPS_PROFILE for reason, held in holds.items()}
    return Decision(tuple(reason for reason in Reason if holds[reason]))


def is_visible_on(candidate: CandidateFacts, today: date) -> bool:
    """Whether the candidate is searchable and nothing that time alone changes has hidden them (rules G)."""
    until = candidate.visible_until_on
    return candidate.is_searchable and (until is None or until >= today)


def may_work(candidate: CandidateFacts, job_country: str, today: date) -> bool:
    """Whether the right to work in ``job_country`` lasts at least until today (rules D2, G)."""
    until = candidate.may_work_until.get(job_country)
    return until is not None and until >= today


def is_listed(recruiter: RecruiterFacts, candidate: CandidateFacts, job_country: str, today: date) -> bool:
    """Whether a search for ``job_country`` may list the candidate (rules D2): the re-check of every hit.

    What is listed may be contacted, but for reasons on the recruiter's side, which empty no list.
    """
    decision = contact_decision(recruiter, candidate, job_country, today, Act.CONTACT)
    return not decision.is_hidden and Reason.NO_RIGHT_TO_WORK not in decision.reasons


def stops_of_recruiter(recruiter: RecruiterFacts) -> tuple[Reason, ...]:
    """Return the reasons on the recruiter's own side that stop every contact now (rules D3).

    For a page that says it once instead of on each card: they do not depend on a candidate.
    """
    holds = {
        Reason.RECRUITER_NOT_ACTIVE: not recruiter.is_active,
        Reason.COMPANY_NOT_VERIFIED: not recruiter.is_company_verified,
        Reason.TERMS_OUTDATED: not recruiter.has_accepted_terms,
        Reason.DATA_UNCONFIRMED: not recruiter.has_confirmed_data,
        Reason.BUDGET_SPENT: recruiter.has_spent_budget,
    }
    return tuple(reason for reason, held in holds.items() if held)


def visibility_for(
    recruiter: RecruiterFacts, job_country: str, today: date, excluded_keys: frozenset[int]
) -> Visibility:
    """Return the candidate's half of the decision as data, for a whole search (rules D2).

    ``excluded_keys`` are the candidates who exclude or blocked this recruiter, and those with a
    pending change that could lower visibility. Reasons on the recruiter's side do not empty a list.
    """
    return Visibility(
        country=recruiter.work_country, job_country=job_country, today=today, excluded_keys=excluded_keys
    )


def has_confirmed_data(confirmed_on: date, today: date, months: int, grace_days: int) -> bool:
    """Whether a recruiter's data count as confirmed: for calendar months and some days more (rules A7)."""
    return today <= add_months(confirmed_on, months) + timedelta(days=grace_days)


def email_may_be_revealed(*, is_minor: bool) -> bool:
    """Whether the e-mail address may be given at all: never a minor's (rules C3, D3)."""
    return not is_minor


def file_may_be_given(*, is_minor: bool) -> bool:
    """Whether the CV file may be given at all: never a minor's (rules C3)."""
    return not is_minor


def cautions_for(candidate: CandidateFacts, job_country: str, opening_start_on: date) -> tuple[Caution, ...]:
    """Return what the recruiter should know before going on: a permit ends before the start (rules D2)."""
    until = candidate.may_work_until.get(job_country)
    if until is not None and opening_start_on > until:
        return (Caution.PERMIT_ENDS_BEFORE_START,)
    return ()
