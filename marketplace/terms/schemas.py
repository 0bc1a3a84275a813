"""What goes in and out of the JSON routes of documents."""

from __future__ import annotations

from datetime import date
from typing import Annotated

import msgspec
from msgspec import Meta


class DocumentOut(msgspec.Struct, kw_only=True):
    """One document in one language, as in force; ``url`` is its page."""

    document: str
    language: str
    version: str
    hash: str
    effective_on: date
    url: str


class DocumentsOut(msgspec.Struct, kw_only=True):
    """Every document in force."""

    items: list[DocumentOut]
    next_cursor: str | None = None


class AcceptanceIn(msgspec.Struct, forbid_unknown_fields=True):
    """One document, in the version that was read."""

    document: Annotated[str, Meta(max_length=40)]
    version: Annotated[str, Meta(max_length=40)]


class AcceptancesIn(msgspec.Struct, forbid_unknown_fields=True):
    """What a member accepts."""

    acceptances: Annotated[list[AcceptanceIn], Meta(max_length=20)]


class AcceptancesOut(msgspec.Struct):
    """The documents that still wait to be accepted."""

    outstanding: list[str]
