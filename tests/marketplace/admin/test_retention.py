"""Legal holds, forecasts and certificates over HTTP, for programs and on pages (rules B5, F2)."""

from __future__ import annotations

from datetime import date, timedelta
from uuid import uuid4

import pytest
from sqlalchemy import select

from marketplace import retention
from marketplace.accounts.models import Account, Role
from marketplace.audit import AuditEntry
from marketplace.recruiters.models import LegalHold, Recruiter, RecruiterState
from tests.builders import NOW, a_recruiter, an_account
from tests.portal import open_session, text_of


@pytest.fixture
def held(db):
    """A recruiter to hold."""
    with db.transaction() as session:
        return a_recruiter(session)


def address(db, recruiter):
    with db.reading() as session:
        return session.get_one(Account, recruiter.account_id).email


def test_a_hold_is_placed_listed_and_lifted(client, admin, db, held):
    """B5: reason, admin and end date; both acts in the audit ledger; a lifted one stays listed."""
    body = {"recruiter_id": str(held.id), "reason": "A dispute.", "ends_on": "2027-01-31"}
    answer = client.change("POST", "/admin/holds", body)
    assert answer.status_code == 201
    (hold,) = client.get("/api/v1/admin/holds").json()["items"]
    assert (hold["id"], hold["live"], hold["placed_by"]) == (answer.json()["id"], True, admin.email)
    assert (hold["reason"], hold["ends_on"]) == ("A dispute.", "2027-01-31")
    assert client.change("DELETE", f"/admin/holds/{hold['id']}").status_code == 204
    (hold,) = client.get("/api/v1/admin/holds").json()["items"]
    assert not hold["live"]
    assert hold["lifted_at"]
    with db.reading() as session:
        acts = session.scalars(select(AuditEntry.act).where(AuditEntry.rule == "B5")).all()
    assert acts == ["hold.placed", "hold.lifted"]


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"reason": ""}, 422), ({"reason": "x" * 1001}, 422), ({"ends_on": "2026-11-22"}, 422),
        ({"ends_on": "2031-11-24"}, 422), ({"ends_on": "tomorrow"}, 422), ({"recruiter_id": "x"}, 422),
        ({"recruiter_id": str(uuid4())}, 404), ({"more": 1}, 422),
    ],
)  # fmt: skip
def test_a_wrong_hold_changes_nothing(client, admin, db, held, changes, status):
    """B5: what is missing, too long, past, too far or unknown is told, and nothing is held."""
    body = {"recruiter_id": str(held.id), "reason": "x", "ends_on": "2027-01-31"} | changes
    assert client.change("POST", "/admin/holds", body).status_code == status
    with db.reading() as session:
        assert session.scalars(select(LegalHold)).all() == []


def test_what_is_purged_cannot_be_held(client, admin, db, held):
    """B5: a hold on a tombstone is refused; a hold that is not there cannot be lifted."""
    with db.transaction() as session:
        session.get_one(Recruiter, held.id).state = RecruiterState.PURGED
    body = {"recruiter_id": str(held.id), "reason": "x", "ends_on": "2027-01-31"}
    assert client.change("POST", "/admin/holds", body).status_code == 409
    assert client.change("DELETE", f"/admin/holds/{uuid4()}").status_code == 404


def test_the_page_places_and_lifts_by_address(client, admin, db, held):
    """B5: an admin names the recruiter by address; faults are shown beside their fields."""
    who = address(db, held)
    wrong = client.submit("/admin/holds", email="nobody@acme.fr", reason="x", ends_on="2027-01-31")
    assert wrong.status_code == 422
    for fields in ({"reason": ""}, {"ends_on": "soon"}, {"email": "x"}):
        values = {"email": who, "reason": "x", "ends_on": "2027-01-31"} | fields
        assert client.submit("/admin/holds", values).status_code == 422
    placed = client.submit("/admin/holds", email=who, reason="Un litige", ends_on="2027-01-31")
    assert (placed.status_code, placed.headers["location"]) == (303, "/admin/holds")
    assert "Un litige" in text_of(client.get("/admin/holds").text)
    with db.reading() as session:
        hold_id = session.scalars(select(LegalHold.id)).one()
    assert client.submit(f"/admin/holds/{hold_id}/lift").status_code == 303
    assert f"/admin/holds/{hold_id}/lift" not in client.get("/admin/holds").text


@pytest.mark.parametrize(("days", "due"), [(30, 0), (60, 1), (90, 1)])
def test_the_forecast_counts_who_ends_within_the_days(client, admin, db, days, due):
    """F2: the forecast of 30, 60 and 90 days, rule by rule; holds that outlast it are left out."""
    used = NOW + timedelta(days=45) - timedelta(days=365)
    with db.transaction() as session:
        for until in (None, date(2028, 1, 1)):
            account = an_account(session, Role.RECRUITER, registered_at=used, last_activity_at=used)
            recruiter = a_recruiter(session, account=account)
            if until:
                session.add(
                    LegalHold(recruiter_id=recruiter.id, reason="x", placed_at=NOW, ends_on=until)
                )  # fmt: skip
    answer = client.get(f"/api/v1/admin/retention/forecast?days={days}").json()
    assert answer["days"] == days
    lines = {line["rule"]: line for line in answer["rules"]}
    assert lines.keys() == {rule.id for rule in retention.RULES}
    assert (lines["recruiters_inactive"]["now"], lines["recruiters_inactive"]["due"]) == (0, due)
    assert client.get(f"/admin/retention?days={days}").status_code == 200


@pytest.mark.parametrize("days", ["-1", "367", "many"])
def test_a_wrong_forecast_is_422_or_the_shortest(client, admin, days):
    """F2: a program is told, a person sees the shortest forecast."""
    assert client.get(f"/api/v1/admin/retention/forecast?days={days}").status_code in {400, 422}
    assert client.get(f"/admin/retention?days={days}").status_code == 200


def test_certificates_are_listed(client, admin, db):
    """F2: the runs that found something, with their proof, over the API and on the page."""
    with db.transaction() as session:
        open_session(session, admin, NOW - timedelta(days=9), expires_at=NOW - timedelta(days=2))
    retention.run(client.ports, retention.RULES)
    (run,) = client.get("/api/v1/admin/retention/runs").json()["items"]
    assert (run["rule"], run["found"], run["done"], run["failed"]) == ("sessions", 1, 1, {})
    assert run["subjects_sha256"][:16] in client.get("/admin/retention").text
