"""Counts acts inside one process (rules E1): the instant of each, so that windows slide exactly."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from math import ceil
from threading import Lock

from marketplace.errors import TooManyRequestsError
from marketplace.rate_limits.port import Standing, Window


class MemoryLimiter:
    """A limiter whose counts end with the process; ``timer`` gives seconds that only grow."""

    def __init__(self, timer: Callable[[], float] = time.monotonic) -> None:
        self._timer = timer
        self._acts: dict[Window, deque[float]] = {}
        self._lock = Lock()

    def hit(self, windows: Sequence[Window]) -> Standing:
        """Count one act in each window; in none when one of them is used up."""
        with self._lock:
            now = self._timer()
            self._refuse(windows, now)
            for window in windows:
                self._acts.setdefault(window, deque()).append(now)
            return self._tightest(windows, now)

    def test(self, windows: Sequence[Window]) -> Standing:
        """Tell the same without counting."""
        with self._lock:
            now = self._timer()
            self._refuse(windows, now)
            return self._tightest(windows, now)

    def _refuse(self, windows: Sequence[Window], now: float) -> None:
        used_up = [standing for standing in self._standings(windows, now) if standing.remaining <= 0]
        if used_up:
            longest = max(used_up, key=lambda standing: standing.reset_after)
            raise TooManyRequestsError(longest.window.quota, longest.window.limit, longest.reset_after)

    def _tightest(self, windows: Sequence[Window], now: float) -> Standing:
        return min(self._standings(windows, now), key=lambda standing: standing.remaining)

    def _standings(self, windows: Sequence[Window], now: float) -> list[Standing]:
        return [self._standing(window, now) for window in windows]

    def _standing(self, window: Window, now: float) -> Standing:
        acts = self._acts.get(window, deque())
        while acts and now - acts[0] >= window.seconds:
            acts.popleft()
        if not acts:
            self._acts.pop(window, None)
            return Standing(window=window, remaining=window.limit, reset_after=0)
        reset_after = ceil(acts[0] + window.seconds - now)
        return Standing(window=window, remaining=window.limit - len(acts), reset_after=reset_after)
