"""JSON routes of admins on retention: legal holds, what becomes due, certificates (rules B5, F2)."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

import msgspec
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, JSONBody, QueryParameter

from marketplace import certificates, retention
from marketplace.admin.guards import requires_admin
from marketplace.admin.schemas import Reason
from marketplace.ports import Ports
from marketplace.recruiters import holds
from marketplace.recruiters.holds import HoldView
from marketplace.web.api import delete, get, post
from marketplace.web.identity import Member
from marketplace.web.paging import ItemsOut

RUNS = 100


class HoldIn(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Whom, why, and the last day (rules B5)."""

    recruiter_id: UUID
    reason: Reason
    ends_on: date


class HoldOut(msgspec.Struct, kw_only=True):
    """A legal hold; ``live`` tells whether it stops a purge today."""

    id: UUID
    recruiter_id: UUID
    recruiter: str
    email: str
    company: str
    reason: str
    placed_at: datetime
    placed_by: str | None
    ends_on: date
    lifted_at: datetime | None
    live: bool


class PlacedHoldOut(msgspec.Struct, kw_only=True):
    """The hold that was placed."""

    id: UUID


class ForecastLineOut(msgspec.Struct, kw_only=True):
    """One rule: how many are due now, and will be by the end of the days asked for."""

    rule: str
    clause: str
    what: str
    kept_for: str
    now: int
    due: int


class ForecastOut(msgspec.Struct, kw_only=True):
    """What becomes due if nobody does anything about it (rules F2)."""

    as_of: datetime
    days: int
    rules: list[ForecastLineOut]


class CertificateOut(msgspec.Struct, kw_only=True):
    """One real run of one rule; ``subjects_sha256`` is over the keys done, in their order."""

    id: int
    rule: str
    started_at: datetime
    finished_at: datetime
    cutoff_at: datetime
    found: int
    done: int
    skipped: dict[str, int]
    failed: dict[str, int]
    subjects_sha256: str


@get("/admin/holds", guards=[requires_admin], summary="Legal holds")
def list_holds(ports: NamedDependency[Ports]) -> ItemsOut[HoldOut]:
    """Return the legal holds, newest first (B5)."""
    with ports.db.reading() as session:
        return ItemsOut(items=[_hold_out(view) for view in holds.holds(session, ports.clock.now())])


@post(
    "/admin/holds",
    status_code=201,
    errors=(404, 409),
    guards=[requires_admin],
    summary="Place a legal hold",
)
def place_hold(
    data: JSONBody[HoldIn], ports: NamedDependency[Ports], member: NamedDependency[Member]
) -> PlacedHoldOut:
    """Stop the purge of a recruiter until the end of a day, with the reason (B5)."""
    with ports.db.transaction() as session:
        hold_id = holds.place_hold(
            session, ports.clock.now(), member.account_id, data.recruiter_id, data.reason, data.ends_on
        )
    return PlacedHoldOut(id=hold_id)


@delete("/admin/holds/{hold_id:uuid}", errors=(404,), guards=[requires_admin], summary="Lift a legal hold")
def lift_hold(
    ports: NamedDependency[Ports], member: NamedDependency[Member], hold_id: FromPath[UUID]
) -> None:
    """End a hold before its day; the record of it stays (B5)."""
    with ports.db.transaction() as session:
        holds.lift_hold(session, ports.clock.now(), member.account_id, hold_id)


@get("/admin/retention/forecast", errors=(422,), guards=[requires_admin], summary="What becomes due")
def read_forecast(
    ports: NamedDependency[Ports], days: Annotated[int, QueryParameter(ge=0, le=366)] = 30
) -> ForecastOut:
    """Return, rule by rule, what is due now and within `days` (F2)."""
    lines = [
        ForecastLineOut(
            rule=item.rule.id, clause=item.rule.clause, what=item.rule.what, kept_for=item.period,
            now=item.now, due=item.due,
        )
        for item in retention.forecast(ports, days)
    ]  # fmt: skip
    return ForecastOut(as_of=ports.clock.now(), days=days, rules=lines)


@get("/admin/retention/runs", guards=[requires_admin], summary="Certificates of purges")
def list_runs(ports: NamedDependency[Ports]) -> ItemsOut[CertificateOut]:
    """Return the newest hundred runs that found something, newest first (F2)."""
    with ports.db.reading() as session:
        items = [
            CertificateOut(
                id=run.id, rule=run.rule, started_at=run.started_at, finished_at=run.finished_at,
                cutoff_at=run.cutoff_at, found=run.found, done=run.done, skipped=run.skipped,
                failed=run.failed, subjects_sha256=run.subjects_sha256,
            )
            for run in certificates.newest_runs(session, RUNS)
        ]  # fmt: skip
    return ItemsOut(items=items)


def _hold_out(view: HoldView) -> HoldOut:
    return HoldOut(
        id=view.id, recruiter_id=view.recruiter_id, recruiter=view.recruiter, email=view.email,
        company=view.company, reason=view.reason, placed_at=view.placed_at, placed_by=view.placed_by,
        ends_on=view.ends_on, lifted_at=view.lifted_at, live=view.is_live,
    )  # fmt: skip


ROUTES: list[HTTPRouteHandler] = [list_holds, place_hold, lift_hold, read_forecast, list_runs]
