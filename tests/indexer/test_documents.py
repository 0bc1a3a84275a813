"""From row to document: who has one, and with which days (rules D2, G)."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from uuid import uuid4

import pytest

from indexer.documents import document_of
from marketplace.candidates.index_rows import DocumentRow
from marketplace.candidates.lifecycle import CandidateState
from marketplace.candidates.policy import Start, VisibilityFacts, WorkPermit, WorkRight
from marketplace.settings import Settings

TODAY = date(2026, 11, 23)
SETTINGS = Settings()
FACTS = VisibilityFacts(
    candidate_id=uuid4(),
    key=7,
    state=CandidateState.SEARCHABLE,
    country="FR",
    start=Start(date(2027, 9, 15), is_month=True, flex_weeks=2),
    permits={"FR": WorkPermit(WorkRight.YES), "GB": WorkPermit(WorkRight.NEEDS_SPONSORSHIP)},
    birth_date=date(2000, 5, 17),
    is_protected=False,
    opted_in_on=date(2026, 11, 1),
    guardian_consent_until=None,
    pause_due_on=None,
)
ROW = DocumentRow(
    facts=FACTS,
    version=3,
    region="FR-IDF",
    job_fields=("development",),
    skills=("python",),
    other_skills=("Emacs",),
    languages=("fr",),
    education_level=6,
    fresh_on=date(2026, 11, 20),
    headline="Développeuse Python",
    cv_text="Des projets web.",
)


def test_days_are_numbers_as_rules_g_says() -> None:
    """G: a month starts on its first and ends on its last day; flexible weeks widen both sides."""
    document = document_of(ROW, TODAY, SETTINGS)
    assert document is not None
    assert (document.start_on, document.start_last, document.start_month) == (20270901, 20270930, "2027-09")
    assert (document.flex_from, document.flex_to) == (20270818, 20271014)
    assert document.visible_until_on == 20271129
    assert document.may_work_until == {"FR": 21991231}
    assert document.fresh_on == 20261120


def test_skills_are_indexed_as_words_too() -> None:
    """C1: words outside the vocabulary stay text."""
    document = document_of(ROW, TODAY, SETTINGS)
    assert document is not None
    assert document.skills == ("python",)
    assert "Emacs" in document.skills_text


@pytest.mark.parametrize(
    "state", [state for state in CandidateState if state is not CandidateState.SEARCHABLE]
)
def test_only_the_searchable_have_a_document(state: CandidateState) -> None:
    """P-05: people who may not be seen are not in the index at all."""
    assert document_of(replace(ROW, facts=replace(FACTS, state=state)), TODAY, SETTINGS) is None


def test_nobody_past_the_last_visible_day_has_a_document() -> None:
    """G: visible_until_on is inclusive: the day itself, not the day after."""
    last = date(2027, 9, 30) + timedelta(days=60)
    assert document_of(ROW, last, SETTINGS) is not None
    assert document_of(ROW, last + timedelta(days=1), SETTINGS) is None


def test_an_incomplete_row_has_no_document() -> None:
    """C7: without country, start or region nobody is searchable."""
    for facts in (replace(FACTS, country=None), replace(FACTS, start=None)):
        assert document_of(replace(ROW, facts=facts), TODAY, SETTINGS) is None
    assert document_of(replace(ROW, region=None), TODAY, SETTINGS) is None
