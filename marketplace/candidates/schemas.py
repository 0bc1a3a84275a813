"""What the JSON routes of candidates take and give (interface.md); unknown fields are refused."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

import msgspec
from litestar.datastructures import UploadFile
from msgspec import Meta

from marketplace.candidates.cvs import CVStatus
from marketplace.candidates.exclusions import ExclusionView
from marketplace.candidates.lifecycle import CVState
from marketplace.candidates.policy import WorkRight
from marketplace.candidates.profiles import Profile, ProfileInput, Right
from marketplace.contacts.ledger_queries import LedgerView
from marketplace.contacts.paging import Position
from marketplace.pdf.results import RefusalReason
from marketplace.settings import Settings
from marketplace.web.paging import decode_cursor, encode_cursor

Country = Annotated[str, Meta(min_length=2, max_length=2, pattern="^[A-Za-z]{2}$")]
Code = Annotated[str, Meta(min_length=1, max_length=60)]
Name = Annotated[str, Meta(max_length=200)]
Email = Annotated[str, Meta(min_length=3, max_length=320)]
Hash = Annotated[str, Meta(min_length=64, max_length=64, pattern="^[0-9a-f]{64}$")]


class In(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Base of what comes in."""


class AcceptanceIn(In):
    document: Annotated[str, Meta(max_length=40)]
    version: Annotated[str, Meta(max_length=40)]


class CandidateIn(In):
    """Registration (rules A1, A3)."""

    first_name: Name
    last_name: Name
    birth_date: date
    email: Email
    password: Annotated[str, Meta(max_length=4096)] | None = None
    protected: bool = False
    acceptances: Annotated[list[AcceptanceIn], Meta(max_length=20)] = msgspec.field(default_factory=list)


class Empty(msgspec.Struct):
    """``{}``: the answer that says nothing."""


class RightSchema(In):
    """Right to work in one country of the Territory; an expiry only with ``yes``."""

    country: Country
    right: WorkRight
    expires_on: date | None = None


class ProfileSchema(In):
    """The fields of rules C1. What is read can be sent back; an absent field empties it.

    ``start_on`` is a day, ``start_month`` (YYYY-MM) a month: one of them. Words in ``skills`` that
    the vocabulary does not know become ``other_skills``.
    """

    country: Country | None = None
    region: Annotated[str, Meta(max_length=8)] | None = None
    job_fields: Annotated[list[Code], Meta(max_length=40)] = msgspec.field(default_factory=list)
    start_on: date | None = None
    start_month: Annotated[str, Meta(pattern="^[0-9]{4}-[0-9]{2}$")] | None = None
    flex_weeks: Annotated[int, Meta(ge=0, le=26)] = 0
    headline: Annotated[str, Meta(max_length=1000)] = ""
    skills: Annotated[list[Code], Meta(max_length=200)] = msgspec.field(default_factory=list)
    other_skills: Annotated[list[Code], Meta(max_length=100)] = msgspec.field(default_factory=list)
    languages: Annotated[list[Annotated[str, Meta(pattern="^[A-Za-z]{2}$")]], Meta(max_length=50)] = (
        msgspec.field(default_factory=list)
    )
    education_level: Annotated[int, Meta(ge=3, le=8)] | None = None
    current_employer: Annotated[str, Meta(max_length=1000)] | None = None
    right_to_work: Annotated[list[RightSchema], Meta(max_length=20)] = msgspec.field(default_factory=list)

    def to_input(self) -> ProfileInput:
        """Return what the service takes."""
        return ProfileInput(
            country=self.country,
            region=self.region,
            job_fields=self.job_fields,
            start_on=self.start_on,
            start_month=self.start_month,
            flex_weeks=self.flex_weeks,
            headline=self.headline,
            skills=self.skills,
            other_skills=self.other_skills,
            languages=self.languages,
            education_level=self.education_level,
            current_employer=self.current_employer,
            right_to_work=[Right(item.country, item.right, item.expires_on) for item in self.right_to_work],
        )

    @classmethod
    def of(cls, profile: Profile) -> ProfileSchema:
        """Return the profile as it is sent."""
        return cls(
            country=profile.country,
            region=profile.region,
            job_fields=list(profile.job_fields),
            start_on=profile.start_on,
            start_month=profile.start_month,
            flex_weeks=profile.flex_weeks,
            headline=profile.headline,
            skills=list(profile.skills),
            other_skills=list(profile.other_skills),
            languages=list(profile.languages),
            education_level=profile.education_level,
            current_employer=profile.current_employer,
            right_to_work=[
                RightSchema(country=item.country, right=WorkRight(item.right), expires_on=item.expires_on)
                for item in profile.right_to_work
            ],
        )


class CVUploadForm(msgspec.Struct):
    """The multipart body of an upload: one part named ``file``."""

    file: UploadFile


class CVOut(msgspec.Struct, kw_only=True):
    """State of the newest upload; ``in_use`` is the CV recruiters are shown, perhaps an older one."""

    id: UUID
    state: CVState
    reason: RefusalReason | None
    label: str
    uploaded_at: datetime
    pages: int | None
    in_use: UUID | None

    @classmethod
    def of(cls, newest: CVStatus, in_use: CVStatus | None) -> CVOut:
        """Return the state as it is sent."""
        return cls(
            id=newest.cv_id,
            state=newest.state,
            reason=newest.reason,
            label=newest.label,
            uploaded_at=newest.uploaded_at,
            pages=newest.pages,
            in_use=None if in_use is None else in_use.cv_id,
        )


class OptInIn(In):
    """The hash of the consent text that was shown (``GET /terms``, ``consent_search``)."""

    consent_hash: Hash


class OptInOut(msgspec.Struct):
    state: str


class AccessOut(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One line of the access log (rules C6)."""

    kind: str
    at: datetime
    company: str
    role: str
    purpose: str
    delete_by_on: date | None = None
    duty_state: str | None = None
    duty_exception: str | None = None

    @classmethod
    def of(cls, view: LedgerView) -> AccessOut:
        """Return a line as it is sent."""
        return cls(
            kind=view.kind.value,
            at=view.at,
            company=view.company,
            role=view.role,
            purpose=view.purpose,
            delete_by_on=view.delete_by_on,
            duty_state=None if view.duty_state is None else view.duty_state.value,
            duty_exception=None if view.duty_exception is None else view.duty_exception.value,
        )


class AccessPage(msgspec.Struct):
    items: list[AccessOut]
    next_cursor: str | None


def access_cursor(settings: Settings, account_id: UUID, now: datetime, after: Position | None) -> str | None:
    """Return where the next page of the access log starts, for this account."""
    if after is None:
        return None
    key = (after.at.isoformat(), int(after.last))
    return encode_cursor(settings, account_id, "access-log", now, key)


def access_position(
    settings: Settings, account_id: UUID, now: datetime, cursor: str | None
) -> Position | None:
    """Return the place a cursor stands for; raises :class:`InvalidInputError` for one that is not ours."""
    key = decode_cursor(settings, account_id, "access-log", now, cursor)
    return None if key is None else Position(datetime.fromisoformat(str(key[0])), int(str(key[1])))


class ExclusionIn(In):
    """A company to exclude (rules C5): by one of domain, number or id."""

    domain: Annotated[str, Meta(max_length=320)] | None = None
    registration_number: Annotated[str, Meta(max_length=40)] | None = None
    company_id: UUID | None = None
    label: Name = ""


class ExclusionOut(msgspec.Struct, kw_only=True):
    id: UUID
    domain: str | None
    registration_number: str | None
    company_id: UUID | None
    label: str
    created_at: datetime

    @classmethod
    def of(cls, view: ExclusionView) -> ExclusionOut:
        """Return an exclusion as it is sent."""
        return cls(
            id=view.exclusion_id,
            domain=view.domain,
            registration_number=view.registration_number,
            company_id=view.company_id,
            label=view.label,
            created_at=view.created_at,
        )


class ExclusionPage(msgspec.Struct):
    items: list[ExclusionOut]
    next_cursor: str | None = None
