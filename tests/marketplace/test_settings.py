"""Settings: read once, checked, safe in production (security.md O-03)."""

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
