"""The quotas of what leaves about a candidate (rules E1; security.md C-07, X-01, L-01)."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import func, select

from marketplace.contacts import messages
from marketplace.contacts.gate import gate
from marketplace.contacts.models import Contact, Disclosure
from marketplace.contacts.policy import Act
from marketplace.db import Database
from marketplace.errors import ConflictError, NotAllowedError, NotFoundError, TooManyRequestsError
from marketplace.mail import MailSink
from marketplace.mail_delivery import deliver_due_mails
from marketplace.ports import Ports
from marketplace.rate_limits.models import QuotaUse
from marketplace.recruiters.models import Company, Recruiter
from tests.builders import a_candidate, a_recruiter, an_opening
from tests.marketplace.contacts.conftest import ACTS, Scene

QUOTAS = {
    Act.PROFILE: ("OPENING", 200),
    Act.CV_TEXT: ("OPENING", 200),
    Act.EMAIL: ("EMAIL_REVEAL", 50),
    Act.CONTACT: ("CONTACT", 30),
    Act.CV_DOWNLOAD: ("CV_DOWNLOAD", 50),
}
each = pytest.mark.parametrize("act", ACTS)


def used(scene: Scene) -> list[str]:
    with scene.db.reading() as session:
        return list(session.scalars(select(QuotaUse.quota).order_by(QuotaUse.id)))


def limit_to(scene: Scene, notation: str) -> None:
    names = ("OPENING", "EMAIL_REVEAL", "CV_DOWNLOAD", "CONTACT", "CV_TEXT")
    scene.settings = replace(
        scene.settings, quotas={**scene.settings.quotas, **dict.fromkeys(names, notation)}
    )


def fill(scene: Scene, quota: str, number: int) -> None:
    """Write uses of this recruiter, as if so many acts had been today."""
    with scene.db.transaction() as session:
        session.add_all(
            QuotaUse(
                quota=quota, account_id=scene.recruiter_account, company_id=scene.company_id,
                at=scene.now - timedelta(hours=1),
            )
            for _ in range(number)
        )  # fmt: skip


@each
def test_each_act_counts_in_its_own_quota(scene: Scene, act: Act) -> None:
    """E1, X-01: the last one of a day passes, the next is a 429; the other acts are not touched."""
    scene.settings = replace(scene.settings, quotas={})
    name, limit = QUOTAS[act]
    fill(scene, name, limit - 1)
    ACTS[act](scene)
    assert used(scene)[-1] == name
    with pytest.raises(TooManyRequestsError) as refused:
        ACTS[act](scene)
    assert (refused.value.quota, refused.value.limit) == (name, limit)
    assert refused.value.retry_after == 23 * 3600
    for other, (other_name, _) in QUOTAS.items():
        if other_name != name:
            ACTS[other](scene)


@each
def test_a_spent_quota_leaves_nothing_and_is_audited(scene: Scene, act: Act) -> None:
    """C-07, L-01: what is over the limit has no ledger row, and stands in the audit."""
    limit_to(scene, "1/day")
    ACTS[act](scene)
    with pytest.raises(TooManyRequestsError):
        ACTS[act](scene)
    assert len(scene.ledger()) == len(used(scene)) == 1
    entry = scene.audit()[-1]
    assert (entry.act, entry.rule, entry.details) == (f"{act}.refused", "E1", {"reasons": ["quota_spent"]})


@each
def test_what_is_refused_does_not_count(scene: Scene, act: Act) -> None:
    """E1: an unknown or hidden candidate uses nothing up, and is the same 404 when all is used up."""
    limit_to(scene, "1/day")
    with scene.db.transaction() as session:
        hidden = a_candidate(session, "hidden").id
    with pytest.raises(NotFoundError):
        ACTS[act](scene, hidden)
    assert used(scene) == []
    ACTS[act](scene)
    with pytest.raises(NotFoundError):
        ACTS[act](scene, hidden)


@pytest.mark.parametrize("act", [Act.EMAIL, Act.CV_DOWNLOAD])
def test_what_a_minor_keeps_does_not_count(scene: Scene, act: Act) -> None:
    """C3, E1: neither address nor file of a minor is given, so nothing is used up."""
    limit_to(scene, "1/day")
    with scene.db.transaction() as session:
        minor = a_candidate(session, "minor_with_consent").id
    with pytest.raises(NotAllowedError):
        ACTS[act](scene, minor)
    assert used(scene) == []


def request(scene: Scene, candidate_id: UUID, key: str | None = None) -> messages.MadeContact:
    with scene.gate() as session:
        return messages.request_contact(
            session, scene.now, scene.settings, scene.recruiter_account, candidate_id,
            opening_id=scene.opening.id, message="Bonjour", idempotency_key=key,
        )  # fmt: skip


def test_a_retry_and_a_second_contact_count_once(scene: Scene) -> None:
    """E1, F-07: a replayed key counts nothing, even when all is used up; nor does what is a 409."""
    limit_to(scene, "2/day")
    made = request(scene, scene.candidate_id, "key-1")
    assert request(scene, scene.candidate_id, "key-1").id == made.id
    with pytest.raises(ConflictError):
        request(scene, scene.candidate_id)
    assert used(scene) == ["CONTACT"]
    fill(scene, "CONTACT", 1)
    assert request(scene, scene.candidate_id, "key-1").id == made.id


def test_sixty_contacts_at_once(scene: Scene, database_url: str, ports: Ports, mail_sink: MailSink) -> None:
    """C-07: 60 parallel contacts with a quota of 20: exactly 20 rows and 20 mails."""
    limit_to(scene, "20/day")
    with scene.db.transaction() as session:
        people = [a_candidate(session).id for _ in range(60)]
    scene.db = Database(database_url, pool_size=10)

    def attempt(candidate_id: UUID) -> bool:
        try:
            request(scene, candidate_id)
        except TooManyRequestsError:
            return False
        return True

    with ThreadPoolExecutor(10) as pool:
        assert sum(pool.map(attempt, people)) == 20
    scene.db.dispose()
    with ports.db.reading() as session:
        counts = [
            session.scalar(select(func.count()).select_from(table))
            for table in (Contact, Disclosure, QuotaUse)
        ]
    assert counts == [20, 20, 20]
    while deliver_due_mails(ports):
        pass
    assert len(mail_sink.sent) == 20


def test_a_company_shares_three_times_the_quota(scene: Scene, database_url: str) -> None:
    """C-07, E1: four recruiters of one company at once have three times the quota of one together."""
    limit_to(scene, "5/day")
    with scene.db.transaction() as session:
        people = [a_candidate(session).id for _ in range(10)]
        own = session.get_one(Recruiter, scene.recruiter_id)
        company = session.get_one(Company, own.company_id)
        others = [own, *(a_recruiter(session, company=company) for _ in range(3))]
        openings = {row.account_id: an_opening(session, row).id for row in others}
    scene.db = Database(database_url, pool_size=8)

    def attempt(pair: tuple[UUID, UUID]) -> bool:
        account_id, candidate_id = pair
        try:
            with gate(scene.db, scene.now) as session:
                messages.request_contact(
                    session, scene.now, scene.settings, account_id, candidate_id,
                    opening_id=openings[account_id], message="Bonjour",
                )  # fmt: skip
        except TooManyRequestsError:
            return False
        return True

    pairs = [(account, person) for person in people for account in openings]
    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(attempt, pairs)) == 15
    scene.db.dispose()
