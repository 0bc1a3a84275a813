"""The relay: what is committed reaches the index, in any order, once or often (F-01 to F-03)."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import func, select, update

from indexer import relay, writing
from indexer.rebuild import expected_documents, rebuild, rebuild_outdated
from marketplace import outbox
from marketplace.candidates import index_rows
from marketplace.candidates.models import Candidate, CandidateState
from marketplace.clock import FixedClock
from marketplace.errors import SearchUnavailableError
from marketplace.outbox import OutboxMessage
from marketplace.ports import Ports
from marketplace.search.document import CandidateDocument
from marketplace.search.port import DocumentRefusedError, SearchIndex
from tests.builders import a_candidate
from tests.indexer.conftest import a_listed_candidate, changed


def set_columns(ports: Ports, candidate_id: UUID, **columns: Any) -> None:
    with ports.db.transaction() as session:
        session.execute(update(Candidate).where(Candidate.id == candidate_id).values(**columns))


def waiting(ports: Ports) -> list[OutboxMessage]:
    with ports.db.transaction() as session:
        return list(session.scalars(select(OutboxMessage).where(OutboxMessage.done_at.is_(None))))


class ReceivingIndex:
    """An engine during whose work the next change is committed, once."""

    def __init__(self, index: SearchIndex, commit: Callable[[], object]) -> None:
        self._index, self._commits = index, [commit]

    def __getattr__(self, name: str) -> Any:
        return getattr(self._index, name)

    def refresh(self) -> None:
        self._index.refresh()
        if self._commits:
            self._commits.pop()()


def test_changes_that_come_in_meanwhile_gather_for_a_breath(
    ports: Ports, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F-03: the first is indexed at once; under load the next batch waits for what comes."""
    waited: list[float] = []

    def wait(seconds: float) -> None:
        waited.append(seconds)
        a_listed_candidate(ports)

    monkeypatch.setattr(time, "sleep", wait)
    a_listed_candidate(ports)
    index: Any = ReceivingIndex(ports.index, lambda: a_listed_candidate(ports))
    report = relay.drain(replace(ports, index=index))
    assert (report.done, waited) == (3, [relay.BREATH])
    assert ports.index.count("FR") == 3


def test_what_was_committed_is_indexed(ports: Ports) -> None:
    """A message makes the relay read the row and write its document."""
    a_listed_candidate(ports)
    report = relay.drain(ports)
    assert (report.done, report.indexed) == (1, 1)
    assert ports.index.count("FR") == 1
    assert waiting(ports) == []


def test_a_repeated_message_changes_nothing(ports: Ports) -> None:
    """F-02: delivered twice is delivered once."""
    candidate_id, _ = a_listed_candidate(ports)
    changed(ports, candidate_id)
    relay.drain(ports)
    changed(ports, candidate_id)
    relay.drain(ports)
    assert ports.index.count("FR") == 1


def test_a_withdrawn_candidate_leaves_the_index(ports: Ports) -> None:
    """C2: until the index has learnt it the key is pending; then the document is gone."""
    candidate_id, key = a_listed_candidate(ports)
    relay.drain(ports)
    set_columns(ports, candidate_id, state=CandidateState.HIDDEN)
    changed(ports, candidate_id)
    with ports.db.reading() as session:
        assert index_rows.pending_lower_keys(session, "FR") == {key}
    assert relay.drain(ports).removed == 1
    assert ports.index.count("FR") == 0
    with ports.db.reading() as session:
        assert index_rows.pending_lower_keys(session, "FR") == frozenset()


def test_a_move_removes_from_one_index_and_adds_to_the_other(ports: Ports) -> None:
    """Design 4.4: one index a country."""
    candidate_id, _ = a_listed_candidate(ports)
    relay.drain(ports)
    set_columns(ports, candidate_id, country="GB", region="GB-TLI")
    changed(ports, candidate_id, was_country="FR")
    relay.drain(ports)
    assert (ports.index.count("FR"), ports.index.count("GB")) == (0, 1)


def test_batches_go_on_until_nothing_is_due(ports: Ports) -> None:
    """More messages than a batch holds are all carried out."""
    for _ in range(5):
        a_listed_candidate(ports)
    assert relay.drain(ports, batch=2).done == 5


class AwayIndex:
    """An engine that does not answer."""

    def put(self, _: Iterable[Any]) -> None:
        raise SearchUnavailableError

    def remove(self, *_: Any) -> None:
        raise SearchUnavailableError


def test_an_engine_that_is_away_loses_nothing(ports: Ports, clock: FixedClock) -> None:
    """F-05: the messages wait, however long, and are carried out when it is back."""
    a_listed_candidate(ports)
    away = replace(ports, index=AwayIndex())  # type: ignore[arg-type]
    for _ in range(outbox.MAX_ATTEMPTS + 3):
        assert relay.drain(away).done == 0
        clock.advance(timedelta(hours=2))
    assert len(waiting(ports)) == 1
    assert relay.drain(ports).indexed == 1


class PoisonedIndex:
    """An engine that cannot take one document, for a reason nobody thought of."""

    def __init__(self, index: SearchIndex, key: int) -> None:
        self._index, self._key = index, key
        self.remove = index.remove
        self.refresh = index.refresh

    def put(self, documents: Iterable[CandidateDocument]) -> None:
        given = list(documents)
        if any(document.key == self._key for document in given):
            raise ZeroDivisionError
        self._index.put(given)


def test_one_message_that_fails_holds_up_no_other(ports: Ports, clock: FixedClock) -> None:
    """F-06: it is put off, given up at its eighth failure and not before, and done once it is revived."""
    listed = [a_listed_candidate(ports) for _ in range(20)]
    poisoned = replace(ports, index=PoisonedIndex(ports.index, listed[1][1]))  # type: ignore[arg-type]
    assert relay.drain(poisoned).done == 19
    for _ in range(outbox.MAX_ATTEMPTS - 2):
        clock.advance(timedelta(hours=2))
        assert relay.drain(poisoned).done == 0
    assert dead_reasons(ports) == []
    clock.advance(timedelta(hours=2))
    relay.drain(poisoned)
    assert dead_reasons(ports) == ["ZeroDivisionError"]
    clock.advance(timedelta(days=2))
    assert relay.drain(ports).done == 0
    with ports.db.transaction() as session:
        assert index_rows.pending_lower_keys(session, "FR") == {listed[1][1]}, "still out of every answer"
        assert outbox.revive(session, clock.now(), index_rows.CHANGED) == 1
    assert relay.drain(ports).done == 1
    assert dead_reasons(ports) == []
    assert ports.index.count("FR") == 20


def dead_reasons(ports: Ports) -> list[str | None]:
    with ports.db.reading() as session:
        return [message.last_error for message in outbox.dead(session, index_rows.CHANGED, 10)]


class RefusingIndex(PoisonedIndex):
    """An engine that says which document it refuses, and why."""

    def put(self, documents: Iterable[CandidateDocument]) -> None:
        given = list(documents)
        if any(document.key == self._key for document in given):
            raise DocumentRefusedError({self._key: "mapper_parsing_exception"})
        self._index.put(given)


def test_a_refused_document_is_set_aside_with_its_reason(ports: Ports, clock: FixedClock) -> None:
    """F-06: the rest of its batch is indexed at once; the older document of the refused one goes."""
    listed = [a_listed_candidate(ports) for _ in range(4)]
    relay.drain(ports)
    for candidate_id, _ in listed:
        set_columns(ports, candidate_id, version=2)
        changed(ports, candidate_id)
    refusing = replace(ports, index=RefusingIndex(ports.index, listed[1][1]))  # type: ignore[arg-type]
    assert relay.drain(refusing) == relay.DrainReport(done=3, indexed=3, refused=1)
    assert dict(ports.index.versions("FR")) == {key: 2 for _, key in listed if key != listed[1][1]}
    [message] = waiting(ports)
    assert (message.attempts, message.last_error) == (1, "DocumentRefusedError: mapper_parsing_exception")
    clock.advance(timedelta(seconds=1))
    assert relay.drain(ports).done == 1
    assert ports.index.count("FR") == 4


def test_one_reading_carries_out_every_message_of_a_candidate(ports: Ports) -> None:
    """F-02: messages beyond the batch, put off or given up are done with the one that was claimed."""
    candidate_id, _ = a_listed_candidate(ports)
    for _ in range(9):
        changed(ports, candidate_id)
    with ports.db.transaction() as session:
        for message, attempts in zip(waiting(ports)[3:5], (3, outbox.MAX_ATTEMPTS), strict=True):
            session.merge(message).attempts = attempts
    report = relay.drain(ports, batch=1)
    assert report == relay.DrainReport(done=10, indexed=1)
    assert waiting(ports) == []


def test_a_rebuild_equals_what_the_relay_wrote(ports: Ports) -> None:
    """F-04: the index can be rebuilt from the database alone."""
    for _ in range(3):
        a_listed_candidate(ports)
    with ports.db.transaction() as session:
        a_candidate(session, "hidden")
    relay.drain(ports)
    before = list(ports.index.versions("FR"))
    seen: list[int] = []
    assert expected_documents(ports, "FR") == 3
    assert rebuild(ports, "FR", seen.append) == 3
    assert list(ports.index.versions("FR")) == before


@pytest.mark.parametrize("country", ["FR", "GB", "US"])
def test_an_empty_country_is_rebuilt_to_nothing(ports: Ports, country: str) -> None:
    """A country without candidates has an index that answers."""
    assert rebuild(ports, country) == 0
    assert ports.index.count(country) == 0


def test_a_drain_does_not_wait_for_another(ports: Ports) -> None:
    """F-06: while another holds the lock a drain returns, and the next one finds the message."""
    a_listed_candidate(ports)
    with ports.db.transaction() as session:
        session.execute(select(func.pg_advisory_xact_lock(writing.LOCK)))
        assert relay.drain(ports).done == 0
    assert relay.drain(ports).done == 1


def test_an_index_that_fits_is_left_alone(ports: Ports) -> None:
    """The task at a worker's start has nothing to do where every index fits, or waits for its messages."""
    a_listed_candidate(ports)
    assert rebuild_outdated(ports) == {}
    relay.drain(ports)
    assert rebuild_outdated(ports) == {}


def test_a_lost_index_is_rebuilt_at_the_start_of_a_worker(ports: Ports) -> None:
    """F-03, O-05: an index folder that is gone comes back from the database; a second run does nothing."""
    a_listed_candidate(ports)
    relay.drain(ports)
    shutil.rmtree(ports.settings.index_dir)
    assert ports.index.count("FR") == 0
    assert rebuild_outdated(ports) == {"FR": 1}
    assert rebuild_outdated(ports) == {}
    assert ports.index.count("FR") == 1


def test_an_index_of_another_analysis_is_rebuilt(ports: Ports) -> None:
    """F-04: an index that was made by other fields answers again, whole, after the worker's start."""
    a_listed_candidate(ports)
    relay.drain(ports)
    pointer = ports.settings.index_dir / "candidates-fr" / "current.json"
    pointer.write_text(json.dumps({**json.loads(pointer.read_text()), "fingerprint": "older"}))
    assert ports.index.health().needs_rebuild == ("FR",)
    assert rebuild_outdated(ports) == {"FR": 1}
    assert ports.index.health().needs_rebuild == ()
    assert ports.index.count("FR") == 1
