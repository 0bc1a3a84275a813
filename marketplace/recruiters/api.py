"""JSON routes of recruiters: registering, own professional data, mandate, submitting again."""

from typing import Annotated

from litestar.di import NamedDependency
from litestar.enums import RequestEncodingType
from litestar.handlers import HTTPRouteHandler
from litestar.params import BodyKwarg, JSONBody

from marketplace.ports import Ports
from marketplace.rate_limits.quotas import Quota
from marketplace.recruiters import professional_data, queries
from marketplace.recruiters.registration import register_recruiter
from marketplace.recruiters.schemas import (
    MandateForm,
    RecruiterIn,
    RecruiterOut,
    RecruiterPatch,
    Registered,
    ResubmissionIn,
    recruiter_out,
)
from marketplace.web.api import get, patch, post, put
from marketplace.web.guards import requires_recruiter
from marketplace.web.identity import Member

MANDATE_BODY_BYTES = 5 * 1024 * 1024 + 64 * 1024
"""A file of 5 MiB with its envelope (security.md U-01)."""

MANDATE_PARTS = 4


@post(
    "/recruiters",
    status_code=202,
    opt={"public": True, "quota": Quota.SIGN_UP},
    summary="Register as a recruiter",
    operation_id="registerRecruiter",
)
def register(
    data: JSONBody[RecruiterIn], ports: NamedDependency[Ports], language: NamedDependency[str]
) -> Registered:
    """Register as a recruiter: the same answer whether or not the address is known (A5, B1)."""
    with ports.db.transaction() as session:
        register_recruiter(session, ports.clock.now(), ports.settings, data.registration(language))
    return Registered()


@get("/me/recruiter", errors=(404,), guards=[requires_recruiter], summary="Own professional data")
def read_own(ports: NamedDependency[Ports], member: NamedDependency[Member]) -> RecruiterOut:
    """Return one's own professional data (A7)."""
    with ports.db.reading() as session:
        return recruiter_out(queries.recruiter_facts(session, member.account_id))


@patch("/me/recruiter", errors=(404,), guards=[requires_recruiter], summary="Correct own professional data")
def correct_own(
    data: JSONBody[RecruiterPatch], ports: NamedDependency[Ports], member: NamedDependency[Member]
) -> RecruiterOut:
    """Correct one's own professional data; a change of work country is reviewed (A7, B1)."""
    with ports.db.transaction() as session:
        professional_data.update_professional_data(
            session,
            ports.clock.now(),
            ports.settings,
            member.account_id,
            job_title=data.job_title,
            work_country=data.work_country,
        )
        session.flush()
        return recruiter_out(queries.recruiter_facts(session, member.account_id))


@post(
    "/me/recruiter/confirmations",
    status_code=200,
    errors=(404,),
    guards=[requires_recruiter],
    summary="Confirm own professional data",
)
def confirm_own(ports: NamedDependency[Ports], member: NamedDependency[Member]) -> RecruiterOut:
    """Confirm that one's own data are right (A7)."""
    with ports.db.transaction() as session:
        professional_data.confirm_data(session, ports.clock.now(), member.account_id)
        session.flush()
        return recruiter_out(queries.recruiter_facts(session, member.account_id))


@put(
    "/me/recruiter/mandate",
    errors=(404, 409),
    guards=[requires_recruiter],
    request_max_body_size=MANDATE_BODY_BYTES,
    summary="Attach the mandate",
)
def attach_mandate(
    data: Annotated[
        MandateForm,
        BodyKwarg(media_type=RequestEncodingType.MULTI_PART, multipart_form_part_limit=MANDATE_PARTS),
    ],
    ports: NamedDependency[Ports],
    member: NamedDependency[Member],
) -> RecruiterOut:
    """Attach the mandate as the PDF part `file`; it is then reviewed (B1)."""
    content = data.file.file.read()
    with ports.db.transaction() as session:
        professional_data.attach_mandate(
            session, ports.clock.now(), ports.settings, ports.files, ports.reader, member.account_id, content
        )
        session.flush()
        return recruiter_out(queries.recruiter_facts(session, member.account_id))


@post(
    "/me/recruiter/company-submissions",
    status_code=200,
    errors=(404, 409),
    guards=[requires_recruiter],
    summary="Submit a refused company again",
)
def resubmit(
    data: JSONBody[ResubmissionIn], ports: NamedDependency[Ports], member: NamedDependency[Member]
) -> RecruiterOut:
    """Submit a refused company again, corrected (B3)."""
    with ports.db.transaction() as session:
        country = queries.recruiter_facts(session, member.account_id).company_country
        professional_data.resubmit_company(session, ports.clock.now(), member.account_id, data.given(country))
        session.flush()
        return recruiter_out(queries.recruiter_facts(session, member.account_id))


ROUTES: list[HTTPRouteHandler] = [register, read_own, correct_own, confirm_own, attach_mandate, resubmit]
