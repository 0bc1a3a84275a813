"""Page cursors (rules E2; security X-02)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marketplace.errors import InvalidInputError
from marketplace.search import cursor
from marketplace.search.query import Position, Sort

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
ACCOUNT = UUID(int=1)
SECRET = "s" * 32
SOMEWHERE = Position(Sort.FRESH, 2**62 + 5, 20)


def made(position: Position = SOMEWHERE) -> str:
    return cursor.write(position, account_id=ACCOUNT, fingerprint="f", secret=SECRET, now=NOW, minutes=15)


def read(text: str, **changed: Any) -> Position:
    known: dict[str, Any] = {
        "account_id": ACCOUNT,
        "fingerprint": "f",
        "secret": SECRET,
        "now": NOW,
        "window": 500,
    }
    return cursor.read(text, **{**known, **changed})


def refusal(text: str, **changed: Any) -> str:
    with pytest.raises(InvalidInputError) as caught:
        read(text, **changed)
    assert [error.field for error in caught.value.errors] == ["cursor"]
    assert caught.value.errors[0].code == caught.value.code
    return caught.value.code


@pytest.mark.parametrize("order", list(Sort))
def test_a_cursor_comes_back_whole(order: Sort) -> None:
    """E2: the cursor says where the next page starts."""
    position = Position(order, 2**62, 499)
    assert read(made(position)) == position


def test_a_cursor_is_of_one_account_and_one_search() -> None:
    """E2: another account, another search or another key reads nothing from it."""
    assert refusal(made(), account_id=UUID(int=2)) == "cursor_invalid"
    assert refusal(made(), fingerprint="g") == "cursor_invalid"
    assert refusal(made(), secret="t" * 32) == "cursor_invalid"


def test_a_cursor_lives_fifteen_minutes() -> None:
    """X-02: good up to and at the bound, expired just after."""
    bound = NOW + timedelta(minutes=15)
    assert read(made(), now=bound - timedelta(seconds=1)) == SOMEWHERE
    assert read(made(), now=bound) == SOMEWHERE
    assert refusal(made(), now=bound + timedelta(seconds=1)) == "cursor_expired"


def test_the_window_ends_at_500() -> None:
    """E2: a page may start before the 500th hit, not after it."""
    assert read(made(Position(Sort.START, 1, 499))).seen == 499
    assert refusal(made(Position(Sort.START, 1, 500))) == "window_exceeded"


def test_a_cursor_shows_no_account() -> None:
    """E2: the cursor is opaque: not even the own account id stands in it."""
    assert str(ACCOUNT) not in made()
    assert ACCOUNT.hex not in made()


@settings(deadline=None)
@given(st.text(max_size=600))
def test_any_other_string_is_invalid(text: str) -> None:
    """X-02: what was not given here is refused, whatever it is."""
    assert refusal(text) == "cursor_invalid"


@settings(deadline=None)
@given(st.data())
def test_an_altered_cursor_is_invalid(data: st.DataObject) -> None:
    """X-02: no character can be changed."""
    whole = made()
    place = data.draw(st.integers(0, len(whole) - 2))
    other = data.draw(st.sampled_from("abcXYZ019-_.").filter(lambda c: c != whole[place]))
    assert refusal(whole[:place] + other + whole[place + 1 :]) == "cursor_invalid"
