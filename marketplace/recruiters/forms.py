"""Reading the forms of recruiters; what is wrong with their values is for the services to say."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from marketplace.accounts.forms import read_acceptances, read_date
from marketplace.accounts.services import Registration
from marketplace.errors import FieldError, InvalidInputError
from marketplace.recruiters.services import CompanyGiven, RecruiterRegistration
from marketplace.web.portal import FormData

ON_BEHALF = "on_behalf"
NO_DATE = date(1900, 1, 1)
"""Stands where the date typed is none, so that the other fields are judged in the same answer."""


def read_sign_up(form: FormData, language: str) -> tuple[RecruiterRegistration, Sequence[FieldError]]:
    """Read the registration form (B1), with the faults of reading for the service to tell with its own."""
    faults: Sequence[FieldError] = ()
    try:
        birth_date = read_date(form, "birth_date")
    except InvalidInputError as refused:
        birth_date, faults = NO_DATE, refused.errors
    person = Registration(
        first_name=form.text("first_name"),
        last_name=form.text("last_name"),
        birth_date=birth_date,
        email=form.text("email"),
        password=form.raw("password") or None,
        language=language,
        acceptances=read_acceptances(form),
    )
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
