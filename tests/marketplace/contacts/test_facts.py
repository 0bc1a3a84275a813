"""The facts the decision is taken on: each of them tells as of now (rules D2, D3)."""

from __future__ import annotations

from datetime import date, timedelta
from uuid import uuid4

import pytest

from marketplace.accounts.models import Role
from marketplace.candidates.models import Candidate
from marketplace.contacts.asking_recruiters import asking_recruiter
from marketplace.contacts.facts import hidden_among
from marketplace.contacts.models import CVDownload
from marketplace.contacts.policy import Reason
from marketplace.errors import ContactNotAllowedError, NotFoundError
from marketplace.recruiters.models import Recruiter
from tests.builders import a_block, a_candidate, a_recruiter, an_account, an_exclusion
from tests.marketplace.contacts.conftest import Scene


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


def test_a_minor_without_consent_is_unknown(scene: Scene) -> None:
    """C3, D2: without the guardian's live consent a minor is hidden, whatever the state says."""
    with scene.db.transaction() as session:
        minor = a_candidate(session, "minor_with_consent", guardian_consent_until=date(2026, 11, 22)).id
    with pytest.raises(NotFoundError):
        scene.open_profile(minor)
    assert "guardian_consent_missing" in scene.audit()[0].details["reasons"]


def test_a_mandated_recruiter_is_excluded_by_their_own_domain_too(scene: Scene) -> None:
    """C5: an exclusion names the domain a recruiter writes from, or a parent of it."""
    with scene.db.transaction() as session:
        account = an_account(session, Role.RECRUITER, email="jeanne@paris.agence-rh.fr")
        recruiter = a_recruiter(session, account=account, email_domain="agence-rh.fr", is_on_behalf=True)
        an_exclusion(session, session.get_one(Candidate, scene.candidate_id), domain="paris.agence-rh.fr")
        scene.recruiter_account = recruiter.account_id
    with pytest.raises(NotFoundError):
        scene.open_profile()


def test_hidden_among_tells_whom_the_recruiter_may_still_know(scene: Scene) -> None:
    """C2, D3: of people met before, those withdrawn, unknown or blocking are hidden; others are not."""
    with scene.db.transaction() as session:
        gone = a_candidate(session, "hidden").id
        refusing = a_candidate(session)
        a_block(session, refusing, recruiter_id=scene.recruiter_id)
        asker = asking_recruiter(session, scene.recruiter_account)
        unknown = uuid4()
        asked = {scene.candidate_id, gone, refusing.id, unknown}
        hidden = hidden_among(session, scene.now, scene.settings, asker, asked)
    assert hidden == asked - {scene.candidate_id}
