"""The warning before a session ends for want of use, in a real browser (security.md S-02)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect

from marketplace.accounts.models import Role
from marketplace.clock import FixedClock
from marketplace.db import Database
from tests.browser.conftest import NewPage, assert_accessible
from tests.builders import a_candidate, an_account
from tests.portal import open_session
from tests.servers import LiveServer


@pytest.fixture
def page(new_page: NewPage, live_server: LiveServer, db: Database, clock: FixedClock) -> Page:
    """A member's page whose time the test moves."""
    with db.transaction() as session:
        account = an_account(session, Role.CANDIDATE, language="en")
        a_candidate(session, account=account)
        token = open_session(session, account, clock.now())
    page = new_page()
    page.context.add_cookies([{"name": "tm_session", "value": token, "url": live_server.url}])
    page.clock.install()
    page.goto("/account")
    return page


def passes(page: Page, clock: FixedClock, minutes: int) -> None:
    clock.advance(timedelta(minutes=minutes))
    page.clock.fast_forward(minutes * 60_000)


def test_one_key_press_extends_the_session(page: Page, clock: FixedClock) -> None:
    """S-02, O-06 (WCAG 2.2.1): the page warns in time, and Enter is enough to stay signed in."""
    warning = page.get_by_role("dialog", name="Are you still there?")
    passes(page, clock, 56)
    expect(warning).to_be_hidden()
    passes(page, clock, 1)
    expect(warning).to_be_visible()
    expect(page.get_by_role("button", name="Stay signed in")).to_be_focused()
    assert_accessible(page)
    with page.expect_response("**/api/v1/me") as answered:
        page.keyboard.press("Enter")
    assert answered.value.status == 200
    expect(warning).to_be_hidden()
    passes(page, clock, 56)
    page.goto("/account")
    expect(page.get_by_role("heading", name="Your account")).to_be_visible()


def test_without_an_answer_the_session_ends(new_page: NewPage, page: Page, clock: FixedClock) -> None:
    """S-02: the warning extends nothing by itself; the limit is the server's."""
    passes(page, clock, 61)
    expect(page.get_by_role("dialog")).to_be_visible()
    page.goto("/account")
    expect(page.get_by_role("heading", name="Welcome back")).to_be_visible()
