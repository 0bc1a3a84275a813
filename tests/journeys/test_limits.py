"""Limits as people and programs meet them over HTTP (rules E1; security.md X-01, X-04, X-05, R-03)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import UUID

import httpx
import pytest
from litestar import Litestar
from litestar.types import ASGIApp, Receive, Scope, Send
from sqlalchemy import select
from structlog.testing import capture_logs

from indexer.rebuild import rebuild
from marketplace.accounts.models import Account
from marketplace.app import build_ports, create_app
from marketplace.candidates.models import Candidate
from marketplace.clock import FixedClock
from marketplace.db import Database
from marketplace.demo.embedded_valkey import ValkeyServer
from marketplace.mail import MailSink
from marketplace.ports import Ports
from marketplace.rate_limits.models import QuotaUse
from marketplace.rate_limits.redis_limiter import RedisLimiter
from marketplace.rate_limits.resilient import PAUSE_SECONDS, ResilientLimiter
from marketplace.recruiters.models import Company, Recruiter
from marketplace.settings import Settings
from tests.builders import a_candidate, a_recruiter, an_opening
from tests.contracts.limiters import PATIENT, Timer
from tests.portal import PortalClient, text_of

SHORT = {
    "SEARCH": "4/minute", "OPENING": "3/minute", "CV_TEXT": "", "EMAIL_REVEAL": "2/minute",
    "CV_DOWNLOAD": "1/minute", "CONTACT": "2/day",
}  # fmt: skip


class Peer:
    """Lets a test choose the address a connection comes from."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.address = "203.0.113.5"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if "client" in scope:
            scope["client"] = (self.address, 4711)
        await self.app(scope, receive, send)


@dataclass
class Site:
    """The application under some quotas, a recruiter who is signed in, and people to find."""

    app: Litestar
    client: PortalClient
    peer: Peer
    ports: Ports
    opening_id: UUID
    people: list[UUID]

    def uses(self) -> list[str]:
        with self.ports.db.reading() as session:
            return list(session.scalars(select(QuotaUse.quota).order_by(QuotaUse.id)))

    def search(self) -> httpx.Response:
        return self.client.get("/api/v1/candidates/search")

    def open(self) -> httpx.Response:
        return self.client.get(f"/api/v1/candidates/{self.people[0]}")

    def read(self) -> httpx.Response:
        return self.client.get(f"/api/v1/candidates/{self.people[0]}/cv/text")

    def _post(self, what: str, person: int = 0, **more: str) -> httpx.Response:
        body = {"opening_id": str(self.opening_id), **more}
        return self.client.change("POST", f"/candidates/{self.people[person]}/{what}", body)

    def reveal(self) -> httpx.Response:
        return self._post("email-reveals")

    def download(self) -> httpx.Response:
        return self._post("cv-downloads")

    def contact(self, person: int = 0) -> httpx.Response:
        return self._post("contacts", person, message="Bonjour")


Make = Callable[..., Site]


@pytest.fixture
def make(
    settings: Settings, db: Database, database_url: str, clock: FixedClock, mail_sink: MailSink
) -> Iterator[Make]:
    opened: list[PortalClient] = []

    def made(quotas: dict[str, str], limiter: object = None, trusted_proxies: str = "") -> Site:
        chosen = replace(
            settings,
            database_url=database_url,
            quotas={**settings.quotas, **quotas},
            trusted_proxies=trusted_proxies,
        )
        others = {} if limiter is None else {"limiter": limiter}
        ports = build_ports(chosen, db=db, clock=clock, mailer=mail_sink, **others)
        app = create_app(chosen, ports=ports)
        peer = Peer(app.asgi_handler)
        app.asgi_handler = peer
        with db.transaction() as session:
            recruiter = a_recruiter(session)
            opening = an_opening(session, recruiter)
            people = [a_candidate(session).id for _ in range(4)]
            account = session.get_one(Account, recruiter.account_id)
        rebuild(ports, "FR")
        client = PortalClient(app)
        client.__enter__()
        client.follow_redirects = False
        client.sign_in_as(account)
        opened.append(client)
        return Site(app, client, peer, ports, opening.id, people)

    yield made
    for client in opened:
        client.__exit__(None, None, None)


def test_each_act_has_its_own_limit(make: Make) -> None:
    """X-01: each class passes to its limit and is a 429 after; none uses up another; texts are openings."""
    site = make(SHORT)
    assert [site.search().status_code for _ in range(5)] == [200] * 4 + [429]
    assert [site.open().status_code, site.read().status_code, site.open().status_code] == [200] * 3
    assert [site.open().status_code, site.read().status_code] == [429] * 2
    assert [site.reveal().status_code for _ in range(3)] == [201, 201, 429]
    assert [site.download().status_code for _ in range(2)] == [201, 429]
    assert [site.contact(person).status_code for person in range(3)] == [201, 201, 429]
    assert site.client.get("/api/v1/openings").status_code == 200, "reading one's own counts in none"


def test_programs_are_told_how_they_stand(make: Make) -> None:
    """E1: the headers of each counted answer, and of a 429 with the time to wait and what happened."""
    site = make({"SEARCH": "2/minute", "CONTACT": "1/day"})
    answer = site.search()
    assert (answer.headers["ratelimit"], answer.headers["ratelimit-policy"]) == (
        '"SEARCH";r=1;t=60', '"SEARCH";q=2;w=60',
    )  # fmt: skip
    assert site.search().headers["ratelimit"].startswith('"SEARCH";r=0;t=')
    refused = site.search()
    wait = int(refused.headers["retry-after"])
    assert refused.status_code == 429
    assert 0 < wait <= 60
    assert refused.headers["ratelimit"] == f'"SEARCH";r=0;t={wait}'
    assert refused.headers["ratelimit-policy"] == '"SEARCH";q=2;w=60'
    problem = refused.json()
    assert (problem["code"], problem["status"]) == ("too_many_requests", 429)
    assert site.contact().headers["ratelimit"] == '"CONTACT";r=0;t=86400'
    spent = site.contact(1)
    assert (spent.headers["retry-after"], spent.headers["ratelimit-policy"]) == (
        "86400", '"CONTACT";q=1;w=86400',
    )  # fmt: skip
    assert "ratelimit" not in site.client.get("/api/v1/openings").headers


@pytest.mark.parametrize(
    ("language", "sentence"),
    [
        ("fr", "Recherches : 1 au plus par minute. Vous pourrez continuer dans"),
        ("en", "Searches: at most 1 a minute. You can go on in"),
    ],
)
def test_people_are_told_what_happened(make: Make, language: str, sentence: str) -> None:
    """E1, F4: the page says which limit, how much and when to come back, in both languages."""
    site = make({"SEARCH": "1/minute"})
    with site.ports.db.transaction() as session:
        for account in session.scalars(select(Account)):
            account.language = language
    assert site.client.get("/recruiter/search").status_code == 200
    refused = site.client.get("/recruiter/search", headers={"accept": "text/html"})
    assert refused.status_code == 429
    assert int(refused.headers["retry-after"]) <= 60
    assert sentence in text_of(refused.text)
    assert site.search().json()["detail"].startswith(sentence)


def test_a_script_keeps_the_results_and_shows_the_notice(make: Make) -> None:
    """E1: an htmx search that is refused puts the sentence above the results it leaves alone."""
    site = make({"SEARCH": "1/minute"})
    page = site.client.get("/recruiter/search").text
    assert '<div id="limit-notice"></div>' in page
    assert '{"code":"429","swap":true}' in page
    refused = site.client.get("/recruiter/search", headers={"hx-request": "true"})
    assert refused.status_code == 429
    assert refused.headers["hx-retarget"] == refused.headers["hx-reselect"] == "#limit-notice"
    assert refused.headers["hx-reswap"] == "outerHTML"
    assert refused.text.startswith('<div class="alert alert-warning" id="limit-notice" role="alert">')
    assert "<html" not in refused.text
    assert "retry-after" in refused.headers


def test_wrong_and_speculative_requests_use_no_day_up(make: Make) -> None:
    """E1, D7: a 422, a HEAD and a prefetch leave the quotas of the day alone."""
    site = make({"SEARCH": "5/day", "OPENING": "5/day"})
    profile = f"/api/v1/candidates/{site.people[0]}"
    assert site.client.get("/api/v1/candidates/search?job_country=XX").status_code == 422
    assert site.client.head(profile).status_code == 403
    assert site.client.get(profile, headers={"sec-purpose": "prefetch"}).status_code == 403
    assert site.uses() == []
    assert site.client.get("/recruiter/search?start_from=nonsense").status_code == 422
    assert site.uses() == ["SEARCH"], "the page answers with the search that is left"


def test_files_and_probes_count_in_none(make: Make) -> None:
    """E1: static files and probes are never refused; everything else of an address is counted together."""
    site = make({"ADDRESS": "3/minute"})
    stylesheet = "/static/app.css"
    for _ in range(6):
        assert site.client.get(stylesheet).status_code == 200
        assert site.client.get("/livez").status_code == 200
    statuses = [site.client.get(path).status_code for path in ("/", "/no-such-page", "/api/v1/no-such")]
    assert 429 not in statuses
    for path in ("/", "/no-such-page", "/api/v1/openings", "/sign-in", "/livezz", "/readyz/x"):
        assert site.client.get(path).status_code == 429, path
    for path in (stylesheet, "/livez", "/readyz"):
        assert site.client.get(path).status_code != 429, path


def test_addresses_are_apart(make: Make) -> None:
    """E1: another IPv4 address or /64 has its own count; the same /64 and a mapped address do not."""
    site = make({"ADDRESS": "1/minute"})

    def passes(address: str) -> bool:
        site.peer.address = address
        return site.client.get("/api/v1/no-such").status_code == 404

    assert [passes("203.0.113.5"), passes("203.0.113.5"), passes("::ffff:203.0.113.5")] == [
        True,
        False,
        False,
    ]
    assert passes("203.0.113.6")
    assert [passes("2001:db8:1:2::3"), passes("2001:db8:1:2:ffff::9"), passes("2001:db8:1:3::3")] == [
        True, False, True,
    ]  # fmt: skip


@pytest.mark.slow
def test_rotating_headers_are_one_caller(make: Make) -> None:
    """X-04: 500 requests that each name another client in every header are limited as one."""
    site = make({"ADDRESS": "300/5 minute"})
    statuses = []
    for number in range(500):
        name = f"198.51.{number // 250}.{number % 250}"
        headers = {
            "x-forwarded-for": name,
            "x-real-ip": name,
            "forwarded": f"for={name}",
            "cf-connecting-ip": name,
        }
        statuses.append(site.client.get("/api/v1/no-such", headers=headers).status_code)
    assert statuses == [404] * 300 + [429] * 200


def test_our_own_proxy_is_believed(make: Make) -> None:
    """X-04: behind a configured proxy its rightmost foreign hop is who asks, whatever stands before it."""
    site = make({"ADDRESS": "2/minute"}, trusted_proxies="10.0.0.0/8")
    site.peer.address = "10.1.1.1"

    def passes(forwarded: str) -> bool:
        headers = {"x-forwarded-for": forwarded}
        return site.client.get("/api/v1/no-such", headers=headers).status_code == 404

    assert [passes(f"192.0.2.{number}, 198.51.100.1") for number in range(3)] == [True, True, False]
    assert passes("198.51.100.2")
    assert passes("198.51.100.1, 198.51.100.2, 10.2.2.2")
    assert not passes("198.51.100.2")
    site.peer.address = "203.0.113.77"
    assert [passes("198.51.100.9"), passes("198.51.100.10"), passes("198.51.100.11")] == [True, True, False]


def test_registrations_of_an_address(make: Make) -> None:
    """E1: five an hour from one address, forms and API together, whatever role; the sixth is a 429."""
    site = make({"SIGN_UP": "3/hour"})
    site.client.cookies.clear()
    answers = [
        site.client.change("POST", "/candidates", {}),
        site.client.change("POST", "/recruiters", {}),
        site.client.submit("/candidate/sign-up", page="/candidate/sign-up"),
    ]
    assert [answer.status_code for answer in answers] == [422, 422, 422]
    refused = site.client.change("POST", "/recruiters", {})
    assert refused.status_code == 429
    assert refused.headers["ratelimit-policy"] == '"SIGN_UP";q=3;w=3600'
    page = site.client.submit("/recruiter/sign-up", page="/recruiter/sign-up")
    assert page.status_code == 429
    site.peer.address = "203.0.113.99"
    assert site.client.change("POST", "/candidates", {}).status_code == 422


def test_what_an_account_may_not_is_counted_for_its_address(make: Make) -> None:
    """E1: a member who is over a limit of the account spends the address's all the same."""
    site = make({"SEARCH": "1/minute", "ADDRESS": "5/minute"})
    refusals = [site.search() for _ in range(7)]
    quotas = [answer.headers.get("ratelimit-policy", "").split(";")[0] for answer in refusals]
    assert quotas == ['"SEARCH"'] * 5 + ['"ADDRESS"'] * 2


def test_a_company_shares_a_minute_too(make: Make) -> None:
    """E1: three times the account's for a company, by whichever of its accounts."""
    site = make({"SEARCH": "2/minute"})
    with site.ports.db.transaction() as session:
        company = session.scalars(select(Company).join(Recruiter)).first()
        rows = [a_recruiter(session, company=company) for _ in range(3)]
        accounts = [session.get_one(Account, row.account_id) for row in rows]
    statuses = [site.search().status_code for _ in range(3)]
    for account in accounts:
        site.client.sign_in_as(account)
        statuses += [site.search().status_code for _ in range(2)]
    assert statuses == [200, 200, 429] + [200] * 4 + [429] * 2


def test_candidates_uploads_are_counted(make: Make, tmp_path: Path) -> None:
    """C4, E1: the page of CVs names the limit; the upload over it is a 429 on that page."""
    site = make({"CV_UPLOAD": "1/day"})
    with site.ports.db.transaction() as session:
        account = session.scalars(select(Account).join(Candidate)).first()
        assert account is not None
    site.client.sign_in_as(account)
    file = {"file": ("cv.pdf", b"no pdf", "application/pdf")}
    first = site.client.submit("/candidate/cv", files=file, page="/candidate/cv")
    second = site.client.submit("/candidate/cv", files=file, page="/candidate/cv")
    assert (first.status_code, second.status_code) == (422, 429)
    assert site.uses() == ["CV_UPLOAD"]


def test_the_store_stops_in_the_middle(make: Make, tmp_path: Path) -> None:
    """E1, X-04: without the store reads go on, contact and download stay limited; the log says it once."""
    server = ValkeyServer(tmp_path / "valkey")
    timer = Timer()
    limiter = ResilientLimiter(RedisLimiter(server.start(), PATIENT), 4, timer)
    try:
        site = make({"SEARCH": "30/minute", "CV_DOWNLOAD": "5/minute", "CONTACT": "2/day"}, limiter)
        assert site.search().status_code == 200
        assert site.download().status_code == 201
        server.stop()
        with capture_logs() as logs:
            assert [site.search().status_code for _ in range(9)] == [200] * 8 + [429]
            assert [site.download().status_code for _ in range(3)] == [201, 201, 429]
            assert [site.contact(person).status_code for person in range(3)] == [201, 201, 429]
        events = [entry["event"] for entry in logs if entry["event"].startswith("limiter.")]
        assert events == ["limiter.store_away"]
        server.start()
        timer.seconds += PAUSE_SECONDS
        with capture_logs() as logs:
            assert site.search().headers["ratelimit-policy"] == '"SEARCH";q=30;w=60'
        assert [entry["event"] for entry in logs if entry["event"].startswith("limiter.")] == [
            "limiter.store_back"
        ]
        assert site.contact(3).status_code == 429, "a day is counted where it was all the time"
    finally:
        server.stop()
