"""JSON routes of admins about sanctions (interface.md); each is a use case of moderation."""

from uuid import UUID

from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, JSONBody
from sqlalchemy.orm import Session

from marketplace.admin.guards import requires_admin
from marketplace.moderation import queries, services
from marketplace.moderation.queries import MemberLine
from marketplace.moderation.schemas import (
    ImposedOut,
    LiftIn,
    SanctionIn,
    SanctionOut,
    SanctionsOut,
    sanction_out,
)
from marketplace.moderation.services import Measure
from marketplace.ports import Ports
from marketplace.web.api import get, post
from marketplace.web.identity import Member


@get(
    "/admin/recruiters/{recruiter_id:uuid}/sanctions",
    errors=(404,),
    guards=[requires_admin],
    summary="Sanctions of a recruiter",
)
def list_recruiter_sanctions(recruiter_id: FromPath[UUID], ports: NamedDependency[Ports]) -> SanctionsOut:
    """Return every sanction of a recruiter, newest first (E5)."""
    with ports.db.transaction() as session:
        return _history(session, ports, queries.recruiter_line(session, recruiter_id))


@post(
    "/admin/recruiters/{recruiter_id:uuid}/sanctions",
    status_code=201,
    errors=(404, 409),
    guards=[requires_admin],
    summary="Suspend a recruiter",
)
def sanction_recruiter(
    data: JSONBody[SanctionIn],
    recruiter_id: FromPath[UUID],
    ports: NamedDependency[Ports],
    member: NamedDependency[Member],
) -> ImposedOut:
    """Suspend until an instant or for good, with clause, facts and reason, which are mailed (E5)."""
    with ports.db.transaction() as session:
        made = services.suspend_recruiter(
            session, ports.clock.now(), ports.settings, member.account_id, recruiter_id, _measure(data)
        )
    return ImposedOut(id=made)


@get(
    "/admin/candidates/{candidate_id:uuid}/sanctions",
    errors=(404,),
    guards=[requires_admin],
    summary="Sanctions of a candidate",
)
def list_candidate_sanctions(candidate_id: FromPath[UUID], ports: NamedDependency[Ports]) -> SanctionsOut:
    """Return every sanction of a candidate, newest first (E5)."""
    with ports.db.transaction() as session:
        return _history(session, ports, queries.candidate_line(session, candidate_id))


@post(
    "/admin/candidates/{candidate_id:uuid}/sanctions",
    status_code=201,
    errors=(404, 409),
    guards=[requires_admin],
    summary="Suspend a candidate",
)
def sanction_candidate(
    data: JSONBody[SanctionIn],
    candidate_id: FromPath[UUID],
    ports: NamedDependency[Ports],
    member: NamedDependency[Member],
) -> ImposedOut:
    """Suspend until an instant or for good: from now on in no answer, and told why by mail (E5)."""
    with ports.db.transaction() as session:
        made = services.suspend_candidate(
            session, ports.clock.now(), ports.settings, member.account_id, candidate_id, _measure(data)
        )
    return ImposedOut(id=made)


@post(
    "/admin/sanctions/{sanction_id:uuid}/lift",
    status_code=200,
    errors=(404,),
    guards=[requires_admin],
    summary="Lift a sanction",
)
def lift_sanction(
    data: JSONBody[LiftIn],
    sanction_id: FromPath[UUID],
    ports: NamedDependency[Ports],
    member: NamedDependency[Member],
) -> SanctionOut:
    """End a sanction before its time, with the reason; lifting it again changes nothing (E5)."""
    now = ports.clock.now()
    with ports.db.transaction() as session:
        services.lift(session, now, ports.settings, member.account_id, sanction_id, data.reason)
        return sanction_out(queries.sanction(session, sanction_id), now)


def _measure(data: SanctionIn) -> Measure:
    return Measure(kind=data.kind, until=data.until, clause=data.clause, facts=data.facts, reason=data.reason)


def _history(session: Session, ports: Ports, member: MemberLine) -> SanctionsOut:
    now = ports.clock.now()
    found = queries.sanctions_of(session, member.account_id)
    return SanctionsOut(state=member.state, items=[sanction_out(view, now) for view in found])


ROUTES: list[HTTPRouteHandler] = [
    list_recruiter_sanctions,
    sanction_recruiter,
    list_candidate_sanctions,
    sanction_candidate,
    lift_sanction,
]
