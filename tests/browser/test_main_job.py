"""The main job in a real browser with JavaScript: the story of tests/journeys, clicked and typed.

What the worker does is done between two clicks, on the database and the index of the live server.
"""

from __future__ import annotations

import re
from io import BytesIO
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, expect
from pypdf import PdfReader

from indexer.extraction_queue import extract_waiting
from indexer.relay import drain
from marketplace.accounts.admins import create_admin
from marketplace.accounts.hooks import AccountHooks
from marketplace.accounts.password_changes import set_password
from marketplace.accounts.registration import confirm_account
from marketplace.demo.cv_layouts import draw
from marketplace.demo.people import Persona, persona
from marketplace.mail import MailSink
from marketplace.mail_delivery import deliver_due_mails
from marketplace.ports import Ports
from marketplace.terms.services import publish_builtin
from tests.browser.conftest import NewPage, assert_accessible

PASSWORD = "une phrase assez longue 42"
ADMIN = "admin@marketplace.example"
RECRUITER = "camille@novalis-conseil.fr"


@pytest.fixture
def candidate_to_be(ports: Ports) -> Persona:
    """A grown-up developer whose CV says Python."""
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


def confirm(page: Page, ports: Ports, mails: MailSink, address: str) -> None:
    """Follow the link in the mail and press its button."""
    work(ports)
    link = next(
        found[0] for mail in reversed(mails.to(address))
        if (found := re.search(r"https?://\S*/confirm-email/\S+", mail.text))
    )  # fmt: skip
    page.goto(urlsplit(link).path)
    assert_accessible(page)
    page.get_by_role("button", name="Confirmer mon adresse").click()
    expect(page.get_by_role("heading", name="Heureux de vous revoir")).to_be_visible()


def sign_in(page: Page, email: str) -> None:
    page.goto("/sign-in")
    page.get_by_label("Adresse e-mail").fill(email)
    page.get_by_label("Mot de passe").fill(PASSWORD)
    page.get_by_role("button", name="Se connecter").click()
    expect(page.get_by_role("button", name="Se déconnecter")).to_be_visible()


def register_candidate(page: Page, who: Persona) -> None:
    page.goto("/")
    page.get_by_role("link", name="Être trouvé").click()
    page.get_by_label("Prénom").fill(who.first_name)
    page.get_by_label("Nom *", exact=True).fill(who.last_name)
    page.get_by_label("Date de naissance").fill(who.birth_date.isoformat())
    page.get_by_label("Adresse e-mail").fill(who.email)
    page.get_by_label("Mot de passe").fill(PASSWORD)
    for box in page.locator("[name^='acceptances.']").all():
        box.check()
    page.get_by_role("button", name="Créer mon compte").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Regardez")
    assert_accessible(page)


def become_visible(page: Page, ports: Ports, who: Persona, folder: Path) -> None:
    """Fill in the profile, upload the CV, read it being read, opt in."""
    page.goto("/candidate/profile")
    page.get_by_label("Pays *", exact=True).select_option("FR")
    page.get_by_label("Région").select_option("FR-IDF")
    page.get_by_label("Développement logiciel et web").first.check()
    page.get_by_label("Début : mois").select_option("2027-09")
    page.get_by_label("Accroche").fill("Développeur Python en alternance")
    page.get_by_text("Développement logiciel et web").nth(1).click()
    page.get_by_label("Python", exact=True).check()
    page.locator("#field-right_FR").select_option("yes")
    page.get_by_role("button", name="Enregistrer mon profil").click()
    expect(page.get_by_role("status")).not_to_be_empty()
    page.goto("/candidate/cv")
    cv = folder / "mon CV.pdf"
    cv.write_bytes(draw(who.resume, 0))
    page.get_by_label("PDF de votre CV").set_input_files(cv)
    page.get_by_role("button", name="Déposer").click()
    expect(page.locator("#cv-state")).to_contain_text("en cours de lecture")
    work(ports)
    expect(page.locator("#cv-state")).to_contain_text("est prêt")  # by itself: the page asks every 2 s
    page.goto("/candidate/visibility")
    page.get_by_role("button", name="J’accepte").click()
    expect(page.get_by_role("heading", name="Les recruteurs peuvent vous trouver.")).to_be_visible()
    work(ports)


def register_recruiter(page: Page) -> None:
    page.goto("/sign-up")
    page.get_by_role("link", name="M’inscrire comme recruteur").or_(
        page.get_by_role("link", name="S’inscrire comme recruteur")
    ).click()
    page.get_by_label("Raison sociale").fill("Novalis Conseil")
    page.get_by_label("Pays de l’entreprise").select_option("FR")
    page.get_by_label("Numéro d’immatriculation").fill("732 829 320")
    page.get_by_label("Fonction").fill("Chargée de recrutement")
    page.get_by_label("Pays où vous travaillez").select_option("FR")
    page.get_by_label("Prénom").fill("Camille")
    page.get_by_label("Nom *", exact=True).fill("Martin")
    page.get_by_label("Date de naissance").fill("1988-04-12")
    page.get_by_label("Adresse e-mail professionnelle").fill(RECRUITER)
    page.get_by_label("Mot de passe").fill(PASSWORD)
    for box in page.get_by_role("checkbox").all():
        box.check()
    page.get_by_role("button", name="S’inscrire").click()
    expect(page.get_by_role("heading", level=1)).not_to_contain_text("S’inscrire")


def approve_company(page: Page, ports: Ports) -> None:
    now = ports.clock.now()
    with ports.db.transaction() as session:
        admin_id = create_admin(session, now, ADMIN)
        confirm_account(session, now, admin_id, AccountHooks(), mail_password=False)
        set_password(session, ports.settings, admin_id, PASSWORD)
    page.goto("/sign-in")
    page.get_by_label("E-mail address").fill(ADMIN)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Please read and accept")).to_be_visible()
    for box in page.get_by_role("checkbox").all():
        box.check()
    assert_accessible(page)
    page.get_by_role("button", name="Accept and go on").click()
    page.get_by_role("link", name="Start with the longest waiting").click()
    assert_accessible(page)
    page.get_by_label("Reason").fill("SIREN et domaine concordent")
    page.get_by_role("button", name="Verify").click()
    expect(page.get_by_role("row", name="Novalis Conseil")).to_contain_text("verified")


def search_with_two_facets(page: Page) -> str:
    """Type, press Enter, click two facets; the address follows, and Back takes the last one away."""
    page.goto("/recruiter/search")
    page.evaluate("window.neverReloaded = true")
    page.get_by_label("Compétences, intitulé").fill("développeur python")
    page.get_by_label("Compétences, intitulé").press("Enter")
    expect(page).to_have_url(re.compile(r"[?&]q=d%C3%A9veloppeur\+python"))
    page.get_by_role("checkbox", name="Développement logiciel et web").check()
    expect(page).to_have_url(re.compile("job_field=development"))
    expect(page.locator(".chip")).to_have_count(2)
    page.get_by_role("checkbox", name="Île-de-France").check()
    expect(page).to_have_url(re.compile("region=FR-IDF"))
    expect(page.locator(".chip")).to_have_count(3)
    assert page.evaluate("window.neverReloaded") is True
    address = page.url
    assert parse_qs(urlsplit(address).query)["q"] == ["développeur python"]
    page.go_back()
    expect(page.locator(".chip")).to_have_count(2)
    expect(page.get_by_role("checkbox", name="Île-de-France")).not_to_be_checked()
    page.go_forward()
    expect(page.locator(".chip")).to_have_count(3)
    expect(page.get_by_role("checkbox", name="Île-de-France")).to_be_checked()
    expect(page.locator(".hit")).to_have_count(1)
    expect(page.locator(".hit mark").first).to_be_visible()
    assert_accessible(page)
    return address


def open_contact_and_download(page: Page, who: Persona) -> str:
    """From the list to a marked copy; return where the profile is."""
    assert who.last_name not in page.locator("main").inner_text()
    page.locator(".hit h3 a").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(who.name)
    assert_accessible(page)
    profile = page.url
    page.get_by_label("Pour quelle offre").first.select_option("new")
    page.get_by_label("Intitulé").fill("Alternance développement Python")
    page.get_by_label("Début").fill("2027-09-01")
    page.get_by_label("Votre message").fill("Bonjour, votre projet nous intéresse.")
    page.get_by_role("button", name="Envoyer le message").click()
    expect(page.get_by_text("votre projet nous intéresse")).to_be_visible()
    assert_accessible(page)
    page.goto(profile)
    page.get_by_role("link", name="Lire le CV").click()
    expect(page.locator("mark").first).to_be_visible()
    assert who.email not in page.content()
    assert_accessible(page)
    page.get_by_role("link", name="Ouvrir le profil").click()
    page.get_by_label("Je supprimerai cette copie").check()
    with page.expect_download() as arriving:
        page.get_by_role("button", name="Télécharger la copie marquée").click()
    content = Path(arriving.value.path()).read_bytes()
    copy = " ".join(sheet.extract_text() for sheet in PdfReader(BytesIO(content)).pages)
    assert "Camille Martin" in copy
    assert "Novalis Conseil" in copy
    page.goto("/recruiter/downloads")
    expect(page.locator("tbody tr")).to_have_count(1)
    return profile


def test_the_main_job(
    new_page: NewPage, ports: Ports, mail_sink: MailSink, candidate_to_be: Persona, tmp_path: Path
) -> None:
    """A1–A3, B1–B4, C1–C6, D1–D4, D7, O-06, W-01: found, contacted, copied, accounted for, withdrawn."""
    who = candidate_to_be
    with ports.db.transaction() as session:
        publish_builtin(session, ports.clock.now())
    candidate, admin = new_page(language="fr"), new_page()
    recruiter = new_page(language="fr", expect={404})  # the profile, once withdrawn
    register_candidate(candidate, who)
    confirm(candidate, ports, mail_sink, who.email)
    sign_in(candidate, who.email)
    become_visible(candidate, ports, who, tmp_path)

    register_recruiter(recruiter)
    confirm(recruiter, ports, mail_sink, RECRUITER)
    sign_in(recruiter, RECRUITER)
    recruiter.goto("/recruiter/search")
    expect(recruiter.locator(".hit")).to_have_count(0)
    expect(recruiter.get_by_label("Compétences, intitulé")).to_be_disabled()
    approve_company(admin, ports)

    search = search_with_two_facets(recruiter)
    profile = open_contact_and_download(recruiter, who)

    candidate.goto("/candidate/access-log")
    log = candidate.locator("tbody")
    for act in ("a ouvert votre profil", "a lu le texte", "vous a écrit", "copie marquée"):
        expect(log.get_by_text(act).first).to_be_visible()
    expect(log.get_by_text("Novalis Conseil").first).to_be_visible()
    assert_accessible(candidate)
    candidate.goto("/candidate")
    candidate.get_by_role("button", name="Me masquer maintenant").click()
    expect(candidate.get_by_text("Personne ne peut vous trouver")).to_be_visible()

    recruiter.goto(search)
    expect(recruiter.locator("#count")).to_have_text("0 candidat")
    expect(recruiter.locator(".hit")).to_have_count(0)
    recruiter.goto(profile)
    expect(recruiter.get_by_role("heading", name="Introuvable")).to_be_visible()
