"""The recruiter's pages, as a browser meets them."""

from __future__ import annotations

import pytest

from marketplace.accounts.models import Role
from marketplace.recruiters import queries, review_queries
from tests.builders import a_candidate, a_company, a_recruiter, an_account
from tests.marketplace.admin.conftest import settled
from tests.marketplace.recruiters.conftest import PDF
from tests.portal import text_of


@pytest.fixture
def sign_in(client, db):
    """Makes a recruiter of a trait, signed in."""

    def enter(trait="active", language="en", company=None, **columns):
        with db.transaction() as session:
            account = settled(session, an_account(session, Role.RECRUITER, language=language))
            made = a_company(session, company) if company else None
            recruiter = a_recruiter(session, trait, account=account, company=made, **columns)
        client.sign_in_as(account)
        return recruiter

    return enter


FORM = {
    "company.name": "Acme Industries SA", "company.kind": "private", "company.country": "FR",
    "company.registration_number": "732 829 320", "company.place": "within", "job_title": "Head of hiring",
    "work_country": "FR", "first_name": "Ada", "last_name": "Martin", "birth_date": "1990-01-02",
    "email": "ada@acme-industries.fr", "declarations": ["authorised", "professional_use", "ethical_code"],
}  # fmt: skip


def accepted(client):
    """The check boxes of the documents, as the page offers them."""
    page = client.get("/recruiter/sign-up", headers={"accept-language": "en"}).text
    names = ("terms_of_use", "privacy_policy", "special_terms", "ethical_code")
    return {f"acceptances.{n}": page.split(f'name="acceptances.{n}" value="')[1].split('"')[0] for n in names}


def test_signing_up_by_the_form(client, db):
    """B1: the form registers; the page that follows is the same for a known address (A5)."""
    client.headers["accept-language"] = "en"
    fields = FORM | accepted(client)
    for _ in range(2):
        answer = client.submit("/recruiter/sign-up", fields)
        assert (answer.status_code, answer.headers["location"]) == (303, "/check-your-mail")
    with db.transaction() as session:
        (facts,), _ = review_queries.recruiters_page(session)
    assert (facts.company_name, facts.is_on_behalf, facts.job_title) == (
        "Acme Industries SA",
        False,
        "Head of hiring",
    )


def test_a_wrong_form_comes_back_filled_in_with_every_fault(client, db):
    """B1, B2: what is wrong is marked on the same page, what was typed stays, nothing is stored."""
    client.headers["accept-language"] = "fr"
    wrong = FORM | {
        "email": "ada@gmail.com",
        "company.registration_number": "123",
        "declarations": ["authorised"],
    }
    answer = client.submit("/recruiter/sign-up", wrong | {"company.place": "on_behalf"})
    page = text_of(answer.text)
    assert answer.status_code == 422
    assert 'lang="fr"' in answer.text
    assert "gmail.com donne des adresses à tout le monde" in page
    assert "SIREN ou SIRET" in page
    assert 'value="Acme Industries SA"' in answer.text
    assert 'aria-invalid="true"' in answer.text
    with db.transaction() as session:
        assert review_queries.recruiters_page(session) == ((), None)
    assert client.submit("/recruiter/sign-up", {}).status_code == 422
    unread = client.submit("/recruiter/sign-up", FORM | {"birth_date": "1.2.1990", "email": "ada@free.fr"})
    assert unread.status_code == 422
    assert "free.fr donne des adresses" in text_of(unread.text)
    assert "error-birth_date" in unread.text


def test_who_is_signed_in_does_not_register_again(client, sign_in):
    """A5: one account a person."""
    sign_in("pending")
    assert client.get("/recruiter/sign-up", follow_redirects=False).headers["location"] == "/recruiter"


@pytest.mark.parametrize(
    ("trait", "columns", "words"),
    [
        ("pending", {}, "being checked"),
        ("pending", {"company": "refused"}, "Submit again"),
        ("pending", {"company": "verified", "review_reasons": ["company_match"]}, "another e-mail domain"),
        ("pending", {"company": "verified", "review_reasons": ["school_domain"]}, "students of a school"),
        (
            "pending",
            {"company": "verified", "review_reasons": ["mandate"], "is_on_behalf": True},
            "Please attach it below",
        ),
        ("suspended", {}, "not active"),
        ("active", {"company": "suspended"}, "is suspended"),
    ],
)
def test_home_says_where_the_registration_stands(client, sign_in, trait, columns, words):
    """B3: until search is open the first page says what is done, what is open and what to do."""
    sign_in(trait, **columns)
    page = client.get("/recruiter", follow_redirects=False)
    assert page.status_code == 200
    assert words in text_of(page.text)


def test_home_of_an_active_recruiter_is_the_search(client, sign_in):
    """B4: an active recruiter starts with the search."""
    sign_in()
    answer = client.get("/recruiter", follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/recruiter/search")


def test_attaching_a_mandate(client, sign_in, db):
    """B1: the mandate is attached on the first page; what is no PDF is refused there."""
    recruiter = sign_in("pending", is_on_behalf=True, review_reasons=["mandate"])
    for content in (b"no PDF", b"%PDF-1.4" + b"x" * (5 * 1024 * 1024)):
        answer = client.submit("/recruiter/mandate", files={"file": ("m.pdf", content, "application/pdf")})
        assert answer.status_code == 422
        assert "error-file" in answer.text
    assert client.submit("/recruiter/mandate").status_code == 422
    answer = client.submit(
        "/recruiter/mandate", files={"file": ("m.pdf", PDF, "application/pdf")}, follow=True
    )
    assert "A mandate is attached" in answer.text
    with db.transaction() as session:
        assert queries.recruiter_facts(session, recruiter.account_id).has_mandate


def test_submitting_a_refused_company_again(client, sign_in):
    """B3: the refused company is corrected on the first page and waits again."""
    sign_in("pending", company="refused")
    answer = client.submit("/recruiter/company", {"company.name": "", "company.kind": "private"})
    assert answer.status_code == 422
    assert "error-company.name" in answer.text
    fields = {
        "company.name": "Acme SAS",
        "company.kind": "public",
        "company.registration_number": "552100554",
    }
    assert "being checked" in client.submit("/recruiter/company", fields, follow=True).text
    assert client.submit("/recruiter/company", fields).status_code == 409


def test_the_professional_profile(client, sign_in):
    """A7, B1: job title at once, work country after review, data confirmed by a button."""
    sign_in()
    assert client.submit("/recruiter/profile", job_title="", work_country="DE").status_code == 422
    page = client.submit("/recruiter/profile", job_title="CTO", work_country="GB", follow=True)
    assert 'value="CTO"' in page.text
    assert "waits for review" in page.text
    page = client.submit("/recruiter/profile/confirm", follow=True)
    assert "your data are confirmed" in page.text
    assert "23 November 2026" in page.text


def test_pages_speak_french(client, sign_in):
    """F4: the recruiter's pages exist in French."""
    sign_in("pending", language="fr")
    assert "en cours de vérification" in client.get("/recruiter").text
    assert "Profil professionnel" in client.get("/recruiter/profile").text


def test_candidates_and_strangers_stay_out(client, db):
    """Z-01: the pages of recruiters are theirs."""
    paths = ("/recruiter", "/recruiter/profile", "/api/v1/me/recruiter")
    assert [client.get(path, follow_redirects=False).status_code for path in paths] == [303, 303, 401]
    with db.transaction() as session:
        account = settled(session, an_account(session))
        a_candidate(session, account=account)
    client.sign_in_as(account)
    assert [client.get(path).status_code for path in paths] == [403, 403, 403]
