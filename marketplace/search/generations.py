"""The folder of one country's index on disk: generations, the swap between them, locks, the journal.

Knows no engine. ``current.json`` names the generation that answers; it is replaced in one step, so a
reader sees the old index or the new one. Two locks, freed by the kernel when a process dies: ``write``
is held for each short write, ``rebuild`` for the length of a rebuild. While one runs, every write is
also appended to the journal, which the rebuild replays under the write lock before it swaps.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from marketplace.errors import ConflictError, SearchUnavailableError

_PAUSE = 0.02
Stamp = tuple[int, ...]


@dataclass(frozen=True)
class Current:
    """The generation that answers. Not ``complete``: it was begun empty and waits for a rebuild.

    ``previous`` answered before it and is kept to go back to, with the fingerprint it was made by.
    """

    generation: str
    fingerprint: str
    complete: bool
    previous: str | None = None
    previous_fingerprint: str | None = None

    def followed_by(self, generation: str, fingerprint: str) -> Current:
        """Return ``generation`` as the one that answers, with this one kept if it was complete."""
        kept = (self.generation, self.fingerprint) if self.complete else (None, None)
        return Current(generation, fingerprint, complete=True, previous=kept[0], previous_fingerprint=kept[1])


class CountryFolder:
    """The generations of one country below ``path``."""

    def __init__(self, path: Path, lock_seconds: float) -> None:
        self.path = path
        self._pointer = path / "current.json"
        self._journal = path / "journal.jsonl"
        self._lock_seconds = lock_seconds

    def current(self) -> Current | None:
        """Return the generation that answers, if there is one."""
        try:
            return Current(**json.loads(self._pointer.read_bytes()))
        except FileNotFoundError:
            return None

    def stamp(self, current: Current | None = None) -> Stamp:
        """Return what changes with every commit to, and every swap of, the current generation."""
        stamp = _stat(self._pointer)
        return stamp if current is None else stamp + _stat(self.generation(current.generation) / "meta.json")

    def generation(self, name: str) -> Path:
        return self.path / name

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Hold the write lock, waiting for other threads and processes.

        Raises ``SearchUnavailableError`` when the lock is not free in time.
        """
        with self._locked("write.lock", fcntl.LOCK_EX, self._lock_seconds) as free:
            if not free:
                raise SearchUnavailableError(10)
            yield

    @contextmanager
    def rebuilding(self) -> Iterator[None]:
        """Hold the rebuild lock and keep the journal; leave no trace of a rebuild that did not finish.

        Raises ``ConflictError`` when another rebuild of the country runs.
        """
        with self._locked("rebuild.lock", fcntl.LOCK_EX, 10 * _PAUSE) as free:
            if not free:
                raise ConflictError("rebuild_running", "A rebuild of this index is running.")
            with self.writing():
                self.clear()
                self._journal.touch(mode=0o600)
            try:
                yield
            finally:
                self._journal.unlink(missing_ok=True)
                with self.writing():
                    self.clear()

    def is_rebuilding(self) -> bool:
        """Whether a living process rebuilds this country."""
        if not self._journal.exists():
            return False
        with self._locked("rebuild.lock", fcntl.LOCK_SH, 0) as free:
            return not free

    def record(self, entry: dict[str, Any]) -> None:
        """Append a write to the journal if a rebuild runs; called under the write lock."""
        if self.is_rebuilding():
            with self._journal.open("a", encoding="utf-8") as journal:
                journal.write(json.dumps(entry) + "\n")
        elif self._journal.exists():  # of a rebuild that was killed
            self._journal.unlink(missing_ok=True)
            self.clear()

    def recorded(self) -> Iterator[dict[str, Any]]:
        """Yield the writes of the journal in order; called under the write lock."""
        with self._journal.open(encoding="utf-8") as journal:
            for line in journal:
                yield json.loads(line)

    def begin(self) -> str:
        """Make the folder of a new generation and return its name."""
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        numbers = [int(path.name.removeprefix("g-")) for path in self.path.glob("g-*")]
        name = f"g-{max(numbers, default=0) + 1:06}"
        self.generation(name).mkdir(mode=0o700)
        return name

    def switch(self, current: Current) -> None:
        """Let ``current`` answer from now on, durably; called under the write lock."""
        partial = self._pointer.with_suffix(".part")
        with partial.open("w", encoding="utf-8") as target:
            json.dump(vars(current), target)
            target.flush()
            os.fsync(target.fileno())
        partial.replace(self._pointer)
        descriptor = os.open(self.path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def clear(self) -> list[str]:
        """Remove every generation but the current one and the one before it; return their names.

        Readers that still map them keep their pages.
        """
        current = self.current()
        kept = {current.generation, current.previous} if current is not None else set()
        removed = sorted(path.name for path in self.path.glob("g-*") if path.name not in kept)
        for name in removed:
            shutil.rmtree(self.generation(name), ignore_errors=True)
        return removed

    def tidy(self, older_than: datetime) -> list[str]:
        """Remove what a killed rebuild left, and the generation before once it was replaced too long ago.

        Does nothing while a rebuild runs.
        """
        with self._locked("rebuild.lock", fcntl.LOCK_EX, 0) as free:
            if not free:
                return []
            with self.writing():
                self._journal.unlink(missing_ok=True)
                current = self.current()
                if current is not None and current.previous and self._switched_at() < older_than.timestamp():
                    self.switch(replace(current, previous=None, previous_fingerprint=None))
                return self.clear()

    def _switched_at(self) -> float:
        return self._pointer.stat().st_mtime

    @contextmanager
    def _locked(self, name: str, kind: int, seconds: float) -> Iterator[bool]:
        """Try for ``seconds`` to hold a lock; the value says whether it is held."""
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(self.path / name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            yield _acquire(descriptor, kind, seconds)
        finally:
            os.close(descriptor)


def _acquire(descriptor: int, kind: int, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while True:
        try:
            fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                return False
            time.sleep(_PAUSE)
        else:
            return True


def _stat(path: Path) -> Stamp:
    try:
        found = path.stat()
    except FileNotFoundError:
        return (0, 0, 0)
    return (found.st_ino, found.st_mtime_ns, found.st_size)
