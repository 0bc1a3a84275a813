"""deploy/prepare: secrets that the service accepts, a certificate for the name, nothing made twice."""

from __future__ import annotations

import shutil
import ssl
import subprocess
from dataclasses import fields
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from marketplace.settings import Settings, variable
from tests.deploy.conftest import ROOT, prepare


def test_every_secret_of_the_file_is_made(prepared: Path, compose: dict[str, Any]) -> None:
    """Each is there, closed to other users of the machine, and readable inside the containers."""
    folder = prepared / "deploy/secrets"
    assert {path.name for path in folder.iterdir()} == compose["secrets"].keys()
    assert folder.stat().st_mode & 0o777 == 0o700
    for path in folder.iterdir():
        assert path.stat().st_mode & 0o777 == 0o444, path.name


def test_the_service_starts_with_them(prepared: Path, services: dict[str, dict[str, Any]]) -> None:
    """O-03: production settings are content with what was made, as docker-compose.yml hands it over."""
    given = services["web"]["environment"]
    environ = {
        variable(item.name): str(given[variable(item.name)])
        for item in fields(Settings)
        if item.name != "quotas" and variable(item.name) in given
    }
    environ |= {
        name: str(value).replace("/run/secrets", str(prepared / "deploy/secrets"))
        for name, value in given.items()
        if name.endswith("_FILE")
    }
    environ["MARKETPLACE_BASE_URL"] = "https://talents.example"
    settings = Settings.from_environment(environ)
    assert len(settings.secret_key) >= 64
    database = urlsplit(settings.database_url)
    assert (database.hostname, database.username) == ("postgres", "marketplace")
    assert database.password == secret(prepared, "database_password")
    assert secret(prepared, "valkey_auth") == f"requirepass {urlsplit(settings.redis_url).password}"
    assert urlsplit(secret(prepared, "opensearch_url")).password == secret(prepared, "opensearch_password")


def secret(folder: Path, name: str) -> str:
    return (folder / "deploy/secrets" / name).read_text(encoding="ascii").strip()


def test_passwords_differ(prepared: Path) -> None:
    """No secret opens two doors."""
    names = ["secret_key", "postgres_password", "database_password", "opensearch_password", "valkey_auth"]
    assert len({secret(prepared, name).split()[-1] for name in names}) == len(names)


@pytest.mark.parametrize(
    ("certificate", "host"),
    [("tls_certificate", "talents.example"), ("opensearch_certificate", "opensearch")],
)
def test_certificates_fit_their_names(prepared: Path, certificate: str, host: str) -> None:
    """Signed by the local authority, with the name clients use, and a key that fits."""
    folder = prepared / "deploy/secrets"
    told = subprocess.run(
        [
            "openssl", "verify", "-CAfile", folder / "authority", "-verify_hostname", host,
            folder / certificate,
        ],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert told.returncode == 0, told.stderr
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / certificate, folder / certificate.replace("certificate", "key"))


def test_a_second_run_changes_nothing(prepared: Path) -> None:
    """What is there is kept, an own certificate or mail server included."""
    folder = prepared / "deploy/secrets"
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert prepare(prepared, "other.example").stdout == "Next: docker compose up -d\n"
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert "talents.example" in (prepared / ".env").read_text(encoding="utf-8")


def test_what_is_no_host_is_refused(tmp_path: Path) -> None:
    """A name goes into a certificate and an address, so only a name does."""
    shutil.copytree(ROOT / "deploy", tmp_path / "deploy", ignore=shutil.ignore_patterns("secrets"))
    for host in ("a b", "x/y", "-x", "a\nb"):
        told = subprocess.run(
            [tmp_path / "deploy/prepare", host], capture_output=True, text=True, check=False
        )
        assert told.returncode == 2, host
        assert "is no name of a host" in told.stderr
    assert not (tmp_path / "deploy/secrets").exists()
