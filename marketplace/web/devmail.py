"""``/dev/mail``: the mails of a development server, as text. Never registered in production."""

from __future__ import annotations

import re
from dataclasses import dataclass
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

from litestar import Request, Response
from litestar.di import NamedDependency
from litestar.exceptions import NotFoundException
from litestar.params import FromPath

from marketplace.ports import Ports
from marketplace.web.pages import render
from marketplace.web.portal import page_get

AnyRequest = Request[Any, Any, Any]
NEWEST = 200
_NAME = re.compile(r"[0-9]{1,24}-[0-9a-f]{8}")
_LINK = re.compile(r"https?://[^\s<>\"']+[^\s<>\"'.,;:!?)]")


@dataclass(frozen=True)
class StoredMail:
    """A mail of the folder; ``parts`` are the text cut at its links."""

    name: str
    to: str
    subject: str
    sent: str
    parts: tuple[tuple[str, bool], ...]


def read_mail(path: Path) -> StoredMail:
    """Return the mail in ``path`` as text."""
    message = message_from_bytes(path.read_bytes(), policy=default)
    assert isinstance(message, EmailMessage)  # noqa: S101  (what the policy makes)
    body = message.get_body(("plain",))
    text = body.get_content() if body is not None else ""
    return StoredMail(
        name=path.stem,
        to=str(message["To"]),
        subject=str(message["Subject"]),
        sent=str(message["Date"]),
        parts=tuple(cut_at_links(text)),
    )


def cut_at_links(text: str) -> list[tuple[str, bool]]:
    """Return the text in pieces, each with whether it is a link."""
    pieces: list[tuple[str, bool]] = []
    end = 0
    for found in _LINK.finditer(text):
        if found.start() > end:
            pieces.append((text[end : found.start()], False))
        pieces.append((found.group(), True))
        end = found.end()
    if end < len(text):
        pieces.append((text[end:], False))
    return pieces


@page_get("/dev/mail", opt={"public": True})
def mail_list(request: AnyRequest, ports: NamedDependency[Ports]) -> Response[Any]:
    """The newest mails first."""
    folder = ports.settings.mail_dir
    paths = sorted((path for path in folder.glob("*.eml") if _NAME.fullmatch(path.stem)), reverse=True)
    return render(request, "dev/mail.html", mails=[read_mail(path) for path in paths[:NEWEST]])


@page_get("/dev/mail/{name:str}", opt={"public": True})
def mail_page(request: AnyRequest, ports: NamedDependency[Ports], name: FromPath[str]) -> Response[Any]:
    """One mail, its links to be clicked."""
    path = ports.settings.mail_dir / f"{name}.eml"
    if not _NAME.fullmatch(name) or not path.is_file():
        raise NotFoundException
    return render(request, "dev/mail_text.html", mail=read_mail(path))
