"""Command lines of the long-running processes, the same for development and production."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from marketplace.settings import Settings

SERVER_LOGS = Path(__file__).parent / "web" / "granian_logs.json"
"""So that what the web server says by itself is one JSON object a line too."""


def web_command(host: str, port: int, workers: int = 1) -> list[str]:
    """Return the command of the web process (granian; its workers end by themselves with it)."""
    return [
        sys.executable, "-m", "granian", "--interface", "asgi", "--factory",
        "--host", host, "--port", str(port),
        "--workers", str(workers), "--workers-kill-timeout", "10", "--respawn-failed-workers",
        "--no-access-log", "--log-level", "warning", "--log-config", str(SERVER_LOGS),
        "marketplace.app:create_app_from_environment",
    ]  # fmt: skip


def worker_command(settings: Settings, queues: Sequence[str] = (), schedule: Path | None = None) -> list[str]:
    """Return the command of a task worker for ``queues`` (all); with ``schedule`` it also is the one beat."""
    chosen = ["-Q", ",".join(queues)] if queues else []
    beat = ["-B", "-s", str(schedule)] if schedule else []
    return [
        sys.executable, "-m", "celery", "--quiet", "-A", "marketplace.worker", "worker",
        "-P", settings.worker_pool, "-c", str(settings.worker_concurrency), "-n", f"{worker_name(queues)}@%h",
        *chosen,
        "--without-gossip", "--without-mingle", "--loglevel", "WARNING", *beat,
    ]  # fmt: skip


def worker_name(queues: Sequence[str]) -> str:
    """Return the first part of the name under which a worker of ``queues`` answers."""
    return "-".join(queues) or "all"


def beat_schedule(settings: Settings) -> Path:
    """Return where beat keeps the times of its last runs, unless it is told another place."""
    return settings.data / "beat-schedule"


def beat_command(schedule: Path) -> list[str]:
    """Return the command of a separate beat; run exactly one."""
    return [
        sys.executable, "-m", "celery", "--quiet", "-A", "marketplace.worker", "beat", "-s", str(schedule),
        "--loglevel", "WARNING",
    ]  # fmt: skip
