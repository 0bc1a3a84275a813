"""The main job as a program: bearer tokens and JSON only, each answer with exactly its documented shape."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from io import BytesIO
from typing import Any
from uuid import UUID

import httpx
import pytest
from litestar import Litestar
from litestar.testing import TestClient
from pypdf import PdfReader

from indexer.extraction_queue import extract_waiting
from indexer.relay import drain
from marketplace.accounts.admins import create_admin, grant_bearer
from marketplace.accounts.hooks import AccountHooks
from marketplace.accounts.password_changes import set_password
from marketplace.accounts.registration import confirm_account
from marketplace.demo.cv_layouts import draw
from marketplace.demo.people import Persona, persona
from marketplace.mail import MailSink
from marketplace.mail_delivery import deliver_due_mails
from marketplace.ports import Ports
from marketplace.terms.services import publish_builtin

PASSWORD = "une phrase assez longue 42"
ADMIN, RECRUITER = "admin@marketplace.example", "camille@novalis-conseil.fr"

INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
"""RFC 3339 in UTC, with Z."""

Check = Any


class Maybe:
    """A member of an object that may be left out."""

    def __init__(self, check: Check) -> None:
        self.check = check


def instant(value: object) -> bool:
    return isinstance(value, str) and bool(INSTANT.fullmatch(value))


def day(value: object) -> bool:
    return isinstance(value, str) and date.fromisoformat(value).isoformat() == value


def uuid(value: object) -> bool:
    return isinstance(value, str) and str(UUID(value)) == value


def nothing(value: object) -> bool:
    return value is None


def either(*checks: Check) -> Check:
    return lambda value: any(_fits(value, check) for check in checks)


def _fits(value: object, check: Check) -> bool:
    try:
        assert_shape(value, check)
    except (AssertionError, ValueError):
        return False
    return True


def assert_shape(value: Any, check: Check, where: str = "$") -> None:
    """Hold ``value`` against a shape: types, literals, predicates, lists of one shape, exact objects."""
    if isinstance(check, dict):
        assert isinstance(value, dict), f"{where} is no object: {value!r}"
        needed = {name for name, part in check.items() if not isinstance(part, Maybe)}
        assert needed <= value.keys() <= check.keys(), f"{where} has {sorted(value)}, not {sorted(check)}"
        for name, part in value.items():
            known = check[name]
            assert_shape(part, known.check if isinstance(known, Maybe) else known, f"{where}.{name}")
    elif isinstance(check, list):
        assert isinstance(value, list), f"{where} is no list: {value!r}"
        for number, item in enumerate(value):
            assert_shape(item, check[0], f"{where}[{number}]")
    elif isinstance(check, type):
        assert type(value) is check, f"{where} is {value!r}"
    elif callable(check):
        assert check(value), f"{where} is {value!r}"
    else:
        assert value == check, f"{where} is {value!r}, not {check!r}"


def page_of(item: Check) -> Check:
    return {"items": [item], "next_cursor": either(str, nothing)}


SIGNED_IN = {"token": str, "expires_at": instant, "role": str, "next": either(str, nothing)}
ME = {
    "id": uuid, "role": str, "email": str, "first_name": str, "last_name": str,
    "birth_date": either(day, nothing), "language": "fr", "state": str,
}  # fmt: skip
DOCUMENT = {
    "document": str, "language": either("fr", "en"), "version": str,
    "hash": lambda text: bool(re.fullmatch("[0-9a-f]{64}", text)), "effective_on": day,
    "url": lambda text: text.startswith("http://127.0.0.1:8000/terms/"),
}  # fmt: skip
CV = {
    "id": uuid, "state": str, "reason": either(str, nothing), "label": str, "uploaded_at": instant,
    "pages": either(int, nothing), "in_use": either(uuid, nothing),
}  # fmt: skip
CARD = {
    "id": uuid, "headline": str, "region": str, "job_fields": [str], "start_on": day, "start_month": str,
    "skills": [str], "languages": [str], "education_level": either(int, nothing), "fresh_on": day,
}  # fmt: skip
SPAN = {"text": str, "match": bool}
MATCH = {"asked": str, "how": either("word", "synonym", "typo"), "found": str, "places": [str]}
READ_TERM = {
    "text": str, "kind": either("word", "phrase"), "excluded": bool, "typo": bool, "forms": [str],
    "also": [str], "read_as": [str],
}  # fmt: skip
SEARCH = {
    "reading": {"requirements": [{"alternatives": [READ_TERM]}], "ignored": [str]},
    "relaxations": [{"gives_up": str, "subject": str, "label": str, "count": int, "query": str}],
    "flex_brings": int,
    "query": {
        "q": str, "job_country": str, "sort": str, "size": int, "flex": bool,
        "start_from": either(day, nothing), "start_to": either(day, nothing), "selections": dict,
        "approximate": [str], "also": dict,
    },
    "total": int,
    "below": Maybe(10),
    "facets": [{
        "name": str,
        "buckets": [{
            "value": str, "label": str, "count": int, "selected": bool, "below": Maybe(10),
        }],
    }],
    "hits": [{**CARD, "highlights": [[SPAN]], "why": [MATCH]}],
    "next_cursor": either(str, nothing),
}  # fmt: skip
PROFILE = {
    **CARD, "first_name": str, "last_name": str, "contact": {"allowed": bool, "reasons": [str]},
}  # fmt: skip
OPENING = {"id": uuid, "title": str, "company": str, "job_country": str, "start_on": day, "state": str}
CONTACT = {
    "id": uuid, "candidate_id": uuid, "recruiter_name": str, "recruiter_role": str, "candidate_name": str,
    "opening": {"id": uuid, "title": str, "company": str, "job_country": str, "start_on": day},
    "state": str, "created_at": instant, "last_at": instant, "snippet": str, "unread": int,
}  # fmt: skip
MESSAGE = {"id": uuid, "author": either("recruiter", "candidate"), "message": str, "sent_at": instant}
DUTY = {
    "id": uuid, "candidate_id": uuid, "opening_id": uuid, "downloaded_at": instant, "delete_by_on": day,
    "state": str, "days_left": int, "exception": Maybe(either(str, nothing)),
    "exception_reason": Maybe(either(str, nothing)),
}  # fmt: skip
ACCESS = {
    "kind": str, "at": instant, "company": "Novalis Conseil", "role": "Chargée de recrutement",
    "purpose": str, "delete_by_on": Maybe(day), "duty_state": Maybe(str),
    "duty_exception": Maybe(str),
}  # fmt: skip
PROBLEM = {
    "type": str, "title": str, "status": int, "code": str, "detail": Maybe(str),
    "instance": lambda text: text.startswith("urn:uuid:"),
    "errors": Maybe([{"field": str, "code": str, "message": str}]), "reasons": Maybe([str]),
}  # fmt: skip


class Program:
    """A client of the API: no cookies, no forms, a token once it has signed in."""

    def __init__(self, app: Litestar, base_url: str) -> None:
        self.client = TestClient(app, base_url=base_url)
        self.client.headers["accept-language"] = "fr"
        self.last: httpx.Response

    def asks(self, method: str, path: str, status: int, shape: Check = None, **more: Any) -> Any:
        """Send a request; its answer must have ``status`` and ``shape`` (None: no body)."""
        self.last = answer = self.client.request(method, f"/api/v1{path}", **more)
        assert answer.status_code == status, f"{method} {path}: {answer.status_code} {answer.text}"
        assert not answer.cookies
        if shape is None:
            assert answer.content == b""
            return None
        media = "application/problem+json" if status >= 400 else "application/json"
        assert answer.headers["content-type"].partition(";")[0] == media
        assert_shape(answer.json(), PROBLEM if status >= 400 else shape, f"{method} {path}")
        return answer.json()

    def gets(self, path: str, shape: Check, **query: Any) -> Any:
        return self.asks("GET", path, 200, shape, params=query)

    def posts(self, path: str, status: int, shape: Check, body: Mapping[str, Any]) -> Any:
        return self.asks("POST", path, status, shape, json=body)

    def signs_in(self, email: str, next_step: str | None = None) -> None:
        """Open a bearer session and use it from now on."""
        body = {"email": email, "password": PASSWORD, "transport": "bearer"}
        signed_in = self.posts("/sessions", 201, {**SIGNED_IN, "next": next_step}, body)
        self.client.headers["authorization"] = f"Bearer {signed_in['token']}"


def problem(answer: httpx.Response) -> dict[str, Any]:
    """Return a problem without what differs between two requests."""
    said: dict[str, Any] = answer.json()
    assert_shape(said, PROBLEM)
    return {name: value for name, value in said.items() if name != "instance"}


@pytest.fixture(autouse=True)
def documents(ports: Ports) -> None:
    """The documents that come with the product, as every start publishes them."""
    with ports.db.transaction() as session:
        publish_builtin(session, ports.clock.now())


@pytest.fixture
def who(ports: Ports) -> Persona:
    """A grown-up developer whose CV says Python."""
    return next(
        who
        for who in (persona(number, ports.clock.today(), country="FR") for number in range(500))
        if "python" in who.skills and who.language == "fr" and who.birth_date.year < 2008
        and "développeur" in who.headline.lower()
    )  # fmt: skip


@pytest.fixture
def admin(app: Litestar, ports: Ports) -> Program:
    """An admin whom the command line made and granted a token."""
    now = ports.clock.now()
    with ports.db.transaction() as session:
        admin_id = create_admin(session, now, ADMIN)
        confirm_account(session, now, admin_id, AccountHooks(), mail_password=False)
        set_password(session, ports.settings, admin_id, PASSWORD)
        grant_bearer(session, now, admin_id, admin_id)
    program = Program(app, ports.settings.base_url)
    program.signs_in(ADMIN, "accept_terms")
    assert program.asks("GET", "/me", 403, PROBLEM)["code"] == "terms_required"
    body = {"acceptances": agreed(program, "terms_of_use", "privacy_policy")}
    program.posts("/me/acceptances", 200, {"outstanding": []}, body)
    program.gets("/me", {**ME, "language": "en", "role": "admin", "state": "active"})
    return program


def work(ports: Ports) -> None:
    """What the worker does meanwhile: read CVs, index, send mails."""
    extract_waiting(ports)
    drain(ports)
    deliver_due_mails(ports)


def confirmation(ports: Ports, mails: MailSink, address: str) -> dict[str, str]:
    """Return the token of the mailed link, as a body."""
    work(ports)
    found = [token for mail in mails.to(address) for token in re.findall(r"/confirm-email/(\S+)", mail.text)]
    return {"token": found[-1]}


def agreed(program: Program, *names: str) -> list[dict[str, str]]:
    """Read the documents in force and agree to those named."""
    documents = program.gets("/terms", page_of(DOCUMENT))["items"]
    versions = {item["document"]: item["version"] for item in documents if item["language"] == "fr"}
    assert "consent_search" in versions
    return [{"document": name, "version": versions[name]} for name in names]


def test_the_main_job_of_a_program(
    app: Litestar, ports: Ports, mail_sink: MailSink, admin: Program, who: Persona
) -> None:
    """A1–A3, B1–B4, C1–C6, D1–D4, D7 over the API: registered, found, contacted, copied, withdrawn."""
    candidate, recruiter = (Program(app, ports.settings.base_url) for _ in range(2))
    _candidate_registers(candidate, admin, ports, mail_sink, who)
    candidate_id = _candidate_is_searchable(candidate, ports, who)
    _recruiter_registers(recruiter, admin, ports, mail_sink)

    # Two facets and words find the one candidate, whose labels are in the language asked for.
    asked = {"q": "développeur python", "region": "FR-IDF", "job_field": "development"}
    found = recruiter.gets("/candidates/search", SEARCH, **asked)
    assert (found["total"], [hit["id"] for hit in found["hits"]]) == (1, [candidate_id])
    assert any(span["match"] for part in found["hits"][0]["highlights"] for span in part)
    assert [facet["name"] for facet in found["facets"]] == [
        "region", "job_field", "start_month", "skill", "language", "education_level",
    ]  # fmt: skip
    labels = {bucket["value"]: bucket["label"] for facet in found["facets"] for bucket in facet["buckets"]}
    assert (labels["FR-IDF"], labels["fr"]) == ("Île-de-France", "français")
    assert who.last_name not in recruiter.last.text
    assert who.email not in recruiter.last.text

    opened = recruiter.gets(f"/candidates/{candidate_id}", PROFILE, job_country="FR")
    assert (opened["first_name"], opened["contact"]) == (who.first_name, {"allowed": True, "reasons": []})
    assert who.email not in recruiter.last.text
    text = recruiter.gets(f"/candidates/{candidate_id}/cv/text", {"text": str, "spans": [SPAN]}, q="python")
    assert "".join(span["text"] for span in text["spans"]) == text["text"]
    assert any(span["match"] for span in text["spans"])

    opening = _opening(recruiter)
    about = {"opening_id": opening["id"]}
    revealed = recruiter.posts(f"/candidates/{candidate_id}/email-reveals", 201, {"email": str}, about)
    assert revealed == {"email": who.email}
    _a_thread(recruiter, candidate, ports, candidate_id, opening)
    _a_copy(recruiter, candidate_id, opening, who)

    # The candidate reads all of it in the access log, and withdraws.
    log = candidate.gets("/me/access-log", page_of(ACCESS))["items"]
    assert {item["kind"] for item in log} == {"profile", "cv_text", "email", "contact", "cv_download"}
    (copied,) = (item for item in log if item["kind"] == "cv_download")
    assert copied["delete_by_on"] == "2027-05-23"
    candidate.asks("DELETE", "/me/opt-in", 204)

    # At once the same search no longer shows them, and their id is like one that never was.
    gone = recruiter.gets("/candidates/search", SEARCH, **asked)
    assert (gone["total"], gone["hits"]) == (0, [])
    never = "00000000-0000-4000-8000-000000000000"
    for path, body in (
        ("", None), ("/cv/text", None), ("/email-reveals", about), ("/cv-downloads", about),
        ("/contacts", {**about, "message": "Bonjour"}),
    ):  # fmt: skip
        told = []
        for each in (candidate_id, never, "nobody"):
            recruiter.asks(
                "POST" if body else "GET", f"/candidates/{each}{path}", 404, PROBLEM,
                **({"json": body} if body else {}),
            )  # fmt: skip
            told.append(problem(recruiter.last))
        assert told[0] == told[1] == told[2]

    for program in (candidate, recruiter, admin):
        program.asks("DELETE", "/sessions/current", 204)
        program.asks("GET", "/me", 401, PROBLEM)


def _candidate_registers(
    candidate: Program, admin: Program, ports: Ports, mails: MailSink, who: Persona
) -> None:
    person = {
        "first_name": who.first_name, "last_name": who.last_name, "birth_date": who.birth_date.isoformat(),
        "email": who.email, "password": PASSWORD, "protected": False,
        "acceptances": agreed(candidate, "terms_of_use", "privacy_policy"),
    }  # fmt: skip
    for _ in range(2):
        assert candidate.posts("/candidates", 202, {}, person) == {}
    candidate.posts("/email-confirmations", 200, {}, confirmation(ports, mails, who.email))
    refused = {"email": who.email, "password": PASSWORD, "transport": "bearer"}
    assert candidate.posts("/sessions", 403, PROBLEM, refused)["code"] == "bearer_not_granted"

    # Whoever may not use tokens yet reads their own id as a browser does, and an admin grants it.
    browser = TestClient(candidate.client.app, base_url=ports.settings.base_url)
    signed_in = browser.post("/api/v1/sessions", json={"email": who.email, "password": PASSWORD})
    assert signed_in.status_code == 201
    assert set(signed_in.json()) == {"csrf_token", "expires_at", "role", "next"}
    own = browser.get("/api/v1/me").json()
    assert_shape(own, {**ME, "state": "incomplete", "candidate_id": uuid})
    grants = f"/admin/members/{own['id']}/grants"
    assert admin.posts(grants, 201, {"grant": str}, {"grant": "bearer"}) == {"grant": "bearer"}
    candidate.signs_in(who.email)


def _candidate_is_searchable(candidate: Program, ports: Ports, who: Persona) -> str:
    empty = candidate.gets("/me/profile", dict)
    profile = {
        "country": "FR", "region": "FR-IDF", "job_fields": ["development"], "start_on": None,
        "start_month": "2027-09", "flex_weeks": 2, "headline": f"Développeur Python, {who.last_name}",
        "skills": ["python", "sql"], "other_skills": [], "languages": ["en", "fr"], "education_level": 6,
        "current_employer": None,
        "right_to_work": [{"country": "FR", "right": "yes", "expires_on": None}],
    }  # fmt: skip
    assert empty.keys() == profile.keys()
    assert candidate.asks("PUT", "/me/profile", 200, dict, json=profile) == profile
    assert candidate.gets("/me/profile", dict) == profile

    hashes = {
        item["hash"]
        for item in candidate.gets("/terms", page_of(DOCUMENT))["items"]
        if (item["document"], item["language"]) == ("consent_search", "fr")
    }
    consent = {"consent_hash": hashes.pop()}
    missing = candidate.posts("/me/opt-in", 422, PROBLEM, consent)
    assert [fault["field"] for fault in missing["errors"]] == ["cv"]
    candidate.asks("GET", "/me/cv", 404, PROBLEM)
    refused = {"file": ("cv.pdf", b"<html>no PDF</html>", "application/pdf")}
    assert candidate.asks("PUT", "/me/cv", 422, PROBLEM, files=refused)["errors"][0]["code"] == "not_pdf"
    large = {"file": ("cv.pdf", b"%PDF-1.7" + bytes(5 * 1024 * 1024), "application/pdf")}
    candidate.asks("PUT", "/me/cv", 413, PROBLEM, files=large)
    given = {"file": ("mon CV.pdf", draw(who.resume, 0), "application/pdf")}
    candidate.asks("PUT", "/me/cv", 202, {**CV, "state": "received", "reason": nothing}, files=given)
    work(ports)
    candidate.gets("/me/cv", {**CV, "state": "ready", "reason": nothing})
    candidate.posts("/me/opt-in", 200, {"state": "searchable"}, consent)
    work(ports)
    candidate.gets("/me/access-log", {"items": [], "next_cursor": nothing})
    own = candidate.gets("/me", {**ME, "role": "candidate", "state": "searchable", "candidate_id": uuid})
    return str(own["candidate_id"])


def _recruiter_registers(recruiter: Program, admin: Program, ports: Ports, mails: MailSink) -> None:
    person = {
        "first_name": "Camille", "last_name": "Martin", "birth_date": "1988-04-12", "email": RECRUITER,
        "password": PASSWORD, "job_title": "Chargée de recrutement", "work_country": "FR",
        "company": {
            "name": "Novalis Conseil", "country": "FR", "registration_number": "732829320",
            "on_behalf": False,
        },
        "declarations": ["authorised", "professional_use", "ethical_code"],
        "acceptances": agreed(
            recruiter, "terms_of_use", "privacy_policy", "special_terms", "ethical_code"
        ),
    }  # fmt: skip
    for _ in range(2):
        assert recruiter.posts("/recruiters", 202, {}, person) == {}
    recruiter.posts("/email-confirmations", 200, {}, confirmation(ports, mails, RECRUITER))

    queue = admin.gets("/admin/companies", page_of(dict), state="pending_review")
    (company,) = queue["items"]
    assert company["name"] == "Novalis Conseil"
    grants = f"/admin/members/{company['recruiters'][0]['account_id']}/grants"
    admin.posts(grants, 201, {"grant": "bearer"}, {"grant": "bearer"})
    recruiter.signs_in(RECRUITER)
    own = {**ME, "role": "recruiter", "state": "pending_review", "work_country": "FR"}
    recruiter.gets("/me", own)

    # Until the company is verified: no words, no hits, rounded counts.
    refused = recruiter.asks("GET", "/candidates/search", 403, PROBLEM, params={"q": "python"})
    assert refused["code"] == "words_not_open"
    counts = recruiter.gets("/candidates/search", {**SEARCH, "below": 10})
    assert (counts["total"], counts["hits"], counts["next_cursor"]) == (0, [], None)

    decision = {"decision": "verify", "reason": "SIREN et domaine concordent"}
    decided = {"id": company["id"], "state": "verified"}
    admin.posts(f"/admin/companies/{company['id']}/decisions", 201, decided, decision)
    admin.posts(f"/admin/companies/{company['id']}/decisions", 409, PROBLEM, decision)
    assert admin.gets("/admin/companies", page_of(dict), state="pending_review")["items"] == []
    recruiter.gets("/me", {**own, "state": "active"})


def _opening(recruiter: Program) -> dict[str, str]:
    body = {"title": "Alternance développement Python", "job_country": "FR", "start_on": "2027-09-01"}
    opening = {**body, "id": uuid, "company": "Novalis Conseil", "state": "open"}
    made: dict[str, str] = recruiter.posts("/openings", 201, opening, body)
    recruiter.gets("/openings", {"items": [made], "next_cursor": nothing})
    changed = {**made, "title": "Alternance Python"}
    recruiter.asks("PATCH", f"/openings/{made['id']}", 200, changed, json={"title": "Alternance Python"})
    return changed


def _a_thread(
    recruiter: Program, candidate: Program, ports: Ports, candidate_id: str, opening: Mapping[str, str]
) -> None:
    body = {"opening_id": opening["id"], "message": "Bonjour, votre projet nous intéresse."}
    made = recruiter.posts(
        f"/candidates/{candidate_id}/contacts", 201,
        {"id": uuid, "state": "sent", "created_at": instant, "warnings": []}, body,
    )  # fmt: skip
    work(ports)
    for program in (recruiter, candidate):
        (listed,) = program.gets("/contacts", page_of(CONTACT))["items"]
        assert (listed["id"], listed["candidate_id"]) == (made["id"], candidate_id)
    thread = f"/contacts/{made['id']}/messages"
    (first,) = candidate.gets(thread, page_of(MESSAGE))["items"]
    assert (first["author"], first["message"]) == ("recruiter", body["message"])
    candidate.posts(f"/contacts/{made['id']}/answer", 200, {"state": "accepted"}, {"answer": "accept"})
    candidate.posts(thread, 201, {**MESSAGE, "author": "candidate"}, {"message": "Avec plaisir."})
    said = recruiter.gets(thread, page_of(MESSAGE))["items"]
    assert [message["author"] for message in said] == ["recruiter", "candidate"]


def _a_copy(recruiter: Program, candidate_id: str, opening: Mapping[str, str], who: Persona) -> None:
    taken = recruiter.posts(
        f"/candidates/{candidate_id}/cv-downloads", 201, {"id": uuid, "delete_by_on": "2027-05-23"},
        {"opening_id": opening["id"]},
    )  # fmt: skip
    file = recruiter.client.get(f"/api/v1/cv-downloads/{taken['id']}/file")
    assert (file.status_code, file.headers["content-type"]) == (200, "application/pdf")
    text = " ".join(page.extract_text() for page in PdfReader(BytesIO(file.content)).pages)
    assert "Novalis Conseil" in text
    assert who.last_name in text
    recruiter.asks("GET", f"/cv-downloads/{taken['id']}/file", 404, PROBLEM)  # once only
    (duty,) = recruiter.gets("/cv-downloads", page_of(DUTY))["items"]
    assert (duty["id"], duty["candidate_id"]) == (taken["id"], candidate_id)
    attested = recruiter.posts("/cv-downloads/attestations", 201, page_of(DUTY), {"ids": [taken["id"]]})
    assert [item["state"] for item in attested["items"]] == ["attested"]
