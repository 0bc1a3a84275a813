"""Read SQL of openings, as their recruiter sees them (rules D3)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from marketplace.contacts.models import Opening, OpeningState
from marketplace.contacts.paging import PAGE, Page, Position, newest_first, page_of


@dataclass(frozen=True, kw_only=True)
class OpeningView:
    """An opening as its recruiter sees it (rules D3)."""

    id: UUID
    title: str
    company: str
    job_country: str
    start_on: date
    state: OpeningState
    created_at: datetime


def opening_view(opening: Opening) -> OpeningView:
    """Return what leaves the package of an opening."""
    return OpeningView(
        id=opening.id,
        title=opening.title,
        company=opening.company_name,
        job_country=opening.job_country,
        start_on=opening.start_on,
        state=OpeningState(opening.state),
        created_at=opening.created_at,
    )


def openings(
    session: Session,
    recruiter_id: UUID,
    *,
    state: OpeningState | None = None,
    after: Position | None = None,
    size: int = PAGE,
) -> Page[OpeningView]:
    """Return a recruiter's openings, newest first."""
    statement = select(Opening).where(Opening.recruiter_id == recruiter_id)
    if state is not None:
        statement = statement.where(Opening.state == state)
    statement = newest_first(statement, Opening.created_at, Opening.id, after)
    views = [opening_view(opening) for opening in session.scalars(statement.limit(size + 1))]
    return page_of(views, size, lambda view: Position(view.created_at, view.id))


def open_openings_count(session: Session, recruiter_id: UUID) -> int:
    """Return how many openings of a recruiter are open."""
    statement = select(func.count()).where(
        Opening.recruiter_id == recruiter_id, Opening.state == OpeningState.OPEN
    )
    return session.scalar(statement) or 0
