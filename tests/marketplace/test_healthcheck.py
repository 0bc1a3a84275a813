"""`marketplace healthcheck`: each check passes for a process that works and fails with its reason."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from marketplace.cli import main
from marketplace.demo.embedded_valkey import ValkeyServer
from marketplace.healthcheck import BEAT_SILENCE, UnhealthyError, check_beat
from marketplace.settings import Settings
from marketplace.worker import QUEUES
from tests.workers import Workshop

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    ("silence", "is_healthy"),
    [
        (BEAT_SILENCE - timedelta(seconds=1), True),
        (BEAT_SILENCE, True),
        (BEAT_SILENCE + timedelta(seconds=1), False),
    ],
)
def test_beat_is_judged_by_its_schedule_file(tmp_path: Path, silence: timedelta, is_healthy: bool) -> None:
    """Before, at and after the bound, whatever suffix the database library gives the file."""
    path = tmp_path / "schedule.db"
    path.touch()
    written = (NOW - silence).timestamp()
    os.utime(path, (written, written))
    if is_healthy:
        check_beat(tmp_path / "schedule", NOW)
    else:
        with pytest.raises(UnhealthyError, match="has written nothing for 601 s"):
            check_beat(tmp_path / "schedule", NOW)


def test_a_beat_that_never_began_is_unhealthy(tmp_path: Path) -> None:
    """No schedule file, no beat."""
    with pytest.raises(UnhealthyError, match="no schedule file"):
        check_beat(tmp_path / "schedule", NOW)


@pytest.mark.parametrize("command", ["worker", "healthcheck worker"])
def test_an_unknown_queue_is_wrong_usage(command: str) -> None:
    """Exit code 2, with the names there are: a worker of a misspelt queue would stand idle for ever."""
    told = CliRunner().invoke(main, [*command.split(), "--queues", "mail,letters"])
    assert told.exit_code == 2
    assert f"letters is no queue; there are {', '.join(QUEUES)}" in told.output


@pytest.mark.slow
def test_worker_and_beat_answer_for_themselves(tmp_path: Path, settings: Settings, database_url: str) -> None:
    """The worker of these queues on this machine is asked through the broker, no other answers for it."""
    broker = ValkeyServer(tmp_path / "valkey")
    broker.start()
    workshop = Workshop(settings, database_url, broker)
    try:
        workshop.worker("threads", ["mail", "indexing"])
        workshop.beat("schedule")
        assert _asked(workshop, "worker", "--queues", "mail,indexing") == 0
        assert _asked(workshop, "worker", "--queues", "mail") == 1
        workshop.until(lambda: _asked(workshop, "beat", "--schedule", str(settings.data / "schedule")) == 0)
        broker.stop()
        assert _asked(workshop, "worker", "--queues", "mail,indexing") == 1
        broker.start()
    finally:
        workshop.stop()
        broker.stop()


def _asked(workshop: Workshop, *command: str) -> int:
    return workshop.start("healthcheck", *command).wait(60)
