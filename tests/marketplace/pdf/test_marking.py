"""The mark of delivered copies."""

# Samples and rules read better on one line.
# ruff: noqa: E501
from __future__ import annotations

import io
from datetime import date
from typing import Any

import msgspec
import pypdf
import pypdfium2
import pytest
from pypdf.generic import ArrayObject, NameObject, NumberObject

from marketplace.pdf.marking import drawable, footer, mark
from marketplace.pdf.results import Marking
from tests.pdfs import LINES, one_page, text_of, text_pdf, written

MARKING = Marking(
    recipient="Élodie Martin", company="Ateliers du Rhône", downloaded_on=date(2026, 11, 23),
    delete_by_on=date(2027, 5, 23), copy_id="4f6c1e0c9d7b4a12a5f3", language="fr",
)  # fmt: skip


def _words(text: str) -> str:
    return " ".join(text.split())


@pytest.mark.parametrize(
    ("language", "sentence"),
    [
        ("fr", ("Copie remise à Élodie Martin, Ateliers du Rhône, le 23 novembre 2026. "
               "À supprimer au plus tard le 23 mai 2027. Ne pas transmettre. Copie 4f6c1e0c9d7b")),
        ("en", ("Copy for Élodie Martin, Ateliers du Rhône, taken on 23 November 2026. "
               "To be deleted by 23 May 2027. Do not pass on. Copy 4f6c1e0c9d7b")),
    ],
)  # fmt: skip
def test_each_page_says_for_whom_and_until_when(language, sentence):
    """D4: visible footer with recipient, date and delete-by day on every page; the text layer is otherwise unchanged."""
    plain = text_pdf([LINES, ["second page"], ["third page"]])
    marked = mark(plain, msgspec.structs.replace(MARKING, language=language))
    before, after = (pypdf.PdfReader(io.BytesIO(content)).pages for content in (plain, marked))
    for old, new in zip(before, after, strict=True):
        assert _words(new.extract_text()) == _words(f"{old.extract_text()} {sentence}")


def test_the_copy_carries_its_identifier():
    """D4: an identifier in the metadata; two copies differ."""
    marked = mark(text_pdf(), MARKING)
    metadata: Any = pypdf.PdfReader(io.BytesIO(marked)).metadata
    assert metadata["/MarketplaceCopy"] == MARKING.copy_id
    assert MARKING.copy_id in metadata["/Keywords"]
    other = mark(text_pdf(), msgspec.structs.replace(MARKING, copy_id="another"))
    assert marked != other
    assert (
        pypdf.PdfReader(io.BytesIO(marked)).trailer["/ID"]
        != pypdf.PdfReader(io.BytesIO(other)).trailer["/ID"]
    )


@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
@pytest.mark.parametrize("box", [None, (50, 60, 450, 700)])
@pytest.mark.parametrize("size", [(595, 842), (842, 595), (100, 100), (3000, 2000)])
def test_the_footer_is_at_the_bottom_as_people_see_it(rotation, box, size):
    """D4: whatever rotation, crop box or size, the footer is visible below the page and covers nothing."""
    writer = pypdf.PdfWriter(clone_from=io.BytesIO(text_pdf([["x"]], size=size)))
    page = writer.pages[0]
    page[NameObject("/Rotate")] = NumberObject(rotation)
    if box and size == (595, 842):
        page[NameObject("/CropBox")] = ArrayObject(NumberObject(value) for value in box)
    plain = written(writer)
    before, after = (_picture(content) for content in (plain, mark(plain, MARKING)))
    assert after.width == pytest.approx(before.width, abs=2)
    assert after.height > before.height
    strip = after.crop((0, before.height + 1, after.width, after.height))
    assert min(strip.tobytes()) < 140
    assert strip.tobytes().count(255) > len(strip.tobytes()) / 2
    kept = after.crop((0, 0, min(before.width, after.width), before.height - 2)).tobytes()
    same = before.crop((0, 0, min(before.width, after.width), before.height - 2)).tobytes()
    assert sum(abs(one - other) > 100 for one, other in zip(kept, same, strict=True)) <= len(same) / 500


def _picture(content):
    document = pypdfium2.PdfDocument(content)
    try:
        return document[0].render(scale=600 / document[0].get_width()).to_pil().convert("L")
    finally:
        document.close()


def test_unbalanced_pages_keep_the_footer_in_place():
    """D4: a page that leaves its coordinates changed cannot push the footer away."""
    plain = one_page(b"q 0.01 0 0 0.01 9000 9000 cm")
    before, after = _picture(plain), _picture(mark(plain, MARKING))
    strip = after.crop((0, int(after.height * 842 / 866) + 1, after.width, after.height))
    assert before.size != after.size
    assert min(strip.tobytes()) < 140


@pytest.mark.parametrize(
    ("name", "shown"),
    [("Łukasz Ørsted", "Łukasz Ørsted"), ("Ngô Bảo", "Ngô Bao"), ("李明", "??"), ("e\u0301lan", "élan")],
)
def test_names_the_font_cannot_draw(name, shown):
    """D4: what the font lacks is replaced, and the metadata keeps the name as it is."""
    assert drawable(name) == shown
    marked = mark(text_pdf(), msgspec.structs.replace(MARKING, recipient=name))
    metadata: Any = pypdf.PdfReader(io.BytesIO(marked)).metadata
    assert name in metadata["/Subject"]
    assert shown in _words(text_of(marked))


def test_a_name_cannot_rewrite_the_sentence():
    """D4: line breaks, direction marks and length in a name do not hide the rest of the footer."""
    sentence = footer(msgspec.structs.replace(MARKING, recipient="A\n\n\u202eB" + "x" * 500))
    assert "\n" not in sentence
    assert "\u202e" not in sentence
    assert "23 mai 2027" in sentence
    assert len(sentence) < 400


def test_first_of_the_month_in_french():
    """D4: the date reads as people write it."""
    assert "le 1er août 2026" in footer(msgspec.structs.replace(MARKING, downloaded_on=date(2026, 8, 1)))
