"""JSON routes of admins about sanctions."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from marketplace.accounts.models import Account, Role
from tests.builders import a_candidate, a_recruiter, an_account
from tests.marketplace.admin.conftest import settled

BODY = {"kind": "suspend", "clause": "ST 4", "facts": "Facts.\nMore facts.", "reason": "Reason."}


@pytest.fixture
def people(db) -> dict[str, Any]:
    with db.transaction() as session:
        return {"recruiters": a_recruiter(session), "candidates": a_candidate(session)}


@pytest.mark.parametrize("kind", ["recruiters", "candidates"])
def test_suspend_read_lift(client, admin, people, kind):
    """E5: an admin suspends with clause, facts and reason, reads the history, and lifts with a reason."""
    path = f"/admin/{kind}/{people[kind].id}/sanctions"
    assert client.get(f"/api/v1{path}").json() == {
        "state": "active" if kind == "recruiters" else "searchable", "items": [], "next_cursor": None,
    }  # fmt: skip
    made = client.change("POST", path, {**BODY, "until": "2026-12-01T10:00:00+01:00"})
    assert made.status_code == 201
    sanction_id = made.json()["id"]
    history = client.get(f"/api/v1{path}").json()
    assert history["state"] == "suspended"
    (item,) = history["items"]
    assert item == {
        "id": sanction_id, "kind": "suspend", "starts_at": "2026-11-23T09:00:00Z",
        "until": "2026-12-01T09:00:00Z", "clause": "ST 4", "facts": "Facts.\nMore facts.",
        "reason": "Reason.", "is_automated": False, "lifted_at": None, "lift_reason": None,
        "is_in_force": True, "decided_by": f"{admin.first_name} {admin.last_name} <{admin.email}>",
        "lifted_by": None, "state_before": "active" if kind == "recruiters" else "searchable",
    }  # fmt: skip
    lift = f"/admin/sanctions/{sanction_id}/lift"
    for reason in ("An error.", "Again."):
        lifted = client.change("POST", lift, {"reason": reason})
        assert lifted.status_code == 200
        assert (lifted.json()["lift_reason"], lifted.json()["is_in_force"]) == ("An error.", False)
    assert client.get(f"/api/v1{path}").json()["state"] != "suspended"


@pytest.mark.parametrize("kind", ["recruiters", "candidates"])
def test_a_member_is_known_by_the_account_too(client, admin, people, kind):
    """E5: lists of members give both ids, and either names the person."""
    path = f"/admin/{kind}/{people[kind].account_id}/sanctions"
    assert client.change("POST", path, BODY).status_code == 201
    assert len(client.get(f"/api/v1/admin/{kind}/{people[kind].id}/sanctions").json()["items"]) == 1


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"kind": "whip"}, "kind"), ({"until": "2026-11-23T09:00:00Z"}, "until"),
        ({"until": "2036-11-23T09:00:01Z"}, "until"), ({"until": "9999-12-31T23:59:59-14:00"}, "until"),
        ({"until": "0001-01-01T00:00:00+14:00"}, "until"), ({"until": "2026-12-01T09:00:00"}, "until"),
        ({"until": "tomorrow"}, "until"), ({"clause": " "}, "clause"), ({"facts": ""}, "facts"),
        ({"reason": "x" * 4001}, "reason"), ({"reason": "a\x07b"}, "reason"), ({"colour": "red"}, "colour"),
    ],
)  # fmt: skip
def test_a_wrong_measure_is_refused(client, admin, people, change, field):
    """M-01: 422 names the field, and nobody is suspended."""
    path = f"/admin/recruiters/{people['recruiters'].id}/sanctions"
    answer = client.change("POST", path, BODY | change)
    assert answer.status_code == 422, answer.text
    assert [fault["field"] for fault in answer.json()["errors"]] == [field]
    assert client.get(f"/api/v1{path}").json() == {"state": "active", "items": [], "next_cursor": None}


def test_a_state_that_cannot_be_suspended_is_a_conflict(client, admin, db):
    """B4: 409 for a recruiter whose address is not confirmed yet."""
    with db.transaction() as session:
        recruiter = a_recruiter(session, "pending_confirmation")
    assert client.change("POST", f"/admin/recruiters/{recruiter.id}/sanctions", BODY).status_code == 409


def test_unknown_ids(client, admin, people):
    """Z-02: an unknown member or sanction, or one of the other kind, is a 404."""
    for path in (
        f"/admin/recruiters/{people['candidates'].id}/sanctions",
        f"/admin/candidates/{people['recruiters'].id}/sanctions",
        f"/admin/recruiters/{uuid4()}/sanctions",
    ):
        assert client.get(f"/api/v1{path}").status_code == 404
        assert client.change("POST", path, BODY).status_code == 404
    assert client.change("POST", f"/admin/sanctions/{uuid4()}/lift", {"reason": "x"}).status_code == 404


@pytest.mark.parametrize("role", [Role.RECRUITER, Role.CANDIDATE])
def test_members_sanction_nobody(client, people, db, role):
    """Z-01: these routes are for admins."""
    with db.transaction() as session:
        subject = people["recruiters" if role is Role.RECRUITER else "candidates"]
        account = settled(session, session.get_one(Account, subject.account_id))
        other = an_account(session)
    client.sign_in_as(account)
    path = f"/admin/recruiters/{people['recruiters'].id}/sanctions"
    assert client.get(f"/api/v1{path}").status_code == 403
    assert client.change("POST", path, BODY).status_code == 403
    assert client.change("POST", f"/admin/sanctions/{other.id}/lift", {"reason": "x"}).status_code == 403
