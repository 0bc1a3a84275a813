"""The data folder: private, one owner at a time, recoverable."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

import pytest

from marketplace.demo import data_folder
from marketplace.demo.children import ServiceError
from marketplace.demo.data_folder import AlreadyRunningError, DataFolder


def test_it_is_private(tmp_path: Path) -> None:
    """Nobody else reads CVs and passwords, whatever the umask was."""
    folder = DataFolder(tmp_path / "a" / "b")
    folder.open("here")
    assert folder.path.stat().st_mode & 0o777 == 0o700
    assert folder.folder("logs").stat().st_mode & 0o777 == 0o700
    assert (folder.path / "lock").stat().st_mode & 0o777 == 0o600
    folder.close()


def test_a_second_owner_is_refused_until_the_first_is_gone(tmp_path: Path) -> None:
    """A second `make run` beside the first gets a clear message and breaks nothing."""
    first, second = DataFolder(tmp_path), DataFolder(tmp_path)
    first.open("http://127.0.0.1:8000")
    with pytest.raises(AlreadyRunningError, match=rf"http://127\.0\.0\.1:8000 \(process {os.getpid()}\)"):
        second.open("http://127.0.0.1:8001")
    with pytest.raises(AlreadyRunningError, match=r"127\.0\.0\.1:8000"):
        second.open("http://127.0.0.1:8001")
    first.close()
    second.open("http://127.0.0.1:8001")
    second.close()


def test_a_folder_of_somebody_else_is_left_alone(tmp_path: Path) -> None:
    """A slip in MARKETPLACE_DATA must not make RESET=1 delete a home."""
    (tmp_path / "thesis.odt").touch()
    with pytest.raises(ServiceError, match="holds other things"):
        DataFolder(tmp_path).open("here")
    assert [entry.name for entry in tmp_path.iterdir()] == ["thesis.odt"]


@pytest.mark.parametrize("place", ["/proc/marketplace", "file/data", "file"])
def test_a_place_that_cannot_be_written_is_told(tmp_path: Path, place: str) -> None:
    """One line says which folder and what to do."""
    (tmp_path / "file").touch()
    with pytest.raises(ServiceError, match=r"cannot write to .*set MARKETPLACE_DATA"):
        DataFolder(tmp_path / place).open("here")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
@pytest.mark.parametrize("place", ["", "data"])
def test_a_read_only_folder_is_told(tmp_path: Path, place: str) -> None:
    """A folder its owner may not write to is left as it is."""
    tmp_path.chmod(0o500)
    with pytest.raises(ServiceError, match="Permission denied"):
        DataFolder(tmp_path / place).open("here")
    assert tmp_path.stat().st_mode & 0o777 == 0o500
    tmp_path.chmod(0o700)


def test_clearing_keeps_the_lock(tmp_path: Path) -> None:
    """RESET=1 deletes all but the lock, which still holds."""
    folder = DataFolder(tmp_path)
    folder.open("here")
    folder.note(sample="done")
    (folder.folder("files") / "a").touch()
    (tmp_path / "link").symlink_to("/")
    folder.clear()
    assert [entry.name for entry in tmp_path.iterdir()] == ["lock"]
    assert folder.state() == {}
    with pytest.raises(AlreadyRunningError):
        DataFolder(tmp_path).open("there")
    folder.close()


@pytest.mark.parametrize("content", ["", "{", "[]", "\x00"])
def test_a_damaged_note_is_no_note(tmp_path: Path, content: str) -> None:
    (tmp_path / "state.json").write_text(content)
    assert DataFolder(tmp_path).state() == {}


def test_children_of_a_killed_supervisor_are_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What does not end by itself is ended; a pid that is now another program is left alone."""
    monkeypatch.setattr(data_folder, "ORPHAN_SECONDS", 0.2)
    folder = DataFolder(tmp_path)
    with (
        subprocess.Popen(["/bin/sleep", "1000"], start_new_session=True) as orphan,
        subprocess.Popen(["/bin/sleep", "1000"], start_new_session=True) as stranger,
    ):
        time.sleep(0.1)
        folder.note_children({orphan.pid: "sleep", stranger.pid: "marketplace.app"})
        folder.await_orphans()
        assert stranger.poll() is None
        stranger.kill()
        assert orphan.wait(5) == -9
