"""The limiter every process shares: windows in Redis, counted by one script (rules E1, X-04; ADR 0009).

Connection, keys and layouts are those of `limits`; what it lacks is one act in several windows that
is counted in all or in none, with its standing, in one round trip (``hit.lua``).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast
from urllib.parse import parse_qs, urlsplit, urlunsplit

from limits.storage import RedisStorage
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import NoScriptError
from redis.retry import Retry

from marketplace.errors import TooManyRequestsError
from marketplace.rate_limits.port import Standing, Window

EXACT_UP_TO = 600
"""Larger limits are counted by two counters instead of a list of instants (issue 4)."""

DATABASE = 1
"""Beside the tasks, which are in database 0."""

TIMEOUT_SECONDS = 0.2
_PREFIX = "marketplace"
_SCRIPT = (Path(__file__).parent / "hit.lua").read_text(encoding="utf-8")


class RedisLimiter:
    """Counts in Redis or Valkey. Raises ``redis.RedisError`` when the store is away."""

    def __init__(self, url: str, timeout: float = TIMEOUT_SECONDS) -> None:
        self._storage = RedisStorage(
            with_database(url),
            key_prefix=_PREFIX,
            socket_timeout=timeout,
            socket_connect_timeout=timeout,
            # Who is away is away: the pool finds closed connections before they are used.
            retry=Retry(NoBackoff(), 0),  # type: ignore[arg-type]
        )
        self._client = cast("Redis", self._storage.get_connection())
        self._script: Any = self._client.register_script(_SCRIPT)

    def hit(self, windows: Sequence[Window]) -> Standing:
        """Count one act in each window; in none when one of them is used up."""
        return self._run(windows, "1")

    def test(self, windows: Sequence[Window]) -> Standing:
        """Tell the same without counting."""
        return self._run(windows, "0")

    def close(self) -> None:
        """Give the connections back."""
        self._client.close()

    def _run(self, windows: Sequence[Window], counted: str) -> Standing:
        keys: list[str] = []
        arguments: list[str | int] = [counted]
        for window in windows:
            if window.limit <= EXACT_UP_TO:
                keys.append(self._storage.prefixed_key(moving_key(window)))
                arguments += ("moving", window.limit, window.seconds)
            else:
                keys.extend(f"{_PREFIX}:{key}" for key in counter_keys(window))
                arguments += ("counter", window.limit, window.seconds)
        passed, place, remaining, milliseconds = self._ask(keys, arguments)
        window = windows[place - 1]
        seconds = -(-milliseconds // 1000)
        if not passed:
            raise TooManyRequestsError(window.quota, window.limit, seconds, window.seconds)
        return Standing(window=window, remaining=remaining, reset_after=seconds)

    def _ask(self, keys: Sequence[str], arguments: Sequence[str | int]) -> list[int]:
        """Run the script on a connection of the pool: the client's own way takes twice the CPU."""
        pool = self._client.connection_pool
        connection: Any = pool.get_connection()
        try:
            connection.send_command("EVALSHA", self._script.sha, len(keys), *keys, *arguments)
            answer: list[int] = connection.read_response()
        except NoScriptError:  # the server is new
            answer = self._script(keys, arguments)
        finally:
            pool.release(connection)
        return answer


def moving_key(window: Window) -> str:
    """Return the key of a moving window; it names the strategy, for the two kinds do not mix."""
    return f"moving:{window.quota}:{window.subject}:{window.seconds}"


def counter_keys(window: Window) -> tuple[str, str]:
    """Return the keys of the window before and of the one that runs, as `limits` builds them."""
    now = f"{{counter:{window.quota}:{window.subject}:{window.seconds}}}"
    return f"{now}/-1", now


def with_database(url: str) -> str:
    """Return the address with our own database number, unless it names one other than the broker's."""
    parts = urlsplit(url)
    if parts.scheme.endswith("unix"):
        return url if "db" in parse_qs(parts.query) else f"{url}{'&' if parts.query else '?'}db={DATABASE}"
    if parts.path.strip("/") not in {"", "0"} or "db" in parse_qs(parts.query):
        return url
    return urlunsplit(parts._replace(path=f"/{DATABASE}"))
