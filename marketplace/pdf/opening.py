"""Opening a PDF with either reader, under limits.

pypdf's own limits hold for one stream each; what bounds the whole file is the limited process
(``child.py``) and, before that kills, :func:`cpu_limit`, which lets the second reader have a turn.
"""

from __future__ import annotations

import io
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import pypdf
import pypdfium2

from marketplace.pdf.results import PDFRefusedError, RefusalReason

HEADER_WITHIN = 1024
_PASSWORD_ERROR = 4  # FPDF_ERR_PASSWORD

LIMITS: dict[str, Any] = {
    "zlib_maximum_output_length": 20_000_000,
    "lzw_maximum_output_length": 20_000_000,
    "run_length_maximum_output_length": 20_000_000,
    "brotli_maximum_output_length": 20_000_000,
    "jbig2_maximum_output_length": 20_000_000,
    "array_based_stream_maximum_output_length": 20_000_000,
    "stream_decoding_work_maximum_length": 40_000_000,
    "stream_parsing_work_maximum_count": 400_000,
    "stream_filters_maximum_length": 4,
    "xform_maximum_invocations_per_extraction": 500,
    "jbig2dec_binary": None,
    "disable_legacy_handling": True,
}
"""Lowered from pypdf's defaults (security.md U-03; measured in facts/embedded-services.md)."""


class OutOfTime(BaseException):
    """The share of CPU time given to one step is used up.

    No ``Exception``: libraries catch those, and this one must get through.
    """


@contextmanager
def pypdf_limits() -> Iterator[None]:
    """Apply :data:`LIMITS` to everything pypdf does inside."""
    with pypdf.apply_configuration(**LIMITS):
        yield


@contextmanager
def cpu_limit(seconds: float) -> Iterator[None]:
    """Raise :class:`OutOfTime` inside once ``seconds`` of CPU time are used.

    Only Python code is interrupted, and only in the main thread (that of the limited process);
    elsewhere it does nothing, the process limits remain.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def expire(_signal: int, _frame: FrameType | None) -> None:
        raise OutOfTime

    before = signal.signal(signal.SIGPROF, expire)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def require_header(content: bytes) -> None:
    """Refuse what does not say ``%PDF-`` within the first KiB (security.md U-02)."""
    if not content:
        raise PDFRefusedError(RefusalReason.EMPTY)
    if b"%PDF-" not in content[: HEADER_WITHIN + 4]:
        raise PDFRefusedError(RefusalReason.NOT_PDF)


def open_with_pypdf(content: bytes) -> pypdf.PdfReader:
    """Return pypdf's reader, decrypted where the user password is empty (rules C4).

    Raises :class:`PDFRefusedError` for a user password, and whatever pypdf raises: besides its
    own errors that is nearly any class, so callers catch ``Exception``.
    """
    reader = pypdf.PdfReader(io.BytesIO(content), strict=False)
    if reader.is_encrypted and reader.decrypt("") == pypdf.PasswordType.NOT_DECRYPTED:
        raise PDFRefusedError(RefusalReason.ENCRYPTED)
    return reader


@contextmanager
def open_with_pdfium(content: bytes) -> Iterator[pypdfium2.PdfDocument]:
    """Open with PDFium and close after; raises as :func:`open_with_pypdf` does."""
    try:
        document = pypdfium2.PdfDocument(content)
    except pypdfium2.PdfiumError as error:
        if getattr(error, "err_code", None) == _PASSWORD_ERROR:
            raise PDFRefusedError(RefusalReason.ENCRYPTED) from error
        raise
    try:
        yield document
    finally:
        document.close()
