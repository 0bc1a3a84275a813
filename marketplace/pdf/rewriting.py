"""A new PDF from the pages of an uploaded one: what can act is left behind (rules C4, security.md U-04).

The copy is built from a list of what is kept, not by searching for what is bad: of the document only
its pages, of a page only boxes, rotation, content and resources, of its annotations only plain
http(s) links. Form fields and other annotations that have an appearance are drawn into the page, so
that what a person filled in stays readable. A second pass over every object that came along deletes
the keys of active content wherever they hide, and document and image metadata.

Links to a mail or telephone program, to another place in the file (its target may not come along),
to other files and to scripts lose their action; their text stays.

Three writers, in this order: pypdf; PDFium's import of pages into a new file, cleaned by pypdf
again; pages as pictures. A file that defeats all three is refused.
"""

# Lists of names read better as text; the numbers are those of the PDF standard.

# Name lists read better as text, the numbers are the PDF standard's; pypdf has no public way to add an object.
# ruff: noqa: E501, PLR2004, SLF001
from __future__ import annotations

import io
import re
from collections.abc import Iterable
from typing import Any

import pypdf
import pypdfium2
from pypdf.generic import (
    ArrayObject,
    ContentStream,
    DecodedStreamObject,
    DictionaryObject,
    FloatObject,
    IndirectObject,
    NameObject,
    NullObject,
    NumberObject,
    PdfObject,
    StreamObject,
    TextStringObject,
)

from marketplace.pdf.opening import OutOfTime, cpu_limit, open_with_pdfium, open_with_pypdf, pypdf_limits
from marketplace.pdf.results import Numbers, PDFRefusedError, RefusalReason

_PYPDF_CPU_SECONDS = 3.0
_PICTURE_DPI = 110
_PICTURE_MAX_PIXELS = 2_500_000
_GROWTH_BYTES = 2 * 1024 * 1024

_PAGE_KEYS = ("/MediaBox", "/CropBox", "/Rotate", "/UserUnit", "/Contents", "/Resources", "/Group")
_RESOURCE_KEYS = frozenset(
    ("/Font", "/XObject", "/ExtGState", "/ColorSpace", "/Pattern", "/Shading", "/Properties", "/ProcSet")
)
_DROPPED_KEYS = frozenset(
    ["/JS", "/JavaScript", "/OpenAction", "/AA", "/A", "/Launch", "/EmbeddedFiles", "/EmbeddedFile", "/EF", "/AF", "/RichMedia", "/RichMediaContent", "/RichMediaSettings", "/XFA", "/AcroForm", "/SubmitForm", "/GoToR", "/GoToE", "/ImportData", "/Names", "/Rendition", "/Movie", "/Sound", "/Metadata", "/PieceInfo", "/OPI", "/Ref", "/FS", "/FDecodeParms", "/FFilter", "/StructParents", "/StructParent", "/LastModified", "/Alternates"]
)  # fmt: skip
_GLYPH_KEYS = frozenset(("/A", "/AA"))  # as stream, a drawing of that letter in a Type 3 font
_ACTION_TYPES = frozenset(
    [
        "/JavaScript",
        "/Launch",
        "/SubmitForm",
        "/ResetForm",
        "/ImportData",
        "/GoToR",
        "/GoToE",
        "/GoTo3DView",
        "/Rendition",
        "/Movie",
        "/Sound",
        "/RichMediaExecute",
        "/Named",
        "/SetOCGState",
        "/Hide",
        "/Thread",
        "/Trans",
    ]
)
_DRAWN_ANNOTATIONS = frozenset(
    [
        "/Widget",
        "/FreeText",
        "/Stamp",
        "/Ink",
        "/Line",
        "/Square",
        "/Circle",
        "/Polygon",
        "/PolyLine",
        "/Highlight",
        "/Underline",
        "/StrikeOut",
        "/Squiggly",
        "/Redact",
    ]
)
_HIDDEN_FLAGS = 0x02 | 0x20  # Hidden, NoView
_MAX_OBJECTS = 200_000
_PARSED_BYTES = 50_000
_SAVES = re.compile(rb"(?<!\S)[qQ](?!\S)")


def rewrite(content: bytes, numbers: Numbers) -> bytes:
    """Return the copy that is kept and served (rules C4).

    Raises :class:`PDFRefusedError`: ``malformed`` when no writer succeeds, ``too_complex`` when the
    copy is far larger than the file.
    """
    copy = _by_pypdf(content) or _by_pdfium(content, numbers) or _by_pictures(content, numbers)
    if copy is None:
        raise PDFRefusedError(RefusalReason.MALFORMED)
    if len(copy) > len(content) * 2 + _GROWTH_BYTES:
        raise PDFRefusedError(RefusalReason.TOO_COMPLEX)
    return copy


def _by_pypdf(content: bytes) -> bytes | None:
    try:
        with pypdf_limits(), cpu_limit(_PYPDF_CPU_SECONDS):
            copy = _rebuild(open_with_pypdf(content))
            return copy if copy is not None and _can_be_marked(copy) else None
    except PDFRefusedError:
        raise
    except (Exception, OutOfTime):  # noqa: BLE001 - pypdf lets nearly any class through
        return None


def _can_be_marked(copy: bytes) -> bool:
    """Say whether every page's content can be read again, as the footer of a copy will need (rules D4).

    Raises what pypdf raises for a damaged stream; the next writer is tried then.
    """
    for page in pypdf.PdfReader(io.BytesIO(copy)).pages:
        contents = page.get_contents()
        if contents is not None:
            contents.get_data()
    return True


def _by_pdfium(content: bytes, numbers: Numbers) -> bytes | None:
    try:
        with open_with_pdfium(content) as document:
            pages = list(range(min(len(document), numbers.max_pages)))
            fresh = pypdfium2.PdfDocument.new()
            try:
                fresh.import_pages(document, pages)
                target = io.BytesIO()
                fresh.save(target)
            finally:
                fresh.close()
    except PDFRefusedError:
        raise
    except Exception:  # noqa: BLE001 - nearly any class; what is left undone is tried another way
        return None
    return _by_pypdf(target.getvalue()) if pages else None


def _by_pictures(content: bytes, numbers: Numbers) -> bytes | None:
    """Return the pages as pictures; the text is then known from the original alone."""
    try:
        with open_with_pdfium(content) as document:
            pictures = []
            for index in range(min(len(document), numbers.max_pages)):
                page = document[index]
                width, height = page.get_size()
                scale = min(_PICTURE_DPI / 72, (_PICTURE_MAX_PIXELS / max(1.0, width * height)) ** 0.5)
                pictures.append(page.render(scale=scale).to_pil().convert("RGB"))
                page.close()
    except PDFRefusedError:
        raise
    except Exception:  # noqa: BLE001 - nearly any class; what is left undone is tried another way
        return None
    if not pictures:
        return None
    target = io.BytesIO()
    pictures[0].save(target, "PDF", save_all=True, append_images=pictures[1:], resolution=_PICTURE_DPI)
    return _by_pypdf(target.getvalue())


def _rebuild(reader: pypdf.PdfReader) -> bytes | None:
    writer = pypdf.PdfWriter()
    writer.metadata = None
    for page in reader.pages:
        _add_page(writer, page)
    if not len(writer.pages):
        return None
    _clean_all(writer)
    target = io.BytesIO()
    writer.write(target)
    copy = target.getvalue()
    # What cannot be opened again was no copy.
    return copy if len(open_with_pypdf(copy).pages) == len(writer.pages) else None


def _add_page(writer: pypdf.PdfWriter, page: pypdf.PageObject) -> None:
    kept = pypdf.PageObject(None, None)
    kept[NameObject("/Type")] = NameObject("/Page")
    for key in _PAGE_KEYS:
        if key in page:
            kept[NameObject(key)] = page.raw_get(key)
    if "/MediaBox" not in kept:
        kept[NameObject("/MediaBox")] = ArrayObject(NumberObject(value) for value in (0, 0, 595, 842))
    resources = kept.get("/Resources")
    resources = resources.get_object() if resources is not None else None
    kept[NameObject("/Resources")] = DictionaryObject(
        {key: value for key, value in (resources or {}).items() if key in _RESOURCE_KEYS}
        if isinstance(resources, DictionaryObject)
        else {}
    )
    if "/Contents" in kept and not _is_drawable(kept):
        raise ValueError("page content is no stream")  # PDFium may repair what it should have been
    annotations = _annotations(page)
    added = writer.add_page(_detached(kept, page))
    for annotation in annotations:
        _draw(writer, added, annotation)
    links = [link for link in map(_safe_link, annotations) if link is not None]
    if links:
        added[NameObject("/Annots")] = ArrayObject(writer._add_object(link) for link in links)


def _detached(kept: pypdf.PageObject, page: pypdf.PageObject) -> pypdf.PageObject:
    """Let the new page be cloned through the reader of the old one, without the tree above it."""
    kept.pdf = page.pdf
    kept.indirect_reference = page.indirect_reference
    return kept


def _is_drawable(page: DictionaryObject) -> bool:
    """Whether /Contents is a stream or an array of streams, as it must be."""
    contents = page.get("/Contents")
    contents = contents.get_object() if contents is not None else None
    if isinstance(contents, ArrayObject):
        return all(isinstance(part.get_object(), StreamObject) for part in contents)
    return isinstance(contents, StreamObject)


def _annotations(page: pypdf.PageObject) -> list[DictionaryObject]:
    try:
        found = page.get("/Annots")
        found = found.get_object() if found is not None else None
        items = [item.get_object() for item in found] if isinstance(found, ArrayObject) else []
    except Exception:  # noqa: BLE001 - nearly any class; what is left undone is tried another way
        return []
    return [item for item in items if isinstance(item, DictionaryObject)]


def _safe_link(annotation: DictionaryObject) -> DictionaryObject | None:
    """Return a new link made from the address alone, for http and https only."""
    try:
        action = annotation.get("/A")
        action = action.get_object() if action is not None else None
        if annotation.get("/Subtype") != "/Link" or not isinstance(action, DictionaryObject):
            return None
        address = str(action.get("/URI", "")).strip() if action.get("/S") == "/URI" else ""
        box = _numbers(annotation["/Rect"], 4)
    except Exception:  # noqa: BLE001 - nearly any class; what is left undone is tried another way
        return None
    if not address.lower().startswith(("http://", "https://")) or len(address) > 2000 or box is None:
        return None
    return DictionaryObject({
        NameObject("/Type"): NameObject("/Annot"),
        NameObject("/Subtype"): NameObject("/Link"),
        NameObject("/Rect"): ArrayObject(FloatObject(value) for value in box),
        NameObject("/Border"): ArrayObject(NumberObject(0) for _ in range(3)),
        NameObject("/A"): DictionaryObject({
            NameObject("/S"): NameObject("/URI"), NameObject("/URI"): TextStringObject(address),
        }),
    })  # fmt: skip


def _draw(writer: pypdf.PdfWriter, page: pypdf.PageObject, annotation: DictionaryObject) -> None:
    """Draw the appearance of an annotation into the page (PDF 32000-1, 12.5.5)."""
    try:
        appearance = _appearance(annotation)
        if appearance is None:
            return
        left, bottom, right, top = _box(annotation["/Rect"])
        a, b, c, d, e, f = _numbers(appearance.get("/Matrix"), 6) or (1.0, 0.0, 0.0, 1.0, 0.0, 0.0)
        x0, y0, x1, y1 = _box(appearance["/BBox"])
        corners = [(a * x + c * y + e, b * x + d * y + f) for x in (x0, x1) for y in (y0, y1)]
        low_x, high_x = min(x for x, _ in corners), max(x for x, _ in corners)
        low_y, high_y = min(y for _, y in corners), max(y for _, y in corners)
        if high_x <= low_x or high_y <= low_y:
            return
        wide, high = (right - left) / (high_x - low_x), (top - bottom) / (high_y - low_y)
    except Exception:  # noqa: BLE001 - nearly any class; what is left undone is tried another way
        return
    drawing = f"{wide:.5f} 0 0 {high:.5f} {left - low_x * wide:.4f} {bottom - low_y * high:.4f} cm"
    append_form(writer, page, appearance, drawing)


def _appearance(annotation: DictionaryObject) -> StreamObject | None:
    flags = _value(annotation, "/F") or 0
    if annotation.get("/Subtype") not in _DRAWN_ANNOTATIONS or int(flags) & _HIDDEN_FLAGS:
        return None
    normal: Any = annotation["/AP"].get_object()["/N"].get_object()  # type: ignore[index]
    if not isinstance(normal, StreamObject) and isinstance(normal, DictionaryObject):
        state = annotation.get("/AS")
        normal = normal[state].get_object() if state in normal else None
    return normal if isinstance(normal, StreamObject) else None


def _box(value: Any) -> tuple[float, float, float, float]:
    numbers = _numbers(value, 4)
    if numbers is None:
        raise ValueError("no rectangle")
    x0, y0, x1, y1 = numbers
    return min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1)


def _numbers(value: Any, count: int) -> tuple[float, ...] | None:
    if value is None:
        return None
    numbers = tuple(float(item.get_object()) for item in value.get_object())
    return numbers if len(numbers) == count else None


def append_form(writer: pypdf.PdfWriter, page: pypdf.PageObject, form: StreamObject, drawing: str) -> None:
    """Draw a copy of the form XObject ``form`` after the page's own content, which is left as it is.

    The content is put between ``q`` and ``Q``, with as many more as it forgot itself, so that the
    drawing starts from the page's own coordinates.
    """
    resources = page.setdefault(NameObject("/Resources"), DictionaryObject()).get_object()
    objects = resources.setdefault(NameObject("/XObject"), DictionaryObject()).get_object()
    name = next(
        name for name in (f"/Added{number}" for number in range(len(objects) + 1)) if name not in objects
    )
    copy = form.clone(writer)
    copy[NameObject("/Type")] = NameObject("/XObject")
    copy[NameObject("/Subtype")] = NameObject("/Form")
    objects[NameObject(name)] = getattr(copy, "indirect_reference", None) or writer._add_object(copy)
    opened, closed = _imbalance(page)
    before, after = DecodedStreamObject(), DecodedStreamObject()
    before.set_data(b"q\n" * (1 + closed))
    after.set_data(b"\n" + b"Q\n" * (1 + opened) + f"q {drawing} {name} Do Q\n".encode())
    contents = page.get("/Contents")
    contents = contents.get_object() if contents is not None else None
    if isinstance(contents, ArrayObject):
        middle = list(contents)
    elif contents is None or isinstance(contents, NullObject):
        middle = []
    else:
        middle = [page.raw_get("/Contents")]
    page[NameObject("/Contents")] = ArrayObject(
        [writer._add_object(before), *middle, writer._add_object(after)]
    )


def _imbalance(page: pypdf.PageObject) -> tuple[int, int]:
    """Return how many ``q`` stay open at the end of the content, and how many ``Q`` had none."""
    contents = page.get_contents()
    if contents is None:
        return 0, 0
    depth = lowest = 0
    try:
        data = contents.get_data()
        if len(data) > _PARSED_BYTES:  # parsing takes about a second a megabyte; near enough is enough
            operators: Iterable[bytes] = (match[0] for match in _SAVES.finditer(data))
        else:
            operators = (operator for _operands, operator in ContentStream(contents, page.pdf).operations)
        for operator in operators:
            depth += (operator == b"q") - (operator == b"Q")
            lowest = min(lowest, depth)
    except Exception:  # noqa: BLE001 - nearly any class; what is left undone is tried another way
        return 0, 0
    return min(depth - lowest, 100), min(-lowest, 100)


def _clean_all(writer: pypdf.PdfWriter) -> None:
    """Delete active content and metadata from every object, and the objects that nothing then refers to."""
    objects = writer._objects
    if len(objects) > _MAX_OBJECTS:
        raise PDFRefusedError(RefusalReason.TOO_COMPLEX)
    links = {id(link.get_object()) for page in writer.pages for link in page.get("/Annots", ())}
    named: set[int] = set()  # dictionaries whose keys are free names (a font may be called /A)
    reached: set[int] = set()
    stack: list[Any] = [writer.root_object.indirect_reference]
    while stack:
        item = stack.pop()
        if isinstance(item, IndirectObject):
            if item.idnum in reached:
                continue
            reached.add(item.idnum)
            item = item.get_object()
        if isinstance(item, DictionaryObject):
            if id(item) not in links:
                _clean(item, is_named=id(item) in named)
                resources = _value(item, "/Resources")
                if isinstance(resources, DictionaryObject):
                    named.update(id(_value(resources, key)) for key in _RESOURCE_KEYS)
                stack.extend(item.raw_get(key) for key in item)
        elif isinstance(item, ArrayObject):
            stack.extend(item)
    for number in set(range(1, len(objects) + 1)) - reached:
        objects[number - 1] = None


def _clean(item: DictionaryObject, *, is_named: bool) -> None:
    for key in [key for key in item if _is_dropped(item, key, is_named=is_named)]:
        del item[key]
    if isinstance(item, StreamObject):
        _clean_stream(item)


def _is_dropped(item: DictionaryObject, key: str, *, is_named: bool) -> bool:
    if key in _DROPPED_KEYS:
        value = _value(item, key)
        if is_named:
            return not isinstance(value, (DictionaryObject, ArrayObject, NameObject)) or "/S" in value
        return key not in _GLYPH_KEYS or not isinstance(value, StreamObject)
    if key == "/S":
        return item.raw_get(key) in _ACTION_TYPES
    return key == "/F" and isinstance(item, StreamObject)  # data in another file


def _value(item: DictionaryObject, key: str) -> Any:
    value = item.get(key)
    return value.get_object() if isinstance(value, PdfObject) else value


def _clean_stream(stream: StreamObject) -> None:
    if _value(stream, "/Subtype") == "/PS" or _value(stream, "/Subtype2") == "/PS":
        stream[NameObject("/Subtype")] = NameObject("/Form")
        stream._data = b""
    elif _value(stream, "/Filter") == "/DCTDecode":
        stream._data = without_jpeg_metadata(stream._data)


def without_jpeg_metadata(data: bytes) -> bytes:
    """Return the JPEG without its comments, EXIF, XMP and IPTC segments (v5 14.2.8): cameras write places there."""
    if data[:2] != b"\xff\xd8":
        return data
    kept = bytearray(b"\xff\xd8")
    position = 2
    while position + 4 <= len(data) and data[position] == 0xFF:
        marker = data[position + 1]
        if marker == 0xDA:
            return bytes(kept) + data[position:]
        length = int.from_bytes(data[position + 2 : position + 4], "big") + 2
        # APP0 (JFIF), APP2 (colour profile) and APP14 (Adobe's colour transform) decide how it looks.
        if not (0xE0 <= marker <= 0xEF or marker == 0xFE) or marker in {0xE0, 0xE2, 0xEE}:
            kept += data[position : position + length]
        position += length
    return data
