"""Reading the forms of recruiters; what is wrong with their values is for the services to say."""

from __future__ import annotations

from marketplace.accounts.forms import read_person
from marketplace.recruiters.services import CompanyGiven, RecruiterRegistration
from marketplace.web.portal import FormData

ON_BEHALF = "on_behalf"


def read_sign_up(form: FormData, language: str) -> RecruiterRegistration:
    """Read the registration form (B1).

    Raises :class:`InvalidInputError` on ``birth_date`` when it is no date.
    """
    return RecruiterRegistration(
        person=read_person(form, language),
        job_title=form.text("job_title"),
        work_country=form.text("work_country"),
        company=read_company(form, form.text("company.country")),
        declarations=form.values_of("declarations"),
    )


def read_company(form: FormData, country: str) -> CompanyGiven:
    """Read the fields of a company; its country is given where the form does not ask for it."""
    return CompanyGiven(
        name=form.text("company.name"),
        country=country,
        kind=form.text("company.kind"),
        registration_number=form.text("company.registration_number") or None,
        on_behalf=form.text("company.place") == ON_BEHALF,
    )
