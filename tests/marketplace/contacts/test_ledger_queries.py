"""What the ledger says to those who read it (rules C6)."""

from __future__ import annotations

from marketplace.contacts import ledger_queries
from marketplace.contacts.policy import Act
from tests.builders import a_candidate
from tests.marketplace.contacts.conftest import Scene


def test_seen_or_contacted_is_told_apart(scene: Scene) -> None:
    """C6: what a recruiter already did with whom, by the ledger."""
    scene.open_profile()
    scene.contact()
    with scene.db.transaction() as session:
        other = a_candidate(session).id
        done = ledger_queries.seen_or_contacted(session, scene.recruiter_id, [scene.candidate_id, other])
    assert done == {scene.candidate_id: frozenset({Act.PROFILE, Act.CONTACT})}
