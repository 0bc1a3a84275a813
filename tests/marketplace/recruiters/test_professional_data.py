"""Own professional data, the mandate, and a refused company submitted again."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from marketplace.accounts.models import Role
from marketplace.errors import (
    ConflictError,
    InvalidInputError,
    NotAllowedError,
    NotFoundError,
    TooLargeError,
)
from marketplace.files import DISCARDED, FolderFileStore
from marketplace.outbox import OutboxMessage
from marketplace.pdf.limited import PDFReader
from marketplace.recruiters import queries
from marketplace.recruiters.field_checks import CompanyGiven
from marketplace.recruiters.professional_data import (
    attach_mandate,
    confirm_data,
    resubmit_company,
    update_professional_data,
)
from tests.builders import a_company, a_recruiter, an_account
from tests.marketplace.recruiters.conftest import PDF, confirm, enrolled, mails


def test_mandate_is_kept_replaced_and_told_to_the_admins(session, now, settings, registration, tmp_path):
    """B1: the mandate is a PDF, kept in the file store; a new one replaces it."""
    an_account(session, Role.ADMIN)
    account_id = enrolled(session, now, settings, registration(company_on_behalf=True))
    confirm(session, now, account_id)
    files, reader = FolderFileStore(tmp_path), PDFReader(settings)
    for _ in range(2):
        attach_mandate(session, now, settings, files, reader, account_id, PDF)
    facts = queries.recruiter_facts(session, account_id)
    assert facts.has_mandate
    assert facts.review_reasons == ("mandate",)
    assert files.get(queries.mandate_key(session, facts.recruiter_id)) == PDF
    assert len(mails(session, "review_waiting")) == 3


def test_a_replaced_mandate_is_reviewed_anew_and_the_old_file_goes(db, now, settings, tmp_path):
    """B1: nobody swaps a reviewed mandate unseen, and no file stays that no row names."""
    files, reader = FolderFileStore(tmp_path), PDFReader(settings)
    with db.transaction() as session:
        recruiter = a_recruiter(session, is_on_behalf=True, mandate_file=files.put("mandate", PDF))
        account_id, old = recruiter.account_id, recruiter.mandate_file

    def attach_in_vain() -> None:
        with db.transaction() as session:
            attach_mandate(session, now, settings, files, reader, account_id, PDF)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        attach_in_vain()
    assert old is not None
    assert [path.name for path in tmp_path.rglob("*.pdf")] == [old.partition("/")[2]]
    with db.transaction() as session:
        attach_mandate(session, now, settings, files, reader, account_id, PDF)
    with db.transaction() as session:
        assert "mandate" in queries.recruiter_facts(session, account_id).review_reasons
        dropped = session.scalars(select(OutboxMessage.subject).where(OutboxMessage.topic == DISCARDED))
        assert list(dropped) == [old]


def test_mandate_refusals_keep_what_was_there(session, now, settings, registration, tmp_path):
    """B1: what is no PDF, empty or too large is refused, and who needs no mandate gives none."""
    files, reader = FolderFileStore(tmp_path), PDFReader(settings)
    account_id = enrolled(session, now, settings, registration(company_on_behalf=True))
    with pytest.raises(NotAllowedError):
        attach_mandate(session, now, settings, files, reader, account_id, PDF)
    confirm(session, now, account_id)
    for content in (b"", b"not a PDF"):
        with pytest.raises(InvalidInputError):
            attach_mandate(session, now, settings, files, reader, account_id, content)
    with pytest.raises(TooLargeError):
        attach_mandate(session, now, settings, files, reader, account_id, b"x" * (settings.cv_max_bytes + 1))
    within = a_recruiter(session)
    with pytest.raises(ConflictError):
        attach_mandate(session, now, settings, files, reader, within.account_id, PDF)
    facts = queries.recruiter_facts(session, account_id)
    assert not facts.has_mandate
    with pytest.raises(NotFoundError):
        queries.mandate_key(session, facts.recruiter_id)


def test_own_data_is_corrected_at_once_but_the_work_country_is_reviewed(session, now, settings):
    """A7, B1: the job title changes at once; a change of work country waits, the old one stays in force."""
    an_account(session, Role.ADMIN)
    recruiter = a_recruiter(session)
    update_professional_data(
        session, now, settings, recruiter.account_id, job_title="  CTO ", work_country="GB"
    )
    facts = queries.recruiter_facts(session, recruiter.account_id)
    assert (facts.job_title, facts.work_country, facts.requested_work_country) == ("CTO", "FR", "GB")
    assert facts.state == "active"
    assert len(mails(session, "review_waiting")) == 1
    update_professional_data(session, now, settings, recruiter.account_id, work_country="GB")
    assert len(mails(session, "review_waiting")) == 1
    update_professional_data(session, now, settings, recruiter.account_id, work_country="FR")
    assert queries.recruiter_facts(session, recruiter.account_id).requested_work_country is None


@pytest.mark.parametrize("changes", [{"job_title": ""}, {"job_title": "x" * 121}, {"work_country": "DE"}])
def test_wrong_own_data_changes_nothing(session, now, settings, changes):
    """A7: a wrong value is refused and the old one stays."""
    recruiter = a_recruiter(session)
    before = queries.recruiter_facts(session, recruiter.account_id)
    with pytest.raises(InvalidInputError):
        update_professional_data(session, now, settings, recruiter.account_id, **changes)
    assert queries.recruiter_facts(session, recruiter.account_id) == before


def test_confirming_own_data_moves_the_date(session, now, settings):
    """A7: confirming records when; a suspended recruiter confirms nothing."""
    recruiter = a_recruiter(session)
    confirm_data(session, now, recruiter.account_id)
    assert queries.recruiter_facts(session, recruiter.account_id).confirmed_at == now
    with pytest.raises(NotAllowedError):
        confirm_data(session, now, a_recruiter(session, "suspended").account_id)
    with pytest.raises(NotFoundError):
        confirm_data(session, now, an_account(session).id)


def test_a_refused_company_is_submitted_again(session, now, settings):
    """B3: refused with a reason, it can be submitted again, corrected."""
    recruiter = a_recruiter(
        session, "pending", company=a_company(session, "refused", decision_reason="No such number")
    )
    given = CompanyGiven(
        name="Acme Industries SAS", country="FR", kind="public", registration_number="552 100 554"
    )
    resubmit_company(session, now, recruiter.account_id, given)
    facts = queries.recruiter_facts(session, recruiter.account_id)
    assert (facts.company_state, facts.company_name, facts.company_kind) == (
        "pending_review", "Acme Industries SAS", "public",
    )  # fmt: skip
    assert facts.company_registration_number == "552100554"
    assert facts.company_decision_reason is None
    with pytest.raises(ConflictError):
        resubmit_company(session, now, recruiter.account_id, given)


def test_submitting_again_refuses_wrong_data_and_strangers(session, now, settings):
    """B3: wrong data leave the company refused; who only knows its number cannot submit it."""
    company = a_company(session, "refused")
    recruiter = a_recruiter(session, "pending", company=company)
    given = CompanyGiven(name="", country="FR", registration_number="1")
    with pytest.raises(InvalidInputError):
        resubmit_company(session, now, recruiter.account_id, given)
    assert company.state == "refused"
    stranger = a_recruiter(session, "pending", company=company, review_reasons=["company_match"])
    with pytest.raises(NotAllowedError):
        resubmit_company(session, now, stranger.account_id, CompanyGiven(name="Acme", country="FR"))
