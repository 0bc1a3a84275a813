"""Where index and database disagree (security.md INV-4, F-03): found, counted, repaired.

The whole of a country is compared as two streams of (key, version) in ascending order of key, neither
of which is ever held in memory. What differs there is looked at again under the lock that serialises
writers, with what waits in the outbox left out: only what nobody is about to write is drift.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import islice
from typing import TypeVar

import structlog

from indexer import writing
from indexer.documents import has_document
from marketplace.candidates import index_rows, streams
from marketplace.candidates.lifecycle import CandidateState
from marketplace.ports import Ports
from marketplace.reference import TERRITORY
from marketplace.search import drift as counters
from marketplace.search.port import FOREVER

log = structlog.get_logger()

BATCH = 500

Item = TypeVar("Item")

RECENT = timedelta(minutes=15)
"""How far back the frequent sweep looks: three of its rounds."""


class Kind(StrEnum):
    """How one document differs from what the database says."""

    MISSING = "missing"
    ORPHAN = "orphan"
    STALE = "stale"
    AHEAD = "ahead"
    """Newer than its row: the database was restored from a backup. Only a rebuild helps."""
    EXPIRED = "expired"
    """Of somebody past the last visible day, whom no query finds (rules G): removed, and no drift."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the index should hold of a searchable candidate; ``is_due`` is false past the last visible day."""

    key: int
    version: int
    is_due: bool = True


@dataclass(frozen=True)
class DriftReport:
    """What was compared and found, by kind; ``repaired`` counts what is as it should be afterwards."""

    checked: int = 0
    missing: int = 0
    orphan: int = 0
    stale: int = 0
    ahead: int = 0
    expired: int = 0
    repaired: int = 0
    refused: int = 0

    def __add__(self, other: DriftReport) -> DriftReport:
        return DriftReport(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(self)))

    @property
    def drift(self) -> int:
        """How many documents were not what the database says."""
        return self.missing + self.orphan + self.stale + self.ahead

    @property
    def is_clean(self) -> bool:
        """Whether nothing is left to be repaired."""
        return self.drift == self.repaired


def kind_of(wanted: Wanted | None, found: int | None) -> Kind | None:
    """Return how a stored version differs from the wanted one; None where it does not."""
    if wanted is None:
        return None if found is None else Kind.ORPHAN
    if not wanted.is_due:
        return None if found is None else Kind.EXPIRED
    if found is None:
        return Kind.MISSING
    if found == wanted.version:
        return None
    return Kind.STALE if found < wanted.version else Kind.AHEAD


def differences(wanted: Iterable[Wanted], found: Iterable[tuple[int, int]]) -> Iterator[tuple[int, Kind]]:
    """Merge two streams in ascending order of key and yield the keys that differ, in that order."""
    wants, finds = iter(wanted), iter(found)
    want, have = next(wants, None), next(finds, None)
    while want is not None or have is not None:
        if have is None or (want is not None and want.key < have[0]):
            key, kind = want.key if want is not None else 0, kind_of(want, None)
            want = next(wants, None)
        elif want is None or have[0] < want.key:
            key, kind = have[0], kind_of(None, have[1])
            have = next(finds, None)
        else:
            key, kind = have[0], kind_of(want, have[1])
            want, have = next(wants, None), next(finds, None)
        if kind is not None:
            yield key, kind


@contextmanager
def wanted_by_database(ports: Ports, country: str) -> Iterator[Iterator[Wanted]]:
    """Give what the index of a country should hold today, by ascending key, as one moment saw it."""
    today = ports.clock.today()
    with ports.db.transaction() as session, closing(streams.iter_facts(session, country)) as everybody:
        yield (
            Wanted(one.facts.key, one.version, has_document(one.facts, one.region, today, ports.settings))
            for one in everybody
        )


def check(ports: Ports, country: str, *, repair: bool = False) -> DriftReport:
    """Compare the whole index of a country with the database; ``repair`` makes it equal."""
    total, checked = DriftReport(), 0

    def counted(wanted: Iterable[Wanted]) -> Iterator[Wanted]:
        nonlocal checked
        for one in wanted:
            checked += 1
            yield one

    with wanted_by_database(ports, country) as wanted:
        for keys in batches(key for key, _ in differences(counted(wanted), ports.index.versions(country))):
            total += settle(ports, country, keys, repair=repair).report
    report = total + DriftReport(checked=checked)
    if repair:
        _note(ports, country, report)
    return report


def check_recent(ports: Ports, since: datetime | None = None) -> dict[str, DriftReport]:
    """Compare and repair what changed since then (or lately), in every country; return the reports.

    A change that was given up is tried too; it is done once index and database agree.
    """
    with ports.db.reading() as session:
        keys = streams.changed_keys(session, since or ports.clock.now() - RECENT)
    reports = dict.fromkeys(TERRITORY, DriftReport())
    for batch in batches(keys):
        wrong: set[int] = set()
        for country in TERRITORY:
            settled = settle(ports, country, batch, repair=True)
            reports[country] += settled.report + DriftReport(checked=len(batch))
            wrong |= settled.wrong
        with ports.db.transaction() as session:
            streams.conclude_dead(session, ports.clock.now(), set(batch) - wrong)
    for country, report in reports.items():
        _note(ports, country, report)
    return reports


@dataclass(frozen=True)
class Settled:
    """What was found among some keys, and which of them are still not what the database says."""

    report: DriftReport
    wrong: frozenset[int]


def settle(ports: Ports, country: str, keys: Sequence[int], *, repair: bool) -> Settled:
    """Look at some keys while nobody writes, and repair what differs.

    What the relay has yet to carry out is left to it.
    """
    with ports.db.transaction() as session:
        writing.be_alone(session)
        rows = {row.facts.key: row for row in index_rows.document_rows(session, keys)}
        waiting = streams.waiting_keys(session, keys)
        stored = ports.index.stored(country, keys)
        kinds = {key: kind_of(_wanted(ports, rows.get(key), country), stored.get(key)) for key in keys}
        found = {key: kind for key, kind in kinds.items() if kind is not None and key not in waiting}
        report = DriftReport(**{kind.value: list(found.values()).count(kind) for kind in Kind})
        if not found or not repair:
            return Settled(report, frozenset(found) | waiting)
        refused = _repair(ports, country, found, rows, stored)
        wrong = refused | {key for key, kind in found.items() if kind is Kind.AHEAD}
        return Settled(
            report + DriftReport(repaired=report.drift - len(wrong), refused=len(refused)),
            frozenset(wrong) | waiting,
        )


def _repair(
    ports: Ports,
    country: str,
    found: Mapping[int, Kind],
    rows: Mapping[int, index_rows.DocumentRow],
    stored: Mapping[int, int],
) -> set[int]:
    """Put what is missing or stale, remove what should not be there; return the keys that were refused."""
    to_put = [rows[key] for key, kind in found.items() if kind in {Kind.MISSING, Kind.STALE}]
    written = writing.write(ports, to_put, {})
    to_remove = {
        key: max(stored[key], rows[key].version) if key in rows else FOREVER
        for key, kind in found.items()
        if kind in {Kind.ORPHAN, Kind.EXPIRED}
    }
    if to_remove:
        ports.index.remove(country, to_remove)
        ports.index.refresh()
    return set(written.refused)


def _wanted(ports: Ports, row: index_rows.DocumentRow | None, country: str) -> Wanted | None:
    facts = row.facts if row is not None else None
    if (
        row is None
        or facts is None
        or facts.country != country
        or facts.state is not CandidateState.SEARCHABLE
    ):
        return None
    is_due = has_document(facts, row.region, ports.clock.today(), ports.settings)
    return Wanted(facts.key, row.version, is_due)


def _note(ports: Ports, country: str, report: DriftReport) -> None:
    """Count what was found, for ``/metrics``, and say it in the log."""
    counts = {kind: getattr(report, kind) for kind in counters.KINDS}
    if not any(counts.values()):
        return
    log.warning("index.drift", country=country, repaired=report.repaired, **counts)
    with ports.db.transaction() as session:
        counters.count(session, ports.clock.now(), country, counts)


def batches(items: Iterable[Item]) -> Iterator[list[Item]]:
    """Yield lists of :data:`BATCH` items."""
    source = iter(items)
    while batch := list(islice(source, BATCH)):
        yield batch
