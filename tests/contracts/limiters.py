"""Both limiters behind one face, with a time that can be moved."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, cast

import redis

from marketplace.rate_limits.memory import MemoryLimiter
from marketplace.rate_limits.port import Limiter, Window
from marketplace.rate_limits.redis_limiter import RedisLimiter, counter_keys, moving_key, with_database

PATIENT = 10.0
"""Seconds a busy machine may take to answer; the product waits 0.2."""


@dataclass
class Timer:
    """Seconds that move when they are told to."""

    seconds: float = 1000.0

    def __call__(self) -> float:
        return self.seconds


@dataclass
class InMemory:
    """The limiter of one process."""

    timer: Timer = field(default_factory=Timer)
    limiter: Limiter = field(init=False)

    def __post_init__(self) -> None:
        self.limiter = MemoryLimiter(self.timer)

    def pass_time(self, _: Window, seconds: float) -> None:
        self.timer.seconds += seconds


class InValkey:
    """The shared limiter; time passes by making everything that is stored older."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.client = redis.Redis.from_url(with_database(url), decode_responses=True)
        self.client.flushdb()
        self.limiter: Limiter = RedisLimiter(url, PATIENT)

    def pass_time(self, window: Window, seconds: float) -> None:
        key = f"marketplace:{moving_key(window)}"
        for place, instant in enumerate(cast("list[str]", self.client.lrange(key, 0, -1))):
            self.client.lset(key, place, f"{float(instant) - seconds:.6f}")
        for counter in counter_keys(window):
            self._age(f"marketplace:{counter}", seconds)

    def _age(self, key: str, seconds: float) -> None:
        left: Any = self.client.pttl(key)
        if left > 0:
            self.client.pexpire(key, max(0, left - int(seconds * 1000)))
