"""Reading the forms of recruiters; what is wrong with their values is for the services to say."""

from __future__ import annotations

from collections.abc import Sequence

from marketplace.accounts.forms import read_person
from marketplace.errors import FieldError
from marketplace.recruiters.field_checks import CompanyGiven
from marketplace.recruiters.registration import RecruiterRegistration
from marketplace.web.portal import FormData

ON_BEHALF = "on_behalf"


def read_sign_up(form: FormData, language: str) -> tuple[RecruiterRegistration, Sequence[FieldError]]:
    """Read the registration form (B1), with the faults of reading for the service to tell with its own."""
    person, faults = read_person(form, language)
    registration = RecruiterRegistration(
        person=person,
        job_title=form.text("job_title"),
        work_country=form.text("work_country"),
        company=read_company(form, form.text("company.country")),
        declarations=form.values_of("declarations"),
    )
    return registration, faults


def read_company(form: FormData, country: str) -> CompanyGiven:
    """Read the fields of a company; its country is given where the form does not ask for it."""
    return CompanyGiven(
        name=form.text("company.name"),
        country=country,
        kind=form.text("company.kind"),
        registration_number=form.text("company.registration_number") or None,
        on_behalf=form.text("company.place") == ON_BEHALF,
    )
