"""The first look at an upload: type, password, page count (rules C4, interface.md ``PUT /me/cv``)."""

# A docstring may need a few characters more.
# ruff: noqa: E501
from __future__ import annotations

from marketplace.pdf.opening import open_with_pdfium, open_with_pypdf, pypdf_limits, require_header
from marketplace.pdf.results import PDFRefusedError, RefusalReason


def count_pages(content: bytes) -> int:
    """Return the page count by the first reader that can tell.

    Raises :class:`PDFRefusedError`: ``empty``, ``not_pdf``, ``encrypted``, or ``malformed`` when
    neither reader finds a page.
    """
    require_header(content)
    try:
        with pypdf_limits():
            pages = len(open_with_pypdf(content).pages)
        if pages:
            return pages
    except PDFRefusedError:
        raise
    except Exception:  # noqa: BLE001, S110 - pypdf lets nearly any class through; the second reader decides
        pass
    try:
        with open_with_pdfium(content) as document:
            pages = len(document)
    except PDFRefusedError:
        raise
    except Exception as error:
        raise PDFRefusedError(RefusalReason.MALFORMED) from error
    if not pages:
        raise PDFRefusedError(RefusalReason.MALFORMED)
    return pages


def require_acceptable(content: bytes, max_pages: int) -> int:
    """Return the page count; raise :class:`PDFRefusedError` for what :func:`count_pages` refuses or over-long."""
    pages = count_pages(content)
    if pages > max_pages:
        raise PDFRefusedError(RefusalReason.TOO_MANY_PAGES, pages)
    return pages
