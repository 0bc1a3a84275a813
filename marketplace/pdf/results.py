"""What PDF work is asked for and gives back: plain structs that cross the process border.

Nothing here imports a PDF library, so that the web process never loads one.
"""

# A sentence of the catalogue stays on one line.
# ruff: noqa: E501
from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Literal

import msgspec


class RefusalReason(StrEnum):
    """Why a CV file is refused (rules C4). The values are stable codes of the API."""

    NOT_PDF = "not_pdf"
    EMPTY = "empty"
    MALFORMED = "malformed"
    ENCRYPTED = "encrypted"
    TOO_MANY_PAGES = "too_many_pages"
    TOO_COMPLEX = "too_complex"
    TOO_LARGE = "too_large"


MESSAGES: dict[RefusalReason, str] = {
    RefusalReason.NOT_PDF: (
        "This file is not a PDF. Open your CV in the program it was written with, "
        "choose “Save as PDF”, and upload that file."
    ),
    RefusalReason.EMPTY: "This file is empty. Choose the PDF of your CV again.",
    RefusalReason.MALFORMED: (
        "This PDF is damaged and cannot be read. Export your CV as a PDF again, "
        "check that it opens on your device, and upload the new file."
    ),
    RefusalReason.ENCRYPTED: (
        "This PDF asks for a password. Save a copy without a password and upload that copy."
    ),
    RefusalReason.TOO_MANY_PAGES: (
        "This PDF has more than %(pages)s pages. Upload your CV alone, without certificates or portfolio."
    ),
    RefusalReason.TOO_COMPLEX: (
        "This PDF is too complex to be read. Print your CV to PDF, "
        "or save it again without heavy drawings, and upload the new file."
    ),
    RefusalReason.TOO_LARGE: (
        "This file is larger than %(megabytes)s MB. Make its pictures smaller, or leave them out, and upload it again."
    ),
}
"""For each reason one sentence the candidate can act on: a key of the catalogues."""


class Extraction(msgspec.Struct, frozen=True, kw_only=True):
    """What became of an uploaded file.

    ``ready`` and ``no_text`` carry the rewritten copy, the only one that is kept and served;
    ``refused`` carries the reason.
    """

    outcome: Literal["ready", "no_text", "refused"]
    reason: RefusalReason | None = None
    pages: int | None = None
    text: str = ""
    reader: Literal["pypdf", "pypdfium2"] | None = None
    language: Literal["fr", "en"] | None = None
    rewritten: bytes | None = None

    @classmethod
    def refused(cls, reason: RefusalReason, pages: int | None = None) -> Extraction:
        """Return a refusal for ``reason``."""
        return cls(outcome="refused", reason=reason, pages=pages)


class Marking(msgspec.Struct, frozen=True, kw_only=True):
    """What a delivered copy says about itself (rules D4)."""

    recipient: str
    company: str
    downloaded_on: date
    delete_by_on: date
    copy_id: str
    language: str = "en"


class Numbers(msgspec.Struct, frozen=True, kw_only=True):
    """The settings that PDF work needs, handed to the limited process with each job."""

    max_pages: int
    max_characters: int
    min_characters: int
    max_bytes: int


Job = Literal["check", "extract", "mark"]


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """One job as it crosses the border."""

    job: Job
    content: bytes
    numbers: Numbers
    seconds: float
    cpu_seconds: int
    memory_mib: int
    text_reader: str = ""
    marking: Marking | None = None


class PDFRefusedError(Exception):
    """The file cannot be accepted; carries the :class:`RefusalReason`."""

    def __init__(self, reason: RefusalReason, pages: int | None = None) -> None:
        super().__init__(reason.value)
        self.reason = reason
        self.pages = pages
