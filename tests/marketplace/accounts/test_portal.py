"""The pages of accounts in a browser without JavaScript, over the whole application."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from litestar import Litestar
from litestar.testing import TestClient

from marketplace.accounts.models import Account, Role, Transport
from marketplace.accounts.password_changes import request_password_reset
from tests.builders import a_candidate

Browser = TestClient[Litestar]
ADA = "ada@example.org"
PASSWORD = "violet tractors sing at noon"
OTHER_PASSWORD = "seven quiet owls eat marmalade"


def _post(client: Browser, path: str, page: str | None = None, **fields: str) -> Any:
    """Open the page with the form, then send the form with the page's token."""
    shown = client.get(page or path)
    token = re.search(r'name="_csrf_token" value="([^"]+)"', shown.text)
    assert token, shown.text
    return client.post(path, data={"_csrf_token": token[1], **fields})


def _sign_in(client: Browser, password: str = PASSWORD, **fields: str) -> Any:
    return _post(client, "/sign-in", email=ADA, password=password, **fields)


PUBLIC_PAGES = [
    "/sign-in", "/sign-up", "/check-your-mail", "/new-confirmation", "/forgotten-password",
    "/confirm-email/abc", "/reset-password/abc", "/terms", "/terms/privacy_policy", "/terms/terms_of_use",
    "/terms/special_terms", "/terms/ethical_code", "/terms/consent_search",
]  # fmt: skip


@pytest.mark.parametrize("language", ["en", "fr"])
@pytest.mark.parametrize("path", PUBLIC_PAGES)
def test_public_pages_open(client: Browser, world: Any, path: str, language: str) -> None:
    """F4: every page is there in English and French, with one main heading."""
    page = client.get(path, headers={"accept-language": language})
    assert page.status_code == 200
    assert f'<html lang="{language}">' in page.text
    assert page.text.count("<h1") == 1


def test_looking_at_a_link_does_not_use_it_up(client: Browser, world: Any) -> None:
    """A-09: mail scanners open the link three times; the button still works, once."""
    world.register(ADA)
    path = f"/confirm-email/{world.link(ADA, 'confirm-email')}"
    for _ in range(3):
        assert client.get(path).headers["referrer-policy"] == "no-referrer"
    confirmed = _post(client, path)
    assert (confirmed.status_code, confirmed.headers["location"]) == (303, "/sign-in")
    assert "You can sign in now." in client.get("/sign-in").text
    again = _post(client, path)
    assert again.status_code == 422
    assert "not valid any more" in again.text


def test_sign_in_and_out(client: Browser, world: Any) -> None:
    """S-01, S-04: the cookie opens the account page until the sign-out, then it is worth nothing."""
    world.member(ADA)
    answer = _sign_in(client)
    assert answer.status_code == 303
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert "Path=/" in cookie
    assert "Domain" not in cookie
    token = client.cookies["tm_session"]
    assert client.get("/account").status_code == 200
    out = _post(client, "/sign-out", "/account")
    assert out.headers["clear-site-data"] == '"cache", "storage"'
    client.cookies.set("tm_session", token)
    assert client.get("/account").headers["location"].startswith("/sign-in")


def test_every_refused_sign_in_reads_the_same(client: Browser, world: Any) -> None:
    """A-06: unknown, wrong, unconfirmed and unreadable addresses get one sentence."""
    world.member(ADA)
    world.register("new@example.org")
    world.mails("new@example.org")
    pages = []
    for email in (ADA, "new@example.org", "nobody@example.org", "no address"):
        page = _post(client, "/sign-in", email=email, password="wrong wrong wrong wrong")
        assert page.status_code == 401
        text = re.sub(r'(value|content|data-[a-z]+)="[0-9a-f]{60,}"', "", page.text).replace(email, "")
        pages.append((text, sorted(page.headers.keys())))
    assert pages[0] == pages[1] == pages[2] == pages[3]
    assert "or the address is not confirmed yet" in pages[0][0]


@pytest.mark.parametrize(
    ("wanted", "target"),
    [
        ("/candidate/contacts?x=1", "/candidate/contacts?x=1"),
        ("//evil.example", "/candidate"),
        ("https://evil.example", "/candidate"),
        ("/\\evil.example", "/candidate"),
        ("/recruiter/search", "/candidate"),
        ("", "/candidate"),
    ],
)
def test_signing_in_leads_where_the_person_wanted(
    client: Browser, world: Any, wanted: str, target: str
) -> None:
    """A sign-in leads to the page asked for, never to another host or another role's portal."""
    world.member(ADA)
    assert _sign_in(client, next=wanted).headers["location"] == target
    assert client.get("/sign-in", params={"next": wanted}).headers["location"] == target


def test_a_cookie_of_ones_own_making_is_not_adopted(client: Browser, world: Any) -> None:
    """S-03: what was in the cookie before signing in opens nothing afterwards."""
    world.member(ADA)
    client.cookies.set("tm_session", "chosen-by-somebody-else")
    _sign_in(client)
    tokens = [cookie.value for cookie in client.cookies.jar if cookie.name == "tm_session"]
    assert any(token != "chosen-by-somebody-else" for token in tokens)
    client.cookies.clear()
    client.cookies.set("tm_session", "chosen-by-somebody-else")
    assert client.get("/account").status_code == 303


def test_the_temporary_password_leads_to_ones_own(client: Browser, world: Any) -> None:
    """A3, A-08: the first sign-in asks for a new password before anything else."""
    world.member(ADA, password=None)
    secret = re.search(r"^[\w-]{22}$", world.mails(ADA)[-1].text, re.MULTILINE)
    assert secret
    assert _sign_in(client, secret[0]).headers["location"] == "/account/password"
    assert client.get("/account").headers["location"] == "/account/password"
    before = client.cookies["tm_session"]
    refused = _post(client, "/account/password", new_password="too short")
    assert refused.status_code == 422
    assert "Use at least 15 characters." in refused.text
    changed = _post(client, "/account/password", new_password=OTHER_PASSWORD)
    assert changed.headers["location"] == "/candidate"
    assert client.cookies["tm_session"] != before
    assert client.get("/account").status_code == 200


def test_a_forgotten_password(client: Browser, world: Any) -> None:
    """A6: the same page for known and unknown addresses; the link sets a new password."""
    world.member(ADA)
    known = _post(client, "/forgotten-password", email=ADA)
    unknown = _post(client, "/forgotten-password", email="nobody@example.org")
    mask = re.compile(r'"[0-9a-f]{60,}"')
    assert mask.sub("", known.text) == mask.sub("", unknown.text)
    path = f"/reset-password/{world.link(ADA, 'reset-password')}"
    assert client.get(path).headers["referrer-policy"] == "no-referrer"
    assert _post(client, path, password="short").status_code == 422
    assert _post(client, path, password=OTHER_PASSWORD).headers["location"] == "/sign-in"
    assert "not valid any more" in _post(client, path, password=OTHER_PASSWORD).text
    assert _sign_in(client, OTHER_PASSWORD).status_code == 303


@pytest.mark.parametrize("path", ["/forgotten-password", "/new-confirmation"])
def test_what_is_no_address_is_told_beside_the_field(client: Browser, world: Any, path: str) -> None:
    """interface.md: wrong input shows the page again with the field marked."""
    page = _post(client, path, email="no address")
    assert page.status_code == 422
    assert 'id="error-email"' in page.text
    assert 'value="no address"' in page.text


def test_a_new_confirmation_link_can_be_asked_for(client: Browser, world: Any) -> None:
    """A3: the answer is the same whether or not a mail is sent."""
    world.register(ADA)
    for email in (ADA, "nobody@example.org"):
        assert _post(client, "/new-confirmation", email=email).headers["location"] == "/check-your-mail"
    assert len(world.mails(ADA)) == 2


def test_own_data_and_language(client: Browser, world: Any) -> None:
    """A7: the account page shows and corrects one's own data; the language applies at once."""
    account_id = world.member(ADA)
    with world.db.transaction() as session:
        a_candidate(session, "incomplete", account=session.get(Account, account_id))
    _sign_in(client)
    saved = _post(client, "/account", first_name="Augusta", last_name="King", language="fr")
    assert saved.headers["location"] == "/account"
    page = client.get("/account").text
    assert '<html lang="fr">' in page
    assert 'value="Augusta"' in page
    refused = _post(client, "/account", first_name="", last_name="King", language="xx")
    assert refused.status_code == 422
    assert 'id="error-first_name"' in refused.text
    assert 'id="error-language"' in refused.text


def test_own_sessions_are_listed_and_ended(client: Browser, world: Any) -> None:
    """S-05: a member sees every session and ends one, all others, or this one."""
    account_id = world.member(ADA)
    _sign_in(client)
    others = [world.sign_in(ADA, client=f"Edge {number}, Windows") for number in range(3)]
    page = client.get("/account").text
    assert page.count("Edge") >= 3
    assert "this one" in page
    ended = _post(client, f"/account/sessions/{others[0].session_id}/end", "/account")
    assert ended.status_code == 303
    assert "Edge 0" not in client.get("/account").text
    assert _post(client, f"/account/sessions/{uuid4()}/end", "/account").status_code == 404
    _post(client, "/account/sessions/end-others", "/account")
    assert "Edge" not in client.get("/account").text
    from marketplace.accounts import queries

    with world.db.reading() as session:
        (mine,) = queries.live_sessions(session, world.clock.now(), world.settings, account_id)
    assert _post(client, f"/account/sessions/{mine.id}/end", "/account").headers["location"] == "/"
    assert client.get("/account").status_code == 303


def test_changing_the_password_on_its_page(client: Browser, world: Any) -> None:
    """S-04: a wrong current password is told; the right one keeps this session and ends the others."""
    world.member(ADA)
    _sign_in(client)
    other = world.sign_in(ADA, transport=Transport.COOKIE)
    wrong = _post(client, "/account/password", current_password="wrong", new_password=OTHER_PASSWORD)
    assert wrong.status_code == 422
    assert "not your current password" in wrong.text
    done = _post(client, "/account/password", current_password=PASSWORD, new_password=OTHER_PASSWORD)
    assert done.headers["location"] == "/account"
    assert client.get("/account").status_code == 200
    client.cookies.clear()
    client.cookies.set("tm_session", other.token)
    assert client.get("/account").status_code == 303


def test_idle_and_absolute_ends(client: Browser, world: Any) -> None:
    """S-02: an hour's rest is allowed and a second more is not; twelve hours end it in any case."""
    world.member(ADA)
    _sign_in(client)
    world.clock.advance(timedelta(minutes=60))
    assert client.get("/account").status_code == 200
    world.clock.advance(timedelta(minutes=60, seconds=1))
    assert client.get("/account").status_code == 303
    client.cookies.clear()
    _sign_in(client)
    for _ in range(12):
        world.clock.advance(timedelta(minutes=59))
        assert client.get("/account").status_code == 200
    world.clock.advance(timedelta(minutes=12))
    assert client.get("/account").status_code == 303


def test_the_reset_request_of_a_recruiter_needs_no_session(client: Browser, world: Any) -> None:
    """A6: recovery is the same for every role that has it."""
    world.member("ada@acme.fr", Role.RECRUITER)
    world.act(request_password_reset, "ada@acme.fr")
    assert world.link("ada@acme.fr", "reset-password")
