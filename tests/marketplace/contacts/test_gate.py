"""The gate: who may not be known is unknown, who may not act is told why, and both are audited (rules D3)."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from itertools import product
from uuid import uuid4

import pytest

from marketplace.candidates.lifecycle import CandidateState
from marketplace.candidates.models import Candidate, RightToWork
from marketplace.contacts import disclosures, opening_queries
from marketplace.contacts.policy import Act, Reason
from marketplace.errors import ContactNotAllowedError, InvalidInputError, NotFoundError
from marketplace.recruiters.lifecycle import CompanyState, RecruiterState
from marketplace.recruiters.models import Company, Recruiter
from tests.builders import a_block, a_candidate, an_exclusion, an_opening
from tests.marketplace.contacts.conftest import ACTS, Scene, every_act


@pytest.mark.parametrize("act", [Act.CV_TEXT, Act.EMAIL, Act.CONTACT, Act.CV_DOWNLOAD])
@pytest.mark.parametrize(("lives", "works"), list(product(("FR", "GB", "US"), repeat=2)))
def test_country_matrix(scene: Scene, lives: str, works: str, act: Act) -> None:
    """C-04, D2: the acts work only where candidate and recruiter share the country."""
    with scene.db.transaction() as session:
        candidate = a_candidate(session, country=lives, work_countries=("FR", "GB", "US"))
        session.get_one(Recruiter, scene.recruiter_id).work_country = works
        candidate_id = candidate.id
    if lives == works:
        ACTS[act](scene, candidate_id)
        assert len(scene.ledger()) == 1
    else:
        with pytest.raises(NotFoundError):
            ACTS[act](scene, candidate_id)
        assert scene.ledger() == []


@pytest.mark.parametrize(("days", "allowed"), [(-1, False), (0, True), (1, True)])
def test_expired_permit(scene: Scene, days: int, allowed: bool) -> None:
    """C-05, G: a permit that ended yesterday stops the contact with a reason; today and tomorrow do not."""
    today = scene.now.date()
    scene.change(Candidate, scene.candidate_id, start_day=today - timedelta(days=10), start_is_month=False)
    with scene.db.transaction() as session:
        right = session.get_one(RightToWork, (scene.candidate_id, "FR"))
        right.expires_on = today + timedelta(days=days)
    if allowed:
        scene.contact()
    else:
        with pytest.raises(ContactNotAllowedError) as refused:
            scene.contact()
        assert refused.value.reasons == ("no_right_to_work",)
        opened = scene.open_profile()
        assert opened.contact.shown == (Reason.NO_RIGHT_TO_WORK,)


def test_the_job_country_picks_the_permit_alone(scene: Scene) -> None:
    """C-05, D2: an opening elsewhere needs the right to work there, whatever the recruiter's country."""
    with scene.db.transaction() as session:
        recruiter = session.get_one(Recruiter, scene.recruiter_id)
        abroad = opening_queries.opening_view(an_opening(session, recruiter, job_country="US"))
    with pytest.raises(ContactNotAllowedError):
        scene.contact(opening=abroad)
    with pytest.raises(ContactNotAllowedError):
        scene.read_text(job_country="US")
    assert scene.open_profile(job_country="US").contact.shown == (Reason.NO_RIGHT_TO_WORK,)
    with pytest.raises(InvalidInputError):
        scene.open_profile(job_country="DE")


def _withdrawn(scene: Scene) -> None:
    scene.change(Candidate, scene.candidate_id, state=CandidateState.HIDDEN, opted_in_at=None)


def _moved(scene: Scene) -> None:
    scene.change(Candidate, scene.candidate_id, country="GB")


def _excluded_by_domain(scene: Scene) -> None:
    with scene.db.transaction() as session:
        an_exclusion(session, session.get_one(Candidate, scene.candidate_id), domain="acme-industries.fr")


def _excluded_by_company(scene: Scene) -> None:
    with scene.db.transaction() as session:
        an_exclusion(session, session.get_one(Candidate, scene.candidate_id), company_id=scene.company_id)


def _blocked(scene: Scene) -> None:
    with scene.db.transaction() as session:
        a_block(session, session.get_one(Candidate, scene.candidate_id), recruiter_id=scene.recruiter_id)


def _blocked_company(scene: Scene) -> None:
    with scene.db.transaction() as session:
        a_block(session, session.get_one(Candidate, scene.candidate_id), company_id=scene.company_id)


HIDING: dict[Callable[[Scene], None], str] = {
    _withdrawn: "not_searchable",
    _moved: "other_country",
    _excluded_by_domain: "company_excluded",
    _excluded_by_company: "company_excluded",
    _blocked: "recruiter_blocked",
    _blocked_company: "recruiter_blocked",
}


@every_act
@pytest.mark.parametrize("hide", HIDING)
def test_reasons_of_the_candidate_look_like_an_unknown_id(
    scene: Scene, act: Act, hide: Callable[[Scene], None]
) -> None:
    """D3, Z-02: withdrawn, moved, excluding, blocking and unknown are one plain 404, and all are audited."""
    hide(scene)
    with pytest.raises(NotFoundError) as hidden:
        ACTS[act](scene)
    with pytest.raises(NotFoundError) as unknown:
        ACTS[act](scene, uuid4())
    assert type(hidden.value) is type(unknown.value) is NotFoundError
    assert hidden.value.args == unknown.value.args == ()
    first, second = scene.audit()
    assert (first.act, first.subject_id) == (f"{act.value}.refused", str(scene.candidate_id))
    assert first.details == {"reasons": [HIDING[hide]]}
    assert second.details == {"reasons": ["unknown"]}
    assert scene.ledger() == []


@pytest.mark.parametrize(
    ("row", "state", "reason"),
    [
        (Recruiter, RecruiterState.SUSPENDED, "recruiter_not_active"),
        (Recruiter, RecruiterState.PENDING_REVIEW, "recruiter_not_active"),
        (Company, CompanyState.PENDING_REVIEW, "company_not_verified"),
        (Company, CompanyState.SUSPENDED, "company_not_verified"),
    ],
)
@every_act
def test_who_is_not_active_opens_nothing(scene: Scene, row: type, state: str, reason: str, act: Act) -> None:
    """D3: an inactive recruiter or an unverified company gets 403 with the reason, for a profile too."""
    scene.change(row, scene.recruiter_id if row is Recruiter else scene.company_id, state=state)
    with pytest.raises(ContactNotAllowedError) as refused:
        ACTS[act](scene)
    assert refused.value.reasons == (reason,)
    assert [entry.act for entry in scene.audit()] == [f"{act.value}.refused"]


def test_a_notified_recruiter_still_acts(scene: Scene) -> None:
    """B4: a notice of inactivity takes nothing away."""
    scene.change(Recruiter, scene.recruiter_id, state=RecruiterState.NOTIFIED)
    scene.contact()


@pytest.mark.parametrize("act", [Act.EMAIL, Act.CV_DOWNLOAD, Act.PROFILE])
def test_no_row_is_younger_than_the_withdrawal(scene: Scene, act: Act) -> None:
    """C-07: a withdrawal racing fifty disclosures leaves no ledger row after its commit."""
    started, withdrawn = threading.Barrier(5), threading.Event()
    late: list[str] = []

    def disclose() -> None:
        started.wait()
        for _ in range(12):
            began_after = withdrawn.is_set()
            try:
                ACTS[act](scene)
            except NotFoundError:
                return
            if began_after:
                late.append("disclosed after the withdrawal")

    def withdraw() -> None:
        started.wait()
        _withdrawn(scene)
        withdrawn.set()

    threads = [threading.Thread(target=disclose) for _ in range(4)] + [threading.Thread(target=withdraw)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert late == []


def test_a_withdrawal_waits_for_a_disclosure_and_the_next_one_sees_it(scene: Scene) -> None:
    """C-07, INV-5: the two cannot interleave: whichever holds the candidate's row goes first."""
    done: list[str] = []

    def withdraw() -> None:
        _withdrawn(scene)
        done.append("withdrawn")

    thread = threading.Thread(target=withdraw)
    with scene.gate() as session:
        disclosures.open_profile(
            session, scene.now, scene.settings, scene.recruiter_account, scene.candidate_id
        )
        thread.start()
        thread.join(timeout=0.3)
        assert done == []
        done.append("disclosed")
    thread.join(timeout=10)
    assert done == ["disclosed", "withdrawn"]
    with pytest.raises(NotFoundError):
        scene.open_profile()
    assert len(scene.ledger()) == 1


def test_a_disclosure_that_waited_for_a_withdrawal_is_refused(scene: Scene) -> None:
    """C-07: facts are read after the row is held, so a wait never ends in an old answer."""
    outcome: list[str] = []

    def disclose() -> None:
        try:
            scene.reveal()
            outcome.append("revealed")
        except NotFoundError:
            outcome.append("unknown")

    thread = threading.Thread(target=disclose)
    with scene.db.transaction() as session:
        candidate = session.get_one(Candidate, scene.candidate_id)
        candidate.state = CandidateState.HIDDEN
        session.flush()
        thread.start()
        thread.join(timeout=0.3)
        assert outcome == []
    thread.join(timeout=10)
    assert outcome == ["unknown"]
    assert scene.ledger() == []
