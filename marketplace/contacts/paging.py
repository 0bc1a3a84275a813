"""Paging of the lists of contacts: newest first, each piece going on where the last one ended."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar
from uuid import UUID

from sqlalchemy import Select, literal, tuple_

PAGE = 50
"""Rows of a list; the next ones by its cursor."""

_T = TypeVar("_T")


@dataclass(frozen=True)
class Page(Generic[_T]):
    """A piece of a list, newest first; ``after`` is where the next one starts."""

    rows: tuple[_T, ...]
    after: Position | None


@dataclass(frozen=True)
class Position:
    """Where a list was left: the instant and the id of the last row."""

    at: datetime
    last: UUID | int


def newest_first(
    statement: Select[*tuple[Any, ...]], at: Any, key: Any, after: Position | None
) -> Select[*tuple[Any, ...]]:
    """Order newest first and leave out what comes before ``after``."""
    if after is not None:
        statement = statement.where(tuple_(at, key) < tuple_(literal(after.at), literal(after.last)))
    return statement.order_by(at.desc(), key.desc())


def page_of(views: Sequence[_T], size: int, position: Callable[[_T], Position]) -> Page[_T]:
    """Cut ``size`` of ``size + 1`` rows read; the extra one only says that there is a next piece."""
    shown = tuple(views[:size])
    return Page(shown, position(shown[-1]) if len(views) > size else None)
