"""Every document of a country, slices at once: none twice, none left out, no fault swallowed."""

from __future__ import annotations

import threading

import pytest

from indexer import reading
from marketplace.ports import Ports
from tests.builders import a_candidate


@pytest.fixture
def keys(ports: Ports, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    monkeypatch.setattr(reading, "SLICE", 3)
    monkeypatch.setattr(reading, "BATCH", 2)
    with ports.db.transaction() as session:
        made = [a_candidate(session).key for _ in range(11)]
        a_candidate(session, "hidden")
        a_candidate(session, country="GB", region="GB-TLI")
    return made


@pytest.mark.parametrize("readers", [1, 2, 7])
def test_slices_at_once_give_everybody_once(ports: Ports, keys: list[int], readers: int) -> None:
    """F-04: a rebuild reads each visible candidate exactly once, however many read."""
    assert sorted(one.key for one in reading.live_documents(ports, "FR", readers)) == keys


def test_a_fault_of_a_reader_reaches_who_reads(
    ports: Ports, keys: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """F-04: a rebuild never takes a part for the whole."""

    def broken(*_: object) -> None:
        raise LookupError("a row that cannot be read")

    monkeypatch.setattr(reading, "document_of", broken)
    with pytest.raises(LookupError):
        list(reading.live_documents(ports, "FR"))
    assert no_readers()


def test_who_stops_reading_stops_the_readers(ports: Ports, keys: list[int]) -> None:
    """F-04: a rebuild that is given up leaves no thread and no open cursor."""
    documents = reading.live_documents(ports, "FR")
    next(documents)
    documents.close()
    assert no_readers()
    assert ports.db.engine.pool.checkedout() == 0  # type: ignore[attr-defined]


def no_readers() -> bool:
    return all(thread.name != "reader" for thread in threading.enumerate())
