"""JSON route of admins on deletion duties: which are overdue, and how far the reminders are (rules D4)."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Annotated
from uuid import UUID

import msgspec
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromQuery, QueryParameter
from sqlalchemy.orm import Session

from marketplace.admin.api import PAGE_SIZE_MAX, Size
from marketplace.admin.guards import requires_admin
from marketplace.contacts import duty_queries
from marketplace.contacts.duty_queries import DutyLine
from marketplace.contacts.models import DutyState
from marketplace.contacts.retention import days_left
from marketplace.errors import InvalidCursorError
from marketplace.ports import Ports
from marketplace.web.api import get
from marketplace.web.identity import Member
from marketplace.web.paging import NOT_VALID, decode_cursor, encode_cursor, page_of

LISTING = "deletion-duties"


class AdminDutyOut(msgspec.Struct, kw_only=True):
    """A duty to delete one copy; ``recruiter`` is null once the account is closed and gone."""

    id: UUID
    recruiter_id: UUID
    recruiter: str | None
    company_id: UUID
    company: str
    opening_title: str
    downloaded_at: datetime
    delete_by_on: date
    days_overdue: int
    candidate_withdrew: bool
    reminders_sent: int
    last_reminded_at: datetime | None
    state: DutyState
    exception: str | None
    exception_reason: str | None
    settled_at: datetime | None


class AdminDutiesOut(msgspec.Struct, kw_only=True):
    items: list[AdminDutyOut]
    next_cursor: str | None


@get(
    "/admin/deletion-duties",
    errors=(422,),
    guards=[requires_admin],
    summary="Duties to delete downloaded CVs",
)
def list_deletion_duties(
    ports: NamedDependency[Ports],
    member: NamedDependency[Member],
    overdue: FromQuery[bool] = False,
    wanted: Annotated[DutyState | None, QueryParameter(name="state")] = None,
    cursor: FromQuery[str | None] = None,
    size: Size = PAGE_SIZE_MAX,
) -> AdminDutiesOut:
    """Return duties, the first due first; with `overdue` only those that are open past their day (D4)."""
    with ports.db.transaction() as session:
        lines, more = duties_page(
            session, ports, member, is_overdue=overdue, state=wanted, cursor=cursor, size=size
        )
    today = ports.clock.today()
    return AdminDutiesOut(items=[_duty_out(line, today) for line in lines], next_cursor=more)


def duties_page(
    session: Session,
    ports: Ports,
    member: Member,
    *,
    is_overdue: bool,
    state: DutyState | None,
    cursor: str | None,
    size: int,
) -> tuple[Sequence[DutyLine], str | None]:
    """Return a page of the list and the cursor of the next one, for the API and the portal."""
    now = ports.clock.now()
    after = _position(decode_cursor(ports.settings, member.account_id, LISTING, now, cursor))
    rows = duty_queries.duty_lines(
        session, overdue_on=now.date() if is_overdue else None, state=state, after=after, size=size
    )

    def cursor_of(line: DutyLine) -> str:
        key = (line.delete_by_on.isoformat(), str(line.copy_id))
        return encode_cursor(ports.settings, member.account_id, LISTING, now, key)

    return page_of(rows, size, cursor_of)


def days_overdue(line: DutyLine, today: date) -> int:
    """Return by how many days an open duty is late; none once it is settled (D4)."""
    return max(0, -days_left(line.delete_by_on, today)) if line.state is DutyState.OPEN else 0


def _position(key: tuple[str | int | None, ...] | None) -> tuple[date, UUID] | None:
    if key is None:
        return None
    try:
        due_on, copy_id = key
        return date.fromisoformat(str(due_on)), UUID(str(copy_id))
    except ValueError as error:
        raise InvalidCursorError(NOT_VALID) from error


def _duty_out(line: DutyLine, today: date) -> AdminDutyOut:
    return AdminDutyOut(
        id=line.copy_id,
        recruiter_id=line.recruiter_id,
        recruiter=line.recruiter,
        company_id=line.company_id,
        company=line.company,
        opening_title=line.opening_title,
        downloaded_at=line.downloaded_at.astimezone(UTC),
        delete_by_on=line.delete_by_on,
        days_overdue=days_overdue(line, today),
        candidate_withdrew=line.candidate_withdrew,
        reminders_sent=line.reminders_sent,
        last_reminded_at=line.last_reminded_at and line.last_reminded_at.astimezone(UTC),
        state=line.state,
        exception=line.exception and line.exception.value,
        exception_reason=line.exception_reason,
        settled_at=line.settled_at and line.settled_at.astimezone(UTC),
    )


ROUTES: list[HTTPRouteHandler] = [list_deletion_duties]
