"""An admin, a recruiter and a candidate, committed, and short words for suspending and lifting."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from litestar import Litestar
from sqlalchemy import select

from marketplace.accounts.models import Account, Role
from marketplace.audit import AuditEntry
from marketplace.candidates.models import Candidate
from marketplace.moderation import services
from marketplace.moderation.models import Sanction
from marketplace.moderation.services import Measure
from marketplace.outbox import OutboxMessage
from marketplace.ports import Ports
from marketplace.recruiters.models import InactivityNotice, Recruiter
from tests.builders import a_candidate, a_company, a_recruiter, an_account
from tests.portal import PortalClient

DAY = timedelta(days=1)


def a_measure(until: datetime | None = None, **fields: Any) -> Measure:
    """A suspension until ``until``, or for good, with everything it needs."""
    values: dict[str, Any] = {
        "kind": "suspend", "until": until, "clause": "Special Terms, section 4",
        "facts": "Downloaded forty CVs in an hour.\nAnswered no question about it.",
        "reason": "Candidates are at risk.",
    }  # fmt: skip
    return Measure(**values | fields)


@dataclass(frozen=True)
class Court:
    """Who is there, by id; rows are read anew where a test needs them."""

    ports: Ports
    admin: UUID
    recruiter_id: UUID
    recruiter: UUID
    candidate_id: UUID
    candidate: UUID

    @property
    def now(self) -> datetime:
        return self.ports.clock.now()

    def suspend(self, who: str, until: datetime | None = None, **fields: Any) -> UUID:
        with self.ports.db.transaction() as session:
            impose = services.suspend_recruiter if who == "recruiter" else services.suspend_candidate
            subject = self.recruiter_id if who == "recruiter" else self.candidate_id
            return impose(
                session, self.now, self.ports.settings, self.admin, subject, a_measure(until, **fields)
            )

    def lift(self, sanction_id: UUID, reason: str = "A mistake.") -> None:
        with self.ports.db.transaction() as session:
            services.lift(session, self.now, self.ports.settings, self.admin, sanction_id, reason)

    def row(self, kind: Any, key: UUID) -> Any:
        with self.ports.db.transaction() as session:
            return session.get_one(kind, key)

    def change(self, kind: Any, key: UUID, **columns: Any) -> None:
        """Write columns of one row, as if its own feature had."""
        with self.ports.db.transaction() as session:
            found = session.get_one(kind, key)
            for name, value in columns.items():
                setattr(found, name, value)

    def notify(self) -> None:
        """Give the recruiter a notice of inactivity."""
        notice = InactivityNotice(
            recruiter_id=self.recruiter_id, anchor=self.now, step=60, due_at=self.now, requested_at=self.now
        )
        with self.ports.db.transaction() as session:
            session.add(notice)

    def state(self, who: str) -> str:
        row = (
            self.row(Recruiter, self.recruiter_id)
            if who == "recruiter"
            else self.row(Candidate, self.candidate_id)
        )
        return str(row.state)

    def account(self, who: str) -> Account:
        found: Account = self.row(Account, self.recruiter if who == "recruiter" else self.candidate)
        return found

    def sanction(self, sanction_id: UUID) -> Sanction:
        found: Sanction = self.row(Sanction, sanction_id)
        return found

    def acts(self) -> list[str]:
        with self.ports.db.transaction() as session:
            return list(session.scalars(select(AuditEntry.act).order_by(AuditEntry.id)))

    def mails(self) -> list[str]:
        """The mails that were asked for, done or not."""
        with self.ports.db.transaction() as session:
            rows = session.scalars(select(OutboxMessage).order_by(OutboxMessage.id)).all()
        return [row.details["mail"] for row in rows if row.topic == "mail.requested"]


@pytest.fixture
def court(ports: Ports) -> Court:
    """An active recruiter of a verified company in France, a searchable candidate there, an admin."""
    with ports.db.transaction() as session:
        admin = an_account(session, Role.ADMIN, language="en")
        company = a_company(session, domain="acme-industries.fr")
        recruiter = a_recruiter(session, company=company)
        candidate = a_candidate(session)
        for account_id in (recruiter.account_id, candidate.account_id):
            account = session.get_one(Account, account_id)
            account.language, account.may_use_bearer = "en", True
        return Court(ports, admin.id, recruiter.id, recruiter.account_id, candidate.id, candidate.account_id)


@pytest.fixture
def browser(app: Litestar) -> Iterator[PortalClient]:
    """A browser that follows no redirect by itself."""
    with PortalClient(app) as client:
        client.follow_redirects = False
        yield client
