"""The command line: exit code 0 done, 1 refused with a one-line reason, 2 wrong usage."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import text

from marketplace.cli import main
from marketplace.db import Database


def call(*arguments: str | Path, **environment: str | None) -> Result:
    cleared = {"DATABASE_URL": None, "REDIS_URL": None, "MARKETPLACE_ENV": None}
    return CliRunner().invoke(
        main,
        [str(argument) for argument in arguments],
        env={**cleared, **environment},
        prog_name="marketplace",
    )


@pytest.fixture
def environment(tmp_path: Path, database_url: str) -> dict[str, str]:
    return {
        "DATABASE_URL": database_url, "MARKETPLACE_DATA": str(tmp_path / "data"),
        "MARKETPLACE_PASSWORD_HASH_MEMORY_KIB": "8",
    }  # fmt: skip


def test_help_names_every_command() -> None:
    """The names of interface.md, those of other packages among them."""
    result = call("--help")
    assert result.exit_code == 0
    for name in ("admin", "beat", "db", "demo", "index", "openapi", "run", "serve", "terms", "worker"):
        assert f"\n  {name} " in result.output
    assert call("index", "--help").exit_code == 0


@pytest.mark.parametrize(
    "arguments",
    [["nonsense"], ["demo", "--candidates", "-1"], ["admin", "create"], ["terms", "publish", "/none"]],
)
def test_wrong_usage_is_2(arguments: list[str]) -> None:
    assert call(*arguments).exit_code == 2


def test_a_wrong_setting_is_1_with_one_line() -> None:
    result = call("db", "check", MARKETPLACE_ENV="nonsense")
    assert result.exit_code == 1
    assert result.output == "Error: MARKETPLACE_ENV=nonsense is not one of development, production\n"


@pytest.mark.parametrize("command", [["demo", "--reset"], ["run", "--reset"]])
def test_sample_data_is_never_made_in_production(command: list[str], environment: dict[str, str]) -> None:
    """O-03: no sample account, and nothing deleted, where MARKETPLACE_ENV is production."""
    production = {
        "MARKETPLACE_ENV": "production", "MARKETPLACE_BASE_URL": "https://talents.example",
        "MARKETPLACE_SECRET_KEY": "x" * 32, "REDIS_URL": "redis://cache/0", "SMTP_URL": "smtp://mail:25",
        "MARKETPLACE_PASSWORD_HASH_MEMORY_KIB": None,
    }  # fmt: skip
    result = call(*command, **{**environment, **production})
    assert result.exit_code == 1
    assert "MARKETPLACE_ENV is production" in result.output


def test_schema_commands(environment: dict[str, str], db: Database) -> None:
    """Upgrading twice is fine; a difference is exit code 1."""
    assert call("db", "upgrade", **environment).exit_code == 0
    assert call("db", "upgrade", **environment).exit_code == 0
    assert call("db", "check", **environment).exit_code == 0
    with db.transaction() as session:
        assert session.scalar(text("SELECT count(*) FROM document_version")) > 0
        session.execute(text("ALTER TABLE opening DROP COLUMN title"))
    result = call("db", "check", **environment)
    assert (result.exit_code, result.output.splitlines()[-1]) == (
        1,
        "Error: the schema differs from the models",
    )


def test_publishing_a_document(environment: dict[str, str], db: Database, tmp_path: Path) -> None:
    """A2: a version has a language and the day it takes effect; the same day twice is refused."""
    text_file = tmp_path / "terms.md"
    text_file.write_text("# Conditions\n\nNouvelles.", encoding="utf-8")
    arguments = [
        "terms", "publish", str(text_file), "--document", "terms_of_use", "--lang", "fr",
        "--effective", "2027-01-31",
    ]  # fmt: skip
    result = call(*arguments, "--json", **environment)
    assert result.exit_code == 0, result.output
    assert json.loads(result.output)["effective_on"] == "2027-01-31"
    refused = call(*arguments, **environment)
    assert (refused.exit_code, refused.output) == (1, "Error: Another version takes effect on that day.\n")
    with db.reading() as session:
        assert (
            session.scalar(text("SELECT count(*) FROM document_version WHERE effective_on = '2027-01-31'"))
            == 1
        )


def test_publishing_what_is_no_text(environment: dict[str, str], tmp_path: Path) -> None:
    text_file = tmp_path / "terms.md"
    text_file.write_bytes(b"\xff\xfe\x00")
    result = call(
        "terms", "publish", text_file, "--document", "terms_of_use", "--lang", "fr",
        "--effective", "2027-01-31", **environment,
    )  # fmt: skip
    assert (result.exit_code, "not UTF-8" in result.output) == (1, True)


def test_making_an_admin(environment: dict[str, str], db: Database) -> None:
    """Only the command line makes an admin; nobody's address is refused in one line."""
    result = call("admin", "create", "ada@marketplace.example", "--json", **environment)
    assert result.exit_code == 0, result.output
    with db.reading() as session:
        assert session.scalar(text("SELECT role FROM account")) == "admin"
    assert call("admin", "create", "nonsense", **environment).exit_code == 1


def test_the_openapi_document() -> None:
    result = call("openapi")
    assert result.exit_code == 0, result.output
    assert json.loads(result.output)["openapi"].startswith("3.1")


def test_resetting_a_database_of_yours_is_refused(environment: dict[str, str]) -> None:
    """--reset deletes the local data folder only."""
    result = call("demo", "--reset", **environment)
    assert (result.exit_code, "DATABASE_URL" in result.output) == (1, True)


@pytest.mark.slow
def test_a_command_alone_starts_its_own_servers(tmp_path: Path) -> None:
    """Without any server and without `make run`, a command has a database for as long as it takes."""
    data = str(tmp_path / "data")
    assert call("db", "check", MARKETPLACE_DATA=data).exit_code == 0
    assert not (tmp_path / "data" / "postgres" / "data" / "postmaster.pid").exists()
