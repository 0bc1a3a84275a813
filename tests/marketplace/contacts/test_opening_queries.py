"""A recruiter's openings as a list."""

from __future__ import annotations

from datetime import timedelta

from marketplace.contacts import opening_queries
from marketplace.recruiters.models import Recruiter
from tests.builders import an_opening
from tests.marketplace.contacts.conftest import Scene


def test_openings_are_paged_newest_first(scene: Scene) -> None:
    """Interface: a list goes on exactly where the last page ended."""
    with scene.db.transaction() as session:
        recruiter = session.get_one(Recruiter, scene.recruiter_id)
        for minutes in range(5):
            an_opening(session, recruiter, created_at=scene.now + timedelta(minutes=minutes // 2))
        seen, after = [], None
        for _ in range(3):
            page = opening_queries.openings(session, scene.recruiter_id, after=after, size=2)
            seen += [opening.id for opening in page.rows]
            after = page.after
        everything = opening_queries.openings(session, scene.recruiter_id, size=50)
    assert after is None
    assert len(set(seen)) == 6
    assert seen == [opening.id for opening in everything.rows]
