"""States of a candidate (rules C7) as one table, and what a profile lacks. Pure.

What a state lets others see is ``policy.py``'s; who asks for a change of state is ``services.py``'s.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from marketplace.errors import ConflictError


class CandidateState(StrEnum):
    """The states of rules C7."""

    INCOMPLETE = "incomplete"
    HIDDEN = "hidden"
    SEARCHABLE = "searchable"
    RESTRICTED = "restricted"
    PAUSED = "paused"
    FOUND = "found"
    SUSPENDED = "suspended"
    DELETION_PENDING = "deletion_pending"
    ERASED = "erased"


class CVState(StrEnum):
    """Where an uploaded CV is (rules C4)."""

    RECEIVED = "received"
    READY = "ready"
    NO_TEXT = "no_text"
    REFUSED = "refused"


class Missing(StrEnum):
    """What keeps a profile from being searchable (rules C7); the values are public codes."""

    COUNTRY = "country"
    REGION = "region"
    JOB_FIELD = "job_fields"
    START = "start_on"
    RIGHT_TO_WORK = "right_to_work"
    CV = "cv"
    GUARDIAN_CONSENT = "guardian_consent"


_S = CandidateState
_END = frozenset({_S.SUSPENDED, _S.DELETION_PENDING, _S.ERASED})
_BEFORE_SUSPENSION = frozenset({_S.INCOMPLETE, _S.HIDDEN, _S.SEARCHABLE, _S.RESTRICTED, _S.PAUSED, _S.FOUND})

MOVES: Mapping[CandidateState, frozenset[CandidateState]] = MappingProxyType(
    {
        _S.INCOMPLETE: _END | {_S.HIDDEN, _S.RESTRICTED},
        _S.HIDDEN: _END | {_S.INCOMPLETE, _S.SEARCHABLE, _S.RESTRICTED, _S.FOUND},
        _S.SEARCHABLE: _END | {_S.INCOMPLETE, _S.HIDDEN, _S.RESTRICTED, _S.PAUSED, _S.FOUND},
        # The guardian's consent, or an 18th birthday, never makes searchable: the person opts in.
        _S.RESTRICTED: _END | {_S.INCOMPLETE, _S.HIDDEN},
        _S.PAUSED: _END | {_S.INCOMPLETE, _S.HIDDEN, _S.SEARCHABLE, _S.RESTRICTED, _S.FOUND},
        _S.FOUND: _END | {_S.INCOMPLETE, _S.HIDDEN, _S.SEARCHABLE, _S.RESTRICTED},
        # Reinstatement gives back the state that was left (rules E5).
        _S.SUSPENDED: _BEFORE_SUSPENSION | {_S.DELETION_PENDING, _S.ERASED},
        # A cancelled deletion comes back hidden: being found again takes a new opt-in (rules A8).
        _S.DELETION_PENDING: frozenset({_S.INCOMPLETE, _S.HIDDEN, _S.RESTRICTED, _S.SUSPENDED, _S.ERASED}),
        _S.ERASED: frozenset(),
    }
)
"""Which state may follow which (rules C7). A state never follows itself: that is no change."""

OPTED_IN_STATES = frozenset({_S.SEARCHABLE, _S.PAUSED, _S.FOUND})
"""States that rest on a live opt-in; a withdrawal leaves them for ``hidden``."""

CLOSED_STATES = frozenset({_S.SUSPENDED, _S.DELETION_PENDING, _S.ERASED})
"""States in which the profile's own content no longer moves the state."""

USABLE_CV = frozenset({CVState.READY, CVState.NO_TEXT})


@dataclass(frozen=True, kw_only=True)
class ProfileFacts:
    """What completeness depends on (rules C7)."""

    country: str | None
    region: str | None
    job_fields: int
    has_start: bool
    rights_to_work: int
    cv_state: CVState | None
    needs_guardian: bool
    has_guardian_consent: bool


def transition(state: CandidateState, to: CandidateState) -> CandidateState:
    """Return ``to`` when it may follow ``state`` (rules C7).

    Raises :class:`ConflictError` (``state_conflict``) when the table does not have the move.
    """
    if to not in MOVES[state]:
        raise ConflictError("state_conflict", "This is not possible in the present state of your profile.")
    return to


def missing_for_profile(facts: ProfileFacts) -> tuple[Missing, ...]:
    """Return what a profile lacks to be complete, in the order of the form (rules C7)."""
    checks = (
        (Missing.COUNTRY, facts.country is not None),
        (Missing.REGION, facts.region is not None),
        (Missing.JOB_FIELD, facts.job_fields > 0),
        (Missing.START, facts.has_start),
        (Missing.RIGHT_TO_WORK, facts.rights_to_work > 0),
        (Missing.CV, facts.cv_state in USABLE_CV),
    )
    return tuple(code for code, is_there in checks if not is_there)


def missing_for_opt_in(facts: ProfileFacts) -> tuple[Missing, ...]:
    """Return what keeps the candidate from opting in: the profile's gaps, then the guardian (C3, C7)."""
    missing = missing_for_profile(facts)
    if facts.needs_guardian and not facts.has_guardian_consent:
        return (*missing, Missing.GUARDIAN_CONSENT)
    return missing


def settled_state(state: CandidateState, facts: ProfileFacts) -> CandidateState:
    """Return the state a profile with these facts is in, coming from ``state`` (rules A1, C3, C7).

    A minor or protected adult without live consent is restricted whatever else is there; a gap
    makes incomplete; what becomes complete or free becomes hidden, never searchable by itself.
    """
    if state in CLOSED_STATES:
        return state
    if facts.needs_guardian and not facts.has_guardian_consent:
        return CandidateState.RESTRICTED
    if missing_for_profile(facts):
        return CandidateState.INCOMPLETE
    if state in {CandidateState.INCOMPLETE, CandidateState.RESTRICTED}:
        return CandidateState.HIDDEN
    return state


def reinstated_state(before: CandidateState, facts: ProfileFacts, *, is_opted_in: bool) -> CandidateState:
    """Return the state a suspended candidate comes back to: exactly the one that was left (rules E5).

    But for what was given up meanwhile: without a live opt-in what rests on one is hidden (C2), and
    a gap or a missing guardian's consent has its way as ever (C3, C7).
    """
    if before in OPTED_IN_STATES and not is_opted_in:
        before = CandidateState.HIDDEN
    return settled_state(before, facts)
