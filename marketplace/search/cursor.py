"""Page cursors: opaque, signed, bound to the account and the search, of short life (rules E2).

A cursor says where the next page starts and how many hits were given; it holds no personal data and
proves nothing about what may be seen: every page applies the visibility of its own request.
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from uuid import UUID

from itsdangerous import BadData, URLSafeSerializer

from marketplace.catalogues import N_
from marketplace.errors import InvalidCursorError, InvalidInputError
from marketplace.search.query import Position, Sort

_LONGEST = 512


def write(
    position: Position, *, account_id: UUID, fingerprint: str, secret: str, now: datetime, minutes: int
) -> str:
    """Return the cursor of the page at ``position``, good for ``minutes`` from ``now`` (X-02)."""
    expires = int(now.timestamp()) + 60 * minutes
    payload = [position.order.value, position.value, position.seen, expires]
    return _serializer(secret, account_id, fingerprint).dumps(payload)


def read(
    cursor: str, *, account_id: UUID, fingerprint: str, secret: str, now: datetime, window: int
) -> Position:
    """Return the position of a cursor this account was given for this search (rules E2).

    Raises :class:`InvalidCursorError` (altered, of someone else, of another search, or expired), and
    ``InvalidInputError`` with the code ``window_exceeded``.
    """
    if len(cursor) > _LONGEST:
        raise InvalidCursorError(N_("This page link is not valid. Search again."))
    try:
        order, value, seen, expires = _serializer(secret, account_id, fingerprint).loads(cursor)
        position = Position(Sort(order), int(value), int(seen))
    except (BadData, ValueError, TypeError, UnicodeError) as error:
        raise InvalidCursorError(N_("This page link is not valid. Search again.")) from error
    if now.timestamp() > expires:
        raise InvalidCursorError(N_("This page link has expired. Search again."), "cursor_expired")
    if position.seen >= window:
        raise InvalidInputError(
            InvalidInputError.of(
                "cursor",
                "window_exceeded",
                N_("Only the first %(window)s results can be shown. Narrow your search."),
                window=window,
            ).errors,
            "window_exceeded",
        )
    return position


def _serializer(secret: str, account_id: UUID, fingerprint: str) -> URLSafeSerializer:
    """Return a serializer whose key belongs to one account and one search only."""
    salt = f"search-cursor:{account_id}:{fingerprint}"
    return URLSafeSerializer(
        secret, salt=salt, signer_kwargs={"digest_method": hashlib.sha256, "key_derivation": "hmac"}
    )
