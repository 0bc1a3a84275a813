"""The one batch runner: page by page, each subject in a transaction of its own, under its row lock.

A job says which rows are due and what to do with one. The runner asks the same question twice: for
a page of keys, and again for each row under its lock, so that whoever acted meanwhile (a sign-in, a
second scheduler) wins. A run that is killed leaves finished subjects finished and the rest due; the
next run goes on there. A dry run is the same code in transactions that are taken back (rules F2).
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import structlog
from sqlalchemy import ColumnElement, Select, delete, select, tuple_
from sqlalchemy.orm import InstrumentedAttribute, Session

from marketplace.db import Base, Database
from marketplace.errors import UnavailableError

log = structlog.get_logger()

RowT = TypeVar("RowT", bound=Base)

PAGE = 500
"""Keys held in memory at once (security.md, section D)."""

MOVED_ON = "moved_on"
"""Why a subject was skipped that is no longer due, or that another run holds."""


@dataclass(frozen=True)
class Skip:
    """Nothing was done with a subject, for the reason with this code."""

    why: str


@dataclass(frozen=True, kw_only=True)
class Job(Generic[RowT]):
    """What is due and what to do with it.

    ``due`` selects entities and may join; ``key`` is a unique column of theirs, in whose order they
    are worked off; ``locked`` are the tables whose row is held while ``act`` runs (with joins, name
    each that the decision rests on). ``act`` changes one row, or returns a :class:`Skip`; what it
    raises counts as a failure of that subject alone.
    """

    name: str
    key: InstrumentedAttribute[Any]
    due: Select[RowT]
    act: Callable[[Session, RowT], Skip | None]
    locked: tuple[type[Base], ...] = ()


@dataclass
class BatchReport:
    """What a run did: every subject found is done, skipped or failed."""

    found: int = 0
    done: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)
    _digest: Any = field(default_factory=hashlib.sha256, repr=False)

    @property
    def subjects_sha256(self) -> str:
        """Proof of whom the run was about: SHA-256 over the keys done, in their order (rules F2)."""
        return str(self._digest.hexdigest())

    def _count_done(self, key: object) -> None:
        self.done += 1
        self._digest.update(f"{key}\n".encode())


def run(
    db: Database,
    job: Job[RowT],
    *,
    is_dry_run: bool = False,
    page: int = PAGE,
    progress: Callable[[BatchReport], None] | None = None,
) -> BatchReport:
    """Work off what is due and report; ``progress`` is told after every subject.

    Memory is bounded by ``page`` keys and one row. Raises :class:`UnavailableError` when the database
    goes away: then nothing further can be done, and the next run goes on.
    """
    report = BatchReport()
    for key in _keys(db, job, page):
        report.found += 1
        scope = db.rehearsal() if is_dry_run else db.transaction()
        try:
            with scope as session:
                skip = _on_one(session, job, key)
        except UnavailableError:
            raise
        except Exception as error:  # one subject that fails must not stop the others
            report.failed[type(error).__name__] += 1
            log.exception("batch.subject_failed", job=job.name, subject=str(key), error=type(error).__name__)
        else:
            if skip is None:
                report._count_done(key)  # noqa: SLF001  (its own module)
            else:
                report.skipped[skip.why] += 1
        if progress is not None:
            progress(report)
    return report


def sweep(
    db: Database,
    key: Sequence[InstrumentedAttribute[Any]],
    due: ColumnElement[bool],
    *,
    is_dry_run: bool = False,
    page: int = PAGE,
    progress: Callable[[BatchReport], None] | None = None,
) -> BatchReport:
    """Delete the rows that are due, a page in a transaction, and report (rules F2).

    For rows that need no decision of their own; ``key`` is their unique key. A row that another
    transaction holds, or that is no longer due when its turn comes, is skipped.
    """
    report = BatchReport()
    whole = tuple_(*key)
    for keys in _key_pages(db, key, due, page):
        scope = db.rehearsal() if is_dry_run else db.transaction()
        with scope as session:
            free = select(*key).where(whole.in_(keys), due).with_for_update(skip_locked=True)
            held = [tuple(row) for row in session.execute(free.order_by(*key))]
            session.execute(delete(key[0].class_).where(whole.in_(held)))
        report.found += len(keys)
        for done in held:
            name = ":".join(part.hex() if isinstance(part, bytes) else str(part) for part in done)
            report._count_done(name)  # noqa: SLF001  (its own module)
        if len(held) < len(keys):
            report.skipped[MOVED_ON] += len(keys) - len(held)
        if progress is not None:
            progress(report)
    return report


def _key_pages(
    db: Database, key: Sequence[InstrumentedAttribute[Any]], due: ColumnElement[bool], page: int
) -> Iterator[list[tuple[Any, ...]]]:
    """Yield the keys that are due, ascending, in pages; each is read anew, after the last key seen."""
    statement = select(*key).where(due).order_by(*key).limit(page)
    after: tuple[Any, ...] | None = None
    while True:
        following = statement if after is None else statement.where(tuple_(*key) > tuple_(*after))
        with db.reading() as session:
            found = [tuple(row) for row in session.execute(following)]
        if found:
            yield found
        if len(found) < page:
            return
        after = found[-1]


def _on_one(session: Session, job: Job[RowT], key: object) -> Skip | None:
    row = session.scalars(
        job.due.where(job.key == key).with_for_update(skip_locked=True, of=job.locked or None)
    ).one_or_none()
    return Skip(MOVED_ON) if row is None else job.act(session, row)


def _keys(db: Database, job: Job[RowT], page: int) -> Iterator[Any]:
    """Yield the keys that are due, ascending; each page is read anew, after the last key seen."""
    keys = job.due.with_only_columns(job.key).order_by(None).order_by(job.key).limit(page)
    after = None
    while True:
        with db.reading() as session:
            found = session.scalars(keys if after is None else keys.where(job.key > after)).all()
        yield from found
        if len(found) < page:
            return
        after = found[-1]
