"""`marketplace serve` in production: binds, logs and stops as an orchestrator expects."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.servers import free_port

COMMAND = [sys.executable, "-m", "marketplace.cli"]
HOST = "talents.example"


class Served:
    """One `marketplace serve` in its own process."""

    def __init__(self, folder: Path, environment: dict[str, str], *options: str) -> None:
        self.port = free_port()
        self.environment = environment
        self.log = folder / "serve.log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [*COMMAND, "serve", "--port", str(self.port), *options],
                env=environment, stdout=log, stderr=subprocess.STDOUT, cwd=folder,
            )  # fmt: skip

    def healthcheck(self) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*COMMAND, "healthcheck", "web", "--port", str(self.port)],
            env=self.environment, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip

    def wait_until_healthy(self) -> None:
        end = time.monotonic() + 120
        while self.healthcheck().returncode != 0:
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < end, self.log.read_text()

    def ask(self, request: str) -> str:
        """Send one whole request and return the whole answer."""
        with self.connect() as connection:
            connection.sendall(request.encode())
            return read(connection)

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=60)


def read(connection: socket.socket) -> str:
    """Return everything until the other side closes."""
    parts = b""
    while part := connection.recv(65536):
        parts += part
    return parts.decode()


@pytest.fixture
def environment(tmp_path: Path, database_url: str) -> dict[str, str]:
    """A production environment; nobody listens where the broker and the mail server are said to be."""
    return {
        **os.environ, "MARKETPLACE_ENV": "production", "MARKETPLACE_BASE_URL": f"https://{HOST}",
        "MARKETPLACE_DATA": str(tmp_path / "data"), "MARKETPLACE_SECRET_KEY": "k" * 48,
        "DATABASE_URL": database_url, "REDIS_URL": "redis://127.0.0.1:1/0", "SMTP_URL": "smtp://127.0.0.1:1",
    }  # fmt: skip


@pytest.fixture
def serve(tmp_path: Path, environment: dict[str, str]) -> Iterator[Callable[..., Served]]:
    started: list[Served] = []

    def start(*options: str, **more: str) -> Served:
        started.append(Served(tmp_path, environment | more, *options))
        return started[-1]

    yield start
    for served in started:
        if served.process.poll() is None:
            served.process.kill()
        served.process.wait(10)


def test_it_answers_by_its_name_only_and_logs_one_object_a_line(serve: Callable[..., Served]) -> None:
    """R-03, L-03: the address people use and no other; what is logged can be read by a machine."""
    served = serve(MARKETPLACE_WEB_WORKERS="2")
    served.wait_until_healthy()
    own = served.ask(f"GET /api/v1/terms HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n")
    assert own.startswith("HTTP/1.1 200")
    other = served.ask("GET /api/v1/terms HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
    assert other.startswith("HTTP/1.1 400")
    children = Path(f"/proc/{served.process.pid}/task/{served.process.pid}/children").read_text()
    assert len(children.split()) >= 2
    served.process.terminate()
    assert served.process.wait(60) == 0
    lines = [json.loads(line) for line in served.log.read_text().splitlines()]
    assert sorted(line["status"] for line in lines if line["event"] == "request.answered") == [200, 400]


def test_a_request_under_way_is_answered_when_it_is_told_to_stop(serve: Callable[..., Served]) -> None:
    """SIGTERM: no new connection is taken, the request under way gets its answer, the exit code is 0."""
    served = serve()
    served.wait_until_healthy()
    body = json.dumps({"email": "nobody@people.example", "password": "x" * 20, "transport": "cookie"})
    head = (
        f"POST /api/v1/sessions HTTP/1.1\r\nHost: {HOST}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    with served.connect() as connection:
        connection.sendall((head + body[:10]).encode())
        time.sleep(1)
        served.process.send_signal(signal.SIGTERM)
        time.sleep(1)
        assert served.process.poll() is None
        with pytest.raises(ConnectionError):
            served.ask(f"GET /livez HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n")
        connection.sendall(body[10:].encode())
        answer = read(connection)
    assert answer.startswith("HTTP/1.1 4"), answer[:200]
    assert "application/problem+json" in answer
    assert served.process.wait(60) == 0


def test_unsafe_settings_are_told_in_one_line(serve: Callable[..., Served]) -> None:
    """O-03: nothing listens with a setting that cannot work; exit code 1."""
    served = serve("--workers", "1", MARKETPLACE_BASE_URL="http://talents.example")
    assert served.process.wait(60) == 1
    assert served.log.read_text() == "Error: MARKETPLACE_BASE_URL must be https in production\n"


def test_a_server_that_is_not_there_is_unhealthy(serve: Callable[..., Served]) -> None:
    """The check fails with its reason, for who restarts what fails."""
    served = serve(MARKETPLACE_BASE_URL="http://talents.example")
    served.process.wait(60)
    told = served.healthcheck()
    assert told.returncode == 1
    served.environment["MARKETPLACE_BASE_URL"] = f"https://{HOST}"
    told = served.healthcheck()
    assert (told.returncode, told.stdout) == (1, "")
    assert told.stderr.startswith(f"Error: nobody answers on port {served.port}")
