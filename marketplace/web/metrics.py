"""``/metrics`` in the text format of Prometheus: what waits, since when, what was given up, what drifted.

Not public: without ``MARKETPLACE_METRICS_TOKEN`` the route does not exist; with it, the caller sends it as
a bearer token. Numbers only, of nobody in particular.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Iterator, Mapping
from http import HTTPStatus
from typing import Any

from litestar import Request, Response
from litestar import get as litestar_get
from litestar.di import NamedDependency

from marketplace import outbox
from marketplace.errors import NotFoundError, NotSignedInError, SearchUnavailableError
from marketplace.ports import Ports
from marketplace.reference import TERRITORY
from marketplace.search import drift

TEXT = "text/plain; version=0.0.4; charset=utf-8"

Sample = tuple[Mapping[str, str], float]


@litestar_get("/metrics", opt={"public": True}, include_in_schema=False, sync_to_thread=True)
def metrics(request: Request[Any, Any, Any], ports: NamedDependency[Ports]) -> Response[str]:
    """Return the figures, to who has the token."""
    token = ports.settings.metrics_token
    if not token:
        raise NotFoundError("metrics")
    given = request.headers.get("authorization", "").removeprefix("Bearer ")
    if not hmac.compare_digest(given.encode(), token.encode()):
        raise NotSignedInError
    return Response("\n".join(_lines(ports)) + "\n", status_code=HTTPStatus.OK, media_type=TEXT)


def _lines(ports: Ports) -> Iterator[str]:
    with ports.db.reading() as session:
        topics, drifted = outbox.backlog(session), drift.counted(session)
    now = ports.clock.now()
    yield from _metric(
        "outbox_waiting", "gauge", "Messages that wait.", (({"topic": t.topic}, t.waiting) for t in topics)
    )
    yield from _metric(
        "outbox_lag_seconds",
        "gauge",
        "For how long the oldest message has been due.",
        (({"topic": t.topic}, t.lag_seconds(now)) for t in topics),
    )
    yield from _metric(
        "outbox_dead", "gauge", "Messages that were given up.", (({"topic": t.topic}, t.dead) for t in topics)
    )
    yield from _metric(
        "index_drift_total",
        "counter",
        "Documents that were not what the database says.",
        (
            ({"country": country, "kind": kind}, drifted.get(country, {}).get(kind, 0))
            for country in TERRITORY
            for kind in drift.KINDS
        ),
    )
    yield from _index(ports)


def _index(ports: Ports) -> Iterator[str]:
    """What each index holds; an engine that is away is told as such, and the rest all the same."""
    try:
        countries = ports.index.health().countries
    except SearchUnavailableError:
        yield from _metric("index_up", "gauge", "Whether the search engine answers.", [({}, 0)])
        return
    yield from _metric("index_up", "gauge", "Whether the search engine answers.", [({}, 1)])
    yield from _metric(
        "index_documents",
        "gauge",
        "Documents in the index.",
        (({"country": code}, state.documents) for code, state in countries.items()),
    )
    yield from _metric(
        "index_needs_rebuild",
        "gauge",
        "Whether the index was made by another version of the code.",
        (({"country": code}, float(state.needs_rebuild)) for code, state in countries.items()),
    )


def _metric(name: str, kind: str, what: str, samples: Iterable[Sample]) -> Iterator[str]:
    yield f"# HELP marketplace_{name} {what}"
    yield f"# TYPE marketplace_{name} {kind}"
    for labels, value in samples:
        told = ",".join(f'{label}="{text}"' for label, text in labels.items())
        yield f"marketplace_{name}{{{told}}} {value:g}" if told else f"marketplace_{name} {value:g}"
