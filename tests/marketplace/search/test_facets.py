"""The registry of facets (rules D1, G)."""

from __future__ import annotations

from marketplace.search.document import SCHEMA
from marketplace.search.facets import FACETS, result
from marketplace.search.query import Bucket


def test_the_facets_are_those_of_the_rules() -> None:
    """D1: region, job field, start month, skills, languages, education; each is indexed."""
    assert list(FACETS) == ["region", "job_field", "start_month", "skill", "language", "education_level"]
    assert {facet.field for facet in FACETS.values()} <= {field.name for field in SCHEMA}


def test_vocabularies_are_closed() -> None:
    """G: every choice is accepted, anything else is not."""
    for facet in FACETS.values():
        assert all(facet.accepts(value) for value in facet.choices())
        assert not facet.accepts("")
        assert not facet.accepts("nonsense")
        assert not facet.accepts("\x00")


def test_months() -> None:
    """G: a month is YYYY-MM of this century."""
    accepts = FACETS["start_month"].accepts
    assert all(map(accepts, ["2000-01", "2026-09", "2099-12"]))
    assert not any(
        map(
            accepts,
            ["2026-13", "2026-00", "1999-01", "2100-01", "2026-9", "2026-09-01", "２026-09", "20٣6-09"],
        )
    )


def test_every_choice_has_a_label_in_both_languages() -> None:
    """F4: labels are French and English."""
    for facet in FACETS.values():
        for value in facet.choices():
            assert facet.label(value, "fr")
            assert facet.label(value, "en")
    assert FACETS["region"].label("FR-BRE", "fr") == "Bretagne"
    assert FACETS["job_field"].label("legal", "en") == "Legal"
    assert FACETS["start_month"].label("2026-09", "fr") == "septembre 2026"
    assert FACETS["start_month"].label("2026-09", "en") == "September 2026"
    assert FACETS["language"].label("fr", "fr") == "français"
    assert FACETS["education_level"].label("6", "fr").startswith("Niveau 6")
    assert FACETS["education_level"].label("6", "en").startswith("Level 6")
    assert FACETS["skill"].label("c-plus-plus", "en") == "C++"


def test_buckets_in_order_of_count() -> None:
    """D1: the fullest first, ties by value; empty ones are left out unless selected."""
    assert result(FACETS["region"], {"b": 2, "c": 2, "a": 1, "z": 0}, ["d", "a"]).buckets == (
        Bucket("b", 2), Bucket("c", 2), Bucket("a", 1, selected=True), Bucket("d", 0, selected=True),
    )  # fmt: skip


def test_buckets_in_order_of_value() -> None:
    """D1: months and levels keep their own order."""
    found = result(FACETS["start_month"], {"2027-02": 5, "2026-12": 1}, ["2027-01"])
    assert [bucket.value for bucket in found.buckets] == ["2026-12", "2027-01", "2027-02"]
    assert found.name == "start_month"
