"""Sessions at the edge: who a request is, for how long, and what is never written (security.md S)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import select, text, update

from marketplace.accounts.models import Account, AccountSession, PasswordKind, Role, Transport
from marketplace.clock import FixedClock
from marketplace.db import Database
from marketplace.settings import Settings
from marketplace.web.identity import session_cookie
from tests.builders import an_account
from tests.marketplace.web.conftest import build
from tests.portal import PortalClient, open_session

ME = "/api/v1/probe/whoami"


@pytest.fixture
def account(db: Database) -> Account:
    with db.transaction() as session:
        return an_account(session)


def test_a_live_session_names_its_member(client: PortalClient, account: Account) -> None:
    """S-01: the cookie's token, stored as SHA-256 only, finds the account."""
    client.sign_in_as(account)
    assert client.get(ME).json() == {"account_id": str(account.id), "next": None}


def test_an_invented_cookie_is_nobody_and_is_cleared(client: PortalClient) -> None:
    """S-03: an id the server did not make is never accepted, and the browser is made to drop it."""
    client.cookies.set("tm_session", "attacker-chosen", domain="127.0.0.1", path="/")
    answer = client.get(ME)
    assert answer.status_code == 401
    assert "tm_session=" in answer.headers["set-cookie"]
    assert "Max-Age=0" in answer.headers["set-cookie"]


def test_cookie_attributes(settings: Settings, clock: FixedClock) -> None:
    """S-01: ``__Host-``, Secure, HttpOnly, SameSite=Lax, Path=/ over https; a named one on loopback."""
    until = clock.now() + timedelta(hours=12)
    secure = session_cookie(
        replace(settings, base_url="https://talent.example"), "t", clock.now(), until
    ).to_header(header="")
    assert secure.startswith("__Host-tm_session=t; ")
    for part in ("HttpOnly", "Max-Age=43200", "Path=/", "SameSite=lax", "Secure"):
        assert part in secure
    assert "Domain" not in secure
    plain = session_cookie(settings, "t", clock.now(), until).to_header(header="")
    assert plain.startswith("tm_session=t; ")
    assert "Secure" not in plain


@pytest.mark.parametrize(
    ("role", "idle"),
    [
        (Role.CANDIDATE, timedelta(minutes=60)),
        (Role.RECRUITER, timedelta(minutes=60)),
        (Role.ADMIN, timedelta(minutes=15)),
    ],
)
def test_idle_limit(
    client: PortalClient, db: Database, clock: FixedClock, role: Role, idle: timedelta
) -> None:
    """S-02: 60 minutes idle (admins 15): a second before is fine, a second after is 401."""
    with db.transaction() as session:
        account = an_account(session, role)
    client.sign_in_as(account)
    clock.advance(idle - timedelta(seconds=1))
    assert client.get(ME).status_code == 200
    clock.advance(idle + timedelta(seconds=1))
    assert client.get(ME).status_code == 401


def test_absolute_limit(client: PortalClient, account: Account, clock: FixedClock) -> None:
    """S-02: activity does not carry a session past its absolute end of 12 hours."""
    client.sign_in_as(account)
    for _ in range(12 * 2 - 1):
        clock.advance(timedelta(minutes=30))
        assert client.get(ME).status_code == 200
    clock.advance(timedelta(minutes=30))
    assert client.get(ME).status_code == 401


def test_a_raised_epoch_ends_every_session_at_once(
    client: PortalClient, account: Account, db: Database
) -> None:
    """S-04: revocation by account is seen by the next request, in any process."""
    client.sign_in_as(account)
    assert client.get(ME).status_code == 200
    with db.transaction() as session:
        session.execute(update(Account).where(Account.id == account.id).values(epoch=Account.epoch + 1))
    assert client.get(ME).status_code == 401
    assert client.get("/probe/page", follow_redirects=False).headers["location"].startswith("/sign-in")


def test_role_is_read_at_each_request(client: PortalClient, db: Database) -> None:
    """S-04: a role taken away is gone with the next request, whatever the session was opened with."""
    with db.transaction() as session:
        recruiter = an_account(session, Role.RECRUITER)
    client.sign_in_as(recruiter)
    assert client.get("/api/v1/probe/recruiters").status_code == 200
    with db.transaction() as session:
        session.execute(update(Account).where(Account.id == recruiter.id).values(role=Role.CANDIDATE))
    assert client.get("/api/v1/probe/recruiters").status_code == 403


def test_cookie_and_bearer_are_not_interchangeable(
    client: PortalClient, db: Database, clock: FixedClock
) -> None:
    """S-01: a cookie's token is no bearer token and the other way round."""
    with db.transaction() as session:
        account = an_account(session, may_use_bearer=True)
        cookie = open_session(session, account, clock.now())
        bearer = open_session(session, account, clock.now(), Transport.BEARER)
    assert client.get(ME, headers={"authorization": f"Bearer {bearer}"}).status_code == 200
    assert client.get(ME, headers={"authorization": f"Bearer {cookie}"}).status_code == 401
    client.cookies.set("tm_session", bearer, domain="127.0.0.1", path="/")
    assert client.get(ME).status_code == 401


def test_a_bearer_token_is_for_the_api_alone(client: PortalClient, db: Database) -> None:
    """S-01: pages know no bearer token."""
    with db.transaction() as session:
        account = an_account(session, may_use_bearer=True)
    headers = client.bearer(account)
    assert client.get(ME, headers=headers).status_code == 200
    assert client.get("/probe/page", headers=headers, follow_redirects=False).status_code == 303


def test_a_bearer_grant_taken_back_ends_the_session(client: PortalClient, db: Database) -> None:
    """S-04: the grant is read at each request."""
    with db.transaction() as session:
        account = an_account(session, may_use_bearer=True)
    headers = client.bearer(account)
    assert client.get(ME, headers=headers).status_code == 200
    with db.transaction() as session:
        session.execute(update(Account).where(Account.id == account.id).values(may_use_bearer=False))
    assert client.get(ME, headers=headers).status_code == 401


def test_last_use_is_written_at_most_once_a_minute(
    client: PortalClient, account: Account, db: Database, clock: FixedClock
) -> None:
    """S-02, B5: activity is noted, but not with every request."""
    client.sign_in_as(account)
    started = clock.now()

    def seen() -> object:
        with db.reading() as session:
            return session.scalar(
                select(AccountSession.last_seen_at).where(AccountSession.account_id == account.id)
            )

    clock.advance(timedelta(seconds=59))
    client.get(ME)
    assert seen() == started
    clock.advance(timedelta(seconds=1))
    client.get(ME)
    assert seen() == started + timedelta(seconds=60)


def test_anonymous_requests_write_nothing(client: PortalClient, db: Database) -> None:
    """S-01: pages, errors and health for nobody leave every table as it was, and hand out no session."""
    before = _transactions_that_wrote(db)
    for path in ("/", "/nowhere", "/probe/page", ME, "/api/v1/csrf-token", "/readyz", "/static/app.css"):
        answer = client.get(path, follow_redirects=False)
        assert "tm_session" not in answer.headers.get("set-cookie", "")
    assert _transactions_that_wrote(db) == before


def _transactions_that_wrote(db: Database) -> int:
    """The next transaction id: PostgreSQL gives one out only to a transaction that writes."""
    with db.reading() as session:
        return int(
            session.scalars(text("SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint")).one()
        )


def test_two_processes_agree(settings: Settings, db: Database, clock: FixedClock, account: Account) -> None:
    """S-04: nothing about a session is kept in a process: what one ends is over in the other."""
    first, second = build(settings, db=db, clock=clock), build(settings, db=db, clock=clock)
    with db.transaction() as session:
        token = open_session(session, account, clock.now())
    with PortalClient(first) as one, PortalClient(second) as other:
        for client in (one, other):
            client.cookies.set("tm_session", token, domain="127.0.0.1", path="/")
            assert client.get(ME).status_code == 200
        with db.transaction() as session:
            session.execute(update(Account).where(Account.id == account.id).values(epoch=9))
        assert (one.get(ME).status_code, other.get(ME).status_code) == (401, 401)


def test_a_temporary_password_comes_first(client: PortalClient, db: Database) -> None:
    """A3: with a temporary password everything else is 403, and pages lead to where it is changed."""
    with db.transaction() as session:
        account = an_account(session, password_kind=PasswordKind.TEMPORARY)
    client.sign_in_as(account)
    problem = client.get(ME)
    assert problem.status_code == 403
    assert problem.json()["code"] == "password_change_required"
    page = client.get("/probe/page", follow_redirects=False)
    assert (page.status_code, page.headers["location"]) == (303, "/account/password")
    assert client.get("/").status_code == 200


def test_database_away_is_503_within_a_second_or_so(settings: Settings, clock: FixedClock) -> None:
    """interface.md: a session that cannot be looked up is a 503 with Retry-After; static files come."""
    gone = Database("postgresql+psycopg://nobody@127.0.0.1:9/none")
    with PortalClient(build(settings, db=gone, clock=clock)) as client:
        client.cookies.set("tm_session", "x", domain="127.0.0.1", path="/")
        answer = client.get("/")
        assert answer.status_code == 503
        assert answer.headers["retry-after"]
        assert client.get("/static/app.css").status_code == 200
    gone.dispose()


def test_uuid_of_session_is_not_its_token(db: Database, account: Account, clock: FixedClock) -> None:
    """S-01: nothing in the table can be used as a token."""
    with db.transaction() as session:
        token = open_session(session, account, clock.now())
        row = session.scalars(select(AccountSession).where(AccountSession.account_id == account.id)).one()
    assert isinstance(row.id, UUID)
    assert token.encode() not in row.token_hash
