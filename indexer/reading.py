"""Reads every document of a country from PostgreSQL: slices of keys, several at once, memory bounded.

Each slice is one server-side cursor in a transaction of its own, short enough that the database can tidy
up meanwhile. Readers are threads: they wait for the database while documents are analysed and sent.
"""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterator
from contextlib import closing
from datetime import date
from itertools import islice
from queue import Empty, Full, Queue, SimpleQueue

from indexer.documents import document_of
from marketplace.candidates import streams
from marketplace.ports import Ports
from marketplace.search.document import CandidateDocument

SLICE = 5000
"""Candidates read by one cursor."""

READERS = 2
BATCH = 250
"""Documents handed over at a time; each reader is at most one such batch ahead."""

_LOOK = 0.2

Batch = list[CandidateDocument]
Range = tuple[int, int]


def live_documents(
    ports: Ports, country: str, readers: int = READERS
) -> Generator[CandidateDocument, None, None]:
    """Yield the document of every visible candidate of a country, in no order; closed if left early."""
    with ports.db.reading() as session:
        ranges = streams.slices(session, country, SLICE)
    today = ports.clock.today()
    if len(ranges) == 1:
        for batch in _read(ports, country, today, ranges[0]):
            yield from batch
        return
    with closing(_Readers(ports, country, today, ranges, min(readers, len(ranges)))) as running:
        for batch in running:
            yield from batch


def _read(ports: Ports, country: str, today: date, one: Range) -> Iterator[Batch]:
    with (
        ports.db.transaction() as session,
        closing(streams.iter_document_rows(session, country, *one)) as rows,
    ):
        while chunk := list(islice(rows, BATCH)):
            yield [d for row in chunk if (d := document_of(row, today, ports.settings)) is not None]


class _Readers:
    """Threads that take slices until none is left; what one of them raises is raised to who iterates."""

    def __init__(self, ports: Ports, country: str, today: date, ranges: list[Range], count: int) -> None:
        self._ports, self._country, self._today = ports, country, today
        self._ranges: SimpleQueue[Range] = SimpleQueue()
        for one in ranges:
            self._ranges.put(one)
        self._read: Queue[Batch | BaseException | None] = Queue(maxsize=count)
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._run, name="reader", daemon=True) for _ in range(count)]
        for thread in self._threads:
            thread.start()

    def __iter__(self) -> Iterator[Batch]:
        running = len(self._threads)
        while running:
            got = self._read.get()
            if got is None:
                running -= 1
            elif isinstance(got, BaseException):
                raise got
            else:
                yield got

    def close(self) -> None:
        """Stop reading; nothing is held open afterwards."""
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _run(self) -> None:
        try:
            while not self._stop.is_set():
                try:
                    one = self._ranges.get_nowait()
                except Empty:
                    break
                for batch in _read(self._ports, self._country, self._today, one):
                    if not self._hand_over(batch):
                        return
        except BaseException as error:  # noqa: BLE001  (raised again where the batches are taken)
            self._hand_over(error)
        self._hand_over(None)

    def _hand_over(self, what: Batch | BaseException | None) -> bool:
        while not self._stop.is_set():
            try:
                self._read.put(what, timeout=_LOOK)
            except Full:
                continue
            return True
        return False
