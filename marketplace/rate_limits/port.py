"""The limiter's port: how many acts in how long, counted across all processes (rules E1)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, kw_only=True)
class Window:
    """At most ``limit`` acts of ``quota`` by ``subject`` in any ``seconds`` in a row.

    ``subject`` is opaque: an id, a network, or a keyed hash; never an e-mail address.
    """

    quota: str
    subject: str
    limit: int
    seconds: int


@dataclass(frozen=True, kw_only=True)
class Standing:
    """How a window stands: acts left, and the whole seconds until one more is free again."""

    window: Window
    remaining: int
    reset_after: int


class Limiter(Protocol):
    """Counts acts in windows.

    Both raise :class:`marketplace.errors.TooManyRequestsError` with the quota, its limit and the
    seconds to wait when a window is used up, and return the standing of the tightest window
    otherwise. Neither raises for a store that is away: a stricter limit inside the process takes
    over (rules E1), and the log says so.
    """

    def hit(self, windows: Sequence[Window]) -> Standing:
        """Count one act in each window; in none when one of them is used up."""
        ...

    def test(self, windows: Sequence[Window]) -> Standing:
        """Tell the same without counting."""
        ...
