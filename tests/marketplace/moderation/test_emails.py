"""What a suspended member is mailed, and what not (INV-5)."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import update

from marketplace import mail_delivery
from marketplace.accounts.mail_requests import request_mail
from marketplace.accounts.models import Account
from marketplace.contacts import messages
from marketplace.contacts.gate import gate
from marketplace.mail import Mail, MailSink
from marketplace.mail_delivery import composers, deliver_due_mails
from marketplace.moderation.tasks import reinstate_due
from marketplace.recruiters.models import Recruiter
from tests.builders import an_opening
from tests.marketplace.moderation.conftest import DAY, Court


def speak(court: Court, language: str) -> None:
    with court.ports.db.transaction() as session:
        session.execute(update(Account).values(language=language))


def sent(court: Court, sink: MailSink) -> list[Mail]:
    before = len(sink.sent)
    deliver_due_mails(court.ports)
    return sink.sent[before:]


@pytest.mark.parametrize("language", ["en", "fr"])
@pytest.mark.parametrize("for_good", [True, False])
def test_the_statement(court: Court, mail_sink: MailSink, language: str, for_good: bool) -> None:
    """M-01, F4: clause, facts, reason, until when, how to object, in the member's language; no author."""
    speak(court, language)
    court.suspend("recruiter", None if for_good else court.now + DAY)
    (mail,) = sent(court, mail_sink)
    assert mail.to == court.account("recruiter").email
    assert mail.language == language
    for words in ("Special Terms, section 4", "Downloaded forty CVs in an hour.", "Candidates are at risk."):
        assert words in mail.text
    assert ("2026-11-24 09:00 UTC" in mail.text) is not for_good
    assert ("for good" in mail.text or "définitive" in mail.text) is for_good
    assert ("answer this mail" if language == "en" else "répondez à ce courriel") in mail.text
    assert court.row(Account, court.admin).email not in mail.text
    assert "%(" not in mail.text


@pytest.mark.parametrize("language", ["en", "fr"])
def test_lifted_and_ended(court: Court, mail_sink: MailSink, language: str) -> None:
    """E5, F4: a lift says why; the end says so; neither hides that another suspension holds."""
    speak(court, language)
    first, second = court.suspend("candidate"), court.suspend("candidate", court.now + DAY)
    court.lift(first, "An error of ours.")
    lifted = sent(court, mail_sink)[-1]
    assert "An error of ours." in lifted.text
    assert "/suspended" in lifted.text
    court.ports.clock.advance(DAY)  # type: ignore[attr-defined]
    assert reinstate_due(court.ports) == 1
    (ended,) = sent(court, mail_sink)
    assert "/sign-in" in ended.text
    assert court.sanction(second).ended_at is not None
    court.lift(court.suspend("candidate"))
    assert "/sign-in" in sent(court, mail_sink)[-1].text
    assert all("%(" not in mail.text and mail.language == language for mail in mail_sink.sent)


def test_an_end_that_is_over_is_not_mailed(court: Court, mail_sink: MailSink) -> None:
    """E5: suspended anew before the mail went out: nobody is told that all is well."""
    court.suspend("candidate", court.now + DAY)
    court.ports.clock.advance(DAY)  # type: ignore[attr-defined]
    reinstate_due(court.ports)
    court.suspend("candidate")
    assert [mail.subject for mail in sent(court, mail_sink)] == ["Your account is suspended"] * 2


def _written(court: Court) -> None:
    """A recruiter writes to the candidate, who answers: both mails wait."""
    ports, now = court.ports, court.now
    with ports.db.transaction() as session:
        opening = an_opening(session, session.get_one(Recruiter, court.recruiter_id))
    with gate(ports.db, now) as session:
        contact = messages.request_contact(
            session, now, ports.settings, court.recruiter, court.candidate_id, opening_id=opening.id,
            message="Bonjour",
        )  # fmt: skip
        messages.write_as_candidate(session, now, ports.settings, court.candidate, contact.id, "Bonjour")


def test_what_waits_of_a_suspended_author_is_not_sent(court: Court, mail_sink: MailSink) -> None:
    """INV-5: the contact of a recruiter suspended before it went out never arrives, nor does the answer."""
    _written(court)
    court.suspend("recruiter")
    assert [mail.subject for mail in sent(court, mail_sink)] == ["Your account is suspended"]
    assert sent(court, mail_sink) == []


def test_what_waits_of_a_suspended_candidate_is_not_sent(court: Court, mail_sink: MailSink) -> None:
    """INV-5: neither side of a conversation with a suspended candidate is mailed about it."""
    _written(court)
    court.suspend("candidate")
    assert [mail.subject for mail in sent(court, mail_sink)] == ["Your account is suspended"]


def test_without_a_suspension_both_go_out(court: Court, mail_sink: MailSink) -> None:
    """D3: the two tests above hold something back: this is what."""
    _written(court)
    assert len(sent(court, mail_sink)) == 2


@pytest.mark.parametrize("name", sorted(mail_delivery.WITHHELD))
def test_marketplace_mails_are_withheld(
    court: Court, mail_sink: MailSink, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """INV-5: business mails to a suspended member are dropped, also where the composer would write one;
    at the end of the suspension they go out again."""
    account = court.account("recruiter")

    def compose(*_: Any) -> Mail:
        return Mail(account.email, name, "text")

    monkeypatch.setattr(mail_delivery, "composers", lambda: {**composers(), name: compose})
    sanction_id = court.suspend("recruiter", court.now + DAY)
    sent(court, mail_sink)
    with court.ports.db.transaction() as session:
        request_mail(session, court.now, name, account.id)
    assert sent(court, mail_sink) == []
    court.ports.clock.advance(DAY)  # type: ignore[attr-defined]
    with court.ports.db.transaction() as session:
        request_mail(session, court.now, name, account.id)
    assert [mail.subject for mail in sent(court, mail_sink)] == [name]
    assert court.sanction(sanction_id).lifted_at is None


def test_the_security_of_the_account_is_mailed(court: Court, mail_sink: MailSink) -> None:
    """E5: a changed password is told to a suspended member too."""
    court.suspend("candidate")
    with court.ports.db.transaction() as session:
        request_mail(session, court.now, "password_changed", court.candidate)
    assert len(sent(court, mail_sink)) == 2


def test_every_mail_is_decided_about() -> None:
    """INV-5: each mail of the product is either withheld from suspended members or sent to them."""
    assert composers().keys() == mail_delivery.WITHHELD | mail_delivery.SENT_WHILE_SUSPENDED
    assert not mail_delivery.WITHHELD & mail_delivery.SENT_WHILE_SUSPENDED
