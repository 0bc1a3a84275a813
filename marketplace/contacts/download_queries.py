"""Read SQL of the copies recruiters took, each with the state of its duty (rules D4).

What is open, settled or due for a reminder is in ``duty_queries.py``.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, select
from sqlalchemy.orm import Session

from marketplace.contacts.models import CVDownload, DutyException, DutyState, Opening
from marketplace.contacts.paging import PAGE, Page, Position, newest_first, page_of


@dataclass(frozen=True, kw_only=True)
class DownloadView:
    """One copy a recruiter took and the duty to delete it (rules D4)."""

    id: UUID
    candidate_id: UUID
    opening_id: UUID
    opening_title: str
    downloaded_at: datetime
    delete_by_on: date
    state: DutyState
    settled_at: datetime | None
    candidate_withdrew: bool
    exception: DutyException | None
    exception_reason: str | None

    @property
    def file_name(self) -> str:
        """The name the copy is served under (security.md U-06)."""
        return f"cv-{self.id.hex[:8]}.pdf"


def downloads(
    session: Session, recruiter_id: UUID, *, after: Position | None = None, size: int = PAGE
) -> Page[DownloadView]:
    """Return the copies a recruiter took with the state of each duty, newest first (rules D4)."""
    statement = downloads_statement().where(CVDownload.recruiter_id == recruiter_id)
    statement = newest_first(statement, CVDownload.downloaded_at, CVDownload.id, after)
    views = [download_view(row) for row in session.execute(statement.limit(size + 1))]
    return page_of(views, size, lambda view: Position(view.downloaded_at, view.id))


def download(session: Session, download_id: UUID) -> DownloadView | None:
    """Return one copy; whose it is, the caller checks."""
    row = session.execute(downloads_statement().where(CVDownload.id == download_id)).one_or_none()
    return None if row is None else download_view(row)


def downloads_statement() -> Select[*tuple[Any, ...]]:
    """Return the statement of :func:`download_view`, without order or condition."""
    return select(
        CVDownload.id,
        CVDownload.candidate_id,
        CVDownload.opening_id,
        CVDownload.downloaded_at,
        CVDownload.delete_by_on,
        CVDownload.state,
        CVDownload.settled_at,
        CVDownload.holder_told_at,
        CVDownload.exception,
        CVDownload.exception_reason,
        Opening.title,
    ).join(Opening, Opening.id == CVDownload.opening_id)


def download_view(row: Row[*tuple[Any, ...]]) -> DownloadView:
    """Return what leaves the package of a copy."""
    return DownloadView(
        id=row.id,
        candidate_id=row.candidate_id,
        opening_id=row.opening_id,
        opening_title=row.title,
        downloaded_at=row.downloaded_at,
        delete_by_on=row.delete_by_on,
        state=DutyState(row.state),
        settled_at=row.settled_at,
        candidate_withdrew=row.holder_told_at is not None,
        exception=None if row.exception is None else DutyException(row.exception),
        exception_reason=row.exception_reason,
    )
