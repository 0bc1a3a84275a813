"""Five ways to draw a resume as a PDF: one column, sidebar, banner, table, compact.

Real PDFs with a text layer, fonts and colours, one to three pages; made by reportlab, byte for
byte the same for the same resume.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from io import BytesIO

from reportlab.lib import colors
from reportlab.lib.enums import TA_CENTER
from reportlab.lib.pagesizes import A4, LETTER
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase.pdfmetrics import stringWidth
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import (
    BaseDocTemplate,
    Flowable,
    Frame,
    FrameBreak,
    HRFlowable,
    NextPageTemplate,
    PageTemplate,
    Paragraph,
    Spacer,
    Table,
)
from reportlab.platypus.doctemplate import _doNothing

from marketplace.demo.resumes import Entry, Resume

INK = colors.HexColor("#1f2430")
FRAME_PADDING = 6
"""Points that reportlab leaves blank on each side of a frame."""
ACCENTS = ("#31418f", "#7a2f5c", "#1f6b5c", "#8a4b1f", "#3d3d3d")

Story = list[Flowable]


def draw(resume: Resume, layout: int, *, letter: bool = False) -> bytes:
    """Return the PDF of ``resume`` in one of the five layouts, on A4 or US letter."""
    accent = colors.HexColor(ACCENTS[layout % len(ACCENTS)])
    return LAYOUTS[layout % len(LAYOUTS)](resume, accent, LETTER if letter else A4)


def _style(
    name: str, size: float, *, bold: bool = False, color: colors.Color = INK, **more: object
) -> ParagraphStyle:
    font = "Helvetica-Bold" if bold else "Helvetica"
    return ParagraphStyle(name, fontName=font, fontSize=size, leading=size * 1.32, textColor=color, **more)


def _escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _p(text: str, style: ParagraphStyle) -> Paragraph:
    return Paragraph(_escape(text), style)


def _heading(text: str, accent: colors.Color) -> Story:
    return [
        Spacer(1, 8),
        _p(text.upper(), _style("heading", 11, bold=True, color=accent)),
        HRFlowable(width="100%", thickness=0.7, color=accent, spaceAfter=4),
    ]


def _entry(entry: Entry, accent: colors.Color) -> Story:
    story: Story = [
        _p(entry.title, _style("entry", 10, bold=True)),
        _p(f"{entry.place} | {entry.period}", _style("where", 9, color=accent)),
    ]
    story += [
        Paragraph(_escape(line), _style("line", 9.5, leftIndent=10), bulletText="•") for line in entry.lines
    ]
    return [*story, Spacer(1, 4)]


def _section(resume: Resume, name: str, entries: Sequence[Entry], accent: colors.Color) -> Story:
    if not entries:
        return []
    return [
        *_heading(resume.label(name), accent),
        *(part for entry in entries for part in _entry(entry, accent)),
    ]


def _body(resume: Resume, accent: colors.Color) -> Story:
    return [
        *_section(resume, "experience", resume.experience, accent),
        *_section(resume, "projects", resume.projects, accent),
        *_section(resume, "education", resume.education, accent),
    ]


def _listing(resume: Resume, accent: colors.Color, style: ParagraphStyle) -> Story:
    story: Story = []
    for name, values in (
        ("skills", resume.skills),
        ("languages", resume.languages),
        ("hobbies", resume.hobbies),
    ):
        story += [*_heading(resume.label(name), accent), _p(", ".join(values), style)]
    return story


def _build(story: Story, templates: list[PageTemplate], size: tuple[float, float]) -> bytes:
    target = BytesIO()
    document = BaseDocTemplate(target, pagesize=size, pageTemplates=templates, invariant=1, title="CV")
    document.build(story)
    return target.getvalue()


def _page(size: tuple[float, float], margin: float, **more: object) -> PageTemplate:
    width, height = size
    return PageTemplate("page", [Frame(margin, margin, width - 2 * margin, height - 2 * margin)], **more)


def _classic(resume: Resume, accent: colors.Color, size: tuple[float, float]) -> bytes:
    story: Story = [
        _p(resume.name, _style("name", 20, bold=True, color=accent)),
        _p(resume.headline, _style("headline", 12)),
        _p(" · ".join(resume.contact_lines), _style("contact", 8.5)),
        *_heading(resume.label("about"), accent),
        _p(resume.about, _style("about", 10)),
        *_body(resume, accent),
        *_listing(resume, accent, _style("list", 9.5)),
    ]
    return _build(story, [_page(size, 18 * mm)], size)


def _sidebar(resume: Resume, accent: colors.Color, size: tuple[float, float]) -> bytes:
    width, height = size
    side = 62 * mm

    def paint(canvas: Canvas, _document: object) -> None:
        canvas.setFillColor(accent)
        canvas.rect(0, 0, side, height, stroke=0, fill=1)

    white = _style("side", 9.5, color=colors.white)
    room = side - 8 * mm - 2 * FRAME_PADDING - 1
    longest = max(stringWidth(line, white.fontName, white.fontSize) for line in resume.contact_lines)
    small = _style("contact", white.fontSize * min(1, room / longest), color=colors.white)
    left: Story = [
        _p(resume.name, _style("name", 17, bold=True, color=colors.white)),
        Spacer(1, 6),
        *(_p(line, small) for line in resume.contact_lines),  # an address does not break
        *_listing(resume, colors.white, white),
        FrameBreak(),
    ]
    right: Story = [
        NextPageTemplate("rest"),
        _p(resume.headline, _style("headline", 14, bold=True, color=accent)),
        Spacer(1, 4),
        _p(resume.about, _style("about", 10)),
        *_body(resume, accent),
    ]
    main = (side + 6 * mm, 12 * mm, width - side - 16 * mm, height - 24 * mm)
    first = PageTemplate(
        "first", [Frame(5 * mm, 12 * mm, side - 8 * mm, height - 24 * mm), Frame(*main)], onPage=paint
    )
    return _build([*left, *right], [first, PageTemplate("rest", [Frame(*main)], onPage=paint)], size)


def _banner(resume: Resume, accent: colors.Color, size: tuple[float, float]) -> bytes:
    width, height = size
    band = 42 * mm

    def paint(canvas: Canvas, _document: object) -> None:
        canvas.setFillColor(accent)
        canvas.rect(0, height - band, width, band, stroke=0, fill=1)
        canvas.setFillColor(colors.white)
        canvas.setFont("Times-Bold", 24)
        canvas.drawString(18 * mm, height - 18 * mm, resume.name)
        canvas.setFont("Times-Roman", 12)
        canvas.drawString(18 * mm, height - 26 * mm, resume.headline[:80])
        canvas.setFont("Times-Roman", 9)
        canvas.drawString(18 * mm, height - 34 * mm, "   ".join(resume.contact_lines))

    story: Story = [
        NextPageTemplate("rest"),
        _p(resume.about, _style("about", 10.5)),
        *_listing(resume, accent, _style("list", 10)),
        *_body(resume, accent),
    ]
    first = PageTemplate(
        "first", [Frame(18 * mm, 15 * mm, width - 36 * mm, height - band - 20 * mm)], onPage=paint
    )
    rest = _page(size, 18 * mm, onPage=_doNothing)
    rest.id = "rest"
    return _build(story, [first, rest], size)


def _table(resume: Resume, accent: colors.Color, size: tuple[float, float]) -> bytes:
    label = _style("label", 9, bold=True, color=accent)
    rows: list[list[object]] = [
        [
            _p("", label),
            [_p(resume.name, _style("name", 18, bold=True)), _p(resume.headline, _style("headline", 11))],
        ],
        [_p("@", label), [_p(line, _style("contact", 9)) for line in resume.contact_lines]],
        [_p(resume.label("about"), label), [_p(resume.about, _style("about", 10))]],
    ]
    for name, entries in (
        ("experience", resume.experience), ("projects", resume.projects), ("education", resume.education),
    ):  # fmt: skip
        for position, entry in enumerate(entries):
            rows.append([_p(resume.label(name) if position == 0 else "", label), _entry(entry, accent)])
    for name, values in (
        ("skills", resume.skills),
        ("languages", resume.languages),
        ("hobbies", resume.hobbies),
    ):
        rows.append([_p(resume.label(name), label), [_p(", ".join(values), _style("list", 9.5))]])
    table = Table(rows, colWidths=[38 * mm, size[0] - 38 * mm - 36 * mm])
    table.setStyle(
        [
            ("VALIGN", (0, 0), (-1, -1), "TOP"),
            ("LINEAFTER", (0, 0), (0, -1), 0.8, accent),
            ("TOPPADDING", (0, 0), (-1, -1), 3),
        ]
    )
    return _build([table], [_page(size, 15 * mm)], size)


def _compact(resume: Resume, accent: colors.Color, size: tuple[float, float]) -> bytes:
    small = _style("small", 8.5)
    story: Story = [
        _p(resume.name, _style("name", 15, bold=True, alignment=TA_CENTER)),
        _p(resume.headline, _style("headline", 10, color=accent, alignment=TA_CENTER)),
        _p(" | ".join(resume.contact_lines), _style("contact", 8, alignment=TA_CENTER)),
        Spacer(1, 4),
        _p(resume.about, small),
        *_listing(resume, accent, small),
        *_body(resume, accent),
    ]
    return _build(story, [_page(size, 12 * mm)], size)


LAYOUTS: tuple[Callable[[Resume, colors.Color, tuple[float, float]], bytes], ...] = (
    _classic, _sidebar, _banner, _table, _compact,
)  # fmt: skip
