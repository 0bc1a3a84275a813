"""Which language people get, and dates in it (rules F4)."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from marketplace.db import Database
from marketplace.web.language import (
    accepted_language,
    country_name,
    format_date,
    format_datetime,
    format_month,
)
from tests.builders import an_account
from tests.portal import PortalClient


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("fr", "fr"), ("fr-CA,en;q=0.5", "fr"), ("en;q=0.5,fr;q=0.9", "fr"), ("de,es;q=0.5", None),
        ("", None),
        ("fr;q=0,en;q=0.1", "en"), ("fr;q=abc,en", "en"), ("*", None), ("fr;q=2", None), ("EN-gb", "en"),
        (",;,;q=,", None),
    ],
)  # fmt: skip
def test_accept_language(header: str, language: str | None) -> None:
    """F4: the best of the languages we have; anything else in the header is no error."""
    assert accepted_language(header) == language


def _lang(client: PortalClient, path: str = "/", **headers: str) -> str:
    return client.get(path, headers=headers).text.split('<html lang="')[1][:2]


def test_the_order_of_choice(client: PortalClient, db: Database) -> None:
    """F4: account setting, then cookie, then Accept-Language, then the default."""
    assert _lang(client, **{"accept-language": "de"}) == "en"
    assert _lang(client, **{"accept-language": "fr"}) == "fr"
    client.submit("/language", language="fr")
    assert _lang(client, **{"accept-language": "en"}) == "fr"
    with db.transaction() as session:
        account = an_account(session, language="en")
    client.sign_in_as(account)
    assert _lang(client, **{"accept-language": "fr"}) == "en"


def test_a_member_keeps_the_choice(client: PortalClient, db: Database) -> None:
    """F4: choosing while signed in is remembered in the account, so that mails follow it."""
    with db.transaction() as session:
        account = an_account(session, language="fr")
    client.sign_in_as(account)
    assert client.submit("/language", language="en", next="/account").headers["location"] == "/account"
    client.cookies.delete("tm_language")
    assert _lang(client, **{"accept-language": "fr"}) == "en"


@pytest.mark.parametrize(
    "target", ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:x", "", "/a b"]
)
def test_no_redirect_leads_away(client: PortalClient, target: str) -> None:
    """W-03: where a form returns to is a path of ours."""
    assert client.submit("/language", language="fr", next=target).headers["location"] == "/"


def test_an_unknown_language_is_422(client: PortalClient) -> None:
    """interface.md: wrong input is a 422 that says what to change, and nothing is kept."""
    answer = client.submit("/language", language="de")
    assert answer.status_code == 422
    assert "tm_language" not in answer.headers.get("set-cookie", "")


def test_the_message_after_a_change_is_shown_once(client: PortalClient) -> None:
    """A message travels in a signed cookie to the next page, and no further."""
    assert client.submit("/probe/form", word="x").status_code == 303
    assert 'class="alert alert-success">Please try again' in client.get("/").text
    assert 'class="alert' not in client.get("/").text
    client.cookies.set("tm_flash", "forged.by.someone", domain="127.0.0.1", path="/")
    assert 'class="alert' not in client.get("/").text


def test_formats() -> None:
    """F4: dates in words, instants in UTC and said so."""
    day = date(2027, 3, 1)
    assert (format_date(day, "en"), format_date(day, "fr")) == ("1 March 2027", "1er mars 2027")
    assert format_date(None, "fr") == ""
    assert (format_month("2027-03", "en"), format_month(day, "fr")) == ("March 2027", "mars 2027")
    assert format_month(None, "en") == ""
    assert format_datetime(datetime(2026, 11, 23, 9, 5, tzinfo=UTC), "en") == "23 November 2026 09:05 UTC"
    assert format_datetime(None, "en") == ""
    assert country_name("GB", "fr") == "Royaume-Uni"
    assert country_name(None, "en") == ""
