"""``marketplace healthcheck``: whether a process of this machine does its work, for who restarts it.

Exit code 0: it does; 1: it does not, with the reason. Each check looks from outside, as a client would,
and is cheap enough to be asked twice a minute.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from socket import gethostname
from typing import Any
from urllib.parse import urlsplit

import click

from marketplace.errors import MarketplaceError
from marketplace.settings import Settings

SECONDS = 5.0
BEAT_SILENCE = timedelta(minutes=10)
"""Celery's beat writes its schedule file every three minutes."""


class UnhealthyError(MarketplaceError):
    """A process does not answer as it should; the message says how."""

    code = "unhealthy"


def _known_queues(_context: click.Context, _option: click.Parameter, value: str | None) -> tuple[str, ...]:
    from marketplace.worker import QUEUES

    chosen = tuple(name.strip() for name in (value or "").split(",") if name.strip())
    for name in chosen:
        if name not in QUEUES:
            raise click.BadParameter(f"{name} is no queue; there are {', '.join(QUEUES)}")
    return chosen


queues_option = click.option(
    "--queues", callback=_known_queues, help="Names of queues, with commas between; default all."
)


def check_web(settings: Settings, port: int) -> None:
    """Ask ``/livez`` by the name that people use, for no other is answered (security.md R-03).

    Raises :class:`UnhealthyError`.
    """
    connection = HTTPConnection("127.0.0.1", port, timeout=SECONDS)
    try:
        connection.request("GET", "/livez", headers={"Host": urlsplit(settings.base_url).netloc})
        status = connection.getresponse().status
    except (OSError, HTTPException) as error:
        raise UnhealthyError(f"nobody answers on port {port}: {error}") from error
    finally:
        connection.close()
    if status != 200:  # noqa: PLR2004  (HTTP)
        raise UnhealthyError(f"/livez answers {status}")


def check_worker(queues: tuple[str, ...]) -> None:
    """Have the broker carry a question to the worker of ``queues`` on this machine, and its answer back.

    Raises :class:`UnhealthyError`.
    """
    from kombu.exceptions import OperationalError

    from marketplace.processes import worker_name
    from marketplace.worker import app

    name = f"{worker_name(queues)}@{gethostname()}"
    try:
        answers: Any = app.control.inspect(destination=[name], timeout=SECONDS).ping()
    except (OperationalError, OSError) as error:
        raise UnhealthyError(f"the broker cannot be asked: {type(error).__name__}") from error
    if not answers:
        raise UnhealthyError(f"no worker named {name} answers")


def check_beat(schedule: Path, now: datetime) -> None:
    """Look at when beat last wrote down what it sent. Raises :class:`UnhealthyError`."""
    written = [path.stat().st_mtime for path in schedule.parent.glob(f"{schedule.name}*")]
    if not written:
        raise UnhealthyError(f"there is no schedule file {schedule}")
    silence = now - datetime.fromtimestamp(max(written), UTC)
    if silence > BEAT_SILENCE:
        raise UnhealthyError(f"beat has written nothing for {silence.total_seconds():.0f} s")


@click.group()
def healthcheck() -> None:
    """Say by the exit code whether a process of this machine does its work."""


@healthcheck.command("web")
@click.option("--port", default=8000, show_default=True, type=click.IntRange(1, 65535))
def healthcheck_web(port: int) -> None:
    """Ask the web process whether it lives."""
    check_web(Settings.from_environment(), port)


@healthcheck.command("worker")
@queues_option
def healthcheck_worker(queues: tuple[str, ...]) -> None:
    """Ask the worker that was started with the same queues."""
    check_worker(queues)


@healthcheck.command("beat")
@click.option("--schedule", type=click.Path(path_type=Path), help="The schedule file beat was given.")
def healthcheck_beat(schedule: Path | None) -> None:
    """Look at the schedule file of beat."""
    from marketplace.clock import SystemClock
    from marketplace.processes import beat_schedule

    check_beat(schedule or beat_schedule(Settings.from_environment()), SystemClock().now())
