"""Real workers for tests about delivery: our own commands in processes of their own, on a real broker.

A test asks for work through the services and looks at what became of it in the database, the index and
the folders, as the rest of the service would. Time is real here.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import redis
from celery import Celery
from sqlalchemy import select, text

from marketplace import outbox
from marketplace.accounts.mail_requests import MAIL_REQUESTED
from marketplace.app import build_ports
from marketplace.candidates import cvs
from marketplace.candidates.index_rows import CHANGED
from marketplace.candidates.models import CV, CVState
from marketplace.demo.children import wrapped
from marketplace.demo.cv_layouts import draw
from marketplace.demo.embedded_valkey import ValkeyServer
from marketplace.demo.people import persona
from marketplace.files import DISCARDED
from marketplace.settings import Settings
from marketplace.worker import celery_configuration
from tests.builders import a_candidate, an_account

RESUME_SECONDS = 30.0
"""Within this after a worker is back, what waited is done (issue 5, point 5)."""

STOP_SECONDS = 30.0
"""Within this a process that was asked to stop has ended; what it does in a test takes seconds."""

PATIENCE = 120.0
"""How long a test waits for what no rule gives a time for; the machine may be busy."""


class Workshop:
    """One installation: a database, a broker, a data folder, and the processes a test starts on them."""

    def __init__(self, settings: Settings, database_url: str, broker: ValkeyServer) -> None:
        self.broker = broker
        self.settings = replace(settings, database_url=database_url)
        self.ports = build_ports(self.settings)  # without a broker: nobody is woken but by the test
        self._processes: list[subprocess.Popen[bytes]] = []

    def start(self, *command: str, **environment: str) -> subprocess.Popen[bytes]:
        """Start ``marketplace COMMAND`` in a process group of its own; it ends with the tests."""
        own = {
            **os.environ, "DATABASE_URL": self.settings.database_url, "REDIS_URL": self.broker.url,
            "SMTP_URL": "", "MARKETPLACE_DATA": str(self.settings.data),
            "MARKETPLACE_SECRET_KEY": self.settings.secret_key,
            "PYTHONWARNINGS": "ignore:You're running the worker with superuser", **environment,
        }  # fmt: skip
        self.settings.data.mkdir(parents=True, exist_ok=True)
        with self._log(len(self._processes)).open("wb") as log:
            process = subprocess.Popen(
                wrapped([sys.executable, "-m", "marketplace.cli", *command]),
                env=own, stdout=log, stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip
        self._processes.append(process)
        return process

    def worker(
        self, pool: str, queues: Sequence[str] = (), *, concurrency: int = 2
    ) -> subprocess.Popen[bytes]:
        """Start a worker and wait until it takes tasks."""
        chosen = ["--queues", ",".join(queues)] if queues else []
        process = self.start(
            "worker", *chosen,
            MARKETPLACE_WORKER_POOL=pool, MARKETPLACE_WORKER_CONCURRENCY=str(concurrency),
        )  # fmt: skip
        name = f"{'-'.join(queues) or 'all'}@"
        self.until(lambda: any(answer.startswith(name) for answer in self.pings()))
        return process

    def beat(self, name: str = "beat") -> subprocess.Popen[bytes]:
        return self.start("beat", "--schedule", str(self.settings.data / name))

    def pings(self) -> dict[str, Any]:
        """Return the workers that answer, by name."""
        with self.celery() as celery:
            return celery.control.inspect(timeout=0.5).ping() or {}

    def send(self, *tasks: str) -> None:
        """Put tasks into their queues."""
        with self.celery() as celery:
            for name in tasks:
                celery.send_task(name)

    def waiting(self, queue: str) -> int:
        """Return how many tasks of a queue nobody has taken."""
        with redis.Redis.from_url(self.broker.url) as client:
            return int(client.llen(queue))

    @contextmanager
    def celery(self) -> Iterator[Celery]:
        """A sender of this installation; the process's own may have read another address before."""
        changes = celery_configuration() | {"broker_url": self.broker.url}
        celery = Celery(set_as_current=False, changes=changes)
        try:
            yield celery
        finally:
            celery.close()

    def until(self, condition: Callable[[], bool], seconds: float = PATIENCE) -> None:
        """Wait until something is so; tell what the processes said when it never is."""
        end = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > end:
                raise AssertionError(f"not so after {seconds} s:\n{self.said()}")
            time.sleep(0.1)

    def said(self) -> str:
        """Return the logs of everything started."""
        return "\n".join(self._log(number).read_text() for number in range(len(self._processes)))

    def stop(self) -> None:
        """End everything that was started and see that it went."""
        for process in self._processes:
            if process.poll() is None:
                process.terminate()
        with ExitStack() as ends:  # all of it, whatever one of them does
            ends.callback(self.ports.close)
            for process in self._processes:
                ends.callback(kill_all, process)
            for process in self._processes:
                process.wait(STOP_SECONDS)

    def _log(self, number: int) -> Path:
        return self.settings.data / f"process-{number}.log"

    # What is asked for, and what became of it

    def ask_for_everything(self) -> Wanted:
        """Ask for one job of each queue."""
        now = self.ports.clock.now()
        with self.ports.db.transaction() as session:
            candidate = a_candidate(session)
            outbox.publish(session, now, CHANGED, candidate.id, lowers_visibility=True)
            discarded = self.ports.files.put("cv", b"%PDF-nobody's")
            outbox.publish(session, now, DISCARDED, discarded)
        self.ask_for_mail()
        return Wanted(self, self.upload(), discarded)

    def ask_for_mail(self) -> None:
        now = self.ports.clock.now()
        with self.ports.db.transaction() as session:
            account = an_account(session, email_confirmed_at=None)
            outbox.publish(session, now, MAIL_REQUESTED, account.id, details={"mail": "confirm_email"})

    def upload(self) -> UUID:
        """A candidate without a CV uploads one; return its id."""
        ports = self.ports
        with ports.db.transaction() as session:
            account_id = a_candidate(session, "hidden", cv_text=None).account_id
        content = draw(persona(3, ports.clock.today()).resume, 0)
        return cvs.take_upload(
            ports.db, ports.files, ports.reader, ports.settings, ports.clock.now(), account_id, content,
            "cv.pdf",
        ).cv_id  # fmt: skip

    def state_of(self, cv_id: UUID) -> CVState:
        with self.ports.db.reading() as session:
            return CVState(session.scalars(select(CV.state).where(CV.id == cv_id)).one())

    def mails(self) -> int:
        return len(list(self.settings.mail_dir.glob("*.eml")))

    def is_waiting_for_a_lock(self) -> bool:
        """Whether a transaction of somebody stands still in this database: a job that is under way."""
        with self.ports.db.reading() as session:
            return bool(
                session.scalar(
                    text(
                        "SELECT count(*) FROM pg_stat_activity"
                        " WHERE datname = current_database() AND wait_event_type = 'Lock'"
                    )
                )
            )


class Wanted:
    """One job of each queue, and whether it is done."""

    def __init__(self, workshop: Workshop, cv_id: UUID, discarded: str) -> None:
        self._workshop = workshop
        self._cv_id = cv_id
        self._discarded = discarded

    def is_done(self, queue: str) -> bool:
        workshop = self._workshop
        if queue == "indexing":
            return workshop.ports.index.count("FR") == 1
        if queue == "extraction":
            return workshop.state_of(self._cv_id) is CVState.READY
        if queue == "mail":
            return workshop.mails() > 0
        return not (workshop.settings.files_dir / self._discarded).exists()


def kill_all(process: subprocess.Popen[bytes]) -> None:
    """Kill a process and whatever it started, as a machine that goes down would."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(10)


def children_of(process: subprocess.Popen[bytes]) -> list[int]:
    """Return the living processes that this one forked."""
    path = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    return [int(pid) for pid in path.read_text(encoding="ascii").split()]
