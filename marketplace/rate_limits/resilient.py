"""What counts while the store is away: a stricter limit in this process (rules E1; security.md X-04).

Nothing goes unlimited and nothing is refused for the store's sake: reads, sign-ins, contacts and
downloads pass at a fraction of their limits. The log says once that the store is away, and once that
it is back.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Protocol

import structlog
from redis import RedisError

from marketplace.rate_limits.memory import MemoryLimiter
from marketplace.rate_limits.port import Limiter, Standing, Window

log = structlog.get_logger()

PAUSE_SECONDS = 5.0
"""After a failure the store is left alone for so long; then one request tries it again."""


class ClosableLimiter(Limiter, Protocol):
    """A limiter that holds something open."""

    def close(self) -> None: ...


class ResilientLimiter:
    """Asks ``store``; while it is away, counts here and allows one in ``divisor``, rounded up."""

    def __init__(
        self, store: ClosableLimiter, divisor: int, timer: Callable[[], float] = time.monotonic
    ) -> None:
        self._store = store
        self._divisor = divisor
        self._timer = timer
        self._own = MemoryLimiter(timer)
        self._lock = threading.Lock()
        self._away = False
        self._try_again_at = 0.0

    def hit(self, windows: Sequence[Window]) -> Standing:
        """Count one act in each window; in none when one of them is used up."""
        return self._ask(self._store.hit, self._own.hit, windows)

    def test(self, windows: Sequence[Window]) -> Standing:
        """Tell the same without counting."""
        return self._ask(self._store.test, self._own.test, windows)

    def close(self) -> None:
        """Give back what the store holds open."""
        self._store.close()

    def _ask(
        self,
        ask_store: Callable[[Sequence[Window]], Standing],
        ask_own: Callable[[Sequence[Window]], Standing],
        windows: Sequence[Window],
    ) -> Standing:
        if self._away and not self._is_my_turn():
            return ask_own(self._stricter(windows))
        try:
            standing = ask_store(windows)
        except (RedisError, OSError) as error:
            self._lost(error)
            return ask_own(self._stricter(windows))
        except Exception:
            self._found()  # it answered: the window is used up
            raise
        self._found()
        return standing

    def _stricter(self, windows: Sequence[Window]) -> list[Window]:
        return [replace(window, limit=-(-window.limit // self._divisor)) for window in windows]

    def _is_my_turn(self) -> bool:
        """Let one request in a pause try the store; the others do not wait for its timeout."""
        with self._lock:
            now = self._timer()
            if now < self._try_again_at:
                return False
            self._try_again_at = now + PAUSE_SECONDS
            return True

    def _lost(self, error: Exception) -> None:
        with self._lock:
            was_away, self._away = self._away, True
            self._try_again_at = self._timer() + PAUSE_SECONDS
        if not was_away:
            log.warning("limiter.store_away", error=type(error).__name__, allows=f"1/{self._divisor}")

    def _found(self) -> None:
        if not self._away:
            return
        with self._lock:
            was_away, self._away = self._away, False
        if was_away:
            log.warning("limiter.store_back")
