"""The admin's list of deletion duties, as JSON and as a page (rules D4)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from marketplace.contacts.models import DeletionReminder, DutyException, DutyState
from marketplace.recruiters.lifecycle import RecruiterState
from marketplace.recruiters.models import Recruiter
from tests.builders import NOW, a_copy, a_recruiter, an_opening
from tests.portal import text_of

TODAY = NOW.date()


@pytest.fixture
def duties(db) -> dict[str, Any]:
    """One duty in each situation, of one recruiter; the most overdue with two reminders sent."""
    with db.transaction() as session:
        recruiter = a_recruiter(session)
        opening = an_opening(session, recruiter)

        def copy(days: int, **columns: Any) -> str:
            due_on = TODAY + timedelta(days=days)
            return str(a_copy(session, opening, uuid4(), delete_by_on=due_on, **columns).id)

        made = {
            "late": copy(-20), "yesterday": copy(-1), "today": copy(0), "running": copy(9),
            "attested": copy(-30, state=DutyState.ATTESTED, settled_at=NOW),
            "excepted": copy(
                -40, state=DutyState.EXCEPTED, settled_at=NOW, exception=DutyException.HIRED,
                exception_reason="Hired <b>",
            ),
        }  # fmt: skip
        for days, column in ((0, "sent_at"), (-7, "superseded_at"), (-14, "sent_at")):
            due_on = TODAY - timedelta(days=20) - timedelta(days=days)
            session.add(
                DeletionReminder(copy_id=made["late"], due_on=due_on, days_before=days, **{column: NOW})
            )
        return {**made, "recruiter": recruiter.id}


def ids(answer) -> list[str]:
    assert answer.status_code == 200
    return [item["id"] for item in answer.json()["items"]]


def test_overdue_duties_by_day(client, admin, duties):
    """D4: open and past their day, the most overdue first; the day itself is not late."""
    answer = client.get("/api/v1/admin/deletion-duties?overdue=true")
    assert ids(answer) == [duties["late"], duties["yesterday"]]
    first = answer.json()["items"][0]
    assert (first["days_overdue"], first["reminders_sent"], first["state"]) == (20, 2, "open")
    assert first["recruiter"].startswith("Camille Martin")
    assert first["company"].startswith("Acme")
    assert first["last_reminded_at"]


def test_duties_of_each_state(client, admin, duties):
    """D4: all, or those of a state, with the reason of an exception; an unknown state is 4xx."""
    everything = client.get("/api/v1/admin/deletion-duties")
    assert ids(everything) == [
        duties[name] for name in ("excepted", "attested", "late", "yesterday", "today", "running")
    ]
    assert [item["days_overdue"] for item in everything.json()["items"]] == [0, 0, 20, 1, 0, 0]
    excepted = client.get("/api/v1/admin/deletion-duties?state=excepted")
    assert ids(excepted) == [duties["excepted"]]
    assert excepted.json()["items"][0]["exception_reason"] == "Hired <b>"
    assert client.get("/api/v1/admin/deletion-duties?state=lost").status_code in {400, 422}


def test_the_list_is_paged_by_a_cursor(client, admin, duties):
    """D4, X-02: every duty once over the pages; a marker of something else is refused."""
    seen: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        answer = client.get(f"/api/v1/admin/deletion-duties?size=2&cursor={cursor}")
        seen += ids(answer)
        cursor = answer.json()["next_cursor"]
    assert len(seen) == len(set(seen)) == 6
    assert client.get("/api/v1/admin/deletion-duties?cursor=nonsense").status_code == 400


def test_the_account_may_be_closed(client, admin, duties, db):
    """D4, B6: a recruiter without an account is named as such; the duty stays in the list."""
    is_nullable: bool = Recruiter.__table__.c.account_id.nullable
    with db.transaction() as session:
        recruiter = session.get_one(Recruiter, duties["recruiter"])
        recruiter.state = RecruiterState.PURGED
        if is_nullable:
            setattr(recruiter, "account_id", None)  # noqa: B010  (until the column allows it for mypy)
    answer = client.get("/api/v1/admin/deletion-duties?overdue=true")
    assert len(ids(answer)) == 2
    page = text_of(client.get("/admin/deletion-duties").text)
    assert (answer.json()["items"][0]["recruiter"] is None) is is_nullable
    assert ("account closed" in page) is is_nullable


@pytest.mark.parametrize("language", ["en", "fr"])
def test_the_page_shows_each_state(client, admin, duties, db, language):
    """D4, F4: overdue first of all; the others by state; what people typed is text."""
    with db.transaction() as session:
        session.merge(admin).language = language
    late = "20 days overdue" if language == "en" else "20 jours de retard"
    overdue = client.get("/admin/deletion-duties").text
    assert late in overdue
    assert duties["late"] in overdue
    assert duties["running"] not in overdue
    assert "Hired &lt;b&gt;" in client.get("/admin/deletion-duties?state=excepted").text
    everything = client.get("/admin/deletion-duties?state=all").text
    assert all(duties[name] in everything for name in ("running", "attested", "excepted"))
    assert late in client.get("/admin/deletion-duties?state=nonsense").text


def test_the_overview_counts_what_is_overdue(client, admin, duties):
    """D4: the first page of admins says how many copies are late and leads to them."""
    page = client.get("/admin").text
    assert "2 copies overdue" in text_of(page)
    assert 'href="/admin/deletion-duties"' in page
