"""The pages of a recruiter's openings over HTTP, without JavaScript."""

from __future__ import annotations

import re
from collections.abc import Iterator
from uuid import uuid4

import pytest
from litestar import Litestar

from marketplace.accounts.models import Account
from marketplace.recruiters.models import Recruiter
from tests.builders import an_opening
from tests.marketplace.contacts.conftest import Scene
from tests.portal import PortalClient, text_of


@pytest.fixture
def recruiter(app: Litestar, scene: Scene) -> Iterator[PortalClient]:
    """The recruiter's browser, in English."""
    scene.change(Account, scene.recruiter_account, language="en")
    with PortalClient(app) as client:
        with scene.db.transaction() as session:
            account = session.get_one(Account, scene.recruiter_account)
        client.sign_in_as(account)
        yield client


def test_openings_are_made_changed_closed_and_reopened(recruiter: PortalClient, scene: Scene) -> None:
    """D3: each step by a form; a wrong one comes back with the field marked."""
    form = {"title": "Apprentice cook", "company": "", "job_country": "GB", "start_on": "2027-09-01"}
    assert recruiter.submit("/recruiter/openings", form, page="/recruiter/openings").status_code == 303
    wrong = recruiter.submit("/recruiter/openings", {**form, "title": " "}, page="/recruiter/openings")
    assert wrong.status_code == 422
    assert 'id="error-title"' in wrong.text
    own = f"/recruiter/openings/{scene.opening.id}"
    assert f'value="{scene.opening.title}"' in recruiter.get(own).text
    assert recruiter.submit(own, {**form, "title": "Cook"}, page=own).status_code == 303
    assert recruiter.submit(own, {**form, "start_on": "2099-01-01"}, page=own).status_code == 422
    for state in ("closed", "open"):
        assert recruiter.submit(f"{own}/state", {"state": state}, page=own).status_code == 303
    assert recruiter.submit(f"{own}/state", {"state": "sold"}, page=own).status_code == 422
    assert recruiter.get(f"/recruiter/openings/{uuid4()}").status_code == 404
    read = text_of(recruiter.get("/recruiter/openings").text)
    assert "Apprentice cook" in read
    assert "Cook" in read


def test_long_lists_go_on(recruiter: PortalClient, scene: Scene) -> None:
    """Interface: a next page where there is more than one."""
    with scene.db.transaction() as session:
        row = session.get_one(Recruiter, scene.recruiter_id)
        for _ in range(55):
            an_opening(session, row)
    first = recruiter.get("/recruiter/openings").text
    following = re.search(r'href="(/recruiter/openings\?cursor=[^"]+)"', first)
    assert following
    assert "Back to the first page" in recruiter.get(following[1]).text
