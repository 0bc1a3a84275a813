"""Finding what the embedded runtime started, by what it leaves in /proc."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest


def processes_of(folder: Path) -> dict[int, str]:
    """Return the live processes that work in ``folder`` or were told about it."""
    found = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            told = (entry / "environ").read_bytes() + (entry / "cmdline").read_bytes()
            state = (entry / "stat").read_text(errors="replace").rpartition(")")[2].split()[0]
            where = (entry / "cwd").readlink()
        except OSError:
            continue
        if state != "Z" and (os.fsencode(folder) in told or where.is_relative_to(folder)):
            found[int(entry.name)] = (
                (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            )
    return found


@pytest.fixture
def assert_nothing_left(tmp_path: Path) -> Callable[[], None]:
    """A check that nothing is running in the test's folder any more, within 15 s."""

    def check() -> None:
        end = time.monotonic() + 15
        while left := processes_of(tmp_path):
            assert time.monotonic() < end, left
            time.sleep(0.1)

    return check
