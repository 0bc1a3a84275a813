"""What the JSON routes of recruiters take and give (interface.md); unknown fields are refused."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

import msgspec
from litestar.datastructures import UploadFile
from msgspec import Meta

from marketplace.accounts.registration import Registration
from marketplace.recruiters.field_checks import CompanyGiven
from marketplace.recruiters.queries import RecruiterFacts
from marketplace.recruiters.registration import RecruiterRegistration
from marketplace.terms.services import AcceptedVersion

Line = Annotated[str, Meta(max_length=400)]
Code = Annotated[str, Meta(max_length=40)]
Country = Annotated[str, Meta(min_length=2, max_length=2, pattern="^[A-Za-z]{2}$")]


class _In(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """What a client sends."""


class RecruiterAcceptanceIn(_In):
    document: Code
    version: Code


class CompanyIn(_In):
    """The employer: ``registration_number`` is a SIREN or SIRET, a company number, or an EIN."""

    name: Line
    country: Country
    kind: Code = "private"
    registration_number: Line | None = None
    on_behalf: bool = False

    def given(self) -> CompanyGiven:
        """Return what the services take."""
        return CompanyGiven(
            name=self.name,
            country=self.country,
            kind=self.kind,
            registration_number=self.registration_number,
            on_behalf=self.on_behalf,
        )


class RecruiterIn(_In, kw_only=True):
    """Registration (rules B1)."""

    first_name: Line
    last_name: Line
    birth_date: date
    email: Line
    password: Annotated[str, Meta(max_length=4096)] | None = None
    job_title: Line
    work_country: Country
    company: CompanyIn
    declarations: Annotated[list[Code], Meta(max_length=10)] = msgspec.field(default_factory=list)
    acceptances: Annotated[list[RecruiterAcceptanceIn], Meta(max_length=20)] = msgspec.field(
        default_factory=list
    )

    def registration(self, language: str) -> RecruiterRegistration:
        """Return what the service takes."""
        return RecruiterRegistration(
            person=Registration(
                first_name=self.first_name,
                last_name=self.last_name,
                birth_date=self.birth_date,
                email=self.email,
                password=self.password,
                language=language,
                acceptances=[AcceptedVersion(item.document, item.version) for item in self.acceptances],
            ),
            job_title=self.job_title,
            work_country=self.work_country,
            company=self.company.given(),
            declarations=self.declarations,
        )


class Registered(msgspec.Struct):
    """``{}``: the same whether or not the address is known."""


class RecruiterPatch(_In):
    """Own professional data; a work country is a request that an admin reviews."""

    job_title: Line | None = None
    work_country: Country | None = None


class ResubmissionIn(_In):
    """A refused company, corrected."""

    name: Line
    kind: Code = "private"
    registration_number: Line | None = None

    def given(self, country: str) -> CompanyGiven:
        """Return what the service takes; the country stays."""
        return CompanyGiven(
            name=self.name,
            country=country,
            kind=self.kind,
            registration_number=self.registration_number,
        )


class MandateForm(msgspec.Struct):
    """The multipart body of an upload: one part named ``file``."""

    file: UploadFile


class CompanyOut(msgspec.Struct, kw_only=True):
    id: UUID
    name: str
    kind: str
    country: str
    registration_number: str | None
    state: str
    decision_reason: str | None
    domains: list[str]


class CapabilitiesOut(msgspec.Struct, kw_only=True):
    may_see_counts: bool
    may_search: bool
    may_contact: bool
    may_download: bool


class RecruiterOut(msgspec.Struct, kw_only=True):
    """One's own professional data."""

    id: UUID
    state: str
    job_title: str
    work_country: str
    requested_work_country: str | None
    is_owner: bool
    on_behalf: bool
    mandate_attached: bool
    review_reasons: list[str]
    confirmed_at: datetime
    company: CompanyOut
    capabilities: CapabilitiesOut


def recruiter_out(facts: RecruiterFacts) -> RecruiterOut:
    """Return one's own professional data as they are sent."""
    may = facts.capabilities
    return RecruiterOut(
        id=facts.recruiter_id,
        state=facts.state.value,
        job_title=facts.job_title,
        work_country=facts.work_country,
        requested_work_country=facts.requested_work_country,
        is_owner=facts.is_owner,
        on_behalf=facts.is_on_behalf,
        mandate_attached=facts.has_mandate,
        review_reasons=list(facts.review_reasons),
        confirmed_at=facts.confirmed_at,
        company=CompanyOut(
            id=facts.company_id,
            name=facts.company_name,
            kind=facts.company_kind,
            country=facts.company_country,
            registration_number=facts.company_registration_number,
            state=facts.company_state.value,
            decision_reason=facts.company_decision_reason,
            domains=sorted(facts.company_domains),
        ),
        capabilities=CapabilitiesOut(
            may_see_counts=may.may_see_counts,
            may_search=may.may_search,
            may_contact=may.may_contact,
            may_download=may.may_download,
        ),
    )
