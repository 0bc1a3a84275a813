"""What becomes of a PDF's text."""

# Samples and rules read better on one line.
# ruff: noqa: E501
from __future__ import annotations

import csv
import re
import unicodedata

import pypdfium2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer import extract
from indexer.extract import (
    Page,
    choose_pages,
    guess_language,
    letters_and_digits,
    needs_second_reader,
    read_text,
    tidy,
)
from marketplace.pdf.opening import OutOfTime
from marketplace.pdf.results import Numbers, PDFRefusedError
from tests.pdfs import HELLO, LINES, NUMBERS, SHARED, encrypted_pdf, one_page, scan_pdf, text_pdf


def test_plain_text():
    """C4: lines stay lines, pages are divided by a blank line."""
    found = read_text(text_pdf([LINES, LINES]), NUMBERS)
    assert found.text == "\n".join(LINES) + "\n\n" + "\n".join(LINES)
    assert (found.pages, found.reader, found.language, found.has_text) == (2, "pypdf", "fr", True)


@pytest.mark.parametrize(("characters", "has_text"), [(49, False), (50, True), (51, True)])
def test_fewer_than_fifty_letters_is_a_scan(characters, has_text):
    """C4: fewer than 50 letters and digits on every page after both readers."""
    found = read_text(
        text_pdf([["-" * 60, "x1" * (characters // 2) + "y" * (characters % 2)], ["."]]), NUMBERS
    )
    assert found.has_text is has_text


def test_one_page_with_text_is_enough():
    """C4: characters are counted per page, not per file."""
    assert not read_text(text_pdf([["a line of few words only"], ["another of few"]]), NUMBERS).has_text
    assert read_text(text_pdf([["a line of few words only"], [LINES[2]]]), NUMBERS).has_text


def test_a_scan_has_no_text():
    """C4: a picture has none."""
    found = read_text(scan_pdf(), NUMBERS)
    assert (found.has_text, found.text, found.language) == (False, "", None)


def test_user_password_is_refused_owner_password_is_read():
    """C4: encrypted with a user password is refused, owner-password-only files are read."""
    with pytest.raises(PDFRefusedError):
        read_text(encrypted_pdf("secret", "owner"), NUMBERS)
    assert read_text(encrypted_pdf("", "owner"), NUMBERS).has_text


def test_text_is_capped():
    """C4: at most `cv_max_characters` are kept, of at most `cv_max_pages` pages."""
    few = Numbers(max_pages=1, max_characters=20, min_characters=5, max_bytes=1 << 20)
    found = read_text(text_pdf([["first page " * 5], ["second"]]), few)
    assert found.pages == 1
    assert found.text == "first page first pag"


def test_the_second_reader_where_pypdf_cannot_open():
    """C4: PDFium reads what pypdf cannot open."""
    found = read_text(
        one_page(HELLO).replace(b"/Count 1", b"/Count x").replace(b"/Type/Pages", b"/Type/Pagez"), NUMBERS
    )
    broken = read_text(b"no pdf", NUMBERS)
    assert (broken.pages, broken.text, broken.has_text) == (0, "", False)
    assert found.pages in {0, 1}


def test_pages_that_fail_do_not_take_the_others(monkeypatch):
    """C4: one bad page must not lose the others; the second reader has a turn at it."""
    real = extract._text_by_pypdf

    def fail(pages, index):
        if index == 1:
            raise RecursionError
        return real(pages, index)

    monkeypatch.setattr(extract, "_text_by_pypdf", fail)
    found = read_text(text_pdf([LINES] * 3), NUMBERS)
    assert found.text.count(LINES[0]) == 3
    assert found.reader == "pypdfium2"
    monkeypatch.setattr(extract, "_pages_by_pdfium", lambda *_: [])
    found = read_text(text_pdf([LINES] * 3), NUMBERS)
    assert found.text.count(LINES[0]) == 2
    assert found.reader == "pypdf"


def test_the_second_reader_takes_over_when_time_is_up(monkeypatch):
    """C4: pypdf has a part of the time; what it did not reach PDFium reads."""

    def slow(_pages, index):
        if index:
            raise OutOfTime
        return "\n".join(LINES)

    monkeypatch.setattr(extract, "_text_by_pypdf", slow)
    found = read_text(text_pdf([LINES] * 3), NUMBERS)
    assert found.text.count(LINES[0]) == 3


def test_time_is_really_taken(monkeypatch):
    """C4: a page that keeps pypdf busy is interrupted."""

    def forever(_pages, _index):
        while True:
            pass

    monkeypatch.setattr(extract, "_text_by_pypdf", forever)
    monkeypatch.setattr(extract, "PYPDF_CPU_SECONDS", 0.05)
    assert read_text(text_pdf(), NUMBERS).reader == "pypdfium2"


RUN_TOGETHER = "IGotaScholarshipFromTheUniversity andStudiedComputerSciences atTheUniversityOfSomewhere " * 3


@pytest.mark.parametrize(("text", "needs"), [
    (None, True), ("", True), ("short", True), (RUN_TOGETHER, True), ("Certi\x00cations and more words " * 4, True),
    ("Pro les and other ordinary words " * 4, True), ("/github a /phone b /envelope c /home d /linkedin e " + "word " * 20, True),
    ("An ordinary page of a curriculum with ordinary words " * 3, False),
    ("One Donaudampfschifffahrtsgesellschaft among ordinary words " * 2, False),
])  # fmt: skip
def test_alarm(text, needs):
    """C4: few characters, words run together, lost ligatures and icon names call the second reader."""
    assert needs_second_reader(text, 50) is needs


def test_choice_by_page():
    """C4: the second reader replaces only the pages the first read badly, and never with less than half."""
    good = "An ordinary page of a curriculum with ordinary words in it"
    assert choose_pages([good, None, RUN_TOGETHER, RUN_TOGETHER], ["b", good, good * 4, "x"], 50) == [
        Page(good, "pypdf"), Page(good, "pypdfium2"), Page(good * 4, "pypdfium2"), Page(RUN_TOGETHER, "pypdf"),
    ]  # fmt: skip
    assert choose_pages([], [good], 50) == [Page(good, "pypdfium2")]
    assert choose_pages(["", None], [], 50) == [Page("", "pypdf"), Page("", "pypdf")]


@pytest.mark.parametrize(("raw", "clean"), [
    ("ﬁn, eﬃcace", "fin, efficace"),
    ("Scienti/f_ic o/f_f_ice", "Scientific office"),
    ("+/four.lnum/two.tnum", "+42"),
    ("/P.sc/y.smcp", "Py"),
    ("Certi\x1ccat, \x1bort, e\x1ecace, pro\x0cl", "Certificat, ffort, efficace, profil"),
    ("\x13 Ainsi de suite \x14", "« Ainsi de suite »"),
    ("wri\ue03cen N\ue05f\ue066\ue055\ue05c", "written Novel"),
    ("D´eveloppeur ¸ca ˆetre", "Développeur ça être"),
    ("\uf095 +33 1\ufffd", "+33 1"),
    ("/map-marker Lyon", "Lyon"),
    ("x /github name", "x name"),
    ("/anything at the start", "at the start"),
    ("Java /python", "Java /python"),
    ("/_388 since 1865, /g12", "since 1865,"),
    ("♂phone 06 ♂¶ap-¶arker Lyon /gl⌢be x", "06 Lyon x"),
    ("E X P E R I E N C E", "EXPERIENCE"),
    ("permis B ou C", "permis B ou C"),
    ("ProfilProfil", "Profil"),
    ("Mon profil  Mon profil", "Mon profil"),
    ("EExxppéérriieennccee", "Expérience"),
    ("Formation\nFormation\nFormation", "Formation"),
    ("a\na", "a\na"),
    ("papa", "papa"),
    ("12341234", "12341234"),
    ("econome-\ntrics", "econometrics"),
    ("econome‐\ntrics", "econometrics"),
    ("econo\u00admetrics, econo\u00ad\nmetrics", "econometrics, econometrics"),
    ("econome\ufffetrics", "econometrics"),
    ("cloud\ufffenative", "cloud-native"),
    ("cloud-\nnative", "cloud-native"),
    ("e-\ncommerce", "e-commerce"),
    ("cloud-native, temps‐réel", "cloud-native, temps-réel"),
    ("pre- and post-sales", "pre- and post-sales"),
    ("data driven data driven-\ndata", "data driven data driven-data"),
    ("a\x00b\ud800c\u200bd\u2028e", "a bcd e"),
    ("  many \t blanks \r\n\r\n\r\n\r\nhere\rnow ", "many blanks\n\nhere\nnow"),
    ("C++ C# .NET Node.js CI/CD", "C++ C# .NET Node.js CI/CD"),
])  # fmt: skip
def test_tidy(raw, clean):
    """C4: the text is readable and searchable whatever fonts and producers did to it."""
    assert tidy(raw) == clean


@given(st.text())
def test_tidy_fits_postgresql(raw):
    """C4: no NUL, no surrogate, no control but the line's end, whatever comes in."""
    clean = tidy(raw)
    clean.encode()
    assert not any(
        unicodedata.category(character) in {"Cc", "Cs", "Co"} for character in clean.replace("\n", "")
    )


@pytest.mark.parametrize(("text", "language"), [
    ("je cherche une alternance dans une équipe pour les données", "fr"),
    ("I am looking for an apprenticeship in the data team of a company", "en"),
    ("Python Docker", None),
])  # fmt: skip
def test_language_guess(text, language):
    """C4: a guess, for display only."""
    assert guess_language(text) == language


def test_letters_and_digits():
    """C4: blanks and signs do not count."""
    assert letters_and_digits("é1 - 二.") == 3


def _ready_cvs():
    manifest = SHARED / "cv" / "manifest.csv"
    if not manifest.exists():
        return [pytest.param("", marks=pytest.mark.skip(reason=f"no shared data in {SHARED}"))]
    with manifest.open(encoding="utf-8", newline="") as source:
        return [pytest.param(SHARED / "cv" / row["file"], id=row["file"])
                for row in csv.DictReader(source) if row["expect"] == "ready"]  # fmt: skip


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("path", _ready_cvs())
def test_recall_on_real_cvs(path):
    """C4: of the words PDFium alone reads at least 95 % are kept."""
    content = path.read_bytes()
    document = pypdfium2.PdfDocument(content)
    try:
        plain = "\n".join(tidy(page.get_textpage().get_text_range()) for page in document)
    finally:
        document.close()
    words, kept = (
        set(re.findall(r"[^\W\d_]{4,}", text.lower())) for text in (plain, read_text(content, NUMBERS).text)
    )
    assert len(words & kept) >= 0.95 * len(words)
