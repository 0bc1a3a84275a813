"""The candidate's pages: signing up, overview, profile, CV, visibility, access log.

Every page works without JavaScript. What a page says of a state is in its template; what the state
allows is the services' answer.
"""

from datetime import date, datetime, timedelta
from typing import Annotated, Any

from litestar import Request, Response
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import QueryParameter

from marketplace import reference
from marketplace.accounts.forms import read_person
from marketplace.accounts.models import Role
from marketplace.candidates import cvs, exclusions, forms, profiles, queries, recruiter_view, services
from marketplace.candidates.lifecycle import CVState
from marketplace.candidates.schemas import access_cursor, access_position
from marketplace.catalogues import N_, translate
from marketplace.contacts import ledger_queries
from marketplace.contacts.services import candidate_withdrew
from marketplace.errors import InvalidInputError, TooLargeError, TooManyRequestsError
from marketplace.pdf.results import RefusalReason
from marketplace.periods import add_months
from marketplace.ports import Ports
from marketplace.rate_limits.quotas import Quota, day_limit
from marketplace.settings import Settings
from marketplace.terms import queries as terms
from marketplace.terms.documents import read_markdown
from marketplace.web.guards import requires_candidate
from marketplace.web.headers import file_headers
from marketplace.web.identity import Member
from marketplace.web.pages import render, see_other
from marketplace.web.portal import FormData, errors_by_field, form_post, page_get

CHANNEL = "portal"
UPLOAD_BODY_BYTES = 6 * 1024 * 1024
"""A CV of 5 MiB with its envelope (security.md U-01)."""

LATEST_ACCESSES = 5
MONTHS_OFFERED = 36
COMMON_LANGUAGES = (
    "fr", "en", "es", "de", "it", "pt", "nl", "pl", "ro", "ar", "tr", "zh", "hi", "vi", "uk", "ru",
)  # fmt: skip
AnyRequest = Request[Any, Any, Any]
Page = Response[Any]


@page_get("/candidate/sign-up", opt={"public": True})
def sign_up_page(request: AnyRequest, ports: NamedDependency[Ports], language: NamedDependency[str]) -> Page:
    """The form to register (A3)."""
    return _sign_up(request, ports, language, {}, {}, 200)


@form_post("/candidate/sign-up", opt={"public": True, "quota": Quota.SIGN_UP})
def sign_up(
    request: AnyRequest,
    form: NamedDependency[FormData],
    ports: NamedDependency[Ports],
    language: NamedDependency[str],
) -> Page:
    """Register: the same page follows whether or not the address is known (A5)."""
    person, unread = read_person(form, language)
    try:
        with ports.db.transaction() as session:
            services.register_candidate(
                session,
                ports.clock.now(),
                ports.settings,
                person,
                is_protected=form.checked("protected"),
                unread=unread,
            )
    except InvalidInputError as error:
        return _sign_up(request, ports, language, form, errors_by_field(error, language), 422)
    return see_other("/candidate/sign-up/sent")


def _sign_up(
    request: AnyRequest,
    ports: Ports,
    language: str,
    form: Any,
    errors: dict[str, str],
    status: int,
) -> Page:
    with ports.db.transaction() as session:
        documents = terms.required_documents(session, Role.CANDIDATE, language, ports.clock.today())
    return render(
        request, "candidates/sign_up.html", status,
        form=form, errors=errors, documents=documents, minimum_age=ports.settings.minimum_age,
        minimum_password=ports.settings.password_min_length,
    )  # fmt: skip


@page_get("/candidate/sign-up/sent", opt={"public": True})
def signed_up_page(request: AnyRequest, ports: NamedDependency[Ports]) -> Page:
    """What comes next: a mail with a link (A3)."""
    return render(request, "candidates/signed_up.html", hours=ports.settings.confirmation_hours)


@page_get("/candidate", guards=[requires_candidate])
def overview(request: AnyRequest, ports: NamedDependency[Ports], member: NamedDependency[Member]) -> Page:
    """Where the candidate stands, the next step, the latest accesses."""
    now = ports.clock.now()
    with ports.db.transaction() as session:
        standing = services.standing(session, now, ports.settings, member.account_id)
        newest = cvs.latest_cv(session, member.account_id)
        log = ledger_queries.access_log(session, standing.profile.candidate_id, size=LATEST_ACCESSES)
    return render(
        request, "candidates/overview.html",
        standing=standing, profile=standing.profile, newest=newest, accesses=log.rows,
        messages=services.MISSING_MESSAGES,
    )  # fmt: skip


@form_post(
    "/candidate/withdraw",
    guards=[requires_candidate],
    opt={"while_unsettled": True, "while_suspended": True},
)
def withdraw(ports: NamedDependency[Ports], member: NamedDependency[Member]) -> Page:
    """One click: nobody finds the person from this commit on (C2)."""
    with ports.db.transaction() as session:
        services.withdraw(
            session, ports.clock.now(), ports.settings, member.account_id, CHANNEL, candidate_withdrew
        )
    return see_other("/candidate", N_("Done: no recruiter can find you any more."))


@form_post("/candidate/pause", guards=[requires_candidate])
def pause(ports: NamedDependency[Ports], member: NamedDependency[Member]) -> Page:
    """Hide for a while (C7)."""
    with ports.db.transaction() as session:
        services.pause(session, ports.clock.now(), member.account_id)
    return see_other("/candidate", N_("Your profile is paused: no recruiter can find you."))


@form_post("/candidate/found", guards=[requires_candidate])
def found(ports: NamedDependency[Ports], member: NamedDependency[Member]) -> Page:
    """Hide because an apprenticeship was found (C7)."""
    with ports.db.transaction() as session:
        services.report_found(session, ports.clock.now(), member.account_id)
    return see_other("/candidate", N_("Congratulations! Recruiters no longer find you."))


@form_post("/candidate/resume", guards=[requires_candidate])
def resume(ports: NamedDependency[Ports], member: NamedDependency[Member]) -> Page:
    """End a pause (C7)."""
    with ports.db.transaction() as session:
        services.resume(session, ports.clock.now(), ports.settings, member.account_id)
        state = services.member_facts(session, member.account_id).state
    if state == "searchable":
        return see_other("/candidate", N_("Welcome back: recruiters can find you again."))
    return see_other("/candidate/visibility", N_("The pause is over. You are still hidden."), kind="info")


@page_get("/candidate/profile", guards=[requires_candidate])
def profile_page(request: AnyRequest, ports: NamedDependency[Ports], member: NamedDependency[Member]) -> Page:
    """The profile's form (C1)."""
    with ports.db.transaction() as session:
        profile = profiles.own_profile(session, ports.clock.now(), ports.settings, member.account_id)
    return _profile(request, ports, profile, {}, 200)


@form_post("/candidate/profile", guards=[requires_candidate])
def save_profile(
    request: AnyRequest,
    form: NamedDependency[FormData],
    ports: NamedDependency[Ports],
    member: NamedDependency[Member],
    language: NamedDependency[str],
) -> Page:
    """Store the profile, or show the form again with every fault marked (C1)."""
    read = forms.read_profile(form)
    try:
        with ports.db.transaction() as session:
            profile = profiles.update_profile(
                session, ports.clock.now(), ports.settings, member.account_id, read.profile,
                other_faults=read.faults,
            )  # fmt: skip
    except InvalidInputError as error:
        return _profile(request, ports, read.profile, errors_by_field(error, language), 422, form)
    if profile.missing:
        return see_other("/candidate", N_("Saved. There is still something to do."), kind="info")
    return see_other("/candidate", N_("Your profile is saved."))


def _profile(
    request: AnyRequest,
    ports: Ports,
    profile: Any,
    errors: dict[str, str],
    status: int,
    form: FormData | None = None,
) -> Page:
    today = ports.clock.today()
    rights = {right.country: right for right in profile.right_to_work}
    return render(
        request, "candidates/profile.html", status,
        profile=profile, errors=errors, rights=rights, form=form,
        countries=reference.TERRITORY, regions=tuple(reference.regions().values()),
        job_fields=tuple(reference.job_fields().values()), skill_groups=_skill_groups(),
        common_languages=COMMON_LANGUAGES,
        other_languages=[code for code in reference.languages() if code not in COMMON_LANGUAGES],
        months=_months(today, profile.start_month), levels=reference.EDUCATION_LEVELS,
        headline_max=profiles.HEADLINE_MAX, employer_max=profiles.EMPLOYER_MAX,
    )  # fmt: skip


def _skill_groups() -> list[tuple[str, list[str]]]:
    groups: dict[str, list[str]] = {code: [] for code in reference.job_fields()}
    for slug, term in reference.skills().items():
        groups.setdefault(term.job_field, []).append(slug)
    return [(code, slugs) for code, slugs in groups.items() if slugs]


def _months(today: date, chosen: str | None) -> list[str]:
    first = today.replace(day=1)
    offered = [f"{add_months(first, step):%Y-%m}" for step in range(MONTHS_OFFERED)]
    return offered if chosen is None or chosen in offered else sorted([chosen, *offered])


@page_get("/candidate/cv", guards=[requires_candidate])
def cv_page(
    request: AnyRequest,
    ports: NamedDependency[Ports],
    member: NamedDependency[Member],
    language: NamedDependency[str],
) -> Page:
    """State of the CV, the upload form, and what recruiters read of it (C4)."""
    return _cv(request, ports, member, language, {}, 200)


@form_post(
    "/candidate/cv",
    guards=[requires_candidate],
    request_max_body_size=UPLOAD_BODY_BYTES,
    opt={"quota": Quota.CV_UPLOAD},
)
def upload_cv(
    request: AnyRequest,
    form: NamedDependency[FormData],
    ports: NamedDependency[Ports],
    member: NamedDependency[Member],
    language: NamedDependency[str],
) -> Page:
    """Take an upload, or say on the same page what is wrong with the file (C4)."""
    upload = form.file("file")
    if upload is None:
        errors = {"file": translate(language, N_("Choose the PDF of your CV first."))}
        return _cv(request, ports, member, language, errors, 422)
    now = ports.clock.now()
    try:
        cvs.take_upload(
            ports.db, ports.files, ports.reader, ports.settings, now, member.account_id,
            upload.file.read(), upload.filename,
        )  # fmt: skip
    except InvalidInputError as error:
        return _cv(request, ports, member, language, errors_by_field(error, language), 422)
    except TooLargeError:
        sentence = _reason(RefusalReason.TOO_LARGE, ports.settings, language)
        return _cv(request, ports, member, language, {"file": sentence}, 413)
    except TooManyRequestsError as error:
        return _too_many(request, ports, member, language, error, now)
    return see_other("/candidate/cv", N_("Your CV has arrived and is being read."))


def _too_many(
    request: AnyRequest,
    ports: Ports,
    member: Member,
    language: str,
    error: TooManyRequestsError,
    now: datetime,
) -> Page:
    again = now + timedelta(seconds=error.retry_after)
    sentence = translate(
        language, N_("You can upload %(limit)s files a day. Try again after %(time)s UTC."),
        limit=error.limit, time=f"{again:%H:%M}",
    )  # fmt: skip
    page = _cv(request, ports, member, language, {"file": sentence}, 429)
    page.headers["retry-after"] = str(error.retry_after)
    return page


def _cv(
    request: AnyRequest,
    ports: Ports,
    member: Member,
    language: str,
    errors: dict[str, str],
    status: int,
) -> Page:
    settings = ports.settings
    with ports.db.transaction() as session:
        newest = cvs.latest_cv(session, member.account_id)
        in_use = cvs.cv_in_use(session, member.account_id)
        current = recruiter_view.current_cv(session, queries.candidate_id_of(session, member.account_id))
    reason = newest.reason if newest is not None else None
    return render(
        request, "candidates/cv.html", status,
        newest=newest, in_use=in_use, errors=errors,
        text="" if current is None else current.text_scrubbed,
        reason="" if reason is None else _reason(reason, settings, language),
        is_waiting=newest is not None and newest.state is CVState.RECEIVED,
        megabytes=settings.cv_max_bytes // (1024 * 1024), pages=settings.cv_max_pages,
        per_day=day_limit(settings.quotas, Quota.CV_UPLOAD),
    )  # fmt: skip


def _reason(reason: RefusalReason, settings: Settings, language: str) -> str:
    fault = cvs.refusal(reason, settings)
    return translate(language, fault.message, **dict(fault.values))


@page_get("/candidate/cv/file", guards=[requires_candidate])
def own_cv_file(ports: NamedDependency[Ports], member: NamedDependency[Member]) -> Response[bytes]:
    """The candidate's own CV as it is kept (A7, security.md U-06, U-07)."""
    with ports.db.transaction() as session:
        name, content = cvs.own_file(session, member.account_id, ports.files)
    return Response(content, media_type="application/pdf", headers=file_headers(name))


@form_post("/candidate/cv/delete", guards=[requires_candidate])
def delete_cv(ports: NamedDependency[Ports], member: NamedDependency[Member]) -> Page:
    """Delete the CV with its files (C4)."""
    with ports.db.transaction() as session:
        cvs.delete_cv(session, ports.clock.now(), ports.settings, member.account_id, candidate_withdrew)
    return see_other("/candidate/cv", N_("Your CV is deleted. Recruiters no longer find you."))


@page_get("/candidate/visibility", guards=[requires_candidate])
def visibility_page(
    request: AnyRequest,
    ports: NamedDependency[Ports],
    member: NamedDependency[Member],
    language: NamedDependency[str],
) -> Page:
    """The consent text, the opt-in, the withdrawal, and who cannot see the person (C2, C5)."""
    return _visibility(request, ports, member, language, {}, 200)


@form_post("/candidate/visibility", guards=[requires_candidate])
def opt_in(
    request: AnyRequest,
    form: NamedDependency[FormData],
    ports: NamedDependency[Ports],
    member: NamedDependency[Member],
    language: NamedDependency[str],
) -> Page:
    """Opt in by consent to the text that was shown (C2)."""
    try:
        with ports.db.transaction() as session:
            services.opt_in(
                session, ports.clock.now(), ports.settings, member.account_id,
                form.text("consent_hash"), CHANNEL,
            )  # fmt: skip
    except InvalidInputError as error:
        return _visibility(request, ports, member, language, errors_by_field(error, language), 422)
    return see_other("/candidate", N_("Done: recruiters can find you now."))


def _visibility(
    request: AnyRequest,
    ports: Ports,
    member: Member,
    language: str,
    errors: dict[str, str],
    status: int,
) -> Page:
    now = ports.clock.now()
    with ports.db.transaction() as session:
        standing = services.standing(session, now, ports.settings, member.account_id)
        consent = terms.consent_in_force(session, now.date(), language)
        excluded = exclusions.exclusions_of(session, member.account_id)
    return render(
        request, "candidates/visibility.html", status,
        standing=standing, profile=standing.profile, consent=consent,
        blocks=read_markdown(consent.text), excluded=excluded, errors=errors,
        messages=services.MISSING_MESSAGES,
    )  # fmt: skip


@page_get("/candidate/access-log", guards=[requires_candidate])
def access_log_page(
    request: AnyRequest,
    ports: NamedDependency[Ports],
    member: NamedDependency[Member],
    cursor: Annotated[str | None, QueryParameter(max_length=500)] = None,
) -> Page:
    """Who opened, read, revealed, contacted or downloaded what (C6)."""
    now = ports.clock.now()
    after = access_position(ports.settings, member.account_id, now, cursor)
    with ports.db.transaction() as session:
        candidate_id = queries.candidate_id_of(session, member.account_id)
        log = ledger_queries.access_log(session, candidate_id, after=after)
    return render(
        request, "candidates/access_log.html",
        accesses=log.rows, next_cursor=access_cursor(ports.settings, member.account_id, now, log.after),
        is_first=after is None,
    )  # fmt: skip


ROUTES: list[HTTPRouteHandler] = [
    sign_up_page,
    sign_up,
    signed_up_page,
    overview,
    withdraw,
    pause,
    found,
    resume,
    profile_page,
    save_profile,
    cv_page,
    upload_cv,
    own_cv_file,
    delete_cv,
    visibility_page,
    opt_in,
    access_log_page,
]
