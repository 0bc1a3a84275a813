"""Cursors of lists: opaque, bound, short-lived (interface.md, security.md X-02)."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest

from marketplace.clock import FixedClock
from marketplace.errors import InvalidCursorError
from marketplace.settings import Settings
from marketplace.web.paging import decode_cursor, encode_cursor, page_of

ME, OTHER = uuid4(), uuid4()


def test_a_cursor_comes_back_as_it_went(settings: Settings, clock: FixedClock) -> None:
    """The key of the last row is found again; no cursor is the first page."""
    cursor = encode_cursor(settings, ME, "contacts", clock.now(), ["2026-11-23", 7, None])
    assert decode_cursor(settings, ME, "contacts", clock.now(), cursor) == ("2026-11-23", 7, None)
    assert decode_cursor(settings, ME, "contacts", clock.now(), None) is None
    assert decode_cursor(settings, ME, "contacts", clock.now(), "") is None


def test_a_cursor_is_of_one_account_and_list(settings: Settings, clock: FixedClock) -> None:
    """X-02: another account's or list's cursor, or an altered one, is 400."""
    cursor = encode_cursor(settings, ME, "contacts", clock.now(), [1])
    for account, listing, text in (
        (OTHER, "contacts", cursor), (ME, "downloads", cursor), (ME, "contacts", cursor + "x"),
        (ME, "contacts", "x" * 9999), (ME, "contacts", "."), (ME, "contacts", "é.é"),
    ):  # fmt: skip
        with pytest.raises(InvalidCursorError):
            decode_cursor(settings, account, listing, clock.now(), text)


def test_a_cursor_ends(settings: Settings, clock: FixedClock) -> None:
    """X-02: 15 minutes: just before and at the bound it is good, after it is `cursor_expired`, 400."""
    cursor = encode_cursor(settings, ME, "contacts", clock.now(), [1])
    life = timedelta(minutes=settings.cursor_minutes)
    for age in (life - timedelta(seconds=1), life):
        assert decode_cursor(settings, ME, "contacts", clock.now() + age, cursor) == (1,)
    with pytest.raises(InvalidCursorError, match="cursor_expired"):
        decode_cursor(settings, ME, "contacts", clock.now() + life + timedelta(seconds=1), cursor)


@pytest.mark.parametrize(
    ("rows", "expected"), [([], ([], None)), ([1, 2], ([1, 2], None)), ([1, 2, 3], ([1, 2], "after 2"))]
)
def test_one_row_more_says_that_there_is_a_next_page(rows: list[int], expected: object) -> None:
    """A page of two: the third row read is not shown, it only announces the next page."""
    assert page_of(rows, 2, lambda row: f"after {row}") == expected
