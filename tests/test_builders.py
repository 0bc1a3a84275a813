"""The builders write rows the schema accepts."""

from __future__ import annotations

from typing import get_args

import pytest
from sqlalchemy.orm import Session

from marketplace.candidates.models import CandidateState
from tests import builders


@pytest.mark.parametrize("trait", get_args(builders.CandidateTrait))
def test_candidates(session: Session, trait: builders.CandidateTrait) -> None:
    candidate = builders.a_candidate(session, trait)
    assert (candidate.opted_in_at is not None) == (candidate.state is CandidateState.SEARCHABLE)


@pytest.mark.parametrize("trait", get_args(builders.RecruiterTrait))
def test_recruiters_with_an_opening(session: Session, trait: builders.RecruiterTrait) -> None:
    recruiter = builders.a_recruiter(session, trait)
    assert builders.an_opening(session, recruiter).job_country == recruiter.work_country


def test_exclusions_and_blocks(session: Session) -> None:
    candidate = builders.a_candidate(session)
    company = builders.a_company(session, domain="acme-industries.fr")
    builders.an_exclusion(session, candidate, company_id=company.id)
    builders.a_block(session, candidate, company_id=company.id)
