"""The search page over HTTP, without JavaScript: reading, reasons, what to give up, similar people."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from html import unescape

import pytest

from indexer.rebuild import rebuild
from marketplace.accounts.models import Account
from marketplace.ports import Ports
from tests.apps import an_app
from tests.builders import a_candidate, a_recruiter
from tests.portal import PortalClient, text_of

SEARCH = "/recruiter/search"


@pytest.fixture
def site(ports: Ports) -> Iterator[PortalClient]:
    """A recruiter signed in, in English, and four people, one of whom starts later."""
    with ports.db.transaction() as session:
        for number in range(4):
            a_candidate(
                session,
                start_day=date(2027, 1 + number // 3, 1),
                start_is_month=False,
                start_flex_weeks=5 * (number // 3),
            )
        account = session.get_one(Account, a_recruiter(session).account_id)
        account.language = "en"
    rebuild(ports, "FR")
    with PortalClient(an_app(ports)) as client:
        client.sign_in_as(account)
        yield client


def read(site: PortalClient, query: str) -> tuple[str, str]:
    """Return the page of a search, and what a person reads of it."""
    answer = site.get(f"{SEARCH}?{query}")
    assert answer.status_code == 200
    return answer.text, text_of(answer.text)


def count_of(site: PortalClient, href: str) -> str:
    found = re.search(r'<h2 id="count"[^>]*>([^<]*)</h2>', site.get(href).text)
    assert found
    return found[1]


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("q=%22Python+et+Django%22", "exactly “Python et Django”"),
        ("q=python+-java", "python (also Django, Flask, FastAPI, Py3) · without java"),
        ("q=python+OR+java", " or java"),
        ("q=python+%26+l%27eau", "left out: &, l'"),
        ("q=d%C3%A9veloppeur%C2%B7se", "développeur·se (either form)"),
        ("q=pyhton", "Python instead of “pyhton”, which nobody has"),
        ("q=xylophonistique", "words like xylophonistique, because nobody has exactly this"),
        ("q=apprentie", None),
    ],
)
def test_how_a_search_was_read(site: PortalClient, query: str, sentence: str | None) -> None:
    """D1: phrases, exclusions, alternatives, synonyms, forms, typos and what was left out, in words."""
    page, text = read(site, query)
    assert ("How your search was read" in text) is (sentence is not None)
    if sentence is not None:
        assert sentence in re.sub(r"</li>\s*<li>", " · ", unescape(page))


def test_each_card_says_why(site: PortalClient) -> None:
    """E7: the words and where they stand, in one quiet line; without words there is none."""
    _, text = read(site, "q=python+k8s+OR+django")
    assert text.count("Matches: python in the headline, the skills, the CV · django in the CV") == 4
    assert "Matches:" not in read(site, "")[1]


def test_nothing_found_names_what_to_give_up(site: PortalClient) -> None:
    """D2: links with their numbers; each leads to a search with just that number."""
    page, text = read(site, "q=python&region=FR-BRE")
    assert "Nobody matches yet" in text
    links = re.findall(r'<li><a href="([^"]+)">(Without [^<]+): (4 candidates)</a></li>', page)
    assert [label for _, label, _ in links] == ["Without the region Brittany"]
    for href, _, people in links:
        assert count_of(site, unescape(href)) == people
    assert "Without “luthière”: 4 candidates" in read(site, "q=python+luthi%C3%A8re")[1]
    assert "Remove a filter" in read(site, "q=xylophonistique&region=FR-BRE&job_field=legal")[1]


def test_a_start_that_can_move_is_offered(site: PortalClient) -> None:
    """G: how many more, beside the results; the link keeps the rest of the search."""
    page, text = read(site, "q=python&start_to=2027-01-01")
    assert "1 more if the start can move" in text
    (href,) = re.findall(r'<p class="flex-note"><a href="([^"]+)">', page)
    assert count_of(site, unescape(href)) == "4 candidates"
    assert "if the start can move" not in read(site, "q=python")[1]


def test_similar_candidates_follow_an_opened_profile(site: PortalClient) -> None:
    """D7, E7: from the profile by a link; each card says what is shared, and has no name."""
    hits = re.findall(r'<h3 id="hit-1"><a href="([^"]+)">', site.get(f"{SEARCH}?q=python").text)
    profile = unescape(hits[0])
    similar = re.sub(r"(/candidates/[0-9a-f-]+)", r"\1/similar", profile)
    assert site.get(similar).status_code == 404
    page = site.get(profile).text
    (link,) = re.findall(r'<a href="([^"]+/similar[^"]*)">', page)
    name = re.search(r'<h1 id="person-title">([^<]+)</h1>', page)
    assert name
    text = text_of(site.get(unescape(link)).text)
    assert text.count("Shared: Python, Software & web development") == 3
    assert name[1] not in text
    assert "q=python" in unescape(link)


def test_the_page_about_order_says_all_of_it(site: PortalClient) -> None:
    """E7: reasons, what to give up, suggestions and similar people, in words."""
    text = text_of(site.get("/how-results-are-ordered").text)
    for said in ("it is no score", "counted when you ask", "never come from CVs", "Of the 50 newest"):
        assert said in text
