"""Rendering of pages: templates of every feature, in the language of the request.

A handler calls :func:`render` with a template and its values, or :func:`see_other` after a change.
Autoescaping is always on; nothing from people, files or the engine is ever marked safe.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from functools import cache, partial
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from itsdangerous import BadSignature, URLSafeTimedSerializer
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from litestar import Request, Response
from litestar.datastructures import Cookie
from litestar.enums import MediaType
from litestar.response import Redirect
from markupsafe import Markup

from marketplace import reference
from marketplace.accounts.queries import session_limits
from marketplace.accounts.sessions import TOUCH_EVERY
from marketplace.catalogues import LANGUAGE_NAMES, LANGUAGES, translate, translations
from marketplace.settings import Settings
from marketplace.signing import signing_key
from marketplace.web import language as languages
from marketplace.web.csrf import FIELD, csrf_token, new_form_cookie
from marketplace.web.guards import UNSETTLED
from marketplace.web.identity import member_of
from marketplace.web.language import language_of
from marketplace.web.problems import Refusal, advice_of, request_id_of, sign_in_address

AnyRequest = Request[Any, Any, Any]

PACKAGE = Path(__file__).parent.parent
STATIC = Path(__file__).parent / "static"
FLASH_COOKIE = "tm_flash"
FLASH_SECONDS = 60
WARNING_BEFORE = timedelta(minutes=2)
"""How long before its end a page warns of the end of the session (S-02)."""

UNSETTLED_PAGES = {"password_change_required": "/account/password", "terms_required": "/accept-terms"}
"""Where a member goes who must do something first; keys are the codes of ``guards.UNSETTLED``."""

SUSPENDED_PAGE = "/suspended"
"""Where a suspended member reads the statement of reasons (rules E5)."""

if set(UNSETTLED_PAGES) != set(UNSETTLED.values()):
    raise RuntimeError("every code of guards.UNSETTLED needs its page")


@cache
def environment(language: str) -> Environment:
    """Return the template environment of ``language``, with the templates of all features."""
    made = Environment(
        loader=FileSystemLoader(sorted(PACKAGE.glob("*/templates"))),
        autoescape=True,
        undefined=StrictUndefined,
        extensions=["jinja2.ext.i18n", "jinja2.ext.do"],
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.install_gettext_translations(translations(language), newstyle=True)  # type: ignore[attr-defined]
    made.globals.update(
        static_url=static_url,
        icon=icon,
        language=language,
        languages={code: LANGUAGE_NAMES[code] for code in LANGUAGES},
        format_date=partial(_in(languages.format_date), language),
        format_month=partial(_in(languages.format_month), language),
        format_datetime=partial(_in(languages.format_datetime), language),
        country_name=partial(_in(languages.country_name), language),
        region_name=partial(_region_name, language),
        job_field_name=partial(_job_field_name, language),
        skill_name=partial(_skill_name, language),
        language_name=partial(_language_name, language),
        territory=reference.TERRITORY,
    )
    return made


def _in(function: Callable[[Any, str], str]) -> Callable[[str, Any], str]:
    def swapped(language: str, value: date | datetime | str | None) -> str:
        return function(value, language)

    return swapped


def _region_name(language: str, code: str | None) -> str:
    region = reference.regions().get(code or "")
    return region.label(language) if region else code or ""


def _job_field_name(language: str, code: str) -> str:
    job_field = reference.job_fields().get(code)
    return job_field.label(language) if job_field else code


def _skill_name(language: str, slug: str) -> str:
    skill = reference.skills().get(slug)
    return skill.label(language) if skill else slug


def _language_name(language: str, code: str) -> str:
    return reference.languages().get(code, {}).get(language, code)


@cache
def static_url(path: str) -> str:
    """Return the address of a static file; it changes with the content, so it may be kept long."""
    content = (STATIC / path).read_bytes()
    return f"/static/{path}?v={hashlib.sha256(content).hexdigest()[:12]}"


_ICON = Markup(
    '<svg class="bi" width="{0}" height="{0}" aria-hidden="true" focusable="false">'
    '<use href="{1}#{2}"/></svg>'
)


def icon(name: str, size: int = 16) -> Markup:
    """Return a decorative icon of the sprite; what it means stands in words beside it."""
    return _ICON.format(size, static_url("vendor/icons.svg"), name)


def render(request: AnyRequest, template: str, status: int = 200, **context: Any) -> Response[Any]:
    """Return the page; the template also sees member, path, csrf_input, flash and the languages."""
    language = language_of(request)
    token = csrf_token(request)
    flash = take_flash(request)
    values: dict[str, Any] = {
        "member": member_of(request),
        "path": request.scope["path"],
        "query_string": request.scope["query_string"].decode("latin-1"),
        "csrf_token": token,
        "csrf_input": Markup('<input type="hidden" name="{}" value="{}">').format(FIELD, token),
        "flash": flash,
        "errors": {},
        "session_warning_seconds": _warning_seconds(request),
        "is_development": not settings_of(request).is_production,
        **context,
    }
    html = environment(language).get_template(template).render(values)
    cookies = [cookie for cookie in (new_form_cookie(request),) if cookie is not None]
    if FLASH_COOKIE in request.cookies:
        cookies.append(_flash_cookie(settings_of(request), "", 0))
    return Response(
        content=html,
        status_code=status,
        media_type=MediaType.HTML,
        cookies=cookies,
        headers={"content-language": language, "vary": "cookie, accept-language, hx-request"},
    )


def _warning_seconds(request: AnyRequest) -> int | None:
    """When, from now, a page that nothing happens on warns of the end of its session (S-02).

    Two minutes before, counted from the last use written down, which may lie a little back.
    """
    member = member_of(request)
    if member is None:
        return None
    idle = session_limits(settings_of(request), member.role).idle
    return int((idle - WARNING_BEFORE - TOUCH_EVERY).total_seconds())


def settings_of(request: AnyRequest) -> Settings:
    """Return the settings the application was made with."""
    settings: Settings = request.app.state.ports.settings
    return settings


class SeeOther(Redirect):
    """303 to a page after a change, with a message for that page."""

    def __init__(self, url: str, flash: str | None, values: Mapping[str, str | int], kind: str) -> None:
        super().__init__(url, status_code=303)
        self.flash = flash
        self.values = dict(values)
        self.kind = kind

    def to_asgi_response(self, *args: Any, **kwargs: Any) -> Any:
        request = kwargs.get("request") or args[1]
        if self.flash:
            settings = settings_of(request)
            signed = _serializer(settings).dumps([self.kind, self.flash, self.values])
            self.set_cookie(_flash_cookie(settings, signed, FLASH_SECONDS))
            self.flash = None
        return super().to_asgi_response(*args, **kwargs)


def see_other(url: str, flash: str | None = None, *, kind: str = "success", **values: str | int) -> SeeOther:
    """Return the answer to a POST that worked: 303, and ``flash`` (a catalogue key) on the next page."""
    return SeeOther(url, flash, values, kind)


def _serializer(settings: Settings) -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(signing_key(settings, "flash"))


def _flash_cookie(settings: Settings, value: str, seconds: int) -> Cookie:
    return Cookie(
        key=FLASH_COOKIE, value=value, max_age=seconds, path="/",
        secure=settings.is_secure, httponly=True, samesite="lax",
    )  # fmt: skip


def take_flash(request: AnyRequest) -> tuple[str, str] | None:
    """Return kind and translated text of the message that came with the redirect."""
    signed = request.cookies.get(FLASH_COOKIE)
    if not signed:
        return None
    try:
        kind, message, values = _serializer(settings_of(request)).loads(signed, max_age=FLASH_SECONDS)
    except BadSignature:
        return None
    return kind, translate(language_of(request), message, **values)


def error_page(request: AnyRequest, refusal: Refusal) -> Response[Any]:
    """Return the page of a refusal, or the redirect that leads to what must be done first."""
    is_htmx = request.headers.get("hx-request") == "true"
    target = None
    if refusal.status == HTTPStatus.UNAUTHORIZED:
        target = sign_in_address(request)
    elif refusal.code in UNSETTLED_PAGES:
        target = UNSETTLED_PAGES[refusal.code]
    elif refusal.statement_id:
        target = SUSPENDED_PAGE
    if target and is_htmx:
        return Response(
            content=b"",
            status_code=refusal.status,
            headers={"hx-redirect": target},
            media_type=MediaType.HTML,
        )
    if target:
        return see_other(target)
    if is_htmx and refusal.status == HTTPStatus.TOO_MANY_REQUESTS:
        return _limit_notice(request, refusal)
    response = render(
        request,
        "problem.html",
        refusal.status,
        refusal=refusal,
        advice=advice_of(refusal, language_of(request)),
        language_faults=[
            translate(language_of(request), e.message, **dict(e.values)) for e in refusal.errors
        ],
        request_id=request_id_of(request),
        back=_way_back(request),
    )
    response.headers.update(dict(refusal.headers))
    return response


def _limit_notice(request: AnyRequest, refusal: Refusal) -> Response[Any]:
    """Return what a script puts above the results it could not renew: they stay (rules E1)."""
    response = render(
        request, "limit_notice.html", refusal.status, advice=advice_of(refusal, language_of(request))
    )
    target = dict.fromkeys(("hx-retarget", "hx-reselect"), "#limit-notice")
    response.headers.update({**dict(refusal.headers), **target, "hx-reswap": "outerHTML"})
    return response


def _way_back(request: AnyRequest) -> str | None:
    """The page a refused form stood on: our own address in the Referer, path only."""
    if request.method in {"GET", "HEAD"}:
        return None
    parts = urlsplit(request.headers.get("referer", ""))
    if parts.netloc != request.headers.get("host") or not parts.path.startswith("/"):
        return None
    return f"{parts.path}?{parts.query}" if parts.query else parts.path
