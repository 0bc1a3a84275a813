"""The JSON routes over HTTP: both roles' journeys, and the same 404 for all that must look alike."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from io import BytesIO
from typing import Any
from uuid import UUID, uuid4

import pytest
from litestar import Litestar
from pypdf import PdfReader
from reportlab.pdfgen.canvas import Canvas
from sqlalchemy import select

from marketplace.accounts.models import Account
from marketplace.app import create_app
from marketplace.candidates.lifecycle import CandidateState
from marketplace.candidates.models import CV, Candidate
from marketplace.clock import FixedClock
from marketplace.contacts.models import Disclosure
from marketplace.ports import Ports
from marketplace.recruiters.lifecycle import RecruiterState
from marketplace.recruiters.models import Recruiter
from tests.builders import a_candidate, a_recruiter, an_opening
from tests.marketplace.contacts.conftest import Scene
from tests.portal import PortalClient

REQUEST_ID = re.compile(r'"instance":"[^"]*"')


@pytest.fixture
def recruiter(app: Litestar, scene: Scene, ports: Ports) -> Iterator[PortalClient]:
    """The recruiter's browser; the candidate's CV is a real PDF in the store."""
    page = BytesIO()
    canvas = Canvas(page)
    canvas.drawString(72, 720, "Python and Django")
    canvas.save()
    key = ports.files.put("cv", page.getvalue())
    with scene.db.transaction() as session:
        session.scalars(select(CV).where(CV.candidate_id == scene.candidate_id)).one().file_key = key
    with PortalClient(app) as client:
        _sign_in(client, scene, scene.recruiter_account)
        yield client


@pytest.fixture
def candidate(ports: Ports, scene: Scene) -> Iterator[PortalClient]:
    """The candidate's browser, on a second process of the service."""
    with PortalClient(create_app(ports.settings, ports=ports)) as client:
        _sign_in(client, scene, scene.candidate_account)
        yield client


def _sign_in(client: PortalClient, scene: Scene, account_id: UUID) -> None:
    with scene.db.transaction() as session:
        account = session.get_one(Account, account_id)
    client.sign_in_as(account)


def _kinds(scene: Scene) -> list[str]:
    with scene.db.transaction() as session:
        return list(session.scalars(select(Disclosure.kind).order_by(Disclosure.id)))


def test_a_recruiter_opens_reads_reveals_contacts_and_downloads(
    recruiter: PortalClient, scene: Scene, clock: FixedClock
) -> None:
    """D3, D4, D7: the whole way over HTTP, each step in the ledger."""
    person, opening = f"/candidates/{scene.candidate_id}", {"opening_id": str(scene.opening.id)}
    profile = recruiter.get(f"/api/v1{person}").json()
    assert set(profile) == {
        "id", "first_name", "last_name", "headline", "region", "job_fields", "start_on", "start_month",
        "skills", "languages", "education_level", "fresh_on", "contact",
    }  # fmt: skip
    assert profile["contact"] == {"allowed": True, "reasons": []}
    assert profile["start_month"] == "2027-09"

    text = recruiter.get(f"/api/v1{person}/cv/text", params={"q": "python"}).json()
    assert "".join(span["text"] for span in text["spans"]) == text["text"]
    assert "Python" in [span["text"] for span in text["spans"] if span["match"]]

    revealed = recruiter.change("POST", f"{person}/email-reveals", opening)
    assert revealed.status_code == 201
    assert revealed.json()["email"].endswith("@example.org")

    made = recruiter.change("POST", f"{person}/contacts", {**opening, "message": "Hello"})
    assert made.status_code == 201
    assert made.json()["warnings"] == []
    assert recruiter.change("POST", f"{person}/contacts", {**opening, "message": "Again"}).status_code == 409

    taken = recruiter.change("POST", f"{person}/cv-downloads", opening)
    assert taken.status_code == 201
    assert taken.json()["delete_by_on"] == "2027-05-23"
    copy_id = taken.json()["id"]
    given = recruiter.get(f"/api/v1/cv-downloads/{copy_id}/file")
    assert given.status_code == 200
    assert PdfReader(BytesIO(given.content)).metadata["/MarketplaceCopy"] == copy_id  # type: ignore[index]
    assert given.headers["content-type"] == "application/pdf"
    assert given.headers["content-disposition"] == f'attachment; filename="cv-{copy_id[:8]}.pdf"'
    assert given.headers["content-security-policy"] == "sandbox; default-src 'none'"
    assert given.headers["x-content-type-options"] == "nosniff"
    assert given.headers["cross-origin-resource-policy"] == "same-origin"
    assert given.headers["cache-control"] == "no-store"
    assert recruiter.get(f"/api/v1/cv-downloads/{copy_id}/file").status_code == 404

    (duty,) = recruiter.get("/api/v1/cv-downloads").json()["items"]
    assert (duty["id"], duty["state"], duty["days_left"]) == (copy_id, "open", 181)
    attested = recruiter.change("POST", "/cv-downloads/attestations", {"ids": [copy_id]})
    assert attested.status_code == 201
    assert attested.json()["items"][0]["state"] == "attested"
    assert _kinds(scene) == ["profile", "cv_text", "email", "contact", "cv_download"]


def test_a_thread_over_http_from_both_sides(
    recruiter: PortalClient, candidate: PortalClient, scene: Scene
) -> None:
    """C8, D3: contact, list, read, answer, accept; a refusal closes the thread for both."""
    body = {"opening_id": str(scene.opening.id), "message": "Hello, shall we talk?"}
    made = recruiter.change("POST", f"/candidates/{scene.candidate_id}/contacts", body).json()
    thread = f"/contacts/{made['id']}"
    (item,) = candidate.get("/api/v1/contacts").json()["items"]
    assert (item["id"], item["state"], item["unread"]) == (made["id"], "sent", 1)
    assert item["opening"]["title"] == scene.opening.title
    assert "email" not in str(item)
    assert candidate.change("POST", f"{thread}/answer", {"answer": "accept"}).json() == {"state": "accepted"}
    assert candidate.change("POST", f"{thread}/messages", {"message": "Yes"}).status_code == 201
    read = recruiter.get(f"/api/v1{thread}/messages").json()["items"]
    assert [(message["author"], message["message"]) for message in read] == [
        ("recruiter", "Hello, shall we talk?"), ("candidate", "Yes"),
    ]  # fmt: skip
    assert recruiter.change("POST", f"{thread}/answer", {"answer": "accept"}).status_code == 403
    assert candidate.change("POST", f"{thread}/answer", {"answer": "refuse"}).json() == {"state": "refused"}
    assert recruiter.change("POST", f"{thread}/messages", {"message": "But"}).status_code == 409


def test_openings_over_http(recruiter: PortalClient, scene: Scene) -> None:
    """D3: created with the own company by default, listed, changed, closed; a closed one gives no contact."""
    wanted = {"title": "Apprentice cook", "job_country": "FR", "start_on": "2027-09-01"}
    made = recruiter.change("POST", "/openings", wanted)
    assert made.status_code == 201
    assert set(made.json()) == {"id", "title", "company", "job_country", "start_on", "state"}
    assert made.json()["company"].startswith("Acme")
    opening_id = made.json()["id"]
    changed = recruiter.change("PATCH", f"/openings/{opening_id}", {"title": "Cook", "state": "closed"})
    assert (changed.status_code, changed.json()["title"], changed.json()["state"]) == (200, "Cook", "closed")
    assert len(recruiter.get("/api/v1/openings").json()["items"]) == 2
    assert [o["id"] for o in recruiter.get("/api/v1/openings?state=open").json()["items"]] == [
        str(scene.opening.id)
    ]
    refused = recruiter.change(
        "POST", f"/candidates/{scene.candidate_id}/contacts", {"opening_id": opening_id, "message": "Hello"}
    )
    assert (refused.status_code, refused.json()["code"]) == (422, "opening_required")
    for wrong in (
        {**wanted, "job_country": "DE"},
        {**wanted, "title": ""},
        {**wanted, "x": 1},
        {"title": "a"},
    ):
        assert recruiter.change("POST", "/openings", wrong).status_code == 422
    assert recruiter.change("PATCH", f"/openings/{uuid4()}", {"title": "x"}).status_code == 404


@pytest.mark.parametrize(
    ("method", "path", "needs_opening"),
    [
        ("GET", "", False),
        ("GET", "/cv/text", False),
        ("POST", "/email-reveals", True),
        ("POST", "/cv-downloads", True),
        ("POST", "/contacts", True),
    ],
)
def test_hidden_unknown_and_malformed_ids_get_the_same_bytes(
    recruiter: PortalClient, scene: Scene, method: str, path: str, needs_opening: bool
) -> None:
    """Z-02, D3: withdrawn, elsewhere, never opted in, unknown and malformed: one 404, byte for byte."""
    with scene.db.transaction() as session:
        hidden = [
            a_candidate(session, "hidden").id,
            a_candidate(session, country="GB").id,
            a_candidate(session, "incomplete").id,
            a_candidate(session, "minor").id,
        ]
    body: dict[str, Any] = {"opening_id": str(scene.opening.id)}
    if path == "/contacts":
        body["message"] = "Hello"
    answers = set()
    for name in (*hidden, uuid4(), "not-an-id"):
        if method == "GET":
            answer = recruiter.get(f"/api/v1/candidates/{name}{path}")
        else:
            answer = recruiter.change("POST", f"/candidates/{name}{path}", body)
        assert answer.status_code == 404
        answers.add((REQUEST_ID.sub("", answer.text), tuple(sorted(set(answer.headers) - {"date"}))))
    assert len(answers) == 1
    assert _kinds(scene) == []


def test_reasons_of_the_recruiter_are_told(recruiter: PortalClient, scene: Scene) -> None:
    """D3: 403 `contact_not_allowed` with reasons; a profile opens with them, unless both are stopped."""
    person = f"/candidates/{scene.candidate_id}"
    profile = recruiter.get(f"/api/v1{person}?job_country=US").json()
    assert profile["contact"] == {"allowed": False, "reasons": ["no_right_to_work"]}
    refused = recruiter.get(f"/api/v1{person}/cv/text?job_country=US")
    assert (refused.status_code, refused.json()["code"]) == (403, "contact_not_allowed")
    assert refused.json()["reasons"] == ["no_right_to_work"]
    scene.change(Recruiter, scene.recruiter_id, state=RecruiterState.SUSPENDED)
    stopped = recruiter.get(f"/api/v1{person}")
    assert (stopped.status_code, stopped.json()["reasons"]) == (403, ["recruiter_not_active"])


def test_a_ticket_is_for_its_session_and_minute(
    recruiter: PortalClient, ports: Ports, scene: Scene, clock: FixedClock
) -> None:
    """U-08: in another session of the same recruiter, and after a minute, the copy does not exist."""
    path, body = f"/candidates/{scene.candidate_id}/cv-downloads", {"opening_id": str(scene.opening.id)}
    copy_id = recruiter.change("POST", path, body).json()["id"]
    with PortalClient(create_app(ports.settings, ports=ports)) as elsewhere:
        _sign_in(elsewhere, scene, scene.recruiter_account)
        assert elsewhere.get(f"/api/v1/cv-downloads/{copy_id}/file").status_code == 404
    clock.advance(timedelta(seconds=61))
    assert recruiter.get(f"/api/v1/cv-downloads/{copy_id}/file").status_code == 404


def test_a_withdrawal_kills_the_ticket(recruiter: PortalClient, scene: Scene) -> None:
    """INV-5, U-08: a copy taken before a withdrawal is not handed out after it."""
    path, body = f"/candidates/{scene.candidate_id}/cv-downloads", {"opening_id": str(scene.opening.id)}
    copy_id = recruiter.change("POST", path, body).json()["id"]
    scene.change(Candidate, scene.candidate_id, state=CandidateState.HIDDEN)
    assert recruiter.get(f"/api/v1/cv-downloads/{copy_id}/file").status_code == 404


@pytest.mark.parametrize(
    "headers", [{"sec-purpose": "prefetch"}, {"purpose": "prefetch"}, {"x-moz": "prefetch"}]
)
def test_what_nobody_asked_for_discloses_nothing(
    recruiter: PortalClient, scene: Scene, headers: dict[str, str]
) -> None:
    """D7: a prefetch, a prerender and a HEAD are refused and leave no trace in the ledger."""
    for path in (f"/api/v1/candidates/{scene.candidate_id}", f"/recruiter/candidates/{scene.candidate_id}"):
        assert recruiter.get(path, headers=headers).status_code == 403
        assert recruiter.head(path).status_code == 403
    assert _kinds(scene) == []


def test_a_head_does_not_take_the_copy(recruiter: PortalClient, scene: Scene) -> None:
    """U-08: only a GET takes the one copy away."""
    path, body = f"/candidates/{scene.candidate_id}/cv-downloads", {"opening_id": str(scene.opening.id)}
    copy_id = recruiter.change("POST", path, body).json()["id"]
    assert recruiter.head(f"/api/v1/cv-downloads/{copy_id}/file").status_code == 403
    assert recruiter.get(f"/api/v1/cv-downloads/{copy_id}/file").status_code == 200


def test_an_idempotency_key_gives_one_effect(recruiter: PortalClient, scene: Scene) -> None:
    """F-07: the same key and body replay the id; another body is 422."""
    token = recruiter.get("/api/v1/csrf-token").json()["token"]
    headers = {"X-CSRFToken": token, "Idempotency-Key": "one"}
    path = f"/api/v1/candidates/{scene.candidate_id}/contacts"
    body = {"opening_id": str(scene.opening.id), "message": "Hello"}
    first, second = (recruiter.post(path, json=body, headers=headers) for _ in range(2))
    assert first.json()["id"] == second.json()["id"]
    assert first.status_code == second.status_code == 201
    assert recruiter.post(path, json={**body, "message": "Else"}, headers=headers).status_code == 422
    path = f"/api/v1/candidates/{scene.candidate_id}/cv-downloads"
    headers["Idempotency-Key"] = "two"
    body = {"opening_id": str(scene.opening.id)}
    taken = {recruiter.post(path, json=body, headers=headers).json()["id"] for _ in range(2)}
    assert len(taken) == 1
    assert _kinds(scene) == ["contact", "cv_download"]


@pytest.mark.parametrize(
    "query", ["cursor=%21", "cursor=abc", "cursor=MjAyNi0xMS0yM3w", "cursor=" + "A" * 300]
)
def test_a_cursor_that_is_none_is_a_400(recruiter: PortalClient, query: str) -> None:
    """Interface: a made-up cursor names its field and is no error of ours."""
    for path in ("openings", "contacts", "cv-downloads"):
        answer = recruiter.get(f"/api/v1/{path}?{query}")
        assert (answer.status_code, answer.json()["code"]) == (400, "cursor_invalid"), path
        assert answer.json()["errors"][0]["field"] == "cursor"


def test_lists_go_on_by_their_cursor(recruiter: PortalClient, scene: Scene) -> None:
    """Interface: lists are paged by opaque cursors."""
    with scene.db.transaction() as session:
        row = session.get_one(Recruiter, scene.recruiter_id)
        for _ in range(60):
            an_opening(session, row)
    first = recruiter.get("/api/v1/openings").json()
    second = recruiter.get("/api/v1/openings", params={"cursor": first["next_cursor"]}).json()
    ids = [opening["id"] for page in (first, second) for opening in page["items"]]
    assert len(ids) == len(set(ids)) == 61
    assert second["next_cursor"] is None


def test_attestations_name_copies_or_all(recruiter: PortalClient) -> None:
    """D4: exactly one of `ids` and `all`."""
    bodies: tuple[dict[str, Any], ...] = ({}, {"ids": []}, {"all": True, "ids": [str(uuid4())]})
    for body in bodies:
        assert recruiter.change("POST", "/cv-downloads/attestations", body).status_code == 422
    assert recruiter.change("POST", "/cv-downloads/attestations", {"ids": [str(uuid4())]}).status_code == 404
    assert recruiter.change("POST", "/cv-downloads/attestations", {"all": True}).json()["items"] == []


def test_only_recruiters_disclose(candidate: PortalClient, ports: Ports, scene: Scene) -> None:
    """Z-01: a candidate, and somebody not signed in, reach none of the recruiters' routes."""
    assert candidate.get(f"/api/v1/candidates/{scene.candidate_id}").status_code == 403
    assert candidate.get("/api/v1/openings").status_code == 403
    with PortalClient(create_app(ports.settings, ports=ports)) as nobody:
        assert nobody.get(f"/api/v1/candidates/{scene.candidate_id}").status_code == 401
        assert nobody.get("/api/v1/contacts").status_code == 401


def test_another_recruiters_things_do_not_exist(recruiter: PortalClient, ports: Ports, scene: Scene) -> None:
    """Z-02: threads, copies and openings of one recruiter are a 404 for another, like unknown ones."""
    path, opening = f"/candidates/{scene.candidate_id}", {"opening_id": str(scene.opening.id)}
    contact = recruiter.change("POST", f"{path}/contacts", {**opening, "message": "Hello"}).json()["id"]
    copy = recruiter.change("POST", f"{path}/cv-downloads", opening).json()["id"]
    with scene.db.transaction() as session:
        other = a_recruiter(session).account_id
    with PortalClient(create_app(ports.settings, ports=ports)) as stranger:
        _sign_in(stranger, scene, other)
        for unknown, real in ((uuid4(), contact), (uuid4(), copy)):
            for address in ("/api/v1/contacts/{}/messages", "/api/v1/cv-downloads/{}/file"):
                answers = {
                    REQUEST_ID.sub("", stranger.get(address.format(name)).text) for name in (unknown, real)
                }
                assert len(answers) == 1
        assert stranger.get("/api/v1/contacts").json() == {"items": [], "next_cursor": None}
        assert stranger.get("/api/v1/cv-downloads").json() == {"items": [], "next_cursor": None}
