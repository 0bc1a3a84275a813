"""The mark on a delivered copy: a visible footer on each page and an identifier in the metadata (rules D4, X-06).

The footer stands on a strip added below the page, so it covers nothing; the page's own content and
text layer are left as they are.
"""

# Months read better as text; the numbers are quarter turns.

# Months read better as text, the numbers are quarter turns; pypdf has no public way to set the file's ID.
# ruff: noqa: E501, PLR2004, SLF001
from __future__ import annotations

import hashlib
import io
import unicodedata
from typing import Any

import pypdf
from pypdf.generic import ArrayObject, ByteStringObject, FloatObject, NameObject
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

from marketplace.pdf.opening import open_with_pypdf, pypdf_limits
from marketplace.pdf.results import Marking
from marketplace.pdf.rewriting import append_form

_FONT = "Vera"  # comes with reportlab
_FONT_SHARE = 7.5 / 595  # of the page's width: what 7.5 pt are on A4
_SMALLEST, _LARGEST = 1.0, 40.0
_SHORT_ID = 12
_LONGEST_NAME = 120
_MONTHS = {
    "fr": [
        "janvier",
        "février",
        "mars",
        "avril",
        "mai",
        "juin",
        "juillet",
        "août",
        "septembre",
        "octobre",
        "novembre",
        "décembre",
    ],
    "en": [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ],
}
_SENTENCES = {
    "fr": "Copie remise à {recipient}, {company}, le {downloaded}. À supprimer au plus tard le {delete_by}. "
    "Ne pas transmettre. Copie {copy}",
    "en": "Copy for {recipient}, {company}, taken on {downloaded}. To be deleted by {delete_by}. "
    "Do not pass on. Copy {copy}",
}

pdfmetrics.registerFont(TTFont(_FONT, "Vera.ttf"))


def mark(content: bytes, marking: Marking) -> bytes:
    """Return ``content`` with the footer on each page and the identifier in the metadata (rules D4).

    Raises what pypdf raises when the file cannot be read: then nothing is handed out.
    """
    with pypdf_limits():
        writer = pypdf.PdfWriter(clone_from=open_with_pypdf(content))
        text = drawable(footer(marking))
        strips = [_Strip(page, text) for page in writer.pages]
        drawn = pypdf.PdfReader(io.BytesIO(_draw(strips)))
        for page, strip, picture in zip(writer.pages, strips, drawn.pages, strict=True):
            strip.add(writer, page, picture)
        _write_metadata(writer, marking)
        target = io.BytesIO()
        writer.write(target)
    return target.getvalue()


def footer(marking: Marking) -> str:
    """Return the sentence of the footer: who has this copy and until when, in French or English."""
    language = "fr" if marking.language == "fr" else "en"

    def day(value: Any) -> str:
        number = "1er" if language == "fr" and value.day == 1 else str(value.day)
        return f"{number} {_MONTHS[language][value.month - 1]} {value.year}"

    return _SENTENCES[language].format(
        recipient=_one_line(marking.recipient),
        company=_one_line(marking.company),
        downloaded=day(marking.downloaded_on),
        delete_by=day(marking.delete_by_on),
        copy=marking.copy_id[:_SHORT_ID],
    )


def drawable(text: str) -> str:
    """Return ``text`` with what the font cannot draw replaced: by its letter without accent, else by "?".

    The metadata keeps the names as they are.
    """
    known = pdfmetrics.getFont(_FONT).face.charToGlyph
    drawn = []
    for character in unicodedata.normalize("NFC", text):
        plain = unicodedata.normalize("NFKD", character)[0]
        drawn.append(next((option for option in (character, plain) if ord(option) in known), "?"))
    return "".join(drawn)


def _one_line(text: str) -> str:
    """Drop controls and direction marks, which could make the sentence say something else."""
    kept = "".join(" " if unicodedata.category(character)[0] in "CZ" else character for character in text)
    return " ".join(kept.split())[:_LONGEST_NAME]


class _Strip:
    """The strip below one page: how large, and where in the page's own coordinates."""

    def __init__(self, page: pypdf.PageObject, text: str) -> None:
        self.box = _visible_box(page)
        left, bottom, right, top = self.box
        self.turned = (page.rotation or 0) % 360
        self.width = (right - left) if self.turned in {0, 180} else (top - bottom)
        self.size, self.lines = _fit(text, self.width)
        self.height = self.size * (1.35 * len(self.lines) + 0.9)

    def add(self, writer: pypdf.PdfWriter, page: pypdf.PageObject, picture: pypdf.PageObject) -> None:
        left, bottom, right, top = self.box
        # The strip is at the bottom as people see it: after rotation that is another side of the page.
        if self.turned == 90:
            matrix, right = f"0 1 -1 0 {right + self.height:.4f} {bottom:.4f} cm", right + self.height
        elif self.turned == 180:
            matrix, top = f"-1 0 0 -1 {right:.4f} {top + self.height:.4f} cm", top + self.height
        elif self.turned == 270:
            matrix, left = f"0 -1 1 0 {left - self.height:.4f} {top:.4f} cm", left - self.height
        else:
            matrix, bottom = f"1 0 0 1 {left:.4f} {bottom - self.height:.4f} cm", bottom - self.height
        append_form(writer, page, _as_form(picture), matrix)
        box = ArrayObject(FloatObject(value) for value in (left, bottom, right, top))
        for name in ("/MediaBox", "/CropBox"):
            page[NameObject(name)] = ArrayObject(box)
        for name in ("/TrimBox", "/BleedBox", "/ArtBox"):
            page.pop(NameObject(name), None)


def _visible_box(page: pypdf.PageObject) -> tuple[float, float, float, float]:
    """Return what of the page is seen: the crop box inside the media box, A4 where neither makes sense."""
    media, crop = ([float(value) for value in box] for box in (page.mediabox, page.cropbox))
    left, bottom = max(min(media[0::2]), min(crop[0::2])), max(min(media[1::2]), min(crop[1::2]))
    right, top = min(max(media[0::2]), max(crop[0::2])), min(max(media[1::2]), max(crop[1::2]))
    return (left, bottom, right, top) if right - left >= 1 and top - bottom >= 1 else (0.0, 0.0, 595.0, 842.0)


def _fit(text: str, width: float) -> tuple[float, list[str]]:
    """Return a font size and the lines that fit the width."""
    size = min(_LARGEST, max(_SMALLEST, width * _FONT_SHARE))
    room = width * 0.94
    lines: list[str] = []
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and pdfmetrics.stringWidth(longer, _FONT, size) <= room:
            lines[-1] = longer
        else:
            lines.append(word)
    widest = max(pdfmetrics.stringWidth(line, _FONT, size) for line in lines)
    return size * min(1.0, room / widest), lines


def _draw(strips: list[_Strip]) -> bytes:
    target = io.BytesIO()
    canvas = Canvas(target, invariant=1)
    for strip in strips:
        canvas.setPageSize((strip.width, strip.height))
        canvas.setFillGray(1)
        canvas.rect(0, 0, strip.width, strip.height, stroke=0, fill=1)
        canvas.setFillGray(0.25)
        canvas.setStrokeGray(0.6)
        canvas.setLineWidth(strip.size / 16)
        canvas.line(0, strip.height, strip.width, strip.height)
        canvas.setFont(_FONT, strip.size)
        for index, line in enumerate(strip.lines):
            canvas.drawCentredString(strip.width / 2, strip.height - strip.size * (1.35 * (index + 1)), line)
        canvas.showPage()
    canvas.save()
    return target.getvalue()


def _as_form(picture: pypdf.PageObject) -> pypdf.generic.StreamObject:
    form = pypdf.generic.DecodedStreamObject()
    contents = picture.get_contents()
    form.set_data(contents.get_data() if contents is not None else b"")
    form.update({
        NameObject("/BBox"): ArrayObject(FloatObject(value) for value in picture.mediabox),
        NameObject("/Resources"): picture["/Resources"],
    })  # fmt: skip
    return form


def _write_metadata(writer: pypdf.PdfWriter, marking: Marking) -> None:
    writer.metadata = None
    writer.add_metadata({
        "/Subject": footer(marking),
        "/Keywords": marking.copy_id,
        "/MarketplaceCopy": marking.copy_id,
    })  # fmt: skip
    digest = hashlib.sha256(marking.copy_id.encode()).digest()[:16]
    writer._ID = ArrayObject((ByteStringObject(digest), ByteStringObject(digest)))
