"""Signing in and sessions, on a real database."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from argon2 import PasswordHasher, extract_parameters
from sqlalchemy import select

from marketplace.accounts import passwords, queries
from marketplace.accounts.admins import create_admin
from marketplace.accounts.models import Account, AccountSession, Role
from marketplace.accounts.sessions import end_all, end_session, sign_out, touch_session
from marketplace.accounts.tokens import hash_token
from marketplace.errors import NotFoundError

ADA = "ada@example.org"
PASSWORD = "violet tractors sing at noon"


def _facts(world: Any, token: str) -> queries.SessionFacts | None:
    with world.db.reading() as session:
        return queries.session_by_token(session, world.clock.now(), world.settings, hash_token(token))


def test_only_the_hash_of_a_token_is_stored(world: Any) -> None:
    """S-01: 256 random bits, of which the database holds the SHA-256 alone."""
    world.member(ADA)
    tokens = {world.sign_in(ADA).token for _ in range(20)}
    assert len(tokens) == 20
    assert all(len(token) >= 43 for token in tokens)
    with world.db.transaction() as session:
        stored = {row.token_hash for row in session.scalars(select(AccountSession))}
    assert stored == {hash_token(token) for token in tokens}


@pytest.mark.parametrize(
    ("role", "idle", "absolute"),
    [
        (Role.CANDIDATE, timedelta(minutes=60), timedelta(hours=12)),
        (Role.RECRUITER, timedelta(minutes=60), timedelta(hours=12)),
        (Role.ADMIN, timedelta(minutes=15), timedelta(hours=8)),
    ],
)
def test_session_limits(world: Any, role: Role, idle: timedelta, absolute: timedelta) -> None:
    """S-02: idle and absolute ends by role."""
    limits = queries.session_limits(world.settings, role)
    assert (limits.idle, limits.absolute) == (idle, absolute)


def test_use_extends_the_rest_but_not_the_end(world: Any) -> None:
    """S-02, B5: touching moves the idle end, and is authenticated activity."""
    account_id = world.member(ADA)
    opened = world.sign_in(ADA)
    world.clock.advance(timedelta(minutes=50))
    world.act(touch_session, opened.session_id, account_id)
    world.clock.advance(timedelta(minutes=50))
    facts = _facts(world, opened.token)
    assert facts is not None
    assert facts.expires_at == opened.expires_at
    with world.db.transaction() as session:
        account = session.get(Account, account_id)
        assert account is not None
        assert account.last_activity_at == world.clock.now() - timedelta(minutes=50)


def test_a_recruiter_has_three_sessions(world: Any) -> None:
    """S-05: the fourth sign-in ends the oldest and says so by mail; candidates have no such limit."""
    world.member("ada@acme.fr", Role.RECRUITER)
    opened = []
    for _ in range(4):
        opened.append(world.sign_in("ada@acme.fr"))
        world.clock.advance(timedelta(minutes=1))
    assert [_facts(world, one.token) is not None for one in opened] == [False, True, True, True]
    assert [mail.subject for mail in world.mails("ada@acme.fr")].count("One of your sessions was ended") == 1


def test_sign_ins_at_once_keep_the_limit(world: Any) -> None:
    """S-05: parallel sign-ins of one recruiter never leave more than three sessions."""
    account_id = world.member("ada@acme.fr", Role.RECRUITER)
    threads = [threading.Thread(target=world.sign_in, args=("ada@acme.fr",)) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with world.db.reading() as session:
        live = queries.live_sessions(session, world.clock.now(), world.settings, account_id)
    assert len(live) == 3


def test_a_temporary_password_is_spent_once_in_a_race(world: Any) -> None:
    """A-08: of parallel sign-ins with one temporary password, one succeeds."""
    world.member(ADA, password=None)
    secret = next(
        line for line in world.mails(ADA)[-1].text.splitlines() if len(line) == 22 and " " not in line
    )
    outcomes: list[Any] = []
    threads = [threading.Thread(target=lambda: outcomes.append(world.sign_in(ADA, secret))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(outcome is not None for outcome in outcomes) == 1


def test_sign_out_and_ends(world: Any) -> None:
    """S-04, S-05: signing out, ending one, ending all but this one; each at once and for good."""
    account_id = world.member(ADA)
    first, second, third = (world.sign_in(ADA) for _ in range(3))
    world.act(sign_out, account_id, first.session_id)
    world.act(sign_out, account_id, first.session_id)
    assert _facts(world, first.token) is None
    with pytest.raises(NotFoundError):
        world.act(end_session, account_id, first.session_id)
    with pytest.raises(NotFoundError):
        world.act(end_session, UUID(int=0), second.session_id)
    assert world.act(end_all, account_id, keep=third.session_id) == 1
    assert _facts(world, second.token) is None
    assert _facts(world, third.token) is not None
    assert world.act(end_all, account_id) == 1
    with pytest.raises(NotFoundError):
        world.act(end_all, UUID(int=0))


def test_another_epoch_voids_a_session(world: Any) -> None:
    """S-04: raising the account's epoch ends what was signed in before."""
    account_id = world.member(ADA)
    opened = world.sign_in(ADA)
    with world.db.transaction() as session:
        session.get(Account, account_id).epoch += 1
    assert _facts(world, opened.token) is None


def test_the_same_work_for_every_refusal(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A-07: unknown, unconfirmed and unreadable addresses cost one verification, like known ones."""
    world.member(ADA)
    world.register("new@example.org")
    done: list[str | None] = []
    verify = passwords.verify_password

    def counted(stored: str | None, password: str, memory_kib: int) -> passwords.Verification:
        done.append(stored)
        return verify(stored, password, memory_kib)

    monkeypatch.setattr(passwords, "verify_password", counted)
    for email in (ADA, "new@example.org", "nobody@example.org", "no address"):
        assert world.sign_in(email, "wrong") is None
    assert len(done) == 4
    assert done[0] is not None
    assert done[1:] == [None, None, None]


def test_old_parameters_are_renewed_at_sign_in(world: Any) -> None:
    """A-01: a hash of other parameters verifies, and is replaced."""
    account_id = world.member(ADA)
    old = PasswordHasher(time_cost=2, memory_cost=16, parallelism=1).hash(PASSWORD)
    with world.db.transaction() as session:
        session.get(Account, account_id).password_hash = old
    assert world.sign_in(ADA) is not None
    with world.db.transaction() as session:
        account = session.get(Account, account_id)
        assert account is not None
        assert account.password_hash is not None
        parameters = extract_parameters(account.password_hash)
    assert (parameters.time_cost, parameters.memory_cost) == (1, world.settings.password_hash_memory_kib)
    assert world.sign_in(ADA) is not None


def test_admins_sign_in_with_shorter_sessions(world: Any) -> None:
    """S-02: an admin's session ends after eight hours at most."""
    world.act(create_admin, "root@acme.fr", first_name="Root")
    from marketplace.accounts.registration import confirm_email

    world.act(confirm_email, world.link("root@acme.fr", "confirm-email"), world.hooks)
    text = world.mails("root@acme.fr")[-1].text
    secret = next(line for line in text.splitlines() if len(line) == 22 and " " not in line)
    opened = world.sign_in("root@acme.fr", secret)
    assert opened.expires_at == world.clock.now() + timedelta(hours=8)
    world.clock.advance(timedelta(minutes=15, seconds=1))
    assert _facts(world, opened.token) is None
