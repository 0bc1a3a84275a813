"""Sync handlers in a thread, where several methods share a path.

Litestar 2.25 registers a path's handlers anew for each method that joins it, and wraps a sync
handler once more each time; from the second wrapping on its answer is never awaited, and every GET
beside a POST is a 500. Unwrapping before each registration keeps it at one.
"""

from __future__ import annotations

from functools import partial

from litestar import Litestar
from litestar.enums import HttpMethod
from litestar.handlers import HTTPRouteHandler
from litestar.utils.sync import AsyncCallable


class ThreadedHandler(HTTPRouteHandler):
    """A handler that may be registered any number of times."""

    def on_registration(self, app: Litestar) -> None:
        if isinstance(self._fn, AsyncCallable):
            self._fn = self._fn.func  # type: ignore[assignment]  # sync, as it was given
        super().on_registration(app)


get = partial(ThreadedHandler, http_method=HttpMethod.GET)
post = partial(ThreadedHandler, http_method=HttpMethod.POST)
put = partial(ThreadedHandler, http_method=HttpMethod.PUT)
patch = partial(ThreadedHandler, http_method=HttpMethod.PATCH)
delete = partial(ThreadedHandler, http_method=HttpMethod.DELETE)
