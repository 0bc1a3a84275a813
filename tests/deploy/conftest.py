"""What `deploy/prepare` makes, in a copy of the checkout's deployment files."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def compose() -> dict[str, Any]:
    """``docker-compose.yml`` as YAML gives it, anchors resolved."""
    content = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
    assert isinstance(content, dict)
    return content


@pytest.fixture(scope="session")
def services(compose: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return dict(compose["services"])


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which `deploy/prepare` was run for the host `talents.example`."""
    folder = tmp_path_factory.mktemp("deployment")
    for name in ("docker-compose.yml", "Dockerfile"):
        shutil.copy(ROOT / name, folder / name)
    shutil.copytree(ROOT / "deploy", folder / "deploy", ignore=shutil.ignore_patterns("secrets"))
    prepare(folder, "talents.example")
    return folder


def prepare(folder: Path, *host: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [folder / "deploy/prepare", *host], check=True, capture_output=True, text=True, timeout=60
    )
