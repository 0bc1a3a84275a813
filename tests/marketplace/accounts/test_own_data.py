"""Correcting one's own data, on a real database."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from marketplace.accounts.hooks import AccountHooks
from marketplace.accounts.models import Role
from marketplace.accounts.own_data import update_own_data
from marketplace.errors import InvalidInputError

ADA = "ada@example.org"


def _codes(refused: pytest.ExceptionInfo[InvalidInputError]) -> set[tuple[str, str]]:
    return {(fault.field, fault.code) for fault in refused.value.errors}


def test_own_data_is_corrected(world: Any) -> None:
    """A7: names and language; the role's feature is told of a new name, and only then."""
    renamed: list[UUID] = []
    hooks = AccountHooks(renamed={Role.CANDIDATE: lambda _s, _n, account_id: renamed.append(account_id)})
    account_id = world.member(ADA)
    world.act(update_own_data, account_id, hooks, first_name="  Augusta   Ada ", language="fr")
    account = world.account(account_id)
    assert (account.first_name, account.last_name, account.language) == ("Augusta Ada", "Lovelace", "fr")
    world.act(update_own_data, account_id, hooks, first_name="Augusta Ada")
    world.act(update_own_data, account_id, hooks, language="en")
    assert renamed == [account_id]
    with pytest.raises(InvalidInputError) as refused:
        world.act(update_own_data, account_id, hooks, last_name=" ", language="de")
    assert _codes(refused) == {("last_name", "required"), ("language", "unknown_language")}
