"""From a candidate's row to the index document, pure.

Who may not be seen has no document at all: the index never holds the withdrawn (ADR 0003). What
time alone changes stands in the document as days; section G of the rules says which.
"""

from __future__ import annotations

from datetime import date

from marketplace.candidates.index_rows import DocumentRow
from marketplace.candidates.lifecycle import CandidateState
from marketplace.candidates.policy import (
    VisibilityFacts,
    VisibilityNumbers,
    flex_interval,
    start_last,
    start_month,
    start_on,
    visible_until_on,
    work_permits_until,
)
from marketplace.periods import day_number
from marketplace.search.document import CandidateDocument


def has_document(facts: VisibilityFacts, region: str | None, today: date, numbers: VisibilityNumbers) -> bool:
    """Whether this candidate must be in the index today: searchable, whole, and not past the last day.

    Every query filters by its own day as well, so that midnight needs no write (rules G).
    """
    return (
        facts.state is CandidateState.SEARCHABLE
        and facts.country is not None
        and facts.start is not None
        and region is not None
        and visible_until_on(facts, numbers) >= today
    )


def document_of(row: DocumentRow, today: date, numbers: VisibilityNumbers) -> CandidateDocument | None:
    """Return the document of a candidate, or None for one who must not be in the index."""
    facts = row.facts
    if not has_document(facts, row.region, today, numbers):
        return None
    if facts.country is None or facts.start is None or row.region is None:
        return None  # has_document says so already; this tells the type checker
    flex_from, flex_to = flex_interval(facts.start)
    return CandidateDocument(
        key=facts.key,
        candidate_id=facts.candidate_id,
        version=row.version,
        country=facts.country,
        region=row.region,
        job_fields=row.job_fields,
        start_month=start_month(facts.start),
        start_on=day_number(start_on(facts.start)),
        start_last=day_number(start_last(facts.start)),
        flex_from=day_number(flex_from),
        flex_to=day_number(flex_to),
        skills=row.skills,
        languages=row.languages,
        education_level=row.education_level,
        fresh_on=day_number(row.fresh_on),
        visible_until_on=day_number(visible_until_on(facts, numbers)),
        may_work_until={country: day_number(end) for country, end in work_permits_until(facts).items()},
        headline=row.headline,
        skills_text=row.skills_text,
        cv_text=row.cv_text,
    )
