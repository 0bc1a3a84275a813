"""What contacts know and do when a recruiter's account is closed and purged (rules B6, F3)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from marketplace.contacts.models import Contact, Disclosure, Message, MessageAuthor, Opening, OpeningState


def accessed(session: Session, recruiter_id: UUID) -> Sequence[tuple[str, int, datetime, datetime]]:
    """Return what left to a recruiter by kind, with count, first and last, for the archive (F3)."""
    rows = session.execute(
        select(
            Disclosure.kind,
            func.count(Disclosure.id).label("number"),
            func.min(Disclosure.at).label("first"),
            func.max(Disclosure.at).label("last"),
        )
        .where(Disclosure.recruiter_id == recruiter_id)
        .group_by(Disclosure.kind)
        .order_by(Disclosure.kind)
    )
    return [(str(row.kind), row.number, row.first, row.last) for row in rows]


def recruiter_closed(
    session: Session,
    now: datetime,  # noqa: ARG001  (every hook has this signature)
    recruiter_id: UUID,
) -> None:
    """Close the openings: nobody hires for them any more (B6)."""
    session.execute(
        update(Opening)
        .where(Opening.recruiter_id == recruiter_id, Opening.state == OpeningState.OPEN)
        .values(state=OpeningState.CLOSED)
    )


def recruiter_purged(
    session: Session,
    now: datetime,  # noqa: ARG001  (every hook has this signature)
    recruiter_id: UUID,
) -> None:
    """Blank what the recruiter wrote; the thread and the candidate's own words stay (B6).

    The ledger is not touched: it is append-only, names nobody, and company and role as they were are
    what the candidate's access log owes its reader (C6).
    """
    threads = select(Contact.id).where(Contact.recruiter_id == recruiter_id)
    session.execute(
        update(Message)
        .where(Message.contact_id.in_(threads), Message.author == MessageAuthor.RECRUITER)
        .values(body="", body_scrubbed="")
        .execution_options(synchronize_session=False)
    )
