"""OpenSearch keeps the promises of the search port, and some of its own. Needs a real node."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from marketplace.search.opensearch import OpenSearchIndex
from tests.contracts.search_index import SearchIndexContract, corpus
from tests.opensearch import an_index


class TestOpenSearch(SearchIndexContract):
    """One suite, this engine."""

    @pytest.fixture
    def index(self) -> Iterator[OpenSearchIndex]:
        with an_index() as index:
            yield index


@pytest.fixture(scope="module")
def full() -> Iterator[OpenSearchIndex]:
    with an_index() as index:
        everyone = corpus(7, 240)
        index.put(everyone[:100])
        index.put(everyone[100:])
        index.refresh()
        yield index
