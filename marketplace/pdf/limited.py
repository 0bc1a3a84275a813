"""The port to PDF work: each job runs in a process of its own, under limits (rules C4, security.md U-03).

Two ways to start one, by the setting ``cv_extraction``, with the same limits and the same answers:
``subprocess`` starts an interpreter for each file; ``forkserver`` keeps one with the libraries
loaded that forks for each file, several times faster, for bulk imports. It is our own small server
rather than the one of ``multiprocessing``, which cannot be used inside a daemonic worker process
and would import the main program (web framework and all) again in each child.

A job sends the file in and reads one bounded answer; the process gets neither our environment
nor any open file.
"""

# A docstring may need a few characters more.
# ruff: noqa: E501
from __future__ import annotations

import importlib.util
import os
import selectors
import signal
import socket
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import msgspec

from marketplace.errors import UnavailableError
from marketplace.pdf.results import Extraction, Job, Marking, Numbers, RefusalReason, Request
from marketplace.settings import Settings

_CHILD = Path(__file__).with_name("child.py")
_STARTED = b"+"
_CHUNK = 1 << 16
# Of the time a job has: the process ends itself by its own alarm, we give up a little later, and the
# rest is for starting and clearing up on a busy machine.
_ALARM_SHARE, _ANSWER_SHARE = 0.85, 0.95
_MARGIN_BYTES = 4 * 1024 * 1024
_AT_ONCE = max(2, os.cpu_count() or 2)

_T = TypeVar("_T")


@dataclass(frozen=True)
class _Answer:
    """``started`` is false when the process never got to the file: the fault is ours, not the file's."""

    started: bool
    payload: bytes


class PDFReader:
    """Does PDF work in limited processes; safe to share between threads."""

    def __init__(self, settings: Settings, text_reader: str = "indexer.extract:read_text") -> None:
        """``text_reader`` is found by name in the limited process, for ``marketplace`` may not import ``indexer``."""
        self._settings = settings
        self._text_reader = text_reader
        self._folders = _package_folders(text_reader)
        self._numbers = Numbers(
            max_pages=settings.cv_max_pages,
            max_characters=settings.cv_max_characters,
            min_characters=settings.cv_min_characters,
            max_bytes=settings.cv_max_bytes,
        )
        # Every process may take the whole memory limit, so only a few run at once.
        self._slots = threading.BoundedSemaphore(_AT_ONCE)
        self._server: _ForkServer | None = None
        self._server_lock = threading.Lock()

    def check(self, content: bytes) -> RefusalReason | None:
        """Return why an upload is refused at once, else none (rules C4).

        None also when ``cv_check_seconds`` were not enough: the file is then accepted as received,
        and :meth:`extract` decides.
        """
        if not content:
            return RefusalReason.EMPTY
        if len(content) > self._settings.cv_max_bytes:
            return RefusalReason.TOO_LARGE
        answer = self._run("check", content, self._settings.cv_check_seconds)
        code = _decode(answer.payload, str)
        return RefusalReason(code) if code else None

    def extract(self, content: bytes) -> Extraction:
        """Return the text and the copy without active content, or the reason of the refusal (rules C4).

        A file that uses up its time or memory is refused as ``too_complex``. Raises
        :class:`UnavailableError` when the process could not be started: try again later.
        """
        answer = self._run("extract", content, self._settings.cv_extraction_seconds)
        if not answer.started:
            raise UnavailableError("pdf", 30)
        return _decode(answer.payload, Extraction) or Extraction.refused(RefusalReason.TOO_COMPLEX)

    def mark(self, content: bytes, marking: Marking) -> bytes:
        """Return a copy of a rewritten CV with its footer and identifier (rules D4).

        Raises :class:`UnavailableError` when it cannot be made: no copy leaves unmarked.
        """
        answer = self._run("mark", content, self._settings.cv_extraction_seconds, marking)
        copy = _decode(answer.payload, bytes)
        if copy is None:
            raise UnavailableError("pdf", 30)
        return copy

    def close(self) -> None:
        """End the fork server, if there is one."""
        with self._server_lock:
            if self._server is not None:
                self._server.close()
                self._server = None

    def _run(self, job: Job, content: bytes, seconds: float, marking: Marking | None = None) -> _Answer:
        started_at = time.monotonic()
        if not self._slots.acquire(timeout=seconds):
            return _Answer(started=False, payload=b"")
        try:
            # A check includes its wait for a turn, since someone waits for it; a file keeps its full time.
            left = seconds - (time.monotonic() - started_at) if job == "check" else seconds
            if left <= 0:
                return _Answer(started=False, payload=b"")
            request = Request(
                job=job,
                content=content,
                numbers=self._numbers,
                seconds=left * _ALARM_SHARE,
                cpu_seconds=max(1, min(self._settings.cv_extraction_cpu_seconds, int(seconds))),
                memory_mib=self._settings.cv_extraction_memory_mib,
                text_reader=self._text_reader if job == "extract" else "",
                marking=marking,
            )
            limit = len(content) * 2 + self._settings.cv_max_characters * 4 + _MARGIN_BYTES
            with self._process() as (write_fd, read_fd):
                return _exchange(
                    write_fd, read_fd, msgspec.msgpack.encode(request), left * _ANSWER_SHARE, limit
                )
        except OSError:
            return _Answer(started=False, payload=b"")
        finally:
            self._slots.release()

    @contextmanager
    def _process(self) -> Iterator[tuple[int, int]]:
        if self._settings.cv_extraction == "subprocess":
            with _one_process(self._folders) as ends:
                yield ends
        else:
            with self._fork_server().job() as ends:
                yield ends

    def _fork_server(self) -> _ForkServer:
        with self._server_lock:
            if self._server is None or not self._server.is_alive():
                if self._server is not None:
                    self._server.close()
                self._server = _ForkServer(self._folders, self._text_reader)
            return self._server


def _decode(payload: bytes, kind: type[_T]) -> _T | None:
    """Return the value, or none for the answer of a process that ended in the middle of it."""
    try:
        return msgspec.msgpack.decode(payload, type=kind)
    except msgspec.DecodeError:
        return None


def _package_folders(text_reader: str) -> list[str]:
    """Return the folders that hold our packages, wherever they are installed."""
    folders = [str(_CHILD.parents[2])]
    package = text_reader.partition(":")[0].partition(".")[0]
    found = importlib.util.find_spec(package)
    for location in (found.submodule_search_locations or ()) if found else ():
        folder = str(Path(location).resolve().parent)
        if folder not in folders:
            folders.append(folder)
    return folders


def _command(*arguments: str) -> list[str]:
    return [sys.executable, "-I", "-B", str(_CHILD), *arguments]


@contextmanager
def _pipes(hand_over: Callable[[int, int], None]) -> Iterator[tuple[int, int]]:
    """Make the two pipes of a job, hand the far ends over, give the near ends (which the user closes)."""
    request_out, request_in = os.pipe()
    answer_out, answer_in = os.pipe()
    try:
        hand_over(request_out, answer_in)
    except BaseException:
        os.close(request_in)
        os.close(answer_out)
        raise
    finally:
        os.close(request_out)
        os.close(answer_in)
    yield request_in, answer_out


@contextmanager
def _one_process(folders: list[str]) -> Iterator[tuple[int, int]]:
    processes: list[subprocess.Popen[bytes]] = []

    def start(request_out: int, answer_in: int) -> None:
        processes.append(_popen(_command(*folders), request_out, answer_in))

    try:
        with _pipes(start) as ends:
            yield ends
    finally:
        for process in processes:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _popen(
    command: list[str], stdin: int, stdout: int, pass_fds: tuple[int, ...] = ()
) -> subprocess.Popen[bytes]:
    """Start a process with an empty environment, in a session of its own."""
    return subprocess.Popen(
        command,
        stdin=stdin,
        stdout=stdout,
        stderr=subprocess.DEVNULL,
        env={"LC_ALL": "C.UTF-8"},
        cwd="/",
        start_new_session=True,
        pass_fds=pass_fds,
    )


class _ForkServer:
    """One warm process that forks a limited child for each job (see ``child.py``)."""

    def __init__(self, folders: list[str], text_reader: str) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = _popen(
                _command("--serve", str(theirs.fileno()), text_reader, *folders),
                subprocess.DEVNULL,
                subprocess.DEVNULL,
                (theirs.fileno(),),
            )
        self._channel = ours
        self._owner = os.getpid()
        # It also ends by itself when our end is closed, so it cannot outlive us even after kill -9.
        self._finalizer = weakref.finalize(self, _end, self._process, ours, self._owner)

    def is_alive(self) -> bool:
        """Whether this process started it and it still runs (a forked parent must start its own)."""
        return self._owner == os.getpid() and self._process.poll() is None

    @contextmanager
    def job(self) -> Iterator[tuple[int, int]]:
        def send(request_out: int, answer_in: int) -> None:
            socket.send_fds(self._channel, [b"j"], [request_out, answer_in])

        with _pipes(send) as ends:
            yield ends

    def close(self) -> None:
        self._finalizer()


def _end(process: subprocess.Popen[bytes], channel: socket.socket, owner: int) -> None:
    channel.close()
    if owner != os.getpid():
        return
    with suppress(ProcessLookupError):
        process.kill()
    process.wait()


def _exchange(write_fd: int, read_fd: int, request: bytes, seconds: float, limit: int) -> _Answer:
    """Send the request and read the answer until its end; close both ends.

    No answer when the time is over, the answer is longer than ``limit`` or the process died.
    """
    deadline = time.monotonic() + seconds
    unsent = memoryview(request)
    received = bytearray()
    with os.fdopen(write_fd, "wb", 0) as target, os.fdopen(read_fd, "rb", 0) as source:
        os.set_blocking(write_fd, False)
        os.set_blocking(read_fd, False)
        with selectors.DefaultSelector() as selector:
            selector.register(target, selectors.EVENT_WRITE)
            selector.register(source, selectors.EVENT_READ)
            while (left := deadline - time.monotonic()) > 0 and len(received) <= limit:
                for key, _events in selector.select(left):
                    if key.fileobj is source:
                        chunk = source.read(_CHUNK)
                        if chunk == b"":
                            return _Answer(received[:1] == _STARTED, bytes(received[1:]))
                        received += chunk or b""
                        continue
                    try:
                        unsent = unsent[target.write(unsent[:_CHUNK]) or 0 :]
                    except BrokenPipeError:
                        unsent = unsent[len(unsent) :]
                    if not unsent:
                        selector.unregister(target)
                        target.close()
    return _Answer(received[:1] == _STARTED, b"")
