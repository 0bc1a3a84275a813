"""The limiter of one process: exact, bounded, and gone with it (rules E1).

The storage in memory of `limits` starts a thread for every burst, grows with the number of callers
and counts window by window; here one lock counts an act in all windows or in none.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from math import ceil

from marketplace.errors import TooManyRequestsError
from marketplace.rate_limits.port import Standing, Window

MOST_KEYS = 20_000
"""Windows kept; of more, those that were hit the longest ago are forgotten."""


class MemoryLimiter:
    """Counts in the memory of this process; ``timer`` gives seconds that only grow."""

    def __init__(self, timer: Callable[[], float] = time.monotonic, most_keys: int = MOST_KEYS) -> None:
        self._timer = timer
        self._most_keys = most_keys
        self._lock = threading.Lock()
        self._hits: OrderedDict[tuple[str, str, int], deque[float]] = OrderedDict()

    def hit(self, windows: Sequence[Window]) -> Standing:
        """Count one act in each window; in none when one of them is used up."""
        with self._lock:
            now = self._timer()
            self._refuse_used_up(windows, now)
            for window in windows:
                key = _key(window)
                self._hits.setdefault(key, deque()).append(now)
                self._hits.move_to_end(key)
            while len(self._hits) > self._most_keys:
                self._hits.popitem(last=False)
            return self._tightest(windows, now)

    def test(self, windows: Sequence[Window]) -> Standing:
        """Tell the same without counting."""
        with self._lock:
            now = self._timer()
            self._refuse_used_up(windows, now)
            return self._tightest(windows, now)

    def close(self) -> None:
        """Nothing is held open."""

    def _live(self, window: Window, now: float) -> deque[float]:
        hits = self._hits.get(_key(window), deque())
        while hits and hits[0] <= now - window.seconds:
            hits.popleft()
        return hits

    def _refuse_used_up(self, windows: Sequence[Window], now: float) -> None:
        worst: tuple[float, Window] | None = None
        for window in windows:
            hits = self._live(window, now)
            if len(hits) >= window.limit:
                wait = hits[-window.limit] + window.seconds - now
                if worst is None or wait > worst[0]:
                    worst = wait, window
        if worst is not None:
            wait, window = worst
            raise TooManyRequestsError(window.quota, window.limit, ceil(wait), window.seconds)

    def _tightest(self, windows: Sequence[Window], now: float) -> Standing:
        standings = []
        for window in windows:
            hits = self._live(window, now)
            reset = ceil(hits[0] + window.seconds - now) if hits else 0
            standings.append(Standing(window=window, remaining=window.limit - len(hits), reset_after=reset))
        return min(standings, key=lambda standing: standing.remaining)


def _key(window: Window) -> tuple[str, str, int]:
    return (window.quota, window.subject, window.seconds)
