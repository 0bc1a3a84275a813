"""``/metrics``: Prometheus figures, for who has the token alone (interface: not public by default)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from litestar.testing import TestClient

from marketplace import outbox
from marketplace.app import create_app
from marketplace.candidates.index_rows import CHANGED
from marketplace.errors import SearchUnavailableError
from marketplace.ports import Ports
from marketplace.search import drift

TOKEN = "t" * 32
WITH_TOKEN = {"authorization": f"Bearer {TOKEN}"}


def asked(ports: Ports, headers: dict[str, str]) -> tuple[int, str]:
    with TestClient(create_app(ports.settings, ports=ports), base_url=ports.settings.base_url) as client:
        answer = client.get("/metrics", headers=headers)
        return answer.status_code, answer.text


@pytest.fixture
def watched(ports: Ports) -> Ports:
    return replace(ports, settings=replace(ports.settings, metrics_token=TOKEN))


def test_it_is_not_there_without_a_token(ports: Ports) -> None:
    """Interface: not public by default, whatever is sent."""
    assert asked(ports, {})[0] == asked(ports, {"authorization": "Bearer "})[0] == 404


@pytest.mark.parametrize(
    "headers", [{}, {"authorization": f"Bearer {TOKEN[:-1]}"}, {"authorization": "Bearer "}]
)
def test_only_the_token_opens_it(watched: Ports, headers: dict[str, str]) -> None:
    """Interface: who has no token reads nothing."""
    status, text = asked(watched, headers)
    assert status == 401
    assert "marketplace_" not in text


def test_depth_lag_dead_letters_and_drift(watched: Ports, clock: Any) -> None:
    """Issue 5: what waits, for how long, what was given up and what drifted, as numbers."""
    with watched.db.transaction() as session:
        for subject in ("a", "b", "c"):
            outbox.publish(session, clock.now(), CHANGED, subject)
        outbox.publish(session, clock.now(), CHANGED, "later", available_at=clock.now() + timedelta(hours=1))
        outbox.claim(session, clock.now(), [CHANGED], 1)[0].attempts = outbox.MAX_ATTEMPTS
        for _ in range(2):
            drift.count(session, clock.now(), "GB", {"missing": 2, "orphan": 0, "stale": 1, "ahead": 0})
    clock.advance(timedelta(seconds=90))
    status, text = asked(watched, WITH_TOKEN)
    assert status == 200
    lines = text.splitlines()
    for line in (
        'marketplace_outbox_waiting{topic="candidate.changed"} 3',
        'marketplace_outbox_lag_seconds{topic="candidate.changed"} 90',
        'marketplace_outbox_dead{topic="candidate.changed"} 1',
        'marketplace_index_drift_total{country="GB",kind="missing"} 4',
        'marketplace_index_drift_total{country="GB",kind="stale"} 2',
        'marketplace_index_drift_total{country="FR",kind="missing"} 0',
        'marketplace_index_documents{country="FR"} 0',
        "marketplace_index_up 1",
    ):
        assert line in lines


def test_an_engine_that_is_away_is_told(watched: Ports) -> None:
    """F-05: the other figures are needed most when the engine is away."""

    class AwayIndex:
        def health(self) -> Any:
            raise SearchUnavailableError

        def close(self) -> None:
            """Hold nothing."""

    status, text = asked(replace(watched, index=AwayIndex()), WITH_TOKEN)  # type: ignore[arg-type]
    assert status == 200
    assert "marketplace_index_up 0" in text.splitlines()
