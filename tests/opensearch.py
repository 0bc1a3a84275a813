"""A real OpenSearch node for the tests: the one ``OPENSEARCH_URL`` names, or one on the usual port.

``make opensearch`` starts one. Each index of a test has a prefix of its own and is deleted after it.
"""

from __future__ import annotations

import os
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from secrets import token_hex
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from marketplace.search.opensearch import OpenSearchIndex

USUAL = "http://127.0.0.1:9200"
REASON = "no OpenSearch node answers: `make opensearch`, or set OPENSEARCH_URL"


@cache
def node_url() -> str | None:
    """Return the address of a node that answers, or None; one that is named may take its time."""
    named = os.environ.get("OPENSEARCH_URL")
    url = named or USUAL
    try:
        with urllib.request.urlopen(url, timeout=20 if named else 2) as answer:
            return url if b"opensearch" in answer.read() else None
    except (OSError, ValueError):
        return None


def required_node() -> str:
    """Return the address of the node, or skip the test."""
    url = node_url()
    if url is None:
        pytest.skip(REASON)
    return url


@contextmanager
def an_index(url: str | None = None, **how: Any) -> Iterator[OpenSearchIndex]:
    """Give an empty index of its own; ``url`` may name a proxy before the node, ``prefix`` another's index.

    Searches may take long: a busy machine and a JVM that has just started prove nothing of the answers.
    """
    from marketplace.search.opensearch import OpenSearchIndex  # late: most tests need no cluster
    from marketplace.search.opensearch_calls import Engine

    node = required_node()
    of_another = how.pop("prefix", None)
    prefix = of_another or f"t{token_hex(6)}-candidates"
    how.setdefault("search_seconds", 20.0)
    of_engine = {name: how.pop(name) for name in ("search_seconds", "breaker", "tries") if name in how}
    index = OpenSearchIndex(Engine([url or node], **of_engine), prefix=prefix, **how)
    try:
        yield index
    finally:
        index.close()
        if of_another is None:
            remove_all(node, prefix)


def remove_all(node: str, prefix: str) -> None:
    """Delete every index of a prefix; the node wants each by its name."""
    from marketplace.search.opensearch_calls import Engine

    engine = Engine([node])
    try:
        for name in engine.look(f"/{prefix}-*", {"filter_path": "*.aliases,*.settings.index.uuid"}):
            engine.do("DELETE", f"/{name}")
    finally:
        engine.close()
