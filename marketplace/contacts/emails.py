"""The mails of contacts. Neither side ever reads the other's address in one (rules D3).

Everything is read when a mail is sent: what is hidden, suspended or settled by then is not sent
(security.md INV-5).
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from marketplace.accounts.emails import Composer
from marketplace.accounts.models import Account, Role
from marketplace.catalogues import N_
from marketplace.contacts import disclosures, queries
from marketplace.contacts.models import Contact, ContactState, DutyState, MessageAuthor
from marketplace.mail import Mail, letter
from marketplace.settings import Settings


def contact_received(
    session: Session, now: datetime, settings: Settings, details: dict[str, Any]
) -> Mail | None:
    """The first message of a recruiter, to the candidate (D3)."""
    contact = session.get(Contact, UUID(details["contact_id"]))
    account = session.get(Account, UUID(details["account_id"]))
    if contact is None or account is None or _is_over(session, now, settings, contact):
        return None
    view = queries.contact_view(session, contact.id, MessageAuthor.CANDIDATE)
    thread = queries.messages(session, contact.id)
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
    view = queries.contact_view(session, contact.id, _side(account))
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
    view = queries.contact_view(session, contact.id, MessageAuthor.RECRUITER)
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


def deletion_shortened(
    session: Session,
    now: datetime,  # noqa: ARG001  (every composer has this signature)
    settings: Settings,
    details: dict[str, Any],
) -> Mail | None:
    """Tells who holds a copy that the candidate withdrew, and until when it must go (D5)."""
    account = session.get(Account, UUID(details["account_id"]))
    copies = [queries.download(session, UUID(copy_id)) for copy_id in details["copy_ids"]]
    still_open = [copy for copy in copies if copy is not None and copy.state is DutyState.OPEN]
    if account is None or not still_open:
        return None
    lines = [
        f"- {copy.file_name} ({copy.opening_title}): {copy.delete_by_on.isoformat()}" for copy in still_open
    ]
    return _mail(
        account,
        N_("Please delete a CV: the candidate withdrew"),
        N_("Hello %(name)s,"),
        N_("A candidate whose CV you downloaded has withdrawn. Delete each copy you hold by the day given:"),
        "%(copies)s",
        N_("Then attest the deletion here: %(link)s"),
        copies="\n".join(lines),
        link=f"{settings.base_url}/recruiter/downloads",
    )


EMAILS: dict[str, Composer] = {
    "contact_received": contact_received,
    "message_received": message_received,
    "contact_answered": contact_answered,
    "deletion_shortened": deletion_shortened,
}


def _side(account: Account) -> MessageAuthor:
    return MessageAuthor.RECRUITER if account.role == Role.RECRUITER else MessageAuthor.CANDIDATE


def _is_over(session: Session, now: datetime, settings: Settings, contact: Contact) -> bool:
    """Whether the two no longer meet: the candidate is hidden, or the recruiter stopped, since."""
    recruiter = queries.recruiter_if_any(session, contact.recruiter_id)
    if recruiter is None or not recruiter.is_active or not recruiter.is_company_verified:
        return True
    return bool(disclosures.hidden_among(session, now, settings, recruiter, {contact.candidate_id}))


def _mail(account: Account, subject: str, *paragraphs: str, **values: object) -> Mail:
    known = {"name": account.first_name, **values}
    return letter(account.email, account.language, subject, paragraphs, known)
