"""The candidate's pages in a real browser: accessible, quiet, fit for a phone."""

from __future__ import annotations

from datetime import datetime

import pytest

from marketplace.db import Database
from marketplace.terms import services as terms
from marketplace.terms.models import DocumentKind
from tests.browser.conftest import PHONE, NewPage, assert_accessible, assert_reflows
from tests.builders import a_candidate, an_account
from tests.portal import open_session
from tests.servers import LiveServer

PAGES = (
    "/candidate",
    "/candidate/profile",
    "/candidate/cv",
    "/candidate/visibility",
    "/candidate/access-log",
)


@pytest.mark.parametrize(("trait", "language"), [("searchable", "en"), ("incomplete", "fr")])
def test_candidate_pages_are_accessible(
    new_page: NewPage, live_server: LiveServer, db: Database, now: datetime, trait: str, language: str
) -> None:
    """O-06, W-01: axe finds nothing on any page of a candidate, and each fits 320 px."""
    with db.transaction() as session:
        for each in ("en", "fr"):
            terms.publish(session, now, DocumentKind.CONSENT_SEARCH, each, "# Consent\n\nText", now.date())
        account = an_account(session, language=language)
        a_candidate(session, trait, account=account)  # type: ignore[arg-type]
        token = open_session(session, account, now)
    page = new_page(language=language)
    page.goto("/candidate/sign-up")
    assert_accessible(page)
    page.context.add_cookies([{"name": "tm_session", "value": token, "url": live_server.url}])
    for path in PAGES:
        page.goto(path)
        assert_accessible(page)
        page.set_viewport_size(PHONE)  # type: ignore[arg-type]
        assert_accessible(page)
        assert_reflows(page)
        page.set_viewport_size({"width": 1360, "height": 900})
