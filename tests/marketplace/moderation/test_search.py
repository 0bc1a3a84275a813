"""A suspended candidate is in no search from the commit on, and is found again afterwards."""

from __future__ import annotations

from uuid import UUID

import pytest

from indexer.rebuild import rebuild
from indexer.relay import drain
from marketplace.contacts import disclosures
from marketplace.contacts.gate import gate
from marketplace.errors import NotFoundError
from marketplace.moderation.tasks import reinstate_due
from marketplace.search.portal import searcher_of
from marketplace.search.services import SearchResults, find_candidates
from tests.marketplace.moderation.conftest import DAY, Court


def found(court: Court, **query: str) -> SearchResults:
    return find_candidates(searcher_of(court.ports), court.now, court.recruiter, list(query.items()))


def ids(results: SearchResults) -> list[UUID]:
    return [hit.card.candidate_id for hit in results.hits]


def test_out_of_every_search_at_the_commit(court: Court) -> None:
    """E5, INV-2, INV-5: with the index frozen: no hit, no count, no facet, no profile; then back again."""
    rebuild(court.ports, "FR")
    assert ids(found(court, q="python")) == [court.candidate_id]
    sanction_id = court.suspend("candidate")
    results = found(court, q="python")
    assert (ids(results), results.total.value) == ([], 0)
    assert all(bucket.count.value == 0 for facet in results.facets for bucket in facet.buckets)
    with pytest.raises(NotFoundError), gate(court.ports.db, court.now) as session:
        disclosures.open_profile(
            session, court.now, court.ports.settings, court.recruiter, court.candidate_id, None
        )
    drain(court.ports)
    assert found(court).total.value == 0
    court.lift(sanction_id)
    drain(court.ports)
    assert ids(found(court, q="python")) == [court.candidate_id]


def test_suspended_and_back_before_the_index_learnt_of_it(court: Court) -> None:
    """E5, G: two changes in one drain: the document is there again when the queue is empty."""
    rebuild(court.ports, "FR")
    court.lift(court.suspend("candidate"))
    drain(court.ports)
    assert ids(found(court, q="python")) == [court.candidate_id]


def test_a_suspended_candidate_is_not_in_a_rebuilt_index(court: Court) -> None:
    """E5, INV-4: a new index has no document of somebody suspended; reinstated by the clock, it has."""
    court.suspend("candidate", court.now + DAY)
    rebuild(court.ports, "FR")
    assert found(court).total.value == 0
    court.ports.clock.advance(DAY)  # type: ignore[attr-defined]
    assert found(court).total.value == 0, "until the beat has run"
    assert reinstate_due(court.ports) == 1
    drain(court.ports)
    assert ids(found(court)) == [court.candidate_id]
