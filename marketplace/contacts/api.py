"""JSON routes of profiles, CV texts, e-mail reveals, copies, contacts and openings (interface.md)."""

from typing import Annotated
from uuid import UUID

from litestar import Response
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery, HeaderParameter, JSONBody, QueryParameter

from marketplace.accounts.models import Role
from marketplace.contacts import disclosures, downloads, duties, messages, opening_queries, openings
from marketplace.contacts.asking_recruiters import asking_recruiter
from marketplace.contacts.gate import gate
from marketplace.contacts.guards import refuses_speculation, requires_either_side
from marketplace.contacts.models import ContactState, OpeningState
from marketplace.contacts.openings import OpeningChange
from marketplace.contacts.schemas import (
    AnsweredOut,
    AnswerIn,
    AttestationIn,
    ContactIn,
    ContactsOut,
    CVTextOut,
    DutiesOut,
    EmailOut,
    ExceptionIn,
    MadeContactOut,
    MessageIn,
    MessageOut,
    MessagesOut,
    OpeningIn,
    OpeningOut,
    OpeningPatch,
    OpeningRef,
    OpeningsOut,
    ProfileOut,
    SpanOut,
    TakenCopyOut,
    contact_out,
    cursor_of,
    duty_out,
    message_out,
    opening_out,
    position_of,
    profile_out,
)
from marketplace.errors import InvalidInputError
from marketplace.ports import Ports
from marketplace.rate_limits.quotas import Quota
from marketplace.web.api import get, patch, post
from marketplace.web.guards import requires_candidate, requires_recruiter
from marketplace.web.headers import file_headers
from marketplace.web.identity import Member

IdempotencyKey = Annotated[str | None, HeaderParameter(name="Idempotency-Key", max_length=255)]


@get(
    "/candidates/{candidate_id:uuid}",
    opt={"quota": Quota.OPENING},
    guards=[requires_recruiter, refuses_speculation],
    errors=(404, 422),
    summary="Open a profile",
)
def open_profile(
    ports: NamedDependency[Ports],
    member: NamedDependency[Member],
    candidate_id: FromPath[UUID],
    job_country: FromQuery[str | None] = None,
) -> ProfileOut:
    """Open a profile. The candidate can read that you did."""
    now = ports.clock.now()
    with gate(ports.db, now) as session:
        opened = disclosures.open_profile(
            session, now, ports.settings, member.account_id, candidate_id, job_country
        )
    return profile_out(opened)


@post(
    "/candidates/{candidate_id:uuid}/email-reveals",
    opt={"quota": Quota.EMAIL_REVEAL},
    guards=[requires_recruiter],
    errors=(404,),
    summary="Reveal the e-mail address",
)
def reveal_email(
    ports: NamedDependency[Ports],
    member: NamedDependency[Member],
    candidate_id: FromPath[UUID],
    data: JSONBody[OpeningRef],
) -> EmailOut:
    """Reveal the e-mail address for an open opening of yours. The candidate can read that you did."""
    now = ports.clock.now()
    with gate(ports.db, now) as session:
        recruiter = asking_recruiter(session, member.account_id)
        opening = openings.own_open_opening(session, recruiter.recruiter_id, data.opening_id)
        email = disclosures.reveal_email(
            session, now, ports.settings, member.account_id, candidate_id, opening
        )
    return EmailOut(email=email)


@get(
    "/candidates/{candidate_id:uuid}/cv/text",
    opt={"quota": Quota.CV_TEXT},
    guards=[requires_recruiter, refuses_speculation],
    errors=(404, 422),
    summary="Read the text of a CV",
)
def cv_text(
    ports: NamedDependency[Ports],
    member: NamedDependency[Member],
    candidate_id: FromPath[UUID],
    q: FromQuery[str] = "",
    job_country: FromQuery[str | None] = None,
) -> CVTextOut:
    """Read the text of the CV, without contact details; the words of ``q`` are marked."""
    now = ports.clock.now()
    with gate(ports.db, now) as session:
        read = disclosures.read_cv_text(
            session, now, ports.settings, member.account_id, candidate_id, job_country, q
        )
    spans = [SpanOut(text=span.text, match=span.match) for span in read.spans]
    return CVTextOut(text=read.text, spans=spans)


@post(
    "/candidates/{candidate_id:uuid}/cv-downloads",
    opt={"quota": Quota.CV_DOWNLOAD},
    guards=[requires_recruiter],
    errors=(404,),
    status_code=201,
    summary="Take a marked copy of a CV",
)
def download_cv(
    ports: NamedDependency[Ports],
    member: NamedDependency[Member],
    candidate_id: FromPath[UUID],
    data: JSONBody[OpeningRef],
    idempotency_key: IdempotencyKey = None,
) -> TakenCopyOut:
    """Take a marked copy: it must be deleted by the day returned. Fetch the file within a minute."""
    now = ports.clock.now()
    with gate(ports.db, now) as session:
        taken = downloads.download_cv(
            session,
            now,
            ports.settings,
            member.account_id,
            member.session_id,
            candidate_id,
            opening_id=data.opening_id,
            idempotency_key=idempotency_key,
        )
    return TakenCopyOut(id=taken.id, delete_by_on=taken.delete_by_on)


@get(
    "/cv-downloads/{download_id:uuid}/file",
    guards=[requires_recruiter, refuses_speculation],
    errors=(404,),
    media_type="application/pdf",
    summary="File of a copy",
)
def hand_out_copy(
    ports: NamedDependency[Ports], member: NamedDependency[Member], download_id: FromPath[UUID]
) -> Response[bytes]:
    """The marked PDF: once, within a minute, to the session that took it."""
    return copy_response(ports, member, download_id)


def copy_response(ports: Ports, member: Member, download_id: UUID) -> Response[bytes]:
    """Return the answer that carries a copy, for the API and the portal (security.md U-06, U-07)."""
    content = downloads.hand_out(
        ports.db,
        ports.files,
        ports.reader,
        ports.settings,
        ports.clock.now(),
        member.account_id,
        member.session_id,
        download_id,
    )
    headers = file_headers(f"cv-{download_id.hex[:8]}.pdf")
    return Response(content=content, media_type="application/pdf", headers=headers)


@get(
    "/cv-downloads", guards=[requires_recruiter], errors=(422,), summary="Own copies and their deletion days"
)
def list_duties(
    ports: NamedDependency[Ports], member: NamedDependency[Member], cursor: FromQuery[str | None] = None
) -> DutiesOut:
    """Your copies, newest first, with the day each must be deleted by."""
    with ports.db.transaction() as session:
        page = duties.own_duties(session, ports.clock.now(), member.account_id, position_of(cursor))
    return DutiesOut(items=[duty_out(duty) for duty in page.rows], next_cursor=cursor_of(page.after))


@post(
    "/cv-downloads/attestations",
    guards=[requires_recruiter],
    errors=(404,),
    status_code=201,
    summary="Attest deletions",
)
def attest_deletions(
    ports: NamedDependency[Ports], member: NamedDependency[Member], data: JSONBody[AttestationIn]
) -> DutiesOut:
    """Attest that one copy, several or all were deleted."""
    if data.all == (data.ids is not None):
        raise InvalidInputError.of("ids", "one_of", "Give either ids or all.")
    now = ports.clock.now()
    with ports.db.transaction() as session:
        settled = duties.settle(session, now, member.account_id, data.ids, duties.DELETED)
    return DutiesOut(items=[duty_out(duty) for duty in settled], next_cursor=None)


@post(
    "/cv-downloads/exceptions",
    guards=[requires_recruiter],
    errors=(404,),
    status_code=201,
    summary="Keep copies for a reason",
)
def except_copies(
    ports: NamedDependency[Ports], member: NamedDependency[Member], data: JSONBody[ExceptionIn]
) -> DutiesOut:
    """Say that copies must be kept: the candidate was hired, or a law that you name obliges you.

    What is settled already stays as it is. The candidate reads which of the two it is.
    """
    said = duties.kept(ports.settings, data.exception.value, data.reason)
    with ports.db.transaction() as session:
        settled = duties.settle(session, ports.clock.now(), member.account_id, data.ids, said)
    return DutiesOut(items=[duty_out(duty) for duty in settled], next_cursor=None)


@post(
    "/candidates/{candidate_id:uuid}/contacts",
    opt={"quota": Quota.CONTACT},
    guards=[requires_recruiter],
    errors=(404, 409),
    status_code=201,
    summary="Contact a candidate",
)
def request_contact(
    ports: NamedDependency[Ports],
    member: NamedDependency[Member],
    candidate_id: FromPath[UUID],
    data: JSONBody[ContactIn],
    idempotency_key: IdempotencyKey = None,
) -> MadeContactOut:
    """Contact a candidate about an open opening of yours."""
    now = ports.clock.now()
    with gate(ports.db, now) as session:
        made = messages.request_contact(
            session,
            now,
            ports.settings,
            member.account_id,
            candidate_id,
            opening_id=data.opening_id,
            message=data.message,
            idempotency_key=idempotency_key,
        )
    return MadeContactOut(
        id=made.id,
        state=ContactState.SENT.value,
        created_at=made.created_at,
        warnings=[caution.value for caution in made.cautions],
    )


@get("/contacts", guards=[requires_either_side], errors=(422,), summary="Own contacts")
def list_contacts(
    ports: NamedDependency[Ports], member: NamedDependency[Member], cursor: FromQuery[str | None] = None
) -> ContactsOut:
    """Your contacts, newest first."""
    after = position_of(cursor)
    with ports.db.transaction() as session:
        if member.role is Role.RECRUITER:
            page = messages.recruiter_contacts(
                session, ports.clock.now(), ports.settings, member.account_id, after
            )
        else:
            page = messages.candidate_contacts(session, member.account_id, after)
    return ContactsOut(
        items=[contact_out(contact) for contact in page.rows], next_cursor=cursor_of(page.after)
    )


@get(
    "/contacts/{contact_id:uuid}/messages",
    guards=[requires_either_side],
    errors=(404,),
    summary="Messages of a contact",
)
def read_thread(
    ports: NamedDependency[Ports], member: NamedDependency[Member], contact_id: FromPath[UUID]
) -> MessagesOut:
    """The messages of a contact, oldest first."""
    now = ports.clock.now()
    with ports.db.transaction() as session:
        if member.role is Role.RECRUITER:
            thread = messages.recruiter_thread(session, now, ports.settings, member.account_id, contact_id)
        else:
            thread = messages.candidate_thread(session, now, member.account_id, contact_id)
    return MessagesOut(items=[message_out(message) for message in thread.messages], next_cursor=None)


@post(
    "/contacts/{contact_id:uuid}/messages",
    guards=[requires_either_side],
    errors=(404, 409),
    status_code=201,
    summary="Write a message",
)
def write_message(
    ports: NamedDependency[Ports],
    member: NamedDependency[Member],
    contact_id: FromPath[UUID],
    data: JSONBody[MessageIn],
) -> MessageOut:
    """Write to the other side."""
    now = ports.clock.now()
    write = messages.write_as_recruiter if member.role is Role.RECRUITER else messages.write_as_candidate
    with gate(ports.db, now) as session:
        message = write(session, now, ports.settings, member.account_id, contact_id, data.message)
    return message_out(message)


@post(
    "/contacts/{contact_id:uuid}/answer",
    guards=[requires_candidate],
    errors=(404, 409),
    status_code=200,
    summary="Accept or refuse a contact",
)
def answer_contact(
    ports: NamedDependency[Ports],
    member: NamedDependency[Member],
    contact_id: FromPath[UUID],
    data: JSONBody[AnswerIn],
) -> AnsweredOut:
    """Accept or refuse a contact."""
    with ports.db.transaction() as session:
        state = messages.answer_contact(
            session, ports.clock.now(), member.account_id, contact_id, data.answer
        )
    return AnsweredOut(state=state.value)


@post("/openings", guards=[requires_recruiter], errors=(409,), status_code=201, summary="Make an opening")
def create_opening(
    ports: NamedDependency[Ports], member: NamedDependency[Member], data: JSONBody[OpeningIn]
) -> OpeningOut:
    """Open an apprenticeship to contact candidates about."""
    with ports.db.transaction() as session:
        opening = openings.create_opening(
            session,
            ports.clock.now(),
            member.account_id,
            title=data.title,
            job_country=data.job_country,
            start_on=data.start_on,
            company=data.company,
        )
    return opening_out(opening)


@get("/openings", guards=[requires_recruiter], errors=(422,), summary="Own openings")
def list_openings(
    ports: NamedDependency[Ports],
    member: NamedDependency[Member],
    in_state: Annotated[OpeningState | None, QueryParameter(name="state", required=False)] = None,
    cursor: FromQuery[str | None] = None,
) -> OpeningsOut:
    """Your openings, newest first."""
    after = position_of(cursor)
    with ports.db.transaction() as session:
        recruiter = asking_recruiter(session, member.account_id)
        page = opening_queries.openings(session, recruiter.recruiter_id, state=in_state, after=after)
    return OpeningsOut(
        items=[opening_out(opening) for opening in page.rows], next_cursor=cursor_of(page.after)
    )


@patch(
    "/openings/{opening_id:uuid}",
    guards=[requires_recruiter],
    errors=(404,),
    summary="Change, close or reopen an opening",
)
def change_opening(
    ports: NamedDependency[Ports],
    member: NamedDependency[Member],
    opening_id: FromPath[UUID],
    data: JSONBody[OpeningPatch],
) -> OpeningOut:
    """Change, close or reopen an opening of yours."""
    change = OpeningChange(
        title=data.title,
        company=data.company,
        job_country=data.job_country,
        start_on=data.start_on,
        state=data.state,
    )
    with ports.db.transaction() as session:
        opening = openings.change_opening(session, ports.clock.now(), member.account_id, opening_id, change)
    return opening_out(opening)


ROUTES: list[HTTPRouteHandler] = [
    open_profile,
    reveal_email,
    cv_text,
    download_cv,
    hand_out_copy,
    list_duties,
    attest_deletions,
    except_copies,
    request_contact,
    list_contacts,
    read_thread,
    write_message,
    answer_contact,
    create_opening,
    list_openings,
    change_opening,
]
