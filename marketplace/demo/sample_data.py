"""Fills an empty installation with credible people, each through the real path.

Every persona is registered, confirmed, given a profile and a PDF, which is checked, read in the
limited process, scrubbed and indexed exactly as an upload from the portal is. Only time is
compressed, and only the demonstration accounts have a password. What was made is written to
``demo.json`` in the data folder (mode 0600) for programs.
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from importlib.metadata import entry_points
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy.orm import Session

from marketplace.accounts.admins import create_admin, grant_bearer
from marketplace.accounts.hooks import AccountHooks
from marketplace.accounts.models import Role
from marketplace.accounts.password_changes import set_password
from marketplace.accounts.registration import Registration, confirm_account
from marketplace.candidates import cvs, profiles
from marketplace.candidates import services as candidates
from marketplace.candidates.profiles import ProfileInput, Right
from marketplace.demo.cv_layouts import draw
from marketplace.demo.people import Persona, people, persona
from marketplace.demo.recruiter_accounts import SampleDataExistsError, register_demonstration_recruiter
from marketplace.demo.resumes import sample_words, write_resume
from marketplace.errors import InvalidInputError
from marketplace.mail_delivery import deliver_due_mails
from marketplace.ports import Ports
from marketplace.terms import queries as terms
from marketplace.terms.services import AcceptedVersion, publish_builtin, record_acceptances

log = structlog.get_logger()

Progress = Callable[[str, int, int], None]
"""Told what is being done, how many are done, how many there are."""

THREADS = 2
ADMIN_EMAIL = "admin@marketplace.example"
DEMONSTRATION_NUMBER = 1_000_000
"""The demonstration candidate's persona; beyond every sample."""

HOOKS = AccountHooks(confirmed={Role.CANDIDATE: candidates.email_confirmed})


@dataclass(frozen=True)
class DemonstrationAccount:
    """An account to sign in with, as ``demo.json`` lists it."""

    role: str
    email: str
    password: str
    id: str
    country: str
    candidate_id: str | None = None

    def as_json(self) -> dict[str, Any]:
        return {key: value for key, value in vars(self).items() if value is not None}


@dataclass
class SampleData:
    """What was made."""

    accounts: list[DemonstrationAccount] = field(default_factory=list)
    candidates: int = 0
    files: list[dict[str, Any]] = field(default_factory=list)


@dataclass
class _Sample:
    """One candidate on the way: registered, uploaded, and opted in once the CV has been read."""

    file: str
    account_id: UUID
    candidate_id: UUID
    opts_in: bool
    state: str = "received"


def make_sample_data(
    ports: Ports,
    *,
    count: int = 300,
    cv_dir: Path | None = None,
    country: str | None = None,
    progress: Progress = lambda _what, _done, _total: None,
) -> SampleData:
    """Make ``count`` candidates, or one for each PDF of ``cv_dir``, and the demonstration accounts.

    With ``country`` everybody, the demonstration accounts included, lives and works there; a
    ``cv_dir`` without one is France. The result is also written to ``demo.json``.
    """
    today = ports.clock.today()
    home = country or "FR"
    made = SampleData()
    with ports.db.transaction() as session:
        publish_builtin(session, ports.clock.now())
    admin, recruiter = _staff(ports, home)
    sources = _from_folder(cv_dir, home, today) if cv_dir else _from_people(count, country, today)
    demonstration = _demonstration_persona(home, today)
    samples = _upload_all(ports, [*sources, _Source(demonstration, "demonstration.pdf")], progress)
    _read_all(ports, len(samples), progress)
    _opt_in_all(ports, samples, progress)
    _entry_point("drain")(ports)
    _settle(ports)
    candidate = samples.pop()
    password = _give_password(ports, candidate)
    made.accounts = [
        recruiter,
        DemonstrationAccount(
            "candidate",
            demonstration.email,
            password,
            str(candidate.account_id),
            home,
            str(candidate.candidate_id),
        ),
        admin,
    ]
    made.candidates = len(samples)
    if cv_dir:
        made.files = [
            {"file": sample.file, "candidate_id": str(sample.candidate_id), "state": sample.state}
            for sample in samples
        ]
    write_demo_file(ports, made)
    return made


@dataclass(frozen=True)
class _Source:
    """Who, and where the PDF comes from: drawn from the resume, or a file of a folder."""

    who: Persona
    label: str
    path: Path | None = None

    def content(self) -> bytes:
        if self.path is not None:
            return self.path.read_bytes()
        return draw(self.who.resume, self.who.layout, letter=self.who.country == "US")


def _from_people(count: int, country: str | None, today: date) -> list[_Source]:
    return [_Source(who, f"cv-{who.number}.pdf") for who in people(count, today, country=country)]


def _from_folder(folder: Path, country: str, today: date) -> list[_Source]:
    """One candidate a file, whose only words are those of the CV: no headline, no skills."""
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() == ".pdf" and path.is_file())
    return [
        _Source(_bare(persona(number, today, country=country), country), str(path.relative_to(folder)), path)
        for number, path in enumerate(paths)
    ]


def _bare(who: Persona, country: str) -> Persona:
    adult = date(1998, 1 + who.number % 12, 1 + who.number % 28)
    return replace(
        who, headline="", skills=(), birth_date=adult, rights=((country, "yes", None),), opts_in=True
    )


def _demonstration_persona(country: str, today: date) -> Persona:
    """A grown-up developer who knows Python, may work without end and opts in."""
    who = persona(DEMONSTRATION_NUMBER, today, country=country)
    skills = ("python", "sql", "version-control", "automated-testing")
    resume = write_resume(
        Random(DEMONSTRATION_NUMBER), language=who.language, country=country, city=who.city,
        first_name=who.first_name, last_name=who.last_name, job_field="development", skills=skills,
        spoken=who.languages, today=today, number=77,
    )  # fmt: skip
    python = "Développement Python" if who.language == "fr" else "Python development"
    return replace(
        who, email="candidate@people.example", birth_date=date(2003, 5, 17), job_fields=("development",),
        headline=f"{resume.headline.split(' – ')[0]} – {python}", skills=skills,
        rights=((country, "yes", None),), opts_in=True, resume=resume,
    )  # fmt: skip


def _upload_all(ports: Ports, sources: Sequence[_Source], progress: Progress) -> list[_Sample]:
    done = 0
    samples = []
    with ThreadPoolExecutor(THREADS) as pool:
        for sample in pool.map(lambda source: _upload(ports, source), sources):
            samples.append(sample)
            done += 1
            progress("uploading CVs", done, len(sources))
    return samples


def _upload(ports: Ports, source: _Source) -> _Sample:
    """Register a persona some days back, fill in the profile and upload the PDF."""
    who = source.who
    now = ports.clock.now()
    then = now - timedelta(days=30 if who.number == DEMONSTRATION_NUMBER else 2 + who.number * 7 % 55)
    with ports.db.transaction() as session:
        account_id = _register(session, ports, who, then)
        profile = profiles.update_profile(session, then, ports.settings, account_id, _profile(who))
    sample = _Sample(source.label, account_id, profile.candidate_id, who.opts_in)
    try:
        cvs.take_upload(
            ports.db,
            ports.files,
            ports.reader,
            ports.settings,
            now,
            account_id,
            source.content(),
            source.label,
        )
    except InvalidInputError as refused:
        sample.state = "refused"
        log.info("sample.cv_refused", file=source.label, reason=refused.errors[0].code)
    return sample


def _register(session: Session, ports: Ports, who: Persona, then: datetime) -> UUID:
    wanted = terms.required_documents(session, Role.CANDIDATE, who.language, ports.clock.today())
    account_id = candidates.register_candidate(
        session,
        then,
        ports.settings,
        Registration(
            first_name=who.first_name,
            last_name=who.last_name,
            birth_date=who.birth_date,
            email=who.email,
            language=who.language,
            acceptances=[AcceptedVersion(item.document.value, item.version) for item in wanted],
        ),
    )
    if account_id is None:
        raise SampleDataExistsError
    confirm_account(session, then, account_id, HOOKS, mail_password=False)
    return account_id


def _profile(who: Persona) -> ProfileInput:
    return ProfileInput(
        country=who.country,
        region=who.region,
        job_fields=who.job_fields,
        start_on=None if who.start_is_month else who.start_day,
        start_month=f"{who.start_day:%Y-%m}" if who.start_is_month else None,
        flex_weeks=who.start_flex_weeks,
        headline=who.headline,
        skills=who.skills,
        languages=who.languages,
        education_level=who.education_level,
        right_to_work=[Right(country, right, until) for country, right, until in who.rights],
    )


def _read_all(ports: Ports, total: int, progress: Progress) -> None:
    """Read the waiting CVs in parallel, as workers would."""
    extract: Callable[[Ports, int], int] = _entry_point("extract_waiting")
    done = 0

    def read_some(_: int) -> int:
        return extract(ports, 1)

    with ThreadPoolExecutor(THREADS) as pool:
        for read in pool.map(read_some, range(total)):
            done += read
            progress("reading CVs", done, total)


def _opt_in_all(ports: Ports, samples: Iterable[_Sample], progress: Progress) -> None:
    waiting = list(samples)
    with ports.db.transaction() as session:
        consent = terms.consent_in_force(session, ports.clock.today(), "en")
    for done, sample in enumerate(waiting, 1):
        with ports.db.transaction() as session:
            latest = cvs.latest_cv(session, sample.account_id)
            sample.state = latest.state.value if latest else sample.state
        if sample.opts_in and sample.state in {"ready", "no_text"}:
            _opt_in(ports, sample, consent.text_hash)
        progress("opting in", done, len(waiting))


def _settle(ports: Ports) -> None:
    """Carry out what the acts above left in the outbox, dated back as they are."""
    deliver_due_mails(ports)
    with ports.db.transaction() as session:
        cvs.remove_discarded(session, ports.clock.now(), ports.files, limit=10_000)


def _opt_in(ports: Ports, sample: _Sample, consent_hash: str) -> None:
    try:
        with ports.db.transaction() as session:
            candidates.opt_in(
                session, ports.clock.now(), ports.settings, sample.account_id, consent_hash, "portal"
            )
    except InvalidInputError:  # a minor: the guardian has to accept first (rules C3)
        log.info("sample.not_opted_in", candidate_id=str(sample.candidate_id))


def _give_password(ports: Ports, sample: _Sample) -> str:
    password = demonstration_password()
    with ports.db.transaction() as session:
        set_password(session, ports.settings, sample.account_id, password)
        grant_bearer(session, ports.clock.now(), sample.account_id, sample.account_id)
    return password


def _staff(ports: Ports, country: str) -> tuple[DemonstrationAccount, DemonstrationAccount]:
    """Make the admin and the recruiter, dated 30 days back, with passwords and bearer access."""
    then = ports.clock.now() - timedelta(days=30)
    admin_password, recruiter_password = demonstration_password(), demonstration_password()
    with ports.db.transaction() as session:
        admin_id = create_admin(session, then, ADMIN_EMAIL, first_name="Alex", last_name="Admin")
        confirm_account(session, then, admin_id, AccountHooks(), mail_password=False)
        wanted = terms.required_documents(session, Role.ADMIN, "en", then.date())
        record_acceptances(
            session, then, admin_id, Role.ADMIN, "en",
            [AcceptedVersion(item.document.value, item.version) for item in wanted],
        )  # fmt: skip
        recruiter_email, recruiter_id = register_demonstration_recruiter(
            session, then, ports.settings, admin_id, country
        )
        for account_id, password in ((admin_id, admin_password), (recruiter_id, recruiter_password)):
            set_password(session, ports.settings, account_id, password)
            grant_bearer(session, then, admin_id, account_id)
    return (
        DemonstrationAccount("admin", ADMIN_EMAIL, admin_password, str(admin_id), country),
        DemonstrationAccount("recruiter", recruiter_email, recruiter_password, str(recruiter_id), country),
    )


def demonstration_password() -> str:
    """Return a password that is long, random and can be typed."""
    return "-".join(
        [
            *(secrets.choice(sample_words()["password_words"]) for _ in range(4)),
            str(secrets.randbelow(9000) + 1000),
        ]
    )


def write_demo_file(ports: Ports, made: SampleData) -> None:
    """Write ``demo.json``, readable by its owner only, in one step."""
    path = ports.settings.data / "demo.json"
    content: dict[str, Any] = {
        "base_url": ports.settings.base_url,
        "accounts": [account.as_json() for account in made.accounts],
    }
    if made.files:
        content["cvs"] = made.files
    partial = path.with_suffix(".part")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as target:
        json.dump(content, target, indent=2, ensure_ascii=False)
    partial.replace(path)


def _entry_point(name: str) -> Callable[..., Any]:
    """Return a function of the indexer, which this package must not import, by its entry point."""
    found: Callable[..., Any] = entry_points(group="marketplace.indexing")[name].load()
    return found
