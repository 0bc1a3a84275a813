"""F-05, X-07: whatever OpenSearch answers, or does not, a search is whole or a 503 within a second."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest

from indexer import rebuild, relay
from marketplace.db import Database
from marketplace.errors import SearchUnavailableError
from marketplace.ports import Ports
from marketplace.search.opensearch import OpenSearchIndex
from marketplace.search.opensearch_calls import Breaker
from marketplace.search.opensearch_mapping import index_body
from tests.contracts.search_index import ask, document, found
from tests.faults import opensearch_proxy as faults
from tests.faults.opensearch_proxy import Fault, Server, proxy_of
from tests.faults.test_dependency_away import A_SECOND, accounts_of, assert_away, create_portal
from tests.opensearch import an_index, required_node

DEADLINE = 0.8


@pytest.fixture
def proxy() -> Iterator[Server]:
    """A proxy that passes everything on until it is told otherwise."""
    with proxy_of(required_node()) as server:
        yield server


@pytest.fixture
def index(proxy: Server) -> Iterator[OpenSearchIndex]:
    """An index behind the proxy with the deadline of production and one candidate."""
    with an_index(proxy.url, search_seconds=DEADLINE, breaker=Breaker(seconds=0.3), tries=3) as index:
        index.put([document(1, cv_text="voile")])
        index.refresh()
        eventually_found(index)
        yield index


def eventually_found(index: OpenSearchIndex) -> None:
    """Search until there is an answer: a busy machine may need more than one deadline."""
    end = time.monotonic() + 60
    while True:
        try:
            assert found(index, "voile") == {1}
        except SearchUnavailableError:
            assert time.monotonic() < end, "the engine answers no more"
            time.sleep(0.1)
        else:
            return


def quickest_refusal(index: OpenSearchIndex, tries: int = 3) -> float:
    """Return the shortest time of some refused searches, which pauses of the machine do not lengthen."""
    times = []
    for _ in range(tries):
        started = time.monotonic()
        with pytest.raises(SearchUnavailableError) as refused:
            ask(index, "voile")
        times.append(time.monotonic() - started)
        assert 1 <= refused.value.retry_after <= 30
    return min(times)


@pytest.mark.parametrize("fault", faults.EVERY, ids=lambda fault: fault.__name__)
def test_no_fault_gives_an_answer_that_is_not_whole(
    index: OpenSearchIndex, proxy: Server, fault: Fault
) -> None:
    """F-05: slow, cut, garbled, partial and refused answers are all the same 503, and soon."""
    proxy.fault = fault
    assert quickest_refusal(index) < A_SECOND
    proxy.fault = None
    eventually_found(index)


@pytest.mark.parametrize("fault", [faults.reset, faults.hang_up, faults.busy, faults.no_json])
def test_one_fault_is_tried_again(index: OpenSearchIndex, proxy: Server, fault: Fault) -> None:
    """F-05: a search asks once more after one quick fault, since asking changes nothing."""
    index.engine.search_seconds = 30
    proxy.faults = [fault]
    assert found(index, "voile") == {1}


def test_a_node_that_is_gone(index: OpenSearchIndex, proxy: Server) -> None:
    """F-05: refused connections are known at once; the same address answers again without a restart."""
    port = proxy.server_address[1]
    proxy.shutdown()
    proxy.server_close()
    proxy.fault = faults.hang_up  # for connections that are still open
    assert quickest_refusal(index) < A_SECOND
    with proxy_of(required_node(), port):
        eventually_found(index)


def test_the_breaker_spares_a_dead_engine(index: OpenSearchIndex, proxy: Server) -> None:
    """F-05: after five failures in a row the engine is not asked, but for one probe at a time."""
    index.engine.breaker = Breaker(failures=5, seconds=30)
    proxy.fault = faults.busy
    quickest_refusal(index, 5)
    asked = len(proxy.asked)
    assert quickest_refusal(index, 20) < A_SECOND / 10
    assert len(proxy.asked) == asked


def test_a_red_index(index: OpenSearchIndex) -> None:
    """F-05: an index whose shards are nowhere is a 503, never an empty list; others still answer."""
    nowhere = {"index": {"routing": {"allocation": {"require": {"_name": "nowhere"}}}}}
    base = index._countries["GB"].base
    body = index_body(shards=1, replicas=0) | {"aliases": {base: {}}}
    body["settings"] |= {"index": body["settings"]["index"] | nowhere["index"]}
    index.engine.do("PUT", f"/{base}-000001", body, {"wait_for_active_shards": "0"})
    british = replace(visible(), country="GB", job_country="GB")
    with pytest.raises(SearchUnavailableError):
        ask(index, "voile", visibility=british)
    with pytest.raises(SearchUnavailableError):
        index.health()
    eventually_found(index)


def visible():
    from tests.contracts.search_index import EVERYONE

    return EVERYONE


# Writes


@pytest.mark.parametrize("fault", [faults.reset, faults.hang_up, faults.busy, faults.no_json, faults.broken])
def test_writes_are_repeated(index: OpenSearchIndex, proxy: Server, fault: Fault) -> None:
    """F-05: a bulk request whose fate is unknown is sent again; versions make that harmless."""
    proxy.only, proxy.faults = "_bulk", [fault]
    index.put([document(1, version=2, cv_text="montagne"), document(2, cv_text="voile")])
    proxy.faults = [fault]
    index.remove("FR", {1: 3})
    index.refresh()
    index.engine.search_seconds = 30
    assert found(index, "voile") == {2}
    assert list(index.versions("FR")) == [(2, 1)]


def test_only_busy_items_are_repeated(index: OpenSearchIndex, proxy: Server) -> None:
    """F-05: of a bulk request that was taken in part the rest is sent again, and nothing else."""

    def half(handler: faults.Handler, status: int, _: bytes) -> None:
        rejected = b'{"index":{"status":429,"error":{"type":"rejected_execution_exception"}}}'
        faults.answer(handler, status, b'{"errors":true,"items":[{"index":{"status":200}},%s]}' % rejected)

    proxy.only, proxy.faults = "_bulk", [half]
    index.put([document(2), document(3)])
    assert sum(asked == "POST /_bulk" for asked in proxy.asked) == 3


def test_a_write_that_never_succeeds_says_so(index: OpenSearchIndex, proxy: Server) -> None:
    """F-05: the outbox must know that a batch was not stored; what was stored before stays."""
    proxy.only, proxy.fault = "_bulk", faults.busy
    with pytest.raises(SearchUnavailableError):
        index.put([document(2)])
    proxy.fault = None
    assert list(index.versions("FR")) == [(1, 1)]


def test_a_full_disk(index: OpenSearchIndex) -> None:
    """Issue 5: a write block makes the outbox wait; searches go on, and so do writes once it is lifted."""
    base = index._countries["FR"].base
    index.engine.do("PUT", f"/{base}/_settings", {"index.blocks.read_only_allow_delete": True})
    with pytest.raises(SearchUnavailableError):
        index.put([document(2)])
    eventually_found(index)
    index.engine.do("PUT", f"/{base}/_settings", {"index.blocks.read_only_allow_delete": None})
    index.put([document(2)])


# The whole service


@pytest.mark.parametrize("fault", [faults.slow, faults.hang_up, faults.partial], ids=lambda f: f.__name__)
def test_what_does_not_search_goes_on(
    index: OpenSearchIndex, proxy: Server, ports: Ports, db: Database, fault: Fault
) -> None:
    """F-05: with the engine at fault search alone is a 503; a withdrawal works, and is caught up."""
    ports = replace(ports, index=index)
    recruiter_account, candidate_account, candidate_id, _ = accounts_of(db)
    assert rebuild.rebuild(ports, "FR") == 1
    with create_portal(ports) as site:
        site.sign_in_as(recruiter_account)
        proxy.fault = fault
        for path in ("/api/v1/candidates/search", "/recruiter/search"):
            times = []
            for _ in range(3):
                started = time.monotonic()
                assert_away(site.get(f"{path}?q=python"), "search_unavailable", seconds=30)
                times.append(time.monotonic() - started)
            assert min(times) < A_SECOND
        assert site.get("/readyz").json()["checks"]["search"]["status"] == "away"
        assert site.get(f"/api/v1/candidates/{candidate_id}").status_code == 200
        site.sign_in_as(candidate_account)
        assert site.change("DELETE", "/me/opt-in").status_code == 204
        proxy.fault = None
        site.sign_in_as(recruiter_account)
        assert answered(site)["total"] == 0  # pending: excluded in the query itself
        assert index.count("FR") == 1
        assert relay.drain(ports).removed == 1
        assert index.count("FR") == 0
        assert answered(site)["total"] == 0


def answered(site):
    """Search until the breaker lets one through."""
    end = time.monotonic() + 60
    while (answer := site.get("/api/v1/candidates/search")).status_code == 503:
        assert time.monotonic() < end
        time.sleep(0.2)
    return answer.json()


# The breaker alone


class Watch:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_the_breaker_opens_after_failures_in_a_row() -> None:
    """F-05: four failures leave it closed, the fifth opens it; an answer between starts the count anew."""
    breaker = Breaker(failures=5, seconds=10, clock=Watch())
    for _ in range(4):
        breaker.failed()
    breaker.enter()
    breaker.succeeded()
    for _ in range(4):
        breaker.failed()
    breaker.enter()
    breaker.failed()
    with pytest.raises(SearchUnavailableError) as refused:
        breaker.enter()
    assert refused.value.retry_after == 10


def test_the_breaker_lets_one_probe_through() -> None:
    """F-05: after its time one may ask; success closes it, failure keeps it open for as long again."""
    watch = Watch()
    breaker = Breaker(failures=1, seconds=10, clock=watch)
    breaker.failed()
    watch.now += 9.9
    with pytest.raises(SearchUnavailableError):
        breaker.enter()
    watch.now += 0.1
    breaker.enter()
    with pytest.raises(SearchUnavailableError):
        breaker.enter()
    breaker.failed()
    watch.now += 9.9
    with pytest.raises(SearchUnavailableError):
        breaker.enter()
    watch.now += 0.1
    breaker.enter()
    breaker.succeeded()
    breaker.enter()
    breaker.enter()


def test_a_port_that_says_nothing() -> None:
    """F-05: an address that takes the connection and never answers costs the deadline, once each."""
    required_node()
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with an_index(url, search_seconds=DEADLINE) as index:
            assert quickest_refusal(index) < A_SECOND
