"""The API keeps to its own description: schemathesis against /api/openapi.json, as each kind of caller."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import schemathesis
from click.testing import CliRunner
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from litestar import Litestar
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.core.result import Ok
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from sqlalchemy.orm import Session

from indexer.relay import drain
from marketplace.accounts.models import Account, Role, Transport
from marketplace.app import build_ports, create_app
from marketplace.cli import main
from marketplace.clock import FixedClock
from marketplace.db import Database
from marketplace.mail import MailSink
from marketplace.moderation.services import Measure, suspend_candidate
from marketplace.ports import Ports
from marketplace.rate_limits.quotas import NO_LIMITS
from marketplace.settings import Settings
from marketplace.terms import services as terms
from marketplace.terms.models import DocumentKind
from marketplace.web.docs import openapi_json
from tests.builders import (
    NOW,
    a_candidate,
    a_company,
    a_recruiter,
    an_account,
    an_exclusion,
    an_opening,
)
from tests.databases import Copies
from tests.portal import ORIGIN, open_session

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
EXAMPLES = 8
"""Of each operation and caller: half of them valid by the schema, half not."""

CALLERS = ("anonymous", "candidate", "recruiter", "admin")
CONSENT = "# Consent\n\nI agree to be found."


@dataclass(frozen=True)
class Site:
    """The application over a database with somebody of each kind, and the ids that are there."""

    app: Litestar
    accounts: dict[str, Account]
    known: dict[str, str]

    def headers(self, caller: str) -> dict[str, str]:
        """Return the headers of a new session: an example may end its own."""
        account = self.accounts.get(caller)
        if account is None:
            return {}
        ports: Ports = self.app.state.ports
        with ports.db.transaction() as session:
            token = open_session(session, account, ports.clock.now(), Transport.BEARER)
        return {"Authorization": f"Bearer {token}"}


@pytest.fixture(scope="module")
def site(copies: Copies, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    url = copies.make()
    settings = Settings(
        quotas=NO_LIMITS,
        data=tmp_path_factory.mktemp("data"),
        secret_key="k" * 48,
        password_hash_memory_kib=8,
        database_url=url,
    )
    database = Database(url, pool_size=5)
    ports = build_ports(settings, db=database, clock=FixedClock(NOW), mailer=MailSink())
    with database.transaction() as session:
        for language in ("en", "fr"):
            terms.publish(session, NOW, DocumentKind.CONSENT_SEARCH, language, CONSENT, NOW.date())
        accounts, known = _people(session, settings)
    drain(ports)
    yield Site(create_app(settings, ports=ports), accounts, known)
    ports.close()
    copies.drop(url)


def _people(session: Session, settings: Settings) -> tuple[dict[str, Account], dict[str, str]]:
    candidate, found = a_candidate(session), a_candidate(session)
    recruiter = a_recruiter(session)
    opening = an_opening(session, recruiter)
    accounts = {
        "candidate": session.get_one(Account, candidate.account_id),
        "recruiter": session.get_one(Account, recruiter.account_id),
        "admin": an_account(session, Role.ADMIN),
    }
    for account in accounts.values():
        account.may_use_bearer = True
    known = {
        "candidate_id": found.id, "opening_id": opening.id,
        "exclusion_id": an_exclusion(session, candidate).id,
        "company_id": a_company(session, "pending").id, "recruiter_id": a_recruiter(session, "pending").id,
        "account_id": an_account(session).id,
        "sanction_id": suspend_candidate(
            session, NOW, settings, accounts["admin"].id, a_candidate(session).id,
            Measure(kind="suspend", until=None, clause="ST 4", facts="Facts.", reason="Reason."),
        ),
    }  # fmt: skip
    return accounts, {name: str(key) for name, key in known.items()}


def _with_known(case: schemathesis.Case[Any], known: dict[str, str]) -> None:
    """Let the ids of an example be some that exist."""
    for holder in (case.path_parameters, case.body):
        if isinstance(holder, dict):
            holder.update({name: known[name] for name in known.keys() & holder.keys()})


@pytest.mark.slow
@pytest.mark.parametrize("caller", CALLERS)
def test_nothing_undocumented(site: Site, caller: str) -> None:
    """Interface: no 5xx, no undocumented status, type or shape, and nothing the schema forbids is taken."""
    schema = schemathesis.openapi.from_dict(json.loads(openapi_json()))
    broken = []
    for found in schema.get_all_operations():
        assert isinstance(found, Ok)
        operation = found.ok()

        @given(
            case=st.one_of(
                operation.as_strategy(generation_mode=GenerationMode.POSITIVE),
                operation.as_strategy(generation_mode=GenerationMode.NEGATIVE),
            ),
            exists=st.booleans(),
        )
        @hypothesis_settings(
            max_examples=EXAMPLES, deadline=None, derandomize=True, database=None,
            phases=[Phase.explicit, Phase.generate], suppress_health_check=list(HealthCheck),
        )  # fmt: skip
        def holds(case: schemathesis.Case[Any], exists: bool) -> None:
            checks = [*CHECKS, negative_data_rejection]
            if exists:  # what was wrong may be right now, so that taking it is no fault
                _with_known(case, site.known)
                checks = CHECKS
            case.call_and_validate(base_url=ORIGIN, app=site.app, headers=site.headers(caller), checks=checks)

        try:
            holds()
        except (AssertionError, FailureGroup, ExceptionGroup) as error:
            error.add_note(f"{operation.label} as {caller}")
            broken.append(error)
    if broken:
        raise BaseExceptionGroup(f"{len(broken)} operations as {caller}", broken)


def test_the_description_is_whole() -> None:
    """Interface: each operation has a name, words, its callers and every refusal as problem details."""
    document = json.loads(openapi_json())
    operations = [(path, one) for path, methods in document["paths"].items() for one in methods.values()]
    ids = [operation["operationId"] for _, operation in operations]
    assert len(ids) == len(set(ids))
    assert set(document["components"]["securitySchemes"]) == {"bearer", "session"}
    for path, operation in operations:
        assert " " in operation["summary"], path
        assert operation["description"], path
        assert len(operation["tags"]) == 1
        refusals = {int(status) for status in operation["responses"] if status >= "400"}
        is_public = operation.get("security") == [{}]
        assert refusals >= {400, 503} | (set() if is_public else {401, 403}), path
        if "requestBody" in operation:
            assert refusals >= {413, 422}, path
        if "{" in path:
            assert 404 in refusals, path
        for status in refusals:
            refusal = operation["responses"][str(status)]
            assert set(refusal["content"]) == {"application/problem+json"}, path
            assert ("Retry-After" in refusal.get("headers", {})) == (status in {429, 503}), path
        for parameter in operation.get("parameters", ()):
            assert {"type": "null"} not in parameter["schema"].get("oneOf", ()), path


def test_the_command_prints_the_same_document() -> None:
    """Interface: `marketplace openapi` prints what /api/openapi.json answers."""
    printed = CliRunner().invoke(main, ["openapi"])
    assert json.loads(printed.output) == json.loads(openapi_json())
