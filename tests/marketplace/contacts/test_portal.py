"""The pages of both sides over HTTP, without JavaScript."""

from __future__ import annotations

import re
from collections.abc import Iterator
from io import BytesIO
from uuid import UUID, uuid4

import pytest
from litestar import Litestar
from pypdf import PdfReader
from reportlab.pdfgen.canvas import Canvas
from sqlalchemy import select

from marketplace.accounts.models import Account
from marketplace.app import create_app
from marketplace.candidates.models import CV, Candidate
from marketplace.contacts.models import Contact, CVDownload, Disclosure, Opening
from marketplace.ports import Ports
from tests.builders import a_candidate
from tests.marketplace.contacts.conftest import Scene
from tests.portal import PortalClient, text_of


@pytest.fixture
def recruiter(app: Litestar, scene: Scene, ports: Ports) -> Iterator[PortalClient]:
    """The recruiter's browser, in English; the candidate's CV is a real PDF in the store."""
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
    """The candidate's browser, in English, on a second process of the service."""
    with PortalClient(create_app(ports.settings, ports=ports)) as client:
        _sign_in(client, scene, scene.candidate_account)
        yield client


def _sign_in(client: PortalClient, scene: Scene, account_id: UUID) -> None:
    with scene.db.transaction() as session:
        account = session.get_one(Account, account_id)
        account.language = "en"
    client.sign_in_as(account)


def copy_id_of(content: bytes) -> str:
    metadata = PdfReader(BytesIO(content)).metadata
    assert metadata is not None
    return str(metadata["/MarketplaceCopy"])


def _kinds(scene: Scene) -> list[str]:
    with scene.db.transaction() as session:
        return list(session.scalars(select(Disclosure.kind).order_by(Disclosure.id)))


def test_a_profile_page_shows_facts_and_what_may_follow(recruiter: PortalClient, scene: Scene) -> None:
    """D3, D7: names, headline, region, start and skills; contact allowed; the duty before the click."""
    page = recruiter.get(f"/recruiter/candidates/{scene.candidate_id}?q=python")
    assert page.status_code == 200
    read = text_of(page.text)
    for words in ("Camille Martin", "Apprentie développeuse Python", "Île-de-France", "Contact allowed"):
        assert words in read
    assert "delete it by" in read
    assert "23 May 2027" in read
    assert "@example.org" not in page.text
    assert f"/recruiter/candidates/{scene.candidate_id}/cv?job_country=FR&amp;q=python" in page.text
    assert _kinds(scene) == ["profile"]


def test_the_way_back_leads_to_the_search_and_nowhere_else(recruiter: PortalClient, scene: Scene) -> None:
    """D1: profile and CV text hand the search on; what is given as ``back`` is only ever its query."""
    person = f"/recruiter/candidates/{scene.candidate_id}"
    search = "q=python&region=FR-IDF"
    for page in (person, f"{person}/cv"):
        answer = recruiter.get(page, params={"q": "python", "back": search}).text
        assert 'href="/recruiter/search?q=python&amp;region=FR-IDF"' in answer
        assert "back=q%3Dpython%26region%3DFR-IDF" in answer
        away = recruiter.get(page, params={"back": "//evil.example/"}).text
        assert 'href="/recruiter/search?//evil.example/"' in away


def test_reasons_are_told_in_plain_words(recruiter: PortalClient, scene: Scene) -> None:
    """D3: a profile that opens without contact says why, and offers neither message, copy nor address."""
    read = text_of(recruiter.get(f"/recruiter/candidates/{scene.candidate_id}?job_country=US").text)
    assert "Contact not allowed now" in read
    assert "no right to work in the country of the job" in read
    for offered in ("Send the message", "Download the marked copy", "Show the e-mail address"):
        assert offered not in read


def test_pages_speak_french(recruiter: PortalClient, scene: Scene) -> None:
    """F4: the same pages in the member's language."""
    recruiter.submit("/language", {"language": "fr"})
    read = text_of(recruiter.get(f"/recruiter/candidates/{scene.candidate_id}").text)
    assert "Contact autorisé" in read
    assert "Télécharger la copie marquée" in read
    assert "Créer l’offre" in recruiter.get("/recruiter/openings").text


def test_the_text_of_a_cv_marks_the_words(recruiter: PortalClient, scene: Scene) -> None:
    """D1, D7: the words of the search are marked in the scrubbed text; a long query is a 422."""
    page = recruiter.get(f"/recruiter/candidates/{scene.candidate_id}/cv?q=python")
    assert "<mark>Python</mark>" in page.text
    assert _kinds(scene) == ["cv_text"]
    assert (
        recruiter.get(f"/recruiter/candidates/{scene.candidate_id}/cv", params={"q": "x" * 257}).status_code
        == 422
    )


def test_text_of_people_is_never_markup(recruiter: PortalClient, scene: Scene) -> None:
    """W-04: what stands in a CV, headline or message is shown as text."""
    with scene.db.transaction() as session:
        evil = a_candidate(
            session,
            cv_text="<script>alert(1)</script> python",
            headline_scrubbed="<img src=x onerror=alert(1)>",
        ).id
    for path in ("", "/cv?q=script"):
        page = recruiter.get(f"/recruiter/candidates/{evil}{path}").text
        assert "<script>alert" not in page
        assert "<img src=x" not in page
        assert "&lt;" in page


def test_a_contact_with_a_new_opening(recruiter: PortalClient, candidate: PortalClient, scene: Scene) -> None:
    """D3, C8: the opening is made with the contact; the candidate reads, accepts, answers, and blocks."""
    person = f"/recruiter/candidates/{scene.candidate_id}"
    form = {
        "opening_id": "new", "title": "Apprentice baker", "company": "", "job_country": "FR",
        "start_on": "2027-09-01", "message": "Hello <b>you</b>",
    }  # fmt: skip
    sent = recruiter.submit(f"{person}/contacts", form, page="/recruiter/openings")
    assert sent.status_code == 303
    thread = sent.headers["location"]
    assert "Apprentice baker" in text_of(recruiter.get(thread).text)
    listed = text_of(candidate.get("/candidate/contacts").text)
    assert "Apprentice baker" in listed
    assert "1 new message" in listed
    own = thread.replace("/recruiter/", "/candidate/")
    page = candidate.get(own).text
    assert "Hello &lt;b&gt;you&lt;/b&gt;" in page
    assert candidate.submit(f"{own}/answer", {"answer": "accept"}, page=own).status_code == 303
    assert candidate.submit(f"{own}/messages", {"message": "With pleasure"}, page=own).status_code == 303
    read = text_of(recruiter.get(thread).text)
    assert "With pleasure" in read
    assert "Contact accepted" in read
    assert recruiter.submit(f"{thread}/messages", {"message": ""}, page=thread).status_code == 422
    assert candidate.submit(f"{own}/messages", {"message": " "}, page=own).status_code == 422
    assert candidate.submit(f"{own}/answer", {"answer": "perhaps"}, page=own).status_code == 422
    assert candidate.submit(f"{own}/blocks", {"whom": "everybody"}, page=own).status_code == 422
    assert candidate.submit(f"{own}/blocks", {"whom": "company"}, page=own).status_code == 303
    assert recruiter.get(thread).status_code == 404
    assert recruiter.get(person).status_code == 404
    assert "Apprentice baker" not in recruiter.get("/recruiter/contacts").text


def test_a_wrong_form_comes_back_without_opening_the_profile_again(
    recruiter: PortalClient, scene: Scene
) -> None:
    """D3, D7: nothing is stored, neither contact nor opening, and correcting the form discloses nothing."""
    person = f"/recruiter/candidates/{scene.candidate_id}/contacts"
    wrong = (
        {"opening_id": "", "message": "Hello"},
        {"opening_id": str(uuid4()), "message": "Hello"},
        {"opening_id": str(scene.opening.id), "message": ""},
        {"opening_id": "new", "title": "", "job_country": "FR", "start_on": "2027-09-01", "message": "Hello"},
        {
            "opening_id": "new",
            "title": "T",
            "job_country": "XX",
            "start_on": "2027-09-01",
            "message": "Hello",
        },
        {"opening_id": "new", "title": "T", "job_country": "FR", "start_on": "soon", "message": "Hello"},
        {"opening_id": "new", "title": "Kept", "job_country": "FR", "start_on": "2027-09-01", "message": " "},
    )
    for form in wrong:
        page = recruiter.submit(person, form, page="/recruiter/openings")
        assert page.status_code == 422
        assert 'aria-invalid="true"' in page.text
    assert 'value="Kept"' in page.text
    assert _kinds(scene) == []
    with scene.db.transaction() as session:
        assert session.scalars(select(Contact)).all() == []
        assert len(session.scalars(select(Opening)).all()) == 1


def test_the_address_is_shown_by_an_act_of_its_own(recruiter: PortalClient, scene: Scene) -> None:
    """D3: a POST reveals and records; without an opening it is refused."""
    path = f"/recruiter/candidates/{scene.candidate_id}/email-reveals"
    page = recruiter.submit(path, {"reveal_opening_id": str(scene.opening.id)}, page="/recruiter/openings")
    assert page.status_code == 200
    assert "@example.org" in page.text
    assert _kinds(scene) == ["email"]
    assert recruiter.submit(path, {"reveal_opening_id": ""}, page="/recruiter/openings").status_code == 422


def test_a_copy_is_taken_listed_and_attested(recruiter: PortalClient, scene: Scene) -> None:
    """D4: the duty is agreed to, the marked file follows, the list shows days left, and it is attested."""
    path = f"/recruiter/candidates/{scene.candidate_id}/cv-downloads"
    chosen = {"download_opening_id": str(scene.opening.id)}
    assert recruiter.submit(path, chosen, page="/recruiter/openings").status_code == 422
    copies = []
    for _ in range(3):
        taken = recruiter.submit(path, {**chosen, "understood": "yes"}, page="/recruiter/openings")
        assert taken.status_code == 303
        given = recruiter.get(taken.headers["location"])
        assert given.headers["content-type"] == "application/pdf"
        copies.append(copy_id_of(given.content))
        assert recruiter.get(taken.headers["location"]).status_code == 404
    page = recruiter.get("/recruiter/downloads").text
    assert "181 days left" in text_of(page)
    assert all(f"cv-{copy[:8]}.pdf" in page for copy in copies)
    attest = "/recruiter/downloads/attestations"
    forms: tuple[dict[str, str | list[str]], ...] = (
        {"which": copies[0]}, {"which": "chosen", "copy": [copies[1]]}, {"which": "all"},
    )  # fmt: skip
    for form in forms:
        assert recruiter.submit(attest, form, page="/recruiter/downloads").status_code == 303
    with scene.db.transaction() as session:
        assert {copy.state for copy in session.scalars(select(CVDownload))} == {"attested"}
    assert recruiter.submit(attest, {"which": "chosen"}, page="/recruiter/openings").status_code == 303
    assert recruiter.submit(attest, {"which": "nonsense"}, page="/recruiter/openings").status_code == 404


def test_an_opening_after_the_permit_is_marked_in_the_choice(recruiter: PortalClient, scene: Scene) -> None:
    """D2: the choice of openings warns, and the contact goes out all the same."""
    from marketplace.candidates.models import RightToWork

    with scene.db.transaction() as session:
        session.get_one(Candidate, scene.candidate_id).start_day = scene.now.date()
        session.get_one(RightToWork, (scene.candidate_id, "FR")).expires_on = scene.now.date()
    person = f"/recruiter/candidates/{scene.candidate_id}"
    assert "starts after the right to work ends" in recruiter.get(person).text
    form = {"opening_id": str(scene.opening.id), "message": "Hello"}
    sent = recruiter.submit(f"{person}/contacts", form, page="/recruiter/openings")
    assert sent.status_code == 303
    assert "right to work ends before" in text_of(recruiter.get(sent.headers["location"]).text)


def test_hidden_and_unknown_people_have_the_same_page(recruiter: PortalClient, scene: Scene) -> None:
    """Z-02: the pages of hidden, unknown and malformed ids differ in nothing but form tokens."""
    with scene.db.transaction() as session:
        hidden = a_candidate(session, "hidden").id
    pages = set()
    for name in (hidden, uuid4(), "nobody"):
        answer = recruiter.get(f"/recruiter/candidates/{name}")
        assert answer.status_code == 404
        plain = answer.text.replace(str(name), "ID")
        pages.add(re.sub(r'(name="_csrf_token" value|name="csrf-token" content)="[^"]*"', "", plain))
    assert len(pages) == 1
    assert _kinds(scene) == []


def test_empty_lists_say_what_to_do(recruiter: PortalClient, candidate: PortalClient) -> None:
    """F4: nobody meets an empty page."""
    assert "No contacts yet" in recruiter.get("/recruiter/contacts").text
    assert "You hold no copies" in recruiter.get("/recruiter/downloads").text
    assert "Nobody has written yet" in candidate.get("/candidate/contacts").text
