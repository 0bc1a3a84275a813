"""The ``index`` commands of the command line.

Found through the entry-point group ``marketplace.commands``: ``marketplace`` never imports ``indexer``.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click

from marketplace.reference import TERRITORY


@click.group()
def index() -> None:
    """Look after the search index."""


@index.command()
@click.option("--country", type=click.Choice(TERRITORY), help="One country instead of all.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
def rebuild(country: str | None, as_json: bool) -> None:
    """Build the index anew from the database and swap it in; the old one answers meanwhile."""
    from indexer import rebuild as rebuilding
    from marketplace.cli import opened_ports

    with opened_ports("index rebuild") as ports:
        for code in [country] if country else TERRITORY:
            expected = rebuilding.expected_documents(ports, code)
            with _progress(code, expected, hidden=as_json) as advance:
                documents = rebuilding.rebuild(ports, code, advance)
            if as_json:
                click.echo(json.dumps({"country": code, "documents": documents}))
            else:
                click.echo(f"{code}: {documents} documents")


@index.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
def drain(as_json: bool) -> None:
    """Index what has changed and waits in the outbox."""
    from indexer import relay
    from marketplace.cli import opened_ports

    with opened_ports("index drain") as ports:
        report = relay.drain(ports)
    if as_json:
        click.echo(json.dumps({"done": report.done, "indexed": report.indexed, "removed": report.removed}))
    else:
        click.echo(f"{report.done} messages: {report.indexed} indexed, {report.removed} removed")


@contextmanager
def _progress(title: str, total: int, *, hidden: bool) -> Iterator[Callable[[int], None]]:
    """A progress bar on the terminal; nothing where a program reads."""
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    with Progress(console=console, disable=hidden or not console.is_terminal, transient=True) as bar:
        task = bar.add_task(title, total=total)
        yield lambda done: bar.update(task, completed=done)
