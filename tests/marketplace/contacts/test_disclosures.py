"""What leaves is in the ledger first, and what may not leave does not (rules D3, D7)."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

import marketplace
from marketplace.candidates.lifecycle import CandidateState
from marketplace.contacts.policy import Act
from marketplace.errors import InvalidInputError, NotAllowedError, NotFoundError
from tests.builders import a_candidate, a_cv
from tests.marketplace.contacts.conftest import ACTS, Scene, every_act


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
