"""JSON routes of admins (interface.md); each is a use case of the feature it is about."""

from typing import Annotated
from uuid import UUID

from litestar import Response
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, JSONBody, QueryParameter

from marketplace.accounts.admins import grant_bearer
from marketplace.admin.guards import requires_admin
from marketplace.admin.schemas import (
    CompanyDecisionIn,
    CompanyEvidenceOut,
    DecidedOut,
    DomainRuleIn,
    DomainRuleOut,
    DomainRulesOut,
    GrantIn,
    GrantOut,
    QueuedCompaniesOut,
    RecruiterReviewIn,
    ReviewedRecruitersOut,
    company_out,
    domain_rule_out,
    evidence_out,
    reviewed_out,
)
from marketplace.catalogues import N_
from marketplace.errors import InvalidInputError
from marketplace.ports import Ports
from marketplace.recruiters import domain_queries, queries, review_queries, reviews
from marketplace.recruiters.lifecycle import CompanyState, RecruiterState
from marketplace.recruiters.models import MANDATE
from marketplace.web.api import delete, get, post
from marketplace.web.headers import file_headers
from marketplace.web.identity import Member

PAGE_SIZE_MAX = 50
# ``state`` is a name Litestar keeps for itself in handlers: the parameter has another one there.
Size = Annotated[int, QueryParameter(ge=1, le=PAGE_SIZE_MAX)]
Cursor = Annotated[str | None, QueryParameter(required=False)]


@get("/admin/companies", errors=(422,), guards=[requires_admin], summary="Review queue of companies")
def list_companies(
    ports: NamedDependency[Ports],
    wanted: Annotated[CompanyState | None, QueryParameter(name="state")] = None,
    cursor: Cursor = None,
    size: Size = PAGE_SIZE_MAX,
) -> QueuedCompaniesOut:
    """Return the review queue: those that wait first, the longest waiting on top (B3)."""
    with ports.db.transaction() as session:
        page = review_queries.companies_page(session, wanted, size=size, cursor=cursor)
    return QueuedCompaniesOut(
        items=[company_out(line) for line in page.companies], next_cursor=page.next_cursor
    )


@get(
    "/admin/companies/{company_id:uuid}",
    errors=(404,),
    guards=[requires_admin],
    summary="Evidence about a company",
)
def read_company(ports: NamedDependency[Ports], company_id: FromPath[UUID]) -> CompanyEvidenceOut:
    """Return a company with its evidence, history and look-alikes (B3)."""
    with ports.db.transaction() as session:
        return evidence_out(review_queries.company_evidence(session, company_id))


@post(
    "/admin/companies/{company_id:uuid}/decisions",
    status_code=201,
    errors=(404, 409),
    guards=[requires_admin],
    summary="Verify or refuse a company",
)
def decide_company(
    data: JSONBody[CompanyDecisionIn],
    ports: NamedDependency[Ports],
    member: NamedDependency[Member],
    company_id: FromPath[UUID],
) -> DecidedOut:
    """Verify or refuse a company that waits, with the reason (B3)."""
    with ports.db.transaction() as session:
        state = reviews.decide_company(
            session, ports.clock.now(), member.account_id, company_id, data.decision, data.reason
        )
    return DecidedOut(id=company_id, state=state.value)


@get("/admin/recruiters", errors=(422,), guards=[requires_admin], summary="Recruiters, newest first")
def list_recruiters(
    ports: NamedDependency[Ports],
    wanted: Annotated[RecruiterState | None, QueryParameter(name="state")] = None,
    cursor: Cursor = None,
    size: Size = PAGE_SIZE_MAX,
) -> ReviewedRecruitersOut:
    """Return recruiters, newest first."""
    states = () if wanted is None else (wanted,)
    with ports.db.transaction() as session:
        found, more = review_queries.recruiters_page(session, states=states, size=size, cursor=cursor)
    return ReviewedRecruitersOut(items=[reviewed_out(facts) for facts in found], next_cursor=more)


@post(
    "/admin/recruiters/{recruiter_id:uuid}/reviews",
    status_code=201,
    errors=(404, 409),
    guards=[requires_admin],
    summary="Decide what waits for review",
)
def review_recruiter(
    data: JSONBody[RecruiterReviewIn],
    ports: NamedDependency[Ports],
    member: NamedDependency[Member],
    recruiter_id: FromPath[UUID],
) -> DecidedOut:
    """Approve or refuse what is to be reviewed of one recruiter, with the reason (B1, B2)."""
    with ports.db.transaction() as session:
        state = reviews.review_recruiter(
            session, ports.clock.now(), member.account_id, recruiter_id, data.decision, data.reason
        )
    return DecidedOut(id=recruiter_id, state=state.value)


@get(
    "/admin/recruiters/{recruiter_id:uuid}/mandate",
    errors=(404,),
    guards=[requires_admin],
    media_type="application/pdf",
    summary="Mandate of a recruiter",
)
def read_mandate(ports: NamedDependency[Ports], recruiter_id: FromPath[UUID]) -> Response[bytes]:
    """Return the mandate of a recruiter who works on behalf of a company (B1)."""
    with ports.db.reading() as session:
        key = queries.mandate_key(session, recruiter_id)
    return Response(
        ports.files.get(key), media_type="application/pdf", headers=file_headers(f"{MANDATE}.pdf")
    )


@get("/admin/domains", guards=[requires_admin], summary="Allowed and denied domains")
def list_domains(ports: NamedDependency[Ports]) -> DomainRulesOut:
    """Return the domains and addresses that admins allow or deny (B2)."""
    with ports.db.reading() as session:
        return DomainRulesOut(items=[domain_rule_out(rule) for rule in domain_queries.domain_rules(session)])


@post("/admin/domains", status_code=201, guards=[requires_admin], summary="Allow or deny a domain")
def set_domain(
    data: JSONBody[DomainRuleIn], ports: NamedDependency[Ports], member: NamedDependency[Member]
) -> DomainRuleOut:
    """Allow or deny a domain or one address; an earlier rule on it is replaced (B2)."""
    with ports.db.transaction() as session:
        rule_id = reviews.set_domain_rule(
            session, ports.clock.now(), member.account_id, data.pattern, data.verdict, data.reason
        )
        rules = domain_queries.domain_rules(session)
    return domain_rule_out(next(rule for rule in rules if rule.id == rule_id))


@delete(
    "/admin/domains/{rule_id:uuid}", errors=(404,), guards=[requires_admin], summary="Take a domain rule back"
)
def remove_domain(
    ports: NamedDependency[Ports], member: NamedDependency[Member], rule_id: FromPath[UUID]
) -> None:
    """Take a rule back (B2)."""
    with ports.db.transaction() as session:
        reviews.remove_domain_rule(session, ports.clock.now(), member.account_id, rule_id)


@post(
    "/admin/members/{account_id:uuid}/grants",
    status_code=201,
    errors=(404,),
    guards=[requires_admin],
    summary="Grant a right to a member",
    operation_id="grantRight",
)
def grant(
    data: JSONBody[GrantIn],
    ports: NamedDependency[Ports],
    member: NamedDependency[Member],
    account_id: FromPath[UUID],
) -> GrantOut:
    """Let a member sign in as a program (`bearer`)."""
    if data.grant != "bearer":
        raise InvalidInputError.of("grant", "unknown_grant", N_("The only grant there is, is bearer."))
    with ports.db.transaction() as session:
        grant_bearer(session, ports.clock.now(), member.account_id, account_id)
    return GrantOut(grant=data.grant)


ROUTES: list[HTTPRouteHandler] = [
    list_companies,
    read_company,
    decide_company,
    list_recruiters,
    review_recruiter,
    read_mandate,
    list_domains,
    set_domain,
    remove_domain,
    grant,
]
