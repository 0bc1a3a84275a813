"""The indexes of one country behind its aliases: which answers, which is built, which was before.

``candidates-fr`` names the index that answers (``candidates-fr-000007``), ``candidates-fr-building`` the
one a rebuild fills, ``candidates-fr-previous`` the one kept to go back to. Aliases move in one step, so a
search sees the old index or the new one. Writers address aliases only, and look first whether something
is being built: then they write to both. A lease in a small index of its own keeps two rebuilds apart.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from secrets import token_hex
from typing import Any

import structlog

from marketplace.clock import Clock
from marketplace.errors import ConflictError, SearchUnavailableError
from marketplace.search.opensearch_calls import Deadline, Engine, EngineError, Json, whole
from marketplace.search.opensearch_mapping import analysis_fingerprint, fields_fingerprint, index_body

log = structlog.get_logger()

_TRIES = 5
_RED_SECONDS = 30
"""How long the shards of a filled index may take to be there."""
_DESCRIBED = {"filter_path": "*.aliases,*.mappings._meta,*.settings.index.creation_date"}


@dataclass(frozen=True)
class Stored:
    """One index: its aliases, when and by which fields and analysis it was made."""

    aliases: frozenset[str]
    fields: str
    analysis: str
    created_at: float

    @property
    def fits_fields(self) -> bool:
        """Whether it can answer this code's questions."""
        return self.fields == fields_fingerprint()

    @property
    def fits(self) -> bool:
        """Whether it is what this code would build."""
        return self.fits_fields and self.analysis == analysis_fingerprint()


@dataclass(frozen=True)
class Layout:
    """The indexes of one country by name."""

    base: str
    indexes: Mapping[str, Stored]

    @property
    def current(self) -> str | None:
        return self._with_alias(self.base)

    @property
    def building(self) -> str | None:
        return self._with_alias(f"{self.base}-building")

    @property
    def previous(self) -> str | None:
        return self._with_alias(f"{self.base}-previous")

    @property
    def answering(self) -> Stored | None:
        """The index that answers, if there is one."""
        return self.indexes[self.current] if self.current is not None else None

    @property
    def left(self) -> str | None:
        """What a killed rebuild left and another can go on from: writers have kept it up to date since."""
        name = self.building
        if name is None or name in {self.current, self.previous} or not self.indexes[name].fits:
            return None
        return name

    def left_since(self, moment: datetime) -> str | None:
        """The same, unless it was begun before ``moment``."""
        name = self.left
        return name if name is not None and self.indexes[name].created_at >= moment.timestamp() else None

    def is_older(self, moment: datetime) -> bool:
        """Whether every index but one that is built was made before ``moment``."""
        made = [stored.created_at for name, stored in self.indexes.items() if name != self.left]
        return all(created_at < moment.timestamp() for created_at in made)

    @property
    def next_name(self) -> str:
        numbers = [int(name.rpartition("-")[2]) for name in self.indexes]
        return f"{self.base}-{max(numbers, default=0) + 1:06}"

    def _with_alias(self, alias: str) -> str | None:
        return next((name for name, stored in self.indexes.items() if alias in stored.aliases), None)


class Generations:
    """The indexes of one country. ``base`` is the alias that answers."""

    def __init__(self, engine: Engine, base: str, *, shards: int, replicas: int) -> None:
        self._engine = engine
        self.base = base
        self.building = f"{base}-building"
        self._previous = f"{base}-previous"
        self._shards = shards
        self._replicas = replicas

    def layout(self, deadline: Deadline | None = None) -> Layout:
        """Return the indexes as they are now; with ``deadline``, as part of a search."""
        path = f"/{self.base}-0*"
        if deadline is None:
            return _layout(self.base, self._engine.look(path, _DESCRIBED))
        return _layout(self.base, self._engine.glance(path, deadline, _DESCRIBED))

    def create_first(self, layout: Layout) -> None:
        """Make the index that answers, where there is none; another process may be quicker."""
        body = index_body(shards=self._shards, replicas=self._replicas) | {"aliases": {self.base: {}}}
        self._create(layout.next_name, body)

    def begin(self) -> tuple[str, bool]:
        """Return the index to fill, and whether a killed rebuild has filled a part of it.

        Else it is empty, and what a killed rebuild left is removed.
        """
        layout = self.layout()
        left = layout.left
        if left is not None and self._is_red(left):
            left = None
        self.clear(but=left)
        if left is not None:
            loading = {"refresh_interval": "-1", "number_of_replicas": 0}
            self._engine.do_again("PUT", f"/{left}/_settings", {"index": loading})
            return left, True
        body = index_body(shards=self._shards, replicas=self._replicas, is_loading=True)
        body |= {"aliases": {self.building: {}}}
        for _ in range(_TRIES):
            name = self.layout().next_name
            if self._create(name, body):
                return name, False
        raise SearchUnavailableError

    def _is_red(self, name: str) -> bool:
        return bool(self._engine.look(f"/_cluster/health/{name}")["status"] == "red")

    def begin_again(self) -> str:
        """Have the index before the last rebuild written to beside the one that answers; return its name.

        Raises ``ConflictError`` (``no_previous_index``) where there is none that this code can ask.
        """
        self.clear()
        layout = self.layout()
        name = layout.previous
        if name is None or not layout.indexes[name].fits_fields:
            raise ConflictError("no_previous_index", "There is no index to go back to that fits this code.")
        self._engine.do("POST", "/_aliases", {"actions": [{"add": {"index": name, "alias": self.building}}]})
        return name

    def end_again(self, name: str) -> None:
        """Write no more to the index before; it is kept."""
        remove = {"index": name, "alias": self.building, "must_exist": False}
        self._engine.do("POST", "/_aliases", {"actions": [{"remove": remove}]})

    def _create(self, name: str, body: Json) -> bool:
        """Make an index; False when another process made one of that name first."""
        try:
            self._engine.do("PUT", f"/{name}", body)
        except EngineError as error:
            if error.kind != "resource_already_exists_exception":
                raise
            return False
        return True

    def open(self, name: str) -> None:
        """Make a filled index ready to answer: searchable, copied, and not red."""
        index = {"refresh_interval": "1s", "number_of_replicas": self._replicas}
        self._engine.do_again("PUT", f"/{name}/_settings", {"index": index})
        try:
            self._engine.do_again(
                "GET",
                f"/_cluster/health/{name}",
                None,
                {"wait_for_status": "yellow", "timeout": f"{_RED_SECONDS}s"},
            )
        except EngineError as error:
            if error.status != HTTPStatus.REQUEST_TIMEOUT:
                raise
            raise SearchUnavailableError(
                reason=f"the new index {name} is red, see _cluster/health"
            ) from error
        whole(self._engine.do_again("POST", f"/{name}/_refresh"))

    def switch(self, name: str) -> None:
        """Let ``name`` answer from now on, in one step, and keep the one before."""
        before = self.layout().current
        every = f"{self.base}-0*"  # also one that a writer has made since
        actions: list[Json] = [
            {"remove": {"index": name, "alias": self.building}},
            {"remove": {"index": every, "alias": self._previous, "must_exist": False}},
            {"remove": {"index": every, "alias": self.base, "must_exist": False}},
            {"add": {"index": name, "alias": self.base}},
        ]
        if before is not None:
            actions.append({"add": {"index": before, "alias": self._previous}})
        self._engine.do("POST", "/_aliases", {"actions": actions})

    def clear(self, *, but: str | None = None) -> list[str]:
        """Delete every index that neither answers nor is kept to go back to; return their names."""
        layout = self.layout()
        if layout.building is not None and layout.building == layout.previous:
            self.end_again(layout.building)  # a rollback that was killed
        unused = sorted(layout.indexes.keys() - {layout.current, layout.previous, but})
        for name in unused:
            self.delete(name)
        return unused

    def tidy(self, older_than: datetime, left_before: datetime) -> list[str]:
        """Clear, but for what a rebuild can go on from; delete the index kept to go back to.

        The former goes if it is older than ``left_before``, the latter if it and its successor are older
        than ``older_than``.
        """
        layout = self.layout()
        removed = self.clear(but=layout.left_since(left_before))
        if layout.previous is not None and layout.is_older(older_than):
            self.delete(layout.previous)
            removed.append(layout.previous)
        return removed

    def is_tidy(self, older_than: datetime, left_before: datetime) -> bool:
        """Whether :meth:`tidy` has nothing to do."""
        layout = self.layout()
        is_kept_too_long = layout.previous is not None and layout.is_older(older_than)
        left = layout.left_since(left_before)
        unused = layout.indexes.keys() - {layout.current, layout.previous, left}
        return not unused and layout.building == left and not is_kept_too_long

    def delete(self, name: str) -> None:
        """Delete an index; one that is gone already is fine."""
        self._engine.do_again("DELETE", f"/{name}", None, {"ignore_unavailable": "true"})


def layouts(engine: Engine, prefix: str, countries: Mapping[str, Generations]) -> dict[str, Layout]:
    """Return the layout of every country with one question."""
    described = engine.look(f"/{prefix}-*-0*", _DESCRIBED)
    return {country: _layout(own.base, described) for country, own in countries.items()}


def _layout(base: str, described: Json) -> Layout:
    return Layout(
        base,
        {
            name: Stored(
                frozenset(told.get("aliases", {})),
                *_made_by(told["mappings"]["_meta"]),
                int(told["settings"]["index"]["creation_date"]) / 1000,
            )
            for name, told in described.items()
            if name.startswith(f"{base}-")
        },
    )


def _made_by(meta: Mapping[str, Any]) -> tuple[str, str]:
    return str(meta.get("fields")), str(meta.get("analysis"))


class Leases:
    """Who rebuilds which country: a document that its holder renews, free once it is not renewed."""

    def __init__(self, engine: Engine, prefix: str, clock: Clock, seconds: float) -> None:
        self._engine = engine
        self._index = f"{prefix}-leases"
        self._clock = clock
        self._seconds = seconds

    def is_held(self, country: str) -> bool:
        """Whether somebody alive rebuilds the country."""
        return self._read(country)[1]

    @contextmanager
    def hold(self, country: str) -> Iterator[Lease]:
        """Hold the lease, renewed by a thread. Raises ``ConflictError`` (``rebuild_running``)."""
        lease = Lease(token_hex(8))
        self._take(country, lease)
        thread = threading.Thread(target=self._keep, args=(country, lease), name="lease", daemon=True)
        thread.start()
        try:
            yield lease
        finally:
            lease.ended.set()
            thread.join()
            if not lease.lost.is_set():
                self._release(country, lease)

    def _take(self, country: str, lease: Lease) -> None:
        self._make_index()
        params, is_held = self._read(country)
        if is_held:
            raise ConflictError(
                "rebuild_running",
                f"A rebuild of this index is running, or was killed in the last {self._seconds:.0f} seconds.",
            )
        self._write(country, lease, params)

    def _write(self, country: str, lease: Lease, params: Json) -> None:
        until = self._clock.now().timestamp() + self._seconds
        try:
            told = self._engine.do(
                "PUT", f"/{self._index}/_doc/{country}", {"owner": lease.owner, "until": until}, params
            )
        except EngineError as error:
            if error.kind == "version_conflict_engine_exception":
                raise ConflictError("rebuild_running", "A rebuild of this index is running.") from error
            raise
        lease.at = {"if_seq_no": told["_seq_no"], "if_primary_term": told["_primary_term"]}

    def _read(self, country: str) -> tuple[Json, bool]:
        """Return what a writer must say it has seen, and whether the lease is held."""
        try:
            told = self._engine.look(f"/{self._index}/_doc/{country}")
        except EngineError as error:
            if error.status == HTTPStatus.NOT_FOUND:  # no index, or no lease
                return {"op_type": "create"}, False
            raise
        seen = {"if_seq_no": told["_seq_no"], "if_primary_term": told["_primary_term"]}
        return seen, told["_source"]["until"] > self._clock.now().timestamp()

    def _keep(self, country: str, lease: Lease) -> None:
        while not lease.ended.wait(self._seconds / 3):
            try:
                self._write(country, lease, lease.at)
            except SearchUnavailableError:
                continue  # there is time for another try before it runs out
            except (ConflictError, EngineError):
                log.warning("search.lease_lost", country=country)
                lease.lost.set()
                return

    def _release(self, country: str, lease: Lease) -> None:
        try:
            self._engine.do("DELETE", f"/{self._index}/_doc/{country}", None, lease.at)
        except (SearchUnavailableError, EngineError) as error:
            log.warning("search.lease_left", country=country, error=type(error).__name__)  # it runs out

    def _make_index(self) -> None:
        settings = {"number_of_shards": 1, "auto_expand_replicas": "0-1"}
        try:
            self._engine.do(
                "PUT", f"/{self._index}", {"settings": {"index": settings}, "mappings": {"dynamic": False}}
            )
        except EngineError as error:
            if error.kind != "resource_already_exists_exception":
                raise


class Lease:
    """A held lease; ``lost`` is set when somebody else has taken it."""

    def __init__(self, owner: str) -> None:
        self.owner = owner
        self.at: Json = {}
        self.ended = threading.Event()
        self.lost = threading.Event()

    def check(self) -> None:
        """Raise ``ConflictError`` when the lease was lost: another rebuild has begun."""
        if self.lost.is_set():
            raise ConflictError("rebuild_running", "A rebuild of this index is running.")
