"""From the commit of a change on the person is in no answer of any route, before the index knows (C2)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from io import BytesIO
from typing import Any
from uuid import UUID

import pytest
from litestar import Litestar
from reportlab.pdfgen.canvas import Canvas
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from indexer import relay
from marketplace.accounts.models import Account
from marketplace.candidates import cvs, exclusions, profiles, services
from marketplace.candidates.models import CV
from marketplace.candidates.profiles import ProfileInput, Right
from marketplace.contacts.models import Disclosure
from marketplace.contacts.services import candidate_withdrew
from marketplace.ports import Ports
from tests.builders import a_candidate, a_recruiter, an_account, an_opening
from tests.portal import PortalClient

FIRST, LAST, EMAIL = "Zénobie", "Quintrelle", "zenobie.canary@example.org"
HEADLINE = "Apprentie luthière"
SECRETS = (FIRST, LAST, EMAIL, HEADLINE, "zenobie.canary")

PROFILE = ProfileInput(
    country="FR", region="FR-IDF", job_fields=["development"], start_on=date(2027, 9, 1),
    headline=HEADLINE, right_to_work=[Right("FR", "yes")],
)  # fmt: skip


@dataclass
class Acquaintance:
    """A recruiter who has opened, contacted and downloaded, and the candidate they met."""

    ports: Ports
    browser: PortalClient
    candidate_id: UUID
    candidate_account: UUID
    recruiter_id: UUID
    company_id: UUID
    domain: str
    opening_id: str
    contact_id: str
    copy_id: str

    def change(self, act: Callable[[Session, Acquaintance], object]) -> None:
        with self.ports.db.transaction() as session:
            act(session, self)

    def ledger(self) -> int:
        with self.ports.db.transaction() as session:
            return session.scalar(select(func.count()).select_from(Disclosure)) or 0

    def answers(self) -> Iterator[tuple[str, Any]]:
        """Ask every route of recruiters for the person, in lists and by every id that was ever given."""
        api, pages = f"/candidates/{self.candidate_id}", f"/recruiter/candidates/{self.candidate_id}"
        for path in (
            "/api/v1/candidates/search?q=luthière", "/api/v1/candidates/search", "/recruiter/search?q=django",
            "/recruiter/search", f"/api/v1{api}", f"/api/v1{api}/cv/text?q=django", pages, f"{pages}/cv",
            "/api/v1/contacts", "/recruiter/contacts", f"/api/v1/contacts/{self.contact_id}/messages",
            f"/recruiter/contacts/{self.contact_id}", "/api/v1/cv-downloads", "/recruiter/downloads",
            f"/api/v1/cv-downloads/{self.copy_id}/file", f"/recruiter/downloads/{self.copy_id}/file",
            "/recruiter", "/api/v1/me", "/api/v1/openings", "/api/v1/candidates/suggest?q=dev",
            f"/api/v1{api}/similar", f"{pages}/similar", "/api/v1/candidates/search?q=luthière&region=FR-BRE",
            "/recruiter/search?q=luthière&start_to=2026-12-01",
        ):  # fmt: skip
            yield path, self.browser.get(path)
        opening, message = {"opening_id": self.opening_id}, {"message": "Are you there?"}
        for path, body in (
            (f"{api}/contacts", opening | message), (f"{api}/email-reveals", opening),
            (f"{api}/cv-downloads", opening), (f"/contacts/{self.contact_id}/messages", message),
        ):  # fmt: skip
            yield path, self.browser.change("POST", path, body)
        for path, fields in (
            (f"{pages}/contacts", opening | message),
            (f"{pages}/email-reveals", {"reveal_opening_id": self.opening_id}),
            (f"{pages}/cv-downloads", {"download_opening_id": self.opening_id, "understood": "1"}),
            (f"/recruiter/contacts/{self.contact_id}/messages", message),
        ):  # fmt: skip
            yield path, self.browser.submit(path, fields)


@pytest.fixture
def met(app: Litestar, ports: Ports) -> Iterator[Acquaintance]:
    """A recruiter and a candidate who have met, indexed; a second copy is taken and not fetched yet."""
    page = BytesIO()
    canvas = Canvas(page)
    canvas.drawString(72, 720, "Django")
    canvas.save()
    with ports.db.transaction() as session:
        recruiter = a_recruiter(session)
        opening = an_opening(session, recruiter)
        person = an_account(session, first_name=FIRST, last_name=LAST, email=EMAIL, email_canonical=EMAIL)
        person.birth_date = date(2000, 5, 17)
        candidate = a_candidate(session, account=person)
        session.scalars(select(CV).where(CV.candidate_id == candidate.id)).one().file_key = ports.files.put(
            "cv", page.getvalue()
        )
        account = session.get_one(Account, recruiter.account_id)
        profiles.update_profile(session, ports.clock.now(), ports.settings, person.id, PROFILE)
    relay.drain(ports)
    with PortalClient(app) as browser:
        browser.sign_in_as(account)
        given = {"opening_id": str(opening.id)}
        path = f"/candidates/{candidate.id}"
        made = browser.change("POST", f"{path}/contacts", {**given, "message": "Hello"}).json()
        copy = browser.change("POST", f"{path}/cv-downloads", given).json()
        yield Acquaintance(
            ports, browser, candidate.id, person.id, recruiter.id, recruiter.company_id,
            account.email.rpartition("@")[2], str(opening.id), made["id"], copy["id"],
        )  # fmt: skip


def _withdraw(session: Session, met: Acquaintance) -> None:
    services.withdraw(
        session,
        met.ports.clock.now(),
        met.ports.settings,
        met.candidate_account,
        "portal",
        candidate_withdrew,
    )


def _pause(session: Session, met: Acquaintance) -> None:
    services.pause(session, met.ports.clock.now(), met.candidate_account)


def _found(session: Session, met: Acquaintance) -> None:
    services.report_found(session, met.ports.clock.now(), met.candidate_account)


def _move(session: Session, met: Acquaintance) -> None:
    moved = ProfileInput(
        country="GB", region="GB-ENG" if "GB-ENG" in _regions() else next(iter(_regions())),
        job_fields=["development"], start_on=date(2027, 9, 1), headline=HEADLINE,
        right_to_work=[Right("FR", "yes"), Right("GB", "yes")],
    )  # fmt: skip
    profiles.update_profile(session, met.ports.clock.now(), met.ports.settings, met.candidate_account, moved)


def _regions() -> list[str]:
    from marketplace.reference import regions

    return [code for code, region in regions().items() if region.country == "GB"]


def _exclude(session: Session, met: Acquaintance) -> None:
    exclusions.add_exclusion(session, met.ports.clock.now(), met.candidate_account, domain=met.domain)


def _block_recruiter(session: Session, met: Acquaintance) -> None:
    exclusions.block(session, met.ports.clock.now(), met.candidate_account, recruiter_id=met.recruiter_id)


def _block_company(session: Session, met: Acquaintance) -> None:
    exclusions.block(session, met.ports.clock.now(), met.candidate_account, company_id=met.company_id)


def _delete_cv(session: Session, met: Acquaintance) -> None:
    cvs.delete_cv(
        session, met.ports.clock.now(), met.ports.settings, met.candidate_account, candidate_withdrew
    )


CHANGES = (
    _withdraw, _pause, _found, _move, _exclude, _block_recruiter, _block_company, _delete_cv,
)  # fmt: skip


def test_before_the_change_the_routes_show_the_person(met: Acquaintance) -> None:
    """D7: the sweep below asks the right routes: each kind of answer shows the person now."""
    shown = {path for path, answer in met.answers() if any(secret in answer.text for secret in SECRETS)}
    assert {"/recruiter/search", "/api/v1/contacts", f"/api/v1/candidates/{met.candidate_id}"} <= shown
    assert f"/recruiter/contacts/{met.contact_id}" in shown


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__.strip("_"))
def test_after_the_change_no_route_shows_the_person(
    met: Acquaintance, change: Callable[[Session, Acquaintance], object]
) -> None:
    """C2, C5, C8, D3: nothing of the person is in any answer, no row is written, no count has them."""
    met.change(change)
    before = met.ledger()
    for path, answer in met.answers():
        assert answer.status_code < 500, path
        found = [secret for secret in SECRETS if secret in answer.text]
        assert found == [], f"{path} ({answer.status_code}) shows {found}"
        if str(met.candidate_id) in path or met.contact_id in path or met.copy_id in path:
            assert answer.status_code == 404, path
    assert met.ledger() == before
    page = met.browser.get("/api/v1/candidates/search").json()
    assert page["total"] == 0
    assert page["hits"] == []
    assert all(bucket["count"] == 0 for facet in page["facets"] for bucket in facet["buckets"])


def test_no_log_line_tells_of_the_person(met: Acquaintance, capfd: pytest.CaptureFixture[str]) -> None:
    """L-03: whatever is asked, the log has ids and routes; no name, address, query word, text or token."""
    secrets = [*SECRETS, "luthi", "django", "Are you there?", met.browser.cookies["tm_session"]]
    for _ in met.answers():
        pass
    logged = "".join(capfd.readouterr())
    assert "request.answered" in logged
    assert [secret for secret in secrets if secret.lower() in logged.lower()] == []
