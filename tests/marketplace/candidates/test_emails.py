"""The mails to candidates (rules C2, C4)."""

from __future__ import annotations

from uuid import uuid4

import pytest

from marketplace.candidates.emails import EMAILS
from marketplace.candidates.lifecycle import CVState
from tests.builders import a_candidate, a_cv, an_account


@pytest.mark.parametrize("language", ["en", "fr"])
@pytest.mark.parametrize("name", sorted(EMAILS))
def test_each_mail(session, now, settings, name: str, language: str) -> None:
    """C2, C4: a mail is whole in the member's language, names the file and links only to our address."""
    account = an_account(session, language=language, first_name="Camille")
    person = a_candidate(session, account=account)
    cv = a_cv(
        session, person, is_current=False, state=CVState.REFUSED, reason="too_many_pages", label="100 %.pdf"
    )
    details = {"mail": name, "account_id": str(account.id), "cv_id": str(cv.id)}
    mail = EMAILS[name](session, now, settings, details)
    assert mail is not None
    assert (mail.to, mail.language) == (account.email, language)
    assert "Camille" in mail.text
    assert "%(" not in mail.subject + mail.text
    assert mail.text.count("http") == mail.text.count(settings.base_url) > 0
    if name != "opt_in_withdrawn":
        assert "100 %.pdf" in mail.text
    assert ("Hello" in mail.text) is (language == "en")


@pytest.mark.parametrize("name", sorted(EMAILS))
def test_no_mail_about_what_is_gone(session, now, settings, name: str) -> None:
    """C4: a mail about a CV or account that is gone is no longer wanted."""
    details = {"account_id": str(uuid4()), "cv_id": str(uuid4())}
    assert EMAILS[name](session, now, settings, details) is None
