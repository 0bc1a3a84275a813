"""A marketplace full of people, for tests that walk every page: made once, through the real path.

Whoever looks has an account here: a recruiter with contacts and copies, one whose company is still
being checked, one whose company was refused, a visible candidate who was opened and written to, a
newcomer, one who paused, and an admin with a queue.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from marketplace import retention
from marketplace.accounts.models import Account, AccountSession, Role
from marketplace.candidates.models import Candidate
from marketplace.contacts import disclosures, downloads, messages, openings
from marketplace.contacts.messages import Answer
from marketplace.contacts.models import OpeningState
from marketplace.demo.sample_data import make_sample_data
from marketplace.ports import Ports
from marketplace.recruiters import holds, reviews
from marketplace.recruiters.models import Company, Recruiter
from marketplace.terms.queries import required_documents
from marketplace.terms.services import AcceptedVersion, record_acceptances
from marketplace.web.identity import token_hash
from tests.builders import a_candidate, a_company, a_recruiter, an_account, an_opening
from tests.portal import open_session

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
PEOPLE = 14


@dataclass(frozen=True)
class Scene:
    """Who is there, and where the things are that a page is about."""

    tokens: Mapping[str, str]
    candidate_id: UUID
    contact_id: UUID
    opening_id: UUID
    waiting_company_id: UUID


def fill(ports: Ports) -> Scene:
    """Fill an empty installation."""
    made = make_sample_data(ports, count=PEOPLE, country="FR")
    ids = {account.role: UUID(account.id) for account in made.accounts}
    candidate_id = UUID(made.accounts[1].candidate_id)
    with ports.db.transaction() as session:
        owner = session.get_one(Account, ids["admin"])
        owner.first_name, owner.last_name = "Amina", "Berger"
        tokens = {name: _token(session, ids[name]) for name in ("admin", "recruiter", "candidate")}
        tokens |= _others(session, ids["admin"])
        waiting = session.scalars(select(Company.id).where(Company.legal_name == "Atelier des Quais")).one()
    _kept(ports, ids["admin"], tokens)
    opening_id, contact_id = _dealings(ports, ids["recruiter"], ids["candidate"], candidate_id)
    return Scene(tokens, candidate_id, contact_id, opening_id, waiting)


def _kept(ports: Ports, admin_id: UUID, tokens: Mapping[str, str]) -> None:
    """A legal hold, and a certificate of one session that had its time."""
    with ports.db.transaction() as session:
        owner = session.get_one(Account, admin_id)
        open_session(session, owner, NOW - timedelta(days=3), expires_at=NOW - timedelta(days=2))
        held = session.scalars(
            select(Recruiter.id)
            .join(AccountSession, AccountSession.account_id == Recruiter.account_id)
            .where(AccountSession.token_hash == token_hash(tokens["waiting"]))
        ).one()
        holds.place_hold(session, NOW, admin_id, held, "Litige prud’homal en cours.", date(2027, 6, 30))
    retention.run(ports, [rule for rule in retention.RULES if rule.id == "sessions"])


def speak(session: Session, language: str) -> None:
    """Let every member read pages in ``language``."""
    session.execute(update(Account).values(language=language))


def _token(session: Session, account_id: UUID) -> str:
    return open_session(session, session.get_one(Account, account_id), NOW)


def _member(session: Session, role: Role, **columns: object) -> Account:
    """An account that has accepted what its role accepts."""
    account = an_account(session, role, **columns)
    wanted = required_documents(session, role, "fr", NOW.date())
    accepted = [AcceptedVersion(item.document.value, item.version) for item in wanted]
    record_acceptances(session, NOW, account.id, role, "fr", accepted)
    return account


def _others(session: Session, admin_id: UUID) -> dict[str, str]:
    waits = _member(session, Role.RECRUITER, email="h.renard@atelier-des-quais.example", first_name="Hugo")
    a_recruiter(
        session, "pending", account=waits,
        company=a_company(
            session, "pending", legal_name="Atelier des Quais", registration_number="552100554"
        ),
    )  # fmt: skip
    refused = _member(session, Role.RECRUITER, email="l.petit@compagnie-du-nord.example", first_name="Léa")
    company = a_company(
        session, "pending", legal_name="Compagnie générale d’installations thermiques du Nord"
    )
    a_recruiter(session, "pending", account=refused, company=company, is_on_behalf=True)
    reviews.decide_company(
        session, NOW, admin_id, company.id, reviews.REFUSE, "Le numéro d’immatriculation manque."
    )
    newcomer = _member(session, Role.CANDIDATE, email="noe@people.example", first_name="Noé")
    a_candidate(session, "incomplete", account=newcomer)
    paused = _member(session, Role.CANDIDATE, email="ines@people.example", first_name="Inès")
    a_candidate(session, "paused", account=paused)
    hidden = _member(session, Role.CANDIDATE, email="sami@people.example", first_name="Sami")
    a_candidate(session, "hidden", account=hidden)
    unsettled = an_account(session, Role.RECRUITER, email="new@atelier-des-quais.example", first_name="Ana")
    a_recruiter(session, account=unsettled)
    named = {
        "waiting": waits, "refused": refused, "newcomer": newcomer, "paused": paused, "hidden": hidden,
        "unsettled": unsettled,
    }  # fmt: skip
    return {name: open_session(session, account, NOW) for name, account in named.items()}


def _dealings(ports: Ports, recruiter: UUID, candidate: UUID, candidate_id: UUID) -> tuple[UUID, UUID]:
    """Openings, a contact with an answer, two copies of which one is nearly due."""
    settings = ports.settings
    with ports.db.transaction() as session:
        opening_id = openings.create_opening(
            session, NOW, recruiter, title="Alternance développement Python", job_country="FR",
            start_on=date(2027, 9, 1),
        ).id  # fmt: skip
        closed = an_opening(
            session, session.scalars(select(Recruiter).where(Recruiter.account_id == recruiter)).one(),
            title="Alternance support informatique",
            company_name="Acme Industries SAS",
        )  # fmt: skip
        openings.change_opening(
            session, NOW, recruiter, closed.id, openings.OpeningChange(state=OpeningState.CLOSED)
        )
        disclosures.open_profile(session, NOW, settings, recruiter, candidate_id)
        contact_id = messages.request_contact(
            session, NOW, settings, recruiter, candidate_id, opening_id=opening_id,
            message="Bonjour, votre projet nous intéresse.\n\nSeriez-vous disponible pour un échange ?",
        ).id  # fmt: skip
        messages.write_as_candidate(
            session, NOW, settings, candidate, contact_id, "Bonjour, avec plaisir : mardi à 14 h ?"
        )
        sessions = session.scalars(select(AccountSession.id).where(AccountSession.account_id == recruiter))
        session_id = sessions.all()[0]
        for days in (170, 2):
            downloads.download_cv(
                session, NOW - timedelta(days=days), settings, recruiter, session_id, candidate_id,
                opening_id=opening_id,
            )  # fmt: skip
        second = session.scalars(
            select(Candidate).where(Candidate.state == "searchable", Candidate.id != candidate_id)
        ).all()[0]
        other = messages.request_contact(
            session, NOW - timedelta(days=3), settings, recruiter, second.id, opening_id=opening_id,
            message="Bonjour, nous cherchons une personne pour septembre.",
        )  # fmt: skip
        messages.answer_contact(session, NOW, second.account_id, other.id, Answer.REFUSE)
    return opening_id, contact_id
