"""Changes come from our own pages only, and nobody is locked out by a stale token (security.md W-03)."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import pytest

from marketplace.accounts.models import Account
from marketplace.clock import FixedClock
from marketplace.db import Database
from marketplace.settings import Settings
from tests.builders import an_account
from tests.marketplace.web.conftest import build
from tests.portal import ORIGIN, PortalClient

FORM = "/probe/form"
JSON = "/api/v1/probe/changes"
BODY = {"title": "x", "company": {"name": "y"}}
SITES = [None, "same-origin", "none", "same-site", "cross-site"]
ORIGINS = [None, ORIGIN, "https://evil.example", "null"]


@pytest.fixture
def account(db: Database) -> Account:
    with db.transaction() as session:
        return an_account(session)


def _headers(site: str | None, origin: str | None) -> dict[str, str]:
    named = {"sec-fetch-site": site, "origin": origin}
    return {name: value for name, value in named.items() if value is not None}


@pytest.mark.parametrize(("site", "origin"), list(product(SITES, ORIGINS)))
@pytest.mark.parametrize("is_signed_in", [True, False])
def test_the_matrix(
    client: PortalClient, account: Account, site: str | None, origin: str | None, is_signed_in: bool
) -> None:
    """W-03: five Sec-Fetch-Site values by Origin: another site is 403 even with a good token."""
    if is_signed_in:
        client.sign_in_as(account)
    token = client.form_token()
    is_ours = site in {None, "same-origin", "none"} and origin in {None, ORIGIN}
    is_ours = is_ours or (site, origin) == ("same-origin", "null")  # a page sent with no-referrer
    form = client.post(
        FORM, data={"_csrf_token": token}, headers=_headers(site, origin), follow_redirects=False
    )
    assert form.status_code == (303 if is_ours else 403)
    json = client.post(JSON, json=BODY, headers={**_headers(site, origin), "x-csrftoken": token})
    assert json.status_code == (201 if is_ours else 403)
    without = client.post(FORM, headers=_headers(site, origin), data={"word": "x"}, follow_redirects=False)
    assert without.status_code == 403


def test_a_program_needs_no_token(client: PortalClient, db: Database) -> None:
    """W-03: without a session cookie, Sec-Fetch-Site and Origin, JSON routes ask for no token."""
    with db.transaction() as session:
        program = an_account(session, may_use_bearer=True)
    assert client.post(JSON, json=BODY).status_code == 201
    assert client.post(JSON, json=BODY, headers=client.bearer(program)).status_code == 201
    assert client.post(JSON, json=BODY, headers={"origin": ORIGIN}).status_code == 403


def test_a_cookie_session_needs_the_token(client: PortalClient, account: Account) -> None:
    """W-03: with a session cookie JSON changes need ``X-CSRFToken``, headers or not."""
    client.sign_in_as(account)
    assert client.post(JSON, json=BODY).json()["code"] == "form_expired"
    assert client.change("POST", "/probe/changes", BODY).status_code == 201


def test_a_token_is_bound_to_its_session(client: PortalClient, db: Database, account: Account) -> None:
    """W-03: a token of another session, or from before signing in, is refused."""
    with db.transaction() as session:
        other = an_account(session)
    before = client.form_token()
    client.sign_in_as(other)
    theirs = client.form_token()
    client.sign_in_as(account)
    for token in (before, theirs, "", "x" * 80, "é" * 80):
        answer = client.post(FORM, data={"_csrf_token": token}, follow_redirects=False)
        assert answer.status_code == 403, token
    mine = client.form_token()
    assert client.post(FORM, data={"_csrf_token": mine}, follow_redirects=False).status_code == 303


@pytest.mark.parametrize("stale", ["", "old.0123", '"><img onerror=alert(1)>', "a" * 4000, "x.é"])
def test_a_stale_cookie_is_replaced(client: PortalClient, stale: str) -> None:
    """W-03: a form cookie that is forged or of an old secret is a friendly 403, and the next try works."""
    refused = client.post(
        FORM,
        data={"_csrf_token": "x" * 80},
        headers={b"referer": f"{ORIGIN}/".encode(), b"cookie": f"tm_form={stale}".encode()},
        follow_redirects=False,
    )
    assert refused.status_code == 403
    assert "Please try again" in refused.text
    assert "onerror" not in refused.text
    assert 'href="/"' in refused.text
    assert refused.headers["set-cookie"].startswith("tm_form=")
    assert client.submit(FORM, word="x").status_code == 303


def test_the_form_cookie_is_of_this_host_alone(settings: Settings, db: Database, clock: FixedClock) -> None:
    """W-03: over https the cookie is ``__Host-``, so that no sub-domain can plant one."""
    app = build(replace(settings, base_url="https://talent.example"), db=db, clock=clock)
    with PortalClient(app) as client:
        cookie = client.get("/", headers={"host": "talent.example"}).headers["set-cookie"]
    assert cookie.startswith("__Host-tm_form=")
    assert "Secure" in cookie
    assert "HttpOnly" in cookie


@pytest.mark.parametrize(
    "content_type",
    [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/jsonp",
    ],
)
def test_json_routes_take_json_only(client: PortalClient, account: Account, content_type: str) -> None:
    """W-03: a body that a foreign form could send is refused, token or not."""
    client.sign_in_as(account)
    token = client.form_token()
    answer = client.post(
        JSON, content=b'{"title": "x"}', headers={"content-type": content_type, "x-csrftoken": token}
    )
    assert answer.status_code == 403
    assert answer.json()["code"] == "json_required"


def test_a_form_of_an_ended_session_leads_to_sign_in(
    client: PortalClient, account: Account, clock: FixedClock
) -> None:
    """W-03: a form sent after the session ended is no dead end: its page asks to sign in or try again."""
    client.sign_in_as(account)
    token = client.form_token()
    client.cookies.set("tm_session", "ended", domain="127.0.0.1", path="/")
    answer = client.post("/probe/member-form", data={"_csrf_token": token}, follow_redirects=False)
    assert answer.status_code == 303
    assert answer.headers["location"] == "/sign-in"


def test_htmx_is_sent_to_sign_in_by_header(client: PortalClient) -> None:
    """A page's part is not replaced by the sign-in form: htmx is told to go there."""
    answer = client.get("/probe/page?x=1", headers={"hx-request": "true"})
    assert answer.status_code == 401
    assert answer.headers["hx-redirect"] == "/sign-in?next=%2Fprobe%2Fpage%3Fx%3D1"
