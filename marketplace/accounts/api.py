"""JSON routes of accounts: confirmation, recovery, sessions, own data.

Registration itself belongs to the roles: ``POST /candidates`` and ``POST /recruiters``.
"""

from typing import Any, TypeVar
from uuid import UUID

from litestar import Request, Response
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, JSONBody
from msgspec import UNSET
from sqlalchemy.orm import Session

from marketplace.accounts import own_data, password_changes, queries, registration, sessions, signing_in
from marketplace.accounts.hooks import AccountHooks, MemberFacts
from marketplace.accounts.models import Role, Transport
from marketplace.accounts.schemas import (
    AddressIn,
    MeIn,
    MeOut,
    NothingOut,
    PasswordIn,
    PasswordOut,
    ResetIn,
    SessionOut,
    SessionsOut,
    SignedInOut,
    SignInIn,
    TokenIn,
)
from marketplace.accounts.sessions import SignedIn
from marketplace.accounts.signing_in import caller_of, cookies_of, network_of
from marketplace.accounts.throttling import may_mail
from marketplace.ports import Ports
from marketplace.settings import Settings
from marketplace.web.api import delete, get, patch, post, put
from marketplace.web.csrf import csrf_token
from marketplace.web.guards import requires_member
from marketplace.web.identity import Member, ended_session_cookie, session_cookie

AnyRequest = Request[Any, Any, Any]
PUBLIC = {"public": True}
UNSETTLED = {"while_unsettled": True}


AnswerT = TypeVar("AnswerT", bound=Response[Any])


def become(request: AnyRequest, opened: SignedIn) -> None:
    """Make the rest of this request the new member's, so that form tokens fit the new session."""
    request.scope["state"]["member"] = Member(
        account_id=opened.account_id,
        role=opened.role,
        email=opened.email,
        first_name=opened.first_name,
        last_name=opened.last_name,
        language=opened.language,
        session_id=opened.session_id,
        transport=opened.transport,
        next=opened.next,
        may_use_bearer=opened.may_use_bearer,
        suspended_by=opened.suspended_by,
    )


def forget(settings: Settings, answer: AnswerT) -> AnswerT:
    """Make the browser drop its cookie and what it kept of our pages (security.md S-07)."""
    answer.set_cookie(ended_session_cookie(settings))
    answer.headers["clear-site-data"] = '"cache", "storage"'
    return answer


@post("/email-confirmations", opt=PUBLIC, status_code=200, summary="Confirm an e-mail address")
def confirm_email(
    data: JSONBody[TokenIn], ports: NamedDependency[Ports], hooks: NamedDependency[AccountHooks]
) -> NothingOut:
    """Use up the token of the mailed link; it works once, within 24 hours (A3)."""
    with ports.db.transaction() as session:
        registration.confirm_email(session, ports.clock.now(), data.token, hooks)
    return NothingOut()


@post("/password-resets", opt=PUBLIC, status_code=202, summary="Ask for a reset link")
def request_password_reset(
    request: AnyRequest, data: JSONBody[AddressIn], ports: NamedDependency[Ports]
) -> NothingOut:
    """Mail a link if the address has an account; the answer is the same if not, or too often (A6, R-02)."""
    if may_mail(ports.limiter, ports.settings, data.email, network_of(request)):
        with ports.db.transaction() as session:
            password_changes.request_password_reset(session, ports.clock.now(), data.email)
    return NothingOut()


@post("/password-resets/confirmations", opt=PUBLIC, status_code=200, summary="Set a new password")
def reset_password(data: JSONBody[ResetIn], ports: NamedDependency[Ports]) -> NothingOut:
    """Set the password by the mailed token and end every session; nobody is signed in (A6)."""
    with ports.db.transaction() as session:
        password_changes.reset_password(session, ports.clock.now(), ports.settings, data.token, data.password)
    return NothingOut()


@post("/sessions", opt=PUBLIC, errors=(401, 429), summary="Sign in")
def sign_in(
    request: AnyRequest,
    data: JSONBody[SignInIn],
    ports: NamedDependency[Ports],
    hooks: NamedDependency[AccountHooks],
) -> Response[SignedInOut]:
    """Open a session: a cookie for browsers, a bearer token for accounts that were granted it.

    After five failures an address has to wait: 429 says how long, whatever the password (A-04).
    """
    transport = Transport(data.transport)
    opened = signing_in.sign_in(
        ports,
        caller_of(request, ports),
        hooks,
        email=data.email,
        password=data.password,
        transport=transport,
    )
    answer = SignedInOut(expires_at=opened.expires_at, role=opened.role.value, next=opened.next)
    if transport is Transport.BEARER:
        answer.token = opened.token
        return Response(answer)
    become(request, opened)
    answer.csrf_token = csrf_token(request)
    return Response(answer, cookies=cookies_of(request, ports, opened))


@get("/sessions", guards=[requires_member], summary="Own sessions")
def list_sessions(member: NamedDependency[Member], ports: NamedDependency[Ports]) -> SessionsOut:
    """Every live session of the account (S-05)."""
    with ports.db.reading() as session:
        found = queries.live_sessions(
            session, ports.clock.now(), ports.settings, member.account_id, member.session_id
        )
    return SessionsOut(
        items=[
            SessionOut(
                id=row.id,
                transport=row.transport.value,
                created_at=row.created_at,
                last_seen_at=row.last_seen_at,
                expires_at=row.expires_at,
                client=row.client,
                address=row.address,
                is_current=row.is_current,
            )
            for row in found
        ]
    )


@delete(
    "/sessions/current",
    guards=[requires_member],
    opt={**UNSETTLED, "while_suspended": True},
    summary="Sign out",
)
def sign_out(member: NamedDependency[Member], ports: NamedDependency[Ports]) -> Response[None]:
    """End this session; its token is worth nothing from now on (S-04)."""
    with ports.db.transaction() as session:
        sessions.sign_out(session, ports.clock.now(), member.account_id, member.session_id)
    return forget(ports.settings, Response(None, status_code=204))


@delete(
    "/sessions/{session_id:uuid}",
    guards=[requires_member],
    errors=(404,),
    summary="End one of one's own sessions",
)
def end_session(
    session_id: FromPath[UUID], member: NamedDependency[Member], ports: NamedDependency[Ports]
) -> None:
    """End a session of one's own; any other id is unknown (S-05, Z-02)."""
    with ports.db.transaction() as session:
        sessions.end_session(session, ports.clock.now(), member.account_id, session_id)


@get("/me", guards=[requires_member], summary="Own account")
def read_me(
    member: NamedDependency[Member], ports: NamedDependency[Ports], hooks: NamedDependency[AccountHooks]
) -> MeOut:
    """One's own data, and what the role adds to it (A7)."""
    with ports.db.transaction() as session:
        return _me(session, member, hooks)


@patch("/me", guards=[requires_member], summary="Correct own data")
def correct_me(
    data: JSONBody[MeIn],
    member: NamedDependency[Member],
    ports: NamedDependency[Ports],
    hooks: NamedDependency[AccountHooks],
) -> MeOut:
    """Correct names and language; fields left out stay as they are (A7)."""
    with ports.db.transaction() as session:
        own_data.update_own_data(
            session,
            ports.clock.now(),
            member.account_id,
            hooks,
            first_name=None if data.first_name is UNSET else data.first_name,
            last_name=None if data.last_name is UNSET else data.last_name,
            language=None if data.language is UNSET else data.language,
        )
        return _me(session, member, hooks)


@put("/me/password", guards=[requires_member], opt=UNSETTLED, summary="Change the password")
def change_password(
    request: AnyRequest,
    data: JSONBody[PasswordIn],
    member: NamedDependency[Member],
    ports: NamedDependency[Ports],
) -> Response[PasswordOut]:
    """Change it; this session goes on under a new token, every other one ends (S-03, S-04)."""
    now = ports.clock.now()
    with ports.db.transaction() as session:
        changed = password_changes.change_password(
            session,
            now,
            ports.settings,
            member.account_id,
            member.session_id,
            data.current_password,
            data.new_password,
        )
    if member.transport is Transport.BEARER:
        return Response(PasswordOut(token=changed.token))
    cookie = session_cookie(ports.settings, changed.token, now, changed.expires_at)
    return Response(PasswordOut(csrf_token=csrf_token(request)), cookies=[cookie])


def _me(session: Session, member: Member, hooks: AccountHooks) -> MeOut:
    own = queries.own_data(session, member.account_id)
    facts_of = hooks.facts.get(member.role)
    facts = facts_of(session, member.account_id) if facts_of else MemberFacts("active")
    answer = MeOut(
        id=own.account_id,
        role=own.role.value,
        email=own.email,
        first_name=own.first_name,
        last_name=own.last_name,
        birth_date=own.birth_date,
        language=own.language,
        state=facts.state,
    )
    if own.role is Role.RECRUITER:
        answer.work_country = facts.work_country
    elif own.role is Role.CANDIDATE:
        answer.candidate_id = facts.candidate_id
    return answer


ROUTES: list[HTTPRouteHandler] = [
    confirm_email,
    request_password_reset,
    reset_password,
    sign_in,
    list_sessions,
    sign_out,
    end_session,
    read_me,
    correct_me,
    change_password,
]
