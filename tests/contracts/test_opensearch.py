"""OpenSearch keeps the promises of the search port, and some of its own. Needs a real node."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from marketplace.errors import ConflictError, SearchUnavailableError
from marketplace.search import opensearch_generations as generations
from marketplace.search import opensearch_queries as queries
from marketplace.search.opensearch import OpenSearchIndex
from marketplace.search.port import DocumentRefusedError, Versions
from tests.contracts.search_index import FUTURE, PAST, SearchIndexContract, ask, corpus, document, found, put
from tests.opensearch import an_index, node_url


class TestOpenSearch(SearchIndexContract):
    """One suite, this engine."""

    @pytest.fixture
    def index(self) -> Iterator[OpenSearchIndex]:
        with an_index() as index:
            yield index

    def words_stored(self, index: OpenSearchIndex, text: str, field: str) -> set[str]:
        from marketplace.search import analysis

        body = {"field": field, "text": getattr(analysis.indexed(text), field[-2:])}
        told = index.engine.do("POST", f"/{base_of(index)}/_analyze", body)
        return {token["token"] for token in told["tokens"]}

    def stands(self, index: OpenSearchIndex, field: str, run: tuple[str, ...]) -> bool:
        phrase = {"match_phrase": {field: {"query": " ".join(run), "analyzer": "whitespace"}}}
        told = index.engine.do("POST", f"/{base_of(index)}/_search", {"query": phrase})
        return queries.total_of(told) > 0


@pytest.fixture(scope="module")
def full() -> Iterator[OpenSearchIndex]:
    with an_index() as index:
        everyone = corpus(7, 240)
        index.put(everyone[:100])
        index.put(everyone[100:])
        index.refresh()
        yield index


@pytest.fixture
def index() -> Iterator[OpenSearchIndex]:
    with an_index(lease_seconds=2.0) as index:
        yield index


def base_of(index: OpenSearchIndex) -> str:
    return index._countries["FR"].base


def stored_of(index: OpenSearchIndex) -> dict[str, set[str]]:
    """Return the indexes of France with their aliases, without the prefix of the test."""
    base = base_of(index)
    layout = index._countries["FR"].layout()
    return {
        name.removeprefix(base): {alias.removeprefix(base) for alias in stored.aliases}
        for name, stored in layout.indexes.items()
    }


def test_an_index_of_another_analysis_answers_until_it_is_rebuilt(
    index: OpenSearchIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Issue 5: new words of the code do not take the search away; health asks for a rebuild."""
    put(index, "voile")
    monkeypatch.setattr(generations, "analysis_fingerprint", lambda: "another")
    assert found(index, "voile") == {1}
    assert index.health().needs_rebuild == ("FR",)
    index.put([document(2, cv_text="voile")])
    index.refresh()
    assert found(index, "voile") == {1, 2}


def test_an_index_of_other_fields_is_no_empty_answer(
    index: OpenSearchIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Issue 5: an index that cannot answer this code's questions is a 503, and nothing is written to it."""
    put(index, "voile")
    monkeypatch.setattr(generations, "fields_fingerprint", lambda: "another")
    index._believed.clear()
    with pytest.raises(SearchUnavailableError):
        ask(index, "voile")
    with pytest.raises(SearchUnavailableError):
        index.put([document(2)])
    assert index.health().needs_rebuild == ("FR",)
    monkeypatch.undo()
    index.rebuild("FR", [document(3, cv_text="voile")])
    assert found(index, "voile") == {3}
    assert index.health().needs_rebuild == ()


def test_another_process_sees_what_was_refreshed(index: OpenSearchIndex) -> None:
    """C2: what one process wrote and refreshed, every other finds at once."""
    with an_index(prefix=index._prefix) as other:
        put(index, "voile")
        assert found(other, "voile") == {1}
        index.remove("FR", {1: 1})
        index.refresh()
        assert found(other, "voile") == set()


def test_the_index_before_is_kept(index: OpenSearchIndex) -> None:
    """Issue 5: after a rebuild the index before stays to go back to; older ones go."""
    put(index, "voile")
    assert stored_of(index) == {"-000001": {""}}
    index.rebuild("FR", [document(1)])
    assert stored_of(index) == {"-000001": {"-previous"}, "-000002": {""}}
    index.rebuild("FR", [document(1)])
    assert stored_of(index) == {"-000002": {"-previous"}, "-000003": {""}}
    told = index.engine.look(f"/{base_of(index)}/_settings", {"flat_settings": "true"})
    assert {one["settings"]["index.refresh_interval"] for one in told.values()} == {"1s"}


def test_a_second_rebuild_is_refused(index: OpenSearchIndex) -> None:
    """Issue 5: two rebuilds of one country never collide, however long the first takes."""

    def documents():
        yield document(1)
        time.sleep(3)  # longer than a lease that is not renewed
        with an_index(prefix=index._prefix) as other:
            assert other.health().countries["FR"].is_rebuilding
            with pytest.raises(ConflictError):
                other.rebuild("FR", [])
            assert not other.health().countries["GB"].is_rebuilding
        yield document(2)

    assert index.rebuild("FR", documents()) == 2


def test_a_document_the_engine_cannot_store_is_named(index: OpenSearchIndex) -> None:
    """Issue 5: who is refused is told by key with the reason, so that one document holds up no other."""
    with pytest.raises(DocumentRefusedError) as refused:
        index.put([document(1), document(2, start_month="x" * 40_000), document(3)])
    assert set(refused.value.reasons) == {2}
    assert [key for key, _ in index.versions("FR")] == []  # not refreshed yet
    index.refresh()
    assert [key for key, _ in index.versions("FR")] == [1, 3]


def _rebuild_for_ever(node: str, prefix: str, acknowledged: str) -> None:
    from marketplace.search.opensearch_calls import Engine

    def documents():
        key = 0
        while True:
            key += 1
            yield document(key, cv_text="montagne " * 50_000)
            partial = Path(acknowledged + ".part")
            partial.write_text(str(key))
            partial.replace(acknowledged)

    OpenSearchIndex(Engine([node]), prefix=prefix, lease_seconds=2.0).rebuild("FR", documents())


def test_a_killed_rebuild_leaves_no_trace(index: OpenSearchIndex, tmp_path: Path) -> None:
    """F-04: after kill -9 the live index answers and is written to; what was left is looked at first."""
    put(index, "voile")
    done = tmp_path / "done"
    process = multiprocessing.get_context("spawn").Process(
        target=_rebuild_for_ever, args=(node_url(), index._prefix, str(done))
    )
    process.start()
    deadline = time.monotonic() + 120
    while not (done.exists() and int(done.read_text()) > 20) and time.monotonic() < deadline:
        time.sleep(0.05)
    process.kill()
    process.join()
    assert stored_of(index)["-000002"] == {"-building"}
    index.put([document(2, cv_text="voile")])
    index.remove("FR", {1: 1})
    index.refresh()
    assert found(index, "voile") == {2}
    while index.health().countries["FR"].is_rebuilding:
        assert time.monotonic() < deadline
        time.sleep(0.2)

    def only_the_third(versions: Versions) -> None:
        if [key for key, _ in versions] != [3]:
            raise ConflictError("rebuild_differs", "There is more in it.")

    with pytest.raises(ConflictError, match="There is more in it"):
        index.rebuild("FR", [document(3, cv_text="voile")], None, only_the_third)
    assert stored_of(index) == {"-000001": {""}}
    assert index.rebuild("FR", [document(3, cv_text="voile")], None, only_the_third) == 1
    assert stored_of(index) == {"-000001": {"-previous"}, "-000002": {""}}
    assert found(index, "voile") == {3}


def test_a_killed_rebuild_is_gone_on_with(index: OpenSearchIndex) -> None:
    """F-04: what is there already is not sent again, what a relay wrote since stays."""
    everybody = [document(key, cv_text="voile", version=2) for key in range(1, 6)]
    home = index._countries["FR"]
    index.put(everybody[:1])
    name, is_begun = home.begin()
    assert not is_begun
    index.put([*everybody[:2], replace(everybody[2], version=1), replace(everybody[3], version=3)])
    assert index.tidy("FR", PAST, PAST) == []
    seen: list[int] = []
    assert index.rebuild("FR", everybody, seen.append) == 5
    assert seen == [5]
    assert stored_of(index)[name.removeprefix(home.base)] == {""}
    assert list(index.versions("FR")) == [(1, 2), (2, 2), (3, 2), (4, 3), (5, 2)]
    written = index.engine.look(f"/{name}/_stats/indexing")["_all"]["primaries"]["indexing"]["index_total"]
    assert written == 4 + 2, "the third in its newer version, and the fifth"
    left, _ = home.begin()
    assert index.tidy("FR", PAST, PAST) == []
    assert index.tidy("FR", PAST, FUTURE) == [left]
