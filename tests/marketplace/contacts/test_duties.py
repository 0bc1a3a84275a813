"""What becomes of a duty over HTTP: attested, excepted, by its holder or a mailed link (D4, B6, C6)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from litestar import Litestar
from sqlalchemy import func, select

from marketplace.accounts.models import Account
from marketplace.app import create_app
from marketplace.contacts import duties
from marketplace.contacts.models import CVDownload, DutyState, Opening, SettleLink
from marketplace.ports import Ports
from marketplace.recruiters.lifecycle import RecruiterState
from marketplace.recruiters.models import Recruiter
from tests.builders import a_copy, a_recruiter, an_opening
from tests.marketplace.contacts.conftest import Scene
from tests.portal import PortalClient, text_of

REASON = "Code du travail, article L1221-13: the register of staff, for five years"


@pytest.fixture
def recruiter(app: Litestar, scene: Scene) -> Iterator[PortalClient]:
    """The recruiter's browser, in English."""
    with PortalClient(app) as client:
        sign_in(client, scene, scene.recruiter_account)
        yield client


@pytest.fixture
def stranger(ports: Ports) -> Iterator[PortalClient]:
    """A browser that nobody is signed in with."""
    with PortalClient(create_app(ports.settings, ports=ports)) as client:
        client.follow_redirects = False
        client.headers["accept-language"] = "en"
        yield client


def sign_in(client: PortalClient, scene: Scene, account_id: UUID) -> None:
    client.follow_redirects = False
    with scene.db.transaction() as session:
        account = session.get_one(Account, account_id)
        account.language = "en"
    client.sign_in_as(account)


def taken(scene: Scene, **columns: Any) -> UUID:
    with scene.db.transaction() as session:
        opening = session.get_one(Opening, scene.opening.id)
        return a_copy(session, opening, scene.candidate_id, **columns).id


def link_of(scene: Scene, recruiter_id: UUID | None = None) -> str | None:
    """The path of a new settle link."""
    with scene.db.transaction() as session:
        link = duties.issue_settle_link(
            session, scene.now, scene.settings, recruiter_id or scene.recruiter_id
        )
    return None if link is None else link.removeprefix(scene.settings.base_url)


def states(scene: Scene) -> dict[UUID, str]:
    with scene.db.transaction() as session:
        return {copy.id: copy.state for copy in session.scalars(select(CVDownload))}


@pytest.mark.parametrize("exception", ["hired", "legal_obligation"])
def test_an_exception_is_stated_with_its_reason(
    recruiter: PortalClient, scene: Scene, exception: str
) -> None:
    """D4, C6: it settles the duty; candidate and admin read the kind, only holder and admin the reason."""
    copies = [str(taken(scene)) for _ in range(2)]
    body = {"ids": copies, "exception": exception, "reason": f"  {REASON}  "}
    answer = recruiter.change("POST", "/cv-downloads/exceptions", body)
    assert answer.status_code == 201
    assert {
        (item["state"], item["exception"], item["exception_reason"]) for item in answer.json()["items"]
    } == {("excepted", exception, REASON)}
    again = recruiter.change("POST", "/cv-downloads/attestations", {"ids": copies})
    assert {item["state"] for item in again.json()["items"]} == {"excepted"}
    assert [entry.details for entry in scene.audit() if entry.act == "deletion.excepted"] == [
        {"exception": exception}
    ] * 2
    assert all(REASON not in str(entry.details) for entry in scene.audit())


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"reason": " "}, "reason"),
        ({"reason": "a" * 501}, "reason"),
        ({"reason": ""}, "reason"),
        ({"exception": "curious"}, "exception"),
        ({"ids": []}, "ids"),
    ],
)
def test_an_exception_without_a_reason_is_none(
    recruiter: PortalClient, scene: Scene, change: dict[str, Any], field: str
) -> None:
    """D4: a missing or over-long reason and an unknown exception are 422 and settle nothing."""
    copy = taken(scene)
    body = {"ids": [str(copy)], "exception": "legal_obligation", "reason": "a" * 500, **change}
    answer = recruiter.change("POST", "/cv-downloads/exceptions", body)
    assert answer.status_code == 422
    assert field in {error["field"] for error in answer.json()["errors"]}
    assert states(scene) == {copy: DutyState.OPEN}


def test_a_reason_of_the_full_length_is_taken(recruiter: PortalClient, scene: Scene) -> None:
    """D4: 500 characters are allowed; a foreign copy among own ones settles none."""
    copy = str(taken(scene))
    with scene.db.transaction() as session:
        foreign = str(a_copy(session, an_opening(session, a_recruiter(session)), scene.candidate_id).id)
    body = {"ids": [copy, foreign], "exception": "hired", "reason": "a" * 500}
    assert recruiter.change("POST", "/cv-downloads/exceptions", body).status_code == 404
    assert set(states(scene).values()) == {DutyState.OPEN}
    body["ids"] = [copy]
    assert recruiter.change("POST", "/cv-downloads/exceptions", body).status_code == 201


def test_the_page_lists_the_overdue_first_and_ticks_without_a_script(
    recruiter: PortalClient, scene: Scene
) -> None:
    """D4: twenty copies: the most overdue on top, days in words, all or the overdue ones ticked by a link."""
    for days in range(-8, 12):
        taken(scene, delete_by_on=scene.now.date() + timedelta(days=days))
    page = recruiter.get("/recruiter/downloads")
    read = text_of(page.text)
    places = [
        read.index(words)
        for words in ("8 days overdue", "1 day overdue", "today", "1 day left", "11 days left")
    ]
    assert places == sorted(places)
    assert page.text.count(" checked") == 0
    assert recruiter.get("/recruiter/downloads?select=all").text.count(" checked") == 20
    assert recruiter.get("/recruiter/downloads?select=overdue").text.count(" checked") == 8
    assert "8 copies are overdue" in read
    assert "are stopped" not in read


def test_the_list_is_paged_from_the_most_overdue_on(recruiter: PortalClient, scene: Scene) -> None:
    """D4: sixty copies come in two pages, each copy once; settled ones in a list of their own."""
    copies = [taken(scene, delete_by_on=date(2027, 5, 1) + timedelta(days=n % 7)) for n in range(60)]
    first = recruiter.get("/recruiter/downloads").text
    more = first.split('rel="next" href="')[1].split('"')[0].replace("&amp;", "&")
    second = recruiter.get(more).text
    assert sum(f"cv-{copy.hex[:8]}" in first for copy in copies) == 50
    assert sum(f"cv-{copy.hex[:8]}" in second for copy in copies) == 10
    assert "Nothing is settled yet" in recruiter.get("/recruiter/downloads?show=settled").text
    attest = "/recruiter/downloads/attestations"
    recruiter.submit(attest, {"which": "all"}, page="/recruiter/downloads")
    settled = recruiter.get("/recruiter/downloads?show=settled").text
    more = settled.split('rel="next" href="')[1].split('"')[0].replace("&amp;", "&")
    assert settled.count("Deleted</span>") == 50
    assert recruiter.get(more).text.count("Deleted</span>") == 10


def test_copies_are_kept_by_the_form(recruiter: PortalClient, scene: Scene) -> None:
    """D4: without a choice or a reason the form comes back as sent; then the settled list shows why."""
    kept, other = str(taken(scene)), str(taken(scene))
    path, page = "/recruiter/downloads/exceptions", "/recruiter/downloads"
    wrong = recruiter.submit(path, {"copy": [kept], "reason": "Because"}, page=page)
    assert wrong.status_code == 422
    assert f'value="{kept}" id="copy-{kept}" checked' in wrong.text
    assert "Because</textarea>" in wrong.text
    assert recruiter.submit(path, {"exception": "hired", "reason": "x"}, page=page).status_code == 422
    given = {"copy": [kept], "exception": "hired", "reason": "Hired on 1 March <b>"}
    assert recruiter.submit(path, given, page=page).headers["location"] == page
    settled = recruiter.get(f"{page}?show=settled").text
    assert "Kept: hired" in settled
    assert "Hired on 1 March &lt;b&gt;" in settled
    assert states(scene) == {UUID(kept): DutyState.EXCEPTED, UUID(other): DutyState.OPEN}


@pytest.mark.parametrize(
    ("exception", "words"),
    [("hired", "they state that they hired you"), ("legal_obligation", "they state that a law obliges them")],
)
def test_the_candidate_reads_which_exception(
    recruiter: PortalClient, scene: Scene, ports: Ports, exception: str, words: str
) -> None:
    """C6: the access log shows that the copy is kept and for which kind of reason, not the words."""
    with scene.gate() as session:
        from marketplace.contacts import downloads

        copy = downloads.download_cv(
            session, scene.now, scene.settings, scene.recruiter_account, scene.session_id,
            scene.candidate_id, opening_id=scene.opening.id,
        ).id  # fmt: skip
    body = {"ids": [str(copy)], "exception": exception, "reason": REASON}
    assert recruiter.change("POST", "/cv-downloads/exceptions", body).status_code == 201
    with PortalClient(create_app(ports.settings, ports=ports)) as client:
        sign_in(client, scene, scene.candidate_account)
        page = text_of(client.get("/candidate/access-log").text)
        (line,) = client.get("/api/v1/me/access-log").json()["items"]
    assert words in page
    assert REASON not in page
    assert (line["duty_state"], line["duty_exception"]) == ("excepted", exception)


@pytest.mark.parametrize(("late", "stopped"), [(13, False), (14, False), (15, True)])
def test_reveals_stop_over_fourteen_days_and_go_on_at_once(
    recruiter: PortalClient, scene: Scene, late: int, stopped: bool
) -> None:
    """D4, C-08: before, at and after 14 days; the page says why and what to do; settled, it works at once."""
    copies = [taken(scene, delete_by_on=scene.now.date() - timedelta(days=late)) for _ in range(2)]
    opening = {"opening_id": str(scene.opening.id)}
    reveal = f"/candidates/{scene.candidate_id}/email-reveals"
    download = f"/candidates/{scene.candidate_id}/cv-downloads"
    for route in (reveal, download):
        answer = recruiter.change("POST", route, opening)
        assert answer.status_code == (403 if stopped else 201)
        assert answer.json().get("reasons") == (["duties_overdue"] if stopped else None)
    page = text_of(recruiter.get("/recruiter/downloads").text)
    assert ("New copies and e-mail addresses are stopped" in page) is stopped
    profile = recruiter.get(f"/recruiter/candidates/{scene.candidate_id}").text
    assert ('href="/recruiter/downloads?select=overdue"' in profile) is stopped
    first = {"ids": [str(copies[0])]}
    assert recruiter.change("POST", "/cv-downloads/attestations", first).status_code == 201
    assert recruiter.change("POST", reveal, opening).status_code == (403 if stopped else 201)
    rest = {"ids": [str(copies[1])], "exception": "hired", "reason": "Hired on 1 March"}
    assert recruiter.change("POST", "/cv-downloads/exceptions", rest).status_code == 201
    for route in (reveal, download):
        assert recruiter.change("POST", route, opening).status_code == 201


def test_a_link_settles_one_several_and_all_without_an_account(stranger: PortalClient, scene: Scene) -> None:
    """B6, A-09: looking changes nothing; each post settles; after the last one the link is over."""
    scene.change(Recruiter, scene.recruiter_id, state=RecruiterState.CLOSED)
    one, two, three, four, five = (str(taken(scene)) for _ in range(5))
    path = link_of(scene)
    assert path
    for _ in range(3):
        page = stranger.get(path)
        assert page.status_code == 200
    assert page.headers["referrer-policy"] == "no-referrer"
    assert "5 copies of CVs must still be deleted" in text_of(page.text)
    assert set(states(scene).values()) == {"open"}
    assert stranger.submit(path, {"which": one}, page=path).headers["location"] == path
    assert stranger.submit(path, {"which": "chosen", "copy": [two, three]}, page=path).status_code == 303
    assert stranger.submit(path, {"which": "chosen"}, page=path).headers["location"] == path
    wrong = stranger.submit(f"{path}/exceptions", {"copy": [four], "exception": "hired"}, page=path)
    assert wrong.status_code == 422
    assert wrong.headers["referrer-policy"] == "no-referrer"
    kept = {"copy": [four], "exception": "legal_obligation", "reason": REASON}
    assert stranger.submit(f"{path}/exceptions", kept, page=path).headers["location"] == path
    assert states(scene) == {
        UUID(one): "attested", UUID(two): "attested", UUID(three): "attested", UUID(four): "excepted",
        UUID(five): "open",
    }  # fmt: skip
    assert stranger.submit(path, {"which": "all"}, page=path).headers["location"] == "/"
    over = stranger.get(path)
    assert over.status_code == 404
    assert "This link is over" in over.text
    assert stranger.submit(path, {"which": "all"}, page="/sign-in").status_code == 404
    roles = {entry.actor_role for entry in scene.audit() if entry.act.startswith("deletion.")}
    assert roles == {"settle_link"}


def test_a_link_is_bound_to_its_recruiter(stranger: PortalClient, scene: Scene) -> None:
    """B6, Z-02: a copy of another recruiter does not exist for it; what is none of ours opens nothing."""
    own = str(taken(scene))
    with scene.db.transaction() as session:
        foreign = a_copy(session, an_opening(session, a_recruiter(session)), scene.candidate_id)
    path = link_of(scene)
    assert path
    assert f"cv-{foreign.id.hex[:8]}" not in stranger.get(path).text
    for copy in (str(foreign.id), str(uuid4()), "nonsense"):
        assert stranger.submit(path, {"which": copy}, page=path).status_code == 404
    assert (
        stranger.submit(path, {"which": "chosen", "copy": [own, str(foreign.id)]}, page=path).status_code
        == 404
    )
    assert set(states(scene).values()) == {"open"}
    for token in ("none", "a" * 5000, "%C3%A9"):
        assert stranger.get(f"/deletion-duties/{token}").status_code == 404
    assert stranger.post(path, data={"which": "all"}).status_code == 403


def test_only_the_hash_of_a_link_is_kept_and_a_new_one_replaces_it(
    stranger: PortalClient, scene: Scene
) -> None:
    """B6, A-09: the table holds SHA-256 only; a new mail to the same person makes the earlier link void."""
    taken(scene)
    first, second = link_of(scene), link_of(scene)
    assert first
    assert second
    with scene.db.transaction() as session:
        (row,) = session.scalars(select(SettleLink))
        assert row.token_hash == hashlib.sha256(second.rpartition("/")[2].encode()).digest()
    assert stranger.get(first).status_code == 404
    assert stranger.get(second).status_code == 200


def test_without_an_open_duty_there_is_no_link(recruiter: PortalClient, scene: Scene) -> None:
    """B6: none is issued, and settling the last one signed in ends the link too."""
    assert link_of(scene) is None
    copy = taken(scene)
    assert link_of(scene)
    recruiter.change("POST", "/cv-downloads/attestations", {"ids": [str(copy)]})
    with scene.db.transaction() as session:
        assert session.scalar(select(func.count()).select_from(SettleLink)) == 0
    assert link_of(scene) is None
