"""docs/settings.md is true."""

from pathlib import Path

from marketplace.settings import as_markdown

ROOT = Path(__file__).parents[2]


def test_the_page_lists_every_setting_with_its_default() -> None:
    """The page is what the settings module prints."""
    assert (ROOT / "docs/settings.md").read_text(encoding="utf-8") == as_markdown()
