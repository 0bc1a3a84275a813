"""What is left to a suspended member, swept over the whole route table (rules E5, security.md M-01)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import pytest
from litestar import Litestar

from marketplace.accounts.models import Account, Role
from marketplace.moderation import services
from marketplace.moderation.services import Measure
from marketplace.ports import Ports
from tests.builders import a_candidate, a_recruiter, an_account
from tests.journeys.test_role_matrix import UPLOADS, Entrance, entrances, knock
from tests.portal import PortalClient

STAYS_OPEN = {
    "GET /suspended", "GET /api/v1/me/sanctions/{sanction_id:uuid}",
    "DELETE /api/v1/sessions/current",
    "POST /candidate/withdraw", "DELETE /api/v1/me/opt-in",
}  # fmt: skip
"""The statement, leaving, and the withdrawal of C2; public routes are open to everybody."""


@dataclass(frozen=True)
class Suspended:
    """A member and the statement every refusal names."""

    account: Account
    statement_id: str


def suspended(ports: Ports, role: Role) -> Suspended:
    now = ports.clock.now()
    measure = Measure(kind="suspend", until=None, clause="ST 4", facts="Facts.", reason="Reason.")
    with ports.db.transaction() as session:
        admin = an_account(session, Role.ADMIN)
        if role is Role.RECRUITER:
            recruiter = a_recruiter(session)
            account = session.get_one(Account, recruiter.account_id)
            made = services.suspend_recruiter(session, now, ports.settings, admin.id, recruiter.id, measure)
        else:
            candidate = a_candidate(session)
            account = session.get_one(Account, candidate.account_id)
            made = services.suspend_candidate(session, now, ports.settings, admin.id, candidate.id, measure)
        account.may_use_bearer = True
    return Suspended(account, str(made))


@pytest.fixture
def browser(app: Litestar) -> Iterator[PortalClient]:
    with PortalClient(app) as client:
        client.follow_redirects = False
        yield client


def name_of(entrance: Entrance) -> str:
    return f"{entrance.method} {entrance.path}"


def refused_doors(app: Litestar) -> list[Entrance]:
    """Every route that is not public, but those that stay open."""
    return [entrance for entrance in entrances(app) if name_of(entrance) not in STAYS_OPEN]


def ask_as_program(browser: PortalClient, entrance: Entrance, headers: dict[str, str]) -> httpx.Response:
    if entrance.path in UPLOADS:
        file = {"file": ("cv.pdf", b"%PDF-1.7", "application/pdf")}
        return browser.put(entrance.address, files=file, headers=headers)
    body: dict[str, str] | None = None if entrance.method in {"GET", "DELETE"} else {}
    return browser.request(entrance.method, entrance.address, json=body, headers=headers)


def test_what_stays_open_is_what_the_routes_say(app: Litestar) -> None:
    """E5: ``while_suspended`` stands on these routes and on no other."""
    said = {
        f"{method} {route.path}"
        for route in app.routes
        for method, (handler, _) in getattr(route, "route_handler_map", {}).items()
        if method != "OPTIONS" and handler.opt.get("while_suspended")
    }
    assert said == STAYS_OPEN


@pytest.mark.parametrize("role", [Role.RECRUITER, Role.CANDIDATE])
def test_no_door_opens_by_cookie(app: Litestar, browser: PortalClient, ports: Ports, role: Role) -> None:
    """E5, INV-5: 403 with the statement's id over JSON, the statement for people, whoever's door it is."""
    member = suspended(ports, role)
    browser.sign_in_as(member.account)
    doors = refused_doors(app)
    assert len(doors) > 60
    for door in doors:
        answer = knock(browser, door)
        if door.is_api:
            assert answer.status_code == 403, door
            assert answer.json()["code"] == "account_suspended", door
            assert answer.json()["statement_id"] == member.statement_id, door
        else:
            assert (answer.status_code, answer.headers["location"]) == (303, "/suspended"), door


@pytest.mark.parametrize("role", [Role.RECRUITER, Role.CANDIDATE])
def test_no_door_opens_by_bearer_token(
    app: Litestar, browser: PortalClient, ports: Ports, role: Role
) -> None:
    """E5, INV-5: a program is refused on every route of the API, with the same id."""
    member = suspended(ports, role)
    headers = browser.bearer(member.account)
    for door in refused_doors(app):
        if door.is_api:
            answer = ask_as_program(browser, door, headers)
            assert answer.status_code == 403, door
            assert answer.json()["statement_id"] == member.statement_id, door


@pytest.mark.parametrize("role", [Role.RECRUITER, Role.CANDIDATE])
def test_what_stays_open_opens(app: Litestar, browser: PortalClient, ports: Ports, role: Role) -> None:
    """E5, C2: each open door lets its own role in, and last of all out."""
    member = suspended(ports, role)
    browser.sign_in_as(member.account)
    doors = [door for door in entrances(app) if name_of(door) in STAYS_OPEN]
    assert {name_of(door) for door in doors} == STAYS_OPEN
    for door in sorted(doors, key=lambda one: one.path.endswith("/sessions/current")):
        answer = knock(browser, door)
        if role not in door.roles:
            assert answer.status_code == 403, door
            assert "account_suspended" not in answer.text
        else:
            assert answer.status_code in {200, 204, 303, 404}, door
            assert answer.headers.get("location") != "/suspended", door
    assert browser.get("/api/v1/me").status_code == 401
