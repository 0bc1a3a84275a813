"""What people and programs are answered past the limits, over the whole application."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from litestar import Litestar
from litestar.testing import TestClient

from marketplace.accounts import devices
from marketplace.accounts.admins import create_admin, grant_bearer
from marketplace.accounts.models import Account, Role, SignInFailure
from marketplace.accounts.registration import confirm_email
from marketplace.accounts.throttling import address_hash
from marketplace.rate_limits.quotas import NO_LIMITS
from marketplace.settings import Settings
from tests.builders import a_recruiter


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """The quotas of sign-in and recovery as the product has them; the rest is other tests'."""
    counted = {name: text for name, text in NO_LIMITS.items() if name not in {"SIGN_IN", "RECOVERY"}}
    return replace(settings, quotas=counted)


Client = TestClient[Litestar]
ADA = "ada@example.org"
PASSWORD = "violet tractors sing at noon"
KINDS = ("known", "unknown", "unverified", "suspended", "locked", "root")


@pytest.fixture
def addresses(world: Any) -> list[str]:
    """An address of each kind: with what it has, a stranger must not find out which is which."""
    world.member("known@acme.fr")
    world.register("unverified@acme.fr")
    suspended = world.member("suspended@acme.fr", Role.RECRUITER)
    locked = world.member("locked@acme.fr")
    world.act(create_admin, "root@acme.fr")
    world.act(confirm_email, world.link("root@acme.fr", "confirm-email"), world.hooks)
    with world.db.transaction() as session:
        a_recruiter(session, "suspended", account=session.get_one(Account, suspended))
        session.get_one(Account, locked).password_hash = None
    world.mails("root@acme.fr")
    return [f"{kind}@acme.fr" for kind in KINDS]


def _token(client: Client, path: str) -> str:
    found = re.search(r'name="_csrf_token" value="([^"]+)"', client.get(path).text)
    assert found
    return found[1]


def _of_api(client: Client, path: str, **body: str) -> tuple[Any, ...]:
    answer = client.post(f"/api/v1/{path}", json=body)
    told = {key: value for key, value in answer.json().items() if key != "instance"}
    return answer.status_code, told, _headers(answer)


def _of_page(client: Client, path: str, **fields: str) -> tuple[Any, ...]:
    answer = client.post(f"/{path}", data={"_csrf_token": _token(client, f"/{path}"), **fields})
    text = re.sub(r'(value|content|data-[a-z]+)="[0-9a-f]{60,}"', "", answer.text)
    return answer.status_code, text.replace(fields["email"], ""), _headers(answer)


def _headers(answer: Any) -> list[tuple[str, str]]:
    """Return the headers but the request's id, and the length, which is that of the address too."""
    own = {"content-length", "x-request-id"}
    return sorted((name, value) for name, value in answer.headers.items() if name not in own)


SENDERS = {"api": (_of_api, "sessions"), "page": (_of_page, "sign-in")}


@pytest.mark.parametrize("sender", SENDERS)
@pytest.mark.parametrize("in_a_row", [0, 99])
def test_sign_in_answers_tell_nothing_past_the_limits(
    client: Client, world: Any, addresses: list[str], sender: str, in_a_row: int
) -> None:
    """A-06, A-04: byte-equal series of answers for six kinds of account, beyond 5 and 100 failures."""
    send, path = SENDERS[sender]
    series = []
    for email in addresses:
        world.clock.advance(timedelta(hours=3))
        _failed(world, email, in_a_row)
        answers = [send(client, path, email=email, password="wrong wrong wrong") for _ in range(7)]
        world.clock.advance(timedelta(hours=1))
        answers += [send(client, path, email=email, password="wrong wrong wrong") for _ in range(2)]
        series.append(answers)
    free = 1 if in_a_row else 5
    assert [answer[0] for answer in series[0]] == [401] * free + [429] * (7 - free) + [401, 429]
    for kind, answers in zip(KINDS, series, strict=True):
        assert answers == series[0], kind


def _failed(world: Any, email: str, in_a_row: int) -> None:
    if in_a_row:
        with world.db.transaction() as session:
            session.add(
                SignInFailure(
                    subject_hash=address_hash(world.settings, email),
                    in_a_row=in_a_row,
                    last_failed_at=world.clock.now() - timedelta(hours=2),
                    recent=[],
                )
            )


@pytest.mark.parametrize(
    ("send", "path", "status"),
    [
        (_of_api, "password-resets", 202),
        (_of_page, "forgotten-password", 200),
        (_of_page, "new-confirmation", 303),
    ],
)
def test_recovery_answers_tell_nothing_past_the_limits(
    client: Client, world: Any, addresses: list[str], send: Any, path: str, status: int
) -> None:
    """A-06, R-02: byte-equal answers for six kinds of account, each asked six times: never a 429."""
    series = []
    for email in addresses:
        series.append([send(client, path, email=email) for _ in range(6)])
        world.clock.advance(timedelta(hours=1))
    assert {answer[0] for answer in series[0]} == {status}
    for kind, answers in zip(KINDS, series, strict=True):
        assert all(answer == series[0][0] for answer in answers), kind


def _asked(client: Client, world: Any, times: int, email: str = ADA) -> int:
    """Ask for a reset so often, and return how many mails that sent."""
    before = len(world.sink.to(email))
    for _ in range(times):
        assert _of_api(client, "password-resets", email=email)[:2] == (202, {})
        world.mails(email)
    return len(world.sink.to(email)) - before


def test_six_requests_three_mails(client: Client, world: Any) -> None:
    """A6, R-02: six requests in an hour have six answers and three mails, however the address is spelt."""
    world.member(ADA)
    before = len(world.mails(ADA))
    answers = []
    for email in (ADA, "Ada@example.org", "ada+x@example.org", ADA, "ADA@EXAMPLE.ORG", ADA):
        answers.append(_of_api(client, "password-resets", email=email))
        world.mails(ADA)
    assert answers == [answers[0]] * 6
    assert len(world.mails(ADA)) - before == 3


@pytest.mark.parametrize(("late", "mails"), [(3599, 0), (3600, 1), (3601, 1)])
def test_the_hour_of_recovery_slides(client: Client, world: Any, late: int, mails: int) -> None:
    """R-02: three in any hour: the fourth is mailed once the first is an hour old."""
    world.member(ADA)
    assert _asked(client, world, 1) == 1
    world.clock.advance(timedelta(minutes=1))
    assert _asked(client, world, 3) == 2
    world.clock.advance(timedelta(seconds=late - 60))
    assert _asked(client, world, 3) == mails


def test_five_recoveries_a_day(client: Client, world: Any) -> None:
    """R-02: five in any 24 hours, before, at and after the end of the first's day."""
    world.member(ADA)
    assert [_asked(client, world, 4) for _ in _hours(world, 4)] == [3, 2, 0, 0]
    world.clock.advance(timedelta(hours=20, seconds=-1))
    assert _asked(client, world, 2) == 0
    world.clock.advance(timedelta(seconds=1))
    assert _asked(client, world, 4) == 3


def _hours(world: Any, count: int) -> Any:
    for number in range(count):
        yield number
        world.clock.advance(timedelta(hours=1))


def test_ten_recoveries_an_hour_from_one_network(client: Client, world: Any) -> None:
    """R-02: from one address ten in an hour, over all the addresses that are written to."""
    emails = [f"person{number}@example.org" for number in range(12)]
    for email in emails:
        world.member(email)
    assert [_asked(client, world, 1, email) for email in emails] == [1] * 10 + [0, 0]
    world.clock.advance(timedelta(hours=1))
    assert _asked(client, world, 1, emails[11]) == 1


def test_a_used_up_recovery_leaves_the_link(client: Client, world: Any) -> None:
    """R-02, R-01: a request that sends nothing voids nothing either."""
    world.member(ADA)
    assert _asked(client, world, 3) == 3
    token = world.link(ADA, "reset-password")
    assert _asked(client, world, 3) == 0
    body = {"token": token, "password": "seven quiet owls eat marmalade"}
    assert client.post("/api/v1/password-resets/confirmations", json=body).status_code == 200


def test_confirmation_mails_count_as_well(client: Client, world: Any) -> None:
    """R-02: asking for the confirmation again sends three mails in an hour, with resets counted in."""
    world.register(ADA)
    before = len(world.mails(ADA))
    for path in ("new-confirmation", "forgotten-password", "new-confirmation", "new-confirmation"):
        assert _of_page(client, path, email=ADA)[0] in {200, 303}
        world.mails(ADA)
    assert len(world.mails(ADA)) - before == 3


def test_what_is_no_address_is_still_told(client: Client, world: Any) -> None:
    """R-02: a slip of the keyboard is told beside the field, and counts nowhere."""
    for _ in range(12):
        assert client.post("/api/v1/password-resets", json={"email": "no address"}).status_code == 422
    world.member(ADA)
    assert _asked(client, world, 1) == 1


@pytest.mark.parametrize(
    ("language", "sentence", "wait"),
    [("en", "Please try again in", "1 minute"), ("fr", "Réessayez dans", "1 minute")],
)
def test_the_page_explains_the_wait(
    client: Client, world: Any, language: str, sentence: str, wait: str
) -> None:
    """A-04, F4: the page says when to come back and keeps the address, never the password."""
    client.headers["accept-language"] = language
    for _ in range(5):
        _of_page(client, "sign-in", email=ADA, password="wrong wrong wrong")
    fields = {"email": ADA, "password": "my very own secret", "_csrf_token": _token(client, "/sign-in")}
    page = client.post("/sign-in", data=fields)
    assert page.status_code == 429
    assert page.headers["retry-after"] == "60"
    assert f"{sentence} {wait}." in page.text
    assert f'value="{ADA}"' in page.text
    assert "my very own secret" not in page.text
    assert "/forgotten-password" in page.text


def test_the_problem_says_when_to_come_back(client: Client, world: Any) -> None:
    """A-04, E1: 429 `too_many_requests` with Retry-After, for the address and for the network."""
    for _ in range(5):
        _of_api(client, "sessions", email=ADA, password="wrong")
    answer = client.post("/api/v1/sessions", json={"email": ADA, "password": "wrong"})
    assert (answer.status_code, answer.json()["code"]) == (429, "too_many_requests")
    assert answer.headers["retry-after"] == "60"
    assert "set-cookie" not in answer.headers
    for number in range(15):
        _of_api(client, "sessions", email=f"person{number}@example.org", password="wrong")
    answer = client.post("/api/v1/sessions", json={"email": "new@example.org", "password": "wrong"})
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "300")


def _cookie(answer: Any, name: str) -> str:
    found = [line for line in answer.headers.get_list("set-cookie") if line.startswith(f"{name}=")]
    return found[0] if found else ""


def test_a_browser_becomes_known_when_it_signs_in(client: Client, world: Any) -> None:
    """A-05: page and cookie transport give the device cookie; it outlives the sign-out and beats the lock."""
    world.member(ADA)
    fields = {"email": ADA, "password": PASSWORD, "_csrf_token": _token(client, "/sign-in")}
    first = _cookie(client.post("/sign-in", data=fields), "tm_device")
    assert "HttpOnly" in first
    assert "SameSite=lax" in first
    assert "Path=/" in first
    assert f"Max-Age={180 * 86400}" in first
    client.post("/sign-out", data={"_csrf_token": _token(client, "/account")})
    attacker = TestClient(client.app, base_url=world.settings.base_url)
    for _ in range(6):
        last = attacker.post("/api/v1/sessions", json={"email": ADA, "password": "wrong"})
    assert last.status_code == 429
    again = client.post("/api/v1/sessions", json={"email": ADA, "password": PASSWORD})
    assert again.status_code == 201
    same_device = first.split("=")[1].split(".")[0]
    assert _cookie(again, "tm_device").split("=")[1].split(".")[0] == same_device


def test_neither_failures_nor_programs_become_known(client: Client, world: Any) -> None:
    """A-05: no device cookie without a success, and none for bearer tokens."""
    account_id = world.member(ADA)
    world.act(grant_bearer, world.act(create_admin, "root@acme.fr"), account_id)
    wrong = client.post("/api/v1/sessions", json={"email": ADA, "password": "wrong"})
    assert "set-cookie" not in wrong.headers
    body = {"email": ADA, "password": PASSWORD, "transport": "bearer"}
    right = client.post("/api/v1/sessions", json=body)
    assert right.status_code == 201
    assert "set-cookie" not in right.headers


def test_over_tls_the_device_cookie_is_bound_to_the_host(world: Any) -> None:
    """A-05, S-01: `__Host-`, Secure, HttpOnly, SameSite=Lax."""
    from dataclasses import replace

    secure = replace(world.settings, base_url="https://talent.example")
    cookie = devices.known_device_cookie(secure, world.clock.now(), b"x" * 32, None).to_header(header="")
    assert cookie.startswith("__Host-tm_device=")
    for attribute in ("Secure", "HttpOnly", "SameSite=lax", "Path=/"):
        assert attribute in cookie
    assert "Domain" not in cookie
