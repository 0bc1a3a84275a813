"""What the service adds to the search engine: the main query over HTTP beside the adapter itself.

10,000 generated candidates of one country on the embedded engine. The main query has words, five
facets with several values selected, highlights and 20 hits. Both sides answer the same queries in
turn, one client, in one run: ``service`` is the JSON route over HTTP (session, visibility,
hydration, re-check, highlights, serialisation), ``adapter`` is ``TantivyIndex.search`` in this
process. The gate: service p95 at most adapter p95 + 10 ms.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from itertools import cycle, islice
from random import Random
from urllib.parse import urlencode
from uuid import UUID

from bench.corpus import write_candidates
from bench.figures import percentile, tell
from bench.installation import installation
from indexer.rebuild import rebuild
from marketplace import reference
from marketplace.accounts.admins import create_admin, grant_bearer
from marketplace.accounts.hooks import AccountHooks
from marketplace.accounts.models import Transport
from marketplace.accounts.password_changes import set_password
from marketplace.accounts.signing_in import Caller, sign_in
from marketplace.contacts.asking_recruiters import asking_recruiter
from marketplace.contacts.services import listing_of
from marketplace.demo.recruiter_accounts import register_demonstration_recruiter
from marketplace.ports import Ports
from marketplace.processes import web_command
from marketplace.rate_limits.quotas import NONE, Quota
from marketplace.search import url
from marketplace.search.query import Visibility
from marketplace.settings import QUOTA_PREFIX, Settings
from marketplace.terms.services import publish_builtin

GATE_MS = 10.0
PORT = 8765
PASSWORD = "benchmark orchard violin 2026"  # noqa: S105  (of an installation that lives for a minute)

Pairs = list[tuple[str, str]]


def main_queries(today_month: str) -> list[Pairs]:
    """Return the queries: two or three words, five facets with several values, 20 hits."""
    rng = Random(11)
    regions = [
        code for code, region in reference.regions().items() if region.country == "FR" and region.aliases
    ]
    words = ["développeur python", "data sql", "assistant", "commercial prospection", "réseaux linux",
             "communication", "comptable", "projet agile", "recrutement", "marketing"]  # fmt: skip
    queries = []
    for text in words * 4:
        year = int(today_month[:4])
        pairs: Pairs = [("q", text), ("size", "20")]
        pairs += [("region", code) for code in rng.sample(regions, 12)]
        pairs += [("job_field", code) for code in rng.sample(list(reference.job_fields()), 18)]
        pairs += [("start_month", f"{year + 1}-{month:02d}") for month in rng.sample(range(1, 13), 10)]
        pairs += [("language", code) for code in ("fr", "en", "es")]
        pairs += [("education_level", str(level)) for level in (3, 4, 5, 6)]
        queries.append(pairs)
    return queries


@contextmanager
def served(
    ports: Ports, workers: int = 1
) -> Iterator[tuple[subprocess.Popen[bytes], http.client.HTTPConnection]]:
    """Run the web server on its own, as ``make run`` does; yield it with a kept-alive connection."""
    environment = os.environ | {
        "DATABASE_URL": ports.settings.database_url, "REDIS_URL": "",
        "MARKETPLACE_DATA": str(ports.settings.data), "MARKETPLACE_BASE_URL": f"http://127.0.0.1:{PORT}",
        "MARKETPLACE_SECRET_KEY": ports.settings.secret_key,
        "MARKETPLACE_SEARCH": ports.settings.search, "OPENSEARCH_URL": ports.settings.opensearch_url,
        "MARKETPLACE_SEARCH_MILLISECONDS": str(ports.settings.search_milliseconds),
        **{f"{QUOTA_PREFIX}{quota}": NONE for quota in Quota},
    }  # fmt: skip
    log = (ports.settings.data / "web.log").open("wb")
    process = subprocess.Popen(
        web_command("127.0.0.1", PORT, workers), env=environment, stdout=log, stderr=subprocess.STDOUT
    )
    try:
        deadline = time.monotonic() + 60
        while True:
            connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=30)
            try:
                connection.request("GET", "/livez")
                connection.getresponse().read()
                break
            except OSError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.2)
        yield process, connection
    except BaseException:
        log.flush()
        with (ports.settings.data / "web.log").open("rb") as written:
            sys.stderr.buffer.writelines(written.readlines()[-20:])
        raise
    finally:
        process.terminate()
        process.wait(timeout=30)
        log.close()


def visibility_of(ports: Ports, account_id: UUID) -> Visibility:
    """Return whom a search of the recruiter may list now, for questions put to an index itself."""
    with ports.db.reading() as session:
        recruiter = asking_recruiter(session, account_id)
        listing = listing_of(session, ports.clock.now(), ports.settings, recruiter, recruiter.work_country)
    return listing.visibility


def measure(ports: Ports, account_id: UUID, token: str, requests: int) -> dict[str, object]:
    """Time both sides on the same queries, in turn, after a warm-up of each query on both."""
    now = ports.clock.now()
    visibility = visibility_of(ports, account_id)
    queries = main_queries(f"{now:%Y-%m}")
    asked = [
        (urlencode(pairs), url.read(pairs, default_job_country="FR").query(visibility)) for pairs in queries
    ]
    service: list[float] = []
    adapter: list[float] = []
    totals: list[int] = []
    with served(ports) as (_, connection):
        for number, (query_string, query) in enumerate(islice(cycle(asked), len(asked) + requests)):
            for side in ("service", "adapter") if number % 2 else ("adapter", "service"):
                started = time.perf_counter()
                if side == "adapter":
                    ports.index.search(query)
                else:
                    total = _ask(connection, query_string, token)
                taken = time.perf_counter() - started
                if number >= len(asked):
                    (adapter if side == "adapter" else service).append(taken)
            totals.append(total)
    figures: dict[str, object] = {
        "requests": requests,
        "median_hits": sorted(totals)[len(totals) // 2],
        **{f"{name}_{label}_ms": round(percentile(times, share), 2)
           for name, times in (("service", service), ("adapter", adapter))
           for label, share in (("p50", 0.5), ("p95", 0.95))},
    }  # fmt: skip
    added = percentile(service, 0.95) - percentile(adapter, 0.95)
    return figures | {"added_p95_ms": round(added, 2), "gate_ms": GATE_MS, "within_gate": added <= GATE_MS}


def _ask(connection: http.client.HTTPConnection, query_string: str, token: str) -> int:
    connection.request(
        "GET", f"/api/v1/candidates/search?{query_string}", headers={"Authorization": f"Bearer {token}"}
    )
    answer = connection.getresponse()
    body = answer.read()
    if answer.status != http.client.OK:
        raise SystemExit(f"the service answered {answer.status}: {body[:300]!r}")
    total: int = json.loads(body)["total"]
    return total


def recruiter_with_token(ports: Ports) -> tuple[UUID, str]:
    """Make the recruiter and return the account with a bearer token."""
    now = ports.clock.now()
    with ports.db.transaction() as session:
        publish_builtin(session, now)
        admin = create_admin(session, now, "admin@marketplace.example")
        email, account_id = register_demonstration_recruiter(
            session, now - timedelta(days=30), ports.settings, admin, "FR"
        )
        set_password(session, ports.settings, account_id, PASSWORD)
        grant_bearer(session, now, admin, account_id)
    caller = Caller(client="bench", address="127.0.0.0", network="127.0.0.1")
    hooks = AccountHooks()
    signed_in = sign_in(ports, caller, hooks, email=email, password=PASSWORD, transport=Transport.BEARER)
    return account_id, signed_in.token


def run(candidates: int, requests: int) -> None:
    """Set everything up in a folder of its own, measure, print a table and write the JSON."""
    with installation(Settings.from_environment()) as ports:
        write_candidates(ports.db, ports.clock.now(), candidates, "FR")
        started = time.perf_counter()
        indexed = rebuild(ports, "FR")
        rate = indexed / (time.perf_counter() - started)
        account_id, token = recruiter_with_token(ports)
        figures: dict[str, object] = {"candidates": indexed, "rebuild_documents_per_second": round(rate)}
        figures |= measure(ports, account_id, token, requests)
    tell("search", "Search through the service, beside the adapter", figures)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--candidates", type=int, default=10_000)
    parser.add_argument("--requests", type=int, default=300)
    arguments = parser.parse_args()
    run(arguments.candidates, arguments.requests)


if __name__ == "__main__":
    main()
