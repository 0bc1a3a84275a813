"""The mails of contacts: what they say, whom they reach, and when they are no longer sent (rules D3, D5)."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID, uuid4

import pytest

from marketplace.accounts.models import Account
from marketplace.candidates.lifecycle import CandidateState
from marketplace.candidates.models import Candidate
from marketplace.contacts import emails, messages, services
from marketplace.contacts.messages import Answer
from marketplace.contacts.models import CVDownload, DutyState
from marketplace.mail import Mail, MailSink
from marketplace.mail_delivery import deliver_due_mails
from marketplace.ports import Ports
from marketplace.recruiters.lifecycle import RecruiterState
from marketplace.recruiters.models import Recruiter
from tests.marketplace.contacts.conftest import Scene


@pytest.fixture
def contact_id(scene: Scene) -> UUID:
    """A contact just made; its mail waits in the outbox."""
    with scene.gate() as session:
        return messages.request_contact(
            session, scene.now, scene.settings, scene.recruiter_account, scene.candidate_id,
            opening_id=scene.opening.id, message="Hello,\nshall we talk?",
        ).id  # fmt: skip


def addresses(scene: Scene) -> tuple[str, str]:
    with scene.db.transaction() as session:
        recruiter = session.get_one(Account, scene.recruiter_account)
        candidate = session.get_one(Account, scene.candidate_account)
        return recruiter.email, candidate.email


def compose(scene: Scene, name: str, account_id: UUID, **details: Any) -> Mail | None:
    with scene.db.transaction() as session:
        return emails.EMAILS[name](
            session, scene.now, scene.settings, {"account_id": str(account_id), **details}
        )


def test_a_contact_is_mailed_with_message_and_link(
    scene: Scene, contact_id: UUID, ports: Ports, mail_sink: MailSink
) -> None:
    """D3: the candidate gets the message, who writes and for what, and a link; never the recruiter’s."""
    assert deliver_due_mails(ports) == 1
    (mail,) = mail_sink.sent
    recruiter, candidate = addresses(scene)
    assert mail.to == candidate
    assert mail.language == "fr"
    assert "> Hello,\n> shall we talk?" in mail.text
    assert scene.opening.title in mail.text
    assert f"{scene.settings.base_url}/candidate/contacts/{contact_id}" in mail.text
    assert recruiter not in mail.text
    assert "%(" not in mail.text + mail.subject


def test_messages_and_answers_are_announced_to_the_other_side(
    scene: Scene, contact_id: UUID, ports: Ports, mail_sink: MailSink
) -> None:
    """D3, C8: the text stays on the platform, and no address of the other side is in a mail."""
    deliver_due_mails(ports)
    mail_sink.sent.clear()
    with scene.db.transaction() as session:
        messages.write_as_candidate(
            session, scene.now, scene.settings, scene.candidate_account, contact_id, "My number is 06 12"
        )
        messages.answer_contact(session, scene.now, scene.candidate_account, contact_id, Answer.ACCEPT)
    with scene.gate() as session:
        messages.write_as_recruiter(
            session, scene.now, scene.settings, scene.recruiter_account, contact_id, "Thank you"
        )
    assert deliver_due_mails(ports) == 3
    recruiter, candidate = addresses(scene)
    assert [mail.to for mail in mail_sink.sent] == [recruiter, recruiter, candidate]
    for mail in mail_sink.sent:
        assert "06 12" not in mail.text
        assert "Thank you" not in mail.text
        assert (candidate if mail.to == recruiter else recruiter) not in mail.text
    assert "accepté" in mail_sink.sent[1].text


def test_a_refusal_is_told(scene: Scene, contact_id: UUID) -> None:
    """C8: the recruiter is asked not to write again."""
    with scene.db.transaction() as session:
        messages.answer_contact(session, scene.now, scene.candidate_account, contact_id, Answer.REFUSE)
    mail = compose(scene, "contact_answered", scene.recruiter_account, contact_id=str(contact_id))
    assert mail is not None
    assert "ne plus lui écrire" in mail.text


NAMES = ("contact_received", "message_received", "contact_answered")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("happens", ["withdrawal", "suspension", "gone"])
def test_what_is_over_is_not_mailed(scene: Scene, contact_id: UUID, name: str, happens: str) -> None:
    """INV-5: a mail waiting when the candidate withdraws or the recruiter is suspended is not sent."""
    if happens == "withdrawal":
        scene.change(Candidate, scene.candidate_id, state=CandidateState.HIDDEN)
    elif happens == "suspension":
        scene.change(Recruiter, scene.recruiter_id, state=RecruiterState.SUSPENDED)
    else:
        contact_id = uuid4()
    account = scene.candidate_account if name != "contact_answered" else scene.recruiter_account
    assert compose(scene, name, account, contact_id=str(contact_id)) is None


def test_what_was_read_meanwhile_is_not_announced(scene: Scene, contact_id: UUID) -> None:
    """D3: no mail about a message that has been read, nor about an answer that was not given."""
    with scene.db.transaction() as session:
        messages.candidate_thread(session, scene.now, scene.candidate_account, contact_id)
    assert compose(scene, "message_received", scene.candidate_account, contact_id=str(contact_id)) is None
    assert compose(scene, "contact_answered", scene.recruiter_account, contact_id=str(contact_id)) is None


def test_holders_are_told_until_when(scene: Scene, ports: Ports, mail_sink: MailSink) -> None:
    """D5, C-09: the mail names each open copy with its day; settled by then, it is not sent."""
    copy_id = uuid4()
    with scene.db.transaction() as session:
        session.add(
            CVDownload(
                id=copy_id, recruiter_id=scene.recruiter_id, company_id=scene.company_id,
                candidate_id=scene.candidate_id, opening_id=scene.opening.id, cv_id=uuid4(),
                downloaded_at=scene.now, delete_by_on=date(2027, 5, 23), session_id=uuid4(),
            )
        )  # fmt: skip
        session.flush()
        services.candidate_withdrew(session, scene.now, scene.settings, scene.candidate_id)
    assert deliver_due_mails(ports) == 1
    (mail,) = mail_sink.sent
    assert mail.to == addresses(scene)[0]
    assert (
        f"cv-{copy_id.hex[:8]}.pdf ({scene.opening.title})\u00a0: 2026-11-30, 7 jours restants" in mail.text
    )
    scene.change(CVDownload, copy_id, state=DutyState.ATTESTED)
    details = {"recruiter_id": str(scene.recruiter_id), "copy_ids": [str(copy_id)]}
    assert compose(scene, "deletion_shortened", scene.recruiter_id, **details) is None
