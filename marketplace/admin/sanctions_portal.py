"""Pages of admins about members: finding one, suspending for a time or for good, history, lifting (E5).

Of a candidate these pages show name, address and state: reading a profile or CV is no part of this.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

from litestar import Request, Response
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, QueryParameter
from sqlalchemy.orm import Session

from marketplace.admin.guards import requires_admin
from marketplace.catalogues import N_
from marketplace.errors import FieldError, InvalidInputError
from marketplace.moderation import queries, services
from marketplace.moderation.policy import SanctionKind
from marketplace.moderation.queries import MemberLine
from marketplace.moderation.services import Measure
from marketplace.ports import Ports
from marketplace.web.identity import Member
from marketplace.web.pages import render, see_other
from marketplace.web.portal import FormData, form_again, form_post, page_get

AnyRequest = Request[Any, Any, Any]
Page = Response[Any]
Impose = Callable[..., UUID]

FOUND_AT_MOST = 25
FOR_A_TIME, FOR_GOOD = "until", "for_good"


@page_get("/admin/members", guards=[requires_admin])
def members_page(
    request: AnyRequest,
    ports: NamedDependency[Ports],
    typed: Annotated[str, QueryParameter(name="q", max_length=256)] = "",
) -> Page:
    """Find a recruiter or a candidate by name or e-mail address."""
    words = typed.strip()
    with ports.db.reading() as session:
        found = queries.find_members(session, words, FOUND_AT_MOST + 1)
    return render(
        request, "admin/members.html",
        typed=words, found=found[:FOUND_AT_MOST], has_more=len(found) > FOUND_AT_MOST,
    )  # fmt: skip


@page_get("/admin/recruiters/{recruiter_id:uuid}/sanctions", guards=[requires_admin])
def recruiter_page(request: AnyRequest, ports: NamedDependency[Ports], recruiter_id: FromPath[UUID]) -> Page:
    """A recruiter with what can be done and what was done."""
    with ports.db.transaction() as session:
        return _member_page(request, session, ports, queries.recruiter_line(session, recruiter_id))


@page_get("/admin/candidates/{candidate_id:uuid}/sanctions", guards=[requires_admin])
def candidate_page(request: AnyRequest, ports: NamedDependency[Ports], candidate_id: FromPath[UUID]) -> Page:
    """A candidate with what can be done and what was done."""
    with ports.db.transaction() as session:
        return _member_page(request, session, ports, queries.candidate_line(session, candidate_id))


@form_post("/admin/recruiters/{recruiter_id:uuid}/sanctions", guards=[requires_admin])
def suspend_recruiter(
    request: AnyRequest,
    form: NamedDependency[FormData],
    ports: NamedDependency[Ports],
    member: NamedDependency[Member],
    recruiter_id: FromPath[UUID],
) -> Page:
    """Suspend a recruiter from now on (E5)."""
    with ports.db.transaction() as session:
        line = queries.recruiter_line(session, recruiter_id)
    return _suspend(request, form, ports, member, line, services.suspend_recruiter)


@form_post("/admin/candidates/{candidate_id:uuid}/sanctions", guards=[requires_admin])
def suspend_candidate(
    request: AnyRequest,
    form: NamedDependency[FormData],
    ports: NamedDependency[Ports],
    member: NamedDependency[Member],
    candidate_id: FromPath[UUID],
) -> Page:
    """Suspend a candidate, who is in no search from now on (E5)."""
    with ports.db.transaction() as session:
        line = queries.candidate_line(session, candidate_id)
    return _suspend(request, form, ports, member, line, services.suspend_candidate)


@form_post("/admin/sanctions/{sanction_id:uuid}/lift", guards=[requires_admin])
def lift(
    request: AnyRequest,
    form: NamedDependency[FormData],
    ports: NamedDependency[Ports],
    member: NamedDependency[Member],
    sanction_id: FromPath[UUID],
) -> Page:
    """Lift a sanction, with the reason; again is harmless (E5)."""
    with ports.db.transaction() as session:
        line = queries.member_line(session, queries.sanction(session, sanction_id).account_id)
    try:
        with ports.db.transaction() as session:
            services.lift(
                session, ports.clock.now(), ports.settings, member.account_id, sanction_id,
                form.text("reason"),
            )  # fmt: skip
    except InvalidInputError as refused:
        # The page has a reason of each open sanction, and that of a new one: this one is named by its id.
        again = form_again(request, refused)
        again["errors"] = {f"reason-{sanction_id}": text for text in again["errors"].values()}
        with ports.db.transaction() as session:
            return _member_page(request, session, ports, line, **again)
    return see_other(line.path, N_("The sanction is lifted."))


def _suspend(
    request: AnyRequest,
    form: FormData,
    ports: Ports,
    member: Member,
    line: MemberLine,
    impose: Impose,
) -> Page:
    now = ports.clock.now()
    try:
        with ports.db.transaction() as session:
            impose(session, now, ports.settings, member.account_id, line.member_id, _measure(form))
    except InvalidInputError as refused:
        with ports.db.transaction() as session:
            return _member_page(request, session, ports, line, form=form, **form_again(request, refused))
    return see_other(line.path, N_("%(name)s is suspended, and has been told why."), name=line.full_name)


def _measure(form: FormData) -> Measure:
    """Read the form; raises :class:`InvalidInputError` when it does not say how long."""
    length = form.text("length")
    until = None
    if length == FOR_A_TIME:
        until = _instant(form.text("until"))
    elif length != FOR_GOOD:
        raise InvalidInputError([FieldError("length", "required", N_("Choose for how long."))])
    return Measure(
        kind=SanctionKind.SUSPEND.value,
        until=until,
        clause=form.text("clause"),
        facts=form.text("facts"),
        reason=form.text("reason"),
    )


def _instant(typed: str) -> datetime:
    """Return the instant of a ``datetime-local`` field, which is labelled as UTC."""
    try:
        return datetime.fromisoformat(typed).replace(tzinfo=UTC)
    except ValueError as error:
        message = N_("Enter day and time, like 2027-03-31T09:00.")
        raise InvalidInputError.of("until", "invalid_instant", message) from error


def _member_page(
    request: AnyRequest, session: Session, ports: Ports, line: MemberLine, status: int = 200, **context: Any
) -> Page:
    now = ports.clock.now()
    history = queries.sanctions_of(session, line.account_id)
    values = {
        "line": line,
        "history": history,
        "in_force": {view.id for view in history if view.is_in_force(now)},
        "form": {},
        **context,
    }
    return render(request, "admin/member.html", status, **values)


ROUTES: list[HTTPRouteHandler] = [
    members_page,
    recruiter_page,
    candidate_page,
    suspend_recruiter,
    suspend_candidate,
    lift,
]
