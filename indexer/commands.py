"""The ``index`` commands of the command line.

Found through the entry-point group ``marketplace.commands``: ``marketplace`` never imports ``indexer``.
With ``--json`` each prints one JSON object a line, and nothing else.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

import click

from marketplace.reference import TERRITORY

_country = click.option("--country", type=click.Choice(TERRITORY), help="One country instead of all.")
_json = click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")

_TOLD_EVERY = 2.0
"""Seconds between two lines about a rebuild that is under way."""


@click.group()
def index() -> None:
    """Look after the search index."""


@index.command()
@_country
@_json
def rebuild(country: str | None, as_json: bool) -> None:
    """Build the index anew from the database and swap it in; the old one answers meanwhile.

    A rebuild that was stopped starts clean; what it left is removed.
    """
    from indexer import rebuild as rebuilding
    from marketplace.cli import opened_ports

    with opened_ports("index rebuild") as ports:
        for code in _countries(country):
            expected, started = rebuilding.expected_documents(ports, code), time.monotonic()
            with _progress(code, expected, as_json=as_json) as advance:
                documents = rebuilding.rebuild(ports, code, advance)
            seconds = time.monotonic() - started
            rate = round(documents / max(seconds, 0.001))
            told = {"country": code, "documents": documents, "seconds": round(seconds, 1)}
            _tell(
                as_json,
                {**told, "documents_per_second": rate},
                f"{code}: {documents} documents in {seconds:.1f} s, {rate} a second",
            )


@index.command()
@click.option("--country", type=click.Choice(TERRITORY), required=True)
@_json
def rollback(country: str, as_json: bool) -> None:
    """Let the index before the last rebuild answer again, brought up to date first.

    It is kept for 24 hours. The one that answers now is kept in its place.
    """
    from indexer import rebuild as rebuilding
    from marketplace.cli import opened_ports

    with opened_ports("index rollback") as ports:
        rebuilding.rollback(ports, country)
        documents = ports.index.count(country)
    _tell(
        as_json,
        {"country": country, "documents": documents},
        f"{country}: the index before answers again, {documents} documents",
    )


@index.command()
@_country
@click.option("--repair", is_flag=True, help="Make the index equal to the database.")
@_json
def check(country: str | None, repair: bool, as_json: bool) -> None:
    """Compare index and database; exit code 1 when they differ and were not repaired."""
    from indexer import drift
    from marketplace.cli import opened_ports

    is_clean = True
    with opened_ports("index check") as ports:
        for code in _countries(country):
            report = drift.check(ports, code, repair=repair)
            is_clean = is_clean and report.is_clean
            kinds = ", ".join(
                f"{getattr(report, kind)} {kind}" for kind in ("missing", "orphan", "stale", "ahead")
            )
            _tell(
                as_json,
                {"country": code, **asdict(report), "is_clean": report.is_clean},
                f"{code}: {report.checked} candidates; {kinds}; {report.repaired} repaired"
                + (f", {report.refused} refused by the engine" if report.refused else "")
                + ("; ahead of the database: run `marketplace index rebuild`" if report.ahead else ""),
            )
    if not is_clean:
        raise SystemExit(1)


@index.command()
@_json
def drain(as_json: bool) -> None:
    """Index what has changed and waits in the outbox."""
    from indexer import relay
    from marketplace.cli import opened_ports

    with opened_ports("index drain") as ports:
        report = relay.drain(ports)
    refused = f", {report.refused} refused by the engine" if report.refused else ""
    _tell(
        as_json,
        asdict(report),
        f"{report.done} messages: {report.indexed} indexed, {report.removed} removed{refused}",
    )


@index.command()
@_json
def status(as_json: bool) -> None:
    """Say what each index holds, what waits and for how long, and what was given up."""
    from marketplace import outbox
    from marketplace.candidates.index_rows import CHANGED
    from marketplace.cli import opened_ports
    from marketplace.search.drift import counted

    with opened_ports("index status") as ports:
        with ports.db.reading() as session:
            of_index = [one for one in outbox.backlog(session) if one.topic == CHANGED]
            drifted = counted(session)
        waiting = of_index[0] if of_index else outbox.Backlog(CHANGED, 0, None, 0)
        lag = round(waiting.lag_seconds(ports.clock.now()), 1)
        told = {"waiting": waiting.waiting, "lag_seconds": lag, "dead": waiting.dead}
        _tell(
            as_json, told, f"{waiting.waiting} changes wait, the oldest for {lag} s; {waiting.dead} given up"
        )
        for code, state in ports.index.health().countries.items():
            found = drifted.get(code, {})
            words = [
                f"{state.documents} documents",
                *(["needs a rebuild"] if state.needs_rebuild else []),
                *(["a rebuild is running"] if state.is_rebuilding else []),
                *(f"{n} {kind} ever found" for kind, n in found.items() if n),
            ]
            _tell(as_json, {"country": code, **asdict(state), "drift": found}, f"{code}: {', '.join(words)}")


@index.command()
@click.option("--retry", is_flag=True, help="Have all of them tried again.")
@click.option("--limit", default=100, show_default=True, type=click.IntRange(1, 10_000))
@_json
def dead(retry: bool, limit: int, as_json: bool) -> None:
    """List the changes the index was not able to take, with the reasons."""
    from marketplace import outbox
    from marketplace.candidates.index_rows import CHANGED
    from marketplace.cli import opened_ports

    with opened_ports("index dead") as ports:
        with ports.db.reading() as session:
            given_up = outbox.dead(session, CHANGED, limit)
        for message in given_up:
            since = message.created_at.isoformat()
            told = {"message": message.id, "candidate": message.subject, "reason": message.last_error}
            _tell(
                as_json,
                {**told, "attempts": message.attempts, "created_at": since},
                f"{message.id}: candidate {message.subject}, {message.last_error}, since {since}",
            )
        if retry:
            with ports.db.transaction() as session:
                revived = outbox.revive(session, ports.clock.now(), CHANGED)
            _tell(as_json, {"revived": revived}, f"{revived} will be tried again")


def _countries(country: str | None) -> Sequence[str]:
    return [country] if country else TERRITORY


def _tell(as_json: bool, told: dict[str, Any], sentence: str) -> None:
    click.echo(json.dumps(told) if as_json else sentence)


@contextmanager
def _progress(title: str, total: int, *, as_json: bool) -> Iterator[Callable[[int], None]]:
    """Show how far a rebuild is, how fast, and how long it will take: a bar, or a JSON object a line."""
    if as_json:
        yield _progress_lines(title, total)
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        ProgressColumn,
        Task,
        TextColumn,
        TimeRemainingColumn,
    )
    from rich.text import Text

    class Rate(ProgressColumn):
        """Documents a second."""

        def render(self, task: Task) -> Text:
            return Text("" if task.speed is None else f"{task.speed:,.0f} a second")

    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), Rate(), TimeRemainingColumn(),
    )  # fmt: skip
    with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as bar:
        task = bar.add_task(title, total=total)
        yield lambda done: bar.update(task, completed=done)


def _progress_lines(title: str, total: int) -> Callable[[int], None]:
    started = told = time.monotonic()

    def tell(done: int) -> None:
        nonlocal told
        now = time.monotonic()
        if now - told < _TOLD_EVERY:
            return
        told = now
        rate = done / (now - started)
        left = max(0, total - done) / rate if rate else None
        line = {"country": title, "done": done, "total": total, "documents_per_second": round(rate)}
        click.echo(json.dumps({**line, "seconds_left": None if left is None else round(left)}))

    return tell
