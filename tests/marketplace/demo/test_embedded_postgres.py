"""Our launcher of PostgreSQL, against everything that happens to a developer's machine."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from marketplace.demo import embedded_postgres
from marketplace.demo.children import ServiceError
from marketplace.demo.embedded_postgres import DEFAULT_OPTIONS, PostgresServer

# Durable where kills are tested, but on a folder that is not synced when it is made.
OPTIONS = {**DEFAULT_OPTIONS, "max_connections": "20", "shared_buffers": "16MB"}


@pytest.fixture
def server(tmp_path: Path, assert_nothing_left: Callable[[], None]) -> Iterator[PostgresServer]:
    server = PostgresServer(tmp_path / "dossier été", options=OPTIONS)
    yield server
    server.stop()
    assert_nothing_left()


def execute(url: str, statement: str) -> list[tuple[object, ...]]:
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
        cursor = connection.execute(statement)
        return cursor.fetchall() if cursor.description else []


def kill(server: PostgresServer) -> None:
    """End the postmaster without a word, and reap it."""
    assert server.pid is not None
    os.kill(server.pid, signal.SIGKILL)
    end = time.monotonic() + 5
    while server.pid is not None and time.monotonic() < end:
        time.sleep(0.01)


def test_it_starts_cold_and_warm_on_the_same_address(server: PostgresServer) -> None:
    """The first start makes the cluster; the next uses it, at the same address, with its rows."""
    url = server.start()
    execute(url, "CREATE TABLE kept AS SELECT 1 AS one")
    server.stop()
    assert server.pid is None
    assert server.start() == url
    assert execute(url, "SELECT one FROM kept") == [(1,)]
    assert execute(
        url, "SELECT datcollate, lower('É') FROM pg_database WHERE datname = current_database()"
    ) == [("C.UTF-8", "é")]


def test_nobody_else_can_read_it(server: PostgresServer) -> None:
    """The folder is private, and the server asks for a password, also on the loopback interface."""
    url = server.start()
    assert server.folder.stat().st_mode & 0o777 == 0o700
    assert server.data.stat().st_mode & 0o777 == 0o700
    assert (server.folder / "password").stat().st_mode & 0o777 == 0o600
    before, _, after = url.partition("@")
    with pytest.raises(psycopg.OperationalError, match="authentication failed"):
        execute(f"{before}x@{after}", "SELECT 1")


def test_rows_survive_kill_9(server: PostgresServer) -> None:
    """A kill at any moment loses nothing committed, and the next start recovers by itself."""
    url = server.start()
    execute(url, "CREATE TABLE kept (n int)")
    for number in range(3):
        execute(url, f"INSERT INTO kept VALUES ({number})")
        kill(server)
        assert server.start() == url
    assert execute(url, "SELECT count(*) FROM kept") == [(3,)]


def test_a_stale_pid_file_of_another_process_is_forgotten(server: PostgresServer) -> None:
    """After a reboot the pid in the file belongs to somebody else, who is left alone."""
    server.start()
    pid_file = server.data / "postmaster.pid"
    lines = pid_file.read_text().splitlines()
    kill(server)
    with subprocess.Popen(["/bin/sleep", "1000"]) as other:
        pid_file.write_text("\n".join([str(other.pid), *lines[1:]]))
        server.start()
        assert other.poll() is None
        other.kill()


def test_an_unreadable_pid_file_is_forgotten(server: PostgresServer) -> None:
    """A crash can leave any bytes."""
    server.start()
    kill(server)
    (server.data / "postmaster.pid").write_text("")
    server.start()


def test_a_half_made_cluster_is_made_again(server: PostgresServer) -> None:
    """An interrupted first start is no obstacle to the next."""
    (server.folder / "data.partial").mkdir(parents=True)
    (server.folder / "data.partial" / "PG_VERSION").write_text("18\n")
    assert execute(server.start(), "SELECT 1") == [(1,)]
    assert not (server.folder / "data.partial").exists()


def test_a_taken_port_is_left_to_its_owner(server: PostgresServer) -> None:
    """Another program on our port: we move, and say where in the address."""
    first = server.start()
    taken = server.port
    server.stop()
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", taken))
        other.listen()
        second = server.start()
        assert second != first
        assert execute(second, "SELECT 1") == [(1,)]


def test_a_second_server_on_the_folder_is_refused(
    server: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two servers never share a folder, and the first keeps running."""
    url = server.start()
    monkeypatch.setattr(embedded_postgres, "ORPHAN_SECONDS", 0.2)
    with pytest.raises(ServiceError, match="already runs"):
        PostgresServer(server.folder, options=OPTIONS).start()
    assert execute(url, "SELECT 1") == [(1,)]


def test_a_wrong_option_is_told(server: PostgresServer) -> None:
    """A server that cannot start says why in one line."""
    broken = PostgresServer(server.folder, options={**OPTIONS, "shared_buffers": "nonsense"})
    with pytest.raises(ServiceError, match="shared_buffers"):
        broken.start()


def test_it_dies_with_a_killed_supervisor_and_starts_again(
    tmp_path: Path, assert_nothing_left: Callable[[], None]
) -> None:
    """kill -9 of the whole supervisor leaves no server; the next one finds its rows."""
    folder = tmp_path / "cluster"
    script = (
        "import sys, time; from pathlib import Path\n"
        "from marketplace.demo.embedded_postgres import PostgresServer\n"
        "server = PostgresServer(Path(sys.argv[1])); print(server.start(), flush=True); time.sleep(1000)"
    )
    with subprocess.Popen([sys.executable, "-c", script, folder], stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout is not None
        url = owner.stdout.readline().strip()
        execute(url, "CREATE TABLE kept AS SELECT 1 AS one")
        owner.kill()
    heir = PostgresServer(folder)
    assert execute(heir.start(), "SELECT one FROM kept") == [(1,)]
    heir.stop()
    assert_nothing_left()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has to shed its identity")
def test_root_without_user_namespaces_runs_as_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """The fallback: programs are copied to where "nobody" reaches them; ours keep their permissions."""
    place = Path(tempfile.mkdtemp(dir="/var/tmp"))
    try:
        place.chmod(0o755)
        private = place / "private"
        private.mkdir(mode=0o700)
        monkeypatch.setattr(embedded_postgres, "SYSTEM_FOLDER", place / "system")
        server = PostgresServer(private / "postgres", options=OPTIONS, root_mode="65534:65534")
        for _ in range(2):
            assert execute(server.start(), "SELECT 1") == [(1,)]
            server.stop()
        assert private.stat().st_mode & 0o777 == 0o700
        assert server.data.stat().st_uid == 65534
        assert len(list((place / "system").glob("programs-*"))) == 1
        server.remove()
        assert not server.data.exists()
    finally:
        shutil.rmtree(place)
