"""An installation for the minutes of one benchmark: servers, data and index of its own.

On OpenSearch it needs a node that holds no marketplace, and leaves it so.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

from opensearchpy import NotFoundError, OpenSearch

from marketplace import migrations
from marketplace.app import build_ports
from marketplace.demo.local_services import local_services
from marketplace.ports import Ports
from marketplace.settings import Settings

INDEXES = "candidates-*"


def either_engine() -> Settings:
    """Return the settings of the environment: on OpenSearch where it names a node, else embedded."""
    settings = Settings.from_environment()
    return replace(settings, search="opensearch" if settings.opensearch_url else "tantivy")


def on_node(url: str) -> Settings:
    """Return the settings of a service on this node, whatever else the environment says."""
    return Settings.from_environment({"MARKETPLACE_SEARCH": "opensearch", "OPENSEARCH_URL": url})


@contextmanager
def installation(settings: Settings) -> Iterator[Ports]:
    """Yield ports over PostgreSQL and Valkey in a new folder, migrated; both are gone afterwards.

    Servers that ``settings`` name are left alone. Ends where their OpenSearch node is in use.
    """
    with ExitStack() as made:
        if settings.search == "opensearch":
            _refuse_what_is_in_use(settings.opensearch_url)
            made.callback(_clear, settings.opensearch_url)
        folder = made.enter_context(tempfile.TemporaryDirectory(prefix="marketplace-bench-"))
        alone = replace(settings, data=Path(folder), database_url="", redis_url="", secret_key="b" * 48)
        live, _ = made.enter_context(local_services(alone, "bench"))
        migrations.upgrade(live.database_url)
        ports = build_ports(live)
        made.callback(ports.close)
        yield ports


def _refuse_what_is_in_use(url: str) -> None:
    """End where the node holds indexes of the product: the benchmark would write to them."""
    with OpenSearch(url) as client:
        try:
            there = client.indices.get(index=INDEXES)
        except NotFoundError:
            return
        if there:
            sys.exit(f"{url} holds indexes of a marketplace ({', '.join(sorted(there))}); use an empty node")


def _clear(url: str) -> None:
    """Delete the indexes the benchmark made."""
    with OpenSearch(url) as client:
        for name in client.indices.get(index=INDEXES):
            client.indices.delete(index=name)
