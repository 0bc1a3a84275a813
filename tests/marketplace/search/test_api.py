"""The search route of the JSON API: page markers, labels, faults named by field (interface.md)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from indexer.rebuild import rebuild
from marketplace.accounts.models import Account
from marketplace.app import create_app
from marketplace.clock import FixedClock
from marketplace.ports import Ports
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
    with PortalClient(create_app(narrow.settings, ports=narrow)) as client:
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
