"""A person without JavaScript: reads a page, fills in a form of it, presses one of its buttons."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html.parser import HTMLParser

import httpx
from litestar import Litestar
from litestar.testing import TestClient

Value = str | Sequence[str]


@dataclass
class Form:
    """A form as a browser would send it: its defaults, until somebody fills it in."""

    action: str
    method: str
    fields: list[tuple[str, str]] = field(default_factory=list)
    names: set[str] = field(default_factory=set)
    buttons: list[tuple[str, str]] = field(default_factory=list)


class _Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self._form: Form | None = None
        self._select: str | None = None
        self._first_option: str | None = None
        self._chosen = False
        self._textarea: str | None = None
        self._text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._form = Form(given.get("action", ""), given.get("method", "get").lower())
            self.forms.append(self._form)
        if self._form is None:
            return
        name = given.get("name", "")
        if tag == "input" and name:
            self._form.names.add(name)
            kind = given.get("type", "text")
            if kind in {"checkbox", "radio"} and "checked" not in given:
                return
            if kind != "file":
                self._form.fields.append((name, given.get("value", "on" if kind == "checkbox" else "")))
        elif tag == "button" and name:
            self._form.buttons.append((name, given.get("value", "")))
        elif tag == "select":
            self._select, self._first_option, self._chosen = name, None, "multiple" in given
            self._form.names.add(name)
        elif tag == "option" and self._select:
            value = given.get("value", "")
            self._first_option = value if self._first_option is None else self._first_option
            if "selected" in given:
                self._form.fields.append((self._select, value))
                self._chosen = True
        elif tag == "textarea":
            self._textarea, self._text = name, ""
            self._form.names.add(name)

    def handle_data(self, data: str) -> None:
        if self._textarea is not None:
            self._text += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "select" and self._select and self._form is not None:
            if not self._chosen and self._first_option is not None:
                self._form.fields.append((self._select, self._first_option))
            self._select = None
        elif tag == "textarea" and self._textarea is not None and self._form is not None:
            self._form.fields.append((self._textarea, self._text.removeprefix("\n")))
            self._textarea = None
        elif tag == "form":
            self._form = None


def forms_of(html: str) -> list[Form]:
    """Return the forms of a page, in order."""
    reader = _Forms()
    reader.feed(html)
    return reader.forms


class Person:
    """Somebody at a browser without JavaScript; follows redirects, keeps cookies, reads the page."""

    def __init__(self, app: Litestar, base_url: str, language: str = "fr") -> None:
        self.client = TestClient(app, base_url=base_url)
        self.client.headers["accept-language"] = language
        self.page: httpx.Response

    def goes_to(self, path: str, status: int = 200) -> str:
        """Open a page; it must answer with ``status``."""
        self.page = self.client.get(path, follow_redirects=True)
        assert self.page.status_code == status, f"{path}: {self.page.status_code}\n{self.page.text[:2000]}"
        return self.page.text

    def fills_in(
        self,
        action: str,
        more: Mapping[str, Value] | None = None,
        *,
        button: str | None = None,
        status: int = 200,
        file: tuple[str, bytes] | None = None,
        **values: Value,
    ) -> str:
        """Fill in the form of this page whose action matches ``action`` and press a button.

        ``more`` are fields whose names are no Python names.
        """
        values = {**(more or {}), **values}
        form = next((f for f in forms_of(self.page.text) if re.search(action, f.action)), None)
        assert form is not None, f"no form {action} on {self.page.url}: {self.page.text[:3000]}"
        unknown = {name for name in values if name not in form.names}
        assert not unknown, f"{form.action} has no {unknown}; it has {sorted(form.names)}"
        data: dict[str, list[str]] = {}
        for name, value in form.fields:
            if name not in values:
                data.setdefault(name, []).append(value)
        for name, given in values.items():
            data[name] = [given] if isinstance(given, str) else list(given)
        if button is not None:
            pressed = next(b for b in form.buttons if b[1] == button)
            data[pressed[0]] = [pressed[1]]
        target = form.action or str(self.page.url)
        if form.method == "get":
            self.page = self.client.get(target, params=data, follow_redirects=True)
        else:
            files = {"file": (file[0], file[1], "application/pdf")} if file else None
            self.page = self.client.post(target, data=data, files=files, follow_redirects=True)
        assert self.page.status_code == status, f"{target}: {self.page.status_code}\n{self.page.text[:3000]}"
        return self.page.text

    def links(self, pattern: str) -> list[str]:
        """Return the addresses of the links of this page that match."""
        found = re.findall(r'href="([^"]+)"', self.page.text)
        return [address.replace("&amp;", "&") for address in found if re.search(pattern, address)]
