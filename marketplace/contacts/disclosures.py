"""The one gate (rules D7): nothing about a candidate leaves for a recruiter but through here.

Each function holds recruiter and candidate, decides, writes the ledger row, and only then reads
what may leave, all in the caller's transaction, which the edge commits before it answers: if the
row cannot be written, nothing leaves (security.md INV-1). A test holds that no other module reads
a CV, its text or an e-mail address for a recruiter.

Handlers run these inside :func:`gate`, which audits what was refused.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace import audit
from marketplace.accounts.models import Account
from marketplace.candidates import policy as candidate_policy
from marketplace.candidates import queries as candidate_queries
from marketplace.candidates.lifecycle import CandidateState
from marketplace.candidates.models import Candidate
from marketplace.candidates.policy import VisibilityFacts
from marketplace.candidates.queries import CandidateCard, CurrentCV, OpenedProfile, Refusals
from marketplace.catalogues import N_
from marketplace.contacts import duty_queries, ledger_queries, retention
from marketplace.contacts.asking_recruiters import AskingRecruiter, asking_recruiter
from marketplace.contacts.models import CVDownload, Disclosure
from marketplace.contacts.opening_queries import OpeningView
from marketplace.contacts.policy import (
    Act,
    CandidateFacts,
    Decision,
    Reason,
    RecruiterFacts,
    contact_decision,
    email_may_be_revealed,
    file_may_be_given,
    has_confirmed_data,
)
from marketplace.db import Database
from marketplace.errors import (
    ContactNotAllowedError,
    InvalidInputError,
    NotAllowedError,
    NotFoundError,
    TooManyRequestsError,
)
from marketplace.rate_limits import uses
from marketplace.rate_limits.quotas import Quota
from marketplace.reference import TERRITORY
from marketplace.search import url as search_url
from marketplace.search.highlight import Fragment, marking, whole
from marketplace.settings import Settings
from marketplace.terms import queries as terms

QUOTAS = {
    Act.PROFILE: Quota.OPENING,
    Act.CV_TEXT: Quota.CV_TEXT,
    Act.EMAIL: Quota.EMAIL_REVEAL,
    Act.CV_DOWNLOAD: Quota.CV_DOWNLOAD,
    Act.CONTACT: Quota.CONTACT,
}
"""What each act counts in, in its own transaction (rules E1; security.md C-07)."""

SEARCH_PURPOSE = N_("Search for an apprentice")
"""What the candidate reads as the purpose of an opened profile: a key of the catalogues."""


@dataclass(frozen=True)
class Attempt:
    """Who tried what on whom, and every reason why not; for the audit."""

    account_id: UUID
    candidate_id: UUID
    act: Act
    reasons: tuple[str, ...]


class HiddenCandidateError(NotFoundError):
    """The candidate may not be known to the recruiter; :func:`gate` makes it a plain 404."""

    def __init__(self, attempt: Attempt) -> None:
        super().__init__()
        self.attempt = attempt


class StoppedRecruiterError(ContactNotAllowedError):
    """Reasons on the recruiter's side (rules D3)."""

    def __init__(self, attempt: Attempt, shown: tuple[Reason, ...]) -> None:
        super().__init__([reason.value for reason in shown])
        self.attempt = attempt


class WithheldFromMinorError(NotAllowedError):
    """Neither the e-mail address nor the file of a minor is given (rules C3)."""

    def __init__(self, attempt: Attempt) -> None:
        super().__init__("withheld_from_minor", N_("Write to this candidate here; nothing else is given."))
        self.attempt = attempt


class SpentQuotaError(TooManyRequestsError):
    """A quota of a day is used up (rules E1)."""

    def __init__(self, attempt: Attempt, spent: TooManyRequestsError) -> None:
        super().__init__(spent.quota, spent.limit, spent.retry_after, spent.seconds)
        self.attempt = attempt


@dataclass(frozen=True, kw_only=True)
class Meeting:
    """A recruiter and a candidate held in one transaction, with the facts both sides are judged on."""

    recruiter: AskingRecruiter
    candidate_id: UUID
    recruiter_facts: RecruiterFacts
    candidate_facts: CandidateFacts
    is_minor: bool
    today: date

    def decide(self, job_country: str, act: Act) -> Decision:
        """Return the decision of rules D3 on these facts."""
        return contact_decision(self.recruiter_facts, self.candidate_facts, job_country, self.today, act)


@dataclass(frozen=True, kw_only=True)
class OpenedCandidate:
    """An opened profile with what may follow (rules D3, D7)."""

    profile: OpenedProfile
    candidate: CandidateFacts
    recruiter: AskingRecruiter
    job_country: str
    contact: Decision
    may_reveal: bool
    may_download: bool
    is_stopped_by_duties: bool
    has_text: bool


@dataclass(frozen=True, kw_only=True)
class ReadText:
    """The scrubbed text of a CV (rules C4, D7); ``spans`` join to it, the words searched for marked."""

    text: str
    spans: Fragment
    headline: str


@contextmanager
def gate(db: Database, now: datetime) -> Iterator[Session]:
    """Run a disclosure in its transaction; audit a refusal in one of its own, then raise it.

    What was hidden comes out as the same plain :class:`NotFoundError` as an unknown id.
    """
    try:
        with db.transaction() as session:
            yield session
    except (HiddenCandidateError, StoppedRecruiterError, WithheldFromMinorError, SpentQuotaError) as refused:
        rule = "E1" if isinstance(refused, SpentQuotaError) else "D3"
        with db.transaction() as session:
            _record_refusal(session, now, refused.attempt, rule)
        if isinstance(refused, HiddenCandidateError):
            raise NotFoundError from None
        raise


def open_profile(
    session: Session,
    now: datetime,
    settings: Settings,
    account_id: UUID,
    candidate_id: UUID,
    job_country: str | None = None,
) -> OpenedCandidate:
    """Open a profile (rules D3, D7); the contact decision comes with it.

    Raises :class:`NotFoundError` for reasons on the candidate's side, :class:`ContactNotAllowedError`
    when the recruiter is not active or the company not verified, :class:`InvalidInputError` for a
    country outside the Territory.
    """
    _check_country(job_country)
    meeting = meet(session, now, settings, account_id, candidate_id, Act.PROFILE)
    country = job_country or meeting.recruiter.work_country
    _permit(meeting, country, Act.PROFILE)
    cv = candidate_queries.current_cv(session, candidate_id)
    _write(session, now, settings, meeting, Act.PROFILE, country, cv=cv)
    return OpenedCandidate(
        profile=candidate_queries.opened_profile(session, candidate_id, is_minor=meeting.is_minor),
        candidate=meeting.candidate_facts,
        recruiter=meeting.recruiter,
        job_country=country,
        contact=meeting.decide(country, Act.CONTACT),
        may_reveal=meeting.decide(country, Act.EMAIL).allowed
        and email_may_be_revealed(is_minor=meeting.is_minor),
        may_download=meeting.decide(country, Act.CV_DOWNLOAD).allowed
        and file_may_be_given(is_minor=meeting.is_minor)
        and cv is not None,
        is_stopped_by_duties=meeting.recruiter_facts.has_duties_overdue,
        has_text=cv is not None and bool(cv.text_scrubbed),
    )


def opened_before(
    session: Session,
    now: datetime,
    settings: Settings,
    account_id: UUID,
    candidate_id: UUID,
    job_country: str | None = None,
) -> CandidateCard:
    """Return the card of somebody whose profile this recruiter opened before and may still open (D3, D7).

    For pages that start from a profile, such as similar candidates. The decision is that of opening,
    taken anew, so that a withdrawal or block ends them too. No row is written: a card is what lists
    show without one (D7), the candidate has read of the opening, and a row a click would tell of
    openings that were none. Who was never opened answers as an unknown id, else an id alone would
    tell who is there, and what they know, without the ledger knowing.

    Raises as :func:`open_profile`.
    """
    _check_country(job_country)
    meeting = meet(session, now, settings, account_id, candidate_id, Act.PROFILE)
    _permit(meeting, job_country or meeting.recruiter.work_country, Act.PROFILE)
    done = ledger_queries.seen_or_contacted(session, meeting.recruiter.recruiter_id, [candidate_id])
    if Act.PROFILE not in done.get(candidate_id, ()):
        raise HiddenCandidateError(_attempt(meeting, Act.PROFILE, ("not_opened",)))
    return candidate_queries.opened_profile(session, candidate_id, is_minor=True).card


def read_cv_text(
    session: Session,
    now: datetime,
    settings: Settings,
    account_id: UUID,
    candidate_id: UUID,
    job_country: str | None = None,
    q: str = "",
) -> ReadText:
    """Read the scrubbed text of a CV (rules D7) with the words of ``q`` marked; a scan's is empty.

    Raises as :func:`open_profile`, :class:`ContactNotAllowedError` for every reason that stops a
    contact (rules D3), and :class:`InvalidInputError` for a ``q`` longer than a search's (D1).
    """
    asked = search_url.read([("q", q)], default_job_country="FR", limits=search_url.Limits.of(settings))
    _check_country(job_country)
    meeting = meet(session, now, settings, account_id, candidate_id, Act.CV_TEXT)
    country = job_country or meeting.recruiter.work_country
    _permit(meeting, country, Act.CV_TEXT)
    cv = candidate_queries.current_cv(session, candidate_id)
    if cv is None:
        raise NotFoundError
    _write(session, now, settings, meeting, Act.CV_TEXT, country, cv=cv)
    headline = candidate_queries.opened_profile(session, candidate_id, is_minor=True).card.headline
    spans = whole(cv.text_scrubbed, marking(asked.words))
    return ReadText(text=cv.text_scrubbed, spans=spans, headline=headline)


def reveal_email(
    session: Session,
    now: datetime,
    settings: Settings,
    account_id: UUID,
    candidate_id: UUID,
    opening: OpeningView,
) -> str:
    """Reveal the e-mail address for an own opening (rules D3), never a minor's (C3).

    Raises as :func:`read_cv_text`, and :class:`WithheldFromMinorError`.
    """
    meeting = meet(session, now, settings, account_id, candidate_id, Act.EMAIL)
    _permit(meeting, opening.job_country, Act.EMAIL)
    if not email_may_be_revealed(is_minor=meeting.is_minor):
        raise WithheldFromMinorError(_attempt(meeting, Act.EMAIL, ("minor",)))
    _write(session, now, settings, meeting, Act.EMAIL, opening.job_country, opening=opening)
    address = session.scalar(
        select(Account.email)
        .join(Candidate, Candidate.account_id == Account.id)
        .where(Candidate.id == candidate_id)
    )
    if address is None:
        raise NotFoundError
    return address


def permit_contact(
    session: Session,
    now: datetime,
    settings: Settings,
    account_id: UUID,
    candidate_id: UUID,
    opening: OpeningView,
) -> Meeting:
    """Record a first contact about an own opening (rules D3); the message itself is the caller's.

    Raises as :func:`read_cv_text`.
    """
    meeting = meet(session, now, settings, account_id, candidate_id, Act.CONTACT)
    _permit(meeting, opening.job_country, Act.CONTACT)
    _write(session, now, settings, meeting, Act.CONTACT, opening.job_country, opening=opening)
    return meeting


def permit_message(
    session: Session,
    now: datetime,
    settings: Settings,
    account_id: UUID,
    candidate_id: UUID,
    job_country: str,
) -> Meeting:
    """Check that a recruiter may still write in a thread; nothing new leaves, so no row is written.

    Raises as :func:`permit_contact`: a withdrawal or block ends the thread for the recruiter at once.
    """
    meeting = meet(session, now, settings, account_id, candidate_id, Act.CONTACT)
    _permit(meeting, job_country, Act.CONTACT)
    return meeting


def permit_download(
    session: Session,
    now: datetime,
    settings: Settings,
    account_id: UUID,
    candidate_id: UUID,
    opening: OpeningView,
    copy_id: UUID,
) -> tuple[Meeting, CurrentCV, date]:
    """Record a download and its duty (rules D4); the file leaves later, by :func:`recheck_copy`.

    Returns the CV and the day by which the copy must be deleted. Raises as :func:`reveal_email`.
    """
    meeting = meet(session, now, settings, account_id, candidate_id, Act.CV_DOWNLOAD)
    _permit(meeting, opening.job_country, Act.CV_DOWNLOAD)
    if not file_may_be_given(is_minor=meeting.is_minor):
        raise WithheldFromMinorError(_attempt(meeting, Act.CV_DOWNLOAD, ("minor",)))
    cv = candidate_queries.current_cv(session, candidate_id)
    if cv is None:
        raise NotFoundError
    delete_by_on = retention.delete_by(meeting.today, settings.deletion_months)
    _write(
        session, now, settings, meeting, Act.CV_DOWNLOAD, opening.job_country,
        opening=opening, cv=cv, copy_id=copy_id, delete_by_on=delete_by_on,
    )  # fmt: skip
    return meeting, cv, delete_by_on


def recheck_copy(
    session: Session, now: datetime, settings: Settings, account_id: UUID, copy: CVDownload
) -> tuple[AskingRecruiter, str]:
    """Decide again at the hand-over of a recorded copy and return its file key (security.md U-08).

    Raises :class:`NotFoundError` when the decision has changed, the CV was replaced or removed, or
    there is no ledger row for the copy (INV-1).
    """
    meeting = meet(session, now, settings, account_id, copy.candidate_id, Act.CV_DOWNLOAD)
    row = session.execute(
        select(Disclosure.job_country, Disclosure.cv_id).where(Disclosure.copy_id == copy.id)
    ).one_or_none()
    if row is None:
        raise NotFoundError
    decision = meeting.decide(row.job_country, Act.CV_DOWNLOAD)
    if not decision.allowed or meeting.is_minor:
        raise HiddenCandidateError(_attempt(meeting, Act.CV_DOWNLOAD, decision.reasons or ("minor",)))
    cv = candidate_queries.current_cv(session, copy.candidate_id)
    if cv is None or cv.cv_id != row.cv_id:
        raise NotFoundError
    return meeting.recruiter, cv.file_key


def meet(
    session: Session, now: datetime, settings: Settings, account_id: UUID, candidate_id: UUID, act: Act
) -> Meeting:
    """Hold both rows and read the facts behind them (rules D2, D3).

    Recruiter first, candidate second, always: so two gates never wait for each other. Raises
    :class:`HiddenCandidateError` for an unknown candidate.
    """
    recruiter = asking_recruiter(session, account_id, lock=True)
    is_known = _lock_candidate(session, candidate_id)
    facts = (
        candidate_queries.visibility_facts(session, [candidate_id]).get(candidate_id) if is_known else None
    )
    if facts is None:
        raise HiddenCandidateError(Attempt(account_id, candidate_id, act, ("unknown",)))
    today = now.date()
    refusals = candidate_queries.refusals(
        session,
        candidate_id,
        recruiter.recruiter_id,
        recruiter.company_id,
        recruiter.domains,
        recruiter.registration_number,
    )
    return Meeting(
        recruiter=recruiter,
        candidate_id=candidate_id,
        recruiter_facts=recruiter_facts(session, now, settings, recruiter),
        candidate_facts=candidate_facts(facts, refusals, today, settings),
        is_minor=candidate_policy.is_minor(facts, today, settings),
        today=today,
    )


def _lock_candidate(session: Session, candidate_id: UUID) -> bool:
    """Hold the candidate's row until the end of the transaction; False for an unknown id.

    A withdrawal writes that row, so it waits for a disclosure under way, and a disclosure that comes
    after it reads it withdrawn: no ledger row is younger than a withdrawal (security.md C-07).
    """
    held = select(Candidate.id).where(Candidate.id == candidate_id).with_for_update(read=True)
    return session.execute(held).one_or_none() is not None


def hidden_among(
    session: Session,
    now: datetime,
    settings: Settings,
    recruiter: AskingRecruiter,
    candidate_ids: Collection[UUID],
) -> frozenset[UUID]:
    """Return those of the candidates who are hidden from the recruiter now (rules C2, D3).

    For threads and lists of people the recruiter has met: what once left does not come again after
    a withdrawal or block. Nothing is written, for nothing new leaves.
    """
    today = now.date()
    asker = recruiter_facts(session, now, settings, recruiter)
    known = candidate_queries.visibility_facts(session, candidate_ids) if candidate_ids else {}
    refusing = candidate_queries.hidden_from(
        session,
        recruiter.recruiter_id,
        recruiter.company_id,
        recruiter.domains,
        recruiter.registration_number,
    )
    seen = set()
    for candidate_id, facts in known.items():
        refused = facts.key in refusing
        both = Refusals(company_excluded=refused, recruiter_blocked=refused)
        person = candidate_facts(facts, both, today, settings)
        if not contact_decision(asker, person, recruiter.work_country, today, Act.CONTACT).is_hidden:
            seen.add(candidate_id)
    return frozenset(candidate_ids) - seen


def minors_among(
    session: Session, now: datetime, settings: Settings, candidate_ids: Collection[UUID]
) -> frozenset[UUID]:
    """Return those under age today: recruiters read their first names only (rules C3, D7)."""
    known = candidate_queries.visibility_facts(session, candidate_ids) if candidate_ids else {}
    return frozenset(
        candidate_id
        for candidate_id, facts in known.items()
        if candidate_policy.is_minor(facts, now.date(), settings)
    )


def require_standing(recruiter: AskingRecruiter) -> None:
    """Let only an active recruiter of a verified company read about people met before (rules B4, D3).

    Raises :class:`ContactNotAllowedError` with the reasons that stop a profile too.
    """
    reasons = []
    if not recruiter.is_active:
        reasons.append(Reason.RECRUITER_NOT_ACTIVE.value)
    if not recruiter.is_company_verified:
        reasons.append(Reason.COMPANY_NOT_VERIFIED.value)
    if reasons:
        raise ContactNotAllowedError(reasons)


def recruiter_facts(
    session: Session, now: datetime, settings: Settings, recruiter: AskingRecruiter
) -> RecruiterFacts:
    """Return what the decision needs of the recruiter, as of now (rules D3)."""
    today = now.date()
    return RecruiterFacts(
        work_country=recruiter.work_country,
        is_active=recruiter.is_active,
        is_company_verified=recruiter.is_company_verified,
        has_accepted_terms=not terms.outstanding_documents(session, recruiter.account_id, today),
        has_confirmed_data=_has_confirmed_data(recruiter, now, settings),
        has_duties_overdue=duty_queries.has_open_duty_before(
            session, recruiter.recruiter_id, retention.stopping_cutoff(today, settings.overdue_grace_days)
        ),
    )


def facts_for_lists(now: datetime, settings: Settings, recruiter: AskingRecruiter) -> RecruiterFacts:
    """Return the facts a list is judged by, without asking for documents and duties.

    Reasons on the recruiter's side empty no list (rules D2): these two are asked at each disclosure,
    and nobody comes to a list with documents to accept (``web/guards.py``).
    """
    return RecruiterFacts(
        work_country=recruiter.work_country,
        is_active=recruiter.is_active,
        is_company_verified=recruiter.is_company_verified,
        has_accepted_terms=True,
        has_confirmed_data=_has_confirmed_data(recruiter, now, settings),
        has_duties_overdue=False,
    )


def _has_confirmed_data(recruiter: AskingRecruiter, now: datetime, settings: Settings) -> bool:
    return has_confirmed_data(
        recruiter.confirmed_at.date(),
        now.date(),
        settings.data_confirmation_months,
        settings.data_confirmation_grace_days,
    )


def candidate_facts(
    facts: VisibilityFacts, refusals: Refusals, today: date, settings: Settings
) -> CandidateFacts:
    """Return what the decision needs of the candidate, in the words of rules G."""
    until = candidate_policy.visible_until_on(facts, settings)
    permits = {
        country: last
        for country, permit in facts.permits.items()
        if facts.start is not None
        and (last := candidate_policy.may_work_until(permit, facts.start)) is not None
    }
    return CandidateFacts(
        is_searchable=facts.state is CandidateState.SEARCHABLE and until is not None,
        country=facts.country,
        visible_until_on=until,
        needs_guardian=candidate_policy.needs_guardian(
            facts.birth_date, facts.is_protected, today, settings.majority_age
        ),
        has_guardian_consent=candidate_policy.has_guardian_consent(facts.guardian_consent_until, today),
        excludes_company=refusals.company_excluded,
        has_blocked_recruiter=refusals.recruiter_blocked,
        may_work_until=permits,
    )


def _check_country(job_country: str | None) -> None:
    """Refuse a country outside the Territory before anybody is looked up.

    Afterwards the refusal would tell a hidden candidate from an unknown id (rules D3).
    """
    if job_country is not None and job_country not in TERRITORY:
        raise InvalidInputError.of("job_country", "not_in_territory", "Choose FR, GB or US.")


def _permit(meeting: Meeting, job_country: str, act: Act) -> None:
    decision = meeting.decide(job_country, act)
    if decision.is_hidden:
        raise HiddenCandidateError(_attempt(meeting, act, decision.reasons))
    if not decision.allowed:
        raise StoppedRecruiterError(_attempt(meeting, act, decision.reasons), decision.shown)


def _count(session: Session, now: datetime, settings: Settings, meeting: Meeting, act: Act) -> None:
    """Count an act that is otherwise permitted in its quota of a day; audited when it is used up (E1)."""
    try:
        uses.use(session, now, settings, QUOTAS[act], meeting.recruiter.counted)
    except TooManyRequestsError as spent:
        raise SpentQuotaError(_attempt(meeting, act, ("quota_spent",)), spent) from None


def _attempt(meeting: Meeting, act: Act, reasons: tuple[str, ...]) -> Attempt:
    return Attempt(meeting.recruiter.account_id, meeting.candidate_id, act, reasons)


def _write(
    session: Session,
    now: datetime,
    settings: Settings,
    meeting: Meeting,
    act: Act,
    job_country: str,
    *,
    opening: OpeningView | None = None,
    cv: CurrentCV | None = None,
    copy_id: UUID | None = None,
    delete_by_on: date | None = None,
) -> None:
    """Count the act, and write its ledger row and audit entry now: a fault stops what follows (INV-1).

    Counted here and nowhere else, so that exactly what leaves is counted (E1). Raises
    :class:`SpentQuotaError`.
    """
    _count(session, now, settings, meeting, act)
    recruiter = meeting.recruiter
    session.add(
        Disclosure(
            kind=act,
            at=now,
            recruiter_id=recruiter.recruiter_id,
            company_id=recruiter.company_id,
            company_name=recruiter.company_name,
            recruiter_role=recruiter.job_title,
            candidate_id=meeting.candidate_id,
            opening_id=None if opening is None else opening.id,
            purpose=SEARCH_PURPOSE if opening is None else opening.title,
            job_country=job_country,
            cv_id=None if cv is None else cv.cv_id,
            cv_sha256=None if cv is None else cv.sha256,
            copy_id=copy_id,
            delete_by_on=delete_by_on,
        )
    )
    audit.record(
        session, now, f"{act.value}.disclosed", actor_id=recruiter.account_id, actor_role="recruiter",
        subject_kind="candidate", subject_id=meeting.candidate_id, rule="D7", job_country=job_country,
    )  # fmt: skip
    session.flush()


def _record_refusal(session: Session, now: datetime, attempt: Attempt, rule: str) -> None:
    audit.record(
        session, now, f"{attempt.act.value}.refused", actor_id=attempt.account_id, actor_role="recruiter",
        subject_kind="candidate", subject_id=attempt.candidate_id, rule=rule,
        reasons=[str(reason) for reason in attempt.reasons],
    )  # fmt: skip
