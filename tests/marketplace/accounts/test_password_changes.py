"""Passwords reset by a mailed link and changed by who knows them, on a real database."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import event, select

from marketplace.accounts import queries
from marketplace.accounts.admins import create_admin
from marketplace.accounts.models import AccountSession
from marketplace.accounts.password_changes import change_password, request_password_reset, reset_password
from marketplace.accounts.registration import confirm_email, resend_confirmation
from marketplace.accounts.tokens import hash_token
from marketplace.errors import InvalidInputError
from tests.marketplace.accounts.conftest import PASSWORD

OTHER_PASSWORD = "seven quiet owls eat marmalade"
ADA = "ada@example.org"


def _codes(refused: pytest.ExceptionInfo[InvalidInputError]) -> set[tuple[str, str]]:
    return {(fault.field, fault.code) for fault in refused.value.errors}


def _statements(world: Any, service: Any, address: str) -> list[str]:
    """Return the statements a service runs, without their values."""
    seen: list[str] = []

    def note(_: Any, __: Any, statement: str, *___: Any) -> None:
        seen.append(statement)

    event.listen(world.db.engine, "before_cursor_execute", note)
    try:
        world.act(service, address)
    finally:
        event.remove(world.db.engine, "before_cursor_execute", note)
    return seen


def test_recovery_does_the_same_work_for_everybody(world: Any) -> None:
    """A6, A-07: a known, an unknown and an admin's address cost the same; only the known one has a mail."""
    world.member(ADA)
    world.act(create_admin, "root@acme.fr")
    world.act(confirm_email, world.link("root@acme.fr", "confirm-email"), world.hooks)
    before = {address: len(world.mails(address)) for address in (ADA, "root@acme.fr", "nobody@example.org")}
    for service in (request_password_reset, resend_confirmation):
        known = _statements(world, service, ADA)
        assert known == _statements(world, service, "nobody@example.org")
        assert known == _statements(world, service, "root@acme.fr")
    got = {address: len(world.mails(address)) - count for address, count in before.items()}
    assert got == {ADA: 1, "root@acme.fr": 0, "nobody@example.org": 0}


def test_a_forgotten_password_is_set_by_a_link(world: Any) -> None:
    """A6, R-04: the link sets the password, ends every session, signs nobody in and sends a notice."""
    world.member(ADA)
    world.sign_in(ADA)
    world.act(request_password_reset, "Ada+x@EXAMPLE.org")
    token = world.link(ADA, "reset-password")
    world.act(reset_password, world.settings, token, OTHER_PASSWORD)
    assert world.count(AccountSession) == 0
    assert world.sign_in(ADA) is None
    assert world.sign_in(ADA, OTHER_PASSWORD) is not None
    notice = world.mails(ADA)[-1]
    assert notice.subject == "Your password was changed"
    assert OTHER_PASSWORD not in notice.text


@pytest.mark.parametrize(("late", "works"), [(-1, True), (0, False), (1, False)])
def test_a_reset_link_lives_half_an_hour(world: Any, late: int, works: bool) -> None:
    """A6: 30 minutes from the mail, not at their end or after."""
    world.member(ADA)
    world.act(request_password_reset, ADA)
    token = world.link(ADA, "reset-password")
    world.clock.advance(timedelta(minutes=30, seconds=late))
    if works:
        world.act(reset_password, world.settings, token, OTHER_PASSWORD)
    else:
        with pytest.raises(InvalidInputError):
            world.act(reset_password, world.settings, token, OTHER_PASSWORD)


def _change(world: Any, account_id: UUID) -> None:
    with world.db.transaction() as session:
        session_id = session.scalar(select(AccountSession.id))
    world.act(change_password, world.settings, account_id, session_id, PASSWORD, OTHER_PASSWORD)


VOIDING: dict[str, Callable[[Any, UUID], Any]] = {
    "a new request": lambda world, _: world.act(request_password_reset, ADA),
    "a sign-in": lambda world, _: world.sign_in(ADA),
    "a password change": _change,
}


@pytest.mark.parametrize("event", VOIDING)
def test_a_reset_link_is_void_after(world: Any, event: str) -> None:
    """R-01: a new request, a sign-in and a password change void the link."""
    account_id = world.member(ADA)
    world.sign_in(ADA)
    world.clock.advance(timedelta(seconds=1))
    world.act(request_password_reset, ADA)
    token = world.link(ADA, "reset-password")
    VOIDING[event](world, account_id)
    with pytest.raises(InvalidInputError):
        world.act(reset_password, world.settings, token, "another password entirely ok")


@pytest.mark.parametrize("event", ["a sign-in", "a password change"])
def test_a_reset_that_is_overtaken_is_not_mailed(world: Any, event: str) -> None:
    """R-01: what voids a link also voids one that still waits in the queue."""
    account_id = world.member(ADA)
    world.sign_in(ADA)
    mails = len(world.mails(ADA))
    world.act(request_password_reset, ADA)
    world.clock.advance(timedelta(seconds=1))
    VOIDING[event](world, account_id)
    subjects = [mail.subject for mail in world.mails(ADA)[mails:]]
    assert "Set a new password" not in subjects


def test_two_resets_at_once_change_it_once(world: Any) -> None:
    """R-01: of two parallel posts of one link, one works."""
    world.member(ADA)
    world.act(request_password_reset, ADA)
    token = world.link(ADA, "reset-password")
    results: list[str] = []

    def reset(password: str) -> None:
        try:
            world.act(reset_password, world.settings, token, password)
            results.append("done")
        except InvalidInputError:
            results.append("refused")

    threads = [
        threading.Thread(target=reset, args=(password,))
        for password in (OTHER_PASSWORD, "nine brass kettles at dawn")
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == ["done", "refused"]


def test_a_refused_password_leaves_the_reset_link(world: Any) -> None:
    """A6: who mistypes the new password need not ask for another mail."""
    world.member(ADA)
    world.act(request_password_reset, ADA)
    token = world.link(ADA, "reset-password")
    with pytest.raises(InvalidInputError) as refused:
        world.act(reset_password, world.settings, token, "too short")
    assert _codes(refused) == {("password", "password_too_short")}
    world.act(reset_password, world.settings, token, OTHER_PASSWORD)


def test_an_unconfirmed_account_is_asked_to_confirm_first(world: Any) -> None:
    """A-09: a reset asked for an unconfirmed account mails the confirmation link again."""
    world.register(ADA)
    world.act(request_password_reset, ADA)
    assert [mail.subject for mail in world.mails(ADA)] == ["Confirm your e-mail address"] * 2


def test_changing_the_password_keeps_this_session_alone(world: Any) -> None:
    """S-03, S-04: the session goes on under a new token, the old token and the others end."""
    account_id = world.member(ADA)
    here, there = world.sign_in(ADA), world.sign_in(ADA)
    changed = world.act(
        change_password, world.settings, account_id, here.session_id, PASSWORD, OTHER_PASSWORD
    )
    assert _session(world, changed.token) is not None
    assert changed.expires_at == here.expires_at
    assert _session(world, here.token) is None
    assert _session(world, there.token) is None
    assert world.mails(ADA)[-1].subject == "Your password was changed"


def _session(world: Any, token: str) -> queries.SessionFacts | None:
    with world.db.reading() as session:
        return queries.session_by_token(session, world.clock.now(), world.settings, hash_token(token))


def test_changing_needs_the_current_password(world: Any) -> None:
    """S-06: a wrong or missing current password, or the same one again, changes nothing."""
    account_id = world.member(ADA)
    here = world.sign_in(ADA)
    for current, new, expected in [
        ("wrong", OTHER_PASSWORD, ("current_password", "wrong_password")),
        (None, OTHER_PASSWORD, ("current_password", "wrong_password")),
        (PASSWORD, PASSWORD, ("new_password", "password_unchanged")),
        (PASSWORD, "short", ("new_password", "password_too_short")),
    ]:
        with pytest.raises(InvalidInputError) as refused:
            world.act(change_password, world.settings, account_id, here.session_id, current, new)
        assert _codes(refused) == {expected}
    assert _session(world, here.token) is not None
