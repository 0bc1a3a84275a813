"""Wrappers for pages and forms, and the parsed form.

``from marketplace.web.portal import FormData, form_post, page_get``. A form handler takes
``form: NamedDependency[FormData]``, calls one service, and answers with ``see_other``; a service's
``InvalidInputError`` is caught to show the page again: ``_page(…, **form_again(request, refused))``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from litestar import Request
from litestar.datastructures import UploadFile
from litestar.di import Provide
from litestar.handlers import HTTPRouteHandler
from litestar.types import Guard

from marketplace.errors import InvalidInputError
from marketplace.web import threads
from marketplace.web.bodies import UNSTORABLE
from marketplace.web.csrf import FIELD
from marketplace.web.language import language_of
from marketplace.web.problems import errors_by_field

__all__ = ["FormData", "errors_by_field", "form_again", "form_post", "page_get"]

Handler = Callable[..., Any]
Decorator = Callable[[Handler], HTTPRouteHandler]


class FormData(Mapping[str, str]):
    """The fields of a posted form. As a mapping: the first value of each, to fill it in again."""

    def __init__(self, pairs: Iterable[tuple[str, str | UploadFile]]) -> None:
        self._values: dict[str, list[str]] = {}
        self._files: dict[str, UploadFile] = {}
        for name, value in pairs:
            if isinstance(value, UploadFile):
                self._files[name] = value
            elif name != FIELD:
                if "\x00" in value or "\x00" in name:
                    raise InvalidInputError.of(
                        name.replace("\x00", ""),
                        "invalid",
                        UNSTORABLE,
                    )
                self._values.setdefault(name, []).append(value.replace("\r\n", "\n"))

    def __getitem__(self, name: str) -> str:
        return self._values[name][0]

    def __iter__(self) -> Any:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def text(self, name: str) -> str:
        """Return the value without the blanks around it; empty when it is missing."""
        return self.get(name, "").strip()

    def raw(self, name: str) -> str:
        """Return the value as typed (passwords); empty when it is missing."""
        return self.get(name, "")

    def values_of(self, name: str) -> list[str]:
        """Return every value of a field that repeats (check boxes, multiple select)."""
        return [value for value in self._values.get(name, []) if value]

    def checked(self, name: str) -> bool:
        """Whether a check box was ticked."""
        return bool(self.get(name))

    def file(self, name: str) -> UploadFile | None:
        """Return the uploaded file; None when nothing was chosen."""
        upload = self._files.get(name)
        return upload if upload is not None and upload.filename else None


def form_again(request: Request[Any, Any, Any], refused: InvalidInputError) -> dict[str, Any]:
    """Return what the page of a refused form is shown again with: ``status`` 422, ``errors`` by field."""
    return {"status": 422, "errors": errors_by_field(refused, language_of(request))}


async def provide_form(request: Request[Any, Any, Any]) -> FormData:
    """Dependency: the posted form."""
    posted = await request.form()
    return FormData(posted.multi_items())


def page_get(
    path: str | Sequence[str],
    *,
    guards: Sequence[Guard] = (),
    opt: Mapping[str, Any] | None = None,
    **more: Any,
) -> Decorator:
    """Register a page: sync, in a thread, outside the API documentation."""
    decorator: Decorator = threads.get(
        path, guards=list(guards), opt=dict(opt or {}), sync_to_thread=True, include_in_schema=False, **more
    )
    return decorator


def form_post(
    path: str | Sequence[str],
    *,
    guards: Sequence[Guard] = (),
    opt: Mapping[str, Any] | None = None,
    **more: Any,
) -> Decorator:
    """Register the target of a form; ``form`` is its parsed :class:`FormData`."""
    decorator: Decorator = threads.post(
        path,
        guards=list(guards),
        opt=dict(opt or {}),
        sync_to_thread=True,
        include_in_schema=False,
        dependencies={"form": Provide(provide_form), **more.pop("dependencies", {})},
        **more,
    )
    return decorator
