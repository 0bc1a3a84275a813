"""Instants are RFC 3339 in UTC with Z, wherever the database server thinks it stands (interface.md)."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest

from marketplace.accounts.models import Account, Role
from marketplace.app import build_ports, create_app
from marketplace.clock import FixedClock
from marketplace.contacts import disclosures
from marketplace.contacts.gate import gate
from marketplace.db import Database
from marketplace.mail import MailSink
from marketplace.settings import Settings
from tests.builders import NOW, a_candidate, a_recruiter, an_account, an_exclusion
from tests.portal import PortalClient

INSTANT = re.compile(r'"\d{4}-\d\d-\d\dT[^"]*"')
ROUTES = {
    "candidate": ("/sessions", "/me/cv", "/me/exclusions", "/me/access-log"),
    "recruiter": ("/sessions", "/me/recruiter"),
    "admin": ("/sessions", "/admin/companies", "/admin/recruiters"),
}


@pytest.mark.parametrize("role", ROUTES)
def test_every_instant_ends_in_z(
    database_url: str, db: Database, settings: Settings, clock: FixedClock, role: str
) -> None:
    """Interface: a server in India changes no answer."""
    with db.engine.begin() as connection:
        name = connection.exec_driver_sql("SELECT current_database()").scalar_one()
        connection.exec_driver_sql(f"ALTER DATABASE \"{name}\" SET timezone TO 'Asia/Kolkata'")
    ports = build_ports(replace(settings, database_url=database_url), clock=clock, mailer=MailSink())
    with ports.db.transaction() as session:
        candidate, recruiter = a_candidate(session), a_recruiter(session)
        an_exclusion(session, candidate)
        accounts = {
            "candidate": session.get_one(Account, candidate.account_id),
            "recruiter": session.get_one(Account, recruiter.account_id),
            "admin": an_account(session, Role.ADMIN),
        }
    with gate(ports.db, NOW) as session:
        disclosures.open_profile(session, NOW, ports.settings, recruiter.account_id, candidate.id)
    with PortalClient(create_app(ports.settings, ports=ports)) as site:
        site.sign_in_as(accounts[role])
        for route in ROUTES[role]:
            answer = site.get(f"/api/v1{route}")
            assert answer.status_code == 200, answer.text
            found = INSTANT.findall(json.dumps(answer.json()))
            assert found, route
            assert all(instant.endswith('Z"') for instant in found), f"{route}: {found}"
