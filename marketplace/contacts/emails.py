"""The mails of contacts. Neither side ever reads the other's address in one (rules D3).

Everything is read when a mail is sent: what is hidden, suspended or settled by then is not sent
(security.md INV-5).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from marketplace import outbox
from marketplace.accounts.emails import Composer
from marketplace.accounts.models import Account, Role
from marketplace.catalogues import N_, translate, translate_plural
from marketplace.contacts import duties, duty_queries, retention, thread_queries
from marketplace.contacts.asking_recruiters import recruiter_if_any
from marketplace.contacts.download_queries import DownloadView
from marketplace.contacts.facts import hidden_among
from marketplace.contacts.models import Contact, ContactState, MessageAuthor
from marketplace.mail import Mail, letter
from marketplace.recruiters import queries as recruiter_queries
from marketplace.settings import Settings


def contact_received(
    session: Session, now: datetime, settings: Settings, details: dict[str, Any]
) -> Mail | None:
    """The first message of a recruiter, to the candidate (D3)."""
    contact = session.get(Contact, UUID(details["contact_id"]))
    account = session.get(Account, UUID(details["account_id"]))
    if contact is None or account is None or _is_over(session, now, settings, contact):
        return None
    view = thread_queries.contact_view(session, contact.id, MessageAuthor.CANDIDATE)
    thread = thread_queries.messages(session, contact.id)
    if view is None or not thread:
        return None
    return _mail(
        account,
        N_("%(company)s would like to talk to you about an apprenticeship"),
        N_("Hello %(name)s,"),
        N_("%(recruiter)s (%(role)s, %(company)s) found your profile and writes to you about “%(title)s”:"),
        "%(message)s",
        N_("Read and answer here, accept or refuse: %(link)s"),
        N_("Your e-mail address was not given. You can block this recruiter or company on the same page."),
        company=view.company,
        recruiter=view.recruiter_name,
        role=view.recruiter_role,
        title=view.opening_title,
        message="\n".join(f"> {line}" for line in thread[0].body.splitlines()),
        link=f"{settings.base_url}/candidate/contacts/{contact.id}",
    )


def message_received(
    session: Session, now: datetime, settings: Settings, details: dict[str, Any]
) -> Mail | None:
    """Tells either side that there is something to read; the text stays on the platform (D3)."""
    contact = session.get(Contact, UUID(details["contact_id"]))
    account = session.get(Account, UUID(details["account_id"]))
    if contact is None or account is None or _is_over(session, now, settings, contact):
        return None
    view = thread_queries.contact_view(session, contact.id, _side(account))
    if view is None or not view.unread:
        return None
    return _mail(
        account,
        N_("A new message about “%(title)s”"),
        N_("Hello %(name)s,"),
        N_("There is a new message about “%(title)s” (%(company)s)."),
        N_("Read and answer it here: %(link)s"),
        title=view.opening_title,
        company=view.company,
        link=f"{settings.base_url}/{account.role}/contacts/{contact.id}",
    )


def contact_answered(
    session: Session, now: datetime, settings: Settings, details: dict[str, Any]
) -> Mail | None:
    """Tells the recruiter that the candidate accepted or refused (C8)."""
    contact = session.get(Contact, UUID(details["contact_id"]))
    account = session.get(Account, UUID(details["account_id"]))
    if contact is None or account is None or _is_over(session, now, settings, contact):
        return None
    view = thread_queries.contact_view(session, contact.id, MessageAuthor.RECRUITER)
    if view is None or view.state is ContactState.SENT:
        return None
    accepted = view.state is ContactState.ACCEPTED
    return _mail(
        account,
        N_("An answer about “%(title)s”"),
        N_("Hello %(name)s,"),
        N_("The candidate accepted your contact about “%(title)s”.")
        if accepted
        else N_("The candidate does not wish to go on about “%(title)s”. Please do not write again."),
        N_("Your contacts: %(link)s"),
        title=view.opening_title,
        link=f"{settings.base_url}/recruiter/contacts",
    )


def deletion_reminder(
    session: Session, now: datetime, settings: Settings, details: dict[str, Any]
) -> Mail | None:
    """Reminds a holder of every copy that is still to be deleted, with its day (D4)."""
    told = _to_holder(session, now, settings, details)
    if told is None:
        return None
    is_overdue = any(copy.delete_by_on < now.date() for copy in told.copies)
    return told.mail(
        now,
        settings,
        N_("Overdue: please delete the CVs you downloaded")
        if is_overdue
        else N_("Reminder: CVs you downloaded must be deleted"),
        N_("Delete each of these copies by the day given: your own files, mails and prints."),
    )


def deletion_shortened(
    session: Session, now: datetime, settings: Settings, details: dict[str, Any]
) -> Mail | None:
    """Tells who holds a copy that the candidate withdrew, and until when it must go (D5)."""
    told = _to_holder(session, now, settings, details)
    if told is None:
        return None
    return told.mail(
        now,
        settings,
        N_("Please delete a CV: the candidate withdrew"),
        N_("A candidate whose CV you downloaded has withdrawn. Delete each copy you hold by the day given:"),
    )


def deletion_handed_on(
    session: Session, now: datetime, settings: Settings, details: dict[str, Any]
) -> Mail | None:
    """Tells who answers for the copies of a recruiter who is gone: the company's owner, or an admin (B6).

    They get copy ids and days, and nothing about the recruiter or a candidate. The owner settles
    through a link of their own; an admin sees to it that somebody does.
    """
    account = session.get(Account, UUID(details["account_id"]))
    copies = duty_queries.open_copies(session, [UUID(copy_id) for copy_id in details["copy_ids"]])
    if account is None or not copies:
        return None
    is_admin = account.role == Role.ADMIN
    link: str | None = f"{settings.base_url}/admin/deletion-duties"
    if not is_admin:
        recruiter_id = UUID(details["recruiter_id"])
        link = duties.issue_settle_link(session, now, settings, recruiter_id, account.id)
    lines = [_line_without_holder(account.language, copy, now.date()) for copy in copies]
    return _mail(
        account,
        N_("Copies of CVs must be deleted: the account of who took them is closed"),
        N_("Hello %(name)s,"),
        N_("A recruiter of a company that has no owner any more took these copies:")
        if is_admin
        else N_("A recruiter of your company whose account is closed took these copies:"),
        "%(copies)s",
        N_("See to it that the company deletes them. Every duty, with its company: %(link)s")
        if is_admin
        else N_("See to it that they are deleted, then attest it, or say why one must be kept: %(link)s"),
        copies="\n".join(lines),
        link=link,
    )


EMAILS: dict[str, Composer] = {
    "contact_received": contact_received,
    "message_received": message_received,
    "contact_answered": contact_answered,
    "deletion_reminder": deletion_reminder,
    "deletion_shortened": deletion_shortened,
    "deletion_handed_on": deletion_handed_on,
}


@dataclass(frozen=True)
class _ToldHolder:
    """A holder who reads their mail, the copies still open, and where to settle them."""

    account: Account
    copies: tuple[DownloadView, ...]
    link: str
    can_sign_in: bool

    def mail(self, now: datetime, settings: Settings, subject: str, asked: str) -> Mail:
        """Return the mail that says what is asked of the copies, lists them and tells how to settle."""
        lines = [_line(self.account.language, copy, now.date()) for copy in self.copies]
        return _mail(
            self.account,
            subject,
            N_("Hello %(name)s,"),
            asked,
            "%(copies)s",
            *self._ways_to_settle(now, settings),
            copies="\n".join(lines),
            link=self.link,
            days=settings.overdue_grace_days,
        )

    def _ways_to_settle(self, now: datetime, settings: Settings) -> tuple[str, ...]:
        """Return how to settle, and what is stopped until then."""
        if not self.can_sign_in:
            return (
                N_("You cannot sign in at present. Attest the deletion here, or say why you must keep one:"),
                "%(link)s",
                N_("The link works until everything is settled. It is yours: do not hand it on."),
            )
        settle = N_("Then attest the deletion here, or say why you must keep a copy: %(link)s")
        cutoff = retention.stopping_cutoff(now.date(), settings.overdue_grace_days)
        if all(copy.delete_by_on >= cutoff for copy in self.copies):
            return (settle,)
        stop = N_(
            "A copy is more than %(days)s days overdue: you can take no new copies and see no e-mail "
            "addresses until it is settled. From then on you can at once."
        )
        return (stop, settle)


def _to_holder(
    session: Session, now: datetime, settings: Settings, details: dict[str, Any]
) -> _ToldHolder | None:
    """Return whom to tell; None when every copy is settled, or the holder is gone and others are told."""
    recruiter_id = UUID(details["recruiter_id"])
    copy_ids = [UUID(copy_id) for copy_id in details["copy_ids"]]
    copies = duty_queries.open_copies(session, copy_ids)
    if not copies:
        return None
    holder = duty_queries.holder_of(session, recruiter_id)
    account = None
    if holder is not None and holder.account_id is not None:
        account = session.get(Account, holder.account_id)
    if holder is None or account is None or duties.is_gone(holder):
        _hand_on(session, now, details, copy_ids)
        return None
    if holder.state not in duties.CANNOT_SIGN_IN:
        return _ToldHolder(account, copies, f"{settings.base_url}/recruiter/downloads", can_sign_in=True)
    link = duties.issue_settle_link(session, now, settings, recruiter_id, account.id)
    return None if link is None else _ToldHolder(account, copies, link, can_sign_in=False)


def _hand_on(session: Session, now: datetime, details: dict[str, Any], copy_ids: list[UUID]) -> None:
    """Have the mail of a holder who is gone sent to who answers for the copies (B6)."""
    owners = duty_queries.owners_answering_for(session, copy_ids)
    for account_id in retention.reminded_instead(owners, recruiter_queries.admin_ids(session)):
        outbox.publish(
            session,
            now,
            "mail.requested",
            account_id,
            details={
                "mail": "deletion_handed_on", "recruiter_id": details["recruiter_id"],
                "copy_ids": details["copy_ids"],
            },
            unique_key=f"{details['key']}:{account_id}",
        )  # fmt: skip


def _line(language: str, copy: DownloadView, today: date) -> str:
    values = {"file": copy.file_name, "title": copy.opening_title, "day": copy.delete_by_on.isoformat()}
    return "- " + translate(
        language, N_("%(file)s (%(title)s): %(day)s, %(left)s"), **values, left=_left(language, copy, today)
    )


def _line_without_holder(language: str, copy: DownloadView, today: date) -> str:
    return "- " + translate(
        language,
        N_("copy %(id)s (%(title)s), downloaded on %(taken)s: %(day)s, %(left)s"),
        id=copy.id,
        title=copy.opening_title,
        taken=copy.downloaded_at.date().isoformat(),
        day=copy.delete_by_on.isoformat(),
        left=_left(language, copy, today),
    )


def _left(language: str, copy: DownloadView, today: date) -> str:
    left = retention.days_left(copy.delete_by_on, today)
    if left == 0:
        return translate(language, N_("today"))
    if left < 0:
        return translate_plural(language, "%(num)s day overdue", "%(num)s days overdue", -left)
    return translate_plural(language, "%(num)s day left", "%(num)s days left", left)


def _side(account: Account) -> MessageAuthor:
    return MessageAuthor.RECRUITER if account.role == Role.RECRUITER else MessageAuthor.CANDIDATE


def _is_over(session: Session, now: datetime, settings: Settings, contact: Contact) -> bool:
    """Whether the two no longer meet: the candidate is hidden, or the recruiter stopped, since."""
    recruiter = recruiter_if_any(session, contact.recruiter_id)
    if recruiter is None or not recruiter.is_active or not recruiter.is_company_verified:
        return True
    return bool(hidden_among(session, now, settings, recruiter, {contact.candidate_id}))


def _mail(account: Account, subject: str, *paragraphs: str, **values: object) -> Mail:
    known = {"name": account.first_name, **values}
    return letter(account.email, account.language, subject, paragraphs, known)
