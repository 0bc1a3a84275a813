"""The Celery app, the beat schedule as a table, and the wake-up calls sent after a commit.

Tasks are thin: open what is needed, call one service, log one result. They are safe to run twice
and lose nothing when they do not run: the outbox is the source of truth and the sweeps below find
what nobody was woken for (design.md, decision 4). Task modules are included by name, so that
``marketplace`` never imports ``indexer``.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from functools import cache
from threading import Lock, Thread, current_thread
from typing import TYPE_CHECKING, Any

import structlog
from celery import Celery
from celery.schedules import crontab
from celery.signals import worker_process_init, worker_ready
from kombu.exceptions import OperationalError

from marketplace.settings import Settings

if TYPE_CHECKING:
    from marketplace.ports import Ports

log = structlog.get_logger()

SWEEP = timedelta(seconds=5)

BEAT_SCHEDULE: dict[str, dict[str, Any]] = {
    # what                      task                       every
    "index what changed": {"task": "indexer.drain", "schedule": SWEEP},
    "read uploaded CVs": {"task": "indexer.extract_cvs", "schedule": SWEEP},
    "send mails": {"task": "mail.deliver", "schedule": SWEEP},
    "delete discarded files": {"task": "candidates.remove_discarded", "schedule": timedelta(seconds=30)},
    "rebuild what does not fit": {"task": "indexer.rebuild_outdated", "schedule": timedelta(minutes=10)},
    "repair what drifted": {"task": "indexer.sweep", "schedule": timedelta(minutes=5)},
    "compare index and database": {"task": "indexer.check", "schedule": crontab(hour=3, minute=10)},
    "prune done messages": {"task": "outbox.prune", "schedule": timedelta(hours=1)},
}

TASK_OF_TOPIC = {
    "candidate.changed": "indexer.drain",
    "cv.uploaded": "indexer.extract_cvs",
    "mail.requested": "mail.deliver",
}
"""Which task a committed outbox topic wakes."""


def celery_configuration() -> dict[str, Any]:
    """Return Celery's configuration, from the environment (facts measured for kombu 5.7)."""
    settings = Settings.from_environment()
    return {
        "broker_url": settings.redis_url or "redis://127.0.0.1:6379/0",
        "broker_connection_retry_on_startup": True,
        "broker_transport_options": {
            "visibility_timeout": 600,
            "unacked_restore_interval": 5,
            "unacked_restore_throttle": 1,
            "socket_connect_timeout": 1,
            "socket_timeout": 5,
            # Who sends asks once: kombu would otherwise try for six seconds inside the request (F-06).
            "max_retries": 0,
            "interval_start": 0,
            "interval_step": 0,
            "interval_max": 0,
        },
        "task_ignore_result": True,
        "task_acks_late": True,
        "task_reject_on_worker_lost": True,
        "task_serializer": "json",
        "accept_content": ["json"],
        "worker_prefetch_multiplier": 1,
        "worker_hijack_root_logger": False,
        "timezone": "UTC",
        "include": ("indexer.tasks", "marketplace.worker"),
        "beat_schedule": BEAT_SCHEDULE,
    }


app = Celery("marketplace", set_as_current=True)
app.add_defaults(celery_configuration)  # read when a worker or a sender first needs it


def task(name: str) -> Callable[[Callable[[], None]], Callable[[], None]]:
    """Register a function as the task ``name``; Celery's own decorator is not typed."""

    def register(function: Callable[[], None]) -> Callable[[], None]:
        registered: Callable[[], None] = app.task(name=name)(function)
        return registered

    return register


@cache
def worker_ports() -> Ports:
    """Return the ports of this worker process, built on first use (after any fork)."""
    from marketplace.app import build_ports

    return build_ports(Settings.from_environment())


def _forget_inherited_ports(**_: object) -> None:
    """A forked child must not share its parent's database connections."""
    worker_ports.cache_clear()


worker_process_init.connect(_forget_inherited_ports)


def _ask_for_indexes(**_: object) -> None:
    """At the start of a worker: an index of an older version of the code is built anew.

    Losing the call is harmless, the schedule repeats it.
    """
    try:
        app.send_task("indexer.rebuild_outdated", retry=False, expires=600)
    except (OperationalError, OSError) as error:
        log.warning("worker.not_woken", task="indexer.rebuild_outdated", error=type(error).__name__)


worker_ready.connect(_ask_for_indexes)


class Waker:
    """Wakes the workers after a commit, from a thread of its own; silent while the broker is away.

    Losing a call is harmless (the sweep follows within seconds), waiting for a broker in a request is
    not: it may be gone or, worse, take the connection and say nothing. After a failure nothing is
    sent for ``pause`` seconds.
    """

    def __init__(self, celery: Celery = app, pause: float = 5.0) -> None:
        self._celery = celery
        self._pause = pause
        self._silent_until = 0.0
        self._waiting: set[str] = set()
        self._sender: Thread | None = None
        self._lock = Lock()

    def __call__(self, topics: frozenset[str]) -> None:
        """Have the task of each topic sent; never waits and never raises."""
        with self._lock:
            if time.monotonic() < self._silent_until:
                return
            self._waiting |= {TASK_OF_TOPIC[topic] for topic in topics if topic in TASK_OF_TOPIC}
            if not self._waiting or self._sender is not None:
                return
            self._sender = Thread(target=self._send, name="waker")
            self._sender.start()

    def _send(self) -> None:
        try:
            while name := self._next():
                self._send_one(name)
        finally:
            with self._lock:
                if self._sender is current_thread():
                    self._sender = None

    def _send_one(self, name: str) -> None:
        try:
            self._celery.send_task(name, retry=False, expires=60)
        except (OperationalError, OSError) as error:
            with self._lock:
                self._silent_until = time.monotonic() + self._pause
                self._waiting.clear()
            log.warning("worker.not_woken", task=name, error=type(error).__name__)

    def _next(self) -> str | None:
        with self._lock:
            if self._waiting:
                return self._waiting.pop()
            self._sender = None  # under the lock: who comes next starts a new one
            return None

    def wait(self) -> None:
        """Return when nothing is being sent any more (tests)."""
        sender = self._sender
        if sender is not None:
            sender.join()


@task("mail.deliver")
def deliver_mails() -> None:
    """Send the mails that wait."""
    from marketplace.mail_delivery import deliver_due_mails

    sent = deliver_due_mails(worker_ports())
    if sent:
        log.info("mail.delivered", mails=sent)


@task("candidates.remove_discarded")
def remove_discarded_files() -> None:
    """Delete the CV files that are no longer anybody's."""
    from marketplace.candidates.cvs import remove_discarded

    ports = worker_ports()
    with ports.db.transaction() as session:
        removed = remove_discarded(session, ports.clock.now(), ports.files, limit=1000)
    if removed:
        log.info("files.removed", files=removed)


@task("outbox.prune")
def prune_outbox() -> None:
    """Delete messages done for more than a day."""
    from marketplace.outbox import prune

    ports = worker_ports()
    with ports.db.transaction() as session:
        log.info("outbox.pruned", rows=prune(session, ports.clock.now()))
