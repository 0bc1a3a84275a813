"""Thin Celery tasks over the relay and the extraction queue."""

from __future__ import annotations

import structlog

from indexer import drift, extraction_queue, rebuild, relay
from marketplace.reference import TERRITORY
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


@task("indexer.sweep")
def sweep() -> None:
    """Compare what changed lately with the index, repair it, and remove what killed rebuilds left."""
    ports = worker_ports()
    for country, names in rebuild.tidy(ports).items():
        log.info("index.tidied", country=country, removed=names)
    repaired = sum(report.repaired for report in drift.check_recent(ports).values())
    if repaired:
        log.info("index.swept", repaired=repaired)


@task("indexer.check")
def check() -> None:
    """Compare the whole index with the database, and repair it; every night."""
    for country in TERRITORY:
        report = drift.check(worker_ports(), country, repair=True)
        log.info("index.checked", country=country, documents=report.checked, repaired=report.repaired)
