"""What ``marketplace retention`` prints: a table for people, JSON for programs (rules F2)."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence

import click
from rich.console import Console
from rich.table import Table

from marketplace import retention
from marketplace.batches import BatchReport
from marketplace.ports import Ports
from marketplace.retention import Forecast, Rule

NOTICES = "inactivity_notices"
"""The one line of a run that deletes nothing and so is no rule of the table."""


def print_forecast(forecasts: Sequence[Forecast], days: int, *, as_json: bool) -> None:
    """Show what is due now and within ``days``, rule by rule."""
    if as_json:
        rules = [{"rule": item.rule.id, "now": item.now, "due": item.due} for item in forecasts]
        click.echo(json.dumps({"days": days, "rules": rules}))
        return
    table = Table(title=f"Due within {days} days", title_justify="left")
    for heading in ("rule", "what", "kept for"):
        table.add_column(heading, overflow="fold")
    table.add_column("now", justify="right")
    table.add_column(f"in {days} days", justify="right")
    for item in forecasts:
        table.add_row(item.rule.id, item.rule.what, item.period, str(item.now), str(item.due))
    Console().print(table)


def run_and_print(
    ports: Ports, only: str | None, show: Callable[[str, int, int], None], *, is_dry_run: bool, as_json: bool
) -> None:
    """Carry out the rules asked for and show what each did."""
    rules = _rules(only)
    reports: dict[str, BatchReport] = {}
    if only in {None, NOTICES}:
        reports[NOTICES] = retention.send_notices(ports, is_dry_run=is_dry_run)
    due = {item.rule.id: item.now for item in retention.forecast(ports, 0)}

    def tell(rule: Rule, report: BatchReport) -> None:
        show(rule.id, report.found, max(due[rule.id], report.found))

    reports |= retention.run(ports, rules, is_dry_run=is_dry_run, progress=tell)
    _print_reports(reports, is_dry_run=is_dry_run, as_json=as_json)


def _rules(only: str | None) -> Sequence[Rule]:
    if only is None:
        return retention.RULES
    found = [rule for rule in retention.RULES if rule.id == only]
    if not found and only != NOTICES:
        known = ", ".join((NOTICES, *(rule.id for rule in retention.RULES)))
        raise click.BadParameter(f"there is no rule {only}; there are {known}", param_hint="--only")
    return found


def _print_reports(reports: Mapping[str, BatchReport], *, is_dry_run: bool, as_json: bool) -> None:
    if as_json:
        for rule, report in reports.items():
            click.echo(json.dumps({"rule": rule, "dry_run": is_dry_run, **as_facts(report)}))
        return
    title = "What a run would do; nothing was changed" if is_dry_run else "Done"
    table = Table("rule", title=title, title_justify="left")
    for heading in ("found", "done", "skipped", "failed"):
        table.add_column(heading, justify="right")
    for rule, report in reports.items():
        table.add_row(
            rule, str(report.found), str(report.done), _counted(report.skipped), _counted(report.failed)
        )
    Console().print(table)


def as_facts(report: BatchReport) -> dict[str, object]:
    """Return a report as plain values."""
    return {
        "found": report.found,
        "done": report.done,
        "skipped": dict(report.skipped),
        "failed": dict(report.failed),
        "subjects_sha256": report.subjects_sha256,
    }


def _counted(reasons: Mapping[str, int]) -> str:
    return ", ".join(f"{number} {reason}" for reason, number in sorted(reasons.items())) or "0"
