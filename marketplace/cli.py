"""The ``marketplace`` command: a thin edge over the same services as the web (interface.md).

Exit code 0: done; 1: refused or failed, with a one-line reason; 2: wrong usage. Each command imports
what it needs when it runs, so that ``--help`` is quick. Commands of other packages come through the
entry-point group ``marketplace.commands``.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, datetime
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from marketplace.errors import MarketplaceError
from marketplace.healthcheck import healthcheck, queues_option
from marketplace.settings import Settings, SettingsError

if TYPE_CHECKING:
    from marketplace.ports import Ports

PLUGINS = "marketplace.commands"


class Commands(click.Group):
    """A group that turns the product's refusals into exit code 1 and finds commands of others."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted({*super().list_commands(ctx), *(entry.name for entry in entry_points(group=PLUGINS))})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        own = super().get_command(ctx, cmd_name)
        if own is not None:
            return own
        for entry in entry_points(group=PLUGINS, name=cmd_name):
            command = entry.load()
            return command if isinstance(command, click.Command) else None
        return None

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except MarketplaceError as error:
            raise click.ClickException(str(error)) from error


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Recruiter Talent Marketplace."""


main.add_command(healthcheck)


@main.command()
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8000, show_default=True, type=click.IntRange(1, 65535))
@click.option("--workers", type=click.IntRange(1, 64), help="Processes; default MARKETPLACE_WEB_WORKERS.")
def serve(host: str, port: int, workers: int | None) -> None:
    """Answer HTTP (needs DATABASE_URL and REDIS_URL)."""
    from marketplace.processes import web_command

    settings = Settings.from_environment()  # what cannot work is told here, in one line
    become(web_command(host, port, workers or settings.web_workers))


@main.command()
@click.option(
    "--beat",
    "schedule",
    type=click.Path(path_type=Path),
    help="Also be the one beat, with this schedule file.",
)
@queues_option
def worker(schedule: Path | None, queues: tuple[str, ...]) -> None:
    """Carry out tasks."""
    from marketplace.processes import worker_command

    become(worker_command(Settings.from_environment(), queues, schedule))


@main.command()
@click.option(
    "--schedule", type=click.Path(path_type=Path), help="Where the times of the last runs are kept."
)
def beat(schedule: Path | None) -> None:
    """Send the tasks that are due; run exactly one."""
    from marketplace.processes import beat_command, beat_schedule

    become(beat_command(schedule or beat_schedule(Settings.from_environment())))


@main.command()
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8000, show_default=True, envvar="PORT", type=int)
@click.option("--reset", is_flag=True, help="Delete the local data first.")
@click.option("--candidates", default=300, show_default=True, type=click.IntRange(0, 100_000))
def run(host: str, port: int, *, reset: bool, candidates: int) -> None:
    """Start the whole service with sample data, without any server installed (`make run`)."""
    from rich.console import Console

    from marketplace.demo.supervisor import Supervisor, Wishes

    wishes = Wishes(host=host, port=port, reset=reset, candidates=candidates)
    Supervisor(development_settings(), wishes, Console(highlight=False)).run()


@main.command()
@click.option("--candidates", default=300, show_default=True, type=click.IntRange(0, 100_000))
@click.option(
    "--cv-dir",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Real PDFs, one candidate a file.",
)
@click.option("--country", type=click.Choice(["FR", "GB", "US"]), help="Everybody lives there.")
@click.option("--reset", is_flag=True, help="Delete the local data first.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
def demo(candidates: int, cv_dir: Path | None, country: str | None, *, reset: bool, as_json: bool) -> None:
    """Make sample data: candidates with CVs, and an account of each role."""
    from marketplace.app import build_ports
    from marketplace.demo.local_services import clear_local_data, local_services
    from marketplace.demo.sample_data import make_sample_data

    given = development_settings()
    if reset:
        clear_local_data(given)
    with local_services(given, "demo") as (settings, folder):
        if folder is not None:
            folder.note(sample="started")
            _bring_up_to_date(settings.database_url)
        # Many CVs at once: one fork server with the same limits instead of a new process each.
        ports = build_ports(replace(settings, cv_extraction="forkserver"))
        try:
            with progress(as_json=as_json) as show:
                make_sample_data(ports, count=candidates, cv_dir=cv_dir, country=country, progress=show)
        finally:
            ports.close()
        if folder is not None:
            folder.note(sample="done")


@main.group()
def db() -> None:
    """The database schema."""


@db.command("upgrade")
def db_upgrade() -> None:
    """Bring the schema up to date and publish the documents that come with the product."""
    with opened_settings("db upgrade") as settings:
        _bring_up_to_date(settings.database_url)
    click.echo("The schema is up to date.")


@db.command("check")
def db_check() -> None:
    """Compare the schema with the models; exit code 1 when they differ."""
    from marketplace import migrations

    with opened_settings("db check") as settings:
        differences = migrations.check(settings.database_url)
    for line in differences:
        click.echo(line)
    if differences:
        raise click.ClickException("the schema differs from the models")
    click.echo("The schema fits the models.")


@db.command("revise")
@click.argument("message")
def db_revise(message: str) -> None:
    """Write a migration for what the models changed (development); read it before committing it."""
    from marketplace import migrations

    with opened_settings("db revise") as settings:
        migrations.revise(settings.database_url, message)
    click.echo(f"Written to {Path(migrations.__file__).parent / 'versions'}.")


@main.group()
def admin() -> None:
    """Admin accounts."""


@admin.command("create")
@click.argument("email")
@click.option("--first-name", default="")
@click.option("--last-name", default="")
@click.option("--lang", default="en", type=click.Choice(["en", "fr"]), show_default=True)
@click.option("--json", "as_json", is_flag=True)
def admin_create(email: str, first_name: str, last_name: str, lang: str, *, as_json: bool) -> None:
    """Make an admin: a confirmation link, then a one-time password go to EMAIL.

    For an admin who is there already the password is renewed instead.
    """
    from marketplace.accounts.admins import create_admin

    with opened_ports("admin create") as ports, ports.db.transaction() as session:
        account_id = create_admin(
            session, ports.clock.now(), email, first_name=first_name, last_name=last_name, language=lang
        )
    facts = {"id": str(account_id), "email": email}
    click.echo(json.dumps(facts) if as_json else f"A mail to {email} says how to sign in.")


@main.group()
def terms() -> None:
    """The documents members accept."""


@terms.command("publish")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--document", required=True, type=click.Choice(
    ["terms_of_use", "privacy_policy", "special_terms", "ethical_code", "consent_search"]))  # fmt: skip
@click.option("--lang", required=True, type=click.Choice(["en", "fr"]))
@click.option(
    "--effective", required=True, type=click.DateTime(["%Y-%m-%d"]), help="The day it takes effect."
)
@click.option("--json", "as_json", is_flag=True)
def terms_publish(file: Path, document: str, lang: str, effective: datetime, *, as_json: bool) -> None:
    """Publish a version of a document (rules A2); members accept it when it takes effect."""
    from marketplace.terms.models import DocumentKind
    from marketplace.terms.services import publish

    day: date = effective.date()
    try:
        text = file.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise click.ClickException(f"{file} is not UTF-8 text") from error
    with opened_ports("terms publish") as ports, ports.db.transaction() as session:
        version = publish(session, ports.clock.now(), DocumentKind(document), lang, text, day)
    facts = {"document": document, "language": lang, "version": version, "effective_on": day.isoformat()}
    click.echo(
        json.dumps(facts) if as_json else f"Published {document} ({lang}) {version}, in force from {day}."
    )


@main.group()
def retention() -> None:
    """What is kept, until when (docs/privacy.md)."""


@retention.command("forecast")
@click.option("--days", default=90, show_default=True, type=click.IntRange(0, 3660))
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def retention_forecast(days: int, *, as_json: bool) -> None:
    """Show how much is due now, and will be within DAYS if nobody does anything about it."""
    from marketplace.retention import forecast
    from marketplace.retention_report import print_forecast

    with opened_ports("retention forecast") as ports:
        print_forecast(forecast(ports, days), days, as_json=as_json)


@retention.command("run")
@click.option("--dry-run", is_flag=True, help="Do everything and take it back.")
@click.option("--only", help="One rule, by its id.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
def retention_run(*, dry_run: bool, only: str | None, as_json: bool) -> None:
    """Carry out what is due; a real run leaves a certificate of each rule.

    Inactive recruiters get their notices first, unless another rule is named.
    """
    from marketplace.retention_report import run_and_print

    with opened_ports("retention run") as ports, progress(as_json=as_json) as show:
        run_and_print(ports, only, show, is_dry_run=dry_run, as_json=as_json)


@main.command()
def openapi() -> None:
    """Print the OpenAPI document of the API."""
    from marketplace.web.docs import openapi_json

    click.echo(json.dumps(json.loads(openapi_json()), indent=2, ensure_ascii=False))


def become(command: list[str]) -> None:
    """Replace this process by ``command``, so that signals reach it directly."""
    os.execv(command[0], command)  # noqa: S606  (a fixed program, no shell)


def development_settings() -> Settings:
    """Return the settings where sample accounts may be made: never in production (security.md O-03)."""
    settings = Settings.from_environment()
    if settings.is_production:
        raise SettingsError("sample data and its accounts are for development: MARKETPLACE_ENV is production")
    return settings


@contextmanager
def opened_settings(purpose: str) -> Iterator[Settings]:
    """Yield settings that name live servers: those given, those of a running `make run`, or own ones."""
    from marketplace.demo.local_services import local_services

    with local_services(Settings.from_environment(), purpose) as (settings, folder):
        if folder is not None:
            _bring_up_to_date(settings.database_url)
        yield settings


@contextmanager
def opened_ports(purpose: str) -> Iterator[Ports]:
    """Yield the ports of a single command; for commands of other packages too."""
    from marketplace.app import build_ports

    with opened_settings(purpose) as settings:
        ports = build_ports(settings)
        try:
            yield ports
        finally:
            ports.close()


def _bring_up_to_date(url: str) -> None:
    from marketplace import migrations
    from marketplace.clock import SystemClock
    from marketplace.db import Database
    from marketplace.terms.services import publish_builtin

    migrations.upgrade(url)
    database = Database(url)
    try:
        with database.transaction() as session:
            publish_builtin(session, SystemClock().now())
    finally:
        database.dispose()


@contextmanager
def progress(*, as_json: bool) -> Iterator[Callable[[str, int, int], None]]:
    """Yield ``show(what, done, total)``: bars on a terminal, or one JSON object a line."""
    if as_json:
        yield lambda what, done, total: click.echo(json.dumps({"step": what, "done": done, "total": total}))
        return
    from rich.console import Console

    from marketplace.demo.progress import shown_progress

    with shown_progress(Console()) as show:
        yield show


if __name__ == "__main__":
    main(prog_name="marketplace")
