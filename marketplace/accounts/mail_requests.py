"""Asking for a mail to a member; ``mail_delivery.py`` has it composed and sent after the commit."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from marketplace import outbox

MAIL_REQUESTED = "mail.requested"


def request_mail(session: Session, now: datetime, mail: str, account_id: UUID | None, **ids: object) -> None:
    """Ask for a mail to a member after the commit: a name and ids only (see ``mail_delivery.py``)."""
    outbox.publish(session, now, MAIL_REQUESTED, account_id, details={"mail": mail, **ids})
