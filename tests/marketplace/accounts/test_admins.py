"""Accounts of admins and the grant of access for programs, on a real database."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import select

from marketplace.accounts.admins import create_admin, grant_bearer
from marketplace.accounts.models import AccountSession
from marketplace.accounts.password_changes import request_password_reset
from marketplace.accounts.registration import confirm_email
from marketplace.audit import AuditEntry
from marketplace.errors import ConflictError, NotFoundError

ADA = "ada@example.org"


def test_admins_have_no_recovery_by_mail(world: Any) -> None:
    """R-04: same answer, no mail; the command line renews an admin's password and ends the sessions."""
    address = "root@acme.fr"
    admin_id = world.act(create_admin, address)
    world.act(confirm_email, world.link(address, "confirm-email"), world.hooks)
    secret = world.temporary_password(address)
    assert world.sign_in(address, secret).next == "change_password"
    mails = len(world.mails(address))
    world.act(request_password_reset, address)
    assert len(world.mails(address)) == mails
    assert world.act(create_admin, address) == admin_id
    assert world.count(AccountSession) == 0
    renewed = world.temporary_password(address)
    assert renewed != secret
    assert world.sign_in(address, renewed) is not None


def test_an_address_of_a_member_becomes_no_admin(world: Any) -> None:
    """A5: one role an account."""
    world.member(ADA)
    with pytest.raises(ConflictError):
        world.act(create_admin, ADA)


def test_bearer_access_is_granted_and_recorded(world: Any) -> None:
    """interface.md: an admin lets an account sign in as a program; nobody else's id is known."""
    account_id = world.member(ADA)
    admin_id = world.act(create_admin, "root@acme.fr")
    world.act(grant_bearer, admin_id, account_id)
    assert world.account(account_id).may_use_bearer
    with world.db.transaction() as session:
        entry = session.scalars(select(AuditEntry).where(AuditEntry.act == "bearer.granted")).one()
    assert (entry.actor_id, entry.subject_id) == (admin_id, str(account_id))
    with pytest.raises(NotFoundError):
        world.act(grant_bearer, admin_id, uuid4())
