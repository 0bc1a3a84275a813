"""The JSON routes of candidates (interface.md)."""

from __future__ import annotations

from datetime import date
from uuid import uuid4

import pytest
from sqlalchemy import func, select

from marketplace.accounts.models import Account
from marketplace.candidates import cvs
from marketplace.candidates.models import Candidate
from marketplace.contacts import disclosures
from marketplace.contacts.gate import gate
from marketplace.outbox import OutboxMessage
from marketplace.pdf.results import Extraction, RefusalReason
from marketplace.terms import queries as terms
from tests.builders import a_recruiter
from tests.marketplace.candidates.conftest import signed_in

PDF = b"%PDF-1.7 a small file"
PROFILE = {
    "country": "FR", "region": "FR-IDF", "job_fields": ["development"], "start_on": None,
    "start_month": "2027-09", "flex_weeks": 2, "headline": "Développeuse", "skills": ["python"],
    "other_skills": ["vélo"], "languages": ["fr"], "education_level": 6, "current_employer": None,
    "right_to_work": [{"country": "FR", "right": "yes", "expires_on": None}],
}  # fmt: skip
PERSON = {
    "first_name": "Ana", "last_name": "Silva", "birth_date": "2000-02-29", "email": "ana@example.org",
    "password": "correct horse battery staple", "acceptances": [],
}  # fmt: skip


def upload(browser, content: bytes = PDF, name: str = "cv.pdf"):
    token = browser.get("/api/v1/csrf-token").json()["token"]
    return browser.put(
        "/api/v1/me/cv", files={"file": (name, content, "text/html")}, headers={"X-CSRFToken": token}
    )


def test_registration_says_the_same_twice(browser, db) -> None:
    """A5: 202 and `{}` for a new address and for a known one; one account is made."""
    for _ in range(2):
        answer = browser.change("POST", "/candidates", PERSON)
        assert (answer.status_code, answer.json()) == (202, {})
    with db.transaction() as session:
        assert session.scalar(select(func.count()).select_from(Account)) == 1
        assert session.scalar(select(func.count()).select_from(Candidate)) == 1


def test_protected_people_start_restricted(browser, db) -> None:
    """A1: protection declared at registration restricts the account."""
    assert browser.change("POST", "/candidates", {**PERSON, "protected": True}).status_code == 202
    with db.transaction() as session:
        candidate = session.scalars(select(Candidate)).one()
        assert (candidate.state, candidate.is_protected) == ("restricted", True)


def test_too_young(browser, db) -> None:
    """A1: under 16 is a 422 and nothing is stored."""
    answer = browser.change("POST", "/candidates", {**PERSON, "birth_date": "2010-11-24"})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["code"] == "too_young"
    with db.transaction() as session:
        assert session.scalar(select(func.count()).select_from(Account)) == 0


def test_the_profile_goes_round(browser, db) -> None:
    """C1: what is put is what is got, field for field."""
    signed_in(browser, db, "incomplete")
    put = browser.change("PUT", "/me/profile", PROFILE)
    assert put.status_code == 200, put.text
    assert put.json() == browser.get("/api/v1/me/profile").json() == PROFILE


@pytest.mark.parametrize("field", ["state", "id", "version", "opted_in_at", "is_protected", "key"])
def test_nothing_else_can_be_written(browser, db, field: str) -> None:
    """Z-03: unknown and internal fields are refused."""
    signed_in(browser, db)
    assert browser.change("PUT", "/me/profile", {**PROFILE, field: "x"}).status_code == 422


def test_faults_are_named(browser, db) -> None:
    """C1: each fault is an entry with its field."""
    signed_in(browser, db)
    answer = browser.change("PUT", "/me/profile", {**PROFILE, "country": "JE", "job_fields": ["x"]})
    assert answer.status_code == 422
    assert [fault["field"] for fault in answer.json()["errors"]] == ["country", "job_fields"]


def test_an_upload_and_what_became_of_it(browser, db, ports, now) -> None:
    """C4: 202 and `received`; then `ready`; deleted it is a 404."""
    account = signed_in(browser, db, "hidden", cv_text=None)
    assert browser.get("/api/v1/me/cv").status_code == 404
    answer = upload(browser)
    assert answer.status_code == 202, answer.text
    assert (answer.json()["state"], answer.json()["reason"]) == ("received", None)
    with db.transaction() as session:
        status = cvs.latest_cv(session, account.id)
        assert status is not None
        cvs.apply_extraction(
            session, now, status.cv_id,
            Extraction(outcome="ready", pages=1, text="Python", rewritten=PDF), ports.files,
        )  # fmt: skip
    read = browser.get("/api/v1/me/cv").json()
    assert (read["state"], read["pages"], read["in_use"]) == ("ready", 1, read["id"])
    assert browser.change("DELETE", "/me/cv").status_code == 204
    assert browser.get("/api/v1/me/cv").status_code == 404


@pytest.mark.parametrize(
    "reason", ["not_pdf", "encrypted", "too_many_pages", "malformed", "empty", "too_complex"]
)
def test_refused_at_once(browser, db, checker, reason: str) -> None:
    """C4: type, password and page count are a 422 at once, with the reason and what to do."""
    signed_in(browser, db)
    checker.answer = RefusalReason(reason)
    answer = upload(browser)
    assert answer.status_code == 422
    fault = answer.json()["errors"][0]
    assert (fault["field"], fault["code"]) == ("file", reason)
    assert "%(" not in fault["message"]


@pytest.mark.parametrize(
    ("size", "status"), [(5 * 1024 * 1024, 202), (5 * 1024 * 1024 + 1, 413), (7 * 1024 * 1024, 413)]
)
def test_size(browser, db, size: int, status: int) -> None:
    """U-01: 5 MiB is fine, one byte more and anything above is a 413."""
    signed_in(browser, db)
    assert upload(browser, PDF + bytes(size - len(PDF))).status_code == status


def test_ten_a_day(browser, db) -> None:
    """C4: the eleventh upload of a day is a 429 with `Retry-After`."""
    signed_in(browser, db)
    assert [upload(browser).status_code for _ in range(11)] == [202] * 10 + [429]
    assert int(upload(browser).headers["retry-after"]) == 86400


def test_a_body_without_the_part(browser, db) -> None:
    """An upload without `file`, or as JSON, is a 4xx that says so."""
    signed_in(browser, db)
    token = browser.get("/api/v1/csrf-token").json()["token"]
    wrong = browser.put("/api/v1/me/cv", files={"other": ("a", b"x")}, headers={"X-CSRFToken": token})
    assert wrong.status_code == 422
    text = browser.put("/api/v1/me/cv", data={"file": "x"}, headers={"X-CSRFToken": token})
    assert 400 <= text.status_code < 500
    assert 400 <= browser.change("PUT", "/me/cv", {"file": "x"}).status_code < 500
    parts = [("file", ("a.pdf", PDF))] * 6
    many = browser.put("/api/v1/me/cv", files=parts, headers={"X-CSRFToken": token})
    assert 400 <= many.status_code < 500


def test_opting_in_and_out(browser, db, now) -> None:
    """C2: opting in answers with the state, withdrawing with 204, and again with 204."""
    account = signed_in(browser, db)
    with db.transaction() as session:
        text_hash = terms.consent_in_force(session, now.date(), "en").text_hash
    assert browser.change("POST", "/me/opt-in", {"consent_hash": "0" * 64}).status_code == 422
    answer = browser.change("POST", "/me/opt-in", {"consent_hash": text_hash})
    assert (answer.status_code, answer.json()) == (200, {"state": "searchable"})
    for _ in range(2):
        assert browser.change("DELETE", "/me/opt-in").status_code == 204
    assert browser.get("/api/v1/me").json()["state"] == "hidden"
    with db.transaction() as session:
        lowered = session.scalars(
            select(OutboxMessage.lowers_visibility).where(OutboxMessage.topic == "candidate.changed")
        ).all()
    assert sorted(lowered) == [False, True]
    assert account.id


def test_what_is_missing_is_listed(browser, db, now) -> None:
    """C7: opting in too early is a 422 with one entry for each gap."""
    signed_in(browser, db, "incomplete")
    with db.transaction() as session:
        text_hash = terms.consent_in_force(session, now.date(), "en").text_hash
    answer = browser.change("POST", "/me/opt-in", {"consent_hash": text_hash})
    assert answer.status_code == 422
    assert [fault["field"] for fault in answer.json()["errors"]] == [
        "country", "region", "job_fields", "start_on", "right_to_work", "cv",
    ]  # fmt: skip


def test_the_access_log(browser, db, ports, now) -> None:
    """C6: an opening is listed with company, role, time and purpose; another's log is empty."""
    signed_in(browser, db, "searchable")
    assert browser.get("/api/v1/me/access-log").json() == {"items": [], "next_cursor": None}
    with db.transaction() as session:
        recruiter_account = a_recruiter(session).account_id
        candidate_id = session.scalars(select(Candidate.id)).one()
    with gate(db, now) as session:
        disclosures.open_profile(session, now, ports.settings, recruiter_account, candidate_id)
    items = browser.get("/api/v1/me/access-log").json()["items"]
    assert [(item["kind"], item["role"]) for item in items] == [("profile", "Chargée de recrutement")]
    assert items[0]["at"] == "2026-11-23T09:00:00Z"
    assert set(items[0]) == {"kind", "at", "company", "role", "purpose"}
    assert browser.get("/api/v1/me/access-log?cursor=nonsense").status_code == 400
    signed_in(browser, db, "searchable")
    assert browser.get("/api/v1/me/access-log").json()["items"] == []


def test_exclusions(browser, db) -> None:
    """C5: added, listed, removed; a foreign or malformed id is a 404."""
    signed_in(browser, db)
    added = browser.change("POST", "/me/exclusions", {"domain": "www.Acme.fr", "label": "Acme"})
    assert added.status_code == 201
    assert added.json()["domain"] == "acme.fr"
    listed = browser.get("/api/v1/me/exclusions").json()
    assert listed == {"items": [added.json()], "next_cursor": None}
    assert browser.change("DELETE", f"/me/exclusions/{uuid4()}").status_code == 404
    assert browser.change("DELETE", "/me/exclusions/1").status_code == 404
    assert browser.change("POST", "/me/exclusions", {}).status_code == 422
    assert browser.change("DELETE", f"/me/exclusions/{added.json()['id']}").status_code == 204
    signed_in(browser, db)
    assert browser.get("/api/v1/me/exclusions").json()["items"] == []


ROUTES = [
    ("GET", "/me/profile"), ("PUT", "/me/profile"), ("GET", "/me/cv"), ("PUT", "/me/cv"),
    ("DELETE", "/me/cv"), ("POST", "/me/opt-in"), ("DELETE", "/me/opt-in"),
    ("GET", "/me/access-log"), ("GET", "/me/exclusions"), ("POST", "/me/exclusions"),
    ("DELETE", "/me/exclusions/00000000-0000-0000-0000-000000000000"),
]  # fmt: skip


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_only_candidates(browser, db, method: str, path: str) -> None:
    """Z-01: signed out is 401; a recruiter is 403, for reading and for changing."""
    body: dict[str, str] | None = {} if method in {"PUT", "POST"} and path != "/me/cv" else None
    assert browser.change(method, path, body).status_code == 401
    with db.transaction() as session:
        account = session.get_one(Account, a_recruiter(session).account_id)
    browser.sign_in_as(account)
    assert browser.change(method, path, body).status_code == 403


def test_dates_of_a_day(browser, db) -> None:
    """G: a start on a day comes back as that day."""
    signed_in(browser, db)
    body = {**PROFILE, "start_on": "2027-09-13", "start_month": None}
    assert browser.change("PUT", "/me/profile", body).json()["start_on"] == date(2027, 9, 13).isoformat()
