"""The tables of the worker: what is scheduled and what a message wakes are tasks there are."""

from __future__ import annotations

import ast
from importlib import import_module
from pathlib import Path
from threading import Event
from time import sleep

import pytest
from celery.signals import worker_ready
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
