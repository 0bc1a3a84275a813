"""A recruiter, a candidate and an opening, committed, and short words for asking the gate."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace.audit import AuditEntry
from marketplace.contacts import disclosures
from marketplace.contacts.gate import gate
from marketplace.contacts.models import Disclosure
from marketplace.contacts.opening_queries import OpeningView, opening_view
from marketplace.contacts.policy import Act
from marketplace.db import Database
from marketplace.settings import Settings
from tests.builders import a_candidate, a_recruiter, an_opening


@dataclass
class Scene:
    """Who is there, by id; rows are read anew where a test needs them."""

    db: Database
    settings: Settings
    now: datetime
    recruiter_id: UUID
    company_id: UUID
    recruiter_account: UUID
    candidate_id: UUID
    candidate_account: UUID
    opening: OpeningView
    session_id: UUID = field(default_factory=uuid4)

    @contextmanager
    def gate(self, now: datetime | None = None) -> Iterator[Session]:
        with gate(self.db, now or self.now) as session:
            yield session

    def ledger(self) -> list[Disclosure]:
        with self.db.transaction() as session:
            return list(session.scalars(select(Disclosure).order_by(Disclosure.id)))

    def audit(self) -> list[AuditEntry]:
        with self.db.transaction() as session:
            return list(session.scalars(select(AuditEntry).order_by(AuditEntry.id)))

    def change(self, row: Any, key: UUID, **columns: Any) -> None:
        """Write columns of one row, as if its own feature had."""
        with self.db.transaction() as session:
            found = session.get_one(row, key)
            for name, value in columns.items():
                setattr(found, name, value)

    def open_profile(self, candidate_id: UUID | None = None, **more: Any) -> disclosures.OpenedCandidate:
        with self.gate(more.get("now")) as session:
            return disclosures.open_profile(
                session, more.pop("now", self.now), self.settings, self.recruiter_account,
                candidate_id or self.candidate_id, more.pop("job_country", None),
            )  # fmt: skip

    def read_text(self, candidate_id: UUID | None = None, **more: Any) -> disclosures.ReadText:
        with self.gate() as session:
            return disclosures.read_cv_text(
                session, self.now, self.settings, self.recruiter_account,
                candidate_id or self.candidate_id, more.pop("job_country", None),
            )  # fmt: skip

    def reveal(self, candidate_id: UUID | None = None, opening: OpeningView | None = None) -> str:
        with self.gate() as session:
            return disclosures.reveal_email(
                session, self.now, self.settings, self.recruiter_account,
                candidate_id or self.candidate_id, opening or self.opening,
            )  # fmt: skip

    def contact(self, candidate_id: UUID | None = None, opening: OpeningView | None = None) -> object:
        with self.gate() as session:
            return disclosures.permit_contact(
                session, self.now, self.settings, self.recruiter_account,
                candidate_id or self.candidate_id, opening or self.opening,
            )  # fmt: skip

    def download(self, candidate_id: UUID | None = None, opening: OpeningView | None = None) -> object:
        with self.gate() as session:
            return disclosures.permit_download(
                session, self.now, self.settings, self.recruiter_account,
                candidate_id or self.candidate_id, opening or self.opening, uuid4(),
            )  # fmt: skip


ACTS: dict[Act, Callable[..., Any]] = {
    Act.PROFILE: Scene.open_profile,
    Act.CV_TEXT: Scene.read_text,
    Act.EMAIL: Scene.reveal,
    Act.CONTACT: Scene.contact,
    Act.CV_DOWNLOAD: Scene.download,
}
every_act = pytest.mark.parametrize("act", ACTS)


@pytest.fixture
def scene(db: Database, settings: Settings, now: datetime) -> Scene:
    """An active recruiter in France with an opening, and a candidate they may contact."""
    with db.transaction() as session:
        recruiter = a_recruiter(session)
        candidate = a_candidate(session)
        opening = an_opening(session, recruiter)
        return Scene(
            db=db, settings=settings, now=now, recruiter_id=recruiter.id, company_id=recruiter.company_id,
            recruiter_account=recruiter.account_id, candidate_id=candidate.id,
            candidate_account=candidate.account_id, opening=opening_view(opening),
        )  # fmt: skip
