"""Tokens of mailed links, on a real database."""

from __future__ import annotations

from typing import Any

import pytest

from marketplace.accounts.password_changes import request_password_reset, reset_password
from marketplace.accounts.registration import confirm_email
from marketplace.errors import InvalidInputError

OTHER_PASSWORD = "seven quiet owls eat marmalade"
ADA = "ada@example.org"


def _codes(refused: pytest.ExceptionInfo[InvalidInputError]) -> set[tuple[str, str]]:
    return {(fault.field, fault.code) for fault in refused.value.errors}


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
