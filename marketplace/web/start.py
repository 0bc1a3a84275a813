"""Pages that belong to no feature: the start page, the language switch, what problems mean."""

from __future__ import annotations

import re
from typing import Any

import structlog
from litestar import Request, Response
from litestar import post as litestar_post
from litestar.di import NamedDependency
from litestar.exceptions import NotFoundException
from litestar.params import FromPath

from marketplace.accounts.hooks import AccountHooks
from marketplace.accounts.own_data import update_own_data
from marketplace.catalogues import LANGUAGES, N_
from marketplace.errors import InvalidInputError
from marketplace.ports import Ports
from marketplace.web.identity import member_of
from marketplace.web.language import language_cookie
from marketplace.web.pages import render, see_other
from marketplace.web.portal import FormData, form_post, page_get
from marketplace.web.problem_kinds import KINDS

log = structlog.get_logger()

AnyRequest = Request[Any, Any, Any]
PUBLIC = {"public": True}
_LOCAL_PATH = re.compile(r"/(?![/\\])[^\s\\]{0,2000}", re.ASCII)


def local_path(target: str, otherwise: str = "/") -> str:
    """Return ``target`` when it is a path of ours, so that no redirect leads away."""
    return target if _LOCAL_PATH.fullmatch(target) else otherwise


@page_get("/", opt=PUBLIC)
def start_page(request: AnyRequest) -> Response[Any]:
    """What this is, and where recruiters and candidates begin."""
    return render(request, "start.html")


@form_post("/language", opt=PUBLIC)
def choose_language(
    request: AnyRequest,
    ports: NamedDependency[Ports],
    hooks: NamedDependency[AccountHooks],
    form: NamedDependency[FormData],
) -> Response[Any]:
    """Remember a language: in a cookie, and in the account of who is signed in."""
    language = form.text("language")
    if language not in LANGUAGES:
        raise InvalidInputError.of("language", "unknown", N_("Choose one of the languages offered."))
    member = member_of(request)
    if member is not None:
        with ports.db.transaction() as session:
            update_own_data(session, ports.clock.now(), member.account_id, hooks, language=language)
    response = see_other(local_path(form.text("next")))
    response.set_cookie(language_cookie(ports.settings, language))
    return response


@page_get("/problems/{code:str}", opt=PUBLIC)
def problem_page(request: AnyRequest, code: FromPath[str]) -> Response[Any]:
    """What a problem type means (RFC 9457: the type is an address that explains)."""
    kind = KINDS.get(code)
    if kind is None:
        raise NotFoundException
    return render(request, "problem_type.html", code=code, kind=kind)


@litestar_post("/csp-reports", opt={**PUBLIC, "csrf_exempt": True}, include_in_schema=False, status_code=204)
async def csp_report(request: AnyRequest) -> None:
    """Count a violation of the content policy: the directive only, never an address."""
    content = await request.body()
    directives = re.findall(
        rb'"(?:effectiveDirective|effective-directive)"\s*:\s*"([a-z-]{1,40})"', content[:16384]
    )
    log.warning("csp.violated", directives=sorted({directive.decode() for directive in directives})[:10])
