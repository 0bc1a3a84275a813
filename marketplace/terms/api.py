"""JSON routes of documents: those in force, and accepting them."""

from datetime import date

from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromQuery, JSONBody

from marketplace.accounts.policy import CHANGE_PASSWORD
from marketplace.errors import NotAllowedError
from marketplace.ports import Ports
from marketplace.terms import queries, services
from marketplace.terms.schemas import AcceptancesIn, AcceptancesOut, DocumentOut, DocumentsOut
from marketplace.web.api import get, post
from marketplace.web.guards import requires_member
from marketplace.web.identity import Member


@get("/terms", opt={"public": True}, errors=(422,), summary="Documents in force")
def list_documents(ports: NamedDependency[Ports], on: FromQuery[date | None] = None) -> DocumentsOut:
    """Every document in every language, as in force today or ``on`` a date (A2)."""
    with ports.db.reading() as session:
        found = queries.documents_in_force(session, on or ports.clock.today())
    return DocumentsOut(
        items=[
            DocumentOut(
                document=item.document.value,
                language=item.language,
                version=item.version,
                hash=item.text_hash,
                effective_on=item.effective_on,
                url=f"{ports.settings.base_url}/terms/{item.document.value}"
                f"?lang={item.language}&version={item.version}",
            )
            for item in found
        ]
    )


@post(
    "/me/acceptances",
    guards=[requires_member],
    opt={"while_unsettled": True},
    status_code=200,
    summary="Accept documents",
)
def accept(
    data: JSONBody[AcceptancesIn], member: NamedDependency[Member], ports: NamedDependency[Ports]
) -> AcceptancesOut:
    """Accept versions in force; the answer names what is still missing (A2)."""
    if member.next == CHANGE_PASSWORD:
        raise NotAllowedError("password_change_required", "Choose your own password first.")
    accepted = [services.AcceptedVersion(item.document, item.version) for item in data.acceptances]
    with ports.db.transaction() as session:
        missing = services.accept_outstanding(
            session, ports.clock.now(), member.account_id, member.role, accepted
        )
    return AcceptancesOut([document.value for document in missing])


ROUTES: list[HTTPRouteHandler] = [list_documents, accept]
