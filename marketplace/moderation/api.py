"""JSON route of members under a sanction; those of admins are in ``admin/sanctions_api.py``."""

from uuid import UUID

from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from marketplace.moderation import queries
from marketplace.moderation.schemas import StatementOut, statement_out
from marketplace.ports import Ports
from marketplace.web.api import get
from marketplace.web.guards import requires_member
from marketplace.web.identity import Member


@get(
    "/me/sanctions/{sanction_id:uuid}",
    errors=(404,),
    guards=[requires_member],
    opt={"while_suspended": True, "while_unsettled": True},
    summary="Own statement of reasons",
)
def read_own_sanction(
    sanction_id: FromPath[UUID], ports: NamedDependency[Ports], member: NamedDependency[Member]
) -> StatementOut:
    """Return the statement that a refusal `account_suspended` names: why, until when, how it ended (E5)."""
    with ports.db.reading() as session:
        found = queries.own_sanction(session, member.account_id, sanction_id)
    return statement_out(found, ports.clock.now())


ROUTES: list[HTTPRouteHandler] = [read_own_sanction]
