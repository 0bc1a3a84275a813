"""Openings: what a contact is about (rules D3)."""

from __future__ import annotations

from datetime import date
from uuid import uuid4

import pytest

from marketplace.contacts import opening_queries, openings
from marketplace.contacts.models import OpeningState
from marketplace.contacts.openings import OpeningChange, own_open_opening
from marketplace.errors import InvalidInputError, NotAllowedError, NotFoundError
from marketplace.recruiters.lifecycle import CompanyState, RecruiterState
from marketplace.recruiters.models import Company, Recruiter
from tests.builders import a_recruiter, an_opening
from tests.marketplace.contacts.conftest import Scene

START = date(2027, 9, 1)


def create(scene: Scene, **changes: object) -> opening_queries.OpeningView:
    fields = {"title": "Apprentice developer", "job_country": "GB", "start_on": START}
    with scene.db.transaction() as session:
        return openings.create_opening(
            session,
            scene.now,
            scene.recruiter_account,
            **{**fields, **changes},  # type: ignore[arg-type]
        )


def test_an_opening_names_title_company_country_and_start(scene: Scene) -> None:
    """D3: the hiring company defaults to the recruiter's own; another may be named."""
    opening = create(scene, title="  Apprentice \n developer ")
    assert (opening.title, opening.job_country, opening.start_on) == ("Apprentice developer", "GB", START)
    assert opening.company.startswith("Acme")
    assert opening.state is OpeningState.OPEN
    assert create(scene, company="Daughter Ltd").company == "Daughter Ltd"
    assert [entry.act for entry in scene.audit()] == ["opening.created"] * 2


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("title", ""),
        ("title", "x" * 201),
        ("title", "zero\u200bwidth"),
        ("company", "y" * 201),
        ("job_country", "DE"),
        ("start_on", date(2025, 11, 22)),
        ("start_on", date(2031, 11, 24)),
    ],
)
def test_a_wrong_field_is_named_and_nothing_is_stored(scene: Scene, field: str, value: object) -> None:
    """D3: an opening is in the Territory, near in time, and every field fits."""
    with pytest.raises(InvalidInputError) as refused:
        create(scene, **{field: value})
    assert [error.field for error in refused.value.errors] == [field]
    with scene.db.transaction() as session:
        assert len(opening_queries.openings(session, scene.recruiter_id).rows) == 1


@pytest.mark.parametrize("start_on", [date(2025, 11, 23), date(2031, 11, 23)])
def test_the_ends_of_the_range_are_inside(scene: Scene, start_on: date) -> None:
    """D3: from a year back to five years ahead, both days included."""
    assert create(scene, start_on=start_on).start_on == start_on


def test_who_may_not_contact_creates_no_opening(scene: Scene) -> None:
    """B3, B4: not while the company is unverified, and not while the recruiter is not active."""
    scene.change(Company, scene.company_id, state=CompanyState.PENDING_REVIEW)
    with pytest.raises(NotAllowedError) as refused:
        create(scene)
    assert refused.value.code == "company_not_verified"
    scene.change(Company, scene.company_id, state=CompanyState.VERIFIED)
    scene.change(Recruiter, scene.recruiter_id, state=RecruiterState.SUSPENDED)
    with pytest.raises(NotAllowedError) as refused:
        create(scene)
    assert refused.value.code == "recruiter_not_active"


def test_an_opening_is_changed_closed_and_reopened(scene: Scene) -> None:
    """D3: a closed opening is no ground for a contact; reopened it is one again."""
    account, opening_id = scene.recruiter_account, scene.opening.id
    with scene.db.transaction() as session:
        changed = openings.change_opening(
            session, scene.now, account, opening_id, OpeningChange(title="New", job_country="US")
        )
        assert (changed.title, changed.job_country, changed.start_on) == ("New", "US", START)
        openings.change_opening(
            session, scene.now, account, opening_id, OpeningChange(state=OpeningState.CLOSED)
        )
        with pytest.raises(InvalidInputError) as refused:
            own_open_opening(session, scene.recruiter_id, opening_id)
        assert refused.value.code == "opening_required"
        openings.change_opening(
            session, scene.now, account, opening_id, OpeningChange(state=OpeningState.OPEN)
        )
        assert own_open_opening(session, scene.recruiter_id, opening_id).id == opening_id
    assert [entry.act for entry in scene.audit()] == ["opening.changed", "opening.closed", "opening.changed"]


def test_another_recruiters_opening_is_unknown(scene: Scene) -> None:
    """Z-02: a foreign opening can be neither read, changed nor used; it looks like an unknown one."""
    with scene.db.transaction() as session:
        foreign = an_opening(session, a_recruiter(session)).id
        for opening_id in (foreign, uuid4()):
            with pytest.raises(NotFoundError):
                openings.own_opening(session, scene.recruiter_account, opening_id)
            with pytest.raises(NotFoundError):
                openings.change_opening(
                    session, scene.now, scene.recruiter_account, opening_id, OpeningChange()
                )
            with pytest.raises(InvalidInputError):
                own_open_opening(session, scene.recruiter_id, opening_id)
