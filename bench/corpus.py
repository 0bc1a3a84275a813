"""Many candidates at once: rows and texts written straight, without PDFs, then one index rebuild."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import islice
from multiprocessing import get_context
from typing import Any
from uuid import UUID, uuid5

from rich.progress import Progress
from sqlalchemy import insert

from marketplace.accounts.models import Account, PasswordKind, Role
from marketplace.candidates.models import CV, Candidate, CandidateState, CVState, RightToWork
from marketplace.db import Database
from marketplace.demo.people import Persona, persona

NAMESPACE = UUID("6f3c9a52-8d5e-4b0f-9a57-0d4b9b0f5a11")
BATCH = 500
PART = 10_000
WRITERS = 2


def write_candidates(db: Database, now: datetime, count: int, country: str) -> None:
    """Write ``count`` searchable candidates of ``country`` with the text of a CV each."""
    with Progress(transient=True) as bar:
        task = bar.add_task("writing candidates", total=count)
        _write(db, now, range(count), country, lambda written: bar.advance(task, written))


def write_many(db: Database, now: datetime, numbers: range, country: str) -> None:
    """Write the candidates of these numbers by two processes, for which a million is minutes, not an hour."""
    url = db.engine.url.render_as_string(hide_password=False)
    parts = [numbers[at : at + PART] for at in range(0, len(numbers), PART)]
    with (
        Progress(transient=True) as bar,
        ProcessPoolExecutor(WRITERS, mp_context=get_context("spawn")) as pool,
    ):
        task = bar.add_task("writing candidates", total=len(numbers))
        for done in as_completed([pool.submit(_write_part, url, now, part, country) for part in parts]):
            bar.advance(task, done.result())


def _write_part(url: str, now: datetime, numbers: range, country: str) -> int:
    db = Database(url)
    try:
        _write(db, now, numbers, country, lambda _: None)
    finally:
        db.dispose()
    return len(numbers)


def _write(
    db: Database, now: datetime, numbers: range, country: str, progress: Callable[[int], None]
) -> None:
    everybody = (persona(number, now.date(), seed=7, country=country) for number in numbers)
    for batch in _batches(everybody):
        with db.transaction() as session:
            session.execute(insert(Account), [_account(who, now) for who in batch])
            session.execute(insert(Candidate), [_candidate(who, now) for who in batch])
            session.execute(insert(RightToWork), [_right(who) for who in batch])
            session.execute(insert(CV), [_cv(who, now) for who in batch])
        progress(len(batch))


def _batches(everybody: Iterator[Persona]) -> Iterator[list[Persona]]:
    while batch := list(islice(everybody, BATCH)):
        yield batch


def id_of(kind: str, number: int) -> UUID:
    """Return the id of the ``account``, ``candidate`` or ``cv`` of the person with this number."""
    return uuid5(NAMESPACE, f"{kind}:{number}")


def _account(who: Persona, now: datetime) -> dict[str, Any]:
    return {
        "id": id_of("account", who.number), "role": Role.CANDIDATE, "email": who.email,
        "email_canonical": who.email,
        "email_confirmed_at": now, "first_name": who.first_name, "last_name": who.last_name,
        "birth_date": who.birth_date.replace(year=min(who.birth_date.year, 2005), day=1),
        "language": who.language, "password_kind": PasswordKind.NONE, "registered_at": now,
    }  # fmt: skip


def _candidate(who: Persona, now: datetime) -> dict[str, Any]:
    fresh = now - timedelta(days=who.number % 60)
    return {
        "id": id_of("candidate", who.number), "account_id": id_of("account", who.number),
        "state": CandidateState.SEARCHABLE, "state_changed_at": now,
        "country": who.country, "region": who.region,
        "job_fields": list(who.job_fields),
        "start_day": who.start_day, "start_is_month": who.start_is_month,
        "start_flex_weeks": who.start_flex_weeks, "headline": who.headline, "headline_scrubbed": who.headline,
        "skills": list(who.skills), "languages": list(who.languages), "education_level": who.education_level,
        "profile_confirmed_at": fresh, "last_sign_of_life_at": fresh, "opted_in_at": now,
    }  # fmt: skip


def _right(who: Persona) -> dict[str, Any]:
    return {
        "candidate_id": id_of("candidate", who.number),
        "country": who.country,
        "right": "yes",
        "expires_on": None,
    }


def _cv(who: Persona, now: datetime) -> dict[str, Any]:
    """Return the row of a CV; what scrubbing would take out is left out before, which is 50 times as fast."""
    text = who.resume.plain_text()
    scrubbed = replace(who.resume, name="", contact_lines=()).plain_text().strip()
    return {
        "id": id_of("cv", who.number), "candidate_id": id_of("candidate", who.number), "state": CVState.READY,
        "is_current": True, "label": "cv.pdf", "uploaded_at": now, "processed_at": now,
        "sha256": id_of("cv", who.number).hex * 2, "bytes": len(text), "pages": 1, "text": text,
        "text_scrubbed": scrubbed, "language": who.language,
    }  # fmt: skip
