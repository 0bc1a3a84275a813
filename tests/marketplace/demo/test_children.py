"""Children die with their parent, and pids are not believed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from marketplace.demo.children import is_free, is_running, spawn, tail, wait_until_gone, write_private


def test_a_child_of_a_killed_parent_dies(tmp_path: Path, assert_nothing_left: Callable[[], None]) -> None:
    """kill -9 of the supervisor leaves no process."""
    script = (
        "import sys, time; from pathlib import Path; from marketplace.demo.children import spawn\n"
        "folder = Path(sys.argv[1])\n"
        "child = spawn('sleep', ['/bin/sleep', '1000'], log=folder / 'log', folder=folder)\n"
        "print(child.process.pid, flush=True); time.sleep(1000)"
    )
    parent = subprocess.Popen([sys.executable, "-c", script, tmp_path], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    assert wait_for(lambda: is_running(pid, "sleep"))
    parent.kill()
    parent.wait()
    parent.stdout.close()
    assert_nothing_left()


def test_a_child_that_ignores_the_request_is_killed(tmp_path: Path) -> None:
    """Stopping is bounded, and takes what the child started with it."""
    loop = (
        "import signal, subprocess, time; signal.signal(15, signal.SIG_IGN)\n"
        "subprocess.Popen(['/bin/sleep', '1000'])\n"
        "while True: time.sleep(1)"
    )
    child = spawn("stubborn", [sys.executable, "-c", loop], log=tmp_path / "log", folder=tmp_path)
    assert wait_for(lambda: os.getpgid(child.process.pid) == child.process.pid)
    time.sleep(0.3)
    child.ask_to_stop()
    child.wait_stopped(0.2)
    assert child.process.returncode == -signal.SIGKILL
    assert wait_for(lambda: not group_lives(child.process.pid))


def test_a_zombie_is_not_running() -> None:
    """A server that was killed and not yet reaped does not count as running."""
    process = subprocess.Popen(["/bin/sleep", "1000"])
    assert wait_for(lambda: is_running(process.pid, "sleep"))
    process.kill()
    assert wait_until_gone(process.pid, "sleep", 5)
    assert Path(f"/proc/{process.pid}").exists()
    process.wait()


@pytest.mark.parametrize("word", ["postgres", "/some/where/else"])
def test_a_pid_of_another_program_is_not_running(word: str) -> None:
    """After a reboot the pid in a file belongs to somebody else."""
    assert not is_running(os.getpid(), word + "-that-is-not-here")


def test_private_files_are_private_and_whole(tmp_path: Path) -> None:
    """Passwords are readable by their owner only, from the first moment."""
    path = tmp_path / "password"
    write_private(path, "a")
    write_private(path, "bé")
    assert path.read_text(encoding="utf-8") == "bé"
    assert path.stat().st_mode & 0o777 == 0o600
    assert [entry.name for entry in tmp_path.iterdir()] == ["password"]


def test_tail_reads_from_an_offset(tmp_path: Path) -> None:
    (tmp_path / "log").write_text("old\nnew\n")
    assert tail(tmp_path / "log", 4) == "new\n"
    assert tail(tmp_path / "none") == ""


def test_a_port_in_use_is_not_free() -> None:
    import socket

    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        assert not is_free(listener.getsockname()[1])


def wait_for(condition: Callable[[], bool], seconds: float = 5) -> bool:
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


def group_lives(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True
