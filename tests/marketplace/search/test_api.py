"""The search route of the JSON API: page markers, labels, faults named by field (interface.md)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from indexer.rebuild import rebuild
from marketplace.accounts.models import Account
from marketplace.clock import FixedClock
from marketplace.ports import Ports
from tests.apps import an_app
from tests.builders import a_candidate, a_recruiter
from tests.portal import PortalClient

SEARCH = "/api/v1/candidates/search"


@pytest.fixture
def site(ports: Ports) -> Iterator[PortalClient]:
    """A recruiter signed in, five candidates, and a window of four."""
    with ports.db.transaction() as session:
        for _ in range(5):
            a_candidate(session)
        account = session.get_one(Account, a_recruiter(session).account_id)
    narrow = replace(ports, settings=replace(ports.settings, page_window=4))
    rebuild(narrow, "FR")
    with PortalClient(an_app(narrow)) as client:
        client.sign_in_as(account)
        yield client


def said(site: PortalClient, status: int, **query: Any) -> dict[str, Any]:
    answer = site.get(SEARCH, params=query)
    assert answer.status_code == status, answer.text
    told: dict[str, Any] = answer.json()
    return told


def test_markers_that_are_not_ours(site: PortalClient, ports: Ports) -> None:
    """E2, X-02: altered, of another search, account or time: 400 with its code; the field is named."""
    marker = said(site, 200, size=2)["next_cursor"]
    for query in ({"cursor": marker + "x"}, {"cursor": marker, "q": "python"}, {"cursor": "é"}):
        told = said(site, 400, **query)
        assert (told["code"], told["errors"][0]["field"]) == ("cursor_invalid", "cursor")
    with ports.db.transaction() as session:
        other = session.get_one(Account, a_recruiter(session).account_id)
    site.sign_in_as(other)
    assert said(site, 400, size=2, cursor=marker)["type"] == "/problems/cursor_invalid"


def test_markers_end(site: PortalClient, clock: FixedClock, ports: Ports) -> None:
    """X-02: 15 minutes: at the bound it is good, a second later 400 `cursor_expired`."""
    marker = said(site, 200, size=2)["next_cursor"]
    clock.instant += timedelta(minutes=ports.settings.cursor_minutes)
    assert len(said(site, 200, size=2, cursor=marker)["hits"]) == 2
    clock.instant += timedelta(seconds=1)
    assert said(site, 400, size=2, cursor=marker)["code"] == "cursor_expired"


def test_labels_and_problems_speak_the_language_asked_for(site: PortalClient) -> None:
    """Interface: labels follow `Accept-Language`, and so do the sentences of problems; codes do not."""
    found = {}
    for language in ("fr-FR, en;q=0.5", "en-GB"):
        site.headers["accept-language"] = language
        facets = {facet["name"]: facet["buckets"] for facet in said(site, 200)["facets"]}
        problem = said(site, 422, job_country="DE")
        found[language[:2]] = (
            facets["job_field"][0]["label"], facets["language"][0]["label"],
            facets["start_month"][0]["label"], problem["title"], problem["errors"][0]["message"],
        )  # fmt: skip
        assert problem["errors"][0]["code"] == "unknown_country"
    assert not set(found["fr"]) & set(found["en"])
    assert found["fr"][2] == "septembre 2027"


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"size": "51"}, "size"), ({"size": "0"}, "size"), ({"size": "x"}, "size"),
        ({"sort": "name"}, "sort"),
        ({"job_country": "DE"}, "job_country"), ({"region": "FR-XXX"}, "region"),
        ({"skill": "nope"}, "skill"),
        ({"start_from": "2027-13-01"}, "start_from"), ({"offset": "10"}, "offset"), ({"q": "a" * 257}, "q"),
        ({"q": " ".join("abcdefghijklmnopq")}, "q"), ({"flex": "2"}, "flex"),
        ({"start_from": "2027-02-01", "start_to": "2027-01-01"}, "start_to"),
    ],
)  # fmt: skip
def test_each_fault_has_its_field(site: PortalClient, query: dict[str, str], field: str) -> None:
    """D1, G: what is parsed and wrong is 422 and names the parameter."""
    assert [fault["field"] for fault in said(site, 422, **query)["errors"]] == [field]


def test_an_answer_says_how_it_was_read_and_why(site: PortalClient) -> None:
    """E7, interface: the reading and the reasons as data; never a score."""
    told = said(site, 200, q='"Python et Django" pyhton OR & développeur·se -java', size=1)
    assert told["reading"]["ignored"] == ["&"]
    kinds = [
        [(term["text"], term["kind"], term["excluded"], bool(term["forms"])) for term in one["alternatives"]]
        for one in told["reading"]["requirements"]
    ]
    assert kinds[0] == [("Python et Django", "phrase", False, False)]
    assert kinds[1][1] == ("développeur·se", "word", False, True)
    assert kinds[2] == [("java", "word", True, False)]


def test_a_forgiven_typo_in_the_answer(site: PortalClient) -> None:
    """D1, E7: which word nobody has, what was taken, and where it stands."""
    told = said(site, 200, q="pyhton", size=1)
    (term,) = told["reading"]["requirements"][0]["alternatives"]
    assert (term["typo"], [word.casefold() for word in term["read_as"]]) == (True, ["python"])
    (why,) = told["hits"][0]["why"]
    assert (why["asked"], why["how"], why["places"]) == ("pyhton", "typo", ["headline", "skills", "cv"])
    assert "score" not in str(told)


def test_an_empty_answer_says_what_to_give_up(site: PortalClient) -> None:
    """D2, F4: with its label in the reader's language, its number, and the search it stands for."""
    site.headers["accept-language"] = "fr"
    told = said(site, 200, q="python", region="FR-BRE", start_to="2027-01-01")
    assert told["total"] == 0
    found = {one["label"]: one for one in told["relaxations"]}
    assert set(found) == {"Sans aucun filtre"}
    assert found["Sans aucun filtre"] == {
        "gives_up": "filters", "subject": "", "label": "Sans aucun filtre", "count": 5, "query": "q=python",
    }  # fmt: skip
    (only,) = said(site, 200, region="FR-BRE")["relaxations"]
    assert (only["label"], only["count"], only["query"]) == ("Sans la région Bretagne", 5, "")


def test_suggestions(site: PortalClient) -> None:
    """Interface: typed with kind, value and label in the reader's language; nothing typed, nothing said."""
    site.headers["accept-language"] = "fr"

    def suggested(status: int = 200, **query: str) -> Any:
        answer = site.get("/api/v1/candidates/suggest", params=query)
        assert answer.status_code == status, answer.text
        return answer.json()

    assert suggested(q="junior ile")["items"] == [
        {"kind": "region", "value": "FR-IDF", "label": "Île-de-France", "typed": "ile", "matched": None}
    ]
    assert suggested() == suggested(q="") == {"items": []}
    for query in ({"q": "a" * 257}, {"q": "ile", "job_country": "DE"}):
        assert suggested(422, **query)["errors"]


def test_similar_candidates(site: PortalClient) -> None:
    """D7, D3: after opening; before it, and for an unknown id, byte for byte the same 404."""
    hits = said(site, 200)["hits"]
    here = f"/api/v1/candidates/{hits[0]['id']}"

    def refused(path: str) -> dict[str, Any]:
        answer = site.get(path)
        assert answer.status_code == 404
        told: dict[str, Any] = answer.json()
        return {name: value for name, value in told.items() if name != "instance"}

    assert refused(f"{here}/similar") == refused(f"/api/v1/candidates/{uuid4()}/similar")
    assert site.get(here).status_code == 200
    items = site.get(f"{here}/similar").json()["items"]
    assert {item["id"] for item in items} == {hit["id"] for hit in hits[1:]} | {items[-1]["id"]}
    assert len(items) == 4
    assert items[0]["shared_skills"] == [{"value": "python", "label": "Python"}]
    assert "first_name" not in items[0]
    assert site.head(f"{here}/similar").status_code == 403
    assert site.get(f"{here}/similar", params={"job_country": "DE"}).status_code == 422
