"""The search routes of the JSON API: search, suggestions, similar candidates (interface.md)."""

from typing import Annotated, Any
from uuid import UUID

from litestar import Request
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, QueryParameter

from marketplace.contacts.guards import refuses_speculation
from marketplace.ports import Ports
from marketplace.rate_limits.quotas import Quota
from marketplace.search import similar, suggestions
from marketplace.search.portal import searcher_of
from marketplace.search.schemas import (
    SearchOut,
    SimilarListOut,
    SuggestionsOut,
    search_out,
    similar_out,
    suggestions_out,
)
from marketplace.search.services import find_candidates
from marketplace.web.api import get
from marketplace.web.guards import requires_recruiter
from marketplace.web.identity import Member

# ruff: noqa: ARG001  `url.read` checks the whole query string; the parameters stand here to be described


def _about(description: str, name: str | None = None) -> QueryParameter:
    return QueryParameter(required=False, description=description, name=name)


@get(
    "/candidates/search",
    guards=[requires_recruiter],
    errors=(422,),
    summary="Search candidates",
    opt={"quota": Quota.SEARCH},
)
def search_candidates(
    request: Request[Any, Any, Any],
    ports: NamedDependency[Ports],
    member: NamedDependency[Member],
    language: NamedDependency[str],
    q: Annotated[str | None, _about('Words; `"a phrase"`, `-without`, `this OR that`. Up to 256.')] = None,
    job_country: Annotated[
        str | None, _about("Where the opening is: FR, GB or US; your work country if left out.")
    ] = None,
    region: Annotated[list[str] | None, _about("Regions of residence; repeat for any of several.")] = None,
    job_field: Annotated[list[str] | None, _about("Fields of the job search; may repeat.")] = None,
    start_month: Annotated[list[str] | None, _about("Months of the start, YYYY-MM; may repeat.")] = None,
    start_from: Annotated[str | None, _about("Can start on this day (YYYY-MM-DD) or later.")] = None,
    start_to: Annotated[str | None, _about("Can start on this day (YYYY-MM-DD) or before.")] = None,
    skill: Annotated[list[str] | None, _about("Skills of the vocabulary; may repeat.")] = None,
    education_level: Annotated[
        list[str] | None, _about("Levels 3 to 8 of the European framework; may repeat.")
    ] = None,
    flex: Annotated[str | None, _about("1: count the weeks by which the start is flexible.")] = None,
    sort: Annotated[str | None, _about("relevance, start or fresh.")] = None,
    cursor: Annotated[str | None, _about("`next_cursor` of the page before.")] = None,
    size: Annotated[str | None, _about("Hits on a page, 1 to 50; 20 if left out.")] = None,
    language_: Annotated[
        list[str] | None, _about("Languages spoken, ISO 639-1; may repeat.", name="language")
    ] = None,
) -> SearchOut:
    """Find candidates who may be contacted, with exact facet counts.

    The answer says how the words were read, why each person was found, and, where nobody was, which
    filter or word to give up and how many people that brings.
    """
    pairs = [(name, str(value)) for name, value in request.query_params.multi_items()]
    results = find_candidates(searcher_of(ports), ports.clock.now(), member.account_id, pairs)
    return search_out(results, language)


@get(
    "/candidates/suggest",
    guards=[requires_recruiter],
    opt={"quota": Quota.SUGGEST},
    errors=(422,),
    summary="Complete a search text",
)
def suggest(
    ports: NamedDependency[Ports],
    member: NamedDependency[Member],
    language: NamedDependency[str],
    q: Annotated[str, _about("What is being typed; its last words are completed. Up to 256.")] = "",
    job_country: Annotated[
        str | None, _about("Where the opening is: FR, GB or US; your work country if left out.")
    ] = None,
) -> SuggestionsOut:
    """Complete the end of a text by job fields, skills, regions and languages somebody you may find has."""
    searcher, now = searcher_of(ports), ports.clock.now()
    return suggestions_out(suggestions.suggest(searcher, now, member.account_id, language, q, job_country))


@get(
    "/candidates/{candidate_id:uuid}/similar",
    guards=[requires_recruiter, refuses_speculation],
    opt={"quota": Quota.SEARCH},
    errors=(404, 422),
    summary="Find similar candidates",
)
def similar_candidates(
    ports: NamedDependency[Ports],
    member: NamedDependency[Member],
    language: NamedDependency[str],
    candidate_id: FromPath[UUID],
    job_country: Annotated[
        str | None, _about("Where the opening is: FR, GB or US; your work country if left out.")
    ] = None,
) -> SimilarListOut:
    """Find others who share a job field and skills with somebody whose profile you opened before."""
    found = similar.find_similar(
        searcher_of(ports), ports.clock.now(), member.account_id, candidate_id, job_country
    )
    return similar_out(found, language)


ROUTES: list[HTTPRouteHandler] = [search_candidates, suggest, similar_candidates]
