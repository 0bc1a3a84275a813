"""A browser's manners for tests over HTTP: a session cookie, form tokens, forms found in pages."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from html.parser import HTMLParser
from typing import Any

import httpx
from litestar import Litestar
from litestar.testing import TestClient
from sqlalchemy.orm import Session

from marketplace.accounts.models import Account, AccountSession, Transport
from marketplace.ports import Ports
from marketplace.web.identity import token_hash

ORIGIN = "http://127.0.0.1:8000"
_TOKEN = re.compile(r'name="_csrf_token" value="([^"]+)"')


def open_session(
    session: Session, account: Account, now: datetime, transport: Transport = Transport.COOKIE, **columns: Any
) -> str:
    """Insert a session of ``account`` and return its token; what signing in would have done."""
    token = secrets.token_urlsafe(32)
    values: dict[str, Any] = {
        "token_hash": token_hash(token), "account_id": account.id, "epoch": account.epoch,
        "transport": transport, "created_at": now, "last_seen_at": now,
        "expires_at": now + timedelta(hours=12), "client": "Test", "address": "127.0.0.0",
    }  # fmt: skip
    session.add(AccountSession(**values | columns))
    session.flush()
    return token


class PortalClient(TestClient[Litestar]):
    """A test client that keeps cookies and sends the tokens of the forms it fills in."""

    def __init__(self, app: Litestar) -> None:
        super().__init__(app, base_url=ORIGIN)

    @property
    def ports(self) -> Ports:
        ports: Ports = self.app.state.ports
        return ports

    def sign_in_as(self, account: Account) -> None:
        """Take a session of ``account`` (a committed row)."""
        with self.ports.db.transaction() as session:
            token = open_session(session, account, self.ports.clock.now())
        self.cookies.set("tm_session", token, domain="127.0.0.1", path="/")

    def bearer(self, account: Account) -> dict[str, str]:
        """Return the headers of a program that signed in as ``account`` (which must be granted it)."""
        with self.ports.db.transaction() as session:
            token = open_session(session, account, self.ports.clock.now(), Transport.BEARER)
        return {"Authorization": f"Bearer {token}"}

    def form_token(self, page: str = "/") -> str:
        """Return a token from a form of ``page``."""
        found = _TOKEN.search(self.get(page).text)
        assert found, f"{page} has no form"
        return found[1]

    def submit(
        self,
        path: str,
        fields: Mapping[str, str | Sequence[str]] | None = None,
        *,
        files: Any = None,
        follow: bool = False,
        page: str = "/",
        **more: str | Sequence[str],
    ) -> httpx.Response:
        """Post a form to ``path`` with the token of ``page``; redirects are returned, not followed."""
        data = {"_csrf_token": self.form_token(page), **(fields or {}), **more}
        return self.post(path, data=data, files=files, follow_redirects=follow)

    def change(self, method: str, path: str, json: Any = None, **more: Any) -> httpx.Response:
        """Send JSON under ``/api/v1`` as the page's own script would, with the form token."""
        token = self.get("/api/v1/csrf-token").json()["token"]
        return self.request(method, f"/api/v1{path}", json=json, headers={"X-CSRFToken": token}, **more)


def text_of(html: str) -> str:
    """Return what a person reads of a page, blanks folded."""

    class Reader(HTMLParser):
        parts: list[str] = []  # noqa: RUF012  (one reader, thrown away)

        def handle_data(self, data: str) -> None:
            self.parts.append(data)

    reader = Reader()
    reader.parts = []
    reader.feed(html)
    return " ".join(" ".join(reader.parts).split())
