"""What is kept of an uploaded PDF and what is not."""

# Samples and rules read better on one line.
# ruff: noqa: E501
from __future__ import annotations

import io
from typing import Any

import pypdf
import pypdfium2
import pytest

from marketplace.pdf.results import PDFRefusedError, RefusalReason
from marketplace.pdf.rewriting import rewrite, without_jpeg_metadata
from tests.pdfs import (
    HELLO,
    LINES,
    NUMBERS,
    all_keys,
    armed_pdf,
    encrypted_pdf,
    form_pdf,
    one_page,
    raw_pdf,
    scan_pdf,
    stream,
    text_of,
    text_pdf,
)

ACTIVE = {
    "/JS", "/JavaScript", "/OpenAction", "/AA", "/Launch", "/EmbeddedFiles", "/EmbeddedFile", "/EF", "/RichMedia",
    "/XFA", "/AcroForm", "/SubmitForm", "/GoToR", "/ImportData", "/Names", "/Metadata",
}  # fmt: skip


def test_active_content_and_metadata_are_left_behind():
    """C4: active content (JavaScript, launch, embedded files) is removed; the text stays."""
    armed = armed_pdf()
    assert all_keys(armed) >= {"/JS", "/OpenAction", "/EmbeddedFiles", "/Launch", "/XFA", "/AA"}
    copy = rewrite(armed, NUMBERS)
    assert not all_keys(copy) & ACTIVE
    for word in (
        b"JavaScript",
        b"EmbeddedFile",
        b"MZ attached",
        b"Camille Durand",
        b"private title",
        b"cmd.exe",
        b"xmpmeta",
    ):
        assert word not in copy
    assert not pypdf.PdfReader(io.BytesIO(copy)).metadata
    assert text_of(copy).split() == text_of(armed).split()


def test_only_plain_links_survive():
    """C4: of seven links, each with another action, the https one stays."""
    page: Any = pypdf.PdfReader(io.BytesIO(rewrite(armed_pdf(), NUMBERS))).pages[0]
    links = [link.get_object() for link in page["/Annots"]]
    assert [link["/A"]["/URI"] for link in links] == ["https://example.com/work"]
    assert all(set(link["/A"]) == {"/S", "/URI"} for link in links)


def test_escaped_names_do_not_hide():
    """C4: /#4aavaScript and /Open#41ction are the same names (security.md U-04)."""
    hidden = one_page(
        HELLO,
        page=b"/#41A<</O 6 0 R>>/Annots[<</Type/Annot/Subtype/Link/Rect[0 0 9 9]/#41 6 0 R>>]",
        catalogue=b"/Open#41ction 6 0 R/N#61mes<</#4aavaScript<</Names[(a) 6 0 R]>>>>",
        more=[b"<</S/#4aavaScript/#4a#53(app.alert\\(1\\))>>"],
    )
    copy = rewrite(hidden, NUMBERS)
    assert not all_keys(copy) & ACTIVE
    assert b"app.alert" not in copy
    assert "Camille Durand" in text_of(copy)


def test_active_content_does_not_hide_in_object_streams():
    """C4: nor inside a compressed object stream."""
    actions = b"<</S/JavaScript/JS(app.alert\\(1\\))>>"
    packed = b"6 0 " + actions
    hidden = one_page(HELLO, page=b"/AA<</O 6 0 R>>", more=[stream(packed, b"/Type/ObjStm/N 1/First 4")])
    assert b"app.alert" not in rewrite(hidden, NUMBERS)


def test_active_content_does_not_hide_in_resources():
    """C4: a form XObject may carry actions, PostScript and files of its own; they go too."""
    form = stream(
        b"q Q",
        b"/Type/XObject/Subtype/Form/BBox[0 0 9 9]/AA<</O<</S/JavaScript/JS(bad1)>>>>/Metadata 7 0 R/PieceInfo<</X(bad2)>>",
    )
    hidden = raw_pdf([
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        (b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R/Resources<</XObject<</X 6 0 R/P 8 0 R>>"
        b"/Odd<</JS(bad4)>>>>>>"),
        stream(b"/X Do"),
        b"<<>>",
        form,
        stream(b"bad3"),
        stream(b"bad5 exec", b"/Type/XObject/Subtype/PS"),
    ])  # fmt: skip
    copy = rewrite(hidden, NUMBERS)
    assert b"bad" not in copy
    assert not all_keys(copy) & ACTIVE


def test_fonts_with_short_names_are_kept():
    """C4: /A is also what a producer may call a font; the page must still be readable."""
    copy = rewrite(one_page(HELLO.replace(b"/F1", b"/A"), font=b"/A"), NUMBERS)
    assert "Camille Durand" in text_of(copy)
    page: Any = pypdf.PdfReader(io.BytesIO(copy)).pages[0]
    assert "/A" in page["/Resources"]["/Font"]


def test_form_fields_become_text():
    """C4: what a person filled in stays readable, the field itself goes."""
    copy = rewrite(form_pdf("Camille Durand"), NUMBERS)
    assert "Camille Durand" in text_of(copy)
    assert not all_keys(copy) & {"/AcroForm", "/Widget", "/Annots"}


def test_hidden_and_broken_annotations_are_left_out():
    """C4: a hidden field is not made visible, a broken one does not stop the rest."""
    form = stream(b"BT /F1 9 Tf (HIDDEN) Tj ET", b"/Type/XObject/Subtype/Form/BBox[0 0 9 9]")
    annotations = (
        b"/Annots[<</Subtype/Widget/F 2/Rect[0 0 9 9]/AP<</N 6 0 R>>>>"
        b"<</Subtype/Widget/Rect[0 0]/AP<</N 6 0 R>>>><</Subtype/Stamp/AP 5>> 7"
        b"<</Subtype/Widget/Rect[0 0 0 0]/AP<</N<</On 6 0 R>>>>/AS/Off>><</Subtype/Link/A<</S/URI/URI(http://x)>>>>"
        b"<</Subtype/FreeText/Rect[0 0 9 9]/AP<</N 99 0 R>>>>]"
    )
    copy = rewrite(one_page(HELLO, page=annotations, more=[form]), NUMBERS)
    assert "HIDDEN" not in text_of(copy)
    assert "Camille" in text_of(copy)


def test_unbalanced_content_does_not_move_what_is_drawn_after_it():
    """C4: a page that forgets to restore its coordinates still shows its fields in place."""
    form = stream(b"0 0 9 9 re f", b"/Type/XObject/Subtype/Form/BBox[0 0 9 9]")
    annotation = b"/Annots[<</Subtype/Stamp/Rect[100 100 190 190]/AP<</N 6 0 R>>>>]"
    copy = rewrite(one_page(b"Q q 0.1 0 0 0.1 500 500 cm", page=annotation, more=[form]), NUMBERS)
    document = pypdfium2.PdfDocument(copy)
    picture = document[0].render(scale=1).to_pil().convert("L")
    document.close()
    assert picture.getpixel((145, 842 - 145)) < 50
    assert picture.getpixel((505, 842 - 505)) > 200


def test_owner_password_is_dropped():
    """C4: owner-password-only files are read; the copy is not encrypted."""
    copy = pypdf.PdfReader(io.BytesIO(rewrite(encrypted_pdf("", "owner"), NUMBERS)))
    assert not copy.is_encrypted
    assert LINES[0] in copy.pages[0].extract_text()


def test_boxes_and_rotation_are_kept():
    """C4: the copy looks like the file."""
    page = pypdf.PdfReader(io.BytesIO(rewrite(text_pdf(size=(400, 300), rotation=90), NUMBERS))).pages[0]
    assert page.rotation == 90
    assert sorted((page.mediabox.width, page.mediabox.height)) == [300, 400]


def test_the_second_writer_repairs():
    """C4: a file that pypdf cannot rewrite but PDFium can is accepted through PDFium."""
    broken = text_pdf().replace(b"startxref", b"startxxxx").replace(b"/Count 1", b"/Count x")
    assert LINES[0] in text_of(rewrite(broken, NUMBERS))


def test_pictures_are_the_last_resort(monkeypatch):
    """C4: where both writers fail the pages become pictures."""
    monkeypatch.setattr("marketplace.pdf.rewriting._by_pdfium", lambda *_: None)
    contents_is_no_stream = one_page(HELLO).replace(b"/Contents 4 0 R", b"/Contents 5 0 R")
    copy = rewrite(contents_is_no_stream, NUMBERS)
    assert len(pypdf.PdfReader(io.BytesIO(copy)).pages) == 1


@pytest.mark.parametrize("content", [b"%PDF-1.7\n", b"%PDF-1.7\n" + b"x" * 5000, text_pdf()[:400]])
def test_what_nobody_can_rewrite_is_malformed(content):
    """C4: malformed files are refused."""
    with pytest.raises(PDFRefusedError) as refusal:
        rewrite(content, NUMBERS)
    assert refusal.value.reason is RefusalReason.MALFORMED


def test_camera_data_leaves_pictures():
    """C4: a photo's EXIF and comments go, what decides its look stays."""
    segments = b"\xff\xe0\x00\x04JF\xff\xe1\x00\x06Exif\xff\xee\x00\x04Ad\xff\xfe\x00\x06note"
    clean = without_jpeg_metadata(b"\xff\xd8" + segments + b"\xff\xda\x00\x02pixels\xff\xd9")
    assert clean == b"\xff\xd8\xff\xe0\x00\x04JF\xff\xee\x00\x04Ad\xff\xda\x00\x02pixels\xff\xd9"
    assert without_jpeg_metadata(b"no jpeg") == b"no jpeg"
    assert without_jpeg_metadata(b"\xff\xd8\xff\xe1\x00\x06Exif") == b"\xff\xd8\xff\xe1\x00\x06Exif"


def test_a_scan_stays_a_picture():
    """C4: a scan is accepted as it is."""
    assert len(pypdf.PdfReader(io.BytesIO(rewrite(scan_pdf(), NUMBERS))).pages[0].images) == 1
