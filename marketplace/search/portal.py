"""The search page, similar candidates, and the page that says how results are ordered (rules D1, E7)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from litestar import Request, Response
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery

from marketplace.candidates.recruiter_view import CandidateCard
from marketplace.catalogues import N_, translate, translate_plural
from marketplace.contacts.guards import refuses_speculation
from marketplace.errors import InvalidInputError
from marketplace.ports import Ports
from marketplace.rate_limits.quotas import Quota
from marketplace.reference import job_fields, regions, skills
from marketplace.search import relaxations, sentences, similar, url
from marketplace.search.facets import FACETS
from marketplace.search.query import Sort
from marketplace.search.relaxations import Relaxation
from marketplace.search.services import (
    Count,
    CountedFacet,
    Searcher,
    SearchResults,
    find_candidates,
)
from marketplace.search.suggestions import Kind
from marketplace.search.url import Chip
from marketplace.signing import signing_key
from marketplace.web.guards import requires_recruiter
from marketplace.web.identity import Member
from marketplace.web.language import format_date, format_month
from marketplace.web.pages import render
from marketplace.web.portal import errors_by_field, page_get

SEARCH_PAGE = "/recruiter/search"
FIRST_BUCKETS = 8
"""Values of a facet shown before "more"."""

SHOWN_ORDER = ("job_field", "region", "start_month", "skill", "language", "education_level")
"""Facets from the one that narrows most recruiters' searches to the one that does least."""

SORTS = {
    Sort.RELEVANCE: N_("Relevance"),
    Sort.FRESH: N_("Newest profile"),
    Sort.START: N_("Earliest start"),
}
STOPS = {
    "terms_outdated": N_("You can look, but contact waits until you accept the current terms."),
    "data_unconfirmed": N_("You can look, but contact waits until you confirm your professional data."),
    "budget_spent": N_("You can look, but you have opened as many profiles as the rules allow for now."),
    "recruiter_not_active": N_("You can look, but your account is not active."),
    "company_not_verified": N_("You can look, but your company is not verified."),
}


@dataclass(frozen=True)
class BucketView:
    """A facet value as the page shows it."""

    value: str
    label: str
    shown: str
    selected: bool


@dataclass(frozen=True)
class FacetView:
    """A facet as the page shows it: the first values, and the rest behind "more"."""

    name: str
    title: str
    first: Sequence[BucketView]
    rest: Sequence[BucketView]

    @property
    def buckets(self) -> Sequence[BucketView]:
        return [*self.first, *self.rest]


def searcher_of(ports: Ports) -> Searcher:
    """Return what a search needs of the process."""
    secret = signing_key(ports.settings, "search-cursor").hex()
    return Searcher(ports.db, ports.index, ports.settings, secret)


@page_get(SEARCH_PAGE, guards=[requires_recruiter], opt={"quota": Quota.SEARCH})
def search_page(
    request: Request[Any, Any, Any],
    ports: NamedDependency[Ports],
    member: NamedDependency[Member],
    language: NamedDependency[str],
) -> Response[Any]:
    """Show the facets and one page of candidates."""
    pairs = [(name, str(value)) for name, value in request.query_params.multi_items()]
    searcher, now = searcher_of(ports), ports.clock.now()
    errors: dict[str, str] = {}
    try:
        results = find_candidates(searcher, now, member.account_id, pairs)
    except InvalidInputError as wrong:
        errors = errors_by_field(wrong, language)
        kept = [(name, value) for name, value in pairs if name not in errors]
        try:
            results = find_candidates(searcher, now, member.account_id, kept)
        except InvalidInputError:
            results = find_candidates(searcher, now, member.account_id, [])
    response = render(
        request,
        "search/search.html",
        status=422 if errors else 200,
        view=_view(results, dict(pairs), language),
        errors=errors,
    )
    if request.headers.get("hx-request") == "true":
        response.headers["hx-push-url"] = _address(results.parameters.query_string())
    return response


@page_get("/how-results-are-ordered", opt={"public": True})
def ordering_page(request: Request[Any, Any, Any]) -> Response[Any]:
    """Say how results are ordered, and that nobody is scored (rules E7)."""
    return render(request, "search/ordering.html")


def _address(query_string: str) -> str:
    return f"{SEARCH_PAGE}?{query_string}" if query_string else SEARCH_PAGE


def _view(results: SearchResults, typed: dict[str, str], language: str) -> dict[str, Any]:
    asked = results.parameters
    total = _shown(results.total)
    count_label = translate_plural(
        language, "%(num)s candidate", "%(num)s candidates", results.total.value, num=total
    )
    if results.total.below:
        count_label = translate(language, N_("Fewer than %(number)s candidates"), number=results.total.below)
    is_later = asked.cursor is not None
    return {
        "form": {
            "q": asked.q or typed.get("q", "")[:256],
            "job_country": asked.job_country,
            "start_from": asked.start_from.isoformat() if asked.start_from else "",
            "start_to": asked.start_to.isoformat() if asked.start_to else "",
            "flex": asked.flex,
            "sort": asked.sort.value,
        },
        "only_counts": results.only_counts,
        "may_contact": not results.stopped_by,
        "notice": translate(language, STOPS[results.stopped_by[0]]) if results.stopped_by else "",
        "count_label": count_label,
        "announcement": count_label,
        "sorts": [
            (sort.value, translate(language, label))
            for sort, label in SORTS.items()
            if sort is not Sort.RELEVANCE or asked.words.clauses
        ],
        "facets": [
            _facet_view(facet, language)
            for facet in sorted(results.facets, key=lambda facet: SHOWN_ORDER.index(facet.name))
        ],
        "chips": _chips(asked.chips(), asked, language),
        "filter_count": len(asked.chips()),
        "clear_href": SEARCH_PAGE,
        "reading": sentences.reading(results, language),
        "kinds": {kind.value: translate(language, FACETS[kind.value].title) for kind in Kind},
        "relaxations": [_relaxation_view(found, asked, language) for found in results.relaxations],
        "flex": _flex_view(results, language),
        "hits": [
            _hit_view(hit.card, language, asked.job_country, asked.q, asked.query_string())
            | {"highlights": hit.highlights, "why": sentences.why(hit.why, language)}
            for hit in results.hits
        ],
        "next_href": _address(asked.next_page(results.next_cursor)) if results.next_cursor else None,
        "first_href": _address(asked.query_string()) if is_later else None,
    }


def _shown(count: Count) -> str:
    return f"< {count.below}" if count.below else str(count.value)


def _facet_view(facet: CountedFacet, language: str) -> FacetView:
    stated = FACETS[facet.name]
    buckets = [
        BucketView(b.value, stated.label(b.value, language), _shown(b.count), b.selected)
        for b in facet.buckets
    ]
    first = [b for place, b in enumerate(buckets) if place < FIRST_BUCKETS or b.selected]
    rest = [b for place, b in enumerate(buckets) if place >= FIRST_BUCKETS and not b.selected]
    return FacetView(facet.name, translate(language, stated.title), first, rest)


def _chips(chips: Sequence[Chip], asked: url.SearchParameters, language: str) -> list[tuple[str, str]]:
    shown = [(_chip_label(chip, language), _address(chip.without)) for chip in chips]
    if asked.q:
        shown.insert(0, (asked.q, _address(asked.with_text("").query_string())))
    return shown


def _chip_label(chip: Chip, language: str) -> str:
    if chip.name in FACETS:
        return FACETS[chip.name].label(chip.value, language)
    if chip.name == "flex":
        return translate(language, N_("start can move"))
    day = format_date(date.fromisoformat(chip.value), language)
    key = N_("from %(day)s") if chip.name == "start_from" else N_("until %(day)s")
    return translate(language, key, day=day)


def _relaxation_view(found: Relaxation, asked: url.SearchParameters, language: str) -> tuple[str, str, str]:
    """Return what is given up, how many that brings, and the search to go to."""
    people = translate_plural(
        language, "%(num)s candidate", "%(num)s candidates", found.total, num=found.total
    )
    what = sentences.giving_up(found.proposal, asked, language)
    return what, people, _address(found.proposal.parameters.query_string())


def _flex_view(results: SearchResults, language: str) -> tuple[str, str] | None:
    """Return what a moving start brings beside the hits, and the search to go to."""
    if not results.flex_brings or not results.total.value:
        return None
    said = translate_plural(
        language,
        "%(num)s more if the start can move",
        "%(num)s more if the start can move",
        results.flex_brings,
        num=results.flex_brings,
    )
    return said, _address(relaxations.flexible(results.parameters).query_string())


def _hit_view(card: CandidateCard, language: str, job_country: str, q: str, back: str) -> dict[str, Any]:
    known_skills, known_fields, known_regions = skills(), job_fields(), regions()
    if card.start.is_month:
        start = translate(language, N_("starts in %(month)s"), month=format_month(card.start_on, language))
    else:
        start = translate(language, N_("starts on %(day)s"), day=format_date(card.start_on, language))
    context = handed_on(job_country, q, back)
    fields = [known_fields[code].label(language) for code in card.job_fields if code in known_fields]
    return {
        "href": f"/recruiter/candidates/{card.candidate_id}{context}",
        "text_href": f"/recruiter/candidates/{card.candidate_id}/cv{context}",
        "mark": (fields[0] if fields else "·")[:1].upper(),
        "headline": card.headline,
        "region": known_regions[card.region].label(language) if card.region in known_regions else card.region,
        "job_fields": fields,
        "start": start,
        "skills": [
            *(known_skills[slug].label(language) for slug in card.skills if slug in known_skills),
            *card.other_skills,
        ],
        "highlights": (),
        "why": (),
        "shared": (),
    }


def handed_on(job_country: str, q: str, back: str) -> str:
    """Return the query of a link to a candidate: what its pages hand on to each other."""
    kept = {"job_country": job_country, "q": q, "back": back}
    return f"?{urlencode({name: value for name, value in kept.items() if value})}"


@page_get(
    "/recruiter/candidates/{candidate_id:uuid}/similar",
    guards=[requires_recruiter, refuses_speculation],
    opt={"quota": Quota.SEARCH},
)
def similar_page(
    request: Request[Any, Any, Any],
    ports: NamedDependency[Ports],
    member: NamedDependency[Member],
    language: NamedDependency[str],
    candidate_id: FromPath[UUID],
    job_country: FromQuery[str | None] = None,
    q: FromQuery[str] = "",
    back: FromQuery[str] = "",
) -> Response[Any]:
    """Others like somebody whose profile was opened, and what they share (D2, D7, E7)."""
    found = similar.find_similar(
        searcher_of(ports), ports.clock.now(), member.account_id, candidate_id, job_country
    )
    return render(
        request,
        "search/similar.html",
        of=found.of,
        profile_href=f"/recruiter/candidates/{candidate_id}{handed_on(found.job_country, q, back)}",
        may_contact=not found.stopped_by,
        hits=[
            _hit_view(one.card, language, found.job_country, q, back) | {"shared": _shared(one, language)}
            for one in found.found
        ],
    )


def _shared(one: similar.SimilarCandidate, language: str) -> list[str]:
    """Return the labels of what is shared: the skills, then the job fields."""
    return [
        *(skills()[slug].label(language) for slug in one.skills),
        *(job_fields()[code].label(language) for code in one.job_fields),
    ]


ROUTES: list[HTTPRouteHandler] = [search_page, ordering_page, similar_page]
