"""Engine, declarative base and the one commit.

A use case runs inside :meth:`Database.transaction`; nothing else in the project commits (an AST
rule holds this). What must happen after the commit is an outbox row written inside it; the
``after_commit`` callbacks only wake the worker that drains the outbox earlier than its sweep would.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import DateTime, Engine, MetaData, Uuid, create_engine, event, make_url
from sqlalchemy.exc import DBAPIError, DisconnectionError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.orm import DeclarativeBase, Session, sessionmaker

from marketplace.errors import UnavailableError

log = structlog.get_logger()

NAMING_CONVENTION = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}

IDLE_SECONDS = 5.0
"""After so long in the pool a connection is looked at before it is used again."""

WAKE = "wake_topics"
"""Key of ``Session.info``: the outbox topics written in this transaction."""

UNDO = "undo_on_rollback"
"""Key of ``Session.info``: what to take back outside the database if the transaction fails."""


class _RehearsedError(Exception):
    """The end of a rehearsal."""


class Base(DeclarativeBase):
    """Base of every table. Instants are ``timestamptz``, identifiers ``uuid``."""

    metadata = MetaData(naming_convention=NAMING_CONVENTION)
    type_annotation_map = {datetime: DateTime(timezone=True), UUID: Uuid(as_uuid=True)}  # noqa: RUF012


class Database:
    """A pool of connections and the scope of a transaction.

    ``after_commit`` is called with the outbox topics a transaction wrote, once it is committed. It
    must not raise: an outbox row that nobody was woken for is found by the sweep.
    """

    def __init__(
        self,
        url: str,
        *,
        pool_size: int = 10,
        max_overflow: int = 10,
        after_commit: Callable[[frozenset[str]], None] | None = None,
    ) -> None:
        self.engine: Engine = create_engine(
            url,
            pool_size=pool_size,
            max_overflow=max_overflow,
            pool_timeout=1,
            hide_parameters=True,  # a statement that fails is logged without what it was about
            connect_args={
                "connect_timeout": 2,
                "application_name": "marketplace",
                "options": _in_utc(url),
            },
        )
        _ping_the_idle(self.engine)
        self._sessions = sessionmaker(self.engine, expire_on_commit=False)
        self._autocommit = sessionmaker(
            self.engine.execution_options(isolation_level="AUTOCOMMIT"), expire_on_commit=False
        )
        self.after_commit = after_commit

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """Run one use case: commit when the block ends, roll back when it raises.

        Raises :class:`UnavailableError` when the database does not answer.
        """
        with self._available(), self._sessions() as session:
            is_committing = False
            try:
                yield session
                is_committing = True
                session.commit()
            except BaseException as error:
                session.rollback()
                if not (is_committing and _is_outcome_unknown(error)):
                    for undo in reversed(session.info.pop(UNDO, ())):
                        undo()
                raise
            topics = frozenset(session.info.pop(WAKE, ()))
        if topics and self.after_commit is not None:
            self.after_commit(topics)

    @contextmanager
    def rehearsal(self) -> Iterator[Session]:
        """Run a use case as :meth:`transaction` does and take everything back at its end (dry runs)."""
        with suppress(_RehearsedError), self.transaction() as session:
            yield session
            session.flush()  # what the commit would find wrong is found here too
            raise _RehearsedError

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """Run single-statement reads without a transaction around them; never for writes."""
        with self._available(), self._autocommit() as session:
            yield session

    @contextmanager
    def _available(self) -> Iterator[None]:
        try:
            yield
        except (PoolTimeoutError, OperationalError) as error:
            log.warning("database.unavailable", error=type(error).__name__)
            raise UnavailableError("database") from error
        except DBAPIError as error:
            if error.connection_invalidated:
                log.warning("database.connection_lost", error=type(error).__name__)
                raise UnavailableError("database") from error
            raise

    def dispose(self) -> None:
        """Close every pooled connection (at shutdown)."""
        self.engine.dispose()

    def abandon(self) -> None:
        """Forget every pooled connection without closing it: in a forked child they are its parent's."""
        self.engine.dispose(close=False)


def _ping_the_idle(engine: Engine) -> None:
    """Have a connection that lay idle looked at before it is given out.

    What was used a moment ago is not asked again: the question costs a round trip at each checkout
    (measured: 1 ms of a search). A server that went away in that moment is a 503, as it is when it
    goes away in the middle of a request, and every pooled connection is renewed.
    """

    @event.listens_for(engine, "checkin")
    def note(_: Any, record: Any) -> None:
        record.info["used_at"] = time.monotonic()

    @event.listens_for(engine, "checkout")
    def look(connection: Any, record: Any, _: Any) -> None:
        used_at = record.info.get("used_at")
        if used_at is not None and time.monotonic() - used_at > IDLE_SECONDS:
            try:
                engine.dialect.do_ping(connection)
            except engine.dialect.loaded_dbapi.Error as gone:
                raise DisconnectionError from gone


def _in_utc(url: str) -> str:
    """Return the options of a connection: days and instants are in UTC, wherever the server stands."""
    given = make_url(url).query.get("options", "")
    return f"{given if isinstance(given, str) else ' '.join(given)} -c timezone=UTC".strip()


def undo_on_rollback(session: Session, undo: Callable[[], None]) -> None:
    """Have ``undo`` called when this transaction ends without a commit (a file stored for it)."""
    session.info.setdefault(UNDO, []).append(undo)


def _is_outcome_unknown(error: BaseException) -> bool:
    """Whether a commit may have been carried out although it raised: then nothing is taken back."""
    return isinstance(error, DBAPIError) and error.connection_invalidated
