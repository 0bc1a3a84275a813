"""Our launcher of Valkey."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis

from marketplace.demo import embedded_valkey
from marketplace.demo.children import ServiceError
from marketplace.demo.embedded_valkey import ValkeyServer


@pytest.fixture
def server(tmp_path: Path, assert_nothing_left: Callable[[], None]) -> Iterator[ValkeyServer]:
    server = ValkeyServer(tmp_path / "dossier été")
    yield server
    server.stop()
    assert_nothing_left()


def client(url: str) -> redis.Redis:
    return redis.Redis.from_url(url, single_connection_client=True, decode_responses=True)


def is_running(server: ValkeyServer) -> bool:
    return server.pid is not None


def test_tasks_survive_a_stop_and_a_kill(server: ValkeyServer) -> None:
    """What was queued is there after a stop, and after kill -9 once a second has passed."""
    url = server.start()
    with client(url) as one:
        one.set("a", "1")
        one.config_set("appendfsync", "always")
        one.set("b", "2")
    assert server.pid is not None
    os.kill(server.pid, signal.SIGKILL)
    while is_running(server):
        pass
    assert server.start() == url
    server.stop()
    assert server.start() == url
    with client(url) as two:
        assert (two.get("a"), two.get("b")) == ("1", "2")


def test_it_asks_for_a_password_and_never_evicts(server: ValkeyServer) -> None:
    """The folder is private, the password is on no command line, and a full broker refuses."""
    url = server.start()
    password = (server.folder / "password").read_text()
    assert server.folder.stat().st_mode & 0o777 == 0o700
    assert (server.folder / "valkey.conf").stat().st_mode & 0o777 == 0o600
    assert password.encode() not in Path(f"/proc/{server.pid}/cmdline").read_bytes()
    with pytest.raises(redis.AuthenticationError):
        client(url.replace(password, "wrong"))
    with client(url) as one:
        assert one.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}


def test_a_taken_port_is_left_to_its_owner(server: ValkeyServer) -> None:
    """Another program on our port: we move."""
    first = server.start()
    taken = server.port
    server.stop()
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", taken))
        other.listen()
        second = server.start()
        assert second != first
        with client(second) as one:
            assert one.ping()


def test_a_second_server_on_the_folder_is_refused(
    server: ValkeyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two servers never write to one folder."""
    server.start()
    monkeypatch.setattr(embedded_valkey, "ORPHAN_SECONDS", 0.2)
    with pytest.raises(ServiceError, match="already runs"):
        ValkeyServer(server.folder).start()


def test_a_server_that_cannot_start_says_why(server: ValkeyServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded_valkey, "MEMORY", "nonsense")
    with pytest.raises(ServiceError, match="stopped while starting"):
        server.start()
