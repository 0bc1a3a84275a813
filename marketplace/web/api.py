"""Wrappers for JSON routes, so that each says the same things to OpenAPI.

``from marketplace.web.api import get, post, put, patch, delete``. Paths are without ``/api/v1``.
Handlers are sync and run in a thread; ``errors`` names the refusals a route can answer with
(415 does not exist here; 400 and 422 come with every body). The operation id is the handler's name,
the description its docstring.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from litestar.handlers import HTTPRouteHandler
from litestar.openapi.datastructures import ResponseSpec
from litestar.types import Guard

from marketplace.web import threads
from marketplace.web.problem_kinds import KINDS
from marketplace.web.problems import MEDIA_TYPE, Problem

Handler = Callable[..., Any]
Decorator = Callable[[Handler], HTTPRouteHandler]
T = TypeVar("T")

ALWAYS = (400, 429, 503)
"""Any request may be unreadable or one too many of its address (E1), and any dependency away."""

_TITLES = {
    status: next(k.title for k in KINDS.values() if k.status == status)
    for status in {k.status for k in KINDS.values()}
}


def problem_responses(errors: Iterable[int]) -> dict[int, ResponseSpec]:
    """Return the OpenAPI responses of the given statuses, as problem details."""
    return {
        status: ResponseSpec(
            Problem, generate_examples=False, media_type=MEDIA_TYPE, description=_TITLES[status]
        )
        for status in sorted({*errors, *ALWAYS})
    }


def _route(maker: Callable[..., Any], defaults: Sequence[int]) -> Callable[..., Decorator]:
    def wrapper(
        path: str,
        *,
        errors: Iterable[int] = (),
        guards: Sequence[Guard] = (),
        opt: Mapping[str, Any] | None = None,
        status_code: int | None = None,
        responses: Mapping[int, ResponseSpec] | None = None,
        **more: Any,
    ) -> Decorator:
        options = dict(opt or {})
        stated = {*errors, *defaults, *(() if options.get("public") else (401, 403))}

        def decorator(handler: Handler) -> HTTPRouteHandler:
            told: dict[str, Any] = {
                "tags": [handler.__module__.split(".")[1]],
                "operation_id": _camel_case(handler.__name__),
                # An empty requirement: signing in is possible and not needed.
                "security": [{}] if options.get("public") else None,
            }
            made: HTTPRouteHandler = maker(
                path,
                guards=list(guards),
                opt=options,
                status_code=status_code,
                sync_to_thread=True,
                responses={**problem_responses(stated), **(responses or {})},
                **told | more,
            )(handler)
            return made

        return decorator

    return wrapper


def _camel_case(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(map(str.capitalize, others))


get = _route(threads.get, ())
post = _route(threads.post, (403, 413, 422))
put = _route(threads.put, (403, 413, 422))
patch = _route(threads.patch, (403, 413, 422))
delete = _route(threads.delete, (403,))
