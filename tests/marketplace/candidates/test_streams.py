"""All candidates of a country, streamed."""

from __future__ import annotations

from marketplace.candidates import index_rows, streams
from tests.builders import a_candidate


def test_documents_come_in_slices(session) -> None:
    """A rebuild reads every searchable candidate of one country, once, slice by slice, by ascending key."""
    people = [a_candidate(session) for _ in range(5)]
    a_candidate(session, "hidden")
    a_candidate(session, country="GB", region=None)
    ranges = streams.slices(session, "FR", size=2)
    assert ranges[0][0] == 0
    rows = [list(streams.iter_document_rows(session, "FR", after, last)) for after, last in ranges]
    assert [len(part) for part in rows] == [2, 2, 1]
    assert [row.facts.key for part in rows for row in part] == sorted(person.key for person in people)
    assert index_rows.document_rows_by_id(session, [people[0].id]) == [rows[0][0]]
    facts = [(one.facts.key, one.version) for one in streams.iter_facts(session, "FR")]
    assert facts == [(row.facts.key, row.version) for part in rows for row in part]
