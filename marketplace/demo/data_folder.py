"""The folder of everything local: private, used by one supervisor at a time, safe to start anew.

It tells an interrupted first start from a finished one, and knows which processes of an earlier
supervisor may still be ending.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import signal
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, TextIO

from marketplace.demo.children import ServiceError, wait_until_gone, write_private

ORPHAN_SECONDS = 15.0
LOCK = "lock"
STATE = "state.json"
OURS = (LOCK, STATE, "secret_key", "postgres", "files", "index", "mail")
"""A folder with any of these was made by us."""


class AlreadyRunningError(ServiceError):
    """Somebody else holds the lock of the data folder."""


class DataFolder:
    """A private folder, locked from :meth:`open` to :meth:`close` (or the end of the process)."""

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self._lock: TextIO | None = None

    def open(self, address: str) -> None:
        """Make the folder if need be and lock it. Raises :class:`ServiceError` with what to do."""
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            entries = {entry.name for entry in self.path.iterdir()}
            if entries and not entries & set(OURS):
                raise ServiceError(
                    f"{self.path} holds other things; set MARKETPLACE_DATA to a folder that is new or empty"
                )
            self.path.chmod(self.path.stat().st_mode & 0o700)  # a read-only folder stays one
            self._take_lock(address)
        except OSError as error:
            raise ServiceError(
                f"cannot write to {self.path} ({error.strerror}); set MARKETPLACE_DATA to a folder you own"
            ) from error

    def close(self) -> None:
        """Let another supervisor have the folder."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def await_orphans(self) -> None:
        """Wait for what an earlier supervisor left (it was killed), and end what does not end."""
        for pid, word in self.state().get("children", {}).items():
            if not wait_until_gone(int(pid), word, ORPHAN_SECONDS):
                with suppress(ProcessLookupError, PermissionError):
                    os.killpg(int(pid), signal.SIGKILL)
                wait_until_gone(int(pid), word, 2)

    def clear(self) -> None:
        """Delete everything in the folder but its lock."""
        for entry in self.path.iterdir():
            if entry.name == LOCK:
                continue
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry)
            else:
                entry.unlink()

    def folder(self, name: str) -> Path:
        """Return a private folder inside, made if need be."""
        path = self.path / name
        path.mkdir(mode=0o700, exist_ok=True)
        return path

    def state(self) -> dict[str, Any]:
        """Return what was noted; nothing where the note cannot be read."""
        try:
            state = json.loads((self.path / STATE).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return state if isinstance(state, dict) else {}

    def note(self, **changes: object) -> None:
        """Note facts for the next start, at once and whole."""
        write_private(self.path / STATE, json.dumps(self.state() | changes))

    def note_children(self, words: Mapping[int, str]) -> None:
        """Note the processes to wait for should this supervisor be killed."""
        self.note(children={str(pid): word for pid, word in words.items()})

    def _take_lock(self, address: str) -> None:
        lock = (self.path / LOCK).open("a+", encoding="utf-8")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            lock.seek(0)
            running = lock.read().strip() or "another one"
            lock.close()
            raise AlreadyRunningError(
                f"already running in {self.path}: {running}. Stop it first (Ctrl-C there), "
                "or start a second one with MARKETPLACE_DATA=another-folder PORT=another-port"
            ) from error
        lock.truncate(0)
        lock.write(f"{address} (process {os.getpid()})\n")
        lock.flush()
        (self.path / LOCK).chmod(0o600)
        self._lock = lock
