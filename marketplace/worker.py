"""The Celery app, its queues and beat schedule as tables, and the wake-up calls sent after a commit.

Tasks are thin: open what is needed, call one service, log one result. They are safe to run twice
and lose nothing when they do not run: the outbox is the source of truth and the sweeps below find
what nobody was woken for (design.md, decision 4). Task modules are included by name, so that
``marketplace`` never imports ``indexer``.

A worker runs its tasks in threads, or in forked processes (``MARKETPLACE_WORKER_POOL``). Nothing that
must not be shared over a fork is made before it: ports are built by the first task of a process.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from functools import cache
from threading import Lock, Thread, current_thread
from typing import TYPE_CHECKING, Any

import structlog
from celery import Celery
from celery.schedules import crontab
from celery.signals import (
    setup_logging,
    worker_init,
    worker_process_init,
    worker_process_shutdown,
    worker_ready,
    worker_shutdown,
)
from kombu.entity import Exchange, Queue
from kombu.exceptions import OperationalError

from marketplace import broker
from marketplace.logs import configure_logs
from marketplace.settings import Settings

if TYPE_CHECKING:
    from marketplace.batches import BatchReport
    from marketplace.ports import Ports

log = structlog.get_logger()

SWEEP = timedelta(seconds=5)

BEAT_SCHEDULE: dict[str, dict[str, Any]] = {
    # what                      task                       every
    "index what changed": {"task": "indexer.drain", "schedule": SWEEP},
    "read uploaded CVs": {"task": "indexer.extract_cvs", "schedule": SWEEP},
    "send mails": {"task": "mail.deliver", "schedule": SWEEP},
    "end suspensions": {"task": "moderation.reinstate_due", "schedule": SWEEP},
    "delete discarded files": {"task": "candidates.remove_discarded", "schedule": timedelta(seconds=30)},
    "rebuild what does not fit": {"task": "indexer.rebuild_outdated", "schedule": timedelta(minutes=10)},
    "remind of deletions": {"task": "contacts.remind_deletions", "schedule": timedelta(hours=1)},
    "repair what drifted": {"task": "indexer.sweep", "schedule": timedelta(minutes=5)},
    "compare index and database": {"task": "indexer.check", "schedule": crontab(hour=3, minute=10)},
    "prune done messages": {"task": "outbox.prune", "schedule": timedelta(hours=1)},
    "end inactive accounts": {"task": "recruiters.purge_inactive", "schedule": timedelta(hours=1)},
    "delete what had its time": {"task": "retention.run", "schedule": crontab(hour=2, minute=0)},
}

QUEUES = ("indexing", "extraction", "mail", "scheduled")
"""Each can have workers of its own (``marketplace worker --queues``); without the option one takes all."""

TASK_ROUTES = {
    # task                  queue
    "indexer.drain": "indexing",
    "indexer.extract_cvs": "extraction",
    "mail.deliver": "mail",
}
"""Which queue a task waits in; what is not named here waits in :data:`OTHER_TASKS`."""

OTHER_TASKS = "scheduled"

SHORTEST_EXPIRY = timedelta(minutes=1)
"""A sweep nobody took is dropped after its interval, but not sooner: clocks of two machines may differ."""

CONNECTIONS_OF_A_CHILD = 2
"""A forked process runs one task at a time: its transaction, and one that streams beside it."""

LAST_RESULT = timedelta(seconds=3)
"""How long a forked child that ends waits for its parent to read what it sent."""

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
        "broker_connection_max_retries": None,  # a worker waits for its broker as long as it takes
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
        "task_queues": [_queue(name) for name in QUEUES],
        "task_default_queue": OTHER_TASKS,
        "task_create_missing_queues": False,
        "task_routes": {name: {"queue": queue} for name, queue in TASK_ROUTES.items()},
        "task_ignore_result": True,
        "task_acks_late": True,
        "task_reject_on_worker_lost": True,
        "task_serializer": "json",
        "accept_content": ["json"],
        "worker_prefetch_multiplier": 1,
        "worker_hijack_root_logger": False,
        "timezone": "UTC",
        "include": ("indexer.tasks", "marketplace.worker"),
        "beat_schedule": {name: _with_expiry(row) for name, row in BEAT_SCHEDULE.items()},
    }


def _queue(name: str) -> Any:
    """Return a queue that gets what is sent to its name and nothing else, on every kind of broker."""
    return Queue(name, Exchange(name), routing_key=name)  # type: ignore[no-untyped-call]


def _with_expiry(row: dict[str, Any]) -> dict[str, Any]:
    """Have a sweep dropped that waited for its whole interval, so that none pile up without a worker."""
    every = row["schedule"]
    if not isinstance(every, timedelta):
        return row
    expires = max(every, SHORTEST_EXPIRY).total_seconds()
    return row | {"options": {"expires": expires, **row.get("options", {})}}


broker.register()
app = Celery("marketplace", set_as_current=True)
app.add_defaults(celery_configuration)  # read when a worker or a sender first needs it


def task(name: str) -> Callable[[Callable[[], None]], Callable[[], None]]:
    """Register a function as the task ``name``; Celery's own decorator is not typed."""

    def register(function: Callable[[], None]) -> Callable[[], None]:
        registered: Callable[[], None] = app.task(name=name)(function)
        return registered

    return register


def worker_ports() -> Ports:
    """Return the ports of this worker process, built on first use, once for all its threads."""
    with _building:
        return _own_ports()


_building = Lock()


@cache
def _own_ports() -> Ports:
    from marketplace.app import build_ports

    settings = Settings.from_environment()
    if settings.worker_pool == "prefork":
        settings = replace(settings, database_pool=min(settings.database_pool, CONNECTIONS_OF_A_CHILD))
    return build_ports(settings)


def _forget_inherited_ports(**_: object) -> None:
    """In a forked child: its parent's connections are left alone, neither used nor closed."""
    if _own_ports.cache_info().currsize:
        _own_ports().db.abandon()
        _own_ports.cache_clear()


def _close_own_ports(**_: object) -> None:
    """At the end of a process: give back what its tasks opened."""
    if _own_ports.cache_info().currsize:
        _own_ports().close()
        _own_ports.cache_clear()


def _log_as_everywhere(**_: object) -> None:
    """Have worker and beat log as the web process does; Celery then sets up nothing itself."""
    configure_logs()


def _let_children_end(**_: object) -> None:
    """Have a forked child that ends wait no longer than :data:`LAST_RESULT` for its parent.

    On a warm shutdown the parent may have read its last result before the child sent it; billiard's
    child would then stay for 30 seconds. Nobody uses results here, and a task may run twice.
    """
    from billiard import pool as billiard_pool

    tries = LAST_RESULT.total_seconds() / billiard_pool.GUARANTEE_MESSAGE_CONSUMPTION_RETRY_INTERVAL
    billiard_pool.GUARANTEE_MESSAGE_CONSUMPTION_RETRY_LIMIT = round(tries)


setup_logging.connect(_log_as_everywhere)
worker_init.connect(_let_children_end)
worker_process_init.connect(_forget_inherited_ports)
worker_process_shutdown.connect(_close_own_ports)
worker_shutdown.connect(_close_own_ports)


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
    sent for ``pause`` seconds. A task is sent at once, and at most once every ``breath`` seconds: it does
    whatever waits by then.
    """

    def __init__(self, celery: Celery = app, pause: float = 5.0, breath: float = 0.2) -> None:
        self._celery = celery
        self._pause = pause
        self._breath = breath
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
            while names := self._take():
                for name in names:
                    self._send_one(name)
                time.sleep(self._breath)
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

    def _take(self) -> set[str]:
        with self._lock:
            names, self._waiting = self._waiting, set()
            if not names:
                self._sender = None  # under the lock: who comes next starts a new one
            return names

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


@task("moderation.reinstate_due")
def reinstate_due_members() -> None:
    """Reinstate whose suspension has run out (rules E5)."""
    from marketplace.moderation.tasks import reinstate_due

    reinstated = reinstate_due(worker_ports())
    if reinstated:
        log.info("suspensions.ended", members=reinstated)


@task("contacts.remind_deletions")
def remind_deletions() -> None:
    """Remind those who hold copies whose day comes near or has passed (rules D4)."""
    from marketplace.contacts.reminders import remind_deletions as remind

    ports = worker_ports()
    report = remind(ports.db, ports.clock.now(), ports.settings)
    if report.found:
        log.info("deletions.reminded", recruiters=report.done, skipped=report.skipped, failed=report.failed)


@task("outbox.prune")
def prune_outbox() -> None:
    """Delete messages done for more than a day."""
    from marketplace.outbox import prune

    ports = worker_ports()
    with ports.db.transaction() as session:
        log.info("outbox.pruned", rows=prune(session, ports.clock.now()))


@task("recruiters.purge_inactive")
def purge_inactive() -> None:
    """Tell inactive recruiters, close who was told, purge who is closed (B5, B6)."""
    from marketplace import retention

    _log_reports(retention.purge_inactive(worker_ports()))


@task("retention.run")
def run_retention() -> None:
    """Carry out the daily rules of the retention table (F2)."""
    from marketplace import retention

    _log_reports(retention.run(worker_ports(), [rule for rule in retention.RULES if rule.is_daily]))


def _log_reports(reports: Mapping[str, BatchReport]) -> None:
    for rule, report in reports.items():
        log.info(
            "retention.ran", rule=rule, found=report.found, done=report.done,
            skipped=dict(report.skipped), failed=dict(report.failed),
        )  # fmt: skip
