"""The pages and routes of documents over the whole application."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

import pytest
from litestar import Litestar
from litestar.testing import TestClient

from marketplace.accounts.hooks import AccountHooks
from marketplace.accounts.models import Account, Transport
from marketplace.accounts.signing_in import Caller, sign_in
from marketplace.ports import Ports
from marketplace.terms.models import DocumentKind
from marketplace.terms.services import publish, publish_builtin
from tests.builders import PASSWORD, an_account

Client = TestClient[Litestar]
KINDS = [kind.value for kind in DocumentKind]


@pytest.fixture
def documents(ports: Ports) -> Ports:
    """Ports with the built-in documents."""
    with ports.db.transaction() as session:
        publish_builtin(session, ports.clock.now())
    return ports


@pytest.fixture
def member(documents: Ports, client: Client) -> Account:
    """An English-speaking candidate without any acceptance, signed in with a cookie."""
    with documents.db.transaction() as session:
        account = an_account(session, language="en")
    caller = Caller(client="", address="", network="")
    opened = sign_in(
        documents, caller, AccountHooks(), email=account.email, password=PASSWORD, transport=Transport.COOKIE
    )
    assert opened.next == "accept_terms"
    client.cookies.set("tm_session", opened.token)
    return account


def _accept(client: Client, **fields: str) -> Any:
    token = re.search(r'name="_csrf_token" value="([^"]+)"', client.get("/accept-terms").text)
    assert token
    return client.post("/accept-terms", data={"_csrf_token": token[1], **fields})


def test_the_list_of_documents(client: Client, documents: Ports) -> None:
    """interface.md: every document in both languages with its hash and the address of its page."""
    items = client.get("/api/v1/terms").json()["items"]
    assert {(item["document"], item["language"]) for item in items} == {
        (kind, language) for kind in KINDS for language in ("en", "fr")
    }
    for item in items:
        assert (item["version"], item["effective_on"], len(item["hash"])) == ("1.0", "2026-01-01", 64)
        page = client.get(item["url"])
        assert page.status_code == 200
        assert item["hash"] in page.text
        assert f'<article class="prose" lang="{item["language"]}">' in page.text
    assert client.get("/api/v1/terms", params={"on": "2025-12-31"}).json()["items"] == []
    assert 400 <= client.get("/api/v1/terms", params={"on": "yesterday"}).status_code < 500


def test_a_document_on_a_date_and_by_version(client: Client, documents: Ports) -> None:
    """A2: any version that is or was in force can be read; unknown ones are not found."""
    with documents.db.transaction() as session:
        publish(
            session,
            documents.clock.now(),
            DocumentKind.TERMS_OF_USE,
            "en",
            "# Second\n\n<b>x</b>",
            date(2026, 11, 1),
        )
        publish(session, documents.clock.now(), DocumentKind.TERMS_OF_USE, "en", "# Third", date(2027, 1, 1))
    now = client.get("/terms/terms_of_use").text
    assert "Second" in now
    assert "&lt;b&gt;x&lt;/b&gt;" in now
    old = client.get("/terms/terms_of_use", params={"on": "2026-10-31"}).text
    assert "This is an earlier version." in old
    assert client.get("/terms/terms_of_use", params={"version": "1.0"}).status_code == 200
    for path in (
        "/terms/terms_of_use?version=1.2",
        "/terms/terms_of_use?version=9",
        "/terms/terms_of_use?on=2025-12-31",
        "/terms/cookies",
    ):
        assert client.get(path).status_code == 404, path
    assert client.get("/terms/terms_of_use?on=never").status_code == 422


def test_documents_are_accepted_before_anything_else(client: Client, member: Account) -> None:
    """A2, C-03: every page leads to the documents until they are accepted; signing out stays possible."""
    assert client.get("/account").headers["location"] == "/accept-terms"
    assert client.get("/api/v1/me").json()["code"] == "terms_required"
    missing = _accept(client, **{"acceptances.terms_of_use": "1.0"})
    assert missing.status_code == 422
    assert "Please accept every document" in missing.text
    assert _accept(client, **{"acceptances.privacy_policy": "0.1"}).status_code == 422
    done = _accept(client, **{"acceptances.privacy_policy": "1.0"})
    assert done.headers["location"] == "/candidate"
    assert client.get("/account").status_code == 200
    assert client.get("/accept-terms").headers["location"] == "/candidate"


def test_accepting_over_json(client: Client, member: Account) -> None:
    """A2: `POST /me/acceptances` records what is accepted and names what is missing."""
    token = client.get("/api/v1/csrf-token").json()["token"]
    headers = {"x-csrftoken": token}

    def accept(*pairs: tuple[str, str]) -> Any:
        body = {"acceptances": [{"document": document, "version": version} for document, version in pairs]}
        return client.post("/api/v1/me/acceptances", json=body, headers=headers)

    assert accept(("terms_of_use", "1.0")).json() == {"outstanding": ["privacy_policy"]}
    assert accept(("cookies", "1.0")).status_code == 422
    assert accept(("privacy_policy", "2.0")).status_code == 422
    assert accept(("privacy_policy", "1.0")).json() == {"outstanding": []}
    assert client.get("/account").status_code == 200


@pytest.mark.parametrize("language", ["en", "fr"])
def test_the_pages_in_both_languages(client: Client, documents: Ports, language: str) -> None:
    """F4: list and documents in the reader's language."""
    for path in ("/terms", *(f"/terms/{kind}" for kind in KINDS)):
        page = client.get(path, headers={"accept-language": language}).text
        assert f'<html lang="{language}">' in page
        assert page.count("<h1") == 1
