"""Pages on which copies are said to be deleted, or kept for a reason: signed in, or by a mailed link."""

from typing import Any
from urllib.parse import quote
from uuid import UUID

from litestar import Request, Response
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery

from marketplace.catalogues import N_
from marketplace.contacts import duties, forms
from marketplace.contacts.duties import DELETED, Duty, Settlement
from marketplace.contacts.models import DutyException
from marketplace.contacts.paging import Page
from marketplace.contacts.schemas import cursor_of, position_of
from marketplace.errors import InvalidInputError, NotFoundError
from marketplace.ports import Ports
from marketplace.web.guards import requires_recruiter
from marketplace.web.identity import Member
from marketplace.web.pages import render, see_other
from marketplace.web.portal import FormData, form_again, form_post, page_get

AnyRequest = Request[Any, Any, Any]

OWN = "/recruiter/downloads"
PUBLIC = {"public": True}
CHOOSE = N_("Choose the copies you deleted.")
THANKS = N_("Thank you. The candidates see that it is done.")
KEPT = N_("Your reason is recorded. The candidates see that you keep their CV, and for which kind of reason.")


@page_get(OWN, guards=[requires_recruiter])
def downloads_page(
    request: AnyRequest,
    ports: NamedDependency[Ports],
    member: NamedDependency[Member],
    cursor: FromQuery[str | None] = None,
    show: FromQuery[str] = "",
    select: FromQuery[str] = "",
) -> Response[Any]:
    """Own copies: what is to be deleted, the most overdue first; or what is settled (D4).

    ``select`` ticks all or the overdue ones of the page, for browsers without scripts.
    """
    return _own_page(request, ports, member, cursor, show="settled" if show == "settled" else "", tick=select)


@form_post(f"{OWN}/attestations", guards=[requires_recruiter])
def attest_form(
    ports: NamedDependency[Ports], member: NamedDependency[Member], form: NamedDependency[FormData]
) -> Response[Any]:
    """Attest that one copy, several or all were deleted (D4)."""
    chosen = _deleted(form)
    if chosen == []:
        return see_other(OWN, CHOOSE, kind="warning")
    with ports.db.transaction() as session:
        settled = duties.settle(session, ports.clock.now(), member.account_id, chosen, DELETED)
    if not settled:
        return see_other(OWN, N_("There was no open duty."), kind="warning")
    return see_other(OWN, THANKS)


@form_post(f"{OWN}/exceptions", guards=[requires_recruiter])
def except_form(
    request: AnyRequest,
    ports: NamedDependency[Ports],
    member: NamedDependency[Member],
    form: NamedDependency[FormData],
) -> Response[Any]:
    """Say why chosen copies must be kept (D4)."""
    try:
        chosen, said = _kept(ports, form)
        with ports.db.transaction() as session:
            duties.settle(session, ports.clock.now(), member.account_id, chosen, said)
    except InvalidInputError as refused:
        return _own_page(request, ports, member, None, form=form, **form_again(request, refused))
    return see_other(OWN, KEPT)


@page_get("/deletion-duties/{token:str}", opt=PUBLIC)
def link_page(request: AnyRequest, ports: NamedDependency[Ports], token: FromPath[str]) -> Response[Any]:
    """What a mailed link is about; looking settles nothing (B6, security.md A-09)."""
    return _link_page(request, ports, token)


@form_post("/deletion-duties/{token:str}", opt=PUBLIC)
def link_attest_form(
    request: AnyRequest,
    ports: NamedDependency[Ports],
    token: FromPath[str],
    form: NamedDependency[FormData],
) -> Response[Any]:
    """Attest without an account that one copy, several or all were deleted (B6, D4)."""
    chosen = _deleted(form)
    if chosen == []:
        return see_other(f"/deletion-duties/{quote(token)}", CHOOSE, kind="warning")
    return _settled_by_link(request, ports, token, chosen, DELETED, THANKS)


@form_post("/deletion-duties/{token:str}/exceptions", opt=PUBLIC)
def link_except_form(
    request: AnyRequest,
    ports: NamedDependency[Ports],
    token: FromPath[str],
    form: NamedDependency[FormData],
) -> Response[Any]:
    """Say without an account why chosen copies must be kept (B6, D4)."""
    try:
        chosen, said = _kept(ports, form)
    except InvalidInputError as refused:
        return _link_page(request, ports, token, form=form, **form_again(request, refused))
    return _settled_by_link(request, ports, token, chosen, said, KEPT)


def _deleted(form: FormData) -> list[UUID] | None:
    """Return the copies a form says are deleted; None for all, empty when none was chosen."""
    which = form.text("which")
    if which == "all":
        return None
    named = form.values_of("copy") if which in {"", "chosen"} else [which]
    return [forms.id_of(text) for text in named]


def _kept(ports: Ports, form: FormData) -> tuple[list[UUID], Settlement]:
    chosen = [forms.id_of(text) for text in form.values_of("copy")]
    if not chosen:
        raise InvalidInputError.of("copy", "required", N_("Choose the copies you must keep."))
    return chosen, duties.kept(ports.settings, form.text("exception"), form.text("reason"))


def _settled_by_link(
    request: AnyRequest, ports: Ports, token: str, chosen: list[UUID] | None, said: Settlement, thanks: str
) -> Response[Any]:
    """Settle, then go on with the rest, or home when nothing is left."""
    with ports.db.transaction() as session:
        is_live = duties.is_link_live(session, token)
        if is_live:
            duties.settle_by_link(session, ports.clock.now(), token, chosen, said)
            left = duties.is_link_live(session, token)
    if not is_live:
        return _link_page(request, ports, token)
    if left:
        return see_other(f"/deletion-duties/{quote(token)}", thanks)
    return see_other("/", N_("Thank you. Everything is settled, and the candidates see it."))


def _link_page(
    request: AnyRequest,
    ports: Ports,
    token: str,
    *,
    status: int = 200,
    errors: dict[str, str] | None = None,
    form: FormData | None = None,
) -> Response[Any]:
    """Show the duties of a link; the address holds a secret, so it travels on to nobody (R-01)."""
    try:
        with ports.db.transaction() as session:
            linked = duties.linked_duties(session, ports.clock.now(), ports.settings, token)
    except NotFoundError:
        page = render(request, "contacts/settle_link_over.html", 404)
    else:
        context = _form_context(linked.duties, "", errors, form)
        page = render(
            request, "contacts/settle_link.html", status,
            counts=linked.counts, token=token, reason_max=ports.settings.exception_reason_max_characters,
            **context,
        )  # fmt: skip
    page.headers["referrer-policy"] = "no-referrer"
    return page


def _own_page(
    request: AnyRequest,
    ports: Ports,
    member: Member,
    cursor: str | None,
    *,
    show: str = "",
    tick: str = "",
    status: int = 200,
    errors: dict[str, str] | None = None,
    form: FormData | None = None,
) -> Response[Any]:
    now, after = ports.clock.now(), position_of(cursor)
    with ports.db.transaction() as session:
        counts = duties.own_counts(session, now, ports.settings, member.account_id)
        read = duties.settled_duties if show else duties.duties_to_settle
        page: Page[Duty] = read(session, now, member.account_id, after)
    return render(
        request, "contacts/downloads.html", status,
        counts=counts, show=show, grace_days=ports.settings.overdue_grace_days,
        reason_max=ports.settings.exception_reason_max_characters,
        next_cursor=cursor_of(page.after), cursor=cursor or "", is_first=cursor is None,
        **_form_context(page.rows, tick, errors, form),
    )  # fmt: skip


def _form_context(
    shown: tuple[Duty, ...], tick: str, errors: dict[str, str] | None, form: FormData | None
) -> dict[str, Any]:
    """Return what the form of a list of duties is filled with: what was sent, or what ``tick`` asks for."""
    if form is not None:
        ticked = set(form.values_of("copy"))
    else:
        ticked = {str(d.copy.id) for d in shown if tick == "all" or (tick == "overdue" and d.is_overdue)}
    return {
        "duties": shown, "ticked": ticked, "errors": errors or {},
        "exceptions": [exception.value for exception in DutyException],
        "form": {} if form is None else dict(form),
    }  # fmt: skip


ROUTES: list[HTTPRouteHandler] = [
    downloads_page,
    attest_form,
    except_form,
    link_page,
    link_attest_form,
    link_except_form,
]
