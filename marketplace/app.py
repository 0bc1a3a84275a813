"""The only place that wires adapters: ports from settings, the application from ports.

Features give ``ROUTES`` (``api.py`` for JSON, ``portal.py`` for pages); nothing is registered
anywhere else, and nothing is read from the environment but by ``create_app_from_environment``.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from litestar import Litestar, Router
from litestar.di import Provide
from litestar.handlers import HTTPRouteHandler

from marketplace.accounts import api as accounts_api
from marketplace.accounts import portal as accounts_portal
from marketplace.accounts.hooks import AccountHooks
from marketplace.accounts.models import Role
from marketplace.admin import api as admin_api
from marketplace.admin import duties_api as admin_duties_api
from marketplace.admin import duties_portal as admin_duties_portal
from marketplace.admin import portal as admin_portal
from marketplace.admin import retention_api, retention_portal, sanctions_api, sanctions_portal
from marketplace.candidates import api as candidates_api
from marketplace.candidates import portal as candidates_portal
from marketplace.candidates import services as candidates
from marketplace.clock import SystemClock
from marketplace.contacts import api as contacts_api
from marketplace.contacts import portal as contacts_portal
from marketplace.db import Database
from marketplace.files import FolderFileStore
from marketplace.logs import configure_logs
from marketplace.mail import FolderMailer, SmtpMailer
from marketplace.moderation import api as moderation_api
from marketplace.moderation import portal as moderation_portal
from marketplace.moderation.services import reinstate_if_due
from marketplace.pdf.limited import PDFReader
from marketplace.ports import Ports
from marketplace.rate_limits.memory import MemoryLimiter
from marketplace.rate_limits.redis_limiter import RedisLimiter
from marketplace.rate_limits.resilient import ClosableLimiter, ResilientLimiter
from marketplace.recruiters import api as recruiters_api
from marketplace.recruiters import inactivity
from marketplace.recruiters import portal as recruiters_portal
from marketplace.recruiters import queries as recruiter_queries
from marketplace.recruiters import settling as recruiter_settling
from marketplace.search import api as search_api
from marketplace.search import portal as search_portal
from marketplace.search.port import SearchIndex
from marketplace.search.tantivy import TantivyIndex
from marketplace.settings import Settings, SettingsError
from marketplace.terms import api as terms_api
from marketplace.terms import portal as terms_portal
from marketplace.web import routes as web_routes
from marketplace.web.bodies import JsonTextMiddleware
from marketplace.web.csrf import CsrfMiddleware
from marketplace.web.edge import EdgeMiddleware
from marketplace.web.guards import requires_settled, unguarded
from marketplace.web.headers import security_headers
from marketplace.web.identity import provide_member
from marketplace.web.language import provide_language
from marketplace.web.pages import error_page
from marketplace.web.problems import exception_handlers
from marketplace.web.sessions import SessionMiddleware

MAX_BODY_BYTES = 1024 * 1024
"""Of every route but the upload of a CV, which names its own."""


def build_ports(settings: Settings, **overrides: Any) -> Ports:
    """Return the adapters that ``settings`` choose; ``overrides`` replace them by name (tests)."""
    made: dict[str, Any] = {
        "clock": SystemClock,
        "db": lambda: _database(settings),
        "files": lambda: FolderFileStore(settings.files_dir),
        "index": lambda: _index(settings),
        "reader": lambda: PDFReader(settings),
        "mailer": lambda: _mailer(settings),
        "limiter": lambda: _limiter(settings),
    }
    chosen = {name: overrides.pop(name) if name in overrides else make() for name, make in made.items()}
    if overrides:
        raise TypeError(f"no such port: {', '.join(overrides)}")
    return Ports(settings=settings, **chosen)


def _database(settings: Settings) -> Database:
    if not settings.database_url:
        raise SettingsError("DATABASE_URL is empty: `marketplace demo` starts its own database and sets it")
    wake = None
    if settings.redis_url:
        from marketplace.worker import Waker  # Celery takes half a second to import

        wake = Waker()
    return Database(settings.database_url, pool_size=settings.database_pool, after_commit=wake)


def _index(settings: Settings) -> SearchIndex:
    if settings.search == "tantivy":
        return TantivyIndex(settings.index_dir)
    from marketplace.search.opensearch import OpenSearchIndex  # its client takes half a second to import

    return OpenSearchIndex.of(settings)


def _mailer(settings: Settings) -> FolderMailer | SmtpMailer:
    if settings.smtp_url:
        return SmtpMailer(settings.smtp_url, settings.mail_from)
    return FolderMailer(settings.mail_dir, settings.mail_from)


def _limiter(settings: Settings) -> ClosableLimiter:
    if settings.redis_url:
        return ResilientLimiter(RedisLimiter(settings.redis_url), settings.limiter_fallback_divisor)
    return MemoryLimiter()


def api_routes() -> list[HTTPRouteHandler]:
    """Return the JSON routes of every feature, without their prefix."""
    return [
        *web_routes.API_ROUTES,
        *accounts_api.ROUTES,
        *terms_api.ROUTES,
        *recruiters_api.ROUTES,
        *candidates_api.ROUTES,
        *contacts_api.ROUTES,
        *search_api.ROUTES,
        *moderation_api.ROUTES,
        *admin_api.ROUTES,
        *sanctions_api.ROUTES,
        *admin_duties_api.ROUTES,
        *retention_api.ROUTES,
    ]


def portal_routes(settings: Settings) -> Sequence[Any]:
    """Return the pages of every feature, the shared ones and the static files; none asks to pay (A10)."""
    return [
        *accounts_portal.ROUTES,
        *terms_portal.ROUTES,
        *recruiters_portal.ROUTES,
        *candidates_portal.ROUTES,
        *contacts_portal.ROUTES,
        *search_portal.ROUTES,
        *moderation_portal.ROUTES,
        *admin_portal.ROUTES,
        *sanctions_portal.ROUTES,
        *admin_duties_portal.ROUTES,
        *retention_portal.ROUTES,
        *web_routes.page_routes(settings),
    ]


def create_app(settings: Settings, **overrides: Any) -> Litestar:
    """Return the application; ``overrides`` replace ports by name, or ``ports`` all of them.

    Raises :class:`SettingsError` for settings that cannot work, and :class:`RuntimeError` when a
    route has neither a role guard nor says that it is public.
    """
    ports = overrides.pop("ports", None) or build_ports(settings, **overrides)
    return connected(routed(settings), settings, ports)


@asynccontextmanager
async def _open_ports(app: Litestar) -> AsyncGenerator[None]:
    try:
        yield
    finally:
        app.state.ports.close()


def routed(settings: Settings) -> Litestar:
    """Return the application without ports: its routes, guards and handlers, for :func:`connected`.

    Raises :class:`RuntimeError` when a route has neither a role guard nor says that it is public.
    """
    hooks = account_hooks()
    app = Litestar(
        route_handlers=[
            Router("/api/v1", route_handlers=api_routes()),
            *portal_routes(settings),
        ],
        dependencies={
            "ports": Provide(lambda: app.state.ports, sync_to_thread=False),
            "member": Provide(provide_member, sync_to_thread=False),
            "language": Provide(provide_language, sync_to_thread=False),
            "hooks": Provide(lambda: hooks, sync_to_thread=False),
        },
        guards=[requires_settled],
        middleware=[CsrfMiddleware(), JsonTextMiddleware()],
        exception_handlers=exception_handlers(error_page),
        before_send=[security_headers(is_secure=settings.is_secure)],
        lifespan=[_open_ports],
        openapi_config=None,
        logging_config=None,
        request_max_body_size=MAX_BODY_BYTES,
    )
    if forgotten := sorted(unguarded(app)):
        raise RuntimeError(f"routes without a guard: {', '.join(forgotten)}")
    app.state.routes = app.asgi_handler
    return app


def connected(app: Litestar, settings: Settings, ports: Ports) -> Litestar:
    """Return the application of :func:`routed` at work on these ports, and on no others from now on."""
    app.state.ports = ports
    handler = SessionMiddleware(ports, reinstate_if_due)(app.state.routes)
    app.asgi_handler = EdgeMiddleware(settings, error_page)(handler)
    return app


def account_hooks() -> AccountHooks:
    """Return what accounts ask of the roles' features, so that they import none of them."""
    return AccountHooks(
        confirmed={
            Role.RECRUITER: recruiter_settling.email_confirmed,
            Role.CANDIDATE: candidates.email_confirmed,
        },
        facts={Role.RECRUITER: recruiter_queries.member_facts, Role.CANDIDATE: candidates.member_facts},
        renamed={Role.CANDIDATE: candidates.member_renamed},
        signed_in={Role.RECRUITER: inactivity.signed_in},
    )


def create_app_from_environment() -> Litestar:
    """Return the application of this process's environment; the factory granian calls."""
    configure_logs()
    return create_app(Settings.from_environment())
