"""The application with a few routes of its own to look at what the edge does around them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from litestar import Litestar, Request, Response
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from marketplace import errors
from marketplace.accounts.models import Role
from marketplace.app import create_app
from marketplace.catalogues import N_
from marketplace.clock import FixedClock
from marketplace.db import Database
from marketplace.mail import MailSink
from marketplace.rate_limits.quotas import NO_LIMITS
from marketplace.settings import Settings
from marketplace.web.api import get, post
from marketplace.web.guards import requires_candidate, requires_member, requires_recruiter
from marketplace.web.identity import Member
from marketplace.web.pages import render, see_other
from marketplace.web.portal import FormData, form_post, page_get
from tests.builders import NOW
from tests.databases import Copies
from tests.portal import PortalClient

AnyRequest = Request[Any, Any, Any]
PUBLIC = {"public": True}


class Inner(msgspec.Struct, forbid_unknown_fields=True):
    name: str


class Posted(msgspec.Struct, forbid_unknown_fields=True):
    title: str
    company: Inner


class Whoami(msgspec.Struct):
    account_id: str
    next: str | None


REFUSALS: dict[str, Exception] = {
    "invalid": errors.InvalidInputError.of("email", "taken", N_("This is required.")),
    "missing": errors.NotFoundError("secret-id"),
    "contact": errors.ContactNotAllowedError(["budget_spent", "terms_outdated"]),
    "signed-out": errors.NotSignedInError(),
    "conflict": errors.ConflictError("already_decided", "This was decided already."),
    "large": errors.TooLargeError(5),
    "often": errors.TooManyRequestsError("SEARCH", 30, 17),
    "search": errors.SearchUnavailableError(),
    "away": errors.UnavailableError("database", 9),
    "broken": ZeroDivisionError("internal detail 4711"),
}


def _refuse(kind: str) -> None:
    raise REFUSALS[kind]


@get("/probe/whoami", guards=[requires_member])
def whoami(member: NamedDependency[Member]) -> Whoami:
    return Whoami(str(member.account_id), member.next)


@get("/probe/recruiters", guards=[requires_recruiter])
def for_recruiters() -> dict[str, str]:
    return {"for": Role.RECRUITER.value}


@get("/probe/refusals/{kind:str}", opt=PUBLIC)
def refusal(kind: FromPath[str]) -> None:
    _refuse(kind)


@post("/probe/changes", opt=PUBLIC)
def change(data: JSONBody[Posted]) -> dict[str, str]:
    return {"title": data.title}


@page_get("/probe/page", guards=[requires_candidate])
def page(request: AnyRequest) -> Response[Any]:
    return render(request, "problem_type.html", code="x", kind=errors_kind())


def errors_kind() -> Any:
    from marketplace.web.problem_kinds import KINDS

    return KINDS["not_found"]


@page_get("/probe/refusals/{kind:str}", opt=PUBLIC)
def refused_page(kind: FromPath[str]) -> None:
    _refuse(kind)


@form_post("/probe/form", opt=PUBLIC)
def form_target(form: NamedDependency[FormData]) -> Response[Any]:
    return see_other("/", flash="Please try again", got=form.text("word"))


@form_post("/probe/member-form", guards=[requires_candidate])
def member_form(form: NamedDependency[FormData]) -> Response[Any]:
    return see_other("/")


PROBES = (whoami, for_recruiters, refusal, change)
PAGES = (page, refused_page, form_target, member_form)


def build(settings: Settings, **ports: Any) -> Litestar:
    """Return the application with the probe routes."""
    from litestar import Router

    app = create_app(settings, reader=None, mailer=MailSink(), **ports)
    app.register(Router("/api/v1", route_handlers=list(PROBES)))
    for route in PAGES:
        app.register(route)
    return app


# One application and database a module: building the routes of every feature costs half a second.


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return Settings(
        data=tmp_path_factory.mktemp("data"),
        secret_key="k" * 48,
        password_hash_memory_kib=8,
        quotas=NO_LIMITS,
    )


@pytest.fixture(scope="module")
def db(copies: Copies) -> Iterator[Database]:
    url = copies.make()
    database = Database(url, pool_size=5)
    yield database
    database.dispose()
    copies.drop(url)


@pytest.fixture(scope="module")
def module_clock() -> FixedClock:
    return FixedClock(NOW)


@pytest.fixture
def clock(module_clock: FixedClock) -> FixedClock:
    """The clock of the module's application, set back for each test."""
    module_clock.instant = NOW
    return module_clock


@pytest.fixture(scope="module")
def shared_app(settings: Settings, db: Database, module_clock: FixedClock) -> Litestar:
    return build(settings, db=db, clock=module_clock)


@pytest.fixture
def app(shared_app: Litestar, clock: FixedClock) -> Litestar:
    return shared_app


@pytest.fixture
def client(app: Litestar) -> Iterator[PortalClient]:
    with PortalClient(app) as client:
        yield client
