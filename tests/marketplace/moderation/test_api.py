"""What a suspended member meets over JSON, on every channel, in every process, at once."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from litestar import Litestar

from marketplace.app import create_app
from marketplace.candidates.models import CV, Candidate
from marketplace.contacts import downloads
from marketplace.contacts.gate import gate
from marketplace.recruiters.models import Recruiter
from tests.builders import PASSWORD, an_opening
from tests.marketplace.moderation.conftest import DAY, Court
from tests.portal import PortalClient

TICK = timedelta(microseconds=1)
BOTH = pytest.mark.parametrize("who", ["recruiter", "candidate"])


@BOTH
def test_the_next_request_is_refused(court: Court, browser: PortalClient, who: str) -> None:
    """E5, M-01: 403 with the id of the statement, by cookie and by bearer token; the statement opens."""
    headers = browser.bearer(court.account(who))
    browser.sign_in_as(court.account(who))
    for channel in ({}, headers):
        assert browser.get("/api/v1/me", headers=channel).status_code == 200
    sanction_id = court.suspend(who, court.now + DAY)
    for channel in ({}, headers):
        answer = browser.get("/api/v1/me", headers=channel)
        assert answer.status_code == 403
        problem = answer.json()
        assert problem["code"] == "account_suspended"
        assert problem["type"] == "/problems/account_suspended"
        assert problem["statement_id"] == str(sanction_id)
        statement = browser.get(f"/api/v1/me/sanctions/{sanction_id}", headers=channel)
        assert statement.status_code == 200
        assert statement.json() == {
            "id": str(sanction_id), "kind": "suspend", "starts_at": "2026-11-23T09:00:00Z",
            "until": "2026-11-24T09:00:00Z", "clause": "Special Terms, section 4",
            "facts": "Downloaded forty CVs in an hour.\nAnswered no question about it.",
            "reason": "Candidates are at risk.", "is_automated": False, "lifted_at": None,
            "lift_reason": None, "is_in_force": True,
        }  # fmt: skip


@BOTH
def test_at_the_end_the_next_request_is_let_in(court: Court, browser: PortalClient, who: str) -> None:
    """E5: an instant before the end refused, at it let in with everything as before, without the beat."""
    browser.sign_in_as(court.account(who))
    before = browser.get("/api/v1/me").json()
    court.suspend(who, court.now + timedelta(minutes=30))
    court.ports.clock.advance(timedelta(minutes=30) - TICK)  # type: ignore[attr-defined]
    assert browser.get("/api/v1/me").status_code == 403
    court.ports.clock.advance(TICK)  # type: ignore[attr-defined]
    assert browser.get("/api/v1/me").json() == before
    assert court.account(who).suspended_by is None
    assert court.mails().count("suspension_ended") == 1


@BOTH
def test_two_processes_agree(court: Court, app: Litestar, who: str) -> None:
    """S-04, INV-5: suspended by one instance, the next request to the other one is refused, and back."""
    other = create_app(court.ports.settings, ports=court.ports)
    with PortalClient(app) as one, PortalClient(other) as two:
        headers = one.bearer(court.account(who))
        assert [site.get("/api/v1/me", headers=headers).status_code for site in (one, two)] == [200, 200]
        sanction_id = court.suspend(who)
        assert [site.get("/api/v1/me", headers=headers).status_code for site in (one, two)] == [403, 403]
        court.lift(sanction_id)
        assert [site.get("/api/v1/me", headers=headers).status_code for site in (one, two)] == [200, 200]


def test_a_statement_is_its_members_alone(court: Court, browser: PortalClient) -> None:
    """Z-02: another member's statement, an unknown one and a lifted sanction of one's own."""
    sanction_id = court.suspend("candidate")
    browser.sign_in_as(court.account("recruiter"))
    assert browser.get(f"/api/v1/me/sanctions/{sanction_id}").status_code == 404
    assert browser.get(f"/api/v1/me/sanctions/{uuid4()}").status_code == 404
    court.lift(sanction_id, "An error.")
    browser.sign_in_as(court.account("candidate"))
    statement = browser.get(f"/api/v1/me/sanctions/{sanction_id}").json()
    assert (statement["is_in_force"], statement["lift_reason"]) == (False, "An error.")


@BOTH
def test_signing_in_while_suspended(court: Court, browser: PortalClient, who: str) -> None:
    """A-06, E5: the right password opens a session, to the statement only; a wrong one answers as ever."""
    email = court.account(who).email
    wrong = {"email": email, "password": "not the password", "transport": "bearer"}
    as_ever = browser.post("/api/v1/sessions", json=wrong)
    court.suspend(who)
    assert browser.post("/api/v1/sessions", json=wrong).json()["code"] == as_ever.json()["code"]
    opened = browser.post("/api/v1/sessions", json={**wrong, "password": PASSWORD})
    assert opened.status_code == 201
    headers = {"Authorization": f"Bearer {opened.json()['token']}"}
    assert browser.get("/api/v1/me", headers=headers).json()["code"] == "account_suspended"


def test_a_recorded_download_is_dead(court: Court, browser: PortalClient) -> None:
    """M-01, INV-5: a copy recorded a second before the suspension is not handed out any more."""
    ports, now = court.ports, court.now
    browser.sign_in_as(court.account("recruiter"))
    session_id = UUID(browser.get("/api/v1/sessions").json()["items"][0]["id"])
    with ports.db.transaction() as session:
        opening = an_opening(session, session.get_one(Recruiter, court.recruiter_id))
        assert session.query(CV).filter_by(candidate_id=court.candidate_id).count() == 1
    with gate(ports.db, now) as session:
        copy = downloads.download_cv(
            session, now, ports.settings, court.recruiter, session_id, court.candidate_id,
            opening_id=opening.id,
        )  # fmt: skip
    path = f"/api/v1/cv-downloads/{copy.id}/file"
    sanction_id = court.suspend("recruiter")
    assert browser.get(path).json()["statement_id"] == str(sanction_id)
    assert browser.get(f"/recruiter/downloads/{copy.id}/file").headers["location"] == "/suspended"


def test_withdrawing_while_suspended(court: Court, browser: PortalClient) -> None:
    """C2, E5: one click withdraws in every state, also this one; afterwards the candidate is hidden."""
    sanction_id = court.suspend("candidate")
    browser.sign_in_as(court.account("candidate"))
    assert browser.change("DELETE", "/me/opt-in").status_code == 204
    assert court.row(Candidate, court.candidate_id).opted_in_at is None
    court.lift(sanction_id)
    assert court.state("candidate") == "hidden"


@BOTH
def test_signing_out_while_suspended(court: Court, browser: PortalClient, who: str) -> None:
    """E5: a suspended member can always leave."""
    court.suspend(who)
    browser.sign_in_as(court.account(who))
    assert browser.change("DELETE", "/sessions/current").status_code == 204
    assert browser.get("/api/v1/me").status_code == 401
