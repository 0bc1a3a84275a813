"""Contacts and messages both ways, through the platform only (rules D3, C8)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import func, select

from marketplace.candidates import exclusions
from marketplace.candidates.lifecycle import CandidateState
from marketplace.candidates.models import Candidate
from marketplace.contacts import messages
from marketplace.contacts.messages import Answer, MadeContact
from marketplace.contacts.models import Contact, ContactState, Message
from marketplace.contacts.policy import Act, Caution
from marketplace.errors import ConflictError, ContactNotAllowedError, InvalidInputError, NotFoundError
from marketplace.outbox import OutboxMessage
from marketplace.recruiters.lifecycle import CompanyState, RecruiterState
from marketplace.recruiters.models import Company, Recruiter
from tests.builders import a_candidate, a_recruiter, an_opening
from tests.marketplace.contacts.conftest import Scene


def contact(scene: Scene, message: str = "Hello, shall we talk?", **more: Any) -> MadeContact:
    with scene.gate(more.get("now")) as session:
        return messages.request_contact(
            session, more.get("now", scene.now), scene.settings, more.get("account", scene.recruiter_account),
            more.get("candidate_id", scene.candidate_id), opening_id=more.get("opening_id", scene.opening.id),
            message=message, idempotency_key=more.get("key"),
        )  # fmt: skip


def mails(scene: Scene) -> list[tuple[str, str]]:
    with scene.db.transaction() as session:
        rows = session.scalars(
            select(OutboxMessage).where(OutboxMessage.topic == "mail.requested").order_by(OutboxMessage.id)
        )
        return [(row.details["mail"], row.subject) for row in rows]


def count(scene: Scene, row: type) -> int:
    with scene.db.transaction() as session:
        return session.scalar(select(func.count()).select_from(row)) or 0


def recruiter_thread(scene: Scene, contact_id: UUID) -> messages.Thread:
    with scene.db.transaction() as session:
        return messages.recruiter_thread(
            session, scene.now, scene.settings, scene.recruiter_account, contact_id
        )


def candidate_thread(scene: Scene, contact_id: UUID) -> messages.Thread:
    with scene.db.transaction() as session:
        return messages.candidate_thread(session, scene.now, scene.candidate_account, contact_id)


def answer(scene: Scene, contact_id: UUID, word: Answer, account: UUID | None = None) -> ContactState:
    with scene.db.transaction() as session:
        return messages.answer_contact(
            session, scene.now, account or scene.candidate_account, contact_id, word
        )


def write(scene: Scene, contact_id: UUID, side: str, text: str = "And then?") -> object:
    with scene.gate() as session:
        if side == "recruiter":
            return messages.write_as_recruiter(
                session, scene.now, scene.settings, scene.recruiter_account, contact_id, text
            )
        return messages.write_as_candidate(
            session, scene.now, scene.settings, scene.candidate_account, contact_id, text
        )


def test_a_contact_is_recorded_mailed_and_readable_by_both(scene: Scene) -> None:
    """D3, D7: ledger row, audit, message and the mail to the candidate come in one transaction."""
    made = contact(scene)
    assert [row.kind for row in scene.ledger()] == [Act.CONTACT]
    assert mails(scene) == [("contact_received", str(scene.candidate_account))]
    assert [entry.act for entry in scene.audit()] == ["contact.disclosed", "contact.requested"]
    for thread in (recruiter_thread(scene, made.id), candidate_thread(scene, made.id)):
        assert [(message.author, message.body) for message in thread.messages] == [
            ("recruiter", "Hello, shall we talk?")
        ]
        assert thread.contact.state is ContactState.SENT


def test_one_contact_for_each_opening(scene: Scene) -> None:
    """D3: about the same opening once; about another opening, or by another recruiter, again."""
    contact(scene)
    with pytest.raises(ConflictError) as refused:
        contact(scene)
    assert refused.value.code == "already_contacted"
    assert len(scene.ledger()) == 1
    with scene.db.transaction() as session:
        other = an_opening(session, session.get_one(Recruiter, scene.recruiter_id)).id
        colleague = a_recruiter(session)
        theirs = an_opening(session, colleague).id
        account = colleague.account_id
    contact(scene, opening_id=other)
    contact(scene, opening_id=theirs, account=account)
    assert count(scene, Contact) == 3


@pytest.mark.parametrize("text", ["", "  \n ", "\x00\x07", "x" * 4001])
def test_a_message_has_words_and_an_end(scene: Scene, text: str) -> None:
    """D3: an empty message, or one over 4,000 characters, is refused, and nothing is written."""
    with pytest.raises(InvalidInputError) as refused:
        contact(scene, text)
    assert refused.value.errors[0].field == "message"
    assert scene.ledger() == []


def test_the_longest_message_is_kept_whole(scene: Scene) -> None:
    """D3: 4,000 characters are accepted, line breaks kept, other control characters dropped."""
    made = contact(scene, "a\r\nb\x1b[31m" + "x" * 3993)
    assert candidate_thread(scene, made.id).messages[0].body == "a\nb[31m" + "x" * 3993


def test_an_opening_of_ones_own_is_needed(scene: Scene) -> None:
    """C-05: without an own open opening a contact is a 422 `opening_required`, foreign and unknown alike."""
    with scene.db.transaction() as session:
        foreign = an_opening(session, a_recruiter(session)).id
    for opening_id in (foreign, uuid4()):
        with pytest.raises(InvalidInputError) as refused:
            contact(scene, opening_id=opening_id)
        assert (refused.value.code, refused.value.errors[0].field) == ("opening_required", "opening_id")
    assert scene.ledger() == []


def test_a_permit_that_ends_before_the_start_is_a_warning(scene: Scene) -> None:
    """D2: the contact goes out, with a warning; the candidate's own start decides about the right."""
    from marketplace.candidates.models import RightToWork

    with scene.db.transaction() as session:
        session.get_one(Candidate, scene.candidate_id).start_day = scene.now.date()
        session.get_one(RightToWork, (scene.candidate_id, "FR")).expires_on = scene.now.date()
    assert contact(scene).cautions == (Caution.PERMIT_ENDS_BEFORE_START,)


def test_lists_show_messages_scrubbed(scene: Scene) -> None:
    """C4: in a list the last message is without addresses, numbers and the candidate's names."""
    contact(scene, "Hello Camille, write to me@acme.fr or 06 12 34 56 78.")
    with scene.db.transaction() as session:
        (row,) = messages.candidate_contacts(session, scene.candidate_account).rows
    for hidden in ("Camille", "me@acme.fr", "06 12"):
        assert hidden not in row.snippet


def test_messages_go_both_ways_and_are_marked_read(scene: Scene) -> None:
    """D3, C8: each side is mailed about the other's message, and reading it counts it as read."""
    made = contact(scene)
    write(scene, made.id, "candidate", "With pleasure.")
    assert mails(scene)[-1] == ("message_received", str(scene.recruiter_account))
    with scene.db.transaction() as session:
        page = messages.recruiter_contacts(session, scene.now, scene.settings, scene.recruiter_account)
    assert [row.unread for row in page.rows] == [1]
    assert [message.author for message in recruiter_thread(scene, made.id).messages] == [
        "recruiter",
        "candidate",
    ]
    assert recruiter_thread(scene, made.id).contact.unread == 0
    write(scene, made.id, "recruiter")
    assert mails(scene)[-1] == ("message_received", str(scene.candidate_account))
    assert len(scene.ledger()) == 1, "a further message discloses nothing new"


def test_a_candidate_accepts_or_refuses(scene: Scene) -> None:
    """C8: accept, and later end it; the same answer twice is one; a refusal stands."""
    made = contact(scene)
    assert answer(scene, made.id, Answer.ACCEPT) is ContactState.ACCEPTED
    assert answer(scene, made.id, Answer.ACCEPT) is ContactState.ACCEPTED
    assert answer(scene, made.id, Answer.REFUSE) is ContactState.REFUSED
    with pytest.raises(ConflictError):
        answer(scene, made.id, Answer.ACCEPT)
    assert [mail for mail, _ in mails(scene)] == ["contact_received", "contact_answered", "contact_answered"]


@pytest.mark.parametrize("side", ["recruiter", "candidate"])
def test_after_a_refusal_nobody_writes(scene: Scene, side: str) -> None:
    """C8: a refused contact is closed for both sides."""
    made = contact(scene)
    answer(scene, made.id, Answer.REFUSE)
    with pytest.raises(ConflictError):
        write(scene, made.id, side)
    assert count(scene, Message) == 1


def _withdraw(scene: Scene) -> None:
    scene.change(Candidate, scene.candidate_id, state=CandidateState.HIDDEN)


def _block(scene: Scene) -> None:
    with scene.db.transaction() as session:
        exclusions.block(session, scene.now, scene.candidate_account, recruiter_id=scene.recruiter_id)


def _block_company(scene: Scene) -> None:
    with scene.db.transaction() as session:
        exclusions.block(session, scene.now, scene.candidate_account, company_id=scene.company_id)


@pytest.mark.parametrize("leave", [_withdraw, _block, _block_company])
def test_who_left_is_in_no_answer(scene: Scene, leave: Callable[[Scene], None]) -> None:
    """C2, C8, INV-5: after a withdrawal or block the thread is the candidate's alone."""
    made = contact(scene)
    leave(scene)
    with scene.db.transaction() as session:
        page = messages.recruiter_contacts(session, scene.now, scene.settings, scene.recruiter_account)
    assert page.rows == ()
    with pytest.raises(NotFoundError):
        recruiter_thread(scene, made.id)
    with pytest.raises(NotFoundError):
        write(scene, made.id, "recruiter")
    assert len(candidate_thread(scene, made.id).messages) == 1
    with pytest.raises(ConflictError) as refused:
        write(scene, made.id, "candidate")
    assert refused.value.code == "hidden_from_recruiter"


@pytest.mark.parametrize(
    ("row", "state", "reason"),
    [
        (Recruiter, RecruiterState.SUSPENDED, "recruiter_not_active"),
        (Company, CompanyState.SUSPENDED, "company_not_verified"),
    ],
)
def test_who_is_suspended_reads_and_writes_no_more(scene: Scene, row: type, state: str, reason: str) -> None:
    """B4, D3, INV-5: list, thread and message are refused with the reason from the next request on."""
    made = contact(scene)
    scene.change(row, scene.recruiter_id if row is Recruiter else scene.company_id, state=state)
    with scene.db.transaction() as session, pytest.raises(ContactNotAllowedError) as refused:
        messages.recruiter_contacts(session, scene.now, scene.settings, scene.recruiter_account)
    assert refused.value.reasons == (reason,)
    with pytest.raises(ContactNotAllowedError):
        recruiter_thread(scene, made.id)
    with pytest.raises(ContactNotAllowedError):
        write(scene, made.id, "recruiter")


@pytest.mark.parametrize("side", ["recruiter", "candidate"])
def test_a_recruiters_reasons_stop_their_messages_only(scene: Scene, side: str) -> None:
    """D3: the decision is taken anew for every message; unconfirmed data stop it, reading goes on."""
    made = contact(scene)
    scene.change(Recruiter, scene.recruiter_id, confirmed_at=scene.now.replace(month=1))
    assert recruiter_thread(scene, made.id).messages
    if side == "recruiter":
        with pytest.raises(ContactNotAllowedError) as refused:
            write(scene, made.id, side)
        assert refused.value.reasons == ("data_unconfirmed",)
    else:
        write(scene, made.id, side)


def test_a_thread_belongs_to_two(scene: Scene) -> None:
    """Z-02: for every other recruiter and candidate the thread does not exist."""
    made = contact(scene)
    with scene.db.transaction() as session:
        stranger, other = a_recruiter(session).account_id, a_candidate(session).account_id
        for contact_id in (made.id, uuid4()):
            with pytest.raises(NotFoundError):
                messages.recruiter_thread(session, scene.now, scene.settings, stranger, contact_id)
            with pytest.raises(NotFoundError):
                messages.candidate_thread(session, scene.now, other, contact_id)
            with pytest.raises(NotFoundError):
                messages.answer_contact(session, scene.now, other, contact_id, Answer.ACCEPT)


def test_the_same_key_and_body_have_one_effect(scene: Scene) -> None:
    """F-07: a retry with its Idempotency-Key gets the first contact; with another body it is refused."""
    first = contact(scene, key="k1")
    again = contact(scene, key="k1")
    assert first.id == again.id
    assert count(scene, Contact) == len(scene.ledger()) == len(mails(scene)) == 1
    with pytest.raises(InvalidInputError) as refused:
        contact(scene, "Something else", key="k1")
    assert refused.value.errors[0].field == "Idempotency-Key"


def test_a_key_is_remembered_a_day_and_only_with_its_effect(scene: Scene) -> None:
    """F-07: a refused request leaves no key behind; after 24 hours the key is free again."""
    with pytest.raises(InvalidInputError):
        contact(scene, opening_id=uuid4(), key="k1")
    contact(scene, key="k1")
    day = timedelta(hours=24)
    contact(scene, key="k1", now=scene.now + day - timedelta(seconds=1))
    with pytest.raises(ConflictError):
        contact(scene, key="k1", now=scene.now + day)


def test_of_a_minor_threads_and_lists_show_the_first_name(scene: Scene) -> None:
    """C3, D7: whoever contacts a minor reads the first name, never the last one."""
    with scene.db.transaction() as session:
        minor = a_candidate(session, "minor_with_consent").id
    adults, minors = contact(scene).id, contact(scene, candidate_id=minor).id
    with scene.db.transaction() as session:
        page = messages.recruiter_contacts(session, scene.now, scene.settings, scene.recruiter_account)
        names = {row.id: row.candidate_name for row in page.rows}
    assert names[minors] == recruiter_thread(scene, minors).contact.candidate_name == "Camille"
    assert names[adults].startswith("Camille Martin")
