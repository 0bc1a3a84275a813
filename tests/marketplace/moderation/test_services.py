"""Suspending, lifting and giving back, on the locked account, each with its audit entry and mail."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import delete, select, update

from marketplace.accounts.models import Account, MailToken, TokenPurpose
from marketplace.accounts.password_changes import request_password_reset
from marketplace.accounts.tokens import issue_token
from marketplace.candidates import services as candidates
from marketplace.candidates.lifecycle import CandidateState
from marketplace.candidates.models import CV, Candidate
from marketplace.contacts.services import candidate_withdrew
from marketplace.errors import ConflictError, InvalidInputError, NotFoundError
from marketplace.mail import MailSink
from marketplace.mail_delivery import deliver_due_mails
from marketplace.moderation import services
from marketplace.moderation.models import Sanction
from marketplace.moderation.services import reinstate_if_due
from marketplace.moderation.tasks import reinstate_due
from marketplace.recruiters import inactivity, reviews
from marketplace.recruiters.models import Company, CompanyState, Recruiter
from tests.marketplace.moderation.conftest import DAY, Court, a_measure

TICK = timedelta(microseconds=1)
BOTH = pytest.mark.parametrize("who", ["recruiter", "candidate"])


@BOTH
def test_suspending(court: Court, who: str) -> None:
    """E5: state, statement, audit entries and mail in one act; the account says by what and until when."""
    until = court.now + 7 * DAY
    sanction_id = court.suspend(who, until)
    row = court.sanction(sanction_id)
    assert (row.kind, row.role, row.until, row.decided_by) == ("suspend", who, until, court.admin)
    assert (row.clause, row.reason) == ("Special Terms, section 4", "Candidates are at risk.")
    assert row.facts.splitlines()[1] == "Answered no question about it."
    assert row.state_before == ("active" if who == "recruiter" else "searchable")
    assert court.state(who) == "suspended"
    account = court.account(who)
    assert (account.suspended_by, account.suspended_until) == (sanction_id, until)
    assert court.acts() == [f"{who}.suspended", "sanction.imposed"]
    assert court.mails() == ["sanction_imposed"]


@BOTH
def test_reinstatement_by_the_clock(court: Court, who: str) -> None:
    """E5: just before the end nothing moves; at it the member is back where they were, and told once."""
    before = court.state(who)
    sanction_id = court.suspend(who, court.now + DAY)
    court.ports.clock.advance(DAY - TICK)  # type: ignore[attr-defined]
    assert reinstate_due(court.ports) == 0
    assert court.state(who) == "suspended"
    court.ports.clock.advance(TICK)  # type: ignore[attr-defined]
    assert reinstate_due(court.ports) == 1
    assert reinstate_due(court.ports) == 0
    assert court.state(who) == before
    assert court.account(who).suspended_by is None
    assert court.sanction(sanction_id).ended_at == court.now
    assert court.mails() == ["sanction_imposed", "suspension_ended"]
    assert court.acts()[2:] == ["sanction.ended", f"{who}.reinstated"]


@BOTH
def test_lifting(court: Court, who: str) -> None:
    """E5: lifted with a reason, by whom and when, the member is back at once, and told."""
    before = court.state(who)
    sanction_id = court.suspend(who)
    court.ports.clock.advance(DAY)  # type: ignore[attr-defined]
    court.lift(sanction_id, "It was somebody else.")
    row = court.sanction(sanction_id)
    assert (row.lifted_at, row.lifted_by, row.lift_reason) == (
        court.now,
        court.admin,
        "It was somebody else.",
    )
    assert court.state(who) == before
    assert court.account(who).suspended_by is None
    assert court.mails() == ["sanction_imposed", "sanction_lifted"]
    assert court.acts()[2:] == ["sanction.lifted", f"{who}.reinstated"]


@BOTH
def test_lifting_twice_is_harmless(court: Court, who: str) -> None:
    """M-01: a second lift, or one after the end, changes and mails nothing; a later sanction stays."""
    first = court.suspend(who)
    court.lift(first)
    acts, mails = court.acts(), court.mails()
    court.lift(first, "Again.")
    assert (court.acts(), court.mails()) == (acts, mails)
    assert court.sanction(first).lift_reason == "A mistake."
    second = court.suspend(who, court.now + DAY)
    court.lift(first, "Again.")
    assert court.account(who).suspended_by == second
    court.ports.clock.advance(DAY)  # type: ignore[attr-defined]
    court.lift(second)
    assert court.sanction(second).lifted_at is None, "it had run out"
    assert court.account(who).suspended_by is None


@BOTH
@pytest.mark.parametrize("longer_first", [True, False])
def test_of_two_the_stricter_counts(court: Court, who: str, longer_first: bool) -> None:
    """E5: suspended for a day and for good, in either order: the day's end frees nobody, the lift does."""
    before = court.state(who)
    ends = [None, court.now + DAY] if longer_first else [court.now + DAY, None]
    made = {end: court.suspend(who, end) for end in ends}
    assert court.account(who).suspended_by == made[None]
    assert {court.sanction(key).state_before for key in made.values()} == {before}
    court.ports.clock.advance(DAY)  # type: ignore[attr-defined]
    assert reinstate_due(court.ports) == 0
    assert court.state(who) == "suspended"
    court.lift(made[None])
    assert court.state(who) == before


@BOTH
def test_lifting_the_stricter_leaves_the_other(court: Court, who: str) -> None:
    """E5: the weaker one goes on to its own end, and then gives back what the first one left."""
    before = court.state(who)
    day, good = court.suspend(who, court.now + DAY), court.suspend(who)
    court.lift(good)
    account = court.account(who)
    assert (account.suspended_by, account.suspended_until) == (day, court.now + DAY)
    assert court.state(who) == "suspended"
    court.ports.clock.advance(DAY)  # type: ignore[attr-defined]
    assert reinstate_due(court.ports) == 1
    assert court.state(who) == before


@BOTH
def test_a_new_one_after_an_end_that_nobody_wrote_down(court: Court, who: str) -> None:
    """E5: with the beat away for days, the state remembered is still that before the first one."""
    before = court.state(who)
    first = court.suspend(who, court.now + DAY)
    court.ports.clock.advance(3 * DAY)  # type: ignore[attr-defined]
    second = court.suspend(who, court.now + DAY)
    assert court.sanction(first).ended_at == court.now
    assert court.sanction(second).state_before == before
    assert court.account(who).suspended_by == second


@pytest.mark.parametrize("state", ["pending_review", "active", "notified"])
def test_a_recruiter_comes_back_exactly(court: Court, state: str) -> None:
    """E5, B4: to the state that was left, whichever; activity is not touched, so B5's clock goes on."""
    court.change(Recruiter, court.recruiter_id, state=state, review_reasons=["mandate"])
    if state == "notified":
        court.notify()
    activity = court.account("recruiter").last_activity_at
    sanction_id = court.suspend("recruiter")
    assert court.state("recruiter") == "suspended"
    court.lift(sanction_id)
    assert court.state("recruiter") == state
    assert court.account("recruiter").last_activity_at == activity


def test_notices_cleared_meanwhile_stay_cleared(court: Court) -> None:
    """B5, E5: who was suspended with a notice and has signed in since comes back active."""
    court.change(Recruiter, court.recruiter_id, state="notified")
    court.notify()
    sanction_id = court.suspend("recruiter")
    with court.ports.db.transaction() as session:
        inactivity.signed_in(session, court.now, court.account("recruiter").id)
    court.lift(sanction_id)
    assert court.state("recruiter") == "active"


@pytest.mark.parametrize("state", ["pending_confirmation", "deletion_pending", "closed", "purged"])
def test_a_recruiter_who_cannot_be_suspended(court: Court, state: str) -> None:
    """B4: who is not in yet, or leaves, is a conflict, and nothing is stored."""
    court.change(Recruiter, court.recruiter_id, state=state)
    with pytest.raises(ConflictError):
        court.suspend("recruiter")
    assert court.account("recruiter").suspended_by is None
    assert court.acts() == court.mails() == []


def test_a_company_verified_meanwhile(court: Court) -> None:
    """B3, E5: who waited for the company comes back active when it was verified during the suspension."""
    company_id = court.row(Recruiter, court.recruiter_id).company_id
    court.change(Recruiter, court.recruiter_id, state="pending_review")
    court.change(Company, company_id, state=CompanyState.PENDING_REVIEW)
    sanction_id = court.suspend("recruiter")
    with court.ports.db.transaction() as session:
        reviews.decide_company(session, court.now, court.admin, company_id, reviews.VERIFY, "Register read.")
    assert court.state("recruiter") == "suspended"
    court.lift(sanction_id)
    assert court.state("recruiter") == "active"


STATES: dict[str, dict[str, Any]] = {
    "incomplete": {"country": None, "opted_in_at": None},
    "hidden": {"opted_in_at": None},
    "searchable": {},
    "restricted": {"is_protected": True, "opted_in_at": None},
    "paused": {"pause_due_on": date(2027, 1, 1)},
    "found": {},
    "deletion_pending": {"opted_in_at": None},
}


@pytest.mark.parametrize("state", STATES)
def test_a_candidate_comes_back_exactly(court: Court, state: str) -> None:
    """E5, C7: from every state a candidate can be suspended in, the profile is afterwards as before."""
    court.change(Candidate, court.candidate_id, state=state, **STATES[state])
    before = court.row(Candidate, court.candidate_id)
    sanction_id = court.suspend("candidate", court.now + DAY)
    assert court.state("candidate") == "suspended"
    court.lift(sanction_id)
    after = court.row(Candidate, court.candidate_id)
    ignored = {"version", "state_changed_at", "_sa_instance_state"}
    assert {k: v for k, v in vars(after).items() if k not in ignored} == {
        k: v for k, v in vars(before).items() if k not in ignored
    }
    assert after.version == before.version + 2


def _withdraws(court: Court) -> None:
    with court.ports.db.transaction() as session:
        candidates.withdraw(
            session, court.now, court.ports.settings, court.candidate, "portal", candidate_withdrew
        )


def _loses_the_cv(court: Court) -> None:
    with court.ports.db.transaction() as session:
        session.execute(delete(CV).where(CV.candidate_id == court.candidate_id))


def _needs_a_guardian(court: Court) -> None:
    court.change(Candidate, court.candidate_id, is_protected=True, guardian_consent_until=None)


@pytest.mark.parametrize(
    ("state", "meanwhile", "after"),
    [
        ("searchable", _withdraws, "hidden"), ("paused", _withdraws, "hidden"),
        ("found", _withdraws, "hidden"),
        ("searchable", _loses_the_cv, "incomplete"), ("hidden", _loses_the_cv, "incomplete"),
        ("searchable", _needs_a_guardian, "restricted"),
    ],
)  # fmt: skip
def test_what_was_given_up_meanwhile_stays_given_up(
    court: Court, state: str, meanwhile: Any, after: str
) -> None:
    """E5, C2, C3: without opt-in hidden, with a gap incomplete, without the guardian restricted."""
    court.change(Candidate, court.candidate_id, state=state)
    sanction_id = court.suspend("candidate")
    meanwhile(court)
    assert court.state("candidate") == "suspended"
    court.lift(sanction_id)
    assert court.state("candidate") == after


def test_an_erased_candidate_is_a_conflict(court: Court) -> None:
    """C7: nothing follows erasure."""
    court.change(Candidate, court.candidate_id, state=CandidateState.ERASED)
    with pytest.raises(ConflictError):
        court.suspend("candidate")
    assert court.acts() == []


@BOTH
def test_who_left_the_suspension_otherwise_stays_there(court: Court, who: str) -> None:
    """B4, C7: an account on its way out is not pulled back by the end of a suspension."""
    court.suspend(who, court.now + DAY)
    kind, key = (Recruiter, court.recruiter_id) if who == "recruiter" else (Candidate, court.candidate_id)
    court.change(kind, key, state="deletion_pending")
    court.ports.clock.advance(DAY)  # type: ignore[attr-defined]
    assert reinstate_due(court.ports) == 1
    assert court.state(who) == "deletion_pending"
    assert court.account(who).suspended_by is None


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("kind", "whip", "unknown_kind"), ("clause", "  ", "required"), ("facts", "", "required"),
        ("reason", "\n", "required"), ("clause", "x" * 201, "too_long"), ("facts", "x" * 4001, "too_long"),
        ("reason", "x" * 4001, "too_long"), ("facts", "a\u202eb", "unreadable"),
    ],
)  # fmt: skip
def test_a_statement_says_everything(court: Court, field: str, value: str, code: str) -> None:
    """M-01: without clause, facts and reason that can be read nothing is done."""
    with pytest.raises(InvalidInputError) as refused:
        court.suspend("recruiter", None, **{field: value})
    assert [(fault.field, fault.code) for fault in refused.value.errors] == [(field, code)]
    assert court.state("recruiter") == "active"


@pytest.mark.parametrize("length", [(200, "clause"), (4000, "facts"), (4000, "reason")])
def test_the_longest_statement(court: Court, length: tuple[int, str]) -> None:
    """M-01: the longest texts are taken."""
    court.suspend("recruiter", None, **{length[1]: "x" * length[0]})
    assert court.state("recruiter") == "suspended"


def test_an_end_in_the_past_is_refused(court: Court) -> None:
    """E5: the end has to be ahead."""
    with pytest.raises(InvalidInputError) as refused:
        court.suspend("recruiter", court.now)
    assert [fault.field for fault in refused.value.errors] == ["until"]
    with pytest.raises(InvalidInputError):
        court.lift(court.suspend("recruiter"), " ")


def test_ids_that_nobody_has(court: Court) -> None:
    """Z-02: a candidate is no recruiter, by neither of their ids, and an admin is neither of both."""
    with court.ports.db.transaction() as session:
        given = (session, court.now, court.ports.settings, court.admin)
        for nobody in (court.candidate_id, court.candidate, court.admin):
            with pytest.raises(NotFoundError):
                services.suspend_recruiter(*given, nobody, a_measure())
        for nobody in (court.recruiter_id, court.recruiter, court.admin):
            with pytest.raises(NotFoundError):
                services.suspend_candidate(*given, nobody, a_measure())
        with pytest.raises(NotFoundError):
            services.lift(*given, court.recruiter_id, "x")
        assert reinstate_if_due(session, court.now, court.ports.settings, court.recruiter_id) is False


def test_a_pending_reset_link_is_void(court: Court, mail_sink: MailSink) -> None:
    """R-01: a link that was mailed, or waits to be, is worth nothing after a suspension; a new one works."""
    account = court.account("recruiter")
    with court.ports.db.transaction() as session:
        issue_token(session, court.now, account.id, TokenPurpose.RESET_PASSWORD, timedelta(minutes=30))
        request_password_reset(session, court.now, account.email)
        issue_token(session, court.now, account.id, TokenPurpose.RESET_PASSWORD, timedelta(minutes=30))
    court.suspend("recruiter")
    with court.ports.db.transaction() as session:
        assert session.scalars(select(MailToken)).all() == []
    deliver_due_mails(court.ports)
    assert [mail.subject for mail in mail_sink.sent] == ["Your account is suspended"]
    court.ports.clock.advance(TICK)  # type: ignore[attr-defined]
    with court.ports.db.transaction() as session:
        request_password_reset(session, court.now, account.email)
    deliver_due_mails(court.ports)
    assert [mail.subject for mail in mail_sink.sent][1:] == ["Set a new password"]


def test_one_that_fails_keeps_nobody_waiting(court: Court) -> None:
    """F-06: a member whose rows are broken is logged and tried again; the next one is reinstated."""
    court.suspend("recruiter", court.now + DAY)
    court.suspend("candidate", court.now + 2 * DAY)
    with court.ports.db.transaction() as session:
        session.execute(update(Sanction).where(Sanction.role == "recruiter").values(state_before="nonsense"))
    court.ports.clock.advance(2 * DAY)  # type: ignore[attr-defined]
    assert reinstate_due(court.ports) == 1
    assert court.state("candidate") == "searchable"
    assert court.account("recruiter").suspended_by is not None


def test_a_sweep_after_ten_days_off(court: Court) -> None:
    """E5: the scheduler was away: one run reinstates everybody, and mails each of them once."""
    court.suspend("recruiter", court.now + DAY)
    court.suspend("candidate", court.now + 3 * DAY)
    court.ports.clock.advance(10 * DAY)  # type: ignore[attr-defined]
    assert reinstate_due(court.ports) == 2
    assert (court.state("recruiter"), court.state("candidate")) == ("active", "searchable")
    assert court.mails().count("suspension_ended") == 2


def test_now_is_an_argument(court: Court) -> None:
    """E5: who asks with an earlier instant frees nobody."""
    sanction_id = court.suspend("candidate", court.now + DAY)
    earlier: datetime = court.now
    with court.ports.db.transaction() as session:
        assert reinstate_if_due(session, earlier, court.ports.settings, court.candidate) is False
        account = session.get_one(Account, court.candidate)
        assert account.suspended_by == sanction_id
