"""The controlled vocabularies are whole (rules C1)."""

from collections import Counter
from pathlib import Path

import pytest

from marketplace import reference

SHARED = Path(__file__).parents[3] / "shared" / "data"


def test_overseas_codes_fold_into_france_and_the_islands_do_not_fold_into_the_uk() -> None:
    """rules.md, words: overseas country codes fold first; Jersey and the others are not the UK."""
    assert {
        reference.fold_country(c)
        for c in ("GP", "MQ", "GF", "RE", "YT", "PM", "BL", "MF", "WF", "PF", "NC", "TF")
    } == {"FR"}
    assert [reference.fold_country(c) for c in ("JE", "GG", "IM", "GI", "MC", "PR", "fr")] == [
        "JE", "GG", "IM", "GI", "MC", "PR", "FR",
    ]  # fmt: skip


def test_every_country_of_the_territory_has_its_regions() -> None:
    """France 25 with overseas, the United Kingdom 12, the United States 50 states and DC."""
    assert Counter(r.country for r in reference.regions().values()) == {"FR": 25, "GB": 12, "US": 51}


def test_skills_are_the_rows_of_kind_skill_or_tool() -> None:
    """C1: titles are words to search by, no facet; slugs are distinct."""
    assert len(reference.skills()) == sum(term.kind in {"skill", "tool"} for term in reference.terms())
    assert {"c-sharp", "c-plus-plus", "ci-cd", "node-js", "python"} <= set(reference.skills())


def test_every_term_belongs_to_a_job_field() -> None:
    """The tables fit together."""
    assert {term.job_field for term in reference.terms()} <= set(reference.job_fields())
    assert {term.kind for term in reference.terms()} == {"title", "skill", "tool"}


def test_labels_in_both_languages() -> None:
    """A facet value reads differently in French and English."""
    assert reference.regions()["FR-BRE"].label("fr") == "Bretagne"
    assert reference.regions()["FR-BRE"].label("en") == "Brittany"
    assert reference.languages()["fr"] == {"en": "French", "fr": "français"}


@pytest.mark.skipif(not SHARED.exists(), reason="the shared reference tables are not beside the project")
@pytest.mark.parametrize("name", ["regions.csv", "fields.csv", "skills_synonyms.csv"])
def test_the_copies_equal_their_source(name: str) -> None:
    """The package's tables are copies, not forks."""
    ours = Path(reference.__file__).parent / "data" / name
    assert ours.read_bytes() == (SHARED / name).read_bytes()
