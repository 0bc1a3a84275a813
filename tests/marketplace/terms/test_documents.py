"""The built-in texts, and reading their Markdown subset."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from marketplace.settings import default_of
from marketplace.terms.documents import Block, Span, builtin, read_markdown, title_of
from marketplace.terms.models import DocumentKind


def _texts() -> dict[tuple[str, str], str]:
    return {(item.document, item.language): item.text for item in builtin()}


def test_every_document_is_there_in_both_languages() -> None:
    """A2, F4: five documents in French and English, each with a title and the same structure."""
    texts = _texts()
    assert set(texts) == {(kind.value, language) for kind in DocumentKind for language in ("en", "fr")}
    for kind in DocumentKind:
        english, french = (
            [block.kind for block in read_markdown(texts[kind.value, language])] for language in ("en", "fr")
        )
        assert english == french
        assert title_of(texts[kind.value, "en"]) != title_of(texts[kind.value, "fr"])


def test_the_texts_say_the_numbers_of_the_rules() -> None:
    """A1, A3, D4, D5: what people read is what the settings do."""
    texts = _texts()
    terms, special = texts["terms_of_use", "en"], texts["special_terms", "en"]
    assert f"at least {default_of('minimum_age')} years old" in terms
    assert f"within {default_of('confirmation_hours')} hours" in terms
    assert f"within {default_of('temporary_password_hours')} hours" in terms
    assert f"at least {default_of('recruiter_minimum_age')}" in special
    assert (default_of("deletion_months"), "six months" in special) == (6, True)
    assert (default_of("withdrawal_deletion_days"), "seven days" in special) == (7, True)
    assert (default_of("recruiter_sessions"), "three sessions" in special) == (3, True)


def test_blocks_and_spans() -> None:
    """A2: headings, paragraphs, lists, strong words and links are read; the rest is text."""
    text = "# Title\n\nOne **strong** [link](/terms) line\ngoes on.\n\n## Part\n- first\n  continued\n- [x](https://a.example/b)\n"
    assert read_markdown(text) == (
        Block("h1", ((Span("Title"),),)),
        Block(
            "paragraph",
            (
                (
                    Span("One "),
                    Span("strong", is_strong=True),
                    Span(" "),
                    Span("link", target="/terms"),
                    Span(" line goes on."),
                ),
            ),
        ),
        Block("h2", ((Span("Part"),),)),
        Block("list", ((Span("first continued"),), (Span("x", target="https://a.example/b"),))),
    )


def test_no_target_leads_to_a_script_or_another_scheme() -> None:
    """W-04: a link that is not a path of ours or https stays text."""
    for target in ("javascript:alert(1)", "//evil.example", "http://evil.example", "data:x", '/a"b'):
        blocks = read_markdown(f"[click]({target})")
        assert all(span.target is None for block in blocks for line in block.lines for span in line)


@given(st.text(max_size=400))
def test_any_text_is_read(text: str) -> None:
    """A2: publishing cannot break the page; every block has something to show."""
    for block in read_markdown(text):
        assert block.lines
