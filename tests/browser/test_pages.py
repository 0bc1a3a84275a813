"""Every page of the three portals, in both languages: accessible, quiet, fit for desk and phone.

One database is filled and one server started for all of them. ``MARKETPLACE_TEST_PICTURES`` names a
folder that then gets a picture of every page.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from litestar import Litestar
from litestar.routes import HTTPRoute
from playwright.sync_api import Browser, Page, expect

from marketplace.app import build_ports, create_app
from marketplace.clock import FixedClock
from marketplace.db import Database
from marketplace.mail import MailSink
from marketplace.rate_limits.quotas import NO_LIMITS
from marketplace.settings import Settings
from tests.browser.conftest import DESKTOP, PHONE, accessibility_faults, reflow_faults, watched_pages
from tests.browser.scenes import NOW, Scene, fill, speak
from tests.databases import Copies
from tests.servers import LiveServer, free_port

PAGES = {
    "visitor": [
        "/", "/sign-in", "/sign-up", "/candidate/sign-up", "/candidate/sign-up/sent", "/recruiter/sign-up",
        "/check-your-mail", "/new-confirmation", "/confirm-email/none", "/forgotten-password",
        "/reset-password/none", "/terms", "/terms/privacy_policy", "/how-results-are-ordered", "/dev/mail",
        "/problems/not_found", "/deletion-duties/{settle}",
    ],
    "unsettled": ["/accept-terms"],
    "recruiter": [
        "/recruiter/search",
        "/recruiter/search?q=python&job_field=development",
        "/recruiter/search?q=xylophonistique",
        "/recruiter/search?q=pyhton+%26+-luthier",
        "/recruiter/search?q=python&job_field=development&region=FR-20R",
        "/recruiter/search?start_to=2027-09-01",
        "/recruiter/search?start_from=2027-09-30&start_to=2027-01-01",
        "/recruiter/candidates/{candidate}?q=python", "/recruiter/candidates/{candidate}/cv?q=python",
        "/recruiter/candidates/{candidate}/similar?q=python",
        "/recruiter/contacts", "/recruiter/contacts/{contact}", "/recruiter/openings",
        "/recruiter/openings/{opening}", "/recruiter/downloads?select=overdue",
        "/recruiter/downloads?show=settled", "/recruiter/profile", "/account",
        "/account/password",
    ],
    "waiting": ["/recruiter", "/recruiter/search", "/recruiter/openings", "/recruiter/downloads"],
    "refused": ["/recruiter"],
    "candidate": [
        "/candidate", "/candidate/profile", "/candidate/cv", "/candidate/visibility", "/candidate/contacts",
        "/candidate/contacts/{contact}", "/candidate/access-log", "/account",
    ],
    "newcomer": [
        "/candidate", "/candidate/profile", "/candidate/cv", "/candidate/visibility", "/candidate/contacts",
        "/candidate/access-log",
    ],
    "hidden": ["/candidate", "/candidate/visibility"],
    "paused": ["/candidate"],
    "barred_recruiter": ["/suspended"],
    "barred_candidate": ["/suspended"],
    "admin": [
        "/admin", "/admin/companies", "/admin/companies/{company}", "/admin/domains",
        "/admin/deletion-duties", "/admin/deletion-duties?state=all", "/account",
        "/admin/members", "/admin/members?q=people.example", "/admin/members?q=xylophone",
        "/admin/recruiters/{barred_recruiter}/sanctions", "/admin/candidates/{barred_candidate}/sanctions",
        "/admin/candidates/{candidate}/sanctions",
        "/admin/holds", "/admin/retention", "/admin/retention?days=90",
    ],
}  # fmt: skip
SCREENS = {"fr": DESKTOP, "en": PHONE}
"""axe looks at each page once a language, on a desk in one and on a phone in the other."""

NO_PAGES = ("/api/", "/static", "/livez", "/readyz", "/metrics")
PICTURES = os.environ.get("MARKETPLACE_TEST_PICTURES")


@dataclass(frozen=True)
class Town:
    """The one server of this module with its people."""

    url: str
    app: Litestar
    db: Database
    scene: Scene


@pytest.fixture(scope="module")
def town(copies: Copies, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """A filled marketplace on a loopback port."""
    url, port = copies.make(), free_port()
    db = Database(url, pool_size=5)
    data = tmp_path_factory.mktemp("town") / "data"
    data.mkdir(mode=0o700)
    settings = Settings(
        quotas=NO_LIMITS,
        data=data, secret_key="k" * 48, password_hash_memory_kib=8, database_url=url,
        base_url=f"http://127.0.0.1:{port}", cv_extraction="forkserver",
    )  # fmt: skip
    ports = build_ports(settings, db=db, clock=FixedClock(NOW), mailer=MailSink())
    scene = fill(ports)
    app = create_app(replace(settings, cv_extraction="subprocess"), ports=ports)
    with LiveServer(app, port) as server:
        yield Town(server.url, app, db, scene)
    db.dispose()
    copies.drop(url)


def addresses(scene: Scene, who: str) -> list[str]:
    """The pages of ``who``, with the ids of this scene."""
    ids = {
        "candidate": scene.candidate_id, "contact": scene.contact_id, "opening": scene.opening_id,
        "company": scene.waiting_company_id, "settle": scene.settle_token,
        "barred_recruiter": scene.barred_recruiter_id, "barred_candidate": scene.barred_candidate_id,
    }  # fmt: skip
    return [path.format_map(ids) for path in PAGES[who]]


@pytest.mark.parametrize("language", SCREENS)
@pytest.mark.parametrize("who", PAGES)
def test_every_page(chromium: Browser, town: Town, who: str, language: str) -> None:
    """F4, O-06, W-01: axe finds nothing, nothing scrolls sideways at 320 px, the page speaks its
    language, the console is silent, and no other host is asked."""
    with town.db.transaction() as session:
        speak(session, language)
    faults: list[str] = []
    with watched_pages(chromium, town.url) as new_page:
        page = new_page(language=language, expect={422})
        sign_in(page, town, who)
        for number, path in enumerate(addresses(town.scene, who)):
            page.set_viewport_size(SCREENS[language])  # type: ignore[arg-type]
            page.goto(path)
            assert urlsplit(page.url).path == urlsplit(path).path
            assert page.locator("html").get_attribute("lang") == language
            faults += accessibility_faults(page)
            take_pictures(page, f"{who}-{number:02}-{language}")
            faults += reflow_faults(page)
    assert not faults, "\n".join(faults)


def test_no_page_is_forgotten(town: Town) -> None:
    """O-06: every page that can be read with GET is among :data:`PAGES`, or named here with its test."""
    elsewhere = {
        "/api/docs": "test_start", "/dev/mail/{name}": "one mail", "/problems/{code}": "above",
        "/recruiter/downloads/{download_id}/file": "a PDF", "/candidate/cv/file": "a PDF",
        "/admin/recruiters/{recruiter_id}/mandate": "a PDF",
    }  # fmt: skip
    walked = {urlsplit(path).path for who in PAGES for path in addresses(town.scene, who)}
    routes = {
        re.sub(r":[a-z]+(?=})", "", route.path)
        for route in town.app.routes
        if isinstance(route, HTTPRoute) and is_page(route)
    }
    assert {"/", "/admin/companies/{company_id}", "/recruiter/search", "/candidate/cv"} <= routes
    patterns = {path: re.compile(re.sub(r"{[^}]+}", "[^/]+", path)) for path in routes - set(elsewhere)}
    assert [path for path, pattern in patterns.items() if not any(map(pattern.fullmatch, walked))] == []


def is_page(route: HTTPRoute) -> bool:
    """Whether a route answers GET with a page for people."""
    return "GET" in route.methods and not route.path.startswith(NO_PAGES)


@pytest.mark.parametrize("javascript", [True, False])
def test_the_filters_on_a_phone_and_on_a_desk(chromium: Browser, town: Town, javascript: bool) -> None:
    """O-06: folded on a phone until pressed, and open while they are chosen; never folded on a desk."""
    with watched_pages(chromium, town.url) as new_page:
        page = new_page(viewport=PHONE, javascript=javascript)
        sign_in(page, town, "recruiter")
        page.goto("/recruiter/search")
        box = page.locator("#facet-job_field-development")
        expect(box).to_be_hidden()
        page.locator("summary.facets-summary").click()
        expect(box).to_be_visible()
        if javascript:
            box.check()
            expect(page).to_have_url(re.compile("job_field=development"))
            expect(page.locator(".facets-summary .badge")).to_have_text("1")
            expect(box).to_be_visible()
        desk = new_page(javascript=javascript)
        sign_in(desk, town, "recruiter")
        desk.goto("/recruiter/search")
        expect(desk.locator("#facet-job_field-development")).to_be_visible()
        expect(desk.locator("summary.facets-summary")).to_be_hidden()


def test_an_older_browser_unfolds_the_filters_on_a_desk(chromium: Browser, town: Town) -> None:
    """O-06: where style cannot unfold them, the script does, after each search too."""
    with watched_pages(chromium, town.url) as new_page:
        page = new_page()
        page.add_init_script("CSS.supports = () => false")
        sign_in(page, town, "recruiter")
        page.goto("/recruiter/search")
        expect(page.locator("#filters")).to_have_attribute("open", "")
        page.locator("#facet-job_field-development").check()
        expect(page).to_have_url(re.compile("job_field=development"))
        expect(page.locator("#filters")).to_have_attribute("open", "")


@pytest.mark.parametrize("screen", ["desk", "phone"])
def test_suggestions_below_the_search_box(chromium: Browser, town: Town, screen: str) -> None:
    """O-06, D1: a combobox by keyboard and for screen readers; what is chosen becomes a filter."""
    with town.db.transaction() as session:
        speak(session, "en")
    with watched_pages(chromium, town.url) as new_page:
        page = new_page(viewport=PHONE if screen == "phone" else DESKTOP)
        sign_in(page, town, "recruiter")
        page.goto("/recruiter/search")
        box = page.get_by_role("combobox", name="Skills, job title or keyword")
        expect(box).to_have_attribute("aria-expanded", "false")
        box.press_sequentially("junior dev")
        options = page.get_by_role("listbox", name="Suggestions").get_by_role("option")
        expect(options.first).to_be_visible()
        expect(box).to_have_attribute("aria-expanded", "true")
        expect(page.get_by_role("status").filter(has_text="suggestion")).to_have_count(1)
        box.press("ArrowDown")
        expect(options.first).to_have_attribute("aria-selected", "true")
        chosen = options.first.get_attribute("id")
        expect(box).to_have_attribute("aria-activedescendant", chosen or "none")
        assert accessibility_faults(page) == []
        take_pictures(page, f"suggestions-{screen}")
        box.press("ArrowUp")
        expect(options.first).to_have_attribute("aria-selected", "false")
        box.press("Escape")
        expect(options).to_have_count(0)
        expect(box).to_have_value("junior dev")
        box.press("Backspace")
        expect(options.first).to_be_visible()
        box.press("ArrowDown")
        box.press("Enter")
        expect(page).to_have_url(re.compile("[?&]job_field=development"))
        expect(page).to_have_url(re.compile("[?&]q=junior($|&)"))
        expect(box).to_have_value("junior")
        box.fill("pyth")
        options.filter(has_text="Python").first.click()
        expect(page).to_have_url(re.compile("[?&]skill=python"))
        expect(box).to_have_value("")
        assert reflow_faults(page) == []


def test_the_search_box_without_javascript(chromium: Browser, town: Town) -> None:
    """O-06: a plain box in a form; nothing that a script alone could fill is there."""
    with town.db.transaction() as session:
        speak(session, "en")
    with watched_pages(chromium, town.url) as new_page:
        page = new_page(javascript=False)
        sign_in(page, town, "recruiter")
        page.goto("/recruiter/search")
        expect(page.get_by_role("combobox", name="Skills, job title or keyword")).to_have_count(0)
        box = page.get_by_role("searchbox", name="Skills, job title or keyword")
        box.fill("pyth")
        box.press("Enter")
        expect(page).to_have_url(re.compile("[?&]q=pyth"))


@pytest.mark.parametrize("who", ["candidate", "recruiter", "admin"])
def test_the_menu_keeps_to_one_line(chromium: Browser, town: Town, who: str) -> None:
    """O-06: from the width at which it unfolds, in French, the longer language."""
    with town.db.transaction() as session:
        speak(session, "fr")
    with watched_pages(chromium, town.url) as new_page:
        page = new_page(viewport={"width": 1200, "height": 700}, language="fr")
        sign_in(page, town, who)
        page.goto("/account")
        header = page.locator("header.site-header").bounding_box()
        assert header is not None
        assert header["height"] < 70
        assert reflow_faults(page) == []


@pytest.mark.parametrize("language", SCREENS)
def test_the_wait_after_too_many_sign_ins(chromium: Browser, town: Town, language: str) -> None:
    """A-04, F4, O-06: the page that says when to come back is accessible and keeps the address."""
    email = f"nobody-{language}@example.org"
    with watched_pages(chromium, town.url) as new_page:
        page = new_page(viewport=SCREENS[language], language=language, expect={401, 429})
        for _ in range(6):
            page.goto("/sign-in?next=/account")
            page.locator("[name=email]").fill(email)
            page.locator("[name=password]").fill("not the right password")
            page.locator("main [type=submit]").click()
        expect(page.locator("#wait")).to_contain_text("1 minute")
        expect(page.locator("[name=email]")).to_have_value(email)
        expect(page.locator("[name=password]")).to_have_value("")
        expect(page.locator("main [name=next]")).to_have_value("/account")
        assert accessibility_faults(page) == []
        take_pictures(page, f"wait-{language}")
        assert reflow_faults(page) == []


def sign_in(page: Page, town: Town, who: str) -> None:
    """Take the session of ``who``; visitors have none."""
    if who in town.scene.tokens:
        page.context.add_cookies([{"name": "tm_session", "value": town.scene.tokens[who], "url": town.url}])


def take_pictures(page: Page, name: str) -> None:
    """Keep what the page looks like, where a folder for it is named."""
    if PICTURES:
        for screen, size in (("desk", DESKTOP), ("phone", PHONE)):
            page.set_viewport_size(size)  # type: ignore[arg-type]
            # the caret stays: hiding it is a style of its own, which our content policy refuses
            page.screenshot(path=Path(PICTURES) / f"{name}-{screen}.png", full_page=True, caret="initial")
