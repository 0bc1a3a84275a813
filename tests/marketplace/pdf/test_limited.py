"""PDF work in a limited process: the same answers both ways, and nothing a file does can hurt us."""

# Samples and rules read better on one line.
# ruff: noqa: E501
from __future__ import annotations

import csv
import os
import signal
import threading
import time
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from marketplace.errors import UnavailableError
from marketplace.pdf.limited import PDFReader
from marketplace.pdf.results import MESSAGES, Marking, RefusalReason
from marketplace.settings import Settings
from tests.pdfs import (
    LINES,
    SHARED,
    encrypted_pdf,
    flate_bomb,
    nested_forms_pdf,
    operator_bomb,
    scan_pdf,
    text_of,
    text_pdf,
)

MARKING = Marking(
    recipient="Élodie Martin", company="Ateliers", downloaded_on=date(2026, 11, 23),
    delete_by_on=date(2027, 5, 23), copy_id="abc",
)  # fmt: skip
PAGES_21 = text_pdf([["page"]] * 21)


@pytest.fixture(params=["subprocess", "forkserver"])
def reader(request):
    made = PDFReader(Settings(cv_extraction=request.param))
    yield made
    made.close()


@pytest.fixture
def forkserver():
    made = PDFReader(Settings(cv_extraction="forkserver"))
    yield made
    made.close()


REFUSED = [
    (b"", RefusalReason.EMPTY),
    (b"PK\x03\x04 a docx renamed", RefusalReason.NOT_PDF),
    (b"x" * 1025 + text_pdf(), RefusalReason.NOT_PDF),
    (b"%PDF-1.7 and nothing", RefusalReason.MALFORMED),
    (encrypted_pdf("secret", "owner"), RefusalReason.ENCRYPTED),
    (encrypted_pdf("secret", "owner", "RC4-128"), RefusalReason.ENCRYPTED),
    (PAGES_21, RefusalReason.TOO_MANY_PAGES),
    (text_pdf() + b" " * 5 * 1024 * 1024, RefusalReason.TOO_LARGE),
]


@pytest.mark.parametrize(("content", "reason"), REFUSED, ids=[reason for _, reason in REFUSED])
def test_refusals_with_their_reason(reader, content, reason):
    """C4: user password, malformed, over-long and non-PDF files are refused, at once and again when read."""
    assert reader.check(content) is reason
    assert reader.extract(content).reason is reason


def test_twenty_pages_and_five_mebibytes_are_fine(forkserver):
    """C4: at the bounds a file is accepted."""
    padded = text_pdf([LINES] * 20)
    padded = padded + b"\n" * (5 * 1024 * 1024 - len(padded))
    assert forkserver.check(padded) is None
    assert forkserver.extract(padded).pages == 20


def test_text_and_copy(reader):
    """C4: the text and the copy without active content."""
    extraction = reader.extract(text_pdf())
    assert (extraction.outcome, extraction.pages, extraction.reader, extraction.language) == (
        "ready",
        1,
        "pypdf",
        "fr",
    )
    assert extraction.text.splitlines() == list(LINES)
    assert LINES[0] in text_of(extraction.rewritten)


def test_owner_password_is_read(reader):
    """C4: owner-password-only files are read."""
    assert reader.extract(encrypted_pdf("", "owner")).outcome == "ready"


def test_a_scan_is_accepted(reader):
    """C4: a scan without text is accepted, with its copy and without text."""
    extraction = reader.extract(scan_pdf())
    assert (extraction.outcome, extraction.text, extraction.language) == ("no_text", "", None)
    assert extraction.rewritten


def test_mark(reader):
    """D4: the marked copy is made in the limited process too."""
    assert "Élodie Martin" in text_of(reader.mark(text_pdf(), MARKING))


def test_what_cannot_be_marked_does_not_leave(reader):
    """D4: no copy leaves unmarked."""
    with pytest.raises(UnavailableError):
        reader.mark(b"no pdf", MARKING)


BOMBS = {"flate": flate_bomb, "operators": operator_bomb, "forms": nested_forms_pdf}


@pytest.mark.slow
@pytest.mark.parametrize("name", BOMBS)
def test_bombs(reader, name):
    """C4: whatever a file does, it ends within 20 s, is answered, and the next file is read."""
    bomb = BOMBS[name]()
    started = time.monotonic()
    extraction = reader.extract(bomb)
    assert time.monotonic() - started < 20
    assert extraction.outcome in {"refused", "no_text", "ready"}
    assert reader.extract(text_pdf()).outcome == "ready"


def test_time_is_up(monkeypatch):
    """C4: a file that needs too long is `too_complex`; a check that needs too long accepts it as received."""
    for mode in ("subprocess", "forkserver"):
        slow = PDFReader(Settings(cv_extraction=mode, cv_extraction_cpu_seconds=1), "tests.pdfs_slow:never")
        assert slow.extract(text_pdf()).reason is RefusalReason.TOO_COMPLEX
        slow.close()
    hasty = PDFReader(replace(Settings(), cv_check_seconds=0))
    assert hasty.check(b"no pdf at all") is None


@pytest.mark.parametrize("mode", ["subprocess", "forkserver"])
@pytest.mark.parametrize("deed", ["memory", "wait", "write", "connect", "spawn", "crash", "shout"])
def test_limits_hold(mode, deed):
    """C4: memory, wall time, files, network and processes are refused to code that runs on a stranger's file."""
    settings = Settings(cv_extraction=mode, cv_extraction_seconds=8)
    bad = PDFReader(settings, f"tests.pdfs_slow:{deed}")
    started = time.monotonic()
    assert bad.extract(text_pdf()).reason is RefusalReason.TOO_COMPLEX
    assert time.monotonic() - started < 12
    bad.close()


@pytest.mark.parametrize("mode", ["subprocess", "forkserver"])
def test_our_own_fault_is_not_the_files_fault(mode, tmp_path, monkeypatch):
    """C4: when the process cannot start the upload is not refused, it is tried again later."""
    unknown = PDFReader(Settings(cv_extraction=mode), "tests.pdfs_slow:unknown")
    with pytest.raises(UnavailableError):
        unknown.extract(text_pdf())
    unknown.close()
    monkeypatch.setattr("marketplace.pdf.limited._CHILD", tmp_path / "a" / "b" / "gone.py")
    gone = PDFReader(Settings(cv_extraction=mode))
    with pytest.raises(UnavailableError):
        gone.extract(text_pdf())
    assert gone.check(text_pdf()) is None
    gone.close()


def test_many_threads(reader):
    """C4: one reader serves several threads."""
    outcomes = []

    def work():
        outcomes.append(reader.extract(text_pdf()).outcome)

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes == ["ready"] * 6


def test_nothing_is_left_behind(reader):
    """C4: no child process and no open file stays."""
    before = set(_children())
    reader.extract(text_pdf())
    files = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(3):
        reader.check(text_pdf())
        reader.extract(b"%PDF- no")
    assert len(list(Path("/proc/self/fd").iterdir())) == files
    reader.close()
    assert set(_children()) <= before


def test_the_fork_server_starts_again_and_ends_with_us(forkserver):
    """C4: a killed fork server is replaced; closing its channel alone ends it."""
    assert forkserver.check(text_pdf()) is None
    os.kill(forkserver._server._process.pid, signal.SIGKILL)
    forkserver._server._process.wait()
    assert forkserver.extract(text_pdf()).outcome == "ready"
    server = forkserver._server._process
    forkserver._server._channel.close()
    assert server.wait(5) == 0


def _children():
    path = f"/proc/self/task/{threading.get_native_id()}/children"
    return Path(path).read_text(encoding="ascii").split()


def test_every_reason_has_a_sentence():
    """C4: each refusal says what the candidate can do."""
    assert set(MESSAGES) == set(RefusalReason)


def _shared(folder):
    manifest = SHARED / folder / "manifest.csv"
    if not manifest.exists():
        return [pytest.param("", "", marks=pytest.mark.skip(reason=f"no shared data in {SHARED / folder}"))]
    with manifest.open(encoding="utf-8", newline="") as source:
        return [pytest.param(SHARED / folder / row["file"], row.get("expect", ""), id=row["file"])
                for row in csv.DictReader(source)]  # fmt: skip


@pytest.fixture(scope="module")
def shared_reader():
    made = PDFReader(Settings(cv_extraction="forkserver"))
    yield made
    made.close()


@pytest.mark.parametrize(("path", "expect"), _shared("cv"))
def test_real_cvs(shared_reader, path, expect):
    """C4: each real CV is read, marked as having no text, or refused with the right reason; its copy can be marked."""
    extraction = shared_reader.extract(path.read_bytes())
    if expect == "refused:user_password":
        assert extraction.reason is RefusalReason.ENCRYPTED
        assert shared_reader.check(path.read_bytes()) is RefusalReason.ENCRYPTED
    else:
        assert extraction.outcome == expect
        assert shared_reader.mark(extraction.rewritten, MARKING)


@pytest.mark.parametrize(("path", "expect"), _shared("nasty"))
def test_nasty_files(shared_reader, path, expect):
    """C4: no file raises or takes over 20 s; what is accepted can be marked."""
    started = time.monotonic()
    content = path.read_bytes()
    shared_reader.check(content)
    extraction = shared_reader.extract(content)
    assert time.monotonic() - started < 20
    if extraction.outcome != "refused":
        assert shared_reader.mark(extraction.rewritten, MARKING)
