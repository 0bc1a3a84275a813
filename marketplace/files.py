"""The CV file port: a folder now, an S3-compatible store by one setting in a later issue.

Keys are random and made here; a client's file name never reaches a path (security.md U-06).
"""

from __future__ import annotations

import os
import re
import uuid
from pathlib import Path
from typing import Protocol

from marketplace.errors import NotFoundError, UnavailableError

DISCARDED = "file.discarded"
"""Outbox topic: a file is no longer named by any row; the subject is its key in the store."""

_KEY = re.compile(r"[a-z]+/[0-9a-f]{32}\.pdf")


class FileStore(Protocol):
    """Keeps bytes under a key it makes."""

    def put(self, kind: str, content: bytes) -> str:
        """Store ``content`` durably and return its key."""
        ...

    def get(self, key: str) -> bytes:
        """Return the bytes of ``key``; raise :class:`NotFoundError` when it is gone."""
        ...

    def delete(self, key: str) -> None:
        """Remove ``key``; removing what is not there is fine."""
        ...


class FolderFileStore:
    """Files below a private folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, kind: str, content: bytes) -> str:
        key = f"{kind}/{uuid.uuid4().hex}.pdf"
        path = self._path(key)
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            partial = path.with_suffix(".part")
            descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as target:
                target.write(content)
                target.flush()
                os.fsync(target.fileno())
            partial.rename(path)
        except OSError as error:
            raise UnavailableError("files", 30) from error
        return key

    def get(self, key: str) -> bytes:
        try:
            return self._path(key).read_bytes()
        except FileNotFoundError as error:
            raise NotFoundError(key) from error
        except OSError as error:
            raise UnavailableError("files", 30) from error

    def delete(self, key: str) -> None:
        self._path(key).unlink(missing_ok=True)

    def _path(self, key: str) -> Path:
        if not _KEY.fullmatch(key):
            raise NotFoundError(key)
        return self._folder / key
