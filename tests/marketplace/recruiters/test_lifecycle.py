"""The states of recruiters and companies."""

from __future__ import annotations

import dataclasses
from itertools import product

import pytest

from marketplace.errors import ConflictError
from marketplace.recruiters.lifecycle import (
    Capabilities,
    CompanyState,
    RecruiterState,
    capabilities,
    company_transition,
    settled_state,
    transition,
)

RECRUITER_STEPS = {
    ("pending_confirmation", "pending_review"), ("pending_review", "active"),
    ("active", "suspended"), ("suspended", "active"), ("active", "notified"), ("notified", "active"),
    ("pending_confirmation", "deletion_pending"), ("pending_review", "deletion_pending"),
    ("active", "deletion_pending"), ("suspended", "deletion_pending"), ("notified", "deletion_pending"),
    ("deletion_pending", "closed"), ("closed", "purged"),
    # a suspension remembers the state it left (E5)
    ("pending_review", "suspended"), ("suspended", "pending_review"),
    ("notified", "suspended"), ("suspended", "notified"),
}  # fmt: skip
COMPANY_STEPS = {
    ("pending_review", "verified"), ("pending_review", "refused"), ("refused", "pending_review"),
    ("verified", "suspended"), ("suspended", "verified"),
}  # fmt: skip


@pytest.mark.parametrize(("current", "target"), [*product(RecruiterState, repeat=2)])
def test_recruiter_transitions_over_all_pairs(current, target):
    """B4: a recruiter takes the steps of the table and no other."""
    if (current, target) in RECRUITER_STEPS:
        assert transition(current, target) is target
    else:
        with pytest.raises(ConflictError):
            transition(current, target)


@pytest.mark.parametrize(("current", "target"), [*product(CompanyState, repeat=2)])
def test_company_transitions_over_all_pairs(current, target):
    """B4: a company takes the steps of the table and no other."""
    if (current, target) in COMPANY_STEPS:
        assert company_transition(current, target) is target
    else:
        with pytest.raises(ConflictError):
            company_transition(current, target)


@pytest.mark.parametrize(("recruiter", "company"), [*product(RecruiterState, CompanyState)])
def test_only_a_verified_companys_active_recruiter_searches(recruiter, company):
    """B3, B4: search, contact and download need an active recruiter of a verified company; waiting ones
    see counts."""
    may = capabilities(recruiter, company)
    full = recruiter in {"active", "notified"} and company == "verified"
    waiting = recruiter in {"pending_review", "active", "notified"} and company in {
        "pending_review",
        "refused",
    }
    assert may.may_search == may.may_contact == may.may_download == full
    assert may.may_see_counts == (
        full or waiting or (recruiter == "pending_review" and company == "verified")
    )
    assert may.may_complete_profile == (recruiter in {"pending_review", "active", "notified"})


def test_capabilities_are_combined_field_by_field():
    """B4: what either state withholds is withheld."""
    names = [field.name for field in dataclasses.fields(Capabilities)]
    for mine, other in product(product([False, True], repeat=len(names)), repeat=2):
        both = Capabilities(**dict(zip(names, mine, strict=True))) & Capabilities(
            **dict(zip(names, other, strict=True))
        )
        assert dataclasses.astuple(both) == tuple(a and b for a, b in zip(mine, other, strict=True))


@pytest.mark.parametrize(
    ("current", "confirmed", "company", "review", "settled"),
    [
        ("pending_confirmation", False, "verified", False, "pending_confirmation"),
        ("pending_confirmation", True, "pending_review", False, "pending_review"),
        ("pending_confirmation", True, "refused", False, "pending_review"),
        ("pending_confirmation", True, "suspended", False, "pending_review"),
        ("pending_confirmation", True, "verified", True, "pending_review"),
        ("pending_confirmation", True, "verified", False, "active"),
        ("pending_review", True, "verified", False, "active"),
        ("pending_review", True, "verified", True, "pending_review"),
        ("pending_review", True, "pending_review", False, "pending_review"),
        ("suspended", True, "verified", False, "suspended"),
        ("notified", True, "verified", False, "notified"),
        ("closed", True, "verified", False, "closed"),
    ],
)
def test_a_recruiter_becomes_active_once_confirmed_verified_and_reviewed(
    current, confirmed, company, review, settled
):
    """B3, B4: active when the address is confirmed and the company verified; a review holds it back."""
    state = settled_state(
        RecruiterState(current),
        is_email_confirmed=confirmed,
        company=CompanyState(company),
        is_under_review=review,
    )
    assert state == settled
