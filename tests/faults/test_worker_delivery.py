"""Real workers and a real broker: every queue is served, and whatever is killed or stopped loses nothing.

F-01, F-06: the outbox is the source of truth; a sweep finds what nobody was woken for.
"""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import select

from marketplace.candidates.models import CV, Candidate, CVState
from marketplace.demo.embedded_valkey import ValkeyServer
from marketplace.settings import Settings
from marketplace.worker import BEAT_SCHEDULE, QUEUES
from tests.workers import RESUME_SECONDS, STOP_SECONDS, Workshop, children_of, kill_all

pytestmark = pytest.mark.slow

TASKS = sorted({row["task"] for row in BEAT_SCHEDULE.values()})


@pytest.fixture
def workshop(tmp_path: Path, settings: Settings, database_url: str) -> Iterator[Workshop]:
    broker = ValkeyServer(tmp_path / "valkey")
    broker.start()
    with ExitStack() as ends:
        ends.callback(broker.stop)
        workshop = Workshop(settings, database_url, broker)
        ends.callback(workshop.stop)
        yield workshop


@pytest.mark.parametrize("pool", ["threads", "prefork"])
def test_one_worker_does_the_jobs_of_every_queue(workshop: Workshop, pool: str) -> None:
    """Without `--queues` a worker takes all; forked children read PDF files and write the one index, too."""
    worker = workshop.worker(pool, concurrency=3)
    assert (len(children_of(worker)) == 3) is (pool == "prefork")
    wanted = workshop.ask_for_everything()
    workshop.send(*TASKS, *TASKS, *TASKS)  # at once, and more often than needed
    for queue in QUEUES:
        workshop.until(partial(wanted.is_done, queue))
    assert workshop.mails() == 1
    worker.terminate()
    assert worker.wait(STOP_SECONDS) == 0
    for line in workshop.said().splitlines():
        if line in {"", "worker: Warm shutdown (MainProcess)"}:  # said to whoever pressed Ctrl-C
            continue
        assert line.startswith("{"), line
        assert json.loads(line)["level"] in {"info", "warning"}, line


def test_each_queue_can_have_workers_of_its_own(workshop: Workshop) -> None:
    """A worker takes the queues it was given and leaves the others to theirs."""
    workshop.worker("prefork", ["mail"], concurrency=1)
    wanted = workshop.ask_for_everything()
    workshop.send(*TASKS)
    workshop.until(lambda: wanted.is_done("mail"))
    workshop.until(lambda: workshop.waiting("mail") == 0)
    for queue in QUEUES:
        assert wanted.is_done(queue) is (queue == "mail"), queue
        assert (workshop.waiting(queue) > 0) is (queue != "mail"), queue
    workshop.worker("prefork", [queue for queue in QUEUES if queue != "mail"])
    for queue in QUEUES:
        workshop.until(partial(wanted.is_done, queue))


@pytest.mark.parametrize("pool", ["threads", "prefork"])
def test_a_worker_killed_in_the_middle_of_a_job(workshop: Workshop, pool: str) -> None:
    """Kill -9 loses nothing and does nothing twice: 30 s after a worker is back the work is done."""
    worker = workshop.worker(pool)
    workshop.beat()
    cv_id = workshop.upload()
    with workshop.ports.db.transaction() as session:
        owner = select(CV.candidate_id).where(CV.id == cv_id).scalar_subquery()
        session.scalars(select(Candidate).where(Candidate.id == owner).with_for_update()).one()
        workshop.until(workshop.is_waiting_for_a_lock)  # the CV is read and about to be applied
        kill_all(worker)
    assert workshop.state_of(cv_id) is CVState.RECEIVED
    workshop.worker(pool)
    workshop.until(lambda: workshop.state_of(cv_id) is CVState.READY, RESUME_SECONDS)


def test_a_forked_child_killed_in_the_middle_of_a_job(workshop: Workshop) -> None:
    """A child that is killed (by its memory limit, say) is replaced, and its job done by another."""
    worker = workshop.worker("prefork", concurrency=1)
    cv_id = workshop.upload()
    with workshop.ports.db.transaction() as session:
        owner = select(CV.candidate_id).where(CV.id == cv_id).scalar_subquery()
        session.scalars(select(Candidate).where(Candidate.id == owner).with_for_update()).one()
        workshop.send("indexer.extract_cvs")  # once: no beat runs
        workshop.until(workshop.is_waiting_for_a_lock)
        (child,) = children_of(worker)
        os.kill(child, signal.SIGKILL)
    workshop.until(lambda: workshop.state_of(cv_id) is CVState.READY)
    assert worker.poll() is None
    assert children_of(worker) != [child]


def test_a_worker_that_is_told_to_stop_ends_its_job_first(workshop: Workshop) -> None:
    """SIGTERM: what is under way is finished, nothing new is begun, and the exit code is 0."""
    worker = workshop.worker("prefork", concurrency=1)
    cv_id = workshop.upload()
    with workshop.ports.db.transaction() as session:
        owner = select(CV.candidate_id).where(CV.id == cv_id).scalar_subquery()
        session.scalars(select(Candidate).where(Candidate.id == owner).with_for_update()).one()
        workshop.send("indexer.extract_cvs")
        workshop.until(workshop.is_waiting_for_a_lock)
        worker.terminate()
        time.sleep(1)
        workshop.ask_for_mail()
        workshop.send("mail.deliver")
        assert worker.poll() is None
    assert worker.wait(STOP_SECONDS) == 0
    assert workshop.state_of(cv_id) is CVState.READY
    assert workshop.mails() == 0
    workshop.worker("prefork", concurrency=1)
    workshop.until(lambda: workshop.mails() == 1)


def test_two_beats_do_no_harm(workshop: Workshop) -> None:
    """F-06: a second beat by mistake sends tasks twice, and everything is still done once."""
    workshop.worker("threads", concurrency=4)
    workshop.beat("one")
    workshop.beat("two")
    wanted = workshop.ask_for_everything()
    for _ in range(4):
        workshop.ask_for_mail()
    for queue in ("indexing", "extraction", "mail"):
        workshop.until(partial(wanted.is_done, queue))
    workshop.until(lambda: workshop.mails() == 5)
    time.sleep(7)  # another round of both
    assert workshop.mails() == 5
    assert workshop.ports.index.count("FR") == 1


def test_a_broker_that_stops_loses_nothing(workshop: Workshop) -> None:
    """F-06: what is asked for meanwhile waits in the outbox; worker and beat find the broker again."""
    worker, beat = workshop.worker("prefork"), workshop.beat()
    workshop.broker.stop()
    wanted = workshop.ask_for_everything()
    time.sleep(6)  # a sweep cannot be sent
    assert (worker.poll(), beat.poll()) == (None, None), workshop.said()
    assert not any(wanted.is_done(queue) for queue in QUEUES)
    workshop.broker.start()
    for queue in ("indexing", "extraction", "mail"):
        workshop.until(partial(wanted.is_done, queue))
