"""Pages of accounts: signing in and out, confirming, passwords, one's own data and sessions.

The registration forms are pages of the roles (``/candidate/sign-up``, ``/recruiter/sign-up``). A
mailed link is only used up by the button on its page, because programs open links too (A-09).
"""

from typing import Any
from uuid import UUID

from litestar import Request, Response
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery

from marketplace.accounts import own_data, password_changes, queries, registration, sessions, signing_in
from marketplace.accounts.api import become, forget
from marketplace.accounts.hooks import AccountHooks
from marketplace.accounts.models import Role, Transport
from marketplace.accounts.policy import CHANGE_PASSWORD
from marketplace.accounts.signing_in import caller_of, cookies_of, network_of
from marketplace.accounts.throttling import may_mail
from marketplace.catalogues import N_, translate
from marketplace.errors import InvalidInputError, TooManyRequestsError
from marketplace.ports import Ports
from marketplace.web.guards import requires_member
from marketplace.web.identity import Member, member_of, session_cookie
from marketplace.web.language import format_wait
from marketplace.web.pages import SUSPENDED_PAGE, UNSETTLED_PAGES, render, see_other
from marketplace.web.portal import FormData, errors_by_field, form_post, page_get
from marketplace.web.problems import to_refusal
from marketplace.web.start import local_path

AnyRequest = Request[Any, Any, Any]
PUBLIC = {"public": True}
UNSETTLED = {"while_unsettled": True}

NEXT_PAGES = {
    "change_password": UNSETTLED_PAGES["password_change_required"],
    "accept_terms": UNSETTLED_PAGES["terms_required"],
}


@page_get("/sign-in", opt=PUBLIC)
def sign_in_page(request: AnyRequest, next: FromQuery[str] = "") -> Response[Any]:  # noqa: A002
    """The form; who is signed in already goes on to their portal."""
    member = member_of(request)
    if member is not None:
        return see_other(_landing(member, next))
    return render(
        request, "accounts/sign_in.html", form={}, next=local_path(next, ""), problem=None, wait=None
    )


@form_post("/sign-in", opt=PUBLIC)
def sign_in(
    request: AnyRequest,
    ports: NamedDependency[Ports],
    form: NamedDependency[FormData],
    language: NamedDependency[str],
    hooks: NamedDependency[AccountHooks],
) -> Response[Any]:
    """Open a session, or show the form again: one sentence for every refusal (A-06), or the wait (A-04)."""
    try:
        opened = signing_in.sign_in(
            ports,
            caller_of(request, ports),
            hooks,
            email=form.text("email"),
            password=form.raw("password"),
            transport=Transport.COOKIE,
        )
    except sessions.WrongCredentialsError as refused:
        return _sign_in_again(request, form, 401, problem=translate(language, refused.message))
    except TooManyRequestsError as refused:
        page = _sign_in_again(request, form, 429, wait=format_wait(refused.retry_after, language))
        page.headers.update(dict(to_refusal(refused).headers))
        return page
    become(request, opened)
    member = member_of(request)
    answer = see_other(_landing(member, form.text("next")) if member else "/")
    for cookie in cookies_of(request, ports, opened):
        answer.set_cookie(cookie)
    return answer


def _sign_in_again(request: AnyRequest, form: FormData, status: int, **told: str) -> Response[Any]:
    """Show the form with what was typed, but for the password."""
    values = {"problem": None, "wait": None, **told}
    target = local_path(form.text("next"), "")
    return render(
        request, "accounts/sign_in.html", status, form={"email": form.text("email")}, next=target, **values
    )


@form_post("/sign-out", opt=PUBLIC)
def sign_out(request: AnyRequest, ports: NamedDependency[Ports]) -> Response[Any]:
    """End the session; with none there is nothing to do."""
    member = member_of(request)
    if member is not None:
        with ports.db.transaction() as session:
            sessions.sign_out(session, ports.clock.now(), member.account_id, member.session_id)
    return forget(ports.settings, see_other("/", N_("You are signed out. See you soon!")))


@page_get("/sign-up", opt=PUBLIC)
def sign_up_page(request: AnyRequest) -> Response[Any]:
    """The choice between candidate and recruiter."""
    return render(request, "accounts/sign_up.html")


@page_get("/check-your-mail", opt=PUBLIC)
def check_your_mail(request: AnyRequest) -> Response[Any]:
    """What happens after a registration, the same for every address (A5)."""
    return render(request, "accounts/check_your_mail.html")


@page_get("/confirm-email/{token:str}", opt=PUBLIC)
def confirmation_page(request: AnyRequest, token: FromPath[str]) -> Response[Any]:
    """A button; the link is not used up by looking at it (A-09)."""
    return _private(render(request, "accounts/confirm_email.html", token=token))


@form_post("/confirm-email/{token:str}", opt=PUBLIC)
def confirm_email(
    request: AnyRequest,
    token: FromPath[str],
    ports: NamedDependency[Ports],
    hooks: NamedDependency[AccountHooks],
) -> Response[Any]:
    """Confirm the address; a link that is used or expired offers a new one."""
    try:
        with ports.db.transaction() as session:
            confirmed = registration.confirm_email(session, ports.clock.now(), token, hooks)
    except InvalidInputError:
        return _private(render(request, "accounts/new_link.html", 422, form={}, is_spent=True))
    if confirmed.password_is_mailed:
        message = N_("Your address is confirmed. A temporary password is on its way to you by mail.")
    else:
        message = N_("Your address is confirmed. You can sign in now.")
    return see_other("/sign-in", message)


@page_get("/new-confirmation", opt=PUBLIC)
def new_link_page(request: AnyRequest) -> Response[Any]:
    """Asks for the address that needs a new confirmation link."""
    return render(request, "accounts/new_link.html", form={}, is_spent=False)


@form_post("/new-confirmation", opt=PUBLIC)
def new_link(
    request: AnyRequest,
    ports: NamedDependency[Ports],
    form: NamedDependency[FormData],
    language: NamedDependency[str],
) -> Response[Any]:
    """Mail a new link if the address needs one; the answer is the same if not, or too often (R-02)."""
    try:
        if may_mail(ports.limiter, ports.settings, form.text("email"), network_of(request)):
            with ports.db.transaction() as session:
                registration.resend_confirmation(session, ports.clock.now(), form.text("email"))
    except InvalidInputError as refused:
        errors = errors_by_field(refused, language)
        return render(request, "accounts/new_link.html", 422, form=form, is_spent=False, errors=errors)
    return see_other("/check-your-mail")


@page_get("/forgotten-password", opt=PUBLIC)
def forgotten_page(request: AnyRequest) -> Response[Any]:
    """Asks for the address."""
    return render(request, "accounts/forgotten_password.html", form={}, is_sent=False)


@form_post("/forgotten-password", opt=PUBLIC)
def forgotten(
    request: AnyRequest,
    ports: NamedDependency[Ports],
    form: NamedDependency[FormData],
    language: NamedDependency[str],
) -> Response[Any]:
    """Mail a reset link if there is an account; the answer is the same if not, or too often (A6, R-02)."""
    try:
        if may_mail(ports.limiter, ports.settings, form.text("email"), network_of(request)):
            with ports.db.transaction() as session:
                password_changes.request_password_reset(session, ports.clock.now(), form.text("email"))
    except InvalidInputError as refused:
        errors = errors_by_field(refused, language)
        return render(
            request, "accounts/forgotten_password.html", 422, form=form, is_sent=False, errors=errors
        )
    return render(request, "accounts/forgotten_password.html", form={}, is_sent=True)


@page_get("/reset-password/{token:str}", opt=PUBLIC)
def reset_page(request: AnyRequest, token: FromPath[str], ports: NamedDependency[Ports]) -> Response[Any]:
    """The form for a new password; whether the link is good is said when it is used."""
    minimum = ports.settings.password_min_length
    return _private(render(request, "accounts/reset_password.html", token=token, minimum=minimum))


@form_post("/reset-password/{token:str}", opt=PUBLIC)
def reset(
    request: AnyRequest,
    token: FromPath[str],
    ports: NamedDependency[Ports],
    form: NamedDependency[FormData],
    language: NamedDependency[str],
) -> Response[Any]:
    """Set the password and lead to the sign-in page; nobody is signed in by a link (R-04)."""
    now, settings = ports.clock.now(), ports.settings
    try:
        with ports.db.transaction() as session:
            password_changes.reset_password(session, now, settings, token, form.raw("password"))
    except InvalidInputError as refused:
        page = render(
            request,
            "accounts/reset_password.html",
            422,
            token=token,
            minimum=settings.password_min_length,
            errors=errors_by_field(refused, language),
        )
        return _private(page)
    answer = see_other("/sign-in", N_("Your new password is set. Sign in with it."))
    return forget(settings, answer) if member_of(request) else answer


@page_get("/account", guards=[requires_member])
def account_page(
    request: AnyRequest, member: NamedDependency[Member], ports: NamedDependency[Ports]
) -> Response[Any]:
    """One's own data and sessions (A7, S-05)."""
    return _account(request, member, ports)


@form_post("/account", guards=[requires_member])
def correct_account(
    request: AnyRequest,
    member: NamedDependency[Member],
    ports: NamedDependency[Ports],
    hooks: NamedDependency[AccountHooks],
    form: NamedDependency[FormData],
    language: NamedDependency[str],
) -> Response[Any]:
    """Correct names and language (A7)."""
    try:
        with ports.db.transaction() as session:
            own_data.update_own_data(
                session,
                ports.clock.now(),
                member.account_id,
                hooks,
                first_name=form.text("first_name"),
                last_name=form.text("last_name"),
                language=form.text("language") or None,
            )
    except InvalidInputError as refused:
        return _account(request, member, ports, 422, form=form, errors=errors_by_field(refused, language))
    return see_other("/account", N_("Your changes are saved."))


@form_post("/account/sessions/{session_id:uuid}/end", guards=[requires_member])
def end_session(
    session_id: FromPath[UUID],
    member: NamedDependency[Member],
    ports: NamedDependency[Ports],
) -> Response[Any]:
    """End one of one's own sessions (S-05); ending this one is signing out."""
    with ports.db.transaction() as session:
        sessions.end_session(session, ports.clock.now(), member.account_id, session_id)
    if session_id == member.session_id:
        return forget(ports.settings, see_other("/", N_("You are signed out. See you soon!")))
    return see_other("/account", N_("The session was ended."))


@form_post("/account/sessions/end-others", guards=[requires_member])
def end_other_sessions(
    member: NamedDependency[Member],
    ports: NamedDependency[Ports],
) -> Response[Any]:
    """End every session but this one (S-05)."""
    with ports.db.transaction() as session:
        sessions.end_all(session, ports.clock.now(), member.account_id, keep=member.session_id)
    return see_other("/account", N_("Your other sessions were ended."))


@page_get("/account/password", guards=[requires_member], opt=UNSETTLED)
def password_page(
    request: AnyRequest, member: NamedDependency[Member], ports: NamedDependency[Ports]
) -> Response[Any]:
    """The form; after a temporary password it is the first thing a member meets (A3)."""
    return _password(request, member, ports)


@form_post("/account/password", guards=[requires_member], opt=UNSETTLED)
def change_password(
    request: AnyRequest,
    member: NamedDependency[Member],
    ports: NamedDependency[Ports],
    form: NamedDependency[FormData],
    language: NamedDependency[str],
) -> Response[Any]:
    """Change it; this session goes on under a new token, every other one ends (S-03, S-04)."""
    now = ports.clock.now()
    try:
        with ports.db.transaction() as session:
            changed = password_changes.change_password(
                session,
                now,
                ports.settings,
                member.account_id,
                member.session_id,
                form.raw("current_password") or None,
                form.raw("new_password"),
            )
    except InvalidInputError as refused:
        return _password(request, member, ports, 422, errors=errors_by_field(refused, language))
    target = member.home if member.next == CHANGE_PASSWORD else "/account"
    answer = see_other(target, N_("Your new password is set. Your other sessions were ended."))
    answer.set_cookie(session_cookie(ports.settings, changed.token, now, changed.expires_at))
    return answer


def _account(
    request: AnyRequest, member: Member, ports: Ports, status: int = 200, **context: Any
) -> Response[Any]:
    with ports.db.reading() as session:
        own = queries.own_data(session, member.account_id)
        live = queries.live_sessions(
            session, ports.clock.now(), ports.settings, member.account_id, member.session_id
        )
    form = {"first_name": own.first_name, "last_name": own.last_name, "language": own.language}
    values = {"own": own, "sessions": live, "form": form, **context}
    return render(request, "accounts/account.html", status, **values)


def _password(
    request: AnyRequest, member: Member, ports: Ports, status: int = 200, **context: Any
) -> Response[Any]:
    return render(
        request,
        "accounts/change_password.html",
        status,
        is_first=member.next == CHANGE_PASSWORD,
        minimum=ports.settings.password_min_length,
        **context,
    )


def _landing(member: Member, target: str) -> str:
    """Where a sign-in leads: what must be done or read first, then where the person wanted to go."""
    if member.suspended_by:
        return SUSPENDED_PAGE
    if member.next:
        return NEXT_PAGES[member.next]
    portal = target.split("/")[1] if target.startswith("/") else ""
    if portal in {role.value for role in Role} and portal != member.role.value:
        return member.home
    return local_path(target, member.home)


def _private(page: Response[Any]) -> Response[Any]:
    """Keep the token in the address of this page from travelling on (security.md R-01)."""
    page.headers["referrer-policy"] = "no-referrer"
    return page


ROUTES: list[HTTPRouteHandler] = [
    sign_in_page,
    sign_in,
    sign_out,
    sign_up_page,
    check_your_mail,
    confirmation_page,
    confirm_email,
    new_link_page,
    new_link,
    forgotten_page,
    forgotten,
    reset_page,
    reset,
    account_page,
    correct_account,
    end_session,
    end_other_sessions,
    password_page,
    change_password,
]
