"""Use cases of a candidate's state: registration, opt-in, withdrawal, pause, found (rules C2, C7).

The profile's content is ``profiles.py``'s, the CV ``cvs.py``'s, who is kept away ``exclusions.py``'s.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from marketplace import outbox
from marketplace.accounts.hooks import MemberFacts
from marketplace.accounts.models import Role
from marketplace.accounts.registration import Registration, register_account
from marketplace.candidates import changes, policy, policy_facts, profiles
from marketplace.candidates.lifecycle import (
    OPTED_IN_STATES,
    CandidateState,
    Missing,
    missing_for_opt_in,
)
from marketplace.candidates.models import Candidate
from marketplace.candidates.profiles import Profile
from marketplace.catalogues import N_
from marketplace.errors import ConflictError, FieldError, InvalidInputError
from marketplace.reference import TERRITORY
from marketplace.settings import Settings
from marketplace.terms import queries as terms
from marketplace.terms.models import Consent

MISSING_MESSAGES: dict[Missing, str] = {
    Missing.COUNTRY: N_("Say in which country you live."),
    Missing.REGION: N_("Choose the region you live in."),
    Missing.JOB_FIELD: N_("Choose at least one job field."),
    Missing.START: N_("Say when your apprenticeship can start."),
    Missing.RIGHT_TO_WORK: N_("State your right to work for at least one country."),
    Missing.CV: N_("Upload your CV, and wait until it has been read."),
    Missing.GUARDIAN_CONSENT: N_("Your guardian has to accept first."),
}
"""What to do about each gap: keys of the catalogues."""


@dataclass(frozen=True)
class OptIn:
    """The text a live opt-in was given to (rules C2)."""

    given_at: datetime
    version: str
    language: str
    text_hash: str


@dataclass(frozen=True, kw_only=True)
class Standing:
    """Whether recruiters find the candidate today, until when, and for jobs in which countries."""

    profile: Profile
    is_visible: bool
    visible_until_on: date | None
    works_in: tuple[str, ...]
    opt_in: OptIn | None


def register_candidate(
    session: Session,
    now: datetime,
    settings: Settings,
    data: Registration,
    *,
    is_protected: bool = False,
    unread: Sequence[FieldError] = (),
) -> UUID | None:
    """Register a candidate: hidden from everyone until they opt in (rules A1, A3, C2).

    Minors and people under legal protection start ``restricted``. Returns the account's id, or None
    for an address that is known already: the caller answers the same (rules A5). ``unread`` are the
    faults of fields that could not be read, told with the others. Raises :class:`InvalidInputError`;
    nothing is stored of somebody too young.
    """
    account_id = register_account(session, now, settings, data, Role.CANDIDATE, other_faults=unread)
    if account_id is None:
        return None
    needs_guardian = policy.needs_guardian(data.birth_date, is_protected, now.date(), settings.majority_age)
    session.add(
        Candidate(
            account_id=account_id,
            state=CandidateState.RESTRICTED if needs_guardian else CandidateState.INCOMPLETE,
            state_changed_at=now,
            is_protected=is_protected,
            profile_confirmed_at=now,
            last_sign_of_life_at=now,
        )
    )
    session.flush()
    subject = changes.lock(session, account_id)
    changes.record(session, now, subject, "candidate.registered", "A1", is_protected=is_protected)
    return account_id


def email_confirmed(session: Session, now: datetime, account_id: UUID) -> None:
    """Take the confirmed address as a sign of life; nothing else opens by it (rules C7)."""
    session.execute(
        update(Candidate).where(Candidate.account_id == account_id).values(last_sign_of_life_at=now)
    )


def member_facts(session: Session, account_id: UUID) -> MemberFacts:
    """Return what ``GET /me`` says of a candidate."""
    row = session.execute(
        select(Candidate.id, Candidate.state).where(Candidate.account_id == account_id)
    ).one()
    return MemberFacts(state=CandidateState(row.state).value, candidate_id=row.id)


def member_renamed(session: Session, now: datetime, account_id: UUID) -> None:
    """Take new names out of what is indexed and listed (rules C4): a hook of accounts."""
    profiles.rescrub(session, now, account_id)


def opt_in(
    session: Session,
    now: datetime,
    settings: Settings,
    account_id: UUID,
    consent_hash: str,
    channel: str,
) -> None:
    """Make the candidate searchable by their own consent (rules C2, C7).

    Recorded with the text's version, language and hash, time and channel. The hash must be that of
    the text in force: nobody consents to what they were not shown. Opting in again changes nothing;
    from a pause it ends the pause. Raises :class:`InvalidInputError` listing what is missing,
    :class:`ConflictError` when the account is closed for changes.
    """
    subject = changes.lock(session, account_id)
    changes.require_open(subject)
    faults = [
        FieldError(code.value, "missing", MISSING_MESSAGES[code])
        for code in missing_for_opt_in(changes.facts_of(session, now, subject, settings.majority_age))
    ]
    consent = terms.consent_by_hash(session, now.date(), consent_hash)
    if consent is None:
        faults.append(
            FieldError(
                "consent_hash", "not_in_force", N_("This text is not the one in force. Please read it again.")
            )
        )
    if faults or consent is None:
        raise InvalidInputError(faults, "not_ready_to_opt_in")
    changes.settle(session, now, subject, settings.majority_age)
    candidate = subject.candidate
    if subject.state is CandidateState.SEARCHABLE and _is_still_good(session, now, settings, subject):
        return
    _end_consents(session, now, account_id)
    session.add(
        Consent(
            account_id=account_id,
            version=consent.version,
            language=consent.language,
            text_hash=consent.text_hash,
            given_at=now,
            channel=channel,
        )
    )
    candidate.opted_in_at = candidate.last_sign_of_life_at = now
    candidate.pause_due_on = None
    if subject.state is not CandidateState.SEARCHABLE:
        changes.move(now, subject, CandidateState.SEARCHABLE)
    changes.conclude(
        session, now, subject, "opt_in.given", "C2",
        version=consent.version, language=consent.language, text_hash=consent.text_hash, channel=channel,
    )  # fmt: skip


def _is_still_good(session: Session, now: datetime, settings: Settings, subject: changes.Subject) -> bool:
    """Whether the opt-in in force still shows the person; one given as a minor lapses at 18 (C3)."""
    facts = policy_facts.visibility_facts(session, [subject.candidate.id])[subject.candidate.id]
    return policy.is_visible(facts, now.date(), settings)


def withdraw(
    session: Session,
    now: datetime,
    settings: Settings,
    account_id: UUID,
    channel: str,
    tell_copy_holders: changes.CopyHolders,
) -> None:
    """Withdraw the opt-in (rules C2, D5): from this commit on the person is in no answer.

    Works in every state, also while suspended, and again without harm. Whoever holds a copy of the
    CV is told and has seven days to delete it.
    """
    subject = changes.lock(session, account_id)
    candidate = subject.candidate
    if candidate.opted_in_at is None:
        return
    _end_consents(session, now, account_id)
    candidate.opted_in_at = None
    candidate.pause_due_on = None
    candidate.last_sign_of_life_at = now
    if subject.state in OPTED_IN_STATES:
        changes.move(now, subject, CandidateState.HIDDEN)
    changes.conclude(session, now, subject, "opt_in.withdrawn", "C2", channel=channel)
    tell_copy_holders(session, now, settings, candidate.id)
    outbox.publish(session, now, "mail.requested", account_id, details={"mail": "opt_in_withdrawn"})


def pause(session: Session, now: datetime, account_id: UUID) -> None:
    """Hide for a while by one's own wish; the opt-in stays and resuming is one click (rules C7).

    Raises :class:`ConflictError` for a profile that is not searchable.
    """
    _set_aside(session, now, account_id, CandidateState.PAUSED, "candidate.paused")


def report_found(session: Session, now: datetime, account_id: UUID) -> None:
    """Hide because an apprenticeship was found (rules C7); raises :class:`ConflictError`."""
    _set_aside(session, now, account_id, CandidateState.FOUND, "candidate.found")


def _set_aside(session: Session, now: datetime, account_id: UUID, to: CandidateState, act: str) -> None:
    subject = changes.lock(session, account_id)
    changes.require_open(subject)
    if subject.state is to:
        return
    changes.move(now, subject, to)
    subject.candidate.pause_due_on = None
    subject.candidate.last_sign_of_life_at = now
    changes.conclude(session, now, subject, act, "C7")


def resume(session: Session, now: datetime, settings: Settings, account_id: UUID) -> None:
    """End a pause: searchable again on the opt-in that stands (rules C2, C7).

    Without a live opt-in, or with one that has lapsed, the profile comes back hidden and the person
    is asked. Raises :class:`ConflictError` when there is no pause to end.
    """
    subject = changes.lock(session, account_id)
    changes.require_open(subject)
    if subject.state is CandidateState.SEARCHABLE:
        return
    if subject.state not in OPTED_IN_STATES:
        raise ConflictError("not_paused", "Your profile is not paused.")
    changes.settle(session, now, subject, settings.majority_age)
    if subject.state in OPTED_IN_STATES:
        is_live = subject.candidate.opted_in_at is not None
        changes.move(now, subject, CandidateState.SEARCHABLE if is_live else CandidateState.HIDDEN)
    subject.candidate.profile_confirmed_at = subject.candidate.last_sign_of_life_at = now
    changes.conclude(session, now, subject, "candidate.resumed", "C7")


def standing(session: Session, now: datetime, settings: Settings, account_id: UUID) -> Standing:
    """Return where a candidate stands today, for the candidate's own pages (rules C2, C7)."""
    profile = profiles.own_profile(session, now, settings, account_id)
    facts = policy_facts.visibility_facts(session, [profile.candidate_id])[profile.candidate_id]
    until = policy.visible_until_on(facts, settings)
    return Standing(
        profile=profile,
        is_visible=policy.is_visible(facts, now.date(), settings),
        visible_until_on=until if policy.NEVER < until < policy.NONE_DAY else None,
        works_in=tuple(country for country in TERRITORY if policy.may_work_in(facts, country, now.date())),
        opt_in=live_opt_in(session, account_id),
    )


def live_opt_in(session: Session, account_id: UUID) -> OptIn | None:
    """Return the opt-in that stands, with the text it was given to (rules C2)."""
    row = session.execute(
        select(Consent.given_at, Consent.version, Consent.language, Consent.text_hash)
        .where(Consent.account_id == account_id, Consent.withdrawn_at.is_(None))
        .order_by(Consent.given_at.desc())
        .limit(1)
    ).one_or_none()
    return None if row is None else OptIn(row.given_at, row.version, row.language, row.text_hash)


def _end_consents(session: Session, now: datetime, account_id: UUID) -> None:
    session.execute(
        update(Consent)
        .where(Consent.account_id == account_id, Consent.withdrawn_at.is_(None))
        .values(withdrawn_at=now)
    )
