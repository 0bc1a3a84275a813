"""A verified recruiter in France, and how to search, complete and look around as them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from indexer.rebuild import rebuild
from marketplace.contacts import disclosures
from marketplace.contacts.gate import gate
from marketplace.ports import Ports
from marketplace.search.portal import searcher_of
from marketplace.search.services import SearchResults, find_candidates
from marketplace.search.similar import SimilarCandidates, find_similar
from marketplace.search.suggestions import Suggestion, suggest
from tests.builders import a_candidate, a_company, a_recruiter


@dataclass(frozen=True)
class Market:
    """One recruiter's side of a marketplace with a real database and a real index."""

    ports: Ports
    account_id: UUID
    recruiter_id: UUID
    company_id: UUID

    @classmethod
    def of(cls, ports: Ports) -> Market:
        with ports.db.transaction() as session:
            company = a_company(session, domain="acme-industries.fr", registration_number="732829320")
            recruiter = a_recruiter(session, company=company)
            return cls(ports, recruiter.account_id, recruiter.id, company.id)

    def candidate(self, trait: Any = "searchable", **columns: Any) -> UUID:
        with self.ports.db.transaction() as session:
            return a_candidate(session, trait, **columns).id

    def index(self) -> None:
        for country in ("FR", "GB", "US"):
            rebuild(self.ports, country)

    def search(self, **query: str | list[str]) -> SearchResults:
        return self.asks(
            [
                (name, value)
                for name, values in query.items()
                for value in (values if isinstance(values, list) else [values])
            ]
        )

    def asks(self, pairs: list[tuple[str, str]]) -> SearchResults:
        return find_candidates(searcher_of(self.ports), self.ports.clock.now(), self.account_id, pairs)

    def ids(self, **query: str | list[str]) -> list[UUID]:
        return [hit.card.candidate_id for hit in self.search(**query).hits]

    def suggests(self, text: str, language: str = "fr", **more: Any) -> tuple[Suggestion, ...]:
        now = self.ports.clock.now()
        return suggest(searcher_of(self.ports), now, self.account_id, language, text, **more)

    def opens(self, candidate_id: UUID) -> None:
        now = self.ports.clock.now()
        with gate(self.ports.db, now) as session:
            disclosures.open_profile(session, now, self.ports.settings, self.account_id, candidate_id)

    def similar(self, candidate_id: UUID, job_country: str | None = None) -> SimilarCandidates:
        now = self.ports.clock.now()
        return find_similar(searcher_of(self.ports), now, self.account_id, candidate_id, job_country)
