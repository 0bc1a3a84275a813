"""Settings: read once, checked, safe in production (security.md O-03)."""

from dataclasses import fields
from pathlib import Path

import pytest

from marketplace.rate_limits.quotas import QUOTAS
from marketplace.settings import Settings, SettingsError, development_secret, variable

SAFE = {
    "MARKETPLACE_ENV": "production",
    "MARKETPLACE_BASE_URL": "https://talents.example",
    "MARKETPLACE_SECRET_KEY": "x" * 32,
    "DATABASE_URL": "postgresql+psycopg://app@db/marketplace",
    "REDIS_URL": "redis://cache/0",
    "SMTP_URL": "smtp://mail:25",
}


def test_the_defaults_need_no_environment() -> None:
    """Everything has a default that runs with no server."""
    settings = Settings.from_environment({})
    assert settings.env == "development"
    assert settings.deletion_months == 6


def test_values_are_read_and_typed() -> None:
    """Whole numbers, booleans, paths and choices come typed."""
    settings = Settings.from_environment(
        {
            "MARKETPLACE_CV_MAX_PAGES": "7",
            "MARKETPLACE_US_TERRITORIES": "true",
            "MARKETPLACE_DATA": "/srv/data",
        }
    )
    assert (settings.cv_max_pages, settings.us_territories, settings.data) == (7, True, Path("/srv/data"))
    assert settings.index_dir == Path("/srv/data/index")


@pytest.mark.parametrize(
    ("environ", "names"),
    [
        ({"MARKETPLACE_CV_MAX_PAGES": "many"}, "MARKETPLACE_CV_MAX_PAGES"),
        ({"MARKETPLACE_US_TERRITORIES": "maybe"}, "MARKETPLACE_US_TERRITORIES"),
        ({"MARKETPLACE_SEARCH": "grep"}, "MARKETPLACE_SEARCH"),
        ({"MARKETPLACE_QUOTA_COFFEE": "3/day"}, "MARKETPLACE_QUOTA_COFFEE"),
        ({"MARKETPLACE_SECRET_KEY": "short"}, "MARKETPLACE_SECRET_KEY"),
    ],
)
def test_an_unreadable_value_names_its_variable(environ: dict[str, str], names: str) -> None:
    """The message says which variable to mend."""
    with pytest.raises(SettingsError, match=names):
        Settings.from_environment(environ)


@pytest.mark.parametrize("left_out", sorted(set(SAFE) - {"MARKETPLACE_ENV"}))
def test_production_refuses_development_defaults(left_out: str) -> None:
    """O-03: a production start without a secret, https or its services is refused."""
    environ = {key: value for key, value in SAFE.items() if key != left_out}
    with pytest.raises(SettingsError, match=left_out):
        Settings.from_environment(environ)


@pytest.mark.parametrize("name", ["MARKETPLACE_PASSWORD_HASH_MEMORY_KIB", "MARKETPLACE_PASSWORD_MIN_LENGTH"])
def test_production_refuses_weaker_passwords(name: str) -> None:
    """O-03, A-01, A-02: what protects passwords can be raised in production, not lowered."""
    with pytest.raises(SettingsError, match=name):
        Settings.from_environment({**SAFE, name: "8"})


def test_production_with_everything_set_starts() -> None:
    """The safe configuration is accepted."""
    assert Settings.from_environment(SAFE).is_secure


def test_quota_names_are_accepted_and_none_is_for_development() -> None:
    """interface.md: every quota name is known; `none` never in production."""
    environ = {f"MARKETPLACE_QUOTA_{name}": "30/minute" for name in QUOTAS}
    assert set(Settings.from_environment(environ).quotas) == set(QUOTAS)
    assert Settings.from_environment({"MARKETPLACE_QUOTA_SEARCH": "none"}).quotas == {"SEARCH": "none"}
    with pytest.raises(SettingsError, match="MARKETPLACE_QUOTA_SEARCH"):
        Settings.from_environment(SAFE | {"MARKETPLACE_QUOTA_SEARCH": "none"})


def test_variables_follow_the_name_unless_stated() -> None:
    """Services keep the names everybody knows."""
    assert variable("database_url") == "DATABASE_URL"
    assert variable("deletion_months") == "MARKETPLACE_DELETION_MONTHS"


def test_the_development_secret_is_made_once_and_private(tmp_path: Path) -> None:
    """The secret survives a restart and nobody else reads it."""
    first = development_secret(tmp_path / "data")
    assert development_secret(tmp_path / "data") == first
    assert len(first) >= 32
    assert (tmp_path / "data" / "secret_key").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MARKETPLACE_QUOTA_SEARCH", "30 a minute"),
        ("MARKETPLACE_QUOTA_CONTACT", "0/day"),
        ("MARKETPLACE_QUOTA_CV_UPLOAD", "10/month"),
        ("MARKETPLACE_TRUSTED_PROXIES", "10.0.0.1, proxy.example"),
        ("MARKETPLACE_COMPANY_QUOTA_FACTOR", "0"),
        ("MARKETPLACE_YOUNG_ACCOUNT_DIVISOR", "0"),
        ("MARKETPLACE_LIMITER_FALLBACK_DIVISOR", "0"),
    ],
)
def test_limits_are_checked_at_the_start(name: str, value: str) -> None:
    """E1, X-04: a limit that cannot be counted stops the start, and its variable is named."""
    with pytest.raises(SettingsError, match=name):
        Settings.from_environment({name: value})


def test_an_empty_quota_keeps_its_default() -> None:
    """E1: an empty variable is none at all, as with every other setting."""
    assert Settings.from_environment({"MARKETPLACE_QUOTA_SEARCH": " "}).quotas == {}


SECRETS = [item.name for item in fields(Settings) if item.metadata["secret"]]


@pytest.mark.parametrize("name", SECRETS)
def test_a_secret_may_come_from_a_file(name: str, tmp_path: Path) -> None:
    """O-04: every secret setting reads the file that its variable plus `_FILE` names, without line end."""
    path = tmp_path / "secret"
    path.write_text("s" * 40 + "\n")
    environ = {f"{variable(name)}_FILE": str(path)}
    assert getattr(Settings.from_environment(environ), name) == "s" * 40
    assert getattr(Settings.from_environment(environ | {variable(name): ""}), name) == "s" * 40


@pytest.mark.parametrize("name", SECRETS)
def test_a_secret_given_twice_is_refused(name: str, tmp_path: Path) -> None:
    """O-04: with value and file both set nobody knows which one counts."""
    (tmp_path / "secret").write_text("s" * 40)
    environ = {f"{variable(name)}_FILE": str(tmp_path / "secret"), variable(name): "s" * 40}
    with pytest.raises(SettingsError, match=f"{variable(name)} and {variable(name)}_FILE are both set"):
        Settings.from_environment(environ)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "No such file"),
        (b" \n", "is an empty file"),
        (b"\xff" * 40, "no UTF-8 text"),
        (b"short", "at least 32 characters"),
    ],
)
def test_a_file_that_holds_no_secret_is_told(content: bytes | None, reason: str, tmp_path: Path) -> None:
    """O-03: the message names the variable and never what the file holds."""
    if content is not None:
        (tmp_path / "secret").write_bytes(content)
    with pytest.raises(SettingsError, match=reason) as told:
        Settings.from_environment({"MARKETPLACE_SECRET_KEY_FILE": str(tmp_path / "secret")})
    assert "MARKETPLACE_SECRET_KEY" in str(told.value)
    assert "short" not in str(told.value)


def test_production_is_content_with_files(tmp_path: Path) -> None:
    """O-03, O-04: a secret from a file counts as set."""
    environ = dict(SAFE)
    for name in SECRETS:
        if variable(name) in SAFE:
            path = tmp_path / name
            path.write_text(environ.pop(variable(name)))
            environ[f"{variable(name)}_FILE"] = str(path)
    assert Settings.from_environment(environ).smtp_url == SAFE["SMTP_URL"]


def test_what_is_no_secret_has_no_file(tmp_path: Path) -> None:
    """Only secrets are read from files; another setting's variable means what it says."""
    (tmp_path / "pages").write_text("7")
    settings = Settings.from_environment({"MARKETPLACE_CV_MAX_PAGES_FILE": str(tmp_path / "pages")})
    assert settings.cv_max_pages == 20
