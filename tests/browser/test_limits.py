"""A search over its limit, in a real browser: the results stay, a notice says what happened (rules E1)."""

from __future__ import annotations

from dataclasses import replace

import pytest
from playwright.sync_api import Page, expect

from marketplace.accounts.models import Account
from marketplace.clock import FixedClock
from marketplace.db import Database
from marketplace.settings import Settings
from tests.browser.conftest import NewPage, assert_accessible
from tests.builders import a_recruiter
from tests.portal import open_session
from tests.servers import LiveServer


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Two searches a minute."""
    return replace(settings, quotas={**settings.quotas, "SEARCH": "2/minute"})


@pytest.fixture
def page(new_page: NewPage, live_server: LiveServer, db: Database, clock: FixedClock) -> Page:
    with db.transaction() as session:
        account = session.get_one(Account, a_recruiter(session).account_id)
        account.language = "en"
        token = open_session(session, account, clock.now())
    page = new_page(expect={429})
    page.context.add_cookies([{"name": "tm_session", "value": token, "url": live_server.url}])
    return page


def test_the_notice_stands_above_the_results(page: Page) -> None:
    """E1: the page keeps its results, says which limit it was, and what was typed stays in the form."""
    page.goto("/recruiter/search")
    words = page.get_by_role("combobox", name="Skills, job title or keyword")
    for text in ("python", "django"):
        with page.expect_response("**/recruiter/search**"):
            words.fill(text)
            words.press("Enter")
    notice = page.get_by_role("alert").filter(has_text="Searches: at most 2 a minute.")
    expect(notice).to_be_visible()
    expect(page.get_by_role("group", name="Country of the job")).to_be_attached()
    expect(words).to_have_value("django")
    assert_accessible(page)


def test_the_page_of_a_limit(page: Page) -> None:
    """E1: without a script it is a page that says the same, with the way back."""
    for _ in range(3):
        page.goto("/recruiter/search")
    expect(page.get_by_role("heading", name="Too many requests")).to_be_visible()
    expect(page.get_by_text("You can go on in")).to_be_visible()
    assert_accessible(page)
