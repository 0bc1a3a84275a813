"""The store is away: stricter limits in the process, and the log says so (rules E1; security.md X-04)."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import redis
from structlog.testing import capture_logs

from marketplace.errors import TooManyRequestsError
from marketplace.rate_limits.memory import MemoryLimiter
from marketplace.rate_limits.port import Standing, Window
from marketplace.rate_limits.resilient import PAUSE_SECONDS, ResilientLimiter
from tests.contracts.limiters import Timer


class Store(MemoryLimiter):
    """A shared store that can be switched off."""

    def __init__(self, timer: Timer) -> None:
        super().__init__(timer)
        self.error: Exception | None = None
        self.asked = 0

    def hit(self, windows: Sequence[Window]) -> Standing:
        self.asked += 1
        if self.error is not None:
            raise self.error
        return super().hit(windows)


def window(quota: str, limit: int) -> Window:
    return Window(quota=quota, subject="a:1", limit=limit, seconds=60)


def passed(limiter: ResilientLimiter, one: Window, tries: int = 60) -> int:
    count = 0
    for _ in range(tries):
        try:
            limiter.hit([one])
        except TooManyRequestsError:
            continue
        count += 1
    return count


@pytest.fixture
def timer() -> Timer:
    return Timer()


@pytest.fixture
def store(timer: Timer) -> Store:
    return Store(timer)


@pytest.fixture
def limiter(store: Store, timer: Timer) -> ResilientLimiter:
    return ResilientLimiter(store, 4, timer)


@pytest.mark.parametrize(
    "error", [redis.ConnectionError("x"), redis.TimeoutError("x"), redis.ResponseError("OOM"), OSError("x")]
)
@pytest.mark.parametrize(
    ("quota", "limit", "allowed"),
    [("SIGN_IN", 20, 5), ("CV_DOWNLOAD", 5, 2), ("CONTACT", 30, 8), ("SEARCH", 30, 8), ("SIGN_UP", 1, 1)],
)
def test_nothing_goes_unlimited(
    limiter: ResilientLimiter, store: Store, error: Exception, quota: str, limit: int, allowed: int
) -> None:
    """E1: a fourth of each limit passes, rounded up: sign-in, contact and download too; reads go on."""
    store.error = error
    assert passed(limiter, window(quota, limit)) == allowed


def test_the_store_is_left_alone_for_a_while(limiter: ResilientLimiter, store: Store, timer: Timer) -> None:
    """X-04: one request in a pause tries the store, so that nobody else waits for its timeout."""
    store.error = redis.TimeoutError("x")
    for _ in range(10):
        limiter.hit([window("SEARCH", 1000)])
    assert store.asked == 1
    timer.seconds += PAUSE_SECONDS - 0.01
    limiter.hit([window("SEARCH", 1000)])
    assert store.asked == 1
    timer.seconds += 0.01
    for _ in range(10):
        limiter.hit([window("SEARCH", 1000)])
    assert store.asked == 2


def test_the_log_tells_each_change_once(limiter: ResilientLimiter, store: Store, timer: Timer) -> None:
    """E1: one warning when the store goes, one when it is back, and then the whole limits again."""
    with capture_logs() as logs:
        limiter.hit([window("SEARCH", 1000)])
        store.error = redis.ConnectionError("x")
        for _ in range(3):
            limiter.hit([window("SEARCH", 1000)])
            timer.seconds += PAUSE_SECONDS
        store.error = None
        assert passed(limiter, window("CV_DOWNLOAD", 5)) == 5
    assert [(entry["event"], entry["log_level"]) for entry in logs] == [
        ("limiter.store_away", "warning"),
        ("limiter.store_back", "warning"),
    ]
    assert logs[0]["error"] == "ConnectionError"


def test_a_used_up_window_is_no_failure(limiter: ResilientLimiter, store: Store) -> None:
    """E1: a refusal of the store is an answer: the next request asks it again."""
    assert passed(limiter, window("CV_DOWNLOAD", 5), tries=10) == 5
    assert store.asked == 10
