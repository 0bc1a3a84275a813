"""The routes of the edge itself, and the static files."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from litestar.datastructures import CacheControlHeader
from litestar.handlers import HTTPRouteHandler
from litestar.static_files import create_static_files_router

from marketplace.settings import Settings
from marketplace.web import devmail, docs, health, metrics, start
from marketplace.web.pages import STATIC

API_ROUTES: list[HTTPRouteHandler] = [docs.form_token]

YEAR = 31_536_000


def page_routes(settings: Settings) -> Sequence[Any]:
    """Return the pages of no feature; the mail folder is readable in development only."""
    routes: list[Any] = [
        start.start_page,
        start.choose_language,
        start.problem_page,
        start.csp_report,
        health.livez,
        health.readyz,
        metrics.metrics,
        docs.openapi_document,
        docs.docs_page,
        create_static_files_router(
            "/static",
            directories=[STATIC],
            # The address carries a hash of the content (pages.static_url).
            cache_control=CacheControlHeader(public=True, max_age=YEAR, immutable=True),
            opt={"public": True, "csrf_exempt": True},
            include_in_schema=False,
        ),
    ]
    if not settings.is_production:
        routes += [devmail.mail_list, devmail.mail_page]
    return routes
