"""The states of recruiters and companies as tables, with what each state lets a recruiter do (B4).

Pure. A change of state anywhere in the project goes through :func:`transition` or
:func:`company_transition`; what follows from a change (mail, audit) is the services' part.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from marketplace.errors import ConflictError


class RecruiterState(StrEnum):
    """The states of a recruiter (rules B4)."""

    PENDING_CONFIRMATION = "pending_confirmation"
    PENDING_REVIEW = "pending_review"
    ACTIVE = "active"
    NOTIFIED = "notified"
    SUSPENDED = "suspended"
    DELETION_PENDING = "deletion_pending"
    CLOSED = "closed"
    PURGED = "purged"


class CompanyState(StrEnum):
    """The states of a company (rules B4)."""

    PENDING_REVIEW = "pending_review"
    VERIFIED = "verified"
    REFUSED = "refused"
    SUSPENDED = "suspended"


R, C = RecruiterState, CompanyState

RECRUITER_TRANSITIONS: Mapping[RecruiterState, frozenset[RecruiterState]] = MappingProxyType(
    {
        R.PENDING_CONFIRMATION: frozenset({R.PENDING_REVIEW, R.DELETION_PENDING}),
        R.PENDING_REVIEW: frozenset({R.ACTIVE, R.SUSPENDED, R.DELETION_PENDING}),
        R.ACTIVE: frozenset({R.SUSPENDED, R.NOTIFIED, R.DELETION_PENDING}),
        R.NOTIFIED: frozenset({R.ACTIVE, R.SUSPENDED, R.DELETION_PENDING}),
        # Reinstatement gives back the state that was left (rules E5).
        R.SUSPENDED: frozenset({R.PENDING_REVIEW, R.ACTIVE, R.NOTIFIED, R.DELETION_PENDING}),
        R.DELETION_PENDING: frozenset({R.CLOSED}),
        R.CLOSED: frozenset({R.PURGED}),
        R.PURGED: frozenset(),
    }
)

COMPANY_TRANSITIONS: Mapping[CompanyState, frozenset[CompanyState]] = MappingProxyType(
    {
        C.PENDING_REVIEW: frozenset({C.VERIFIED, C.REFUSED}),
        C.VERIFIED: frozenset({C.SUSPENDED}),
        C.REFUSED: frozenset({C.PENDING_REVIEW}),
        C.SUSPENDED: frozenset({C.VERIFIED}),
    }
)


@dataclass(frozen=True, kw_only=True)
class Capabilities:
    """What a recruiter may do now. ``may_see_counts`` is the rounded facets of rules B3."""

    may_complete_profile: bool = False
    may_see_counts: bool = False
    may_search: bool = False
    may_contact: bool = False
    may_download: bool = False

    def __and__(self, other: Capabilities) -> Capabilities:
        return Capabilities(
            may_complete_profile=self.may_complete_profile and other.may_complete_profile,
            may_see_counts=self.may_see_counts and other.may_see_counts,
            may_search=self.may_search and other.may_search,
            may_contact=self.may_contact and other.may_contact,
            may_download=self.may_download and other.may_download,
        )


NOTHING = Capabilities()
WAITING = Capabilities(may_complete_profile=True, may_see_counts=True)
EVERYTHING = Capabilities(
    may_complete_profile=True, may_see_counts=True, may_search=True, may_contact=True, may_download=True
)

RECRUITER_CAPABILITIES: Mapping[RecruiterState, Capabilities] = MappingProxyType(
    {
        R.PENDING_CONFIRMATION: NOTHING,
        R.PENDING_REVIEW: WAITING,
        R.ACTIVE: EVERYTHING,
        R.NOTIFIED: EVERYTHING,  # a notice of inactivity takes nothing away; signing in clears it (B5)
        R.SUSPENDED: NOTHING,
        R.DELETION_PENDING: NOTHING,
        R.CLOSED: NOTHING,
        R.PURGED: NOTHING,
    }
)

COMPANY_CAPABILITIES: Mapping[CompanyState, Capabilities] = MappingProxyType(
    {
        C.PENDING_REVIEW: WAITING,
        C.VERIFIED: EVERYTHING,
        C.REFUSED: WAITING,
        C.SUSPENDED: Capabilities(may_complete_profile=True),
    }
)


def capabilities(recruiter: RecruiterState, company: CompanyState) -> Capabilities:
    """Return what both states together allow: neither gives what the other withholds (B3, B4)."""
    return RECRUITER_CAPABILITIES[recruiter] & COMPANY_CAPABILITIES[company]


def _impossible() -> ConflictError:
    return ConflictError("state", "This is not possible now. Somebody else may have decided meanwhile.")


def transition(current: RecruiterState, target: RecruiterState) -> RecruiterState:
    """Return ``target`` where the table of B4 has the step; else raise :class:`ConflictError`."""
    if target not in RECRUITER_TRANSITIONS[current]:
        raise _impossible()
    return target


def company_transition(current: CompanyState, target: CompanyState) -> CompanyState:
    """Return ``target`` where the table of B4 has the step; else raise :class:`ConflictError`."""
    if target not in COMPANY_TRANSITIONS[current]:
        raise _impossible()
    return target


def settled_state(
    current: RecruiterState, *, is_email_confirmed: bool, company: CompanyState, is_under_review: bool
) -> RecruiterState:
    """Return the state a waiting recruiter is in once the facts are known (B3, B4).

    Confirmed and verified and with nothing left to review: ``active``, passing ``pending_review``
    in the same moment. A state past waiting is not changed here.
    """
    state = current
    if state == R.PENDING_CONFIRMATION and is_email_confirmed:
        state = transition(state, R.PENDING_REVIEW)
    if state == R.PENDING_REVIEW and company == C.VERIFIED and not is_under_review:
        state = transition(state, R.ACTIVE)
    return state
