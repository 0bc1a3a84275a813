"""Registering, confirming, passwords and own data, on a real database."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import event, func, select

from marketplace.accounts import queries
from marketplace.accounts.models import Account, AccountSession, MailToken, PasswordKind, Role
from marketplace.accounts.services import (
    AccountHooks,
    change_password,
    confirm_email,
    create_admin,
    grant_bearer,
    request_password_reset,
    resend_confirmation,
    reset_password,
    update_own_data,
)
from marketplace.audit import AuditEntry
from marketplace.errors import ConflictError, FieldError, InvalidInputError, NotFoundError
from marketplace.outbox import OutboxMessage
from marketplace.terms.models import Acceptance
from marketplace.terms.services import AcceptedVersion

OTHER_PASSWORD = "seven quiet owls eat marmalade"
ADA = "ada@example.org"


def _codes(refused: pytest.ExceptionInfo[InvalidInputError]) -> set[tuple[str, str]]:
    return {(fault.field, fault.code) for fault in refused.value.errors}


def _count(world: Any, table: type) -> int:
    with world.db.transaction() as session:
        found: int = session.scalar(select(func.count()).select_from(table))
        return found


def _account(world: Any, account_id: UUID) -> Account:
    with world.db.transaction() as session:
        found: Account = session.get_one(Account, account_id)
        return found


@pytest.mark.parametrize(
    ("today", "birth_date", "allowed"),
    [
        (date(2026, 11, 23), date(2010, 11, 24), False),
        (date(2026, 11, 23), date(2010, 11, 23), True),
        (date(2026, 11, 23), date(2010, 11, 22), True),
        (date(2028, 2, 28), date(2012, 2, 29), False),
        (date(2028, 2, 29), date(2012, 2, 29), True),
    ],
)
def test_nobody_under_sixteen_registers(world: Any, today: date, birth_date: date, allowed: bool) -> None:
    """A1: the sixteenth birthday is old enough, the day before is refused and leaves nothing."""
    world.clock.instant = world.clock.instant.replace(
        year=today.year, month=today.month, day=today.day, hour=0, minute=0, second=0
    )
    if allowed:
        assert world.register(ADA, birth_date=birth_date) is not None
        return
    before = [_count(world, table) for table in (Account, AuditEntry, OutboxMessage, Acceptance)]
    with pytest.raises(InvalidInputError) as refused:
        world.register(ADA, birth_date=birth_date)
    assert refused.value.code == "too_young"
    assert _codes(refused) == {("birth_date", "too_young")}
    assert [_count(world, table) for table in (Account, AuditEntry, OutboxMessage, Acceptance)] == before


def test_the_birthday_begins_at_midnight_utc(world: Any) -> None:
    """A1: a second before midnight UTC the person is fifteen, at midnight sixteen."""
    world.clock.instant = world.clock.instant.replace(hour=23, minute=59, second=59)
    with pytest.raises(InvalidInputError):
        world.register(ADA, birth_date=date(2010, 11, 24))
    world.clock.advance(timedelta(seconds=1))
    assert world.register(ADA, birth_date=date(2010, 11, 24)) is not None


def test_recruiters_are_adults(world: Any) -> None:
    """B1: a recruiter is at least eighteen."""
    with pytest.raises(InvalidInputError) as refused:
        world.register("ada@acme.fr", Role.RECRUITER, birth_date=date(2008, 11, 24))
    assert refused.value.errors == (
        FieldError(
            "birth_date",
            "too_young",
            "You must be at least %(minimum)s years old to register.",
            (("minimum", 18),),
        ),
    )
    assert world.register("ada@acme.fr", Role.RECRUITER, birth_date=date(2008, 11, 23))


@pytest.mark.parametrize("birth_date", [date(1899, 12, 31), date(2026, 11, 24)])
def test_a_birth_date_is_plausible(world: Any, birth_date: date) -> None:
    """A1: a date that cannot be a birth date is told as such, not as an age."""
    with pytest.raises(InvalidInputError) as refused:
        world.register(ADA, birth_date=birth_date)
    assert _codes(refused) == {("birth_date", "implausible_date")}


def test_every_fault_is_told_at_once(world: Any) -> None:
    """A3: names, address, password, language and documents are refused together, nothing stored."""
    with pytest.raises(InvalidInputError) as refused:
        world.register(
            "not an address",
            first_name="  ",
            last_name="x" * 101,
            password="short",
            acceptances=[],
        )
    assert _codes(refused) == {
        ("email", "invalid_email"),
        ("first_name", "required"),
        ("last_name", "too_long"),
        ("password", "password_too_short"),
        ("acceptances.terms_of_use", "acceptance_missing"),
        ("acceptances.privacy_policy", "acceptance_missing"),
    }
    assert _count(world, Account) == 0
    with pytest.raises(InvalidInputError) as refused:
        world.register(ADA, first_name="Ada\u202e", last_name="Love\x00lace", language="de")
    assert _codes(refused) == {
        ("first_name", "unreadable"),
        ("last_name", "unreadable"),
        ("language", "unknown_language"),
    }


def test_acceptances_are_recorded_with_version_and_hash(world: Any) -> None:
    """A2, C-03: each document with its version, language, hash and time."""
    account_id = world.register("ada@acme.fr", Role.RECRUITER, language="fr")
    with world.db.transaction() as session:
        rows = session.scalars(select(Acceptance).where(Acceptance.account_id == account_id)).all()
    assert {(row.document, row.version, row.language) for row in rows} == {
        (name, "1.0", "fr") for name in ("terms_of_use", "privacy_policy", "special_terms", "ethical_code")
    }
    assert all(len(row.text_hash) == 64 and row.accepted_at == world.clock.now() for row in rows)


def test_an_outdated_version_is_no_acceptance(world: Any) -> None:
    """A2: only the version in force counts."""
    with pytest.raises(InvalidInputError) as refused:
        world.register(
            ADA,
            acceptances=[AcceptedVersion("terms_of_use", "0.9"), AcceptedVersion("privacy_policy", "1.0")],
        )
    assert _codes(refused) == {("acceptances.terms_of_use", "version_not_in_force")}


def test_a_known_address_gets_a_mail_and_no_second_account(world: Any) -> None:
    """A5: an address that folds to a known one makes no account; its owner is told."""
    world.member("ada.lovelace@gmail.com")
    assert world.register("ADA.love.lace+jobs@googlemail.com", first_name="Eve") is None
    assert _count(world, Account) == 1
    mails = world.mails("ada.lovelace@gmail.com")
    assert mails[-1].subject == "You already have an account"
    assert not world.mails("ADA.love.lace+jobs@googlemail.com")


def test_the_owner_of_an_unconfirmed_account_can_confirm_it(world: Any) -> None:
    """A5: before the confirmation, a second registration mails the owner a link that works."""
    world.register(ADA)
    assert world.register(ADA, first_name="Win money at http://evil.example") is None
    token = world.link(ADA, "confirm-email")
    assert world.act(confirm_email, token, world.hooks).role is Role.CANDIDATE
    assert all("evil" not in mail.text for mail in world.sink.sent)


def test_two_registrations_at_once_make_one_account(world: Any) -> None:
    """A-06: the unique index decides between two concurrent registrations; both get an answer."""
    barrier = threading.Barrier(2)
    outcomes: list[UUID | None] = []

    def register() -> None:
        barrier.wait()
        outcomes.append(world.register(ADA))

    threads = [threading.Thread(target=register) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(outcomes) == 2
    assert sum(outcome is not None for outcome in outcomes) == 1
    assert _count(world, Account) == 1


def test_a_confirmation_link_works_once(world: Any) -> None:
    """A3, A-09: the link is single-use, and only its hash is stored."""
    account_id = world.register(ADA)
    token = world.link(ADA, "confirm-email")
    with world.db.transaction() as session:
        assert all(token.encode() not in row.token_hash for row in session.scalars(select(MailToken)))
        assert token not in str([row.details for row in session.scalars(select(OutboxMessage))])
    confirmed = world.act(confirm_email, token, world.hooks)
    assert (confirmed.account_id, confirmed.password_is_mailed) == (account_id, False)
    with pytest.raises(InvalidInputError) as refused:
        world.act(confirm_email, token, world.hooks)
    assert _codes(refused) == {("token", "invalid_token")}


@pytest.mark.parametrize(("late", "works"), [(-1, True), (0, False), (1, False)])
def test_a_confirmation_link_lives_a_day(world: Any, late: int, works: bool) -> None:
    """A3: good for 24 hours, not at their end or after."""
    world.register(ADA)
    token = world.link(ADA, "confirm-email")
    world.clock.advance(timedelta(hours=24, seconds=late))
    if works:
        assert world.act(confirm_email, token, world.hooks)
    else:
        with pytest.raises(InvalidInputError):
            world.act(confirm_email, token, world.hooks)


@pytest.mark.parametrize("token", ["", "x", "é\ud800", "a" * 10_000])
def test_any_other_token_is_refused(world: Any, token: str) -> None:
    """A-09: whatever is sent as a token, the answer is the same refusal."""
    for service in (
        lambda: world.act(confirm_email, token, world.hooks),
        lambda: world.act(reset_password, world.settings, token, OTHER_PASSWORD),
    ):
        with pytest.raises(InvalidInputError) as refused:
            service()
        assert _codes(refused) == {("token", "invalid_token")}


def test_a_token_serves_its_purpose_only(world: Any) -> None:
    """A-09: a confirmation token is refused for a reset and the reverse."""
    world.register(ADA)
    confirmation = world.link(ADA, "confirm-email")
    with pytest.raises(InvalidInputError):
        world.act(reset_password, world.settings, confirmation, OTHER_PASSWORD)
    world.act(confirm_email, confirmation, world.hooks)
    world.act(request_password_reset, ADA)
    reset = world.link(ADA, "reset-password")
    with pytest.raises(InvalidInputError):
        world.act(confirm_email, reset, world.hooks)


def test_confirming_tells_the_role(world: Any) -> None:
    """B4: the feature of the role carries its account on, in the same transaction, once."""
    told: list[UUID] = []
    hooks = AccountHooks(
        confirmed={Role.RECRUITER: lambda _session, _now, account_id: told.append(account_id)}
    )
    account_id = world.register("ada@acme.fr", Role.RECRUITER)
    world.act(confirm_email, world.link("ada@acme.fr", "confirm-email"), hooks)
    assert told == [account_id]


def test_a_new_link_replaces_the_old_one(world: Any) -> None:
    """A3: after another confirmation mail only the newest link works; afterwards none is sent."""
    world.register(ADA)
    first = world.link(ADA, "confirm-email")
    world.act(resend_confirmation, "ADA@example.org")
    second = world.link(ADA, "confirm-email")
    with pytest.raises(InvalidInputError):
        world.act(confirm_email, first, world.hooks)
    world.act(confirm_email, second, world.hooks)
    mails = len(world.mails(ADA))
    world.act(resend_confirmation, ADA)
    world.act(resend_confirmation, "nobody@example.org")
    assert len(world.mails(ADA)) == mails
    assert not world.mails("nobody@example.org")


def _temporary_password(world: Any, address: str = ADA) -> str:
    text = world.mails(address)[-1].text
    found = re.search(r"^[\w-]{22}$", text, re.MULTILINE)
    assert found, text
    return found[0]


def test_a_temporary_password_works_once_and_must_be_changed(world: Any) -> None:
    """A3, A-08: mailed after the confirmation, good for one sign-in, replaced there."""
    account_id = world.member(ADA, password=None)
    secret = _temporary_password(world)
    signed_in = world.sign_in(ADA, secret)
    assert signed_in.next == "change_password"
    assert world.sign_in(ADA, secret) is None
    world.act(change_password, world.settings, account_id, signed_in.session_id, None, OTHER_PASSWORD)
    assert world.sign_in(ADA, secret) is None
    assert world.sign_in(ADA, OTHER_PASSWORD).next is None


@pytest.mark.parametrize(("late", "works"), [(-1, True), (0, False), (1, False)])
def test_a_temporary_password_lives_three_days(world: Any, late: int, works: bool) -> None:
    """A3: 72 hours from the mail, not at their end or after."""
    world.member(ADA, password=None)
    secret = _temporary_password(world)
    world.clock.advance(timedelta(hours=72, seconds=late))
    assert (world.sign_in(ADA, secret) is not None) is works


def test_a_temporary_password_is_made_when_it_is_mailed(world: Any) -> None:
    """A-08: before the mail goes out there is no password at all; the outbox holds none."""
    account_id = world.register(ADA, password=None)
    world.act(confirm_email, world.link(ADA, "confirm-email"), world.hooks)
    assert _account(world, account_id).password_kind == PasswordKind.NONE
    secret = _temporary_password(world)
    stored = _account(world, account_id).password_hash
    assert stored is not None
    assert stored.startswith("$argon2id$")
    assert secret not in stored


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
    assert _count(world, AccountSession) == 0
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
    world.act(change_password, world.settings, account_id, session_id, world_password(), OTHER_PASSWORD)


def world_password() -> str:
    return "violet tractors sing at noon"


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


def test_admins_have_no_recovery_by_mail(world: Any) -> None:
    """R-04: same answer, no mail; the command line renews an admin's password and ends the sessions."""
    address = "root@acme.fr"
    admin_id = world.act(create_admin, address)
    world.act(confirm_email, world.link(address, "confirm-email"), world.hooks)
    secret = _temporary_password(world, address)
    assert world.sign_in(address, secret).next == "change_password"
    mails = len(world.mails(address))
    world.act(request_password_reset, address)
    assert len(world.mails(address)) == mails
    assert world.act(create_admin, address) == admin_id
    assert _count(world, AccountSession) == 0
    renewed = _temporary_password(world, address)
    assert renewed != secret
    assert world.sign_in(address, renewed) is not None


def test_an_address_of_a_member_becomes_no_admin(world: Any) -> None:
    """A5: one role an account."""
    world.member(ADA)
    with pytest.raises(ConflictError):
        world.act(create_admin, ADA)


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
        change_password, world.settings, account_id, here.session_id, world_password(), OTHER_PASSWORD
    )
    assert _session(world, changed.token) is not None
    assert changed.expires_at == here.expires_at
    assert _session(world, here.token) is None
    assert _session(world, there.token) is None
    assert world.mails(ADA)[-1].subject == "Your password was changed"


def _session(world: Any, token: str) -> queries.SessionFacts | None:
    from marketplace.accounts.services import hash_token

    with world.db.reading() as session:
        return queries.session_by_token(session, world.clock.now(), world.settings, hash_token(token))


def test_changing_needs_the_current_password(world: Any) -> None:
    """S-06: a wrong or missing current password, or the same one again, changes nothing."""
    account_id = world.member(ADA)
    here = world.sign_in(ADA)
    for current, new, expected in [
        ("wrong", OTHER_PASSWORD, ("current_password", "wrong_password")),
        (None, OTHER_PASSWORD, ("current_password", "wrong_password")),
        (world_password(), world_password(), ("new_password", "password_unchanged")),
        (world_password(), "short", ("new_password", "password_too_short")),
    ]:
        with pytest.raises(InvalidInputError) as refused:
            world.act(change_password, world.settings, account_id, here.session_id, current, new)
        assert _codes(refused) == {expected}
    assert _session(world, here.token) is not None


def test_own_data_is_corrected(world: Any) -> None:
    """A7: names and language; the role's feature is told of a new name, and only then."""
    renamed: list[UUID] = []
    hooks = AccountHooks(renamed={Role.CANDIDATE: lambda _s, _n, account_id: renamed.append(account_id)})
    account_id = world.member(ADA)
    world.act(update_own_data, account_id, hooks, first_name="  Augusta   Ada ", language="fr")
    account = _account(world, account_id)
    assert (account.first_name, account.last_name, account.language) == ("Augusta Ada", "Lovelace", "fr")
    world.act(update_own_data, account_id, hooks, first_name="Augusta Ada")
    world.act(update_own_data, account_id, hooks, language="en")
    assert renamed == [account_id]
    with pytest.raises(InvalidInputError) as refused:
        world.act(update_own_data, account_id, hooks, last_name=" ", language="de")
    assert _codes(refused) == {("last_name", "required"), ("language", "unknown_language")}


def test_bearer_access_is_granted_and_recorded(world: Any) -> None:
    """interface.md: an admin lets an account sign in as a program; nobody else's id is known."""
    account_id = world.member(ADA)
    admin_id = world.act(create_admin, "root@acme.fr")
    world.act(grant_bearer, admin_id, account_id)
    assert _account(world, account_id).may_use_bearer
    with world.db.transaction() as session:
        entry = session.scalars(select(AuditEntry).where(AuditEntry.act == "bearer.granted")).one()
    assert (entry.actor_id, entry.subject_id) == (admin_id, str(account_id))
    with pytest.raises(NotFoundError):
        world.act(grant_bearer, admin_id, uuid4())
