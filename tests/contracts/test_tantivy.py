"""The embedded engine keeps the promises of the search port, and some of its own."""

from __future__ import annotations

import errno
import json
import multiprocessing
import os
import threading
import time
from pathlib import Path

import pytest
import tantivy

from marketplace.errors import ConflictError, SearchUnavailableError
from marketplace.search import tantivy as tantivy_adapter
from marketplace.search.tantivy import TantivyIndex
from marketplace.search.tantivy_answers import count
from marketplace.search.tantivy_files import engine_faults, schema
from tests.contracts.search_index import (
    FUTURE,
    PAST,
    SearchIndexContract,
    ask,
    corpus,
    document,
    found,
    put,
)


class TestTantivy(SearchIndexContract):
    """One suite, this engine."""

    @pytest.fixture
    def index(self, tmp_path: Path) -> TantivyIndex:
        return TantivyIndex(tmp_path / "index")

    def words_stored(self, index: TantivyIndex, text: str, field: str) -> set[str]:
        return {word for word, _ in searcher_of(index).terms_with_prefix(field, "")}

    def stands(self, index: TantivyIndex, field: str, run: tuple[str, ...]) -> bool:
        query = tantivy.Query.phrase_query(schema(), field, list(run))
        return count(searcher_of(index), query) > 0


def searcher_of(index: TantivyIndex) -> tantivy.Searcher:
    reader = index._reader("FR")
    assert reader is not None
    return reader.searcher


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> TantivyIndex:
    index = TantivyIndex(tmp_path_factory.mktemp("full"))
    everyone = corpus(7, 240)
    index.put(everyone[:100])
    index.put(everyone[100:])
    return index


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "index"


def test_another_process_sees_a_commit_at_once(folder: Path) -> None:
    """C2: what one index object writes, another on the same folder finds without waiting."""
    writer, reader = TantivyIndex(folder), TantivyIndex(folder)
    assert ask(reader).total == 0
    put(writer, "voile")
    assert found(reader, "voile") == {1}
    writer.rebuild("FR", [document(4)])
    assert found(reader, "") == {4}


def test_an_index_of_another_analysis_is_empty_and_says_so(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Design: stored words of another analysis would answer wrongly; health asks for a rebuild."""
    index = TantivyIndex(folder)
    put(index, "voile")
    monkeypatch.setattr(tantivy_adapter, "fingerprint", lambda: "another")
    assert ask(index, "voile").total == 0
    assert index.health().needs_rebuild == ("FR",)
    index.put([document(2, cv_text="voile")])
    assert (index.count("FR"), ask(index, "voile").has_index) == (1, False)  # not a part of the people
    assert index.health().needs_rebuild == ("FR",)
    index.rebuild("FR", [document(1, cv_text="voile"), document(2, cv_text="voile")])
    assert found(index, "voile") == {1, 2}
    assert index.health().needs_rebuild == ()


def test_a_second_rebuild_is_refused(folder: Path) -> None:
    """Issue 3: two rebuilds of one country never collide."""
    index = TantivyIndex(folder)

    def documents():
        assert TantivyIndex(folder).health().countries["FR"].is_rebuilding
        with pytest.raises(ConflictError):
            TantivyIndex(folder).rebuild("FR", [])
        yield document(1)

    assert index.rebuild("FR", documents()) == 1


def test_writers_wait_for_each_other(folder: Path) -> None:
    """Issue 3: the worker and the command line may write at once; none loses anything."""
    threads = [
        threading.Thread(target=lambda key=key: TantivyIndex(folder).put([document(key)]))
        for key in range(1, 9)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert TantivyIndex(folder).count("FR") == 8


def test_a_lock_that_is_not_let_go_is_unavailability(folder: Path) -> None:
    """Interface: a writer that cannot have the lock in time says so, and nothing is lost."""
    index = TantivyIndex(folder, lock_seconds=0.1)
    put(index, "voile")
    with index._folders["FR"].writing(), pytest.raises(SearchUnavailableError):
        TantivyIndex(folder, lock_seconds=0.1).put([document(2)])
    assert index.count("FR") == 1


def _acknowledge(path: str, key: int) -> None:
    partial = Path(path + ".part")
    partial.write_text(str(key))
    partial.replace(path)


def _put_for_ever(folder: str, acknowledged: str) -> None:
    index = TantivyIndex(Path(folder))
    key = 0
    while True:
        key += 1
        index.put([document(key)])
        _acknowledge(acknowledged, key)


def _rebuild_for_ever(folder: str, acknowledged: str) -> None:
    def documents():
        key = 0
        while True:
            key += 1
            yield document(key)
            _acknowledge(acknowledged, key)

    TantivyIndex(Path(folder)).rebuild("FR", documents())


def _kill_during(target, folder: Path, acknowledged: Path, at_least: int) -> int:
    process = multiprocessing.get_context("spawn").Process(
        target=target, args=(str(folder), str(acknowledged))
    )
    process.start()
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if acknowledged.exists() and int(acknowledged.read_text()) >= at_least:
            break
        time.sleep(0.01)
    process.kill()
    process.join()
    return int(acknowledged.read_text())


def test_a_killed_writer_loses_nothing_it_acknowledged(folder: Path, tmp_path: Path) -> None:
    """Issue 3: kill -9 of the writer: every acknowledged document is there, and the next writer writes."""
    done = _kill_during(_put_for_ever, folder, tmp_path / "done", 5)
    index = TantivyIndex(folder)
    assert index.count("FR") >= done
    index.put([document(10_000)])
    assert (10_000, 1) in list(index.versions("FR"))


def test_a_killed_rebuild_leaves_no_trace(folder: Path, tmp_path: Path) -> None:
    """Issue 3: kill -9 of a rebuild: the live index answers, and the next write removes the leftovers."""
    index = TantivyIndex(folder)
    put(index, "voile")
    _kill_during(_rebuild_for_ever, folder, tmp_path / "done", 300)
    assert not index.health().countries["FR"].is_rebuilding
    index.put([document(2, cv_text="voile")])
    assert found(index, "voile") == {1, 2}
    assert len(list((folder / "candidates-fr").glob("g-*"))) == 1
    index.rebuild("FR", [document(3)])
    kept = sorted(path.name for path in (folder / "candidates-fr").iterdir())
    current = json.loads((folder / "candidates-fr" / "current.json").read_text())
    assert kept == sorted(
        ["current.json", current["previous"], current["generation"], "rebuild.lock", "write.lock"]
    )


def test_the_sweep_removes_what_a_killed_rebuild_left(folder: Path, tmp_path: Path) -> None:
    """F-04: no leftover, even where nobody writes; a rebuild that is alive is left alone."""
    index = TantivyIndex(folder)
    put(index, "voile")
    _kill_during(_rebuild_for_ever, folder, tmp_path / "done", 300)
    assert len(list((folder / "candidates-fr").glob("g-*"))) == 2
    assert index.tidy("FR", PAST, PAST) == ["g-000002"]
    assert len(list((folder / "candidates-fr").glob("g-*"))) == 1

    def documents():
        assert TantivyIndex(folder).tidy("FR", FUTURE, FUTURE) == []
        yield document(1)

    assert index.rebuild("FR", documents()) == 1
    assert found(index, "") == {1}


def test_a_full_disk_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """F-05: whoever rebuilds reads that the disk is full."""
    with pytest.raises(SearchUnavailableError, match="disk of the index is full"), engine_faults():
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_broken_index_is_unavailability_not_a_crash(folder: Path) -> None:
    """Interface: an engine that cannot read its files gives 503, and a rebuild mends it."""
    index = TantivyIndex(folder)
    put(index, "voile")
    current = json.loads((folder / "candidates-fr" / "current.json").read_text())["generation"]
    for path in (folder / "candidates-fr" / current).iterdir():
        path.write_bytes(b"broken")
    with pytest.raises(SearchUnavailableError):
        ask(TantivyIndex(folder))
    with pytest.raises(SearchUnavailableError):
        TantivyIndex(folder).put([document(2)])
    index.rebuild("FR", [document(1)])
    assert found(TantivyIndex(folder), "") == {1}


def test_a_panic_of_the_engine_is_unavailability() -> None:
    """Facts, search engines 2: a panic is no Exception; it must not end a worker."""
    with pytest.raises(SearchUnavailableError), engine_faults():
        raise type("PanicException", (BaseException,), {})
    with pytest.raises(KeyboardInterrupt), engine_faults():
        raise KeyboardInterrupt
