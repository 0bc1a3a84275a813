"""The main job, end to end, by forms alone: from a registration to a marked copy and a withdrawal."""

from __future__ import annotations

import re
from io import BytesIO
from urllib.parse import urlsplit

import pytest
from litestar import Litestar
from pypdf import PdfReader
from sqlalchemy import select

from indexer.extraction_queue import extract_waiting
from indexer.relay import drain
from marketplace.accounts.admins import create_admin
from marketplace.accounts.hooks import AccountHooks
from marketplace.accounts.models import Account
from marketplace.accounts.password_changes import set_password
from marketplace.accounts.registration import confirm_account
from marketplace.candidates.queries import candidate_id_of
from marketplace.contacts.ledger_queries import access_log
from marketplace.demo.cv_layouts import draw
from marketplace.demo.people import Persona, persona
from marketplace.mail import MailSink
from marketplace.mail_delivery import deliver_due_mails
from marketplace.ports import Ports
from marketplace.terms.services import publish_builtin
from tests.journeys.forms import Person, forms_of

COMPANY = {
    "company.name": "Novalis Conseil",
    "company.country": "FR",
    "company.registration_number": "732829320",
}
PASSWORD = "une phrase assez longue 42"
ADMIN_PASSWORD = "quatre mots bien choisis 17"


@pytest.fixture(autouse=True)
def documents(ports: Ports) -> None:
    """The documents that come with the product, as every start publishes them."""
    with ports.db.transaction() as session:
        publish_builtin(session, ports.clock.now())


@pytest.fixture
def candidate_to_be(ports: Ports) -> Persona:
    """A grown-up developer in Île-de-France whose CV says Python."""
    return next(
        who
        for who in (persona(number, ports.clock.today(), country="FR") for number in range(500))
        if "python" in who.skills and who.language == "fr" and who.birth_date.year < 2008
        and "développeur" in who.headline.lower()
    )  # fmt: skip


def work(ports: Ports) -> None:
    """What the worker does meanwhile: read CVs, index, send mails."""
    extract_waiting(ports)
    drain(ports)
    deliver_due_mails(ports)


def link_in_mail(ports: Ports, mails: MailSink, address: str, pattern: str) -> str:
    work(ports)
    for mail in reversed(mails.to(address)):
        if found := re.search(rf"https?://\S*({pattern}\S*)", mail.text):
            return found[1]
    raise AssertionError(f"no mail to {address} with {pattern}: {[m.subject for m in mails.to(address)]}")


def agreed(person: Person) -> dict[str, str]:
    """Tick every document of the sign-up form, as the person does."""
    form = next(f for f in forms_of(person.page.text) if "acceptances.terms_of_use" in f.names)
    wanted = [name for name in form.names if name.startswith("acceptances.")]
    values = dict(re.findall(r'name="(acceptances\.[a-z_]+)" value="([^"]+)"', person.page.text))
    return {name: values[name] for name in wanted}


def kinds_in_log(ports: Ports, email: str) -> set[str]:
    """What the ledger says of a candidate, as the API gives it."""
    with ports.db.transaction() as session:
        account_id = session.scalars(select(Account.id).where(Account.email == email)).one()
        return {str(entry.kind) for entry in access_log(session, candidate_id_of(session, account_id)).rows}


def signs_in(person: Person, email: str, password: str) -> None:
    person.goes_to("/sign-in")
    person.fills_in("/sign-in", email=email, password=password)


def test_the_main_job(app: Litestar, ports: Ports, mail_sink: MailSink, candidate_to_be: Persona) -> None:
    """A1–A3, B1–B4, C1–C6, D1–D4, D7: found, opened, contacted, copied, accounted for, withdrawn."""
    base = ports.settings.base_url
    admin, recruiter, candidate = (Person(app, base) for _ in range(3))
    who = candidate_to_be

    # The candidate registers, confirms, fills in the profile, uploads a CV and opts in.
    candidate.goes_to("/candidate/sign-up")
    candidate.fills_in(
        "/candidate/sign-up", agreed(candidate), first_name=who.first_name, last_name=who.last_name,
        birth_date=who.birth_date.isoformat(), email=who.email, password=PASSWORD,
    )  # fmt: skip
    candidate.goes_to(link_in_mail(ports, mail_sink, who.email, "/confirm-email/"))
    candidate.fills_in("confirm-email|^$")
    signs_in(candidate, who.email, PASSWORD)
    candidate.goes_to("/candidate/profile")
    candidate.fills_in(
        "/candidate/profile", country="FR", region="FR-IDF", job_fields=["development"],
        start_month="2027-09", flex_weeks="2", skills=["python", "sql"],
        headline=f"Développeur Python en alternance, {who.last_name}",
        languages=["fr", "en"], education_level="6", right_FR="yes",
    )  # fmt: skip
    candidate.goes_to("/candidate/cv")
    candidate.fills_in("/candidate/cv$", file=("mon CV.pdf", draw(who.resume, 0)))
    work(ports)
    candidate.goes_to("/candidate/visibility")
    candidate.fills_in("/candidate/visibility")
    work(ports)

    # The recruiter registers and confirms; until the company is verified there are only counts.
    recruiter.goes_to("/recruiter/sign-up")
    recruiter.fills_in(
        "/recruiter/sign-up", COMPANY | agreed(recruiter), first_name="Camille", last_name="Martin",
        birth_date="1988-04-12", email="camille@novalis-conseil.fr", password=PASSWORD,
        job_title="Chargée de recrutement", work_country="FR",
        declarations=["authorised", "professional_use", "ethical_code"],
    )  # fmt: skip
    recruiter.goes_to(link_in_mail(ports, mail_sink, "camille@novalis-conseil.fr", "/confirm-email/"))
    recruiter.fills_in("confirm-email|^$")
    signs_in(recruiter, "camille@novalis-conseil.fr", PASSWORD)
    assert "Développeur Python" not in recruiter.goes_to("/recruiter/search")
    assert recruiter.links("/recruiter/candidates/") == []

    # An admin approves the company.
    with ports.db.transaction() as session:
        admin_id = create_admin(session, ports.clock.now(), "admin@marketplace.example")
        confirm_account(session, ports.clock.now(), admin_id, AccountHooks(), mail_password=False)
        set_password(session, ports.settings, admin_id, ADMIN_PASSWORD)
    signs_in(admin, "admin@marketplace.example", ADMIN_PASSWORD)
    admin.goes_to("/accept-terms")
    admin.fills_in("/accept-terms", agreed(admin))
    admin.goes_to("/admin/companies")
    admin.goes_to(next(link for link in admin.links(r"/admin/companies/[0-9a-f-]{36}")))
    admin.fills_in("/decision", button="verify", reason="SIREN et domaine concordent")

    # The recruiter searches with two facets, opens, contacts and takes a marked copy.
    search = "/recruiter/search?q=d%C3%A9veloppeur+python&region=FR-IDF&job_field=development"
    found = recruiter.goes_to(search)
    assert who.last_name not in found
    assert who.email not in found
    (profile, *_) = recruiter.links(r"/recruiter/candidates/[0-9a-f-]{36}\?")
    assert who.name in recruiter.goes_to(profile)
    recruiter.fills_in(
        "/contacts$", opening_id="new", title="Alternance développement Python", job_country="FR",
        start_on="2027-09-01", message="Bonjour, votre projet nous intéresse.",
    )  # fmt: skip
    recruiter.goes_to(profile)
    recruiter.goes_to(recruiter.links(r"/cv\?")[0])
    assert who.email not in recruiter.page.text
    assert "<mark>" in recruiter.page.text
    recruiter.goes_to(profile)
    option = re.search(
        r'name="download_opening_id".*?<option value="([0-9a-f-]{36})"', recruiter.page.text, re.DOTALL
    )
    assert option is not None
    recruiter.fills_in("/cv-downloads$", download_opening_id=option[1], understood="yes")
    if recruiter.page.headers["content-type"] != "application/pdf":
        recruiter.page = recruiter.client.get(recruiter.links(r"/downloads/[0-9a-f-]{36}/file")[0])
    assert recruiter.page.headers["content-type"] == "application/pdf"
    copy = " ".join(page.extract_text() for page in PdfReader(BytesIO(recruiter.page.content)).pages)
    assert "Camille Martin" in copy
    assert "Novalis Conseil" in copy

    # The candidate reads the message and sees all of it in the access log.
    work(ports)
    assert any("Novalis" in mail.text for mail in mail_sink.to(who.email))
    candidate.goes_to("/candidate/contacts")
    candidate.goes_to(candidate.links(r"/candidate/contacts/[0-9a-f-]{36}")[0])
    assert "votre projet nous intéresse" in candidate.page.text
    candidate.fills_in("/answer$", button="accept")
    log = candidate.goes_to("/candidate/access-log")
    assert "Novalis Conseil" in log
    assert kinds_in_log(ports, who.email) >= {"profile", "cv_text", "contact", "cv_download"}

    # The candidate withdraws: the same search no longer shows them, at once, and the profile is gone.
    candidate.goes_to("/candidate")
    candidate.fills_in("/candidate/withdraw")
    recruiter.goes_to(search)
    assert recruiter.links(r"/recruiter/candidates/[0-9a-f-]{36}\?") == []
    assert "0 candidat" in recruiter.page.text
    recruiter.goes_to(urlsplit(profile).path, status=404)
