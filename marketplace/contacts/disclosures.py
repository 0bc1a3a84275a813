"""What leaves about a candidate for a recruiter: a function for each act, and no other way (rules D7).

Each function meets recruiter and candidate at the gate, writes the ledger row, and only then reads
what may leave, all in the caller's transaction, which the edge commits before it answers: if the
row cannot be written, nothing leaves (security.md INV-1). A test holds that no other module reads
a CV, its text or an e-mail address for a recruiter.

Handlers run these inside :func:`~marketplace.contacts.gate.gate`, which audits what was refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace import audit
from marketplace.accounts.models import Account
from marketplace.candidates import recruiter_view
from marketplace.candidates.models import Candidate
from marketplace.candidates.recruiter_view import CandidateCard, CurrentCV, OpenedProfile
from marketplace.catalogues import N_
from marketplace.contacts import ledger_queries, retention
from marketplace.contacts.asking_recruiters import AskingRecruiter
from marketplace.contacts.gate import (
    HiddenCandidateError,
    Meeting,
    SpentQuotaError,
    WithheldFromMinorError,
    meet,
)
from marketplace.contacts.models import CVDownload, Disclosure
from marketplace.contacts.opening_queries import OpeningView
from marketplace.contacts.policy import (
    Act,
    CandidateFacts,
    Decision,
    email_may_be_revealed,
    file_may_be_given,
)
from marketplace.errors import InvalidInputError, NotFoundError, TooManyRequestsError
from marketplace.rate_limits import uses
from marketplace.rate_limits.quotas import Quota
from marketplace.reference import TERRITORY
from marketplace.search import url as search_url
from marketplace.search.highlight import Fragment, marking, whole
from marketplace.settings import Settings

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
    meeting.permit(country, Act.PROFILE)
    cv = recruiter_view.current_cv(session, candidate_id)
    _write(session, now, settings, meeting, Act.PROFILE, country, cv=cv)
    return OpenedCandidate(
        profile=recruiter_view.opened_profile(session, candidate_id, is_minor=meeting.is_minor),
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
    meeting.permit(job_country or meeting.recruiter.work_country, Act.PROFILE)
    done = ledger_queries.seen_or_contacted(session, meeting.recruiter.recruiter_id, [candidate_id])
    if Act.PROFILE not in done.get(candidate_id, ()):
        raise HiddenCandidateError(meeting.attempt(Act.PROFILE, ("not_opened",)))
    return recruiter_view.opened_profile(session, candidate_id, is_minor=True).card


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
    meeting.permit(country, Act.CV_TEXT)
    cv = recruiter_view.current_cv(session, candidate_id)
    if cv is None:
        raise NotFoundError
    _write(session, now, settings, meeting, Act.CV_TEXT, country, cv=cv)
    headline = recruiter_view.opened_profile(session, candidate_id, is_minor=True).card.headline
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
    meeting.permit(opening.job_country, Act.EMAIL)
    if not email_may_be_revealed(is_minor=meeting.is_minor):
        raise WithheldFromMinorError(meeting.attempt(Act.EMAIL, ("minor",)))
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
    meeting.permit(opening.job_country, Act.CONTACT)
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
    meeting.permit(job_country, Act.CONTACT)
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
    meeting.permit(opening.job_country, Act.CV_DOWNLOAD)
    if not file_may_be_given(is_minor=meeting.is_minor):
        raise WithheldFromMinorError(meeting.attempt(Act.CV_DOWNLOAD, ("minor",)))
    cv = recruiter_view.current_cv(session, candidate_id)
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
        raise HiddenCandidateError(meeting.attempt(Act.CV_DOWNLOAD, decision.reasons or ("minor",)))
    cv = recruiter_view.current_cv(session, copy.candidate_id)
    if cv is None or cv.cv_id != row.cv_id:
        raise NotFoundError
    return meeting.recruiter, cv.file_key


def _check_country(job_country: str | None) -> None:
    """Refuse a country outside the Territory before anybody is looked up.

    Afterwards the refusal would tell a hidden candidate from an unknown id (rules D3).
    """
    if job_country is not None and job_country not in TERRITORY:
        raise InvalidInputError.of("job_country", "not_in_territory", "Choose FR, GB or US.")


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


def _count(session: Session, now: datetime, settings: Settings, meeting: Meeting, act: Act) -> None:
    """Count an act that is otherwise permitted in its quota of a day; audited when it is used up (E1)."""
    try:
        uses.use(session, now, settings, QUOTAS[act], meeting.recruiter.counted)
    except TooManyRequestsError as spent:
        raise SpentQuotaError(meeting.attempt(act, ("quota_spent",)), spent) from None
