"""How the service talks to OpenSearch: deadlines, retries, the breaker. The only importer of its client.

Every fault becomes ``SearchUnavailableError`` (503), and a search knows it within a second (security.md
F-05, X-07): its deadline covers everything from connecting to the last byte, a second try included.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from http import HTTPStatus
from math import ceil
from typing import Any
from urllib.parse import urlencode

import msgspec
import structlog
import urllib3
from opensearchpy import OpenSearch, Urllib3HttpConnection
from opensearchpy.exceptions import (
    ConnectionError as NotReachedError,
)
from opensearchpy.exceptions import (
    ConnectionTimeout,
    OpenSearchException,
    SerializationError,
    TransportError,
)
from opensearchpy.serializer import Serializer

from marketplace.errors import SearchUnavailableError

log = structlog.get_logger()

Json = dict[str, Any]

_CONNECT_SECONDS = 0.3
_CHUNK = 65_536
BLOCKED = "cluster_block_exception"
BLOCKED_REASON = (
    "OpenSearch refuses writes (its disk is full, or an index was closed): make room, lift the block"
)

_BUSY = frozenset({429, 502, 503, 504})
"""Answers after which the same question may be asked again; nothing was carried out."""


class EngineError(Exception):
    """The engine understood and refused: ``status`` and ``kind`` as it says them."""

    def __init__(self, status: int, kind: str) -> None:
        super().__init__(f"{status} {kind}")
        self.status = status
        self.kind = kind


class Deadline:
    """The moment by which an answer must be complete."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    @property
    def left(self) -> float:
        """Seconds left; raises ``SearchUnavailableError`` when there are none."""
        left = self._end - time.monotonic()
        if left <= 0:
            raise SearchUnavailableError
        return left


class Breaker:
    """Stops asking an engine that does not answer: open after ``failures`` in a row.

    After ``seconds`` one question is let through; its answer closes the breaker, its failure opens it
    anew (half-open). So a dead engine costs its deadline a few times, not once a search.
    """

    def __init__(
        self, failures: int = 5, seconds: float = 5.0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._most = failures
        self._seconds = seconds
        self._clock = clock
        self._failed = 0
        self._open_until = 0.0
        self._lock = threading.Lock()

    @property
    def is_open(self) -> bool:
        return self._failed >= self._most

    def enter(self) -> None:
        """Let the caller ask, or raise ``SearchUnavailableError`` with the time to wait."""
        with self._lock:
            if not self.is_open:
                return
            left = self._open_until - self._clock()
            if left > 0:
                raise SearchUnavailableError(max(1, ceil(left)))
            self._open_until = self._clock() + self._seconds  # this caller is the probe

    def succeeded(self) -> None:
        with self._lock:
            if self.is_open:
                log.info("search.breaker_closed")
            self._failed = 0

    def failed(self) -> None:
        with self._lock:
            self._failed += 1
            if self.is_open:
                self._open_until = self._clock() + self._seconds
            if self._failed == self._most:
                log.warning("search.breaker_opened", seconds=self._seconds)


class _Json(Serializer):
    """JSON by msgspec, which also takes bodies that are bytes already."""

    mimetype = "application/json"

    def loads(self, s: str | bytes) -> Any:
        try:
            return msgspec.json.decode(s)
        except (msgspec.DecodeError, UnicodeError) as error:
            raise SerializationError("no JSON", error) from error

    def dumps(self, data: Any) -> Any:
        return data if isinstance(data, str | bytes) else msgspec.json.encode(data)


class _Connection(Urllib3HttpConnection):
    """A connection whose time-out is the whole of a request: the client's own starts anew at each read."""

    def perform_request(
        self,
        method: str,
        url: str,
        params: Mapping[str, Any] | None = None,
        body: bytes | None = None,
        timeout: float | None = None,
        ignore: Collection[int] = (),  # noqa: ARG002  (its parent's; nothing of ours is ignored)
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        path = self.url_prefix + url + (f"?{urlencode(params)}" if params else "")
        seconds = timeout or self.timeout
        end = time.monotonic() + seconds
        try:
            response = self.pool.urlopen(
                method, path, body, retries=False, redirect=False, preload_content=False,
                headers={**self.headers, **(headers or {})},
                timeout=urllib3.Timeout(connect=min(_CONNECT_SECONDS, seconds), total=seconds),
            )  # fmt: skip
            raw = _body(response, end)
        except (urllib3.exceptions.TimeoutError, TimeoutError) as error:
            raise ConnectionTimeout("TIMEOUT", str(error), error) from error
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise NotReachedError("N/A", str(error), error) from error
        if not HTTPStatus.OK <= response.status < HTTPStatus.MULTIPLE_CHOICES:
            raise TransportError(response.status, _kind(raw), None)
        return response.status, response.headers, raw


def _kind(raw: bytes) -> str:
    """Return the name of an error as the engine tells it; never a body, which may hold what was asked."""
    try:
        kind = msgspec.json.decode(raw)["error"]["type"]
    except (msgspec.DecodeError, UnicodeError, KeyError, TypeError):
        return "unknown"
    return kind if isinstance(kind, str) and kind.isidentifier() else "unknown"


def _body(response: urllib3.BaseHTTPResponse, end: float) -> bytes:
    """Read the whole body by ``end``; a connection that was not read to its end is closed."""
    whole = False
    try:
        parts = []
        while True:
            left = end - time.monotonic()
            if left <= 0:
                raise TimeoutError("the answer did not end in time")
            socket = getattr(response.connection, "sock", None)
            if socket is not None:
                socket.settimeout(left)
            part = response.read1(_CHUNK)
            if not part:
                break
            parts.append(part)
        whole = True
        return b"".join(parts)
    finally:
        if whole:
            response.release_conn()
        else:
            response.close()


class Engine:
    """One cluster. Reads go through the breaker and share one deadline; writes are tried for longer."""

    def __init__(
        self,
        urls: Iterable[str],
        *,
        ca_file: str = "",
        search_seconds: float = 0.8,
        write_seconds: float = 60.0,
        tries: int = 5,
        breaker: Breaker | None = None,
    ) -> None:
        self.search_seconds = search_seconds
        self._write_seconds = write_seconds
        self._tries = tries
        self.breaker = breaker or Breaker()
        more: Json = {"ca_certs": ca_file} if ca_file else {}
        self._client = OpenSearch(
            list(urls), connection_class=_Connection, serializer=_Json(), max_retries=0,
            retry_on_timeout=True, dead_timeout=5, pool_maxsize=32, **more,
        )  # fmt: skip

    def close(self) -> None:
        """Close every connection."""
        self._client.close()

    def ask(self, path: str, body: Json, deadline: Deadline, params: Mapping[str, Any] | None = None) -> Json:
        """Put a search; once more, after a moment, where the first try failed. The answer is whole.

        Raises ``SearchUnavailableError``, or :class:`EngineError` for what the engine refuses.
        """
        return self._guarded(lambda: whole(self._once("POST", path, body, params, deadline.left)), deadline)

    def glance(self, path: str, deadline: Deadline, params: Mapping[str, Any] | None = None) -> Json:
        """Read how things are as part of a search: by its deadline, through the breaker."""
        return self._guarded(lambda: self._once("GET", path, None, params, deadline.left), deadline)

    def _guarded(self, call: Callable[[], Json], deadline: Deadline) -> Json:
        self.breaker.enter()
        try:
            try:
                answer = call()
            except SearchUnavailableError:
                time.sleep(min(random.uniform(0.01, 0.05), deadline.left))  # noqa: S311  (jitter)
                answer = call()
        except SearchUnavailableError:
            self.breaker.failed()
            raise
        except EngineError:  # an answer all the same
            self.breaker.succeeded()
            raise
        self.breaker.succeeded()
        return answer

    def look(
        self,
        path: str,
        params: Mapping[str, Any] | None = None,
        seconds: float | None = None,
        body: Json | None = None,
    ) -> Json:
        """Read how things are, past the breaker; ``seconds`` is the search deadline unless given."""
        return self._once("POST" if body else "GET", path, body, params, seconds or self.search_seconds)

    def do(self, method: str, path: str, body: Any = None, params: Mapping[str, Any] | None = None) -> Json:
        """Change something once."""
        return self._once(method, path, body, params, self._write_seconds)

    def do_again(
        self, method: str, path: str, body: Any = None, params: Mapping[str, Any] | None = None
    ) -> Json:
        """Change something that may be done twice; tried again while the engine is busy or restarts."""
        for attempt in range(self._tries):
            try:
                return self._once(method, path, body, params, self._write_seconds)
            except SearchUnavailableError:
                if attempt == self._tries - 1:
                    raise
                pause(attempt)
        raise SearchUnavailableError

    def _once(
        self, method: str, path: str, body: Any, params: Mapping[str, Any] | None, seconds: float
    ) -> Json:
        try:
            answer = self._client.transport.perform_request(
                method, path, params=dict(params or {}), body=body, timeout=seconds
            )
        except TransportError as error:
            raise _told(error) from error
        except OpenSearchException as error:  # bad JSON, or no JSON at all
            log.warning("search.engine_unclear", error=type(error).__name__)
            raise SearchUnavailableError from error
        if not isinstance(answer, dict):
            raise SearchUnavailableError
        return answer


def pause(attempt: int) -> None:
    """Wait before a try after the first, longer each time, never in step with others."""
    time.sleep(random.uniform(0.5, 1.0) * min(5.0, 0.1 * 2**attempt))  # noqa: S311  (jitter)


def _told(error: TransportError) -> SearchUnavailableError | EngineError:
    """Return what a failed call means; bodies of requests and answers are never logged."""
    status: object = error.status_code
    if not isinstance(status, int):
        log.warning("search.engine_away", error=type(error).__name__)
        return SearchUnavailableError()
    if status in _BUSY or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        log.warning("search.engine_busy", status=status, kind=error.error)
        return SearchUnavailableError(reason=BLOCKED_REASON if error.error == BLOCKED else "")
    return EngineError(status, error.error)


def whole(answer: Json) -> Json:
    """Return an answer of every shard in time; any other is none (security.md X-07)."""
    shards = answer.get("_shards")
    if not isinstance(shards, dict) or shards.get("failed") != 0 or answer.get("timed_out"):
        log.warning("search.answer_partial", timed_out=bool(answer.get("timed_out")))
        raise SearchUnavailableError
    return answer
