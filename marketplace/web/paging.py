"""Lists of the JSON API, paged by opaque cursors: signed, bound to account and list, short-lived.

A cursor says where the next page begins, in the sort of its list. (Search pages by a cursor of its
own, which also knows the query: ``search/cursor.py``.)
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Annotated, Generic, TypeVar
from uuid import UUID

import msgspec
from itsdangerous import BadSignature, URLSafeSerializer
from litestar.params import QueryParameter

from marketplace.catalogues import N_
from marketplace.errors import InvalidCursorError
from marketplace.settings import Settings
from marketplace.signing import signing_key

T = TypeVar("T")
Key = str | int | None

PAGE_SIZE = 50
CURSOR_MAX_LENGTH = 500
NOT_VALID = N_("This page marker is no longer valid: start again from the first page.")

PageSize = Annotated[int, QueryParameter(name="size", ge=1, le=PAGE_SIZE, default=PAGE_SIZE, required=False)]
"""Type of the parameter of a list: ``size: PageSize = PAGE_SIZE``."""


class ItemsOut(msgspec.Struct, Generic[T], kw_only=True):
    """A page of a list and where the next one begins."""

    items: list[T]
    next_cursor: str | None = None


def encode_cursor(
    settings: Settings, account_id: UUID, listing: str, now: datetime, key: Sequence[Key]
) -> str:
    """Return the cursor after the row with the sort key ``key`` (security.md X-02)."""
    return _signer(settings, account_id, listing).dumps([int(now.timestamp()), *key])


def decode_cursor(
    settings: Settings, account_id: UUID, listing: str, now: datetime, cursor: str | None
) -> tuple[Key, ...] | None:
    """Return the sort key a cursor stands for; None for the first page.

    Raises :class:`InvalidCursorError` when it was made for another account or list, is older than
    ``cursor_minutes`` (``cursor_expired``), or is none of ours.
    """
    if not cursor:
        return None
    try:
        made_at, *key = _signer(settings, account_id, listing).loads(cursor[:CURSOR_MAX_LENGTH])
    except (BadSignature, ValueError) as error:
        raise InvalidCursorError(NOT_VALID) from error
    if now.timestamp() - made_at > settings.cursor_minutes * 60:
        raise InvalidCursorError(NOT_VALID, "cursor_expired")
    return tuple(key)


def page_of(rows: Sequence[T], size: int, cursor_of: Callable[[T], str]) -> tuple[list[T], str | None]:
    """Cut ``size`` of ``size + 1`` rows read; the extra one only says that there is a next page."""
    shown = list(rows[:size])
    return shown, cursor_of(shown[-1]) if len(rows) > size and shown else None


def _signer(settings: Settings, account_id: UUID, listing: str) -> URLSafeSerializer:
    return URLSafeSerializer(
        signing_key(settings, "list-cursor"), salt=f"{listing}:{account_id}", serializer=json
    )
