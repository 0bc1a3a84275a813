"""Registration, opt-in, withdrawal, pause (rules A1, C2, C3, C7, D5)."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace.accounts.models import Account, Role
from marketplace.accounts.registration import Registration
from marketplace.audit import AuditEntry
from marketplace.candidates import index_rows, queries, services
from marketplace.candidates.lifecycle import CandidateState
from marketplace.candidates.models import Candidate
from marketplace.errors import ConflictError, InvalidInputError
from marketplace.outbox import OutboxMessage
from marketplace.terms import queries as terms
from marketplace.terms import services as terms_services
from marketplace.terms.models import Consent, DocumentKind
from marketplace.terms.services import AcceptedVersion
from tests.builders import a_candidate, a_right_to_work, an_account

PASSWORD = "correct horse battery staple"


@pytest.fixture
def session(session: Session, now: datetime) -> Session:
    terms_services.publish_builtin(session, now)
    session.flush()
    return session


def consent_hash(session: Session, now: datetime, language: str = "fr") -> str:
    return terms.consent_in_force(session, now.date(), language).text_hash


def registration(session: Session, now: datetime, birth_date: date) -> Registration:
    documents = terms.required_documents(session, Role.CANDIDATE, "fr", now.date())
    return Registration(
        first_name="Ana",
        last_name="Silva",
        birth_date=birth_date,
        email=f"{uuid4().hex}@example.org",
        password=PASSWORD,
        language="fr",
        acceptances=[AcceptedVersion(item.document.value, item.version) for item in documents],
    )


def opt_in(session, now, settings, candidate: Candidate, text_hash: str | None = None) -> None:
    services.opt_in(
        session, now, settings, candidate.account_id, text_hash or consent_hash(session, now), "portal"
    )


def withdraw(session, now, settings, candidate: Candidate) -> list[UUID]:
    told: list[UUID] = []
    services.withdraw(
        session, now, settings, candidate.account_id, "portal", lambda *given: told.append(given[-1])
    )
    return told


def fresh(session: Session, candidate: Candidate) -> Candidate:
    session.flush()
    return session.scalars(
        select(Candidate).where(Candidate.id == candidate.id).execution_options(populate_existing=True)
    ).one()


@pytest.mark.parametrize(
    ("birth_date", "protected", "state"),
    [
        (date(2010, 11, 23), False, "restricted"),
        (date(2008, 11, 24), False, "restricted"),
        (date(2008, 11, 23), False, "incomplete"),
        (date(2008, 11, 22), False, "incomplete"),
        (date(1990, 1, 1), True, "restricted"),
    ],
)
def test_registration(session, now, settings, birth_date: date, protected: bool, state: str) -> None:
    """A1: from 16 until the day before 18, or under protection, an account starts restricted."""
    account_id = services.register_candidate(
        session, now, settings, registration(session, now, birth_date), is_protected=protected
    )
    assert account_id is not None
    facts = services.member_facts(session, account_id)
    assert facts.state == state
    assert facts.candidate_id == queries.candidate_id_of(session, account_id)


def test_nobody_under_sixteen(session, now, settings) -> None:
    """A1: one day before the 16th birthday nothing is stored."""
    with pytest.raises(InvalidInputError) as refused:
        services.register_candidate(session, now, settings, registration(session, now, date(2010, 11, 24)))
    assert refused.value.errors[0].code == "too_young"
    assert session.scalars(select(Account)).all() == session.scalars(select(Candidate)).all() == []


def test_new_candidates_are_in_no_search(session, now, settings) -> None:
    """P-01: off by default: a new candidate is visible to nobody and has no consent."""
    account_id = services.register_candidate(
        session, now, settings, registration(session, now, date(2000, 1, 1))
    )
    assert account_id is not None
    standing = services.standing(session, now, settings, account_id)
    assert not standing.is_visible
    assert standing.opt_in is None
    assert index_rows.count_searchable(session, "FR") == 0


def test_opting_in_is_recorded(session, now, settings) -> None:
    """C2, P-01: the consent record says who, when, through what, to which text."""
    candidate = a_candidate(session, "hidden")
    opt_in(session, now, settings, candidate)
    consent = session.scalars(select(Consent)).one()
    text = terms.consent_in_force(session, now.date(), "fr")
    assert (consent.account_id, consent.given_at, consent.channel) == (candidate.account_id, now, "portal")
    assert (consent.text_hash, consent.version, consent.language) == (text.text_hash, text.version, "fr")
    assert consent.withdrawn_at is None
    assert fresh(session, candidate).state == CandidateState.SEARCHABLE
    message = session.scalars(select(OutboxMessage)).one()
    assert (message.topic, message.subject, message.lowers_visibility) == (
        "candidate.changed", str(candidate.id), False,
    )  # fmt: skip
    acts = session.scalars(select(AuditEntry.act).where(AuditEntry.subject_kind == "candidate")).all()
    assert acts == ["opt_in.given"]


def test_opting_in_twice_changes_nothing(session, now, settings) -> None:
    """C2: a second opt-in is no second consent."""
    candidate = a_candidate(session, "hidden")
    opt_in(session, now, settings, candidate)
    version = fresh(session, candidate).version
    opt_in(session, now + timedelta(days=1), settings, candidate)
    assert len(session.scalars(select(Consent)).all()) == 1
    assert fresh(session, candidate).version == version


def test_only_the_text_in_force_counts(session, now, settings) -> None:
    """C2: the hash of another text, or of none, is refused; either language of the one in force is fine."""
    candidate = a_candidate(session, "hidden")
    with pytest.raises(InvalidInputError) as refused:
        opt_in(session, now, settings, candidate, "0" * 64)
    assert [fault.field for fault in refused.value.errors] == ["consent_hash"]
    old = consent_hash(session, now)
    terms_services.publish(session, now, DocumentKind.CONSENT_SEARCH, "fr", "# Nouveau", now.date())
    with pytest.raises(InvalidInputError):
        opt_in(session, now, settings, candidate, old)
    opt_in(session, now, settings, candidate, consent_hash(session, now, "en"))
    assert fresh(session, candidate).state == CandidateState.SEARCHABLE


def test_opting_in_too_early_lists_what_is_missing(session, now, settings) -> None:
    """C7: before everything is there opting in is a 422 that lists it all."""
    candidate = a_candidate(session, "incomplete")
    with pytest.raises(InvalidInputError) as refused:
        opt_in(session, now, settings, candidate)
    assert [fault.field for fault in refused.value.errors] == [
        "country", "region", "job_fields", "start_on", "right_to_work", "cv",
    ]  # fmt: skip
    assert {fault.code for fault in refused.value.errors} == {"missing"}
    assert fresh(session, candidate).state == CandidateState.INCOMPLETE


@pytest.mark.parametrize("trait", ["minor", "minor_with_consent"])
def test_minors_need_a_guardian(session, now, settings, trait) -> None:
    """C3, P-03: without live consent the guardian is what is missing; with it the opt-in counts."""
    candidate = a_candidate(session, trait, state=CandidateState.RESTRICTED, opted_in_at=None)
    if trait == "minor":
        with pytest.raises(InvalidInputError) as refused:
            opt_in(session, now, settings, candidate)
        assert [fault.field for fault in refused.value.errors] == ["guardian_consent"]
        assert fresh(session, candidate).state == CandidateState.RESTRICTED
    else:
        opt_in(session, now, settings, candidate)
        assert services.standing(session, now, settings, candidate.account_id).is_visible


@pytest.mark.parametrize(("day", "is_ok"), [(1, False), (2, True), (3, True)])
def test_at_eighteen_the_person_decides(session, settings, now, day: int, is_ok: bool) -> None:
    """A1, C3: on the 18th birthday the restriction ends, and an own opt-in is possible."""
    candidate = a_candidate(session, "minor")
    at = datetime(2027, 3, day, tzinfo=now.tzinfo)
    if is_ok:
        opt_in(session, at, settings, candidate)
        standing = services.standing(session, at, settings, candidate.account_id)
        assert standing.is_visible
        assert standing.visible_until_on == date(2027, 11, 29)
    else:
        with pytest.raises(InvalidInputError):
            opt_in(session, at, settings, candidate)


def test_an_opt_in_given_as_a_minor_is_renewed_at_eighteen(session, settings, now) -> None:
    """C3: the lapsed opt-in of a minor is replaced by the adult's own, recorded anew."""
    candidate = a_candidate(session, "minor_with_consent")
    at = datetime(2027, 3, 2, tzinfo=now.tzinfo)
    assert not services.standing(session, at, settings, candidate.account_id).is_visible
    opt_in(session, at, settings, candidate)
    assert services.standing(session, at, settings, candidate.account_id).is_visible
    assert len(session.scalars(select(Consent)).all()) == 2
    assert len(session.scalars(select(Consent).where(Consent.withdrawn_at.is_(None))).all()) == 1


@pytest.mark.parametrize("state", ["searchable", "paused", "found"])
def test_withdrawing(session, now, settings, state: str) -> None:
    """C2, D5: one act hides, ends the consent, tells the holders of copies, and lowers visibility at once."""
    candidate = a_candidate(session)
    candidate.state = CandidateState(state)
    assert withdraw(session, now, settings, candidate) == [candidate.id]
    candidate = fresh(session, candidate)
    assert candidate.state == CandidateState.HIDDEN
    assert candidate.opted_in_at is None
    assert session.scalars(select(Consent.withdrawn_at)).one() == now
    message = session.scalars(select(OutboxMessage).where(OutboxMessage.topic == "candidate.changed")).one()
    assert message.lowers_visibility is (state == "searchable")
    assert index_rows.pending_lower_keys(session, "FR") == (
        {candidate.key} if state == "searchable" else set()
    )
    assert withdraw(session, now, settings, candidate) == []


def test_withdrawing_while_suspended(session, now, settings) -> None:
    """C2: a withdrawal is possible in every state; a suspension stays one."""
    candidate = a_candidate(session)
    candidate.state = CandidateState.SUSPENDED
    withdraw(session, now, settings, candidate)
    assert fresh(session, candidate).state == CandidateState.SUSPENDED
    assert services.live_opt_in(session, candidate.account_id) is None


def test_pending_changes_end_with_the_message(session, now, settings) -> None:
    """G: the id is left out exactly until the index has acknowledged the change."""
    candidate = a_candidate(session)
    withdraw(session, now, settings, candidate)
    message = session.scalars(select(OutboxMessage).where(OutboxMessage.topic == "candidate.changed")).one()
    assert index_rows.pending_lower_keys(session, "GB") == frozenset()
    message.done_at = now
    assert index_rows.pending_lower_keys(session, "FR") == frozenset()


def test_pausing_and_resuming(session, now, settings) -> None:
    """C7: a pause hides at once and keeps the opt-in; resuming is searchable again and confirms."""
    candidate = a_candidate(session)
    services.pause(session, now, candidate.account_id)
    assert fresh(session, candidate).state == CandidateState.PAUSED
    assert index_rows.pending_lower_keys(session, "FR") == {candidate.key}
    services.pause(session, now, candidate.account_id)
    services.resume(session, now, settings, candidate.account_id)
    candidate = fresh(session, candidate)
    assert candidate.state == CandidateState.SEARCHABLE
    assert candidate.profile_confirmed_at == now
    assert len(session.scalars(select(Consent)).all()) == 1


def test_found_and_looking_again_without_consent(session, now, settings) -> None:
    """C2, C7: who resumes without a live opt-in comes back hidden, and is asked."""
    candidate = a_candidate(session)
    services.report_found(session, now, candidate.account_id)
    assert fresh(session, candidate).state == CandidateState.FOUND
    candidate.opted_in_at = None
    services.resume(session, now, settings, candidate.account_id)
    assert fresh(session, candidate).state == CandidateState.HIDDEN
    with pytest.raises(ConflictError):
        services.resume(session, now, settings, candidate.account_id)
    with pytest.raises(ConflictError):
        services.pause(session, now, candidate.account_id)


@pytest.mark.parametrize("act", ["opt_in", "pause", "resume"])
def test_closed_accounts_change_nothing(session, now, settings, act: str) -> None:
    """C7: a suspended candidate neither opts in nor pauses nor resumes."""
    candidate = a_candidate(session, "suspended")
    acts = {
        "opt_in": lambda: opt_in(session, now, settings, candidate),
        "pause": lambda: services.pause(session, now, candidate.account_id),
        "resume": lambda: services.resume(session, now, settings, candidate.account_id),
    }
    with pytest.raises(ConflictError):
        acts[act]()


def test_a_new_name_is_scrubbed(session, now) -> None:
    """C4: after a change of name headline, skills and CV text are scrubbed of the new one."""
    account = an_account(session, first_name="Zoé", last_name="Petit")
    candidate = a_candidate(
        session, account=account, cv_text="Python, projet de Anaïs Lambert",
        headline="Anaïs, développeuse", headline_scrubbed="Anaïs, développeuse",
        other_skills=["Lambert", "vélo"],
    )  # fmt: skip
    account.first_name, account.last_name = "Anaïs", "Lambert"
    session.flush()
    services.member_renamed(session, now, candidate.account_id)
    row = index_rows.document_rows(session, [candidate.key])[0]
    assert "Anaïs" not in row.headline + row.cv_text
    assert row.other_skills == ("vélo",)
    assert row.version == 2


def test_email_confirmation_is_a_sign_of_life(session, now) -> None:
    """C7: confirming the address counts as a sign of life and opens nothing."""
    candidate = a_candidate(session, "incomplete", last_sign_of_life_at=now - timedelta(days=9))
    services.email_confirmed(session, now, candidate.account_id)
    candidate = fresh(session, candidate)
    assert (candidate.last_sign_of_life_at, candidate.state) == (now, CandidateState.INCOMPLETE)


def test_standing_names_the_countries(session, now, settings) -> None:
    """D2: the candidate is told for which countries searches list them."""
    candidate = a_candidate(session, work_countries=("FR",))
    a_right_to_work(session, candidate, "GB", expires_on=date(2027, 8, 31))
    assert services.standing(session, now, settings, candidate.account_id).works_in == ("FR",)
