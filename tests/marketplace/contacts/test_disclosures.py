"""The one gate: what leaves is in the ledger first, and what may not leave does not (rules D3, D7)."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import date, timedelta
from itertools import product
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

import marketplace
from marketplace.accounts.models import Role
from marketplace.candidates.lifecycle import CandidateState
from marketplace.candidates.models import Candidate, RightToWork
from marketplace.contacts import disclosures, opening_queries
from marketplace.contacts.asking_recruiters import asking_recruiter
from marketplace.contacts.models import CVDownload
from marketplace.contacts.policy import Act, Reason
from marketplace.errors import ContactNotAllowedError, InvalidInputError, NotAllowedError, NotFoundError
from marketplace.recruiters.lifecycle import CompanyState, RecruiterState
from marketplace.recruiters.models import Company, Recruiter
from tests.builders import a_block, a_candidate, a_cv, a_recruiter, an_account, an_exclusion, an_opening
from tests.marketplace.contacts.conftest import Scene

ACTS: dict[Act, Callable[..., Any]] = {
    Act.PROFILE: Scene.open_profile,
    Act.CV_TEXT: Scene.read_text,
    Act.EMAIL: Scene.reveal,
    Act.CONTACT: Scene.contact,
    Act.CV_DOWNLOAD: Scene.download,
}
every_act = pytest.mark.parametrize("act", ACTS)


@every_act
def test_what_leaves_is_in_the_ledger(scene: Scene, act: Act) -> None:
    """D7: each of the five acts writes a ledger row (who, what for, where, when) and an audit entry."""
    ACTS[act](scene)
    (row,) = scene.ledger()
    assert (row.kind, row.at, row.recruiter_id, row.company_id, row.candidate_id, row.job_country) == (
        act, scene.now, scene.recruiter_id, scene.company_id, scene.candidate_id, "FR",
    )  # fmt: skip
    with_opening = act in {Act.EMAIL, Act.CONTACT, Act.CV_DOWNLOAD}
    assert row.purpose == (scene.opening.title if with_opening else "Search for an apprentice")
    assert row.recruiter_role == "Chargée de recrutement"
    assert (row.delete_by_on == date(2027, 5, 23)) is (act is Act.CV_DOWNLOAD)
    assert (row.copy_id is not None) is (act is Act.CV_DOWNLOAD)
    assert (row.cv_sha256 is not None) is (act in {Act.PROFILE, Act.CV_TEXT, Act.CV_DOWNLOAD})
    assert [entry.act for entry in scene.audit()] == [f"{act.value}.disclosed"]


@pytest.mark.parametrize("act", [Act.PROFILE, Act.CV_TEXT])
def test_a_wrong_country_tells_nothing_of_the_candidate(scene: Scene, act: Act) -> None:
    """D3: a country outside the Territory is the same 422 for somebody hidden, unknown or visible."""
    with scene.db.transaction() as session:
        hidden = a_candidate(session, state=CandidateState.HIDDEN).id
    for candidate_id in (scene.candidate_id, hidden, uuid4()):
        with pytest.raises(InvalidInputError):
            ACTS[act](scene, candidate_id, job_country="DE")


@every_act
def test_nothing_leaves_when_the_ledger_cannot_be_written(scene: Scene, act: Act) -> None:
    """INV-1, D7: with a ledger that refuses rows every act fails, and returns nothing."""
    with scene.db.transaction() as session:
        session.execute(text("ALTER TABLE disclosure ADD CONSTRAINT full_ledger CHECK (false) NOT VALID"))
    with pytest.raises(DBAPIError):
        ACTS[act](scene)
    assert scene.ledger() == []
    assert scene.audit() == []


def test_an_opened_profile_has_no_address_and_the_decision(scene: Scene) -> None:
    """D3, D7: a profile shows the names and says whether contact is allowed."""
    opened = scene.open_profile()
    assert opened.profile.first_name == "Camille"
    assert opened.profile.last_name.startswith("Martin")
    assert opened.contact.allowed
    assert opened.may_reveal
    assert opened.may_download


def test_the_address_is_revealed(scene: Scene) -> None:
    """D3: the explicit act gives the address of the candidate's account."""
    assert scene.reveal().endswith("@example.org")


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


@pytest.mark.parametrize(("day", "allowed"), [(25, True), (24, True), (23, False)])
def test_unconfirmed_data_stop_contact(scene: Scene, day: int, allowed: bool) -> None:
    """A7, D3: six months and thirty days after the last confirmation contact stops; profiles still open.

    Confirmed on 24 April: due on 24 October, stopped after 23 November, which is today.
    """
    scene.change(Recruiter, scene.recruiter_id, confirmed_at=scene.now.replace(month=4, day=day))
    opened = scene.open_profile()
    assert opened.contact.shown == (() if allowed else (Reason.DATA_UNCONFIRMED,))


def test_overdue_duties_stop_downloads_and_reveals_only(scene: Scene) -> None:
    """D3, D4: a copy overdue over 14 days stops new copies and reveals; contacts and profiles go on."""
    taken_at = scene.now - timedelta(days=200)
    with scene.db.transaction() as session:
        session.add(
            CVDownload(
                recruiter_id=scene.recruiter_id, company_id=scene.company_id, candidate_id=uuid4(),
                opening_id=scene.opening.id, cv_id=uuid4(), downloaded_at=taken_at,
                delete_by_on=scene.now.date() - timedelta(days=15), session_id=uuid4(),
            )
        )  # fmt: skip
    for act in (Scene.reveal, Scene.download):
        with pytest.raises(ContactNotAllowedError) as refused:
            act(scene)
        assert refused.value.reasons == ("duties_overdue",)
    scene.contact()
    opened = scene.open_profile()
    assert opened.contact.allowed
    assert not opened.may_download
    assert not opened.may_reveal


def test_of_a_minor_neither_address_nor_file(scene: Scene) -> None:
    """C3, D3: with live guardian consent a minor can be contacted, but nothing else is given."""
    with scene.db.transaction() as session:
        minor = a_candidate(session, "minor_with_consent").id
    opened = scene.open_profile(minor)
    assert opened.profile.last_name == ""
    assert not opened.may_reveal
    assert not opened.may_download
    scene.contact(minor)
    for act in (Scene.reveal, Scene.download):
        with pytest.raises(NotAllowedError) as refused:
            act(scene, minor)
        assert refused.value.code == "withheld_from_minor"


def test_a_minor_without_consent_is_unknown(scene: Scene) -> None:
    """C3, D2: without the guardian's live consent a minor is hidden, whatever the state says."""
    with scene.db.transaction() as session:
        minor = a_candidate(session, "minor_with_consent", guardian_consent_until=date(2026, 11, 22)).id
    with pytest.raises(NotFoundError):
        scene.open_profile(minor)
    assert "guardian_consent_missing" in scene.audit()[0].details["reasons"]


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


def test_hidden_among_tells_whom_the_recruiter_may_still_know(scene: Scene) -> None:
    """C2, D3: of people met before, those withdrawn, unknown or blocking are hidden; others are not."""
    with scene.db.transaction() as session:
        gone = a_candidate(session, "hidden").id
        refusing = a_candidate(session)
        a_block(session, refusing, recruiter_id=scene.recruiter_id)
        asker = asking_recruiter(session, scene.recruiter_account)
        unknown = uuid4()
        asked = {scene.candidate_id, gone, refusing.id, unknown}
        hidden = disclosures.hidden_among(session, scene.now, scene.settings, asker, asked)
    assert hidden == asked - {scene.candidate_id}


def test_a_mandated_recruiter_is_excluded_by_their_own_domain_too(scene: Scene) -> None:
    """C5: an exclusion names the domain a recruiter writes from, or a parent of it."""
    with scene.db.transaction() as session:
        account = an_account(session, Role.RECRUITER, email="jeanne@paris.agence-rh.fr")
        recruiter = a_recruiter(session, account=account, email_domain="agence-rh.fr", is_on_behalf=True)
        an_exclusion(session, session.get_one(Candidate, scene.candidate_id), domain="paris.agence-rh.fr")
        scene.recruiter_account = recruiter.account_id
    with pytest.raises(NotFoundError):
        scene.open_profile()


def test_a_profile_without_a_cv_offers_no_copy(scene: Scene) -> None:
    """C4, D4: where there is no file to give, no download is offered, and none is recorded."""
    with scene.db.transaction() as session:
        bare = a_candidate(session, cv_text=None)
        a_cv(session, bare, file_key=None, text_scrubbed="")
        bare_id = bare.id
    assert not scene.open_profile(bare_id).may_download
    with pytest.raises(NotFoundError):
        scene.download(bare_id)
    assert [row.kind for row in scene.ledger()] == [Act.PROFILE]


READERS = ("current_cv", "opened_profile", "CurrentCV")


def test_no_other_module_reads_a_cv_or_an_opened_profile() -> None:
    """D7: only the gate reads the current CV, its text or an opened profile for somebody else."""
    root = Path(marketplace.__file__).parent
    found = {
        str(path.relative_to(root))
        for path in root.rglob("*.py")
        if any(name in path.read_text(encoding="utf-8") for name in READERS)
    }
    assert {path for path in found if not path.startswith("candidates/")} == {"contacts/disclosures.py"}


def test_no_template_or_route_of_contacts_reads_an_address_or_a_file_key() -> None:
    """D7: within contacts the file key, the CV's text and the address are read in the gate alone."""
    folder = Path(marketplace.__file__).parent / "contacts"
    for path in folder.glob("*.py"):
        source = path.read_text(encoding="utf-8")
        if path.name != "disclosures.py":
            assert "text_scrubbed" not in source, path
            assert ".file_key" not in source, path
            assert "candidate_account.c.email" not in source, path
