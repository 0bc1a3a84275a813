"""Many candidates at once: rows and texts written straight, without PDFs, then one index rebuild."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import islice
from typing import Any
from uuid import UUID, uuid5

from rich.progress import Progress
from sqlalchemy import insert

from marketplace.accounts.models import Account, PasswordKind, Role
from marketplace.candidates.models import CV, Candidate, CandidateState, CVState, RightToWork
from marketplace.candidates.scrubbing import scrub
from marketplace.db import Database
from marketplace.demo.people import Persona, people

NAMESPACE = UUID("6f3c9a52-8d5e-4b0f-9a57-0d4b9b0f5a11")
BATCH = 500


def write_candidates(db: Database, now: datetime, count: int, country: str) -> None:
    """Write ``count`` searchable candidates of ``country`` with the text of a CV each."""
    everybody = people(count, now.date(), seed=7, country=country)
    with Progress(transient=True) as bar:
        task = bar.add_task("writing candidates", total=count)
        for batch in _batches(everybody):
            with db.transaction() as session:
                session.execute(insert(Account), [_account(who, now) for who in batch])
                session.execute(insert(Candidate), [_candidate(who, now) for who in batch])
                session.execute(insert(RightToWork), [_right(who) for who in batch])
                session.execute(insert(CV), [_cv(who, now) for who in batch])
            bar.advance(task, len(batch))


def _batches(everybody: Iterator[Persona]) -> Iterator[list[Persona]]:
    while batch := list(islice(everybody, BATCH)):
        yield batch


def _id(kind: str, who: Persona) -> UUID:
    return uuid5(NAMESPACE, f"{kind}:{who.number}")


def _account(who: Persona, now: datetime) -> dict[str, Any]:
    return {
        "id": _id("account", who), "role": Role.CANDIDATE, "email": who.email, "email_canonical": who.email,
        "email_confirmed_at": now, "first_name": who.first_name, "last_name": who.last_name,
        "birth_date": who.birth_date.replace(year=min(who.birth_date.year, 2005), day=1),
        "language": who.language, "password_kind": PasswordKind.NONE, "registered_at": now,
    }  # fmt: skip


def _candidate(who: Persona, now: datetime) -> dict[str, Any]:
    fresh = now - timedelta(days=who.number % 60)
    return {
        "id": _id("candidate", who), "account_id": _id("account", who), "state": CandidateState.SEARCHABLE,
        "state_changed_at": now, "country": who.country, "region": who.region,
        "job_fields": list(who.job_fields),
        "start_day": who.start_day, "start_is_month": who.start_is_month,
        "start_flex_weeks": who.start_flex_weeks, "headline": who.headline, "headline_scrubbed": who.headline,
        "skills": list(who.skills), "languages": list(who.languages), "education_level": who.education_level,
        "profile_confirmed_at": fresh, "last_sign_of_life_at": fresh, "opted_in_at": now,
    }  # fmt: skip


def _right(who: Persona) -> dict[str, Any]:
    return {"candidate_id": _id("candidate", who), "country": who.country, "right": "yes", "expires_on": None}


def _cv(who: Persona, now: datetime) -> dict[str, Any]:
    text = scrub(who.resume.plain_text(), (who.first_name, who.last_name))
    return {
        "id": _id("cv", who), "candidate_id": _id("candidate", who), "state": CVState.READY,
        "is_current": True, "label": "cv.pdf", "uploaded_at": now, "processed_at": now,
        "sha256": _id("cv", who).hex * 2, "bytes": len(text), "pages": 1, "text": text,
        "text_scrubbed": text, "language": who.language,
    }  # fmt: skip
