"""INV-4, F-03: whatever happened, the index ends as the database says; what differed is counted."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import date, timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from indexer import drift, relay
from indexer.drift import DriftReport, Kind, Wanted, differences, kind_of
from marketplace import outbox
from marketplace.candidates.lifecycle import CandidateState
from marketplace.clock import FixedClock
from marketplace.outbox import OutboxMessage
from marketplace.ports import Ports
from marketplace.search.document import CandidateDocument
from marketplace.search.drift import counted
from tests.contracts.search_index import document
from tests.indexer.conftest import a_listed_candidate, changed, set_columns, wanted
from tests.indexer.test_relay import RefusingIndex, dead_reasons

COUNTRIES = {"FR": "FR-IDF", "GB": "GB-TLI", "US": "US-CA"}

streams_of = st.dictionaries(st.integers(1, 40), st.integers(1, 4), max_size=25)


@given(in_database=streams_of, in_index=streams_of, expired=st.sets(st.integers(1, 40)))
def test_merged_streams_equal_brute_force(
    in_database: dict[int, int], in_index: dict[int, int], expired: set[int]
) -> None:
    """F-03: two ascending streams are compared without either being held; every difference is found once."""
    wants = {key: Wanted(key, version, key not in expired) for key, version in in_database.items()}
    everybody = sorted({*wants, *in_index})
    expected = [(key, kind) for key in everybody if (kind := kind_of(wants.get(key), in_index.get(key)))]
    given_ = (wants[key] for key in sorted(wants))
    assert list(differences(given_, iter(sorted(in_index.items())))) == expected


@pytest.mark.parametrize(
    ("wanted_", "found", "kind"),
    [
        (None, None, None),
        (None, 3, Kind.ORPHAN),
        (Wanted(1, 3), None, Kind.MISSING),
        (Wanted(1, 3), 2, Kind.STALE),
        (Wanted(1, 3), 3, None),
        (Wanted(1, 3), 4, Kind.AHEAD),
        (Wanted(1, 3, is_due=False), None, None),
        (Wanted(1, 3, is_due=False), 3, Kind.EXPIRED),
    ],
)
def test_kinds_of_drift(wanted_: Wanted | None, found: int | None, kind: Kind | None) -> None:
    """INV-4: no orphan, no missing, no stale document; who is past the last day is no drift."""
    assert kind_of(wanted_, found) is kind


def planted(ports: Ports) -> dict[str, int]:
    """Return the keys of one missing, one stale and one orphan document beside two that are right."""
    made = [a_listed_candidate(ports, version=5) for _ in range(5)]
    relay.drain(ports)
    (_, missing), (_, stale), (hidden_id, hidden), _, _ = made
    ports.index.remove("FR", {missing: 5})
    ports.index.remove("FR", {stale: 5})
    set_columns(ports, made[1][0], version=6)
    set_columns(ports, hidden_id, state=CandidateState.HIDDEN, version=6)
    ports.index.put([document(stale, version=5), document(9_000_000)])
    ports.index.refresh()
    return {"missing": missing, "stale": stale, "hidden": hidden, "unknown": 9_000_000}


def test_planted_drift_is_found_and_repaired_in_one_run(either: Ports) -> None:
    """F-03: orphan, missing and stale documents: told, counted, repaired, and then no more."""
    planted(either)
    told = drift.check(either, "FR")
    assert told == DriftReport(checked=4, missing=1, orphan=2, stale=1)
    assert not told.is_clean
    repaired = drift.check(either, "FR", repair=True)
    assert repaired == replace(told, repaired=4)
    assert repaired.is_clean
    assert list(either.index.versions("FR")) == wanted(either, "FR")
    assert drift.check(either, "FR") == DriftReport(checked=4)
    with either.db.reading() as session:
        assert counted(session) == {"FR": {"missing": 1, "orphan": 2, "stale": 1, "ahead": 0}}


def test_what_the_relay_has_yet_to_do_is_no_drift(either: Ports) -> None:
    """F-03: a change that waits in the outbox is not counted, and is left to the relay."""
    a_listed_candidate(either)
    assert drift.check(either, "FR", repair=True) == DriftReport(checked=1)
    assert either.index.count("FR") == 0
    relay.drain(either)
    assert list(either.index.versions("FR")) == wanted(either, "FR") != []


def test_a_document_newer_than_its_row_needs_a_rebuild(either: Ports) -> None:
    """F-04: after the database was restored from a backup: told, not mended, and a rebuild mends it."""
    from indexer.rebuild import rebuild

    candidate_id, key = a_listed_candidate(either, version=7)
    relay.drain(either)
    set_columns(either, candidate_id, version=3)
    report = drift.check(either, "FR", repair=True)
    assert report == DriftReport(checked=1, ahead=1)
    assert not report.is_clean
    rebuild(either, "FR")
    assert list(either.index.versions("FR")) == [(key, 3)]


def test_who_is_past_the_last_day_is_removed_and_no_drift(either: Ports, clock: FixedClock) -> None:
    """G: no query finds them since midnight; the sweep takes them out of the index without an alarm."""
    a_listed_candidate(either, start_day=date(2026, 11, 1), start_is_month=True)
    relay.drain(either)
    clock.advance(timedelta(days=67))
    report = drift.check(either, "FR", repair=True)
    assert report == DriftReport(checked=1, expired=0)
    clock.advance(timedelta(days=1))
    report = drift.check(either, "FR", repair=True)
    assert (report.expired, report.drift, report.is_clean) == (1, 0, True)
    assert either.index.count("FR") == 0


def test_an_old_document_after_a_removal_is_gone_after_the_sweep(either: Ports, clock: FixedClock) -> None:
    """F-03: an upsert delayed past the removal, when the engine has forgotten its version."""
    candidate_id, key = a_listed_candidate(either)
    relay.drain(either)
    late = document(key, version=1)
    set_columns(either, candidate_id, state=CandidateState.HIDDEN, version=2)
    changed(either, candidate_id)
    relay.drain(either)
    clock.advance(timedelta(seconds=61))
    resurrect(either, late)
    assert either.index.count("FR") == 1
    assert drift.check_recent(either)["FR"] == DriftReport(checked=1, orphan=1, repaired=1)
    assert either.index.count("FR") == 0


def resurrect(ports: Ports, late: CandidateDocument) -> None:
    """Write a document as if the removal before had been forgotten (``index.gc_deletes``).

    The engine forgets with its next refresh, by a clock of its own that ticks a few times a second.
    """
    home = getattr(ports.index, "_countries", {}).get("FR")
    if home is not None:
        path = f"/{home.base}/_settings"
        ports.index.engine.do("PUT", path, {"index": {"gc_deletes": "0ms"}})  # type: ignore[attr-defined]
    for turn in range(1, 40):
        ports.index.put([document(1_000_000, version=2 * turn)])  # forgets what it may forget
        ports.index.remove("FR", {1_000_000: 2 * turn + 1})
        ports.index.refresh()
        ports.index.put([late])
        ports.index.refresh()
        if ports.index.count("FR"):
            return
        time.sleep(0.25)


def test_the_sweep_looks_at_what_changed_lately(either: Ports, clock: FixedClock) -> None:
    """F-03: 15 minutes back, inclusive; what is older is found at night."""
    _, key = a_listed_candidate(either)
    relay.drain(either)
    either.index.remove("FR", {key: 1})
    either.index.refresh()
    clock.advance(timedelta(minutes=15, seconds=1))
    assert drift.check_recent(either)["FR"] == DriftReport()
    clock.advance(timedelta(seconds=-1))
    assert drift.check_recent(either)["FR"] == DriftReport(checked=1, missing=1, repaired=1)


def test_what_was_given_up_is_tried_by_the_sweep(ports: Ports, clock: FixedClock) -> None:
    """F-06: refused, it stays dead and is counted; accepted, index and outbox are right."""
    _, key = a_listed_candidate(ports)
    refusing = replace(ports, index=RefusingIndex(ports.index, key))  # type: ignore[arg-type]
    for name in ("stored", "versions", "count"):
        setattr(refusing.index, name, getattr(ports.index, name))
    for _ in range(outbox.MAX_ATTEMPTS):
        relay.drain(refusing)
        clock.advance(timedelta(hours=2))
    reason = "DocumentRefusedError: mapper_parsing_exception"
    assert dead_reasons(ports) == [reason]
    assert drift.check_recent(refusing)["FR"] == DriftReport(checked=1, missing=1, refused=1)
    assert dead_reasons(ports) == [reason]
    assert drift.check_recent(ports)["FR"] == DriftReport(checked=1, missing=1, repaired=1)
    assert dead_reasons(ports) == []
    assert ports.index.count("FR") == 1


@pytest.mark.parametrize("seed", range(6))
def test_any_order_and_repetition_of_messages_ends_in_the_truth(
    either: Ports, clock: FixedClock, seed: int
) -> None:
    """INV-4, F-02: changes, moves and withdrawals; each message 0 to 5 times, in any order."""
    rng = Random(seed)
    people = [a_listed_candidate(either) for _ in range(8)]
    versions = dict.fromkeys((candidate_id for candidate_id, _ in people), 1)
    for _ in range(40):
        candidate_id, _ = rng.choice(people)
        versions[candidate_id] += 1
        country = rng.choice(list(COUNTRIES))
        state = rng.choice([CandidateState.SEARCHABLE] * 3 + [CandidateState.HIDDEN])
        set_columns(
            either, candidate_id, version=versions[candidate_id], state=state,
            country=country, region=COUNTRIES[country],
        )  # fmt: skip
        for _ in range(rng.randint(0, 5)):
            changed(either, candidate_id)
        if rng.random() < 0.3:
            shuffle(either, rng)
            relay.drain(either, batch=rng.choice([1, 3, 500]))
        clock.advance(timedelta(seconds=rng.randint(0, 90)))
    relay.drain(either)
    for country in COUNTRIES:
        drift.check(either, country, repair=True)
        assert list(either.index.versions(country)) == wanted(either, country)
        assert drift.check(either, country).is_clean


def shuffle(ports: Ports, rng: Random) -> None:
    """Have the waiting messages come in another order."""
    with ports.db.transaction() as session:
        for message in session.scalars(select(OutboxMessage).where(OutboxMessage.done_at.is_(None))):
            message.available_at = ports.clock.now() - timedelta(seconds=rng.randint(0, 60))
