"""Registering, confirming the address and the temporary password after it, on a real database."""

from __future__ import annotations

import threading
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from marketplace.accounts.hooks import AccountHooks
from marketplace.accounts.models import Account, MailToken, PasswordKind, Role
from marketplace.accounts.password_changes import change_password
from marketplace.accounts.registration import confirm_email, resend_confirmation
from marketplace.audit import AuditEntry
from marketplace.errors import FieldError, InvalidInputError
from marketplace.outbox import OutboxMessage
from marketplace.terms.models import Acceptance
from marketplace.terms.services import AcceptedVersion

OTHER_PASSWORD = "seven quiet owls eat marmalade"
ADA = "ada@example.org"


def _codes(refused: pytest.ExceptionInfo[InvalidInputError]) -> set[tuple[str, str]]:
    return {(fault.field, fault.code) for fault in refused.value.errors}


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
    before = [world.count(table) for table in (Account, AuditEntry, OutboxMessage, Acceptance)]
    with pytest.raises(InvalidInputError) as refused:
        world.register(ADA, birth_date=birth_date)
    assert refused.value.code == "too_young"
    assert _codes(refused) == {("birth_date", "too_young")}
    assert [world.count(table) for table in (Account, AuditEntry, OutboxMessage, Acceptance)] == before


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
    assert world.count(Account) == 0
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
    assert world.count(Account) == 1
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
    assert world.count(Account) == 1


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


def test_a_temporary_password_works_once_and_must_be_changed(world: Any) -> None:
    """A3, A-08: mailed after the confirmation, good for one sign-in, replaced there."""
    account_id = world.member(ADA, password=None)
    secret = world.temporary_password(ADA)
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
    secret = world.temporary_password(ADA)
    world.clock.advance(timedelta(hours=72, seconds=late))
    assert (world.sign_in(ADA, secret) is not None) is works


def test_a_temporary_password_is_made_when_it_is_mailed(world: Any) -> None:
    """A-08: before the mail goes out there is no password at all; the outbox holds none."""
    account_id = world.register(ADA, password=None)
    world.act(confirm_email, world.link(ADA, "confirm-email"), world.hooks)
    assert world.account(account_id).password_kind == PasswordKind.NONE
    secret = world.temporary_password(ADA)
    stored = world.account(account_id).password_hash
    assert stored is not None
    assert stored.startswith("$argon2id$")
    assert secret not in stored
