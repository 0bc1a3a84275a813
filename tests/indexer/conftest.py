"""The indexer is proved on both engines: the embedded one always, OpenSearch where a node answers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import update

from marketplace import outbox
from marketplace.candidates import index_rows
from marketplace.candidates.models import Candidate
from marketplace.ports import Ports
from tests.builders import a_candidate
from tests.opensearch import an_index


@pytest.fixture(params=["tantivy", "opensearch"])
def either(request: pytest.FixtureRequest, ports: Ports) -> Iterator[Ports]:
    """The ports, once with each engine."""
    if request.param == "tantivy":
        yield ports
        return
    with an_index(lease_seconds=2.0) as index:
        yield replace(ports, index=index)


def changed(ports: Ports, candidate_id: UUID, **details: Any) -> None:
    """Write the message that a change of a candidate writes."""
    with ports.db.transaction() as session:
        outbox.publish(
            session,
            ports.clock.now(),
            index_rows.CHANGED,
            candidate_id,
            details=details,
            lowers_visibility=True,
        )


def a_listed_candidate(ports: Ports, **columns: Any) -> tuple[UUID, int]:
    """Make a searchable candidate the index has yet to learn; return id and key."""
    with ports.db.transaction() as session:
        candidate = a_candidate(session, **columns)
        made = candidate.id, candidate.key
    changed(ports, made[0])
    return made


def set_columns(ports: Ports, candidate_id: UUID, **columns: Any) -> None:
    """Change a row behind everybody's back."""
    with ports.db.transaction() as session:
        session.execute(update(Candidate).where(Candidate.id == candidate_id).values(**columns))


def wanted(ports: Ports, country: str) -> list[tuple[int, int]]:
    """Return f(database, today) of INV-4: key and version of every document there should be."""
    from indexer.drift import wanted_by_database

    with wanted_by_database(ports, country) as everybody:
        return [(one.key, one.version) for one in everybody if one.is_due]
