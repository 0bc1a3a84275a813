"""The ``index`` commands: what they print, with which exit code, for people and for programs."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from click.testing import CliRunner, Result

from indexer import relay
from indexer.rebuild import LOCK
from marketplace import outbox
from marketplace.candidates.index_rows import CHANGED
from marketplace.cli import main
from marketplace.clock import FixedClock
from marketplace.ports import Ports
from marketplace.reference import TERRITORY
from tests.indexer.conftest import a_listed_candidate, set_columns

TODAY = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


@pytest.fixture
def call(ports: Ports, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Run a command on the test's own database and index, at the test's own time."""
    monkeypatch.setenv("DATABASE_URL", ports.settings.database_url)
    monkeypatch.setenv("MARKETPLACE_DATA", str(ports.settings.data))
    monkeypatch.setenv("MARKETPLACE_SECRET_KEY", "k" * 48)
    monkeypatch.delenv("MARKETPLACE_SEARCH", raising=False)
    monkeypatch.setattr("marketplace.app.SystemClock", lambda: FixedClock(TODAY))

    def run(*words: str) -> Result:
        return CliRunner().invoke(main, ["index", *words])

    return run


def lines(result: Result) -> list[dict[str, Any]]:
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_check_exits_1_until_it_is_repaired(ports: Ports, call: Any) -> None:
    """F-03: drift that was found and not repaired is exit code 1; ``--repair`` mends it."""
    _, key = a_listed_candidate(ports)
    relay.drain(ports)
    assert call("check").exit_code == 0
    ports.index.remove("FR", {key: 1})
    found = call("check", "--country", "FR", "--json")
    assert found.exit_code == 1
    [told] = lines(found)
    assert (told["country"], told["checked"], told["missing"], told["is_clean"]) == ("FR", 1, 1, False)
    repaired = call("check", "--repair")
    assert repaired.exit_code == 0
    assert "FR: 1 candidates; 1 missing, 0 orphan, 0 stale, 0 ahead; 1 repaired" in repaired.stdout
    assert [told["country"] for told in lines(call("check", "--json"))] == list(TERRITORY)
    assert call("check").exit_code == 0


def test_a_document_ahead_of_its_row_names_the_way_out(ports: Ports, call: Any) -> None:
    """F-04: repair cannot help after the database was restored, and says what does."""
    candidate_id, _ = a_listed_candidate(ports, version=9)
    relay.drain(ports)
    set_columns(ports, candidate_id, version=2)
    result = call("check", "--repair", "--country", "FR")
    assert result.exit_code == 1
    assert "run `marketplace index rebuild`" in result.stdout
    assert call("rebuild", "--country", "FR").exit_code == 0
    assert call("check", "--country", "FR").exit_code == 0


def test_rebuild_and_rollback(ports: Ports, call: Any) -> None:
    """F-04: a rebuild tells documents, time and rate; without one there is nothing to go back to."""
    a_listed_candidate(ports)
    relay.drain(ports)
    refused = call("rollback", "--country", "GB")
    assert refused.exit_code == 1
    assert "Error: There is no index to go back to that fits this code." in refused.stderr
    told = lines(call("rebuild", "--country", "FR", "--json"))[-1]
    assert (told["country"], told["documents"]) == ("FR", 1)
    assert told["documents_per_second"] > 0
    assert lines(call("rollback", "--country", "FR", "--json")) == [{"country": "FR", "documents": 1}]


def test_a_second_rebuild_is_refused_with_a_sentence(ports: Ports, call: Any) -> None:
    """F-04: exit code 1 and one line that says what to do."""
    from sqlalchemy import func, select

    with ports.db.transaction() as session:
        session.execute(select(func.pg_advisory_xact_lock(LOCK, TERRITORY.index("FR"))))
        refused = call("rebuild", "--country", "FR")
    assert refused.exit_code == 1
    assert refused.stderr.splitlines() == [
        "Error: A rebuild of the index of FR is running already; wait until it is done."
    ]


def test_status_and_dead(ports: Ports, call: Any, clock: FixedClock) -> None:
    """Issue 5: lag, depth and what was given up, with its reason; ``--retry`` has it tried again."""
    candidate_id, _ = a_listed_candidate(ports)
    a_listed_candidate(ports)
    with ports.db.transaction() as session:
        message = outbox.claim(session, clock.now(), [CHANGED], 1)[0]
        message.attempts, message.last_error = outbox.MAX_ATTEMPTS, "DocumentRefusedError: too_long"
    told = lines(call("status", "--json"))
    assert told[0] == {"waiting": 1, "lag_seconds": 0.0, "dead": 1}
    assert [one["country"] for one in told[1:]] == list(TERRITORY)
    [dead] = lines(call("dead", "--json"))
    assert (dead["candidate"], dead["reason"]) == (str(candidate_id), "DocumentRefusedError: too_long")
    assert "1 will be tried again" in call("dead", "--retry").stdout
    assert call("dead").stdout == ""
    assert lines(call("drain", "--json")) == [{"done": 2, "indexed": 2, "removed": 0, "refused": 0}]
    assert "0 changes wait" in call("status").stdout
