"""JSON routes of candidates: registration, profile, CV, opt-in, access log, exclusions."""

from typing import Annotated
from uuid import UUID

from litestar.di import NamedDependency
from litestar.enums import RequestEncodingType
from litestar.handlers import HTTPRouteHandler
from litestar.params import BodyKwarg, FromPath, FromQuery, JSONBody

from marketplace.accounts.registration import Registration
from marketplace.candidates import cvs, exclusions, profiles, queries, services
from marketplace.candidates.schemas import (
    AccessOut,
    AccessPage,
    CandidateIn,
    CVOut,
    CVUploadForm,
    Empty,
    ExclusionIn,
    ExclusionOut,
    ExclusionPage,
    OptInIn,
    OptInOut,
    ProfileSchema,
    access_cursor,
    access_position,
)
from marketplace.contacts import ledger_queries
from marketplace.contacts.services import candidate_withdrew
from marketplace.errors import NotFoundError
from marketplace.ports import Ports
from marketplace.rate_limits.quotas import Quota
from marketplace.terms.services import AcceptedVersion
from marketplace.web.api import delete, get, post, put
from marketplace.web.guards import requires_candidate
from marketplace.web.identity import Member

CHANNEL = "api"
UPLOAD_BODY_BYTES = 6 * 1024 * 1024
"""A CV of 5 MiB with its envelope (security.md U-01)."""

UPLOAD_PARTS = 4


@post(
    "/candidates",
    status_code=202,
    opt={"public": True, "quota": Quota.SIGN_UP},
    summary="Register as a candidate",
    operation_id="registerCandidate",
)
def register(
    data: JSONBody[CandidateIn], ports: NamedDependency[Ports], language: NamedDependency[str]
) -> Empty:
    """Register as a candidate: the same answer whether or not the address is known (A5)."""
    registration = Registration(
        first_name=data.first_name,
        last_name=data.last_name,
        birth_date=data.birth_date,
        email=data.email,
        password=data.password,
        language=language,
        acceptances=[AcceptedVersion(item.document, item.version) for item in data.acceptances],
    )
    with ports.db.transaction() as session:
        services.register_candidate(
            session, ports.clock.now(), ports.settings, registration, is_protected=data.protected
        )
    return Empty()


@get("/me/profile", errors=(404,), guards=[requires_candidate], summary="Own profile")
def read_profile(ports: NamedDependency[Ports], member: NamedDependency[Member]) -> ProfileSchema:
    """Return the own profile (C1)."""
    with ports.db.transaction() as session:
        profile = profiles.own_profile(session, ports.clock.now(), ports.settings, member.account_id)
    return ProfileSchema.of(profile)


@put("/me/profile", errors=(404, 409), guards=[requires_candidate], summary="Replace the own profile")
def write_profile(
    data: JSONBody[ProfileSchema], ports: NamedDependency[Ports], member: NamedDependency[Member]
) -> ProfileSchema:
    """Replace the own profile (C1) and confirm it."""
    with ports.db.transaction() as session:
        profile = profiles.update_profile(
            session, ports.clock.now(), ports.settings, member.account_id, data.to_input()
        )
    return ProfileSchema.of(profile)


@put(
    "/me/cv",
    status_code=202,
    errors=(404, 409),
    guards=[requires_candidate],
    opt={"quota": Quota.CV_UPLOAD},
    request_max_body_size=UPLOAD_BODY_BYTES,
    summary="Upload a CV",
)
def upload_cv(
    data: Annotated[
        CVUploadForm,
        BodyKwarg(media_type=RequestEncodingType.MULTI_PART, multipart_form_part_limit=UPLOAD_PARTS),
    ],
    ports: NamedDependency[Ports],
    member: NamedDependency[Member],
) -> CVOut:
    """Upload a CV as the part `file` (C4): accepted means received; `GET` tells what became of it."""
    status = cvs.take_upload(
        ports.db,
        ports.files,
        ports.reader,
        ports.settings,
        ports.clock.now(),
        member.account_id,
        data.file.file.read(),
        data.file.filename,
    )
    with ports.db.transaction() as session:
        in_use = cvs.cv_in_use(session, member.account_id)
    return CVOut.of(status, in_use)


@get("/me/cv", errors=(404,), guards=[requires_candidate], summary="State of the own CV")
def read_cv(ports: NamedDependency[Ports], member: NamedDependency[Member]) -> CVOut:
    """Return the state of the newest upload (C4)."""
    with ports.db.transaction() as session:
        newest = cvs.latest_cv(session, member.account_id)
        in_use = cvs.cv_in_use(session, member.account_id)
    if newest is None:
        raise NotFoundError("cv")
    return CVOut.of(newest, in_use)


@delete("/me/cv", errors=(404,), guards=[requires_candidate], summary="Delete the own CV")
def delete_cv(ports: NamedDependency[Ports], member: NamedDependency[Member]) -> None:
    """Delete the CV with its files; the profile is then incomplete (C4, C7)."""
    with ports.db.transaction() as session:
        cvs.delete_cv(session, ports.clock.now(), ports.settings, member.account_id, candidate_withdrew)


@post(
    "/me/opt-in",
    status_code=200,
    errors=(404, 409),
    guards=[requires_candidate],
    summary="Become searchable",
)
def opt_in(
    data: JSONBody[OptInIn], ports: NamedDependency[Ports], member: NamedDependency[Member]
) -> OptInOut:
    """Become searchable, by consent to the text in force (C2)."""
    with ports.db.transaction() as session:
        services.opt_in(
            session, ports.clock.now(), ports.settings, member.account_id, data.consent_hash, CHANNEL
        )
        state = services.member_facts(session, member.account_id).state
    return OptInOut(state)


@delete(
    "/me/opt-in",
    errors=(404,),
    guards=[requires_candidate],
    opt={"while_unsettled": True, "while_suspended": True},
    summary="Withdraw from search",
)
def withdraw(ports: NamedDependency[Ports], member: NamedDependency[Member]) -> None:
    """Withdraw: from now on no recruiter finds or opens the profile (C2)."""
    with ports.db.transaction() as session:
        services.withdraw(
            session, ports.clock.now(), ports.settings, member.account_id, CHANNEL, candidate_withdrew
        )


@get("/me/access-log", errors=(404, 422), guards=[requires_candidate], summary="Own access log")
def read_access_log(
    ports: NamedDependency[Ports],
    member: NamedDependency[Member],
    cursor: FromQuery[str | None] = None,
) -> AccessPage:
    """Return who opened, read, revealed, contacted or downloaded what, newest first (C6)."""
    now = ports.clock.now()
    after = access_position(ports.settings, member.account_id, now, cursor)
    with ports.db.transaction() as session:
        candidate_id = queries.candidate_id_of(session, member.account_id)
        page = ledger_queries.access_log(session, candidate_id, after=after)
    return AccessPage(
        [AccessOut.of(view) for view in page.rows],
        access_cursor(ports.settings, member.account_id, now, page.after),
    )


@get("/me/exclusions", errors=(404,), guards=[requires_candidate], summary="Excluded companies")
def list_exclusions(ports: NamedDependency[Ports], member: NamedDependency[Member]) -> ExclusionPage:
    """Return the companies that do not see the profile (C5)."""
    with ports.db.transaction() as session:
        views = exclusions.exclusions_of(session, member.account_id)
    return ExclusionPage([ExclusionOut.of(view) for view in views])


@post(
    "/me/exclusions",
    status_code=201,
    errors=(404, 409),
    guards=[requires_candidate],
    summary="Exclude a company",
)
def add_exclusion(
    data: JSONBody[ExclusionIn], ports: NamedDependency[Ports], member: NamedDependency[Member]
) -> ExclusionOut:
    """Exclude a company by its e-mail domain (with sub-domains), number or id (C5)."""
    with ports.db.transaction() as session:
        view = exclusions.add_exclusion(
            session,
            ports.clock.now(),
            member.account_id,
            company_id=data.company_id,
            domain=data.domain,
            registration_number=data.registration_number,
            label=data.label,
        )
    return ExclusionOut.of(view)


@delete(
    "/me/exclusions/{exclusion_id:uuid}",
    errors=(404,),
    guards=[requires_candidate],
    summary="Take an exclusion back",
)
def remove_exclusion(
    exclusion_id: FromPath[UUID], ports: NamedDependency[Ports], member: NamedDependency[Member]
) -> None:
    """Take an exclusion back (C5)."""
    with ports.db.transaction() as session:
        exclusions.remove_exclusion(session, ports.clock.now(), member.account_id, exclusion_id)


ROUTES: list[HTTPRouteHandler] = [
    register,
    read_profile,
    write_profile,
    upload_cv,
    read_cv,
    delete_cv,
    opt_in,
    withdraw,
    read_access_log,
    list_exclusions,
    add_exclusion,
    remove_exclusion,
]
