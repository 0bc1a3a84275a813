"""The sample data: credible, repeatable, and made through the real path."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from io import BytesIO
from pathlib import Path

import pytest
from pypdf import PdfReader
from sqlalchemy import func, select

from marketplace.app import build_ports
from marketplace.candidates.models import CV, Candidate, CandidateState, CVState
from marketplace.clock import FixedClock
from marketplace.db import Database
from marketplace.demo.cv_layouts import LAYOUTS, draw
from marketplace.demo.people import people, persona
from marketplace.demo.sample_data import make_sample_data
from marketplace.mail import MailSink
from marketplace.ports import Ports
from marketplace.settings import Settings

TODAY = date(2026, 11, 23)


@pytest.fixture
def ports(db: Database, settings: Settings, clock: FixedClock, mail_sink: MailSink) -> Ports:
    settings.data.mkdir(mode=0o700, parents=True)
    bulk = replace(settings, cv_extraction="forkserver")
    return build_ports(bulk, db=db, clock=clock, mailer=mail_sink)


def test_people_are_the_same_every_time() -> None:
    """The same seed and day give the same people."""
    assert list(people(40, TODAY)) == list(people(40, TODAY))
    assert persona(7, TODAY) == list(people(8, TODAY))[7]


def test_people_live_in_the_three_countries_and_write_both_languages() -> None:
    """Three countries, French and English."""
    sample = list(people(300, TODAY))
    assert {who.country for who in sample} == {"FR", "GB", "US"}
    assert {who.language for who in sample} == {"fr", "en"}
    assert len({who.email for who in sample}) == 300


@pytest.mark.parametrize("layout", range(len(LAYOUTS)))
def test_every_layout_is_a_real_pdf_of_one_to_three_pages(layout: int) -> None:
    """Each layout has the name and the skills in its text layer; drawing twice gives the same bytes."""
    for who in people(12, TODAY):
        content = draw(who.resume, layout)
        assert content == draw(who.resume, layout)
        pages = PdfReader(BytesIO(content)).pages
        assert 1 <= len(pages) <= 3
        text = " ".join(" ".join(page.extract_text() for page in pages).split())
        assert who.last_name in text
        assert who.resume.skills[0].split()[0] in text


def test_samples_are_searchable_and_the_accounts_are_written(ports: Ports) -> None:
    """Each sample is uploaded, read and indexed; demo.json is private and complete."""
    made = make_sample_data(ports, count=12)
    assert made.candidates == 12
    path = ports.settings.data / "demo.json"
    assert path.stat().st_mode & 0o777 == 0o600
    told = json.loads(path.read_text())
    assert [account["role"] for account in told["accounts"]] == ["recruiter", "candidate", "admin"]
    with ports.db.transaction() as session:
        states = session.scalars(select(CV.state)).all()
        assert states == [CVState.READY] * 13
        in_france = session.scalars(
            select(func.count()).where(
                Candidate.state == CandidateState.SEARCHABLE, Candidate.country == "FR"
            )
        ).one()
    assert ports.index.count("FR") == in_france > 1


def test_a_folder_of_pdfs_becomes_one_candidate_a_file(ports: Ports, tmp_path: Path) -> None:
    """--cv-dir: every PDF below the folder, whatever becomes of it, is told in demo.json."""
    folder = tmp_path / "cvs" / "below"
    folder.mkdir(parents=True)
    who = persona(1, TODAY)
    (folder / "good.pdf").write_bytes(draw(who.resume, 0))
    (tmp_path / "cvs" / "bad.PDF").write_bytes(b"<html>")
    make_sample_data(ports, cv_dir=tmp_path / "cvs", country="GB")
    told = json.loads((ports.settings.data / "demo.json").read_text())
    assert [(cv["file"], cv["state"]) for cv in told["cvs"]] == [
        ("bad.PDF", "refused"),
        ("below/good.pdf", "ready"),
    ]
    assert {account["country"] for account in told["accounts"]} == {"GB"}
    assert ports.index.count("GB") == 2
