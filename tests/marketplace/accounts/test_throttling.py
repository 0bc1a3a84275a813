"""Signing in too often: by address and network, known devices, and mails (security.md A-04, A-05, R-02)."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import delete, event, func, select

from marketplace.accounts import devices, passwords, queries, throttling
from marketplace.accounts.admins import create_admin, grant_bearer
from marketplace.accounts.models import Account, SignInFailure, Transport
from marketplace.accounts.password_changes import change_password, request_password_reset, reset_password
from marketplace.accounts.sessions import WrongCredentialsError
from marketplace.accounts.throttling import address_hash, networks_of, prunable, sign_in_windows
from marketplace.accounts.tokens import hash_token
from marketplace.audit import AuditEntry
from marketplace.errors import NotAllowedError, TooManyRequestsError
from marketplace.rate_limits.quotas import NO_LIMITS
from marketplace.settings import Settings


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """The quotas of sign-in and recovery as the product has them; the rest is other tests'."""
    counted = {name: text for name, text in NO_LIMITS.items() if name not in {"SIGN_IN", "RECOVERY"}}
    return replace(settings, quotas=counted)


ADA = "ada@example.org"
PASSWORD = "violet tractors sing at noon"
OTHER_PASSWORD = "seven quiet owls eat marmalade"


def _outcome(world: Any, email: str = ADA, password: str = "wrong", **named: Any) -> str | int:
    """Return ``in`` or ``wrong``, or the seconds to wait."""
    try:
        world.try_sign_in(email, password, **named)
    except WrongCredentialsError:
        return "wrong"
    except TooManyRequestsError as refused:
        return refused.retry_after
    return "in"


def _fail(world: Any, times: int, email: str = ADA, **named: Any) -> None:
    """Fail so often, each from a network of its own unless told."""
    for number in range(times):
        assert _outcome(world, email, **({"network": f"10.1.{number}.1"} | named)) == "wrong"


def _set_failures(world: Any, in_a_row: int, *emails: str) -> None:
    """Have the addresses failed so often, the last time long enough ago to be free."""
    long_ago = world.clock.now() - timedelta(hours=2)
    with world.db.transaction() as session:
        for email in emails:
            key = address_hash(world.settings, email)
            session.add(
                SignInFailure(subject_hash=key, in_a_row=in_a_row, last_failed_at=long_ago, recent=[])
            )


def _rows(world: Any) -> int:
    with world.db.reading() as session:
        return int(session.scalar(select(func.count()).select_from(SignInFailure)) or 0)


def _is_open(world: Any, token: str) -> bool:
    with world.db.reading() as session:
        found = queries.session_by_token(session, world.clock.now(), world.settings, hash_token(token))
    return found is not None


def _device(world: Any, email: str = ADA, known: devices.Device | None = None) -> str:
    """Return the cookie of a device that has signed in to the address."""
    key = address_hash(world.settings, email)
    cookie = devices.known_device_cookie(world.settings, world.clock.now(), key, known)
    assert isinstance(cookie.value, str)
    return cookie.value


@pytest.mark.parametrize(("late", "outcome"), [(59, 1), (60, "in"), (61, "in")])
def test_the_sixth_attempt_waits_a_minute(world: Any, late: int, outcome: str | int) -> None:
    """A-04: five failures are free; then 429 with the right password too, until the minute is over."""
    world.member(ADA)
    _fail(world, 5)
    assert _outcome(world, ADA, PASSWORD) == 60
    assert _outcome(world, "Ada+tag@EXAMPLE.org", PASSWORD) == 60
    world.clock.advance(timedelta(seconds=late))
    assert _outcome(world, ADA, PASSWORD) == outcome


def test_what_waits_is_not_verified_and_not_counted(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A-04: knocking while one has to wait costs no hash and makes the wait no longer."""
    verified = _count_verifications(monkeypatch)
    world.member(ADA)
    _fail(world, 5)
    for _ in range(10):
        assert _outcome(world) == 60
    assert len(verified) == 5
    world.clock.advance(timedelta(seconds=60))
    assert _outcome(world) == "wrong"
    assert _outcome(world) == 120


@pytest.mark.parametrize("email", [ADA, "nobody@example.org", "no address at all", "\ud800"])
def test_delays_double_for_every_address_alike(world: Any, email: str) -> None:
    """A-04, A-06: the same series of waits for an address with an account, without one, and for none."""
    world.member(ADA)
    _fail(world, 5, email)
    waits = []
    for number in range(10):
        wait = _outcome(world, email)
        assert isinstance(wait, int)
        waits.append(wait)
        world.clock.advance(timedelta(seconds=wait))
        assert _outcome(world, email, network=f"10.2.{number}.1") == "wrong"
    assert waits == [60, 120, 240, 480, 960, 1920, 3600, 3600, 3600, 3600]


def test_twenty_five_failures_in_any_day(world: Any) -> None:
    """A-04: the 26th attempt of a day waits until the first failure is 24 hours old, not longer."""
    world.member(ADA)
    began = world.clock.now()
    failed = 0
    while failed < 25:
        outcome = _outcome(world, network=f"10.3.{failed}.1")
        if isinstance(outcome, int):
            world.clock.advance(timedelta(seconds=outcome))
        else:
            failed += 1
    left = (began + timedelta(days=1) - world.clock.now()).total_seconds()
    assert left > 3600
    assert _outcome(world, ADA, PASSWORD) == left
    world.clock.advance(timedelta(seconds=left - 1))
    assert _outcome(world, ADA, PASSWORD) == 1
    world.clock.advance(timedelta(seconds=1))
    assert _outcome(world, ADA, PASSWORD) == "in"


def test_a_success_ends_the_row(world: Any) -> None:
    """A-04: after a success five failures are free again, and a person who never fails leaves no row."""
    world.member(ADA)
    assert _outcome(world, ADA, PASSWORD) == "in"
    assert _rows(world) == 0
    for _ in range(3):
        _fail(world, 4)
        assert _outcome(world, ADA, PASSWORD) == "in"
    _fail(world, 5)
    assert _outcome(world, ADA, PASSWORD) == 60


def test_a_right_password_without_the_grant_is_no_failure(world: Any) -> None:
    """A-04, interface.md: who may not use a program has not guessed."""
    world.member(ADA)
    for _ in range(7):
        with pytest.raises(NotAllowedError):
            world.try_sign_in(ADA, PASSWORD, transport=Transport.BEARER)
    assert _rows(world) == 0


def _count_verifications(monkeypatch: pytest.MonkeyPatch) -> list[str | None]:
    done: list[str | None] = []
    verify = passwords.verify_password

    def counted(stored: str | None, password: str, memory_kib: int) -> passwords.Verification:
        done.append(stored)
        return verify(stored, password, memory_kib)

    monkeypatch.setattr(passwords, "verify_password", counted)
    return done


def _statements(world: Any, email: str) -> list[str]:
    """Return the statements of a failed sign-in, without their values."""
    seen: list[str] = []

    def note(_: Any, __: Any, statement: str, *___: Any) -> None:
        seen.append(statement)

    event.listen(world.db.engine, "before_cursor_execute", note)
    try:
        _outcome(world, email)
    finally:
        event.remove(world.db.engine, "before_cursor_execute", note)
    return seen


def test_the_same_statements_for_every_address(world: Any) -> None:
    """A-07: failing and waiting cost the database the same, with an account, unconfirmed, or without."""
    world.member(ADA)
    world.register("new@example.org")
    known = [_statements(world, ADA) for _ in range(6)]
    assert all(known)
    assert len(known[5]) < len(known[4])
    for email in ("new@example.org", "nobody@example.org"):
        assert [_statements(world, email) for _ in range(6)] == known


@pytest.mark.parametrize("email", [ADA, "nobody@example.org"])
def test_floods_at_once_are_counted_exactly(world: Any, monkeypatch: pytest.MonkeyPatch, email: str) -> None:
    """A-04: of two floods on one address at the same time five attempts are verified, none more."""
    verified = _count_verifications(monkeypatch)
    world.member(ADA)
    outcomes: list[str | int] = []
    gate = threading.Barrier(16)

    def flood(number: int) -> None:
        gate.wait()
        outcomes.extend(_outcome(world, email, network=f"10.4.{number}.1") for _ in range(3))

    threads = [threading.Thread(target=flood, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(verified) == 5
    assert outcomes.count("wrong") == 5
    assert outcomes.count(60) == 43


def test_one_password_sprayed_from_one_network(world: Any) -> None:
    """A-04: one password over 30 addresses from one address is stopped at the 21st."""
    outcomes = [_outcome(world, f"person{number}@example.org") for number in range(30)]
    assert outcomes[:20] == ["wrong"] * 20
    assert outcomes[20:] == [300] * 10


@pytest.mark.parametrize(("late", "outcome"), [(299, 1), (300, "wrong"), (301, "wrong")])
def test_a_network_waits_five_minutes(world: Any, late: int, outcome: str | int) -> None:
    """A-04: twenty failures in any five minutes, a sliding window; a success counts in none."""
    world.member(ADA)
    for number in range(20):
        assert _outcome(world, ADA, PASSWORD) == "in"
        assert _outcome(world, f"person{number}@example.org") == "wrong"
    assert _outcome(world, ADA, PASSWORD) == 300
    world.clock.advance(timedelta(seconds=late))
    assert _outcome(world, "somebody@example.org") == outcome


def test_thirty_networks_on_one_account(world: Any) -> None:
    """A-04: changing the network helps nobody against one address."""
    outcomes = [_outcome(world, ADA, network=f"10.5.{number}.1") for number in range(30)]
    assert outcomes == ["wrong"] * 5 + [60] * 25


@pytest.mark.parametrize(
    ("network", "neighbour", "stranger"),
    [
        ("192.0.2.7", "192.0.2.200", "192.0.3.7"),
        ("::ffff:192.0.2.7", "192.0.2.7", "2001:db8::1"),
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", "2001:db8:1:3::1"),
        ("", "", "192.0.2.7"),
    ],
)
def test_neighbours_count_together(world: Any, network: str, neighbour: str, stranger: str) -> None:
    """A-04: a /24 or a /64 is one caller; an IPv4 address is the same one when it is mapped."""
    for number in range(20):
        assert _outcome(world, f"person{number}@example.org", network=network) == "wrong"
    assert _outcome(world, "one@example.org", network=neighbour) == 300
    assert _outcome(world, "two@example.org", network=stranger) == "wrong"


def test_networks() -> None:
    """A-04: /32 and /24 for IPv4, /64 for IPv6."""
    assert networks_of("192.0.2.7") == ("192.0.2.7/32", "192.0.2.0/24")
    assert networks_of("::ffff:192.0.2.7") == ("192.0.2.7/32", "192.0.2.0/24")
    assert networks_of("2001:db8:1:2:3::1") == ("2001:db8:1:2::/64",)
    assert networks_of("testclient") == ("unknown",)


def test_the_quota_is_a_setting(world: Any) -> None:
    """E1, A-04: MARKETPLACE_QUOTA_SIGN_IN replaces the numbers; ``none`` leaves everybody's."""

    def shown(text: str) -> list[tuple[int, int]]:
        given = replace(world.settings, quotas={"SIGN_IN": text})
        return [(window.limit, window.seconds) for window in sign_in_windows(given, "2001:db8::1")]

    assert shown("3/minute;10 / 2 hours") == [(3, 60), (10, 7200), (1000, 300)]
    assert shown("none") == [(1000, 300)]


@pytest.mark.parametrize(("count", "outcome"), [(999, "wrong"), (1000, 300)])
def test_everybody_together(world: Any, count: int, outcome: str | int) -> None:
    """A-04: a thousand failures of everybody in five minutes stop all but known devices and open sessions."""
    world.member(ADA)
    opened = world.sign_in(ADA)
    for number in range(count):
        network = f"10.{number // 250}.{number % 250}.1"
        world.ports.limiter.hit(sign_in_windows(world.settings, network))
    assert _outcome(world, "nobody@example.org", network="198.51.100.1") == outcome
    assert _outcome(world, ADA, PASSWORD, device=_device(world), network="198.51.100.2") == "in"
    assert _is_open(world, opened.token)
    world.clock.advance(timedelta(seconds=300))
    assert _outcome(world, "nobody@example.org", network="198.51.100.1") == "wrong"


def test_a_lock_keeps_no_owner_out(world: Any) -> None:
    """A-05: while others lock an address, its open session, its known device and a reset all work."""
    world.member(ADA)
    opened, device = world.sign_in(ADA), _device(world)
    _set_failures(world, 11, ADA)
    assert _outcome(world) == "wrong"
    assert _outcome(world, ADA, PASSWORD) == 3600
    assert _is_open(world, opened.token)
    assert _outcome(world, ADA, PASSWORD, device=device) == "in"
    _set_locked(world)
    world.act(request_password_reset, ADA)
    world.act(reset_password, world.settings, world.link(ADA, "reset-password"), OTHER_PASSWORD)
    assert _outcome(world, ADA, OTHER_PASSWORD) == "in"


def _set_locked(world: Any) -> None:
    """Fail until the address waits."""
    for number in range(30):
        if _outcome(world, network=f"10.6.{number}.1") != "wrong":
            return
    raise AssertionError("never locked")


def test_a_known_device_is_no_free_pass(world: Any) -> None:
    """A-05: a device has five free failures of its own, and its failures count for the address too."""
    world.member(ADA)
    device = _device(world)
    assert [_outcome(world, device=device) for _ in range(6)] == ["wrong"] * 5 + [60]
    assert _outcome(world, ADA, PASSWORD, device=device) == 60
    assert _outcome(world, ADA, PASSWORD) == 60
    assert _outcome(world, ADA, PASSWORD, device=_device(world)) == "in"
    world.clock.advance(timedelta(seconds=60))
    assert _outcome(world, ADA, PASSWORD, device=device) == "in"


def test_failures_of_a_known_device_do_not_count_for_its_network(world: Any) -> None:
    """A-05: a network that is used up does not keep a known device out."""
    world.member(ADA)
    device = _device(world)
    for number in range(20):
        assert _outcome(world, f"person{number}@example.org") == "wrong"
    assert _outcome(world, ADA, PASSWORD) == 300
    assert _outcome(world, device=device) == "wrong"
    assert _outcome(world, ADA, PASSWORD, device=device) == "in"


def _altered(value: str, part: int, text: str) -> str:
    parts = value.split(".")
    parts[part] = text
    return ".".join(parts)


def test_only_ones_own_device_is_known(world: Any) -> None:
    """A-05: a cookie of another address, an altered one or nonsense is none."""
    world.member(ADA)
    own = _device(world)
    foreign = _device(world, "eve@example.org")
    altered = [_altered(own, 0, "x" * 22), _altered(own, 1, "9999999999"), _altered(own, 2, "0" * 64)]
    _fail(world, 5)
    for value in (foreign, *altered, "", ".", "..", "x.y.z", "é.1.2", "a" * 5000):
        assert _outcome(world, ADA, PASSWORD, device=value) == 60, value
    assert _outcome(world, ADA, PASSWORD, device=own) == "in"


@pytest.mark.parametrize(("late", "known"), [(-1, True), (0, False), (1, False)])
def test_a_device_is_known_for_180_days(world: Any, late: int, known: bool) -> None:
    """A-05: 180 days from the sign-in; the next sign-in begins them anew for the same device."""
    key = address_hash(world.settings, ADA)
    value = _device(world)
    world.clock.advance(timedelta(days=180, seconds=late))
    found = devices.read(world.settings, world.clock.now(), value, key)
    assert (found is not None) is known
    if found is not None:
        renewed = _device(world, known=found)
        world.clock.advance(timedelta(days=1))
        assert devices.read(world.settings, world.clock.now(), renewed, key) == found


def _password_hash(world: Any, account_id: UUID) -> str | None:
    with world.db.reading() as session:
        found: str | None = session.get_one(Account, account_id).password_hash
    return found


def _acts(world: Any, act: str) -> int:
    with world.db.reading() as session:
        return int(
            session.scalar(select(func.count()).select_from(AuditEntry).where(AuditEntry.act == act)) or 0
        )


@pytest.mark.parametrize(("before", "works"), [(98, True), (99, False), (100, False)])
def test_a_hundred_failures_in_a_row_disable_the_password(world: Any, before: int, works: bool) -> None:
    """A-04: the 99th leaves the password; the 100th ends it until a reset, told once and audited."""
    account_id = world.member(ADA)
    opened = world.sign_in(ADA)
    mails = len(world.mails(ADA))
    _set_failures(world, before, ADA)
    assert _outcome(world) == "wrong"
    assert (_password_hash(world, account_id) is not None) is works
    world.clock.advance(timedelta(hours=1))
    assert _outcome(world, ADA, PASSWORD) == ("in" if works else "wrong")
    world.clock.advance(timedelta(hours=1))
    assert _outcome(world) == "wrong"
    told = [mail.subject for mail in world.mails(ADA)[mails:]]
    assert told == ([] if works else ["Your password was disabled"])
    assert _acts(world, "password.disabled") == (0 if works else 1)
    if not works:
        assert opened.token not in world.mails(ADA)[-1].text
        assert "/forgotten-password" in world.mails(ADA)[-1].text
        world.act(request_password_reset, ADA)
        world.act(reset_password, world.settings, world.link(ADA, "reset-password"), OTHER_PASSWORD)
        assert _outcome(world, ADA, OTHER_PASSWORD) == "in"
        assert _outcome(world) == "wrong"
        assert _outcome(world, ADA, OTHER_PASSWORD) == "in"


def test_the_hundredth_attempt_may_be_right(world: Any) -> None:
    """A-04: an attempt that succeeds is none of the hundred."""
    account_id = world.member(ADA)
    _set_failures(world, 99, ADA)
    assert _outcome(world, ADA, PASSWORD) == "in"
    assert _password_hash(world, account_id) is not None
    assert _outcome(world) == "wrong"
    assert _password_hash(world, account_id) is not None


def test_a_session_outlives_the_password(world: Any) -> None:
    """A-05, S-03: a disabled password ends no session, and is not to be replaced without the old one."""
    account_id = world.member(ADA)
    opened = world.sign_in(ADA)
    _set_failures(world, 99, ADA)
    assert _outcome(world) == "wrong"
    assert _is_open(world, opened.token)
    with pytest.raises(Exception, match="wrong_password"):
        world.act(change_password, world.settings, account_id, opened.session_id, None, OTHER_PASSWORD)


def test_an_admins_password_is_renewed_from_the_command_line(world: Any) -> None:
    """A-04, R-04: an admin is told whom to ask; the renewed password is not locked by the tries before."""
    from marketplace.accounts.registration import confirm_email

    email = "root@acme.fr"
    world.act(create_admin, email)
    world.act(confirm_email, world.link(email, "confirm-email"), world.hooks)
    world.mails(email)
    _set_failures(world, 99, email)
    assert _outcome(world, email) == "wrong"
    told = world.mails(email)[-1]
    assert told.subject == "Your password was disabled"
    assert "command line" in told.text
    assert "forgotten-password" not in told.text
    world.act(create_admin, email)
    secret = next(
        line for line in world.mails(email)[-1].text.splitlines() if len(line) == 22 and " " not in line
    )
    assert _outcome(world, email, secret) == "in"


def test_nobody_is_told_of_an_address_that_is_not_theirs(world: Any) -> None:
    """A-04, A-06: to unknown and unconfirmed addresses the hundredth failure mails nothing."""
    world.register("new@example.org")
    world.mails("new@example.org")
    _set_failures(world, 99, "new@example.org", "nobody@example.org")
    before = len(world.sink.sent)
    for email in ("new@example.org", "nobody@example.org"):
        assert _outcome(world, email) == "wrong"
        assert _outcome(world, email) == 3600
        world.mails(email)
    assert len(world.sink.sent) == before


def test_what_no_longer_counts_may_go(world: Any) -> None:
    """A-04, L-03: rows may go a day after the last failure, those that lock after 90 days; no sooner."""
    now = world.clock.now()
    second = timedelta(seconds=1)
    ages = {
        ("kept", 9): timedelta(days=1) - second,
        ("gone", 8): timedelta(days=1),
        ("gone", 9): timedelta(days=1) + second,
        ("kept", 10): timedelta(days=90) - second,
        ("gone", 10): timedelta(days=90),
        ("gone", 11): timedelta(days=90) + second,
    }
    with world.db.transaction() as session:
        for number, ((fate, in_a_row), age) in enumerate(ages.items()):
            key = f"{fate}{number}".encode()
            session.add(
                SignInFailure(subject_hash=key, in_a_row=in_a_row, last_failed_at=now - age, recent=[])
            )
    with world.db.transaction() as session:
        session.execute(delete(SignInFailure).where(prunable(now, world.settings)))
        left = session.scalars(select(SignInFailure.subject_hash)).all()
    assert sorted(key[:4] for key in left) == [b"kept", b"kept"]


def test_no_address_is_stored(world: Any) -> None:
    """A-06, L-03: the table holds keyed hashes; another key gives others."""
    _fail(world, 1)
    other = replace(world.settings, secret_key="o" * 48)
    with world.db.reading() as session:
        stored = session.scalars(select(SignInFailure.subject_hash)).all()
    assert stored == [address_hash(world.settings, ADA)]
    assert address_hash(other, ADA) not in stored
    windows = throttling.recovery_windows(world.settings, ADA, "192.0.2.7")
    assert all("ada" not in window.subject for window in windows)


def test_changing_the_password_forgets_the_failures(world: Any) -> None:
    """A-05: failures were tries at the old password."""
    account_id = world.member(ADA)
    here = world.sign_in(ADA)
    _fail(world, 5)
    assert _outcome(world, ADA, PASSWORD) == 60
    world.act(change_password, world.settings, account_id, here.session_id, PASSWORD, OTHER_PASSWORD)
    assert _outcome(world, ADA, OTHER_PASSWORD) == "in"


def test_bearer_grants_are_throttled_alike(world: Any) -> None:
    """A-04: a program waits like a person."""
    account_id = world.member(ADA)
    world.act(grant_bearer, world.act(create_admin, "root@acme.fr"), account_id)
    for _ in range(5):
        assert _outcome(world, transport=Transport.BEARER) == "wrong"
    assert _outcome(world, ADA, PASSWORD, transport=Transport.BEARER) == 60
