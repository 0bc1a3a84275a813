"""F-04: a rebuild that is killed, doubled or wrong leaves no empty or partial answer and nothing behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from indexer import drift, reading, rebuild, relay
from marketplace.candidates.lifecycle import CandidateState
from marketplace.clock import FixedClock
from marketplace.errors import ConflictError, SearchUnavailableError
from marketplace.ports import Ports
from marketplace.search import opensearch_generations
from marketplace.search.document import CandidateDocument
from marketplace.search.opensearch import OpenSearchIndex
from marketplace.search.opensearch_mapping import index_body
from marketplace.search.tantivy import TantivyIndex
from tests.indexer.conftest import a_listed_candidate, changed, set_columns, wanted
from tests.indexer.rebuild_process import STAGES
from tests.opensearch import node_url

LONG_AGO = datetime(2001, 1, 1, tzinfo=UTC)

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture
def listed(either: Ports) -> list[tuple[Any, int]]:
    """Eight candidates in the index."""
    made = [a_listed_candidate(either) for _ in range(8)]
    relay.drain(either)
    assert either.index.count("FR") == 8
    return made


@contextmanager
def rebuilding(ports: Ports, stage: str) -> Iterator[subprocess.Popen[str]]:
    """A rebuild by another process that waits at ``stage``, killed at the end without a chance to tidy up."""
    where = ["tantivy", str(ports.settings.index_dir)]
    if isinstance(ports.index, OpenSearchIndex):
        where = ["opensearch", ports.index._prefix]
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.indexer.rebuild_process", stage, *where],
        stdout=subprocess.PIPE, text=True, cwd=ROOT,
        env={**os.environ, "DATABASE_URL": ports.settings.database_url, "NOW": ports.clock.now().isoformat(),
             "MARKETPLACE_DATA": str(ports.settings.data), "OPENSEARCH_URL": node_url() or ""},
    )  # fmt: skip
    try:
        assert process.stdout is not None
        lines = iter(process.stdout.readline, "")
        assert any(line == f"at {stage}\n" for line in lines), "the rebuild ended before"
        yield process
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


def generations(ports: Ports) -> int:
    """Count what is stored of France."""
    if isinstance(ports.index, TantivyIndex):
        return len(list((ports.settings.index_dir / "candidates-fr").glob("g-*")))
    return len(ports.index._countries["FR"].layout().indexes)  # type: ignore[attr-defined]


def eventually(act: Any, seconds: float = 60.0) -> Any:
    """Do something again until the lease of the killed has run out."""
    end = time.monotonic() + seconds
    while True:
        try:
            return act()
        except (ConflictError, AssertionError):
            if time.monotonic() > end:
                raise
            time.sleep(0.2)


@pytest.mark.parametrize(
    ("stage", "is_swept"), [*((stage, True) for stage in STAGES), (STAGES[2], False), (STAGES[3], False)]
)
def test_a_killed_rebuild_leaves_nothing(
    either: Ports, listed: list[tuple[Any, int]], clock: FixedClock, stage: str, is_swept: bool
) -> None:
    """F-04: answers are whole before, while and after; the sweep clears up; so is the next rebuild."""
    clock.advance(timedelta(hours=1))
    with rebuilding(either, stage):
        assert either.index.count("FR") == 8
        with pytest.raises(ConflictError, match="rebuild of the index of FR is running"):
            rebuild.rebuild(either, "FR")
        a_listed_candidate(either)
        set_columns(either, listed[0][0], version=2)
        changed(either, listed[0][0])
        assert relay.drain(either).indexed == 2
        assert list(either.index.versions("FR")) == wanted(either, "FR")
    assert list(either.index.versions("FR")) == wanted(either, "FR")
    most = 2 if stage == "after it" else 1

    def swept() -> None:
        either.index.tidy("FR", LONG_AGO, clock.now() + timedelta(days=9999))
        assert generations(either) <= most

    if is_swept:
        eventually(swept)
    assert drift.check(either, "FR").is_clean
    assert eventually(lambda: rebuild.rebuild(either, "FR")) == 9
    assert list(either.index.versions("FR")) == wanted(either, "FR")
    assert generations(either) == 2, "the one that answers and the one to go back to"


class LosingIndex:
    """An engine that says it has taken a document and has not."""

    def __init__(self, index: Any, lost: int) -> None:
        self._index, self._lost = index, lost

    def __getattr__(self, name: str) -> Any:
        return getattr(self._index, name)

    def rebuild(self, country: str, documents: Any, *more: Any) -> int:
        kept = (document for document in documents if document.key != self._lost)
        done: int = self._index.rebuild(country, kept, *more)
        return done


def test_a_rebuild_that_lost_a_document_is_thrown_away(
    either: Ports,
    listed: list[tuple[Any, int]],
    clock: FixedClock,
) -> None:
    """F-04: counts and versions are compared before the swap; the message says what differs."""
    clock.advance(timedelta(hours=1))
    losing = replace(either, index=LosingIndex(either.index, listed[3][1]))
    with pytest.raises(ConflictError, match=r"differs from the database \(1 missing\)"):
        rebuild.rebuild(losing, "FR")
    assert list(either.index.versions("FR")) == wanted(either, "FR")
    assert generations(either) == 1
    assert rebuild.rebuild(either, "FR") == 8


def test_rollback_is_brought_up_to_date_before_it_answers(
    either: Ports,
    listed: list[tuple[Any, int]],
) -> None:
    """F-04: withdrawals, changes and new candidates since the rebuild are in the index that comes back."""
    rebuild.rebuild(either, "FR")
    set_columns(either, listed[0][0], version=2, state=CandidateState.HIDDEN)
    set_columns(either, listed[1][0], version=2)
    set_columns(either, listed[2][0], version=2, country="GB", region="GB-TLI")
    for candidate_id, _ in listed[:3]:
        changed(either, candidate_id)
    a_listed_candidate(either)
    relay.drain(either)
    rebuild.rollback(either, "FR")
    assert list(either.index.versions("FR")) == wanted(either, "FR")
    assert either.index.count("FR") == 7
    assert drift.check(either, "FR").is_clean


def test_a_full_disk_during_a_rebuild_is_told(either: Ports, listed: list[tuple[Any, int]]) -> None:
    """F-05: at the cluster's flood stage the live index answers, and the rebuild says why it failed."""
    index = either.index
    if not isinstance(index, OpenSearchIndex):
        pytest.skip("the embedded engine's full disk is in tests/contracts/test_tantivy.py")
    home = index._countries["FR"]

    def documents() -> Iterator[CandidateDocument]:
        yield from reading.live_documents(either, "FR")
        block = {"index.blocks.read_only_allow_delete": True}
        index.engine.do("PUT", f"/{home.building}/_settings", block)

    with pytest.raises(SearchUnavailableError, match="disk is full"):
        index.rebuild("FR", documents())
    assert list(index.versions("FR")) == wanted(either, "FR")
    assert generations(either) == 1


def test_a_red_index_is_told(
    either: Ports, listed: list[tuple[Any, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """F-05: a new index whose shards find no node is not swapped in."""
    index = either.index
    if not isinstance(index, OpenSearchIndex):
        pytest.skip("the embedded engine has no shards")
    home = index._countries["FR"]
    name, _ = home.begin()
    home.delete(name)
    body = index_body(shards=1, replicas=0) | {"aliases": {home.building: {}}}
    body["settings"]["index"]["routing.allocation.include._name"] = "nowhere"
    index.engine.do("PUT", f"/{name}", body, {"wait_for_active_shards": "0"})
    monkeypatch.setattr(opensearch_generations, "_RED_SECONDS", 1)
    with pytest.raises(SearchUnavailableError, match="is red"):
        home.open(name)
    assert list(index.versions("FR")) == wanted(either, "FR")
    rebuild.rebuild(either, "FR")
    assert generations(either) == 2
