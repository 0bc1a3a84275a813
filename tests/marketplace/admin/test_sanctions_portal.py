"""Pages of admins about members: finding, suspending, history, lifting."""

from __future__ import annotations

import re
from typing import Any

import pytest

from marketplace.accounts.models import Role
from tests.builders import a_candidate, a_company, a_recruiter, an_account
from tests.marketplace.admin.conftest import settled
from tests.portal import text_of

FIELDS = {
    "length": "until", "until": "2026-12-01T09:00", "clause": "ST 4", "facts": "Facts.", "reason": "Reason.",
}  # fmt: skip


@pytest.fixture
def people(db) -> dict[str, Any]:
    """A recruiter and a candidate with a name and an address to look for."""
    with db.transaction() as session:
        named = {"first_name": "Zoé", "last_name": "Le_Goff"}
        recruiter = an_account(session, Role.RECRUITER, email="zoe.legoff@acme-industries.fr", **named)
        candidate = an_account(session, email="z.legoff@example.org", first_name="Zoé", last_name="Legoff")
        company = a_company(session, legal_name="Acme Industries SA")
        return {
            "recruiters": a_recruiter(session, account=recruiter, company=company),
            "candidates": a_candidate(session, account=candidate),
        }


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("legoff", {"recruiters", "candidates"}), ("ZOÉ legoff", {"recruiters", "candidates"}),
        ("zoe.legoff@acme-industries.fr", {"recruiters"}), ("z.legoff", {"candidates"}),
        ("Zoe.LeGoff+work@ACME-Industries.FR", {"recruiters"}), ("Le_Goff", {"recruiters"}),
        ("legoff nobody", set()), ("%", set()), ("", set()),
    ],
)  # fmt: skip
def test_finding_a_member(client, admin, people, typed, found):
    """E5: by a part of name or address, in any case; the address however it is written; no wildcard."""
    page = client.get("/admin/members", params={"q": typed})
    assert page.status_code == 200
    linked = {kind for kind in people if f"/admin/{kind}/{people[kind].id}/sanctions" in page.text}
    assert linked == found
    assert ("Nobody has this name" in page.text) is (bool(typed) and not found)


def test_the_way_to_it_is_on_every_admin_page(client, admin, people):
    """E5: the menu leads there, and a company's page to each of its recruiters."""
    assert 'href="/admin/members"' in client.get("/admin").text
    recruiter = people["recruiters"]
    page = client.get(f"/admin/companies/{recruiter.company_id}").text
    assert f'href="/admin/recruiters/{recruiter.id}/sanctions"' in page


def test_more_than_a_page(client, admin, db):
    """E5: with more than 25 of a name the page says so; with 25 it does not."""
    with db.transaction() as session:
        for _ in range(25):
            a_candidate(session, "incomplete", account=an_account(session, last_name="Durand"))
    assert "There are more" not in client.get("/admin/members?q=durand").text
    with db.transaction() as session:
        a_candidate(session, "incomplete", account=an_account(session, last_name="Durand"))
    page = client.get("/admin/members?q=durand").text
    assert "There are more" in page
    assert page.count("/sanctions") == 25


@pytest.mark.parametrize("kind", ["recruiters", "candidates"])
def test_suspending_and_lifting(client, admin, people, kind):
    """E5: for a time; the page shows statement, author and the way back; a second lift is harmless."""
    path = f"/admin/{kind}/{people[kind].id}/sanctions"
    assert "No decision yet." in client.get(path).text
    answer = client.submit(path, FIELDS)
    assert (answer.status_code, answer.headers["location"]) == (303, path)
    page = client.get(path).text
    words = text_of(page)
    for expected in ("in force", "1 December 2026 09:00 UTC", "ST 4", "Facts.", "Reason.", admin.email):
        assert expected in words
    (lift,) = re.findall(r'action="(/admin/sanctions/[^"]+/lift)"', page)
    refused = client.submit(lift, reason=" ")
    assert refused.status_code == 422
    assert "Write this down" in refused.text
    for _ in range(2):
        assert client.submit(lift, reason="An error.").headers["location"] == path
    words = text_of(client.get(path).text)
    assert "lifted" in words
    assert "An error." in words
    assert "in force" not in words


def test_suspending_for_good(client, admin, people):
    """E5: for good; what stands in the field of the end does not count then."""
    path = f"/admin/recruiters/{people['recruiters'].id}/sanctions"
    assert client.submit(path, {**FIELDS, "length": "for_good"}).status_code == 303
    assert "Suspended for good" in text_of(client.get(path).text)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"length": ""}, "Choose for how long."), ({"until": ""}, "Enter day and time"),
        ({"until": "soon"}, "Enter day and time"),
        ({"until": "2026-11-23T09:00"}, "Choose an end in the future"),
        ({"clause": ""}, "Write this down"), ({"facts": " "}, "Write this down"),
        ({"reason": ""}, "Write this down"), ({"clause": "x" * 201}, "at most 200 characters"),
    ],
)  # fmt: skip
def test_a_wrong_form_comes_back_filled(client, admin, people, change, sentence):
    """M-01: what is missing is said, what was typed is kept, and nobody is suspended."""
    path = f"/admin/candidates/{people['candidates'].id}/sanctions"
    answer = client.submit(path, FIELDS | change)
    assert answer.status_code == 422
    assert sentence in answer.text
    if "facts" not in change:
        assert "Facts." in answer.text
    assert "No decision yet." in client.get(path).text


def test_of_a_candidate_only_what_is_needed_is_shown(client, admin, people):
    """E8: name, address and state; nothing of profile or CV."""
    page = client.get(f"/admin/candidates/{people['candidates'].id}/sanctions").text
    assert "z.legoff@example.org" in page
    assert "can be found" in page
    for private in ("Apprentie", "python", "Île-de-France", "2000", "cv.pdf"):
        assert private not in page


def test_ids_that_nobody_has(client, admin, people):
    """Z-02: an unknown member or sanction is a 404, on each route."""
    for path in (
        f"/admin/recruiters/{people['candidates'].id}/sanctions",
        f"/admin/candidates/{people['recruiters'].id}/sanctions",
    ):
        assert client.get(path).status_code == 404
        assert client.submit(path, FIELDS).status_code == 404
    assert client.submit(f"/admin/sanctions/{admin.id}/lift", reason="x").status_code == 404


def test_in_french(client, db, people):
    """F4: these pages exist in French."""
    with db.transaction() as session:
        account = settled(session, an_account(session, Role.ADMIN, language="fr"))
    client.sign_in_as(account)
    assert "Trouver un membre" in client.get("/admin/members?q=zo").text
    assert (
        "Pour combien de temps" in client.get(f"/admin/candidates/{people['candidates'].id}/sanctions").text
    )
