"""Everything people read exists in French and English (rules F4)."""

from __future__ import annotations

import pytest

from marketplace.catalogues import translate, translate_plural
from tests.catalogues import catalogue, faults, features, strings, translated, unused


@pytest.mark.parametrize("feature", features())
def test_french_is_complete(feature: str) -> None:
    """F4: each message of templates and code has a French translation with the same placeholders."""
    found = faults(feature)
    assert not found, f"{len(found)} of {feature}:\n" + "\n".join(found)


@pytest.mark.parametrize("feature", features())
def test_no_translation_is_left_over(feature: str) -> None:
    """F4: a catalogue holds nothing that is no longer shown."""
    assert unused(feature) == []


def test_one_message_has_one_translation() -> None:
    """F4: catalogues are merged, so two features may not translate one message differently."""
    known = translated()
    differing = [
        f"{feature} and {known[key][0]}: {key!r}"
        for feature in features()
        for entry in catalogue(feature)
        for key in [strings(entry.id)[0]]
        if strings(known[key][1].string) != strings(entry.string)
    ]
    assert not differing, "\n".join(differing)


def test_values_are_filled_in() -> None:
    """F4: values go into the translated sentence; English is its own catalogue."""
    assert translate("fr", "Not valid: %(reason)s.", reason="x") == "Non valable\u00a0: x."
    assert translate("en", "Not valid: %(reason)s.", reason="x") == "Not valid: x."
    assert translate("en", "") == ""
    assert translate_plural("en", "%(num)s CV", "%(num)s CVs", 2) == "2 CVs"
