"""The table of states, and what a profile lacks (rules C7)."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import pytest

from marketplace.candidates.lifecycle import (
    CLOSED_STATES,
    MOVES,
    CandidateState,
    CVState,
    Missing,
    ProfileFacts,
    missing_for_opt_in,
    missing_for_profile,
    reinstated_state,
    settled_state,
    transition,
)
from marketplace.errors import ConflictError

S = CandidateState

COMPLETE = ProfileFacts(
    country="FR",
    region="FR-IDF",
    job_fields=1,
    has_start=True,
    rights_to_work=1,
    cv_state=CVState.READY,
    needs_guardian=False,
    has_guardian_consent=False,
)
EMPTY = ProfileFacts(
    country=None,
    region=None,
    job_fields=0,
    has_start=False,
    rights_to_work=0,
    cv_state=None,
    needs_guardian=False,
    has_guardian_consent=False,
)

ALLOWED = {
    S.INCOMPLETE: "hidden restricted suspended deletion_pending erased",
    S.HIDDEN: "incomplete searchable restricted found suspended deletion_pending erased",
    S.SEARCHABLE: "incomplete hidden restricted paused found suspended deletion_pending erased",
    S.RESTRICTED: "incomplete hidden suspended deletion_pending erased",
    S.PAUSED: "incomplete hidden searchable restricted found suspended deletion_pending erased",
    S.FOUND: "incomplete hidden searchable restricted suspended deletion_pending erased",
    S.SUSPENDED: "incomplete hidden searchable restricted paused found deletion_pending erased",
    S.DELETION_PENDING: "incomplete hidden restricted suspended erased",
    S.ERASED: "",
}


@pytest.mark.parametrize(("state", "to"), list(product(S, S)), ids=lambda state: state.value)
def test_every_pair_of_states(state: CandidateState, to: CandidateState) -> None:
    """C7: a state may follow another exactly when the table says so, and never itself."""
    if to.value in ALLOWED[state].split():
        assert transition(state, to) is to
    else:
        with pytest.raises(ConflictError):
            transition(state, to)


def test_the_table_names_every_state() -> None:
    """C7: no state is without its row."""
    assert set(MOVES) == set(S)


def test_only_a_person_makes_searchable() -> None:
    """C2, C3: neither completing a profile nor a guardian's consent leads straight to searchable."""
    assert S.SEARCHABLE not in MOVES[S.INCOMPLETE] | MOVES[S.RESTRICTED] | MOVES[S.DELETION_PENDING]


GAPS = [
    ({"country": None}, Missing.COUNTRY),
    ({"region": None}, Missing.REGION),
    ({"job_fields": 0}, Missing.JOB_FIELD),
    ({"has_start": False}, Missing.START),
    ({"rights_to_work": 0}, Missing.RIGHT_TO_WORK),
    ({"cv_state": None}, Missing.CV),
    ({"cv_state": CVState.RECEIVED}, Missing.CV),
    ({"cv_state": CVState.REFUSED}, Missing.CV),
]


@pytest.mark.parametrize(("gap", "code"), GAPS)
def test_each_gap_alone(gap: dict[str, object], code: Missing) -> None:
    """C7: each missing thing is named by its own code, and makes the profile incomplete."""
    facts = replace(COMPLETE, **gap)  # type: ignore[arg-type]
    assert missing_for_profile(facts) == missing_for_opt_in(facts) == (code,)
    assert settled_state(S.HIDDEN, facts) is S.INCOMPLETE


@pytest.mark.parametrize("cv_state", [CVState.READY, CVState.NO_TEXT])
def test_a_cv_without_text_is_enough(cv_state: CVState) -> None:
    """C7: a CV that is `ready` or `no_text` completes the profile."""
    assert missing_for_opt_in(replace(COMPLETE, cv_state=cv_state)) == ()


def test_everything_missing_is_listed_in_order() -> None:
    """C7: the list of what is missing is whole and in the order of the form, the guardian last."""
    facts = replace(EMPTY, needs_guardian=True)
    assert missing_for_opt_in(facts) == tuple(Missing)
    assert missing_for_profile(facts) == tuple(Missing)[:-1]


@pytest.mark.parametrize("state", sorted(set(S) - CLOSED_STATES))
@pytest.mark.parametrize("facts", [COMPLETE, EMPTY], ids=["complete", "empty"])
def test_a_guardian_comes_before_everything(state: CandidateState, facts: ProfileFacts) -> None:
    """A1, C3: whoever needs a guardian's consent and has none is restricted, complete or not."""
    assert settled_state(state, replace(facts, needs_guardian=True)) is S.RESTRICTED


@pytest.mark.parametrize(
    ("state", "facts", "expected"),
    [
        (S.INCOMPLETE, COMPLETE, S.HIDDEN),
        (S.RESTRICTED, COMPLETE, S.HIDDEN),
        (S.RESTRICTED, replace(COMPLETE, needs_guardian=True, has_guardian_consent=True), S.HIDDEN),
        (S.RESTRICTED, EMPTY, S.INCOMPLETE),
        (S.HIDDEN, COMPLETE, S.HIDDEN),
        (S.SEARCHABLE, COMPLETE, S.SEARCHABLE),
        (S.PAUSED, COMPLETE, S.PAUSED),
        (S.FOUND, COMPLETE, S.FOUND),
        (S.SEARCHABLE, EMPTY, S.INCOMPLETE),
    ],
)
def test_where_the_facts_lead(state: CandidateState, facts: ProfileFacts, expected: CandidateState) -> None:
    """C7: completing makes hidden, a gap makes incomplete, anything else stays."""
    assert settled_state(state, facts) is expected


@pytest.mark.parametrize("state", sorted(CLOSED_STATES))
@pytest.mark.parametrize("facts", [COMPLETE, EMPTY, replace(EMPTY, needs_guardian=True)])
def test_closed_states_do_not_move_by_themselves(state: CandidateState, facts: ProfileFacts) -> None:
    """C7: a suspended, leaving or erased candidate keeps the state whatever the profile holds."""
    assert settled_state(state, facts) is state


@pytest.mark.parametrize("state", list(S))
@pytest.mark.parametrize("facts", [COMPLETE, EMPTY, replace(COMPLETE, needs_guardian=True)])
def test_settling_only_takes_moves_of_the_table(state: CandidateState, facts: ProfileFacts) -> None:
    """C7: what the facts ask for is always a move the table has."""
    to = settled_state(state, facts)
    assert to is state or to in MOVES[state]


UNGUARDED = replace(COMPLETE, needs_guardian=True)
BEFORE = sorted(state for state in S if S.SUSPENDED in MOVES[state])


@pytest.mark.parametrize("state", BEFORE)
def test_reinstatement_gives_back_what_was_left(state: CandidateState) -> None:
    """E5: with the facts as they were every state comes back exactly, and the table has the move."""
    facts = {S.INCOMPLETE: EMPTY, S.RESTRICTED: UNGUARDED}.get(state, COMPLETE)
    assert reinstated_state(state, facts, is_opted_in=True) is state
    assert state in MOVES[S.SUSPENDED]


@pytest.mark.parametrize(
    ("state", "facts", "is_opted_in", "expected"),
    [
        (S.SEARCHABLE, COMPLETE, False, S.HIDDEN), (S.PAUSED, COMPLETE, False, S.HIDDEN),
        (S.FOUND, COMPLETE, False, S.HIDDEN), (S.HIDDEN, COMPLETE, False, S.HIDDEN),
        (S.SEARCHABLE, EMPTY, True, S.INCOMPLETE), (S.SEARCHABLE, EMPTY, False, S.INCOMPLETE),
        (S.SEARCHABLE, UNGUARDED, True, S.RESTRICTED), (S.INCOMPLETE, COMPLETE, False, S.HIDDEN),
        (S.DELETION_PENDING, EMPTY, False, S.DELETION_PENDING),
    ],
)  # fmt: skip
def test_reinstatement_settles_by_the_facts(
    state: CandidateState, facts: ProfileFacts, is_opted_in: bool, expected: CandidateState
) -> None:
    """E5, C2, C3: what was withdrawn, lost or filled in meanwhile has its way; nobody becomes searchable."""
    assert reinstated_state(state, facts, is_opted_in=is_opted_in) is expected


@pytest.mark.parametrize("state", BEFORE)
@pytest.mark.parametrize("facts", [COMPLETE, EMPTY, UNGUARDED])
@pytest.mark.parametrize("is_opted_in", [True, False])
def test_reinstatement_shows_nobody_who_was_not_seen(
    state: CandidateState, facts: ProfileFacts, is_opted_in: bool
) -> None:
    """C2: searchable afterwards only who was before, and still consents; always by a move of the table."""
    to = reinstated_state(state, facts, is_opted_in=is_opted_in)
    assert to in MOVES[S.SUSPENDED]
    assert to is not S.SEARCHABLE or (state is S.SEARCHABLE and is_opted_in)
