"""The tables of the worker: what is scheduled and what a message wakes are tasks there are."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from importlib import import_module
from pathlib import Path
from threading import Event
from time import monotonic, sleep

import pytest
from billiard import SimpleQueue, Value
from billiard import pool as billiard_pool
from celery.signals import worker_init, worker_ready, worker_shutdown
from kombu.exceptions import OperationalError

from marketplace import worker

ROOT = Path(__file__).parents[2]


def test_every_task_of_the_tables_exists() -> None:
    """F-01: the schedule and the wake-up calls name registered tasks only."""
    import_module("indexer.tasks")
    named = {row["task"] for row in worker.BEAT_SCHEDULE.values()} | set(worker.TASK_OF_TOPIC.values())
    assert named <= set(worker.app.tasks)


def test_every_task_is_in_the_schedule() -> None:
    """F-01: whatever nobody was woken for is found by a sweep."""
    import_module("indexer.tasks")
    own = {name for name in worker.app.tasks if not name.startswith("celery.")}
    assert own == {row["task"] for row in worker.BEAT_SCHEDULE.values()}


def test_every_route_leads_to_a_queue_of_the_table() -> None:
    """Tasks wait in the queue of their kind, what the table does not name in the last; none is made up."""
    import_module("indexer.tasks")
    router = worker.app.amqp.Router()
    for name in {row["task"] for row in worker.BEAT_SCHEDULE.values()}:
        queue = router.route({}, name)["queue"]
        assert queue.name == worker.TASK_ROUTES.get(name, worker.OTHER_TASKS)
        assert queue.name in worker.QUEUES
        assert (queue.exchange.name, queue.routing_key) == (queue.name, queue.name)
    assert set(worker.TASK_ROUTES) <= set(worker.app.tasks)
    assert set(worker.TASK_ROUTES.values()) | {worker.OTHER_TASKS} == set(worker.QUEUES)


def test_sweeps_do_not_pile_up_without_a_worker() -> None:
    """A sweep nobody took is dropped after its interval, a minute at least, for clocks may differ."""
    rows = worker.celery_configuration()["beat_schedule"]
    assert rows.keys() == worker.BEAT_SCHEDULE.keys()
    for name, row in rows.items():
        if isinstance(every := row["schedule"], timedelta):
            assert row["options"]["expires"] == max(60, every.total_seconds()), name


def test_nothing_is_lost_with_a_worker() -> None:
    """F-06: a task is acknowledged when it is done, and comes back when its process was killed."""
    configuration = worker.celery_configuration()
    assert configuration["task_acks_late"]
    assert configuration["task_reject_on_worker_lost"]
    assert configuration["worker_prefetch_multiplier"] == 1
    assert configuration["broker_connection_max_retries"] is None


def test_a_forked_child_ends_though_nobody_reads_its_last_result(monkeypatch: pytest.MonkeyPatch) -> None:
    """F-06: a worker that is told to stop does not wait half a minute for what its parent will not read."""
    monkeypatch.setattr(billiard_pool, "GUARANTEE_MESSAGE_CONSUMPTION_RETRY_LIMIT", 300)
    monkeypatch.setattr(worker, "LAST_RESULT", timedelta(seconds=0.3))
    worker_init.send(sender=None)
    child = billiard_pool.Worker(SimpleQueue(), SimpleQueue(), on_ready_counter=Value("i"))
    begun = monotonic()
    assert child._ensure_messages_consumed(completed=1) is False
    assert 0.3 <= monotonic() - begun < 10


FORKS = """
import os, sys
from celery.signals import worker_process_init, worker_process_shutdown
from sqlalchemy import text
from marketplace import worker

def backend():
    with worker.worker_ports().db.reading() as session:
        return session.scalar(text("SELECT pg_backend_pid()"))

parent = backend()
children = []
for _ in range(3):
    read, write = os.pipe()
    if not os.fork():
        worker_process_init.send(None)
        answers = {backend() for _ in range(100)}
        worker_process_shutdown.send(None, pid=0, exitcode=0)
        os.write(write, " ".join(map(str, answers)).encode())
        os._exit(0)
    children.append(read)
own = {backend() for _ in range(100)}
others = [os.read(read, 1000).decode() for read in children]
assert all(os.waitstatus_to_exitcode(os.wait()[1]) == 0 for _ in children)
assert own == {parent} == {backend()}, own
assert len({parent, *map(int, others)}) == 4, others
print("apart")
"""


def test_forked_children_share_no_connection(database_url: str, tmp_path: Path) -> None:
    """Each child opens its own connections, and its parent's stay usable and open (embedded-services 3)."""
    environment = {**os.environ, "DATABASE_URL": database_url, "MARKETPLACE_DATA": str(tmp_path)}
    environment |= {"MARKETPLACE_WORKER_POOL": "prefork", "REDIS_URL": "", "SMTP_URL": ""}
    told = subprocess.run(
        [sys.executable, "-c", FORKS],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (told.stdout, told.returncode) == ("apart\n", 0), told.stderr


def test_a_worker_process_has_one_set_of_ports(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many threads ask at once; a forked process keeps few connections; the end closes them."""
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("MARKETPLACE_DATA", str(tmp_path))
    monkeypatch.setenv("MARKETPLACE_WORKER_POOL", "prefork")
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda _: worker.worker_ports(), range(8)))
    assert len({id(ports) for ports in found}) == 1
    assert found[0].settings.database_pool == worker.CONNECTIONS_OF_A_CHILD
    worker_shutdown.send(None)
    assert worker.worker_ports() is not found[0]
    worker_shutdown.send(None)


def test_every_topic_that_is_published_is_drained() -> None:
    """F-01: no topic is written that no task claims."""
    topics = {"candidate.changed", "cv.uploaded", "mail.requested", "file.discarded"}
    published: set[str] = set()
    for path in (ROOT / "marketplace").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr == "publish"
                and getattr(node.func.value, "id", "") == "outbox"
                and len(node.args) > 2
                and isinstance(node.args[2], ast.Constant)
            ):
                published.add(str(node.args[2].value))
    assert published
    assert published <= topics


class AwayBroker:
    """A broker that cannot be reached."""

    def send_task(self, *_: object, **__: object) -> None:
        raise OperationalError


def test_a_worker_asks_for_its_indexes_when_it_is_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    """F-04: the start of a worker sends the task; a broker that is away stops nothing."""
    sent: list[str] = []

    class Broker:
        def send_task(self, name: str, **_: object) -> None:
            sent.append(name)

    monkeypatch.setattr(worker, "app", Broker())
    worker_ready.send(sender=None)
    assert sent == ["indexer.rebuild_outdated"]
    monkeypatch.setattr(worker, "app", AwayBroker())
    worker_ready.send(sender=None)


def test_losing_the_broker_is_silent_for_a_while() -> None:
    """F-06: a commit never fails, or waits again and again, because nobody could be woken."""
    calls: list[str] = []

    class Broker:
        def send_task(self, name: str, **_: object) -> None:
            calls.append(name)
            raise OperationalError

    waker = worker.Waker(Broker(), pause=60)
    for _ in range(3):
        waker(frozenset({"candidate.changed"}))
        waker.wait()
    assert calls == ["indexer.drain"]


def test_a_commit_never_waits_for_the_broker() -> None:
    """F-06: a broker that takes the connection and says nothing holds up nobody; no call is forgotten."""
    calls: list[str] = []
    says_something = Event()

    class Broker:
        def send_task(self, name: str, **_: object) -> None:
            calls.append(name)
            says_something.wait(10)

    waker = worker.Waker(Broker())
    waker(frozenset({"candidate.changed"}))
    while not calls:
        sleep(0.001)
    waker(frozenset({"candidate.changed"}))
    waker(frozenset({"mail.requested", "nobody.listens"}))
    assert calls == ["indexer.drain"]
    says_something.set()
    waker.wait()
    assert sorted(calls) == ["indexer.drain", "indexer.drain", "mail.deliver"]


def test_many_commits_wake_once_a_breath() -> None:
    """F-06: the first commit wakes at once; those within a breath of it are one call, none forgotten."""
    calls: list[float] = []

    class Broker:
        def send_task(self, name: str, **_: object) -> None:
            calls.append(monotonic())

    waker = worker.Waker(Broker(), breath=1.0)
    waker(frozenset({"candidate.changed"}))
    while not calls:
        sleep(0.001)
    for _ in range(100):
        waker(frozenset({"candidate.changed"}))
    waker.wait()
    assert len(calls) == 2
    assert calls[1] - calls[0] >= 1.0
