"""What a used-up quota says to people and to programs: which one, how much, when to come back (E1)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from marketplace.catalogues import N_, translate, translate_plural
from marketplace.errors import TooManyRequestsError
from marketplace.rate_limits.port import Standing
from marketplace.rate_limits.quotas import DAY, Quota

_MINUTE, _HOUR = 60, 3600

_ACTS: Mapping[str, str] = {
    Quota.SEARCH: N_("Searches"),
    Quota.OPENING: N_("Opened profiles and CVs"),
    Quota.EMAIL_REVEAL: N_("Revealed e-mail addresses"),
    Quota.CV_DOWNLOAD: N_("Downloaded CVs"),
    Quota.CONTACT: N_("Contacted candidates"),
    Quota.CV_UPLOAD: N_("Uploaded CVs"),
    Quota.SUGGEST: N_("Suggestions"),
    Quota.SIGN_IN: N_("Failed sign-ins from your network"),
    Quota.SIGN_UP: N_("Registrations from your network"),
    Quota.RECOVERY: N_("Requests for a new password"),
    Quota.ADDRESS: N_("Requests from your network"),
}


def limit_sentence(language: str, error: TooManyRequestsError) -> str:
    """Return which limit was reached, how much it allows and when to come back, in ``language``."""
    act = _ACTS.get(error.quota)
    if act is None or not error.seconds:
        return translate(
            language, N_("You can go on in %(wait)s."), wait=_duration(language, error.retry_after)
        )
    return translate(
        language,
        N_("%(act)s: at most %(limit)s %(period)s. You can go on in %(wait)s."),
        act=translate(language, act),
        limit=error.limit,
        period=_period(language, error.seconds),
        wait=_duration(language, error.retry_after),
    )


def _period(language: str, seconds: int) -> str:
    if seconds == _MINUTE:
        return translate(language, N_("a minute"))
    if seconds == _HOUR:
        return translate(language, N_("an hour"))
    if seconds == DAY:
        return translate(language, N_("in 24 hours"))
    return translate(language, N_("in %(duration)s"), duration=_duration(language, seconds))


def _duration(language: str, seconds: int) -> str:
    """Return a time to wait in the largest whole unit, rounded up: nobody comes back too early."""
    if seconds <= _MINUTE:
        return translate_plural(language, "%(num)s second", "%(num)s seconds", seconds)
    if seconds <= _HOUR:
        return translate_plural(language, "%(num)s minute", "%(num)s minutes", -(-seconds // _MINUTE))
    return translate_plural(language, "%(num)s hour", "%(num)s hours", -(-seconds // _HOUR))


def refused_headers(error: TooManyRequestsError) -> tuple[tuple[str, str], ...]:
    """Return the headers of a 429 (draft-ietf-httpapi-ratelimit-headers)."""
    policy = f'"{error.quota}";q={error.limit}' + (f";w={error.seconds}" if error.seconds else "")
    return (
        ("retry-after", str(error.retry_after)),
        ("ratelimit", f'"{error.quota}";r=0;t={error.retry_after}'),
        ("ratelimit-policy", policy),
    )


def standing_headers(standings: list[Standing]) -> Iterator[tuple[str, str]]:
    """Yield the same headers of an answer whose request was counted: of the tightest window."""
    if not standings:
        return
    tightest = min(standings, key=lambda standing: standing.remaining)
    window = tightest.window
    yield "ratelimit", f'"{window.quota}";r={tightest.remaining};t={tightest.reset_after}'
    yield "ratelimit-policy", f'"{window.quota}";q={window.limit};w={window.seconds}'
