"""Who may enter which route, swept over the whole route table (security.md Z-01, A-08)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from uuid import uuid4

import httpx
import pytest
from litestar import Litestar

from marketplace.accounts.models import Account, PasswordKind, Role
from marketplace.ports import Ports
from tests.builders import a_candidate, a_recruiter, an_account
from tests.portal import PortalClient

ROLES = {f"requires_{role.value}": {role} for role in Role} | {
    "requires_member": set(Role), "requires_either_side": {Role.RECRUITER, Role.CANDIDATE},
}  # fmt: skip


UPLOADS = {"/api/v1/me/cv", "/api/v1/me/recruiter/mandate"}
"""Routes that take a file instead of JSON."""


@dataclass(frozen=True)
class Entrance:
    """A route that is not public, and who may enter it."""

    method: str
    path: str
    roles: frozenset[Role]
    is_for_unsettled: bool

    @property
    def address(self) -> str:
        """The path with ids that nobody has."""
        return re.sub(r"\{[^}]+\}", lambda _: str(uuid4()), self.path)

    @property
    def is_api(self) -> bool:
        return self.path.startswith("/api/")


def entrances(app: Litestar) -> Iterator[Entrance]:
    for route in app.routes:
        for method, (handler, _) in getattr(route, "route_handler_map", {}).items():
            if method == "OPTIONS" or handler.opt.get("public"):
                continue
            names = {getattr(guard, "__name__", "") for guard in handler.resolve_guards()}
            roles = frozenset.intersection(*(frozenset(ROLES[name]) for name in names & ROLES.keys()))
            yield Entrance(method, route.path, roles, bool(handler.opt.get("while_unsettled")))


def knock(browser: PortalClient, entrance: Entrance) -> httpx.Response:
    """Ask with a form token, so that only the role decides."""
    if entrance.method == "GET":
        return browser.get(entrance.address)
    if entrance.path in UPLOADS:
        token = browser.get("/api/v1/csrf-token").json()["token"]
        file = {"file": ("cv.pdf", b"%PDF-1.7", "application/pdf")}
        return browser.put(entrance.address, files=file, headers={"X-CSRFToken": token})
    if entrance.is_api:
        return browser.change(entrance.method, entrance.address.removeprefix("/api/v1"), {})
    return browser.submit(entrance.address)


def is_turned_away(answer: httpx.Response, entrance: Entrance, code: str) -> bool:
    return answer.status_code == 403 and (not entrance.is_api or answer.json()["code"] == code)


def an_account_of(ports: Ports, role: Role) -> Account:
    with ports.db.transaction() as session:
        if role is Role.RECRUITER:
            return session.get_one(Account, a_recruiter(session).account_id)
        if role is Role.CANDIDATE:
            return session.get_one(Account, a_candidate(session).account_id)
        return an_account(session, Role.ADMIN)


@pytest.fixture
def browser(app: Litestar) -> Iterator[PortalClient]:
    with PortalClient(app) as client:
        client.follow_redirects = False
        yield client


def test_nobody_enters_without_a_session(app: Litestar, browser: PortalClient) -> None:
    """Z-01: 401 for programs, the sign-in page for people, on every route that is not public."""
    asked = list(entrances(app))
    assert len(asked) > 60
    for entrance in asked:
        answer = knock(browser, entrance)
        if entrance.is_api:
            assert answer.status_code == 401, entrance
        else:
            assert answer.status_code == 303, entrance
            assert answer.headers["location"].startswith("/sign-in"), entrance


@pytest.mark.parametrize("role", list(Role))
def test_no_role_enters_where_another_belongs(
    app: Litestar, browser: PortalClient, ports: Ports, role: Role
) -> None:
    """Z-01: every route of another role answers 403; one's own never says that the role is wrong."""
    browser.sign_in_as(an_account_of(ports, role))
    for entrance in entrances(app):
        if "sign-out" in entrance.path or entrance.path.endswith("/sessions/current"):
            continue
        if role not in entrance.roles:
            assert is_turned_away(knock(browser, entrance), entrance, "role_not_allowed"), entrance


@pytest.mark.parametrize("role", list(Role))
def test_a_temporary_password_opens_nothing(
    app: Litestar, browser: PortalClient, ports: Ports, role: Role
) -> None:
    """A3, A-08: until it is changed every route answers `password_change_required`, or leads to the form."""
    account = an_account_of(ports, role)
    with ports.db.transaction() as session:
        session.get_one(Account, account.id).password_kind = PasswordKind.TEMPORARY
    browser.sign_in_as(account)
    for entrance in entrances(app):
        if entrance.is_for_unsettled or role not in entrance.roles:
            continue
        answer = knock(browser, entrance)
        if entrance.is_api:
            assert is_turned_away(answer, entrance, "password_change_required"), entrance
        else:
            assert (answer.status_code, answer.headers["location"]) == (303, "/account/password"), entrance
