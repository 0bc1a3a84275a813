"""The CV file port."""

from pathlib import Path

import pytest

from marketplace.errors import NotFoundError
from marketplace.files import FolderFileStore


def test_what_is_put_comes_back_until_it_is_deleted(tmp_path: Path) -> None:
    """Put, get, delete; deleting twice is fine."""
    store = FolderFileStore(tmp_path / "files")
    key = store.put("cv", b"%PDF-1.7")
    assert store.get(key) == b"%PDF-1.7"
    store.delete(key)
    store.delete(key)
    with pytest.raises(NotFoundError):
        store.get(key)


def test_files_are_private(tmp_path: Path) -> None:
    """Folders 0700, files 0600."""
    store = FolderFileStore(tmp_path / "files")
    path = tmp_path / "files" / store.put("cv", b"x")
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize(
    "key", ["../../etc/passwd", "cv/../x.pdf", "/etc/passwd", "cv/" + "g" * 32 + ".pdf", ""]
)
def test_a_key_is_never_a_path(tmp_path: Path, key: str) -> None:
    """U-06: only keys made here reach the disk."""
    with pytest.raises(NotFoundError):
        FolderFileStore(tmp_path).get(key)
