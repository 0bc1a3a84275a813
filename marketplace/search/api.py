"""The search route of the JSON API (interface.md)."""

from typing import Annotated, Any

from litestar import Request
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import QueryParameter

from marketplace.ports import Ports
from marketplace.search.portal import searcher_of
from marketplace.search.schemas import SearchOut, search_out
from marketplace.search.services import find_candidates
from marketplace.web.api import get
from marketplace.web.guards import requires_recruiter
from marketplace.web.identity import Member

Text = Annotated[str | None, QueryParameter(required=False)]
Values = Annotated[list[str] | None, QueryParameter(required=False)]


@get("/candidates/search", guards=[requires_recruiter], errors=(422,), summary="Search candidates")
def search_candidates(
    request: Request[Any, Any, Any],
    ports: NamedDependency[Ports],
    member: NamedDependency[Member],
    language: NamedDependency[str],
    q: Text = None,  # noqa: ARG001  (as the others: `url.read` reads the whole query string)
    job_country: Text = None,  # noqa: ARG001
    region: Values = None,  # noqa: ARG001
    job_field: Values = None,  # noqa: ARG001
    start_month: Values = None,  # noqa: ARG001
    start_from: Text = None,  # noqa: ARG001
    start_to: Text = None,  # noqa: ARG001
    skill: Values = None,  # noqa: ARG001
    education_level: Values = None,  # noqa: ARG001
    flex: Text = None,  # noqa: ARG001
    sort: Text = None,  # noqa: ARG001
    cursor: Text = None,  # noqa: ARG001
    size: Text = None,  # noqa: ARG001
    language_: Annotated[list[str] | None, QueryParameter(name="language", required=False)] = None,  # noqa: ARG001
) -> SearchOut:
    """Find candidates who may be contacted, with exact facet counts."""
    pairs = [(name, str(value)) for name, value in request.query_params.multi_items()]
    results = find_candidates(searcher_of(ports), ports.clock.now(), member.account_id, pairs)
    return search_out(results, language)


ROUTES: list[HTTPRouteHandler] = [search_candidates]
