"""Who has an account is nobody's business: registering answers alike for every address (A-06, A5)."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import httpx
import pytest
from litestar import Litestar
from litestar.testing import TestClient
from sqlalchemy import func, select

from marketplace.accounts.models import Account, Role
from marketplace.db import Database
from tests.builders import NOW, a_candidate, a_recruiter, an_account

PERSON = {
    "first_name": "Ana", "last_name": "Silva", "birth_date": "1990-02-28",
    "password": "correct horse battery staple",
}  # fmt: skip
BODIES: dict[str, dict[str, Any]] = {
    "/api/v1/candidates": PERSON,
    "/api/v1/recruiters": {
        **PERSON, "job_title": "Recruteuse", "work_country": "FR",
        "company": {"name": "Acme Industries", "country": "FR"},
        "declarations": ["authorised", "professional_use", "ethical_code"],
    },
}  # fmt: skip


def masked(answer: httpx.Response) -> tuple[int, bytes, list[tuple[str, str]], int]:
    """Return everything of an answer but the id of its request."""
    headers = [(name, value) for name, value in answer.headers.multi_items() if name != "x-request-id"]
    return answer.status_code, answer.content, headers, len(answer.cookies)


@pytest.fixture
def addresses(db: Database) -> list[str]:
    """One address of each kind, all of a company's domain; the last ones have no account."""
    domain = "acme-industries.fr"
    with db.transaction() as session:
        a_candidate(session, account=an_account(session, email=f"candidate@{domain}"))
        a_recruiter(session, account=an_account(session, Role.RECRUITER, email=f"recruiter@{domain}"))
        an_account(session, Role.ADMIN, email=f"admin@{domain}")
        an_account(session, email=f"unconfirmed@{domain}", email_confirmed_at=None)
        an_account(session, email=f"locked@{domain}", password_hash=None, last_activity_at=NOW)
        an_account(session, email=f"suspended@{domain}", suspended_by=uuid4(), suspended_at=NOW)
    names = ("candidate", "recruiter", "admin", "unconfirmed", "locked", "suspended")
    known = [f"{name}@{domain}" for name in names]
    return [*known, f"Candidate+tag@{domain.upper()}", f"nobody@{domain}", f"nobody@{domain}"]


@pytest.mark.parametrize("route", BODIES)
def test_registering(app: Litestar, db: Database, addresses: list[str], route: str) -> None:
    """A5, A-06: 202 and `{}` byte for byte, headers and cookies too; nine requests make one account."""
    with TestClient(app, base_url="http://127.0.0.1:8000") as client:
        answers = [masked(client.post(route, json={**BODIES[route], "email": email})) for email in addresses]
    assert answers[0][:2] == (202, b"{}")
    assert all(answer == answers[0] for answer in answers)
    with db.transaction() as session:
        assert session.scalar(select(func.count()).select_from(Account)) == 7
