"""The mails of candidates, composed when they are sent, from an outbox row that holds ids only."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from marketplace.accounts.emails import Composer
from marketplace.candidates import cvs, queries
from marketplace.candidates.queries import MailedCV
from marketplace.catalogues import N_, translate
from marketplace.errors import NotFoundError
from marketplace.mail import Mail, letter
from marketplace.pdf.results import RefusalReason
from marketplace.settings import Settings


def cv_refused(
    session: Session,
    now: datetime,  # noqa: ARG001  (every composer has this signature)
    settings: Settings,
    details: dict[str, Any],
) -> Mail | None:
    """Why a CV was refused, and what to do (rules C4)."""
    cv = queries.mailed_cv(session, UUID(details["cv_id"]))
    if cv is None or cv.reason is None:
        return None
    fault = cvs.refusal(RefusalReason(cv.reason), settings)
    reason = translate(cv.language, fault.message, **dict(fault.values))
    kept = (
        N_("The CV you uploaded before stays in use.")
        if cv.has_other
        else N_("Until a CV has been read, recruiters cannot find you.")
    )
    return _mail(
        settings,
        cv,
        N_("Your CV could not be taken"),
        N_("Your file “%(label)s” was refused:"),
        "%(reason)s",
        kept,
        N_("Upload another file here: %(link)s"),
        reason=reason,
    )


def cv_without_text(
    session: Session,
    now: datetime,  # noqa: ARG001  (every composer has this signature)
    settings: Settings,
    details: dict[str, Any],
) -> Mail | None:
    """That a CV is a scan: accepted, but none of its words can be found (rules C4)."""
    cv = queries.mailed_cv(session, UUID(details["cv_id"]))
    if cv is None:
        return None
    return _mail(
        settings,
        cv,
        N_("Your CV has no text that can be searched"),
        N_("Your file “%(label)s” is accepted, but it is a scan or a picture: no word of it can be found."),
        N_("To be found by its words, export your CV as a PDF from the program it was written with."),
        N_("Upload it here: %(link)s"),
    )


def opt_in_withdrawn(
    session: Session,
    now: datetime,  # noqa: ARG001  (every composer has this signature)
    settings: Settings,
    details: dict[str, Any],
) -> Mail | None:
    """Confirms a withdrawal, and says how to take it back (rules C2)."""
    try:
        person = queries.person(session, UUID(details["account_id"]))
    except NotFoundError:
        return None
    paragraphs = (
        N_("Hello %(name)s,"),
        N_("You withdrew your consent: no recruiter can find or open your profile any more."),
        N_("Whoever holds a copy of your CV has been asked to delete it within seven days: %(log)s"),
        N_("Nothing of your profile is lost. To be found again: %(link)s"),
    )
    values = {
        "name": person.first_name,
        "log": f"{settings.base_url}/candidate/access-log",
        "link": f"{settings.base_url}/candidate/visibility",
    }
    return letter(person.email, person.language, N_("You are hidden now"), paragraphs, values)


EMAILS: dict[str, Composer] = {
    "cv_refused": cv_refused,
    "cv_without_text": cv_without_text,
    "opt_in_withdrawn": opt_in_withdrawn,
}


def _mail(settings: Settings, cv: MailedCV, subject: str, *paragraphs: str, **values: object) -> Mail:
    known = {
        "name": cv.first_name,
        "label": cv.label,
        "link": f"{settings.base_url}/candidate/cv",
        **values,
    }
    return letter(cv.email, cv.language, subject, (N_("Hello %(name)s,"), *paragraphs), known)
