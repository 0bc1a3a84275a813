"""The supervisor: what a newcomer meets with `make run`, and what happens when things are killed."""

from __future__ import annotations

import io
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from rich.console import Console

from marketplace.demo.children import ServiceError, free_port
from marketplace.demo.progress import shown_progress
from marketplace.demo.supervisor import Supervisor, Wishes, check_port, missing_for_readiness
from marketplace.demo.welcome import readdress, welcome
from marketplace.settings import Settings
from tests.marketplace.demo.conftest import processes_of

HOST = "127.0.0.1"


class Run:
    """`marketplace run` in its own process, with what it printed."""

    def __init__(self, data: Path, port: int, *options: str) -> None:
        environment = {
            **os.environ, "DATABASE_URL": "", "REDIS_URL": "",
            "MARKETPLACE_DATA": str(data), "MARKETPLACE_PASSWORD_HASH_MEMORY_KIB": "8", "COLUMNS": "200",
        }  # fmt: skip
        self.output = data.parent / f"output-{time.monotonic_ns()}"
        command = [sys.executable, "-m", "marketplace.cli", "run", "--port", str(port), "--candidates", "2"]
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                [*command, *options], env=environment, stdout=output, stderr=subprocess.STDOUT
            )

    @property
    def said(self) -> str:
        return self.output.read_text(encoding="utf-8")

    def has_said(self, words: str) -> bool:
        return words in self.said

    def wait_until_running(self) -> None:
        """Wait for the panel that ends a start."""
        end = time.monotonic() + 90
        while "Ctrl-C" not in self.said:
            assert self.process.poll() is None, self.said
            assert time.monotonic() < end, self.said
            time.sleep(0.1)

    def ended(self, seconds: float = 60) -> int:
        """Wait for the end and return the exit code."""
        return self.process.wait(seconds)


@pytest.fixture
def runs(tmp_path: Path, assert_nothing_left: Callable[[], None]) -> Iterator[Callable[..., Run]]:
    started = []

    def start(port: int, *options: str, data: str = "data") -> Run:
        started.append(Run(tmp_path / data, port, *options))
        return started[-1]

    yield start
    for run in started:
        if run.process.poll() is None:
            run.process.terminate()
            run.ended()
    assert_nothing_left()


@pytest.mark.slow
def test_the_life_of_a_service(
    tmp_path: Path, runs: Callable[..., Run], assert_nothing_left: Callable[[], None]
) -> None:
    """Start, be refused beside the first, heal, be killed, recover, start anew, stop: nothing is left."""
    port = free_port()
    first = runs(port)
    first.wait_until_running()
    assert wait_for(partial(is_ready, port)), missing_for_readiness(HOST, port)
    accounts = json.loads((tmp_path / "data" / "demo.json").read_text(encoding="utf-8"))["accounts"]
    assert {account["role"] for account in accounts} == {"recruiter", "candidate", "admin"}
    for account in accounts:
        assert account["email"] in first.said
    assert (tmp_path / "data").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "data" / "demo.json").stat().st_mode & 0o777 == 0o600

    second = runs(free_port())
    assert second.ended() == 1
    assert f"already running in {tmp_path / 'data'}: http://127.0.0.1:{port}" in second.said
    assert wait_for(partial(is_ready, port)), missing_for_readiness(HOST, port)

    for name, said in (("marketplace.app", "web ended"), ("bin/postgres", "Postgres ended")):
        kill(tmp_path / "data", name)
        assert wait_for(partial(first.has_said, said))
        assert wait_for(partial(is_ready, port)), first.said

    first.process.kill()
    first.ended()
    assert_nothing_left()

    again = runs(port)
    again.wait_until_running()
    assert "Sample data" not in again.said
    assert wait_for(partial(is_ready, port)), missing_for_readiness(HOST, port)
    again.process.send_signal(signal.SIGINT)
    assert again.ended() == 0
    assert_nothing_left()

    state = tmp_path / "data" / "state.json"
    state.write_text(state.read_text().replace('"done"', '"started"'))
    after_interruption = runs(port)
    after_interruption.wait_until_running()
    assert "was interrupted" in after_interruption.said
    assert len(json.loads((tmp_path / "data" / "demo.json").read_text(encoding="utf-8"))["accounts"]) == len(
        accounts
    )
    after_interruption.process.terminate()
    assert after_interruption.ended() == 0


def is_ready(port: int) -> bool:
    """Everything answers; what the worker has yet to do is not waited for."""
    return missing_for_readiness(HOST, port) <= {"lag"}


def kill(data: Path, word: str) -> None:
    """Kill the oldest process of ``data`` with ``word`` in its command line."""
    os.kill(min(pid for pid, command in processes_of(data).items() if word in command), signal.SIGKILL)


def wait_for(condition: Callable[[], bool], seconds: float = 30) -> bool:
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.1)
    return True


def test_a_busy_port_is_told_before_anything_starts(tmp_path: Path, runs: Callable[..., Run]) -> None:
    """One line, with the PORT= to use instead, and no server started."""
    with socket.socket() as other:
        other.bind((HOST, 0))
        other.listen()
        port = other.getsockname()[1]
        run = runs(port)
        assert run.ended() == 1
    assert (
        run.said.strip()
        == f"Error: port {port} is used by another program; choose another: make run PORT={port + 1}"
    )
    assert not (tmp_path / "data" / "postgres").exists()


@pytest.mark.parametrize("port", [0, -1, 65536])
def test_a_port_that_is_none_is_told(port: int) -> None:
    """Before at and after the bounds of TCP."""
    with pytest.raises(ServiceError, match="is no port"):
        check_port(HOST, port)
    check_port(HOST, 65535, only_syntax=True)
    check_port(HOST, 1, only_syntax=True)


def test_an_interrupt_while_starting_leaves_nothing(tmp_path: Path, runs: Callable[..., Run]) -> None:
    """Ctrl-C at any moment of a first start stops all of it, and nothing half-made is used later."""
    run = runs(free_port())
    assert wait_for((tmp_path / "data" / "lock").exists)
    time.sleep(0.2)
    run.process.send_signal(signal.SIGINT)
    assert run.ended() == 0
    assert "Stopping" in run.said


def test_a_database_of_yours_is_never_emptied(tmp_path: Path) -> None:
    """RESET=1 beside DATABASE_URL is refused: only what we made is deleted."""
    settings = Settings(data=tmp_path / "data", database_url="postgresql+psycopg://a@127.0.0.1:1/b")
    supervisor = Supervisor(settings, Wishes(port=free_port(), reset=True), Console(file=io.StringIO()))
    with pytest.raises(ServiceError, match="DATABASE_URL names a database of yours"):
        supervisor.run()


def test_the_panel_names_address_portals_and_accounts(tmp_path: Path) -> None:
    """Everything to begin with is on the screen, and `demo.json` names the address of this run."""
    path = tmp_path / "demo.json"
    path.write_text(
        json.dumps({"base_url": "old", "accounts": [{"role": "admin", "email": "a@b.c", "password": "p w"}]})
    )
    readdress(path, "http://127.0.0.1:8001")
    assert json.loads(path.read_text())["base_url"] == "http://127.0.0.1:8001"
    assert path.stat().st_mode & 0o777 == 0o600
    output = io.StringIO()
    Console(file=output, width=120).print(welcome("http://127.0.0.1:8001", tmp_path))
    for words in ("http://127.0.0.1:8001/recruiter", "/dev/mail", "/api/docs", "a@b.c", "p w", "Ctrl-C"):
        assert words in output.getvalue()


def test_the_panel_without_sample_data(tmp_path: Path) -> None:
    readdress(tmp_path / "demo.json", "http://127.0.0.1:8001")
    output = io.StringIO()
    Console(file=output, width=120).print(welcome("http://127.0.0.1:8001", tmp_path))
    assert "Password" not in output.getvalue()


@pytest.mark.parametrize("is_terminal", [True, False])
def test_progress_is_shown_everywhere(is_terminal: bool) -> None:
    """A bar on a terminal, a few lines in a log."""
    output = io.StringIO()
    with shown_progress(Console(file=output, force_terminal=is_terminal, width=100)) as show:
        for done in range(101):
            show("Uploading", done, 100)
    assert "Uploading" in output.getvalue()
    assert "100" in output.getvalue()
    if not is_terminal:
        assert len(output.getvalue().splitlines()) == 5
