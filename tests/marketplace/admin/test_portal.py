"""The admin's pages: what waits, the queue, one company, domains."""

from __future__ import annotations

import pytest

from marketplace.files import FolderFileStore
from tests.builders import a_company, a_recruiter, an_account
from tests.portal import text_of

ODD_NAME = "<script>alert(1)</script> & Fils"


@pytest.fixture
def waiting(db):
    """Two companies that wait, the first with a confirmed recruiter and two who must be reviewed."""
    with db.transaction() as session:
        first = a_company(session, "pending", registration_number="732829320", legal_name=ODD_NAME)
        a_recruiter(session, "pending", company=first, email_domain="acme.fr")
        a_recruiter(session, "pending", company=first, is_owner=False, review_reasons=["company_match"])
        a_recruiter(
            session, "pending", company=first, is_owner=False, is_on_behalf=True, review_reasons=["mandate"],
            mandate_file="mandate/" + "0" * 32 + ".pdf", requested_work_country="GB",
        )  # fmt: skip
        second = a_company(session, "pending", registration_number="732829320")
    return first, second


def test_overview_leads_to_the_longest_waiting(client, admin, waiting):
    """B3: the first page says what waits and leads straight to the next decision."""
    page = client.get("/admin")
    assert page.status_code == 200
    assert "2 companies" in text_of(page.text)
    assert "2 recruiters" in text_of(page.text)
    assert "joined by number only" in page.text


def test_overview_with_nothing_waiting(client, admin):
    """B3: an empty queue is a page too."""
    assert "Nobody." in client.get("/admin").text


@pytest.mark.parametrize("state", ["", "pending_review", "verified", "refused", "suspended", "nonsense"])
def test_the_queue_shows_the_evidence_at_a_glance(client, admin, waiting, state):
    """B3: name, number with its check, recruiter, address and domain are on the queue itself."""
    page = client.get(f"/admin/companies?state={state}")
    assert page.status_code == 200
    if state in {"", "pending_review", "nonsense"}:
        assert all(
            text in text_of(page.text) for text in (ODD_NAME, "732829320", "checksum right", "confirmed")
        )
        assert "<script>alert" not in page.text
    else:
        assert "Nothing here" in page.text


def test_the_queue_is_paged(client, admin, db):
    """B3: a long queue comes in pages, each company once."""
    with db.transaction() as session:
        names = {a_company(session, "pending").legal_name for _ in range(30)}
    first = client.get("/admin/companies")
    rest = client.get(first.text.split('rel="next" href="')[1].split('"')[0].replace("&amp;", "&"))
    assert all((name + "<" in first.text) != (name + "<" in rest.text) for name in names)
    assert client.get("/admin/companies?cursor=x").status_code == 400


def test_verifying_moves_on_to_the_next_company(client, admin, waiting):
    """B3: after a decision the next company that waits is on the screen; the decision stands in the
    history."""
    first, second = waiting
    page = client.get(f"/admin/companies/{first.id}")
    assert "Companies with the same number, name or domain" in page.text
    assert "mandate to read" in page.text
    answer = client.submit(
        f"/admin/companies/{first.id}/decision", decision="verify", reason="Found in the register"
    )
    assert (answer.status_code, answer.headers["location"]) == (303, f"/admin/companies/{second.id}")
    client.submit(f"/admin/companies/{second.id}/decision", decision="refuse", reason="Twice the same")
    page = text_of(client.get(f"/admin/companies/{first.id}").text)
    assert "Found in the register" in page
    assert admin.email in page
    assert "acme.fr" in page
    assert client.get("/admin/companies?state=refused").text.count("Twice") == 0


@pytest.mark.parametrize(
    "fields", [{"decision": "verify", "reason": " "}, {"decision": "", "reason": "x"}, {}]
)
def test_a_wrong_decision_shows_the_page_again(client, admin, waiting, fields):
    """B3: without a reason or a decision nothing is decided and the page says what is missing."""
    answer = client.submit(f"/admin/companies/{waiting[0].id}/decision", fields)
    assert answer.status_code == 422
    assert "Please correct" in answer.text
    assert "waits" in text_of(client.get(f"/admin/companies/{waiting[0].id}").text)


def test_a_second_decision_is_a_conflict(client, admin, waiting):
    """B4: two admins at once: the second is told that the state has changed."""
    path = f"/admin/companies/{waiting[0].id}/decision"
    assert client.submit(path, decision="verify", reason="x").status_code == 303
    assert client.submit(path, decision="refuse", reason="x").status_code == 409


def test_a_recruiter_is_reviewed_on_the_companys_page(client, admin, waiting, db):
    """B1, B2: what is left to review of one recruiter is decided beside the evidence."""
    from sqlalchemy import select

    from marketplace.recruiters.models import Recruiter

    with db.transaction() as session:
        recruiter = session.scalars(select(Recruiter).where(Recruiter.is_on_behalf)).one()
    path = f"/admin/recruiters/{recruiter.id}/review"
    assert client.submit(path, decision="approve").status_code == 422
    assert client.submit(path, decision="approve", reason="Mandate signed").status_code == 303
    assert client.submit(path, decision="approve", reason="Mandate signed").status_code == 409
    assert "Mandate signed" in client.get(f"/admin/companies/{waiting[0].id}").text


def test_a_mandate_is_a_download_that_cannot_act(client, admin, db, settings):
    """B1, U-07: a mandate is handed to admins as an attachment in a sandbox."""
    key = FolderFileStore(settings.files_dir).put("mandate", b"%PDF-1.4 mandate")
    with db.transaction() as session:
        recruiter = a_recruiter(session, "pending", mandate_file=key)
    for path in (
        f"/admin/recruiters/{recruiter.id}/mandate",
        f"/api/v1/admin/recruiters/{recruiter.id}/mandate",
    ):
        answer = client.get(path)
        assert answer.content == b"%PDF-1.4 mandate"
        assert answer.headers["content-type"] == "application/pdf"
        assert answer.headers["content-disposition"].startswith("attachment")
        assert "sandbox" in answer.headers["content-security-policy"]


def test_domains_are_allowed_denied_and_removed(client, admin):
    """B2: an admin's rules on domains and addresses, with reason and author."""
    saved = client.submit("/admin/domains", pattern="Tiny-ISP.fr", verdict="deny", reason="A provider")
    assert saved.status_code == 303
    page = client.get("/admin/domains")
    assert "tiny-isp.fr" in page.text
    assert admin.email in page.text
    assert client.submit("/admin/domains", pattern="com", verdict="deny", reason="x").status_code == 422
    rule_id = page.text.split("/admin/domains/")[1].split("/remove")[0]
    assert client.submit(f"/admin/domains/{rule_id}/remove").status_code == 303
    assert client.submit(f"/admin/domains/{rule_id}/remove").status_code == 404
    assert "There is no rule." in client.get("/admin/domains").text


def test_unknown_ids_are_not_found(client, admin):
    """Z-02: an unknown company or recruiter is a 404 on every route."""
    unknown = str(admin.id)
    for path in (f"/admin/companies/{unknown}", f"/admin/recruiters/{unknown}/mandate", "/admin/companies/x"):
        assert client.get(path).status_code == 404
    for path in (f"/admin/companies/{unknown}/decision", f"/admin/recruiters/{unknown}/review"):
        assert client.submit(path, decision="refuse", reason="x").status_code == 404


def test_pages_speak_french(client, db, waiting):
    """F4: the admin's pages exist in French."""
    from marketplace.accounts.models import Role
    from tests.marketplace.admin.conftest import settled

    with db.transaction() as session:
        account = settled(session, an_account(session, Role.ADMIN, language="fr"))
    client.sign_in_as(account)
    assert "Ce qui attend" in client.get("/admin").text
    assert "clé exacte" in client.get(f"/admin/companies/{waiting[0].id}").text
    assert "Domaines autorisés et interdits" in client.get("/admin/domains").text
