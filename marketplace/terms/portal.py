"""Pages of documents: all of them, one of them at any date, and the one that asks to accept (A2)."""

from datetime import date
from typing import Any

from litestar import Request, Response
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery

from marketplace.accounts.forms import read_acceptances
from marketplace.accounts.policy import ACCEPT_TERMS, CHANGE_PASSWORD
from marketplace.catalogues import N_
from marketplace.errors import InvalidInputError, NotFoundError
from marketplace.ports import Ports
from marketplace.terms import queries, services
from marketplace.terms.documents import read_markdown
from marketplace.terms.models import DocumentKind
from marketplace.web.guards import requires_member
from marketplace.web.identity import Member
from marketplace.web.pages import UNSETTLED_PAGES, render, see_other
from marketplace.web.portal import FormData, errors_by_field, form_post, page_get

AnyRequest = Request[Any, Any, Any]


@page_get("/terms", opt={"public": True})
def documents_page(
    request: AnyRequest, ports: NamedDependency[Ports], language: NamedDependency[str]
) -> Response[Any]:
    """The documents in force, in the reader's language."""
    with ports.db.reading() as session:
        found = queries.documents_in_force(session, ports.clock.today(), language)
    return render(request, "terms/documents.html", documents=found)


@page_get("/terms/{document:str}", opt={"public": True})
def document_page(
    request: AnyRequest,
    document: FromPath[str],
    ports: NamedDependency[Ports],
    language: NamedDependency[str],
    on: FromQuery[str] = "",
    version: FromQuery[str] = "",
    lang: FromQuery[str] = "",
) -> Response[Any]:
    """A document as in force today, ``on`` a date, or in one version; ``lang`` picks another language."""
    kind = _kind(document)
    today = ports.clock.today()
    language = lang if lang in queries.LANGUAGES else language
    with ports.db.reading() as session:
        if version:
            found = queries.document_version(session, kind, language, version, today)
        else:
            found = queries.document_on(session, kind, language, min(_day(on) or today, today))
        history = queries.document_history(session, kind, language, today)
    return render(
        request,
        "terms/document.html",
        document=found,
        blocks=read_markdown(found.text),
        history=history,
        is_current=found.version == history[0][0],
    )


@page_get("/accept-terms", guards=[requires_member], opt={"while_unsettled": True})
def accept_page(
    request: AnyRequest, member: NamedDependency[Member], ports: NamedDependency[Ports]
) -> Response[Any]:
    """What has changed and waits to be accepted; nothing: on to the portal."""
    return _accept(request, member, ports)


@form_post("/accept-terms", guards=[requires_member], opt={"while_unsettled": True})
def accept(
    request: AnyRequest,
    member: NamedDependency[Member],
    ports: NamedDependency[Ports],
    form: NamedDependency[FormData],
    language: NamedDependency[str],
) -> Response[Any]:
    """Record what was ticked; whatever is missing is asked for again."""
    if member.next == CHANGE_PASSWORD:
        return see_other(UNSETTLED_PAGES["password_change_required"])
    try:
        with ports.db.transaction() as session:
            missing = services.accept_outstanding(
                session, ports.clock.now(), member.account_id, member.role, read_acceptances(form)
            )
    except InvalidInputError as refused:
        return _accept(request, member, ports, 422, errors=errors_by_field(refused, language))
    if missing:
        return _accept(request, member, ports, 422, is_incomplete=True)
    return see_other(member.home, N_("Thank you. Your acceptance is recorded."))


def _accept(
    request: AnyRequest, member: Member, ports: Ports, status: int = 200, **context: Any
) -> Response[Any]:
    if member.next != ACCEPT_TERMS:
        first = member.next == CHANGE_PASSWORD
        return see_other(UNSETTLED_PAGES["password_change_required"] if first else member.home)
    with ports.db.reading() as session:
        outstanding = queries.outstanding_documents(session, member.account_id, ports.clock.today())
    texts = [(item, read_markdown(item.text)) for item in outstanding]
    return render(request, "terms/accept.html", status, **{"texts": texts, "is_incomplete": False, **context})


def _kind(document: str) -> DocumentKind:
    try:
        return DocumentKind(document)
    except ValueError:
        raise NotFoundError from None


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise InvalidInputError.of("on", "invalid_date", "Enter a date, like 2005-06-30.") from None


ROUTES: list[HTTPRouteHandler] = [documents_page, document_page, accept_page, accept]
