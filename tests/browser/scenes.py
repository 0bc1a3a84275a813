"""A marketplace full of people, for tests that walk every page: made once, through the real path.

Whoever looks has an account here: a recruiter with contacts and copies, one whose company is still
being checked, one whose company was refused, a visible candidate who was opened and written to, a
newcomer, one who paused, a recruiter and a candidate who are suspended, and an admin with a queue.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from marketplace import retention
from marketplace.accounts.models import Account, AccountSession, Role
from marketplace.candidates.models import Candidate
from marketplace.contacts import disclosures, downloads, duties, messages, openings, reminders
from marketplace.contacts.messages import Answer
from marketplace.contacts.models import DutyException, Opening, OpeningState
from marketplace.demo.sample_data import make_sample_data
from marketplace.moderation.services import Measure, lift, suspend_candidate, suspend_recruiter
from marketplace.ports import Ports
from marketplace.recruiters import holds, reviews
from marketplace.recruiters.models import Company, Recruiter
from marketplace.terms.queries import required_documents
from marketplace.terms.services import AcceptedVersion, record_acceptances
from marketplace.web.identity import token_hash
from tests.builders import a_candidate, a_company, a_copy, a_recruiter, an_account, an_opening
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
    barred_recruiter_id: UUID
    barred_candidate_id: UUID
    settle_token: str


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
    settle_token = _late_copies(ports, opening_id, candidate_id)
    recruiter, sleeper, more = _barred(ports, ids["admin"])
    return Scene(
        tokens | more, candidate_id, contact_id, opening_id, waiting,
        barred_recruiter_id=recruiter, barred_candidate_id=sleeper, settle_token=settle_token,
    )  # fmt: skip


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


def _barred(ports: Ports, admin: UUID) -> tuple[UUID, UUID, dict[str, str]]:
    """A recruiter suspended for good, lifted once before, and a candidate for two weeks, who still has
    the opt-in to withdraw."""
    settings = ports.settings
    facts = (
        "Le 21 novembre, 40 CV ont été téléchargés en une heure.\n\n"
        "Deux candidates ont reçu un démarchage commercial à leur adresse personnelle."
    )
    measure = Measure(
        kind="suspend", until=None, clause="Conditions particulières, article 4", facts=facts,
        reason="Les données des candidats sont en danger.",
    )  # fmt: skip
    with ports.db.transaction() as session:
        barred = _member(session, Role.RECRUITER, email="p.lenoir@acme-industries.fr", first_name="Paul")
        recruiter = a_recruiter(session, account=barred)
        asleep = _member(session, Role.CANDIDATE, email="lou@people.example", first_name="Lou")
        candidate = a_candidate(session, account=asleep)
        first = suspend_recruiter(
            session, NOW - timedelta(days=40), settings, admin, recruiter.id,
            replace(measure, until=NOW - timedelta(days=10)),
        )  # fmt: skip
        lift(session, NOW - timedelta(days=38), settings, admin, first, "Les faits ont été expliqués.")
        suspend_recruiter(session, NOW, settings, admin, recruiter.id, measure)
        suspend_candidate(
            session, NOW, settings, admin, candidate.id, replace(measure, until=NOW + timedelta(days=14))
        )
        tokens = {
            "barred_recruiter": open_session(session, barred, NOW),
            "barred_candidate": open_session(session, asleep, NOW),
        }
        return recruiter.id, candidate.id, tokens


def _dealings(ports: Ports, recruiter: UUID, candidate: UUID, candidate_id: UUID) -> tuple[UUID, UUID]:
    """Openings, a contact with an answer, copies: one overdue, one nearly due, two settled."""
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
        copies = [
            downloads.download_cv(
                session, NOW - timedelta(days=days), settings, recruiter, session_id, candidate_id,
                opening_id=opening_id,
            ).id
            for days in (190, 170, 100, 90, 2)
        ]  # fmt: skip
        reason = "Code du travail, article L1221-13 : registre du personnel, cinq ans"
        said = duties.Settlement(DutyException.LEGAL_OBLIGATION, reason)
        duties.settle(session, NOW, recruiter, copies[2:3], said)
        duties.settle(session, NOW, recruiter, copies[3:4], duties.DELETED)
        second = session.scalars(
            select(Candidate).where(Candidate.state == "searchable", Candidate.id != candidate_id)
        ).all()[0]
        other = messages.request_contact(
            session, NOW - timedelta(days=3), settings, recruiter, second.id, opening_id=opening_id,
            message="Bonjour, nous cherchons une personne pour septembre.",
        )  # fmt: skip
        messages.answer_contact(session, NOW, second.account_id, other.id, Answer.REFUSE)
    return opening_id, contact_id


def _late_copies(ports: Ports, opening_id: UUID, candidate_id: UUID) -> str:
    """Twenty copies of a recruiter who is suspended, some overdue, some settled; the token of their link."""
    today = NOW.date()
    with ports.db.transaction() as session:
        company = session.get_one(Opening, opening_id).company_id
        holder = a_recruiter(session, "suspended", company=session.get_one(Company, company))
        opening = an_opening(session, holder, title="Alternance administration systèmes")
        for number in range(20):
            copy = a_copy(
                session, opening, candidate_id, downloaded_at=NOW - timedelta(days=160 + number),
                delete_by_on=today + timedelta(days=21 - 3 * number),
            )  # fmt: skip
            if number < 2:
                said = duties.Settlement(DutyException.HIRED, "Embauche au 1er septembre")
                duties.settle(session, NOW, holder.account_id, [copy.id], said if number else duties.DELETED)
    reminders.remind_deletions(ports.db, NOW, ports.settings)
    with ports.db.transaction() as session:
        link = duties.issue_settle_link(session, NOW, ports.settings, holder.id)
    return str(link).rpartition("/")[2]
