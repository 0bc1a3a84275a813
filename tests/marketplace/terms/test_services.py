"""Publishing documents, versions in force, and who has accepted which, on a real database."""

from __future__ import annotations

import threading
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from marketplace.accounts.models import Account, Role
from marketplace.audit import AuditEntry
from marketplace.clock import FixedClock
from marketplace.db import Database
from marketplace.errors import ConflictError, InvalidInputError, NotFoundError
from marketplace.terms import queries
from marketplace.terms.models import Acceptance, DocumentKind, DocumentVersion
from marketplace.terms.services import (
    AcceptedVersion,
    accept_outstanding,
    hash_text,
    publish,
    publish_builtin,
)
from tests.builders import an_account

TERMS = DocumentKind.TERMS_OF_USE
ALL = [AcceptedVersion(kind.value, "1.0") for kind in DocumentKind if kind is not DocumentKind.CONSENT_SEARCH]


@pytest.fixture
def published(session: Session, now: datetime) -> Session:
    """A session with the built-in documents."""
    publish_builtin(session, now)
    return session


def test_the_builtin_documents_are_published_once(session: Session, now: datetime) -> None:
    """A2: ten texts with their hashes, in force since 2026; running again changes nothing."""
    assert publish_builtin(session, now) == 10
    assert publish_builtin(session, now) == 0
    rows = session.scalars(select(DocumentVersion)).all()
    assert all(row.text_hash == hash_text(row.text) and row.version == "1.0" for row in rows)
    assert {row.effective_on for row in rows} == {date(2026, 1, 1)}
    assert not any(row.needs_acceptance for row in rows if row.document == DocumentKind.CONSENT_SEARCH)
    entries = session.scalar(select(func.count()).where(AuditEntry.act == "document.published"))
    assert entries == 10


def test_several_processes_may_publish_at_once(db: Database, clock: FixedClock) -> None:
    """A2: starts in parallel publish each text once."""
    counts: list[int] = []

    def start() -> None:
        with db.transaction() as session:
            counts.append(publish_builtin(session, clock.now()))

    threads = [threading.Thread(target=start) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(counts) == 10


@pytest.mark.parametrize(
    ("day", "version"),
    [
        (date(2026, 1, 1), "1.0"),
        (date(2026, 11, 30), "1.0"),
        (date(2026, 12, 1), "1.1"),
        (date(2026, 12, 2), "1.1"),
    ],
)
def test_the_version_in_force_on_a_date(published: Session, now: datetime, day: date, version: str) -> None:
    """A2: a version is in force from its day on, until the next."""
    assert publish(published, now, TERMS, "en", "# New", date(2026, 12, 1)) == "1.1"
    published.flush()
    assert queries.document_on(published, TERMS, "en", day).version == version
    assert queries.document_on(published, TERMS, "fr", day).version == "1.0"


def test_before_the_first_version_there_is_none(published: Session) -> None:
    """A2: a date before the first version is not found."""
    with pytest.raises(NotFoundError):
        queries.document_on(published, TERMS, "en", date(2025, 12, 31))
    with pytest.raises(NotFoundError):
        queries.document_version(published, TERMS, "en", "9.9", date(2026, 11, 23))


def test_the_opt_in_text_in_force(published: Session, now: datetime) -> None:
    """C2: the consent text by language and by hash; an outdated hash is no longer known."""
    english = queries.consent_in_force(published, now.date(), "en")
    french = queries.consent_in_force(published, now.date(), "fr")
    assert english.text_hash != french.text_hash
    assert queries.consent_by_hash(published, now.date(), french.text_hash) == french
    publish(published, now, DocumentKind.CONSENT_SEARCH, "fr", "# Autre", now.date())
    published.flush()
    assert queries.consent_by_hash(published, now.date(), french.text_hash) is None


def test_what_cannot_be_published(published: Session, now: datetime) -> None:
    """A2: versions are never changed, and two cannot take effect on one day."""
    publish(published, now, TERMS, "en", "# New", date(2027, 1, 1), version="2.0")
    published.flush()
    with pytest.raises(ConflictError) as refused:
        publish(published, now, TERMS, "en", "# Other", date(2027, 1, 1))
    assert refused.value.code == "effective_date_taken"
    with pytest.raises(ConflictError) as refused:
        publish(published, now, TERMS, "en", "# Other", date(2027, 2, 1), version="2.0")
    assert refused.value.code == "version_taken"
    for language, text in (("de", "# Neu"), ("en", "  "), ("en", "\x00")):
        with pytest.raises(InvalidInputError):
            publish(published, now, TERMS, language, text, date(2027, 3, 1))
    assert publish(published, now, TERMS, "en", "# Next", date(2027, 2, 1)) == "2.1"


@pytest.mark.parametrize(("role", "count"), [(Role.CANDIDATE, 2), (Role.RECRUITER, 4), (Role.ADMIN, 2)])
def test_what_each_role_accepts(published: Session, now: datetime, role: Role, count: int) -> None:
    """A2: recruiters also accept the special terms and the ethical code."""
    account = an_account(published, role)
    assert len(queries.outstanding_documents(published, account.id, now.date())) == count
    assert accept_outstanding(published, now, account.id, role, ALL) == ()
    recorded = published.scalar(select(func.count()).where(Acceptance.account_id == account.id))
    assert recorded == count
    accept_outstanding(published, now, account.id, role, ALL)
    published.flush()
    assert published.scalar(select(func.count()).where(Acceptance.account_id == account.id)) == count


@pytest.mark.parametrize(("days", "asked"), [(-1, False), (0, True), (1, True)])
def test_a_new_version_is_asked_for_when_it_takes_effect(
    published: Session, now: datetime, days: int, asked: bool
) -> None:
    """A2, C-03: from the day it is in force, not before; the member's own language decides."""
    account = an_account(published, language="fr")
    accept_outstanding(published, now, account.id, Role.CANDIDATE, ALL)
    effective = date(2027, 1, 1)
    publish(published, now, TERMS, "fr", "# Neuf", effective)
    published.flush()
    today = effective + timedelta(days=days)
    found = queries.outstanding_documents(published, account.id, today)
    assert [(item.document, item.version) for item in found] == ([(TERMS, "1.1")] if asked else [])
    account.language = "en"
    published.flush()
    assert queries.outstanding_documents(published, account.id, today) == ()


def test_an_acceptance_counts_for_who_gave_it(published: Session, now: datetime) -> None:
    """A2: what one member accepted is still asked of every other, at each request too."""
    given, other = (an_account(published, Role.RECRUITER) for _ in range(2))
    accept_outstanding(published, now, given.id, Role.RECRUITER, ALL)
    for account, is_asked in ((given, False), (other, True)):
        assert bool(queries.outstanding_documents(published, account.id, now.date())) is is_asked
        condition = queries.has_outstanding_documents(now.date())
        assert published.scalar(select(condition).where(Account.id == account.id)) is is_asked


def test_a_version_that_asks_for_nothing(published: Session, now: datetime) -> None:
    """A2: a correction of wording needs no answer; having accepted it counts for the older."""
    account, newcomer = an_account(published), an_account(published)
    accept_outstanding(published, now, account.id, Role.CANDIDATE, ALL)
    publish(published, now, TERMS, "fr", "# Corrigé", now.date(), needs_acceptance=False)
    published.flush()
    assert queries.outstanding_documents(published, account.id, now.date()) == ()
    found = queries.outstanding_documents(published, newcomer.id, now.date())
    assert {item.version for item in found} == {"1.0"}


def test_what_cannot_be_accepted(published: Session, now: datetime) -> None:
    """A2: a version that is not in force, or no document at all, is refused and nothing recorded."""
    account = an_account(published)
    for accepted in (AcceptedVersion("terms_of_use", "0.9"), AcceptedVersion("cookies", "1.0")):
        with pytest.raises(InvalidInputError):
            accept_outstanding(published, now, account.id, Role.CANDIDATE, [accepted])
    assert published.scalar(select(func.count()).select_from(Acceptance)) == 0
    with pytest.raises(NotFoundError):
        queries.language_of(published, _nobody())


def _nobody() -> Any:
    from uuid import uuid4

    return uuid4()
