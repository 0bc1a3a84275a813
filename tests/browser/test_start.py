"""What every page shares, in a real browser: menu, language, skip link, error page; and the API page."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import PHONE, NewPage, assert_accessible


def test_the_menu_on_a_phone(new_page: NewPage) -> None:
    """O-06: the menu opens with the keyboard; without JavaScript it is never folded."""
    page = new_page(viewport=PHONE)
    page.goto("/")
    link = page.get_by_role("link", name="Sign in")
    expect(link).to_be_hidden()
    page.get_by_role("button", name="Menu").press("Enter")
    expect(link).to_be_visible()
    plain = new_page(viewport=PHONE, javascript=False)
    plain.goto("/")
    expect(plain.get_by_role("link", name="Sign in")).to_be_visible()


@pytest.mark.parametrize("javascript", [True, False])
def test_the_language_switch(new_page: NewPage, javascript: bool) -> None:
    """F4: one press changes the language and stays on the page, with and without JavaScript."""
    page = new_page(language="en", javascript=javascript)
    page.goto("/problems/not_found?x=1")
    page.get_by_role("button", name="Français").click()
    expect(page.get_by_role("heading", name="Introuvable")).to_be_visible()
    assert page.url.endswith("/problems/not_found?x=1")


def test_the_skip_link_comes_first(new_page: NewPage) -> None:
    """O-06: the first Tab reaches the link to the content."""
    page = new_page()
    page.goto("/")
    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Skip to the content")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    page.keyboard.press("Enter")
    expect(page.locator("#content")).to_be_focused()


def test_a_page_that_is_not_there(new_page: NewPage) -> None:
    """The error page is as accessible as any other."""
    page = new_page(expect={404})
    page.goto("/nowhere")
    expect(page.get_by_role("heading", name="Not found")).to_be_visible()
    assert_accessible(page)


def test_swagger_obeys_the_policy(new_page: NewPage) -> None:
    """W-01: the API page draws the routes from local files, with no exception in the policy."""
    page = new_page()
    page.goto("/api/docs")
    page.locator("#swagger-ui .opblock-tag").first.wait_for()
    page.locator("#swagger-ui .opblock-tag", has_text="web").click()
    page.get_by_text("/api/v1/csrf-token").click()
    page.get_by_role("button", name="Try it out").click()
    page.get_by_role("button", name="Execute").click()
    page.get_by_text("Response body").first.wait_for()
