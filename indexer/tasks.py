"""Thin Celery tasks over the relay and the extraction queue."""

from __future__ import annotations

import structlog

from indexer import extraction_queue, rebuild, relay
from marketplace.worker import task, worker_ports

log = structlog.get_logger()


@task("indexer.drain")
def drain() -> None:
    """Bring the index up to date with what has been committed."""
    report = relay.drain(worker_ports())
    if report.done:
        log.info("index.drained", indexed=report.indexed, removed=report.removed)


@task("indexer.extract_cvs")
def extract_cvs() -> None:
    """Read the CVs that wait."""
    done = extraction_queue.extract_waiting(worker_ports())
    if done:
        log.info("cvs.extracted", cvs=done)


@task("indexer.rebuild_outdated")
def rebuild_outdated() -> None:
    """Rebuild the indexes that do not fit this code; sent when a worker starts."""
    for country, documents in rebuild.rebuild_outdated(worker_ports()).items():
        log.info("index.rebuilt", country=country, documents=documents)
