"""Reading the forms of accounts; the registration forms of both roles share the person's part."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from marketplace.accounts.registration import Registration
from marketplace.errors import FieldError, InvalidInputError
from marketplace.terms.services import AcceptedVersion
from marketplace.web.portal import FormData

ACCEPTANCE = "acceptances."
"""Prefix of the check boxes: the rest of the name is the document, the value the version shown."""

NO_DATE = date(1900, 1, 1)
"""Stands where the date typed is none, so that the other fields are judged in the same answer."""


def read_person(form: FormData, language: str) -> tuple[Registration, Sequence[FieldError]]:
    """Read the fields of ``accounts/_person_fields.html``, with the faults of reading.

    The service tells those with its own (``other_faults`` of ``register_account``); everything else
    is for it to judge.
    """
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
    return person, faults


def read_acceptances(form: FormData) -> list[AcceptedVersion]:
    """Read the ticked documents with the version that was shown."""
    return [
        AcceptedVersion(name.removeprefix(ACCEPTANCE), value)
        for name, value in form.items()
        if name.startswith(ACCEPTANCE) and value
    ]


def read_date(form: FormData, name: str) -> date:
    """Read a date field (``YYYY-MM-DD``); raise :class:`InvalidInputError` for anything else."""
    try:
        return date.fromisoformat(form.text(name))
    except ValueError:
        raise InvalidInputError.of(name, "invalid_date", "Enter a date, like 2005-06-30.") from None
