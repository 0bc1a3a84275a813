"""One supervisor for the whole embedded service: starts it, watches it, stops all it started.

Order: the data folder and its lock, PostgreSQL and Valkey together, migrations, sample data,
web and worker, readiness. A service whose address is in the environment is not started. Children know
only addresses, and die with the supervisor even when it is killed (``children.py``).
"""

from __future__ import annotations

import errno
import json
import os
import signal
import socket
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from types import FrameType
from typing import Any

from rich.console import Console

import marketplace
from marketplace.demo.children import Child, ServiceError, spawn
from marketplace.demo.data_folder import DataFolder
from marketplace.demo.local_services import LocalServers
from marketplace.demo.progress import shown_progress
from marketplace.demo.welcome import readdress, welcome
from marketplace.processes import web_command, worker_command
from marketplace.settings import Settings

READY_SECONDS = 60.0
BACKLOG_SECONDS = 10.0
"""After a long pause the worker has much to do; that is no reason not to begin."""
STOP_SECONDS = 12.0
RESTARTS = 3
RESTART_WINDOW = 60.0
"""A child that ends more than :data:`RESTARTS` times in so many seconds stops the whole."""

WORDS = {"web": "marketplace.app", "worker": "marketplace.worker"}
"""What the command line of a child is known by; other children run our command line."""


class StopRequested(BaseException):
    """Ctrl-C or a request to end, wherever the supervisor is at that moment."""


@dataclass(frozen=True, kw_only=True)
class Wishes:
    """What the person at the keyboard asked for."""

    host: str = "127.0.0.1"
    port: int = 8000
    reset: bool = False
    candidates: int = 300


class Supervisor:
    """Runs the service until it is told to stop; :meth:`run` is the whole life."""

    def __init__(self, settings: Settings, wishes: Wishes, console: Console) -> None:
        self._settings = settings
        self._wishes = wishes
        self._console = console
        self._data = DataFolder(settings.data)
        self._servers = LocalServers(self._data.path, settings)
        self._children: dict[str, Child] = {}
        self._log_starts: dict[str, int] = {}
        self._ended: deque[float] = deque(maxlen=RESTARTS + 1)
        self._environment = dict(os.environ)

    def run(self) -> None:
        """Start, watch, stop. Raises :class:`ServiceError` when it cannot go on; leaves no process."""
        check_port(self._wishes.host, self._wishes.port, only_syntax=True)
        self._data.open(self.address)
        try:
            with requests_to_stop():
                self._start()
                self._watch()
        except StopRequested:
            self._console.print("\nStopping …")
        finally:
            self._stop()
            self._data.close()

    @property
    def address(self) -> str:
        """Where people reach the service."""
        return f"http://{self._wishes.host}:{self._wishes.port}"

    def _start(self) -> None:
        self._data.await_orphans()
        check_port(self._wishes.host, self._wishes.port)
        self._start_anew_if_needed()
        self._environment |= {
            "MARKETPLACE_DATA": str(self._data.path),
            "MARKETPLACE_BASE_URL": os.environ.get("MARKETPLACE_BASE_URL") or self.address,
            "PYTHONUNBUFFERED": "1",
        }
        self._data.note(base_url=self._environment["MARKETPLACE_BASE_URL"])
        with self._step("PostgreSQL and Valkey"):
            self._environment |= self._servers.start()
        with self._step("Database schema"):
            self._upgrade_schema()
        # Before the worker, which would read the same CVs one process at a time beside it.
        if self._wishes.candidates and self._data.state().get("sample") != "done":
            self._make_sample_data()
        with self._step("Web and worker"):
            self._start_web()
            self._start_worker()
            self._await_ready()
        readdress(self._data.path / "demo.json", self._environment["MARKETPLACE_BASE_URL"])
        self._console.print(welcome(self.address, self._data.path))

    def _start_anew_if_needed(self) -> None:
        interrupted = self._data.state().get("sample") == "started"
        if not (self._wishes.reset or interrupted):
            return
        if self._settings.database_url:
            raise ServiceError(
                "DATABASE_URL names a database of yours, which is not emptied from here: "
                "empty it, remove the data folder, and start again"
            )
        reason = "Starting anew" if self._wishes.reset else "The first start was interrupted: starting anew"
        with self._step(reason):
            self._servers.await_orphans()
            self._servers.remove()
            self._data.clear()

    def _upgrade_schema(self) -> None:
        """Migrate, unless nothing of the schema changed since this folder's last start."""
        wanted = schema_fingerprint()
        if self._settings.database_url or self._data.state().get("schema") != wanted:
            self._run_to_end("migrate", "db", "upgrade")
            self._data.note(schema=wanted)

    def _start_web(self) -> None:
        self._spawn("web", web_command(self._wishes.host, self._wishes.port))

    def _start_worker(self) -> None:
        schedule = self._data.folder("beat") / "schedule"
        self._spawn("worker", worker_command(self._settings, schedule=schedule))

    def _spawn(self, name: str, command: list[str]) -> Child:
        log = self._data.folder("logs") / f"{name}.log"
        self._log_starts[name] = log.stat().st_size if log.exists() else 0
        self._children[name] = child = spawn(name, command, log=log, environment=self._environment)
        words = {item.process.pid: WORDS.get(key, "marketplace.cli") for key, item in self._children.items()}
        self._data.note_children(words)
        return child

    def _run_to_end(
        self, name: str, *arguments: str, watch: Callable[[Iterator[dict[str, Any]]], None] | None = None
    ) -> None:
        """Run a command of our own and wait for it; ``watch`` is given its JSON lines as they come."""
        child = self._spawn(name, [sys.executable, "-m", "marketplace.cli", *arguments])
        start = self._log_starts[name]
        if watch is not None:
            watch(json_lines(child, start))
        while not child.has_ended():
            time.sleep(0.02)
        del self._children[name]
        if child.process.returncode != 0:
            raise ServiceError(f"{name} failed: {child.last_words(start)} (see {child.log})")

    def _make_sample_data(self) -> None:
        self._data.note(sample="started")
        count = self._wishes.candidates
        with shown_progress(self._console) as show:

            def watch(lines: Iterator[dict[str, Any]]) -> None:
                for line in lines:
                    if {"step", "done", "total"} <= line.keys():
                        show(line["step"], line["done"], line["total"])

            self._console.print("Sample data …")
            self._run_to_end("demo", "demo", "--candidates", str(count), "--json", watch=watch)
        self._data.note(sample="done")

    def _await_ready(self) -> None:
        begun = time.monotonic()
        while missing := missing_for_readiness(self._wishes.host, self._wishes.port):
            for child in self._children.values():
                if child.has_ended():
                    reason = child.last_words(self._log_starts[child.name])
                    raise ServiceError(f"{child.name} stopped while starting: {reason} (see {child.log})")
            waited = time.monotonic() - begun
            if missing == {"lag"} and waited > BACKLOG_SECONDS:
                self._console.print("[yellow]The worker is still working off what waited for it.[/]")
                return
            if waited > READY_SECONDS:
                raise ServiceError(
                    f"not ready after {READY_SECONDS:.0f} s ({', '.join(sorted(missing))}); "
                    f"see {self._data.path / 'logs'}"
                )
            time.sleep(0.1)

    def _watch(self) -> None:
        """Start again what ends by itself, until somebody asks to stop."""
        while True:
            for server in (self._servers.postgres, self._servers.valkey):
                if server is not None and server.pid is None:
                    self._count_end(type(server).__name__.removesuffix("Server"), server.log)
                    server.start()
            for name, start in (("web", self._start_web), ("worker", self._start_worker)):
                child = self._children[name]
                if child.has_ended():
                    child.wait_stopped(0)
                    self._count_end(name, child.log)
                    start()
            time.sleep(0.3)

    def _count_end(self, name: str, log: Path) -> None:
        now = time.monotonic()
        self._ended.append(now)
        if len(self._ended) > RESTARTS and now - self._ended[0] < RESTART_WINDOW:
            raise ServiceError(f"{name} keeps ending; see {log}")
        self._console.print(f"[yellow]{name} ended and is started again[/] (see {log})")

    def _stop(self) -> None:
        """Stop everything in reverse; a second Ctrl-C does not interrupt it."""
        previous = {number: signal.signal(number, signal.SIG_IGN) for number in STOP_SIGNALS}
        try:
            for child in self._children.values():
                child.ask_to_stop()
            for child in reversed(list(self._children.values())):
                child.wait_stopped(STOP_SECONDS)
            self._servers.stop()
        finally:
            for number, handler in previous.items():
                signal.signal(number, handler)

    @contextmanager
    def _step(self, title: str) -> Iterator[None]:
        begun = time.monotonic()
        with self._console.status(f"{title} …"):
            yield
        self._console.print(f"[green]✓[/] {title} [dim]{time.monotonic() - begun:.1f} s[/]")


STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def schema_fingerprint() -> str:
    """Return a digest of the migrations and of the documents published with them."""
    package = Path(marketplace.__file__).parent
    digest = sha256()
    for path in sorted([*package.glob("migrations/versions/*.py"), *package.glob("terms/documents/*.md")]):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


@contextmanager
def requests_to_stop() -> Iterator[None]:
    """Turn Ctrl-C, SIGTERM and a closed terminal into :class:`StopRequested`."""

    def request(_number: int, _frame: FrameType | None) -> None:
        raise StopRequested

    previous = {number: signal.signal(number, request) for number in STOP_SIGNALS}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def check_port(host: str, port: int, *, only_syntax: bool = False) -> None:
    """Raise :class:`ServiceError` when the web process could not listen on ``port``."""
    if not 0 < port <= 65535:  # noqa: PLR2004  (of TCP)
        raise ServiceError(f"PORT={port} is no port; choose one from 1024 to 65535")
    if only_syntax:
        return
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            other = port + 1 if port + 1 > 1023 and port < 65535 else 8001  # noqa: PLR2004  (of TCP)
            reason = (
                "is used by another program"
                if error.errno == errno.EADDRINUSE
                else f"cannot be used ({error.strerror})"
            )
            raise ServiceError(f"port {port} {reason}; choose another: make run PORT={other}") from error


def missing_for_readiness(host: str, port: int) -> set[str]:
    """Return what the service says it waits for: nothing when it is ready."""
    connection = HTTPConnection(host, port, timeout=5)
    try:
        connection.request("GET", "/readyz")
        response = connection.getresponse()
        if response.status == 200:  # noqa: PLR2004  (HTTP)
            return set()
        checks = json.loads(response.read())["checks"]
        return {name for name, check in checks.items() if check["status"] != "ok"} or {"web"}
    except (OSError, HTTPException, ValueError, KeyError):
        return {"web"}
    finally:
        connection.close()


def json_lines(child: Child, start: int) -> Iterator[dict[str, Any]]:
    """Yield the JSON objects a child writes to its log, as they come, until it ends."""
    with child.log.open(encoding="utf-8", errors="replace") as source:
        source.seek(start)
        unfinished = ""
        while True:
            has_ended = child.has_ended()
            unfinished += source.read()
            *lines, unfinished = unfinished.split("\n")
            for line in lines:
                if line.startswith("{"):
                    try:
                        yield json.loads(line)
                    except ValueError:
                        continue
            if has_ended:
                return
            time.sleep(0.1)
