"""The jobs of the limited process: check, extract, mark.

Imported only there (and by tests): this is what loads the PDF libraries.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Callable
from typing import Literal, Protocol

from marketplace.pdf.checking import require_acceptable
from marketplace.pdf.results import Extraction, Marking, Numbers, PDFRefusedError, RefusalReason
from marketplace.pdf.rewriting import rewrite


class PDFText(Protocol):
    """What a text reader returns."""

    @property
    def pages(self) -> int: ...
    @property
    def text(self) -> str: ...
    @property
    def has_text(self) -> bool: ...
    @property
    def reader(self) -> Literal["pypdf", "pypdfium2"]: ...
    @property
    def language(self) -> Literal["fr", "en"] | None: ...


TextReader = Callable[[bytes, Numbers], PDFText]


def check(content: bytes, numbers: Numbers) -> RefusalReason | None:
    """Return why the file is refused at once, or none (rules C4)."""
    if len(content) > numbers.max_bytes:
        return RefusalReason.TOO_LARGE
    try:
        require_acceptable(content, numbers.max_pages)
    except PDFRefusedError as refusal:
        return refusal.reason
    return None


def extract(content: bytes, numbers: Numbers, text_reader: str) -> Extraction:
    """Read the text and make the copy without active content (rules C4).

    ``text_reader`` is the dotted name ``package.module:function`` of a :data:`TextReader`: text
    extraction belongs to ``indexer``, which this package may not import.

    The text is read from the rewritten copy, so that what is found is what a recruiter will see
    (form fields have become text there); only a copy without text sends us back to the original.
    """
    if len(content) > numbers.max_bytes:
        return Extraction.refused(RefusalReason.TOO_LARGE)
    read: TextReader = pkgutil.resolve_name(text_reader)
    try:
        pages = require_acceptable(content, numbers.max_pages)
        rewritten = rewrite(content, numbers)
        found = read(rewritten, numbers)
        if not found.has_text:
            original = read(content, numbers)
            found = original if original.has_text else found
    except PDFRefusedError as refusal:
        return Extraction.refused(refusal.reason, refusal.pages)
    return Extraction(
        outcome="ready" if found.has_text else "no_text",
        pages=pages,
        text=found.text if found.has_text else "",
        reader=found.reader,
        language=found.language if found.has_text else None,
        rewritten=rewritten,
    )


def mark(content: bytes, marking: Marking) -> bytes:
    """Return the copy that says for whom it is and until when (rules D4)."""
    from marketplace.pdf.marking import mark as write  # reportlab is loaded for this job alone

    return write(content, marking)
