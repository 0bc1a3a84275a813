"""Command lines of the long-running processes, the same for development and production."""

from __future__ import annotations

import sys
from pathlib import Path


def web_command(host: str, port: int, workers: int = 1) -> list[str]:
    """Return the command of the web process (granian; its workers end by themselves with it)."""
    return [
        sys.executable, "-m", "granian", "--interface", "asgi", "--factory",
        "--host", host, "--port", str(port),
        "--workers", str(workers), "--workers-kill-timeout", "10", "--respawn-failed-workers",
        "--no-access-log", "--log-level", "warning", "marketplace.app:create_app_from_environment",
    ]  # fmt: skip


def worker_command(threads: int, schedule: Path | None = None) -> list[str]:
    """Return the command of a task worker; with ``schedule`` it also is the one beat."""
    beat = ["-B", "-s", str(schedule)] if schedule else []
    return [
        sys.executable, "-m", "celery", "-A", "marketplace.worker", "worker", "-P", "threads",
        "-c", str(threads),
        "--without-gossip", "--without-mingle", "--loglevel", "WARNING", *beat,
    ]  # fmt: skip


def beat_command(schedule: Path) -> list[str]:
    """Return the command of a separate beat; run exactly one."""
    return [
        sys.executable, "-m", "celery", "-A", "marketplace.worker", "beat", "-s", str(schedule), "--loglevel",
        "WARNING",
    ]  # fmt: skip
