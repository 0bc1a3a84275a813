"""The port for "now": the only module that reads the system clock.

Rules never read the time themselves; they are handed ``now`` or ``today`` (rules.md: periods
are calendar periods in UTC).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Tells the current instant, always timezone-aware UTC."""

    def now(self) -> datetime:
        """Return the current instant in UTC."""
        ...

    def today(self) -> date:
        """Return the UTC date of :meth:`now`."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)  # noqa: TID251  (the one place that may)

    def today(self) -> date:
        return self.now().date()


@dataclass
class FixedClock:
    """A clock that stands still until it is moved; for tests and replays."""

    instant: datetime

    def now(self) -> datetime:
        return self.instant

    def today(self) -> date:
        return self.instant.date()

    def advance(self, delta: timedelta) -> None:
        """Move the clock forward by ``delta``."""
        self.instant += delta
