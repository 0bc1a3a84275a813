"""A real Chromium on a real server, held to our content policy and to accessibility.

Debian's Chromium is driven by Playwright; no browser is downloaded. Where there is none the tests
are skipped with the reason, unless ``MARKETPLACE_REQUIRE`` names ``chromium``.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from litestar import Litestar
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, Response, sync_playwright

from marketplace.settings import Settings
from tests.servers import LiveServer, free_port

FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
AXE = Path(__file__).parent / "axe.min.js"
AXE_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
DESKTOP = {"width": 1360, "height": 900}
PHONE = {"width": 390, "height": 844}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)


@dataclass
class Watch:
    """What a page did that it must not do."""

    origin: str
    expected_statuses: set[int] = field(default_factory=set)
    faults: list[str] = field(default_factory=list)

    def console(self, message: ConsoleMessage) -> None:
        text = message.text
        if "Content Security Policy" in text or "Content-Security-Policy" in text:
            self.faults.append(f"CSP: {text}")
        elif message.type == "error" and "Failed to load resource" not in text:
            self.faults.append(f"console: {text}")

    def failed(self, error: Exception) -> None:
        self.faults.append(f"script: {error}")

    def request(self, request: Request) -> None:
        if not request.url.startswith(("data:", "blob:", "about:")) and _origin(request.url) != self.origin:
            self.faults.append(f"another host: {request.url}")

    def response(self, response: Response) -> None:
        if response.status >= 400 and response.status not in self.expected_statuses:
            self.faults.append(f"{response.status}: {response.url}")


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """The browser, once a session."""
    path = shutil.which("chromium")
    if path is None:
        reason = "no chromium on this machine (Debian: apt-get install chromium)"
        if "chromium" in os.environ.get("MARKETPLACE_REQUIRE", "").split(","):
            pytest.fail(reason)
        pytest.skip(reason)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """The test's settings at a free port: links in mails lead to the live server."""
    return replace(settings, base_url=f"http://127.0.0.1:{free_port()}")


@pytest.fixture
def live_server(app: Litestar, settings: Settings) -> Iterator[LiveServer]:
    """The whole application on a loopback port, on the test's own database, clock and mail sink."""
    with LiveServer(app, urlsplit(settings.base_url).port) as server:
        yield server


NewPage = Callable[..., Page]


@contextmanager
def watched_pages(browser: Browser, origin: str) -> Iterator[NewPage]:
    """Open watched pages, each with cookies of its own; any fault seen fails at the end."""
    watches: list[Watch] = []
    contexts = []

    def open_page(
        *,
        viewport: dict[str, int] = DESKTOP,
        language: str = "en",
        javascript: bool = True,
        expect: set[int] | None = None,
    ) -> Page:
        context = browser.new_context(
            base_url=origin,
            viewport=viewport,  # type: ignore[arg-type]  # a TypedDict of the same shape
            locale=language,
            java_script_enabled=javascript,
        )
        context.set_default_timeout(10_000)
        contexts.append(context)
        watch = Watch(origin, expect or set())
        watches.append(watch)
        context.on("console", watch.console)
        context.on("request", watch.request)
        context.on("response", watch.response)
        page = context.new_page()
        page.on("pageerror", watch.failed)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert [fault for watch in watches for fault in watch.faults] == []


@pytest.fixture
def new_page(chromium: Browser, live_server: LiveServer) -> Iterator[NewPage]:
    """``new_page(viewport=PHONE, language="fr", javascript=False, expect={404})``."""
    with watched_pages(chromium, live_server.url) as open_page:
        yield open_page


@pytest.fixture
def browser_page(new_page: NewPage) -> Page:
    """A desktop page in English."""
    return new_page()


def accessibility_faults(page: Page) -> list[str]:
    """Return, readably, what axe-core finds against WCAG 2.2 AA (O-06)."""
    # Evaluated over the debugging protocol, so our content policy neither stops it nor is loosened.
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found = json.loads(
        page.evaluate(
            "async (tags) => JSON.stringify((await axe.run(document, {runOnly: tags, "
            "resultTypes: ['violations'], preload: false})).violations)",
            AXE_RULES,
        )
    )
    return [
        f"{page.url}\n{fault['id']} ({fault['impact']}): {fault['help']}\n    "
        + "\n    ".join(node["html"][:200] for node in fault["nodes"])
        for fault in found
    ]


def reflow_faults(page: Page) -> list[str]:
    """Say when the page is wider than its window: nothing scrolls sideways at 320 px (O-06)."""
    page.set_viewport_size({"width": 320, "height": 640})
    wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    return [f"{page.url} is {wide} px wider than 320 px"] if wide > 0 else []


def assert_accessible(page: Page) -> None:
    """Fail with a readable list when axe-core finds anything (O-06)."""
    faults = accessibility_faults(page)
    assert not faults, "\n".join(faults)


def assert_reflows(page: Page) -> None:
    """Fail when the page is wider than its window (O-06)."""
    faults = reflow_faults(page)
    assert not faults, faults[0]
