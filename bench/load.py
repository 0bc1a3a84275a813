"""Searches and changes at once: how soon a change is found, and whether a rebuild is ever noticed.

``python -m bench.load`` with ``OPENSEARCH_URL`` on an empty node, or without for the embedded engine: web
process and worker as ``make run`` starts them. Changes are rows with their message, committed by this
process; those that are measured go through the service. Two parts:

*Freshness*: 50 profile changes and 20 searches a second. Of some changes it is measured how long from the
commit until a search finds the new word; of withdrawals that the next search is without the person, and
how long until the index is. The aims: p95 at most 2 s, 0 at the commit, p95 at most 2 s.

*Rebuilds* (security.md F-04): 200 changes and 50 searches a second, or what the machine gives of that,
during three rebuilds, one of them killed. The aims: no error, no empty answer, nobody in an answer who
withdrew before it was asked for, no index left over, and no drift afterwards.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.client import HTTPConnection
from random import Random
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from rich.console import Console
from rich.table import Table
from sqlalchemy import update

from bench.corpus import id_of, write_many
from bench.figures import keep, percentile
from bench.freshness import made_up_word
from bench.installation import either_engine, installation
from bench.rebuild import Command
from bench.search import PORT, main_queries, recruiter_with_token, served, visibility_of
from indexer import drift
from indexer.rebuild import rebuild
from marketplace import outbox
from marketplace.candidates import index_rows, policy_facts
from marketplace.candidates.models import Candidate
from marketplace.candidates.profiles import ProfileInput, Right, update_profile
from marketplace.candidates.services import withdraw
from marketplace.contacts.services import candidate_withdrew
from marketplace.demo.people import persona
from marketplace.errors import SearchUnavailableError
from marketplace.ports import Ports
from marketplace.processes import worker_command
from marketplace.search import words
from marketplace.search.query import SearchQuery, Sort

COUNTRY = "FR"
GATE_MS = 2000.0
GIVE_UP_SECONDS = 60.0
POLL_SECONDS = 0.02
SEARCHERS, WRITERS = 8, 4
LEASE_SECONDS = 31

Figures = dict[str, Any]


class Paced:
    """Does one thing at a steady rate in some threads, until it is stopped."""

    def __init__(self, rate: float, threads: int, act: Callable[[int], None]) -> None:
        self._rate, self._act = rate, act
        self._turns = itertools.count()
        self._stop = threading.Event()
        self.times: list[float] = []
        self.faults: list[BaseException] = []
        self._started = time.perf_counter()
        self._threads = [threading.Thread(target=self._run, daemon=True) for _ in range(threads)]
        for thread in self._threads:
            thread.start()

    def _run(self) -> None:
        while not self._stop.is_set():
            number = next(self._turns)
            wait = self._started + number / self._rate - time.perf_counter()
            if wait > 0 and self._stop.wait(wait):
                return
            began = time.perf_counter()
            try:
                self._act(number)
            except BaseException as error:  # noqa: BLE001  (told when the bench ends)
                self.faults.append(error)
                return
            self.times.append(time.perf_counter() - began)

    def end(self) -> None:
        """Stop every thread."""
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def rate(self) -> float:
        """Stop and return how many a second were done; raise what a thread raised."""
        ended = time.perf_counter()
        self.end()
        if self.faults:
            raise self.faults[0]
        return len(self.times) / (ended - self._started)


@dataclass
class Market:
    """The people of the bench, and who of them is gone."""

    ports: Ports
    count: int
    token: str
    recruiter: UUID
    gone: dict[str, float] = field(default_factory=dict)
    """Candidate ids that withdrew, with the moment after the commit."""
    found_gone: int = 0
    empty: int = 0
    errors: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _connections: threading.local = field(default_factory=threading.local)

    def save(self, number: int, headline: str) -> None:
        """Save the profile of somebody with this headline, as the page does."""
        who, now = persona(number, self.ports.clock.today(), seed=7, country=COUNTRY), self.ports.clock.now()
        profile = ProfileInput(
            country=who.country, region=who.region, job_fields=who.job_fields,
            start_on=None if who.start_is_month else who.start_day,
            start_month=f"{who.start_day:%Y-%m}" if who.start_is_month else None,
            flex_weeks=who.start_flex_weeks, headline=headline, skills=who.skills, languages=who.languages,
            education_level=who.education_level, right_to_work=(Right(who.country, "yes"),),
        )  # fmt: skip
        with self.ports.db.transaction() as session:
            update_profile(session, now, self.ports.settings, id_of("account", number), profile)

    def touch(self, number: int, headline: str) -> None:
        """Write a new headline and the message that tells of it, and nothing else: most of the load.

        The checks of a form, its audit and its answer are the web's work, and cost ten times as much.
        """
        candidate_id, now = id_of("candidate", number), self.ports.clock.now()
        with self.ports.db.transaction() as session:
            session.execute(
                update(Candidate)
                .where(Candidate.id == candidate_id)
                .values(headline=headline, headline_scrubbed=headline, version=Candidate.version + 1)
            )
            outbox.publish(session, now, index_rows.CHANGED, candidate_id)

    def withdraw(self, number: int) -> None:
        """Withdraw somebody's opt-in."""
        with self.ports.db.transaction() as session:
            withdraw(
                session, self.ports.clock.now(), self.ports.settings, id_of("account", number), "web",
                candidate_withdrew,
            )  # fmt: skip
        self.gone[str(id_of("candidate", number))] = time.perf_counter()

    def search(self, pairs: list[tuple[str, str]]) -> dict[str, Any]:
        """Ask the service and hold the answer against who is gone."""
        connection = getattr(self._connections, "one", None)
        if connection is None:
            connection = self._connections.one = HTTPConnection("127.0.0.1", PORT, timeout=60)
        asked = time.perf_counter()
        connection.request(
            "GET", f"/api/v1/candidates/search?{urlencode(pairs)}",
            headers={"Authorization": f"Bearer {self.token}"},
        )  # fmt: skip
        answer = connection.getresponse()
        body: dict[str, Any] = json.loads(answer.read())
        if answer.status != 200:  # noqa: PLR2004  (OK)
            with self._lock:
                self.errors += 1
            return {"total": 0, "hits": []}
        stale = sum(self.gone.get(hit["id"], asked) < asked for hit in body["hits"])
        if stale:
            with self._lock:
                self.found_gone += stale
        return body

    def search_the_crowd(self, pairs: list[tuple[str, str]]) -> None:
        """Ask what many people match; nobody is an empty answer that must not be."""
        errors = self.errors
        if self.search(pairs)["total"] == 0 and self.errors == errors:
            with self._lock:
                self.empty += 1

    def is_found(self, word: str) -> bool:
        """Ask the index itself for a word, in quotation marks: letters one away are no answer here."""
        query = SearchQuery(
            visibility=visibility_of(self.ports, self.recruiter),
            words=words.parse(f'"{word}"'),
            sort=Sort.FRESH,
            with_facets=False,
        )
        try:
            return self.ports.index.search(query).total > 0
        except SearchUnavailableError:  # too busy to say
            return False

    def is_out(self, key: int) -> bool:
        """Ask the index itself whether it holds nothing of somebody."""
        return not self.ports.index.stored(COUNTRY, [key])


def until(done: Callable[[], bool], what: str) -> float:
    """Return the seconds until ``done``; end where that takes too long."""
    started = time.perf_counter()
    while not done():
        if time.perf_counter() - started > GIVE_UP_SECONDS:
            sys.exit(f"{what}: not within {GIVE_UP_SECONDS:.0f} s")
        time.sleep(POLL_SECONDS)
    return time.perf_counter() - started


@contextmanager
def under_way(market: Market, updates: float, searches: float) -> Iterator[Callable[[], Figures]]:
    """Change and search at these rates meanwhile; the value stops both and tells what was reached.

    The first tenth of the people is left to who measures.
    """
    asked = main_queries(f"{market.ports.clock.today():%Y-%m}")
    crowd = [[pair for pair in pairs if pair[0] in {"size", "language"}] for pairs in asked[:1]]
    rng, lock = Random(3), threading.Lock()

    def change(number: int) -> None:
        with lock:
            somebody = rng.randrange(market.count // 10, market.count)
        market.touch(somebody, f"Python, agile {number % 97}")

    def search(number: int) -> None:
        if number % 4:
            market.search(asked[number % len(asked)])
        else:
            market.search_the_crowd(crowd[0])

    changing, searching = Paced(updates, WRITERS, change), Paced(searches, SEARCHERS, search)

    def told() -> Figures:
        return {
            "changes_per_second": round(changing.rate(), 1),
            "searches_per_second": round(searching.rate(), 1),
            "search_p50_ms": round(percentile(searching.times, 0.5), 1),
            "search_p95_ms": round(percentile(searching.times, 0.95), 1),
        }

    try:
        yield told
    finally:
        changing.end()
        searching.end()


def freshness(market: Market, seconds: float, updates: float, searches: float) -> Figures:
    """Measure from commit to found, and from withdrawal to gone, under load."""
    rng, people = Random(time.time_ns()), iter(range(market.count // 10))
    found, out, seen_after = [], [], 0
    with under_way(market, updates, searches) as told:
        ends = time.perf_counter() + seconds
        while time.perf_counter() < ends:
            number, word = next(people), made_up_word(rng)
            market.save(number, f"Python {word}")
            found.append(until(partial(market.is_found, word), "a change is found"))
            if number % 2:
                continue
            market.withdraw(number)
            seen_after += market.search([("q", f'"{word}"')])["total"] > 0
            out.append(until(partial(market.is_out, _key_of(market, number)), "a withdrawal"))
        figures = told()
    return figures | {
        "changes_measured": len(found),
        "change_to_searchable_p50_ms": round(percentile(found, 0.5)),
        "change_to_searchable_p95_ms": round(percentile(found, 0.95)),
        "withdrawals_measured": len(out),
        "withdrawn_and_found_at_once": seen_after,
        "withdrawal_to_out_of_the_index_p50_ms": round(percentile(out, 0.5)),
        "withdrawal_to_out_of_the_index_p95_ms": round(percentile(out, 0.95)),
        "within_gates": max(percentile(found, 0.95), percentile(out, 0.95)) <= GATE_MS and not seen_after,
    }


def _key_of(market: Market, number: int) -> int:
    with market.ports.db.reading() as session:
        candidate_id = id_of("candidate", number)
        return policy_facts.visibility_facts(session, [candidate_id])[candidate_id].key


def rebuilds(market: Market, updates: float, searches: float) -> Figures:
    """Rebuild three times under load, the second killed half way."""
    command = Command(market.ports.settings)
    with under_way(market, updates, searches) as told:
        seconds: list[float] = []
        for is_killed in (False, True, False):
            market.withdraw(next(number for number in range(market.count) if _is_there(market, number)))
            started = time.perf_counter()
            if is_killed:
                _kill_half_way(command, seconds[0])
            else:
                command()
                seconds.append(time.perf_counter() - started)
        figures = told()
    until(lambda: _is_drained(market), "the relay is done")
    left = market.ports.index.health().countries[COUNTRY].is_rebuilding
    drifted = drift.check(market.ports, COUNTRY, repair=False)
    return figures | {
        "rebuilds": 3,
        "rebuilds_killed": 1,
        "rebuild_seconds": [round(one) for one in seconds],
        "rebuild_peak_mb": round(command.peak_megabytes),
        "still_rebuilding": left,
        "documents_checked": drifted.checked,
        "drift": drifted.missing + drifted.orphan + drifted.stale + drifted.ahead,
    }


def _is_there(market: Market, number: int) -> bool:
    return str(id_of("candidate", number)) not in market.gone


def _kill_half_way(command: Command, seconds: float) -> None:
    process = command.start()
    time.sleep(seconds / 2)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    time.sleep(LEASE_SECONDS)  # so long a cluster keeps others out for one that was killed
    if process.returncode != -signal.SIGKILL:
        sys.exit("the rebuild that was to be killed had ended before")


def _is_drained(market: Market) -> bool:
    with market.ports.db.reading() as session:
        return outbox.oldest_pending(session, index_rows.CHANGED) is None


@contextmanager
def a_worker(ports: Ports) -> Iterator[None]:
    """Run the task worker with its beat, as ``make run`` does."""
    settings = ports.settings
    environment = os.environ | {
        "DATABASE_URL": settings.database_url, "REDIS_URL": settings.redis_url,
        "MARKETPLACE_DATA": str(settings.data), "MARKETPLACE_SECRET_KEY": settings.secret_key,
        "MARKETPLACE_SEARCH": settings.search, "OPENSEARCH_URL": settings.opensearch_url,
    }  # fmt: skip
    with (settings.data / "worker.log").open("wb") as log:
        process = subprocess.Popen(
            worker_command(settings, schedule=settings.data / "beat"),
            env=environment, stdout=log, stderr=subprocess.STDOUT,
        )  # fmt: skip
        try:
            yield
        finally:
            process.terminate()
            process.wait(timeout=60)


def run(candidates: int, seconds: float) -> None:
    """Set everything up in a folder of its own, measure, print a table and write the JSON."""
    with installation(either_engine()) as ports:
        write_many(ports.db, ports.clock.now(), range(candidates), COUNTRY)
        rebuild(ports, COUNTRY)
        recruiter, token = recruiter_with_token(ports)
        market = Market(ports, candidates, token, recruiter)
        figures: Figures = {"candidates": candidates, "engine": ports.settings.search}
        with a_worker(ports), served(ports):
            figures["freshness"] = freshness(market, seconds, updates=50, searches=20)
            Console().print_json(data=figures)
            figures["rebuilds"] = rebuilds(market, updates=200, searches=50)
        figures["all"] = {
            "errors": market.errors, "empty_answers": market.empty,
            "found_after_withdrawal": market.found_gone,
        }  # fmt: skip
    keep("load", figures)
    table = Table("part", "figure", "value", title="Searches and changes at once")
    for part in ("freshness", "rebuilds", "all"):
        for name, value in figures[part].items():
            table.add_row(part, name, str(value))
    Console().print(table)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.load", description=__doc__)
    parser.add_argument("--candidates", type=int, default=20_000)
    parser.add_argument("--seconds", type=float, default=60.0, help="of the first part")
    arguments = parser.parse_args()
    run(arguments.candidates, arguments.seconds)


if __name__ == "__main__":
    main()
