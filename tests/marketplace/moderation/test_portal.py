"""The page that a suspended member meets."""

from __future__ import annotations

import pytest

from marketplace.accounts.models import Account, PasswordKind
from marketplace.candidates.models import Candidate
from tests.builders import PASSWORD
from tests.marketplace.moderation.conftest import DAY, Court
from tests.portal import PortalClient, text_of

BOTH = pytest.mark.parametrize("who", ["recruiter", "candidate"])


@BOTH
def test_every_page_leads_to_the_statement(court: Court, browser: PortalClient, who: str) -> None:
    """E5, M-01: clause, facts, reason, until when, how to object; only its member sees it, no author."""
    browser.sign_in_as(court.account(who))
    sanction_id = court.suspend(who, court.now + DAY)
    for path in (f"/{who}", "/account", f"/{who}/contacts"):
        answer = browser.get(path)
        assert (answer.status_code, answer.headers["location"]) == (303, "/suspended")
    page = text_of(browser.get("/suspended").text)
    for words in (
        "Special Terms, section 4", "Downloaded forty CVs in an hour.", "Candidates are at risk.",
        "24 November 2026 09:00 UTC", str(sanction_id), "Answer that mail", "Sign out",
    ):  # fmt: skip
        assert words in page
    assert court.row(Account, court.admin).email not in page
    assert "Downloaded CVs" not in page, "the menu of the portal"


def test_for_good(court: Court, browser: PortalClient) -> None:
    """E5: without an end the page says so."""
    court.suspend("recruiter")
    browser.sign_in_as(court.account("recruiter"))
    assert "for good" in text_of(browser.get("/suspended").text)


@BOTH
def test_signing_in_leads_there(court: Court, browser: PortalClient, who: str) -> None:
    """E5: wherever the person wanted to go; once free the same sign-in leads home."""
    email = court.account(who).email
    sanction_id = court.suspend(who)
    answer = browser.submit("/sign-in", email=email, password=PASSWORD, next=f"/{who}/contacts")
    assert answer.headers["location"] == "/suspended"
    assert browser.get("/suspended").status_code == 200
    assert browser.get("/sign-in").headers["location"] == "/suspended"
    court.lift(sanction_id)
    assert browser.get("/suspended").headers["location"] == f"/{who}"
    assert browser.get(f"/{who}/contacts").status_code == 200


def test_a_fragment_is_redirected_whole(court: Court, browser: PortalClient) -> None:
    """E5: a page that only asks for its changed part goes to the statement as a whole."""
    browser.sign_in_as(court.account("recruiter"))
    court.suspend("recruiter")
    answer = browser.get("/recruiter/search", headers={"hx-request": "true"})
    assert (answer.status_code, answer.headers["hx-redirect"]) == (403, "/suspended")


def test_a_temporary_password_does_not_hide_it(court: Court, browser: PortalClient) -> None:
    """A3, E5: who must change a password first still reads the statement, and nothing else."""
    court.change(Account, court.candidate, password_kind=PasswordKind.TEMPORARY)
    court.suspend("candidate")
    browser.sign_in_as(court.account("candidate"))
    assert browser.get("/suspended").status_code == 200
    assert browser.get("/account/password").headers["location"] == "/suspended"


def test_withdrawing_on_the_page(court: Court, browser: PortalClient) -> None:
    """C2: the form on the statement withdraws, says so there, and is gone afterwards; no recruiter has it."""
    browser.sign_in_as(court.account("candidate"))
    court.suspend("candidate")
    assert 'action="/candidate/withdraw"' in browser.get("/suspended").text
    answer = browser.submit("/candidate/withdraw", page="/suspended", follow=True)
    assert str(answer.url).endswith("/suspended")
    assert "no recruiter can find you any more" in answer.text
    assert 'action="/candidate/withdraw"' not in answer.text
    assert court.row(Candidate, court.candidate_id).opted_in_at is None
    court.suspend("recruiter")
    browser.sign_in_as(court.account("recruiter"))
    assert 'action="/candidate/withdraw"' not in browser.get("/suspended").text


def test_in_french(court: Court, browser: PortalClient) -> None:
    """F4: the statement page exists in French."""
    court.change(Account, court.candidate, language="fr")
    court.suspend("candidate")
    browser.sign_in_as(court.account("candidate"))
    page = text_of(browser.get("/suspended").text)
    assert "Exposé des motifs" in page
    assert "définitivement" in page


def test_the_public_pages_stay_open(court: Court, browser: PortalClient) -> None:
    """E5: the start page, the documents and what a problem means."""
    court.suspend("recruiter")
    browser.sign_in_as(court.account("recruiter"))
    for path in ("/", "/terms", "/how-results-are-ordered", "/problems/account_suspended"):
        assert browser.get(path).status_code == 200, path
    assert browser.submit("/sign-out").status_code == 303
    assert browser.get("/recruiter").headers["location"].startswith("/sign-in")
