"""What recruiters and admins are mailed."""

from __future__ import annotations

from uuid import uuid4

import pytest

from marketplace.accounts.models import Role
from marketplace.mail_delivery import composers
from marketplace.recruiters.emails import EMAILS
from marketplace.recruiters.models import ReviewDecision
from tests.builders import a_company, a_recruiter, an_account


@pytest.fixture
def compose(session, now, settings):
    return lambda name, account, **ids: EMAILS[name](
        session, now, settings, {"mail": name, "account_id": str(account.id), **ids}
    )


@pytest.fixture
def recruiter(session):
    """Makes a recruiter whose account reads the given language."""

    def make(trait="active", language="en", **columns):
        account = an_account(session, Role.RECRUITER, language=language, first_name="Ada")
        return account, a_recruiter(session, trait, account=account, **columns)

    return make


def test_every_mail_is_delivered():
    """B3: the delivery knows each mail of this feature."""
    assert EMAILS.keys() <= composers().keys()


def test_a_verified_company_opens_search(compose, recruiter, settings):
    """B3: who became active is told where to search, in their language."""
    account, _ = recruiter()
    mail = compose("company_verified", account)
    assert mail.to == account.email
    assert "is verified" in mail.subject
    assert f"{settings.base_url}/recruiter/search" in mail.text
    assert "Hello Ada" in mail.text
    french, _ = recruiter(language="fr")
    assert "Bonjour Ada" in compose("company_verified", french).text


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"is_on_behalf": True, "review_reasons": ["mandate"]}, "attach your mandate"),
        ({"review_reasons": ["company_match"]}, "your own place"),
    ],
)
def test_who_must_still_be_reviewed_is_told_what_is_missing(compose, recruiter, session, columns, words):
    """B1, B3: a verified company does not promise search to who cannot search yet."""
    account, _ = recruiter("pending", company=a_company(session), **columns)
    text = compose("company_verified", account).text
    assert words in text
    assert "/recruiter/search" not in text


def test_a_refusal_says_why(compose, recruiter, session):
    """B3: refused with the reason, and with the way to submit again."""
    account, _ = recruiter("pending", company=a_company(session, "refused", decision_reason="100 % unknown"))
    mail = compose("company_refused", account)
    assert "100 % unknown" in mail.text
    assert mail.text.count("/recruiter") == 1


def test_reviews_are_told(compose, recruiter, session, now):
    """B1, B2: approved or refused with the reason."""
    account, row = recruiter()
    assert "/recruiter/search" in compose("recruiter_approved", account).text
    assert compose("recruiter_refused", account) is None
    session.add(
        ReviewDecision(
            company_id=row.company_id, recruiter_id=row.id, decision="refuse", reason="Not on their staff",
            decided_by=None, decided_at=now,
        )
    )  # fmt: skip
    session.flush()
    assert "Not on their staff" in compose("recruiter_refused", account).text
    waiting, _ = recruiter("pending")
    assert "/recruiter/search" not in compose("recruiter_approved", waiting).text


def test_admins_get_the_way_to_what_waits(compose, recruiter, session, settings):
    """B3: an admin's mail leads to the company; who decided meanwhile spares the others the mail."""
    admin = an_account(session, Role.ADMIN, language="fr")
    _, row = recruiter("pending")
    mail = compose("review_waiting", admin, recruiter_id=str(row.id))
    assert f"{settings.base_url}/admin/companies/{row.company_id}" in mail.text
    assert "À examiner" in mail.subject
    _, decided = recruiter()
    assert compose("review_waiting", admin, recruiter_id=str(decided.id)) is None


def test_mails_no_longer_wanted_are_dropped(compose, recruiter, session):
    """B3: a mail that is no longer true, or whose receiver is gone, is not sent."""
    active, _ = recruiter()
    waiting, _ = recruiter("pending", review_reasons=["company_match"])
    assert compose("company_refused", active) is None
    assert compose("company_verified", waiting) is None
    assert compose("recruiter_approved", waiting) is None
    stranger = an_account(session)
    for name in ("company_verified", "company_refused", "recruiter_approved", "recruiter_refused"):
        assert compose(name, stranger) is None
    assert compose("review_waiting", stranger, recruiter_id=str(uuid4())) is None
