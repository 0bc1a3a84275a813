"""The candidate's pages, as a browser without JavaScript meets them."""

from __future__ import annotations

import re
from datetime import date, timedelta
from uuid import uuid4

import pytest
from sqlalchemy import select

from marketplace.accounts.models import Account
from marketplace.candidates import cvs, index_rows
from marketplace.candidates.lifecycle import CandidateState
from marketplace.candidates.models import CV, Candidate, RightToWork
from marketplace.contacts import disclosures
from marketplace.contacts.gate import gate
from marketplace.contacts.models import CVDownload, DutyException, DutyState
from marketplace.contacts.opening_queries import opening_view
from marketplace.db import Database
from marketplace.pdf.results import Extraction, RefusalReason
from tests.builders import a_recruiter, an_opening
from tests.marketplace.candidates.conftest import signed_in
from tests.portal import text_of

PDF = b"%PDF-1.7 a small file"
PERSON = {
    "first_name": "Ana", "last_name": "Silva", "birth_date": "2000-02-29", "email": "ana@example.org",
    "password": "correct horse battery staple",
}  # fmt: skip
FORM = {
    "country": "FR", "region": "FR-IDF", "job_fields": ["development", "data-ai"], "start_month": "2027-09",
    "start_on": "", "flex_weeks": "3", "headline": "Développeuse", "skills": ["python", "java"],
    "other_skills": "vélo, cuisine", "languages": ["fr", "eo"], "education_level": "6",
    "current_employer": "ACME", "right_FR": "yes", "right_until_FR": "2029-01-31", "right_GB": "",
    "right_until_GB": "", "right_US": "no", "right_until_US": "",
}  # fmt: skip
PAGES = (
    "/candidate",
    "/candidate/profile",
    "/candidate/cv",
    "/candidate/visibility",
    "/candidate/access-log",
)
TRAITS = ("searchable", "hidden", "incomplete", "minor", "paused", "found", "suspended")


def candidate_of(db: Database) -> Candidate:
    with db.transaction() as session:
        return session.scalars(select(Candidate)).one()


@pytest.mark.parametrize("trait", TRAITS)
@pytest.mark.parametrize("language", ["en", "fr"])
def test_every_page_in_every_state(browser, db, trait: str, language: str) -> None:
    """C7: each page opens in each state and language, without inline code, and names the state."""
    account = signed_in(browser, db, trait)
    with db.transaction() as session:
        session.get_one(Account, account.id).language = language
    for page in PAGES:
        answer = browser.get(page)
        assert answer.status_code == 200, page
        assert f'<html lang="{language}">' in answer.text
        assert not re.search(r"<[^>]+\s(?:style|on\w+)=|<script>|<style", answer.text)
        assert "%(" not in answer.text


def test_signing_up(browser, db) -> None:
    """A3, A5: the form leads to the same page for a new address and a known one."""
    page = browser.get("/candidate/sign-up")
    assert page.status_code == 200
    for _ in range(2):
        answer = browser.submit("/candidate/sign-up", PERSON, page="/candidate/sign-up", follow=True)
        assert answer.status_code == 200
        assert "Look into your mail" in answer.text
    assert candidate_of(db).state == CandidateState.INCOMPLETE


def test_a_wrong_sign_up_comes_back(browser, db) -> None:
    """A1: the page comes back with the fault marked and what was typed, but the password."""
    answer = browser.submit("/candidate/sign-up", {**PERSON, "birth_date": "2012-01-01"})
    assert answer.status_code == 422
    assert "You must be at least 16" in text_of(answer.text)
    assert 'value="ana@example.org"' in answer.text
    assert PERSON["password"] not in answer.text
    unread = browser.submit("/candidate/sign-up", {**PERSON, "birth_date": "x", "email": "nobody"})
    assert unread.status_code == 422
    assert "error-birth_date" in unread.text
    assert "error-email" in unread.text
    with db.transaction() as session:
        assert session.scalars(select(Account)).all() == []


def test_the_profile_is_saved(browser, db) -> None:
    """C1: the form stores every field, and shows it again as stored."""
    signed_in(browser, db, "incomplete")
    answer = browser.submit("/candidate/profile", FORM, page="/candidate/profile")
    assert (answer.status_code, answer.headers["location"]) == (303, "/candidate")
    candidate = candidate_of(db)
    assert (candidate.country, candidate.region, candidate.start_day) == ("FR", "FR-IDF", date(2027, 9, 1))
    assert candidate.job_fields == ["development", "data-ai"]
    assert (candidate.skills, candidate.other_skills) == (["python", "java"], ["vélo", "cuisine"])
    assert candidate.languages == ["fr", "eo"]
    with db.transaction() as session:
        rights = session.scalars(select(RightToWork).order_by(RightToWork.country)).all()
    assert [(right.country, right.right, right.expires_on) for right in rights] == [
        ("FR", "yes", date(2029, 1, 31)), ("US", "no", None),
    ]  # fmt: skip
    page = browser.get("/candidate/profile").text
    for shown in ('value="ACME"', 'value="2029-01-31"', "vélo, cuisine", 'value="3"'):
        assert shown in page
    assert page.count(" checked") == 2 + 2 + 1


def test_a_wrong_profile_comes_back_whole(browser, db) -> None:
    """C1: every fault is marked, those of dates too, what was typed is kept, nothing is stored."""
    signed_in(browser, db)
    wrong = {**FORM, "region": "US-CA", "start_on": "soon", "flex_weeks": "99", "headline": "y" * 201}
    answer = browser.submit("/candidate/profile", wrong, page="/candidate/profile")
    assert answer.status_code == 422
    for field in ("region", "start_on", "flex_weeks", "headline"):
        assert f'id="error-{field}"' in answer.text
    assert 'value="soon"' in answer.text
    assert candidate_of(db).headline == "Apprentie développeuse Python"


def test_uploading(browser, db, ports, now) -> None:
    """C4: the page says what happens, refreshes itself, then shows the scrubbed text recruiters read."""
    account = signed_in(browser, db, "hidden", cv_text=None)
    answer = browser.submit(
        "/candidate/cv", files={"file": ("Mon <b>CV</b>.pdf", PDF, "text/html")}, page="/candidate/cv"
    )
    assert (answer.status_code, answer.headers["location"]) == (303, "/candidate/cv")
    page = browser.get("/candidate/cv").text
    assert "Mon &lt;b&gt;CV&lt;" in page or "b&gt;.pdf" in page
    assert 'hx-trigger="every 2s"' in page
    assert 'href="/candidate/cv"' in page
    with db.transaction() as session:
        status = cvs.latest_cv(session, account.id)
        assert status is not None
        text = "Camille Dubois, camille@example.org, 06 12 34 56 78, Python"
        extraction = Extraction(outcome="ready", pages=1, text=text, rewritten=b"%PDF-1.7 clean")
        cvs.apply_extraction(session, now, status.cv_id, extraction, ports.files)
    page = text_of(browser.get("/candidate/cv").text)
    assert "Python" in page
    for secret in ("camille@example.org", "06 12 34 56 78", "Camille Dubois, "):
        assert secret not in page
    assert "every 2s" not in browser.get("/candidate/cv").text


def test_the_own_file(browser, db, ports) -> None:
    """A7, U-06, U-07: the own file comes as an attachment under our name, sandboxed, never cached."""
    signed_in(browser, db, "hidden")
    key = ports.files.put("cv", PDF)
    with db.transaction() as session:
        cv = session.scalars(select(CV)).one()
        cv.file_key, cv.label = key, 'x"\r\nSet-Cookie: a=b.pdf'
        name = f"cv-{cv.id.hex[:8]}.pdf"
    answer = browser.get("/candidate/cv/file")
    assert answer.content == PDF
    assert answer.headers["content-disposition"] == f'attachment; filename="{name}"'
    assert answer.headers["content-type"] == "application/pdf"
    assert answer.headers["content-security-policy"] == "sandbox; default-src 'none'"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(("reason", "words"), [("encrypted", "password"), ("too_many_pages", "20 pages")])
def test_a_refused_upload(browser, db, checker, reason: str, words: str) -> None:
    """C4: the same page says what is wrong and what to do; the CV in use stays."""
    signed_in(browser, db)
    checker.answer = RefusalReason(reason)
    answer = browser.submit("/candidate/cv", files={"file": ("a.pdf", PDF)}, page="/candidate/cv")
    assert answer.status_code == 422
    assert words in text_of(answer.text)
    with db.transaction() as session:
        assert len(session.scalars(select(CV)).all()) == 1


def test_nothing_chosen_too_large_too_often(browser, db) -> None:
    """C4, U-01: no file, a file over 5 MiB and the eleventh of a day are answered on the page."""
    signed_in(browser, db)
    assert browser.submit("/candidate/cv", page="/candidate/cv").status_code == 422
    large = browser.submit("/candidate/cv", files={"file": ("a.pdf", PDF + bytes(5 * 1024 * 1024))})
    assert large.status_code == 413
    assert "5 MB" in text_of(large.text)
    for _ in range(9):
        assert browser.submit("/candidate/cv", files={"file": ("a.pdf", PDF)}).status_code == 303
    often = browser.submit("/candidate/cv", files={"file": ("a.pdf", PDF)})
    assert often.status_code == 429
    assert "10 files a day" in text_of(often.text)
    assert often.headers["retry-after"]


def test_deleting_the_cv(browser, db) -> None:
    """C4, C7: deleting hides at once."""
    signed_in(browser, db, "searchable")
    answer = browser.submit("/candidate/cv/delete", page="/candidate/cv", follow=True)
    assert "Recruiters no longer find you" in text_of(answer.text)
    assert candidate_of(db).state == CandidateState.INCOMPLETE
    assert browser.submit("/candidate/cv/delete", page="/candidate/cv").status_code == 404


def test_opting_in_and_withdrawing(browser, db) -> None:
    """C2: the consent text is shown before; opting in is one click, and so is withdrawing."""
    signed_in(browser, db, "hidden")
    page = browser.get("/candidate/visibility").text
    assert "I agree to be found." in page
    consent = re.search(r'name="consent_hash" value="([0-9a-f]{64})"', page)
    assert consent
    answer = browser.submit("/candidate/visibility", consent_hash=consent[1], follow=True)
    assert "Recruiters can find you." in text_of(answer.text)
    assert candidate_of(db).state == CandidateState.SEARCHABLE
    answer = browser.submit("/candidate/withdraw", page="/candidate", follow=True)
    assert "no recruiter can find you any more" in text_of(answer.text)
    candidate = candidate_of(db)
    assert candidate.state == CandidateState.HIDDEN
    with db.transaction() as session:
        assert index_rows.pending_lower_keys(session, "FR") == {candidate.key}


def test_opting_in_too_early(browser, db) -> None:
    """C7: the page says what is missing, each with a link to it."""
    signed_in(browser, db, "incomplete")
    answer = browser.submit("/candidate/visibility", consent_hash="0" * 64)
    assert answer.status_code == 422
    for target in (
        "/candidate/profile#field-country",
        "/candidate/profile#field-start_month",
        "/candidate/cv",
    ):
        assert f'href="{target}"' in answer.text


def test_pausing(browser, db) -> None:
    """C7: pause, found and resume are one click each."""
    signed_in(browser, db, "searchable")
    for act, state in (
        ("pause", "paused"),
        ("resume", "searchable"),
        ("found", "found"),
        ("resume", "searchable"),
    ):
        assert browser.submit(f"/candidate/{act}", page="/candidate").status_code == 303
        assert candidate_of(db).state == state


def test_a_passed_start_is_explained(browser, db) -> None:
    """C7: who opted in but is no longer shown is told so, not that they are visible."""
    signed_in(browser, db, "searchable", start_day=date(2026, 8, 1))
    page = text_of(browser.get("/candidate").text)
    assert "nobody finds you at the moment" in page
    assert "Recruiters can find you." not in page


def test_the_access_log(browser, db, ports, now) -> None:
    """C6: who, when, what and for what, newest first, by pages; also on the overview."""
    signed_in(browser, db, "searchable")
    assert "Nobody has opened your profile yet." in text_of(browser.get("/candidate/access-log").text)
    candidate = candidate_of(db)
    with db.transaction() as session:
        account_id = a_recruiter(session).account_id
    for minute in range(51):
        with gate(db, now) as session:
            at = now + timedelta(minutes=minute)
            disclosures.open_profile(session, at, ports.settings, account_id, candidate.id)
    page = browser.get("/candidate/access-log").text
    assert "Chargée de recrutement" in page
    assert "opened your profile" in page
    following = re.search(r'rel="next" href="([^"]+)"', page)
    assert following
    last = browser.get(following[1])
    assert last.status_code == 200
    assert last.text.count("opened your profile") == 1
    assert "Chargée de recrutement" in browser.get("/candidate").text
    assert browser.get("/candidate/access-log?cursor=x").status_code == 400


@pytest.mark.parametrize(
    ("state", "exception", "words"),
    [
        (DutyState.OPEN, None, "to be deleted by 23 May 2027"),
        (DutyState.ATTESTED, None, "deletion confirmed"),
        (DutyState.EXCEPTED, DutyException.HIRED, "kept: they state that they hired you"),
        (DutyState.EXCEPTED, DutyException.LEGAL_OBLIGATION, "kept: they state that a law obliges them"),
    ],
)
def test_the_state_of_each_copy(browser, db, ports, now, state, exception, words: str) -> None:
    """C6, D4: of each downloaded copy the candidate reads by when it is deleted, or that it was."""
    signed_in(browser, db, "searchable")
    candidate_id, copy_id = candidate_of(db).id, uuid4()
    with db.transaction() as session:
        recruiter = a_recruiter(session)
        opening = an_opening(session, recruiter)
        view = opening_view(opening)
    with gate(db, now) as session:
        _, cv, delete_by_on = disclosures.permit_download(
            session, now, ports.settings, recruiter.account_id, candidate_id, view, copy_id
        )
        session.add(
            CVDownload(
                id=copy_id, recruiter_id=recruiter.id, company_id=recruiter.company_id, cv_id=cv.cv_id,
                candidate_id=candidate_id, opening_id=opening.id, downloaded_at=now,
                delete_by_on=delete_by_on, state=state, session_id=uuid4(), exception=exception,
            )
        )  # fmt: skip
    page = text_of(browser.get("/candidate/access-log").text)
    assert "downloaded a marked copy of your CV" in page
    assert opening.title in page
    assert words in page


@pytest.mark.parametrize("page", [*PAGES, "/candidate/cv/file"])
def test_only_candidates(browser, db, page: str) -> None:
    """Z-01: signed out leads to signing in; a recruiter is refused."""
    answer = browser.get(page, follow_redirects=False)
    assert (answer.status_code, answer.headers["location"].split("?")[0]) == (303, "/sign-in")
    with db.transaction() as session:
        account = session.get_one(Account, a_recruiter(session).account_id)
    browser.sign_in_as(account)
    assert browser.get(page).status_code == 403


@pytest.mark.parametrize(
    "act", ["withdraw", "pause", "found", "resume", "cv/delete", "profile", "visibility", "cv"]
)
def test_forms_need_their_token(browser, db, act: str) -> None:
    """W-03: a form without its token changes nothing."""
    signed_in(browser, db, "searchable")
    assert browser.post(f"/candidate/{act}").status_code == 403
    assert candidate_of(db).state == CandidateState.SEARCHABLE
