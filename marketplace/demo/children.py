"""Child processes of the embedded runtime: started so that they die with us, stopped, reaped.

A child gets its own session (Ctrl-C reaches the supervisor only, which stops everything in order),
a log file, and a signal from the kernel should its parent die. The kernel ties that signal to the
*thread* that started the child: start children from the main thread.
"""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from marketplace.errors import MarketplaceError

ERROR_LINE = re.compile(r"([\w.]+(Error|Exception)|Error)\b")
CHILD_EXEC = Path(__file__).with_name("child_exec.py")


class ServiceError(MarketplaceError):
    """An embedded service cannot run; the message is one line for the person at the keyboard."""

    code = "service"


@dataclass(frozen=True)
class Child:
    """One running child and where it writes its log."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path

    def has_ended(self) -> bool:
        """Return whether the child is gone; reaps it when it is."""
        return self.process.poll() is not None

    def ask_to_stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        """Send the signal that asks for an orderly end."""
        if not self.has_ended():
            self.process.send_signal(number)

    def wait_stopped(self, seconds: float) -> None:
        """Wait for the end, insist after ``seconds``, and sweep what the child left in its group."""
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)

    def last_words(self, start: int = 0) -> str:
        """Return the line of the log that best says why the child failed."""
        return reason_in(tail(self.log, start)) or f"exit code {self.process.returncode}"


def spawn(
    name: str,
    command: Sequence[str | os.PathLike[str]],
    *,
    log: Path,
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
    death_signal: signal.Signals = signal.SIGTERM,
    identity: str = "same",
) -> Child:
    """Start ``command`` with an absolute program path; its output is appended to ``log``."""
    with log.open("ab") as output:
        process = subprocess.Popen(
            wrapped(command, death_signal, identity),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=dict(os.environ if environment is None else environment),
            cwd=folder,
            start_new_session=True,
        )
    return Child(name, process, log)


def wrapped(
    command: Sequence[str | os.PathLike[str]],
    death_signal: signal.Signals = signal.SIGTERM,
    identity: str = "same",
) -> list[str]:
    """Return the command that runs ``command`` through ``child_exec.py``."""
    prefix = [sys.executable, "-I", "-S", str(CHILD_EXEC), str(int(death_signal)), str(os.getpid()), identity]
    return [*prefix, *(os.fspath(part) for part in command)]


def is_running(pid: int, word: str) -> bool:
    """Return whether ``pid`` is a live process (no zombie) with ``word`` in its command line.

    A pid in a file proves nothing: after a reboot, or in a container, it belongs to someone else.
    """
    try:
        state = (
            Path(f"/proc/{pid}/stat")
            .read_text(encoding="utf-8", errors="replace")
            .rpartition(")")[2]
            .split()[0]
        )
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
    except (OSError, IndexError):
        return False
    return state not in {"Z", "X"} and os.fsencode(word) in command


def tail(path: Path, offset: int = 0, size: int = 16_384) -> str:
    """Return what was written to ``path`` since ``offset``, its last ``size`` bytes at most."""
    try:
        with path.open("rb") as source:
            end = source.seek(0, os.SEEK_END)
            source.seek(max(offset, end - size))
            return source.read().decode("utf-8", errors="replace")
    except FileNotFoundError:
        return ""


def reason_in(words: str) -> str:
    """Return the last line of ``words`` that names an error, else the last line; 300 characters at most."""
    lines = [line.strip() for line in words.splitlines() if line.strip()]
    errors = [line for line in lines if ERROR_LINE.match(line)]
    return (errors or lines or [""])[-1].removeprefix("Error: ")[:300]


def wait_until_gone(pid: int, word: str, seconds: float) -> bool:
    """Wait until ``pid`` is no longer the process ``word`` names; say whether it went."""
    end = time.monotonic() + seconds
    while is_running(pid, word):
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


def is_free(port: int) -> bool:
    """Return whether nothing listens on ``port`` of the loopback interface."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def free_port() -> int:
    """Return a port nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def write_private(path: Path, text: str) -> None:
    """Write a file only its owner can read, whole or not at all."""
    partial = path.with_name(f".{path.name}.partial")
    partial.unlink(missing_ok=True)
    partial.touch(mode=0o600)
    partial.write_text(text, encoding="utf-8")
    partial.rename(path)
