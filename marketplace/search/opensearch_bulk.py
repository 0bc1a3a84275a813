"""Writing many documents: requests cut by bytes, each item's answer read, only the busy ones repeated.

Every write names the version of its row (``external_gte``), so repeats and disorder are harmless: an
older document never replaces a newer one, and a repeated request changes nothing.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from http import HTTPStatus

import msgspec
import structlog

from marketplace.errors import SearchUnavailableError
from marketplace.search.document import CandidateDocument, flatten
from marketplace.search.opensearch_calls import BLOCKED, BLOCKED_REASON, Engine, Json, pause
from marketplace.search.opensearch_mapping import GONE
from marketplace.search.port import DocumentRefusedError

log = structlog.get_logger()

REQUEST_BYTES = 2_000_000
"""A request is closed once it is this long; large ones gain nothing and cost both sides memory."""

IN_FLIGHT = 2
"""Requests a rebuild has under way: the engine works on one shard with as many threads."""

_TRIES = 6
_FILTER = "errors,items.*.status,items.*.error.type"
_MISSING = "index_not_found_exception"


class MissingAliasError(Exception):
    """A write named an alias that is not there."""


@dataclass(frozen=True, slots=True)
class Action:
    """One write as it goes over the line. ``is_optional``: it may find its alias gone."""

    key: int
    lines: bytes
    is_optional: bool = False


def put_action(alias: str, document: CandidateDocument, *, only_newer: bool = False) -> Action:
    """Add or replace a document; ``only_newer`` leaves one of the same version alone."""
    return _index_action(alias, document.key, document.version, flatten(document), only_newer=only_newer)


def put_actions(alias: str, building: str | None, document: CandidateDocument) -> Iterator[Action]:
    """Add or replace in the index that answers and in the one that is built, analysed once."""
    flat = flatten(document)
    yield _index_action(alias, document.key, document.version, flat)
    if building is not None:
        yield _index_action(building, document.key, document.version, flat, is_optional=True)


def remove_actions(alias: str, building: str | None, key: int, version: int) -> Iterator[Action]:
    """Remove from the index that answers; in the one that is built a mark keeps older rows out."""
    yield Action(key, _line("delete", alias, key, version, "external_gte"), is_optional=True)
    if building is not None:
        yield _index_action(building, key, version, {GONE: True}, is_optional=True)


def purge_action(alias: str, key: int, version: int) -> Action:
    """Remove a mark that :func:`remove_actions` left, unless something newer took its place."""
    return Action(key, _line("delete", alias, key, version, "external_gte"), is_optional=True)


def _index_action(
    alias: str, key: int, version: int, flat: Json, *, only_newer: bool = False, is_optional: bool = False
) -> Action:
    kind = "external" if only_newer else "external_gte"
    return Action(
        key, _line("index", alias, key, version, kind) + msgspec.json.encode(flat) + b"\n", is_optional
    )


def _line(act: str, alias: str, key: int, version: int, kind: str) -> bytes:
    what = {act: {"_index": alias, "_id": str(key), "version": version, "version_type": kind}}
    return msgspec.json.encode(what) + b"\n"


def send(engine: Engine, actions: Iterable[Action]) -> Iterator[int]:
    """Carry out every action, in order, yielding how many were after each request.

    Raises ``SearchUnavailableError``, :class:`MissingAliasError` and ``DocumentRefusedError``; what was
    carried out before stays carried out.
    """
    for request in _requests(actions):
        _send(engine, request)
        yield len(request)


def send_at_once(engine: Engine, actions: Iterable[Action], requests: int = IN_FLIGHT) -> Iterator[int]:
    """Carry out every action, in no order, several requests at once; else as :func:`send`.

    Documents are made while the engine takes those before, and one more at most is ready to go.
    """
    under_way: deque[Future[int]] = deque()
    with ThreadPoolExecutor(requests, thread_name_prefix="bulk") as pool:
        for request in _requests(actions):
            if len(under_way) == requests:
                yield under_way.popleft().result()
            under_way.append(pool.submit(_send_counted, engine, request))
        while under_way:
            yield under_way.popleft().result()


def _send_counted(engine: Engine, actions: Sequence[Action]) -> int:
    _send(engine, actions)
    return len(actions)


def _requests(actions: Iterable[Action]) -> Iterator[list[Action]]:
    waiting: list[Action] = []
    size = 0
    for action in actions:
        waiting.append(action)
        size += len(action.lines)
        if size >= REQUEST_BYTES:
            yield waiting
            waiting, size = [], 0
    if waiting:
        yield waiting


def _send(engine: Engine, actions: Sequence[Action]) -> None:
    for attempt in range(_TRIES):
        body = b"".join(action.lines for action in actions)
        answer = engine.do_again("POST", "/_bulk", body, {"require_alias": "true", "filter_path": _FILTER})
        if answer.get("errors") is False:
            return
        actions = _busy(actions, answer)
        if not actions:
            return
        log.warning("search.writes_repeated", documents=len(actions), attempt=attempt + 1)
        pause(attempt)
    raise SearchUnavailableError


def _busy(actions: Sequence[Action], answer: Json) -> list[Action]:
    """Return the actions to repeat; raise for those that repeating does not help."""
    items = answer.get("items", [])
    if len(items) != len(actions):
        raise SearchUnavailableError
    busy, refused = [], {}
    for action, item in zip(actions, items, strict=True):
        told = next(iter(item.values()))
        status, kind = told["status"], told.get("error", {}).get("type", "")
        if status < HTTPStatus.BAD_REQUEST or status == HTTPStatus.CONFLICT or not kind:
            continue
        if kind == _MISSING:
            if not action.is_optional:
                raise MissingAliasError
        elif kind == BLOCKED or status == HTTPStatus.FORBIDDEN:
            log.error("search.writes_blocked", kind=kind)
            raise SearchUnavailableError(reason=BLOCKED_REASON)
        elif status == HTTPStatus.TOO_MANY_REQUESTS or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            busy.append(action)
        else:
            refused[action.key] = kind
    if refused:
        raise DocumentRefusedError(refused)
    return busy
