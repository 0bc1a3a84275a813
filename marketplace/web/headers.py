"""Headers of every answer: 200, 404, 405, 413, 500 and static alike (security.md W-01, W-02).

A ``before_send`` hook, because middleware and ``after_request`` do not see them all
(facts/web-stack.md 1.5).
"""

from __future__ import annotations

from typing import Final

from litestar.datastructures import MutableScopeHeaders
from litestar.types import BeforeMessageSendHookHandler, Message, Scope

PAGE_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; worker-src 'self'; form-action 'self'; base-uri 'none'; object-src 'none'; "
    "frame-ancestors 'none'; report-to csp"
)
DATA_POLICY: Final = "default-src 'none'; frame-ancestors 'none'"

_FEATURES = (
    "accelerometer", "autoplay", "browsing-topics", "camera", "display-capture",
    "encrypted-media", "fullscreen", "geolocation", "gyroscope", "hid", "idle-detection",
    "local-fonts", "magnetometer", "microphone", "midi", "payment", "picture-in-picture",
    "publickey-credentials-create", "publickey-credentials-get", "screen-wake-lock", "serial",
    "storage-access", "usb", "window-management", "xr-spatial-tracking",
)  # fmt: skip

COMMON: Final[tuple[tuple[str, str], ...]] = (
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "strict-origin-when-cross-origin"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("permissions-policy", ", ".join(f"{feature}=()" for feature in _FEATURES)),
)
TRANSPORT: Final = ("strict-transport-security", "max-age=63072000; includeSubDomains")


def file_headers(name: str) -> dict[str, str]:
    """Return the headers of a file that is a download and nothing else, whatever is inside (U-06, U-07).

    ``name`` is one of ours, never a client's.
    """
    return {
        "content-disposition": f'attachment; filename="{name}"',
        "content-security-policy": "sandbox; default-src 'none'",
        "cache-control": "no-store",
    }


def security_headers(*, is_secure: bool) -> BeforeMessageSendHookHandler:
    """Return the hook that completes every answer.

    What a handler set itself stays (the CSP of a file, the cache of a static file); everything
    else is never stored by a cache (security.md S-07).
    """

    async def complete(message: Message, scope: Scope) -> None:
        if message["type"] != "http.response.start":
            return
        message.setdefault("headers", [])
        headers = MutableScopeHeaders.from_message(message)
        for name, value in COMMON:
            headers.setdefault(name, value)
        if is_secure:
            headers[TRANSPORT[0]] = TRANSPORT[1]
        is_page = headers.get("content-type", "").startswith("text/html")
        headers.setdefault("content-security-policy", PAGE_POLICY if is_page else DATA_POLICY)
        if is_page:
            headers["reporting-endpoints"] = 'csp="/csp-reports"'
        headers.setdefault("cache-control", "no-store")
        if request_id := scope["state"].get("request_id"):
            headers["x-request-id"] = request_id

    return complete
