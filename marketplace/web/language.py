"""Which language a request is answered in, and dates and names in it.

Account setting, then cookie, then Accept-Language, then the default. For the JSON API a stated
Accept-Language comes first (interface.md: labels follow it).
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from babel import Locale
from babel.dates import format_date as babel_date
from babel.dates import format_datetime as babel_datetime
from babel.dates import format_skeleton, get_timezone
from babel.units import format_unit
from litestar.datastructures import Cookie

from marketplace.catalogues import LANGUAGES
from marketplace.settings import Settings
from marketplace.web.identity import Connection, member_of

COOKIE = "tm_language"
COOKIE_LIFE = timedelta(days=365)

_LOCALES = {"en": "en_GB", "fr": "fr_FR"}


def accepted_language(header: str) -> str | None:
    """Return the best of our languages in an Accept-Language header, or None."""
    best: tuple[float, str] | None = None
    for part in header[:500].split(","):
        tag, _, parameters = part.strip().partition(";")
        code = tag.strip().lower().split("-")[0]
        if code not in LANGUAGES:
            continue
        try:
            quality = float(parameters.strip().removeprefix("q=")) if parameters else 1.0
        except ValueError:
            continue
        if 0 < quality <= 1 and (best is None or quality > best[0]):
            best = (quality, code)
    return best[1] if best else None


def language_of(connection: Connection) -> str:
    """Return the language of a request; the same at every call."""
    state = connection.scope["state"]
    if "language" not in state:
        state["language"] = _choose(connection)
    language: str = state["language"]
    return language


def _choose(connection: Connection) -> str:
    asked = accepted_language(connection.headers.get("accept-language", ""))
    if connection.scope["path"].startswith("/api/") and asked:
        return asked
    member = member_of(connection)
    if member is not None and member.language in LANGUAGES:
        return member.language
    kept = connection.cookies.get(COOKIE)
    if kept in LANGUAGES:
        return kept
    settings: Settings = connection.app.state.ports.settings
    return asked or settings.default_language


def provide_language(request: Connection) -> str:
    """Dependency: the language of the request."""
    return language_of(request)


def language_cookie(settings: Settings, language: str) -> Cookie:
    """Return the cookie that remembers a visitor's choice."""
    return Cookie(
        key=COOKIE,
        value=language,
        max_age=int(COOKIE_LIFE.total_seconds()),
        path="/",
        secure=settings.is_secure,
        httponly=True,
        samesite="lax",
    )


def format_date(value: date | None, language: str) -> str:
    """Return ``1 March 2027`` or ``1er mars 2027``; nothing for no date."""
    if not value:
        return ""
    return babel_date(value, _day_pattern(value, language), locale=_LOCALES[language])


def format_month(value: date | str | None, language: str) -> str:
    """Return ``March 2027`` or ``mars 2027`` for a date or ``YYYY-MM``."""
    if not value:
        return ""
    day = date.fromisoformat(f"{value[:7]}-01") if isinstance(value, str) else value
    return str(format_skeleton("yMMMM", day, locale=_LOCALES[language]))


def format_datetime(value: datetime | None, language: str) -> str:
    """Return the instant in UTC, and say so: people in three countries read it."""
    if not value:
        return ""
    pattern = f"{_day_pattern(value.astimezone(UTC), language)} HH:mm"
    at = babel_datetime(value, pattern, tzinfo=get_timezone("UTC"), locale=_LOCALES[language])
    return f"{at} UTC"


MANY_MINUTES = 120
"""From here on a wait is told in hours."""


def format_wait(seconds: int, language: str) -> str:
    """Return ``2 minutes`` or ``5 hours``, rounded up: who comes back after it waits no more."""
    minutes = max(1, -(-seconds // 60))
    hours = -(-minutes // 60)
    value, unit = (minutes, "minute") if minutes < MANY_MINUTES else (hours, "hour")
    return str(format_unit(value, f"duration-{unit}", length="long", locale=_LOCALES[language]))


def _day_pattern(day: date, language: str) -> str:
    """The first of a month is an ordinal in French, the other days are not."""
    return "d'er' MMMM y" if language == "fr" and day.day == 1 else "d MMMM y"


def country_name(code: str | None, language: str) -> str:
    """Return the name of an ISO 3166-1 country."""
    return str(Locale(language).territories.get(code or "", code or ""))
