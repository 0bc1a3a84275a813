"""Every setting, frozen, read once from the environment; the defaults run with no server.

A setting's variable is ``MARKETPLACE_`` plus its name in capitals, unless ``env`` says otherwise.
``docs/settings.md`` is held equal to this module by a test. Numbers of the Terms carry the rule's
id in their description; rules.md is their source. A secret may come from a file instead, named by its
variable plus ``_FILE``, so that it stands in no environment (security.md O-04).
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

from marketplace.errors import MarketplaceError
from marketplace.rate_limits import quotas as quota_table
from marketplace.rate_limits.policy import networks
from marketplace.rate_limits.quotas import NONE, QUOTAS

QUOTA_PREFIX = "MARKETPLACE_QUOTA_"


FROM_FILE = "_FILE"
"""Ends the variable that names the file of a secret setting."""


class SettingsError(MarketplaceError):
    """A setting is missing, unreadable or unsafe; the message names its variable."""

    code = "settings"


def setting(default: Any, doc: str, env: str | None = None, *, secret: bool = False) -> Any:
    """Declare a setting with its default, its one-sentence description and its variable."""
    return field(default=default, metadata={"doc": doc, "env": env, "secret": secret})


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The whole configuration of a process."""

    # Where things are
    env: Literal["development", "production"] = setting(
        "development", "`production` refuses development defaults at start."
    )
    base_url: str = setting(
        "http://127.0.0.1:8000", "The address people use; every link in a mail starts with it."
    )
    data: Path = setting(Path(".marketplace"), "The folder of all local data (created with mode 0700).")
    database_url: str = setting(
        "", "PostgreSQL; empty starts the embedded server.", "DATABASE_URL", secret=True
    )
    redis_url: str = setting(
        "", "Broker and counters; empty starts the embedded Valkey.", "REDIS_URL", secret=True
    )
    smtp_url: str = setting(
        "",
        "`smtp://user:password@host:port`; empty writes mail to the outbox folder.",
        "SMTP_URL",
        secret=True,
    )
    files: str = setting("", "Where CV files are kept: a folder; empty is `files/` in the data folder.")
    search: Literal["tantivy", "opensearch"] = setting(
        "tantivy", "The search engine: in process, or the cluster at `OPENSEARCH_URL`."
    )
    opensearch_url: str = setting(
        "",
        "`https://user:password@host:port` of the cluster; several, separated by commas, are nodes of one.",
        "OPENSEARCH_URL",
        secret=True,
    )
    opensearch_ca: str = setting(
        "", "File of the authority that signed the cluster's certificate; empty trusts the usual ones."
    )
    opensearch_shards: int = setting(1, "Primary shards of a country's index, from its next rebuild on.")
    opensearch_replicas: int = setting(0, "Copies of each shard, from the next rebuild on.")
    search_milliseconds: int = setting(
        800, "Time in which OpenSearch must have answered a search whole (security.md X-07, F-05)."
    )
    secret_key: str = setting(
        "",
        "At least 32 characters; signs cursors and form tokens. Development makes one "
        "and keeps it in the data folder.",
        secret=True,
    )
    metrics_token: str = setting(
        "", "The bearer token of `/metrics` (Prometheus); empty: there is no such page.", secret=True
    )
    mail_from: str = setting("Talent Marketplace <no-reply@marketplace.example>", "Sender of every mail.")
    trusted_proxies: str = setting(
        "",
        "Addresses or networks of our own proxies, separated by commas; only they are believed in "
        "`X-Forwarded-For` (security.md X-04).",
    )
    default_language: Literal["en", "fr"] = setting("en", "Language where a visitor states none.")
    us_territories: bool = setting(False, "Count the territories of the United States as in the US.")
    database_pool: int = setting(12, "Connections a process keeps open.")
    cv_extraction: Literal["subprocess", "forkserver"] = setting(
        "subprocess", "How the limited extraction process is started; `forkserver` is for bulk imports."
    )
    web_workers: int = setting(1, "Processes that `marketplace serve` answers with.")
    worker_pool: Literal["threads", "prefork"] = setting(
        "threads",
        "How a worker runs its tasks: `threads` in one process, which takes the least memory; `prefork` in "
        "processes of their own, for production.",
    )
    worker_concurrency: int = setting(4, "Tasks a worker runs at once: its threads or its processes.")

    # Accounts and sessions (security.md A, S, R)
    minimum_age: int = setting(16, "Nobody younger can register (A1), in years.")
    recruiter_minimum_age: int = setting(18, "Nobody younger can register as a recruiter (B1), in years.")
    majority_age: int = setting(18, "Younger candidates need a guardian's consent (A1, C3), in years.")
    confirmation_hours: int = setting(24, "Life of a link that confirms an e-mail address (A3).")
    temporary_password_hours: int = setting(72, "Life of a mailed temporary password (A3).")
    reset_minutes: int = setting(30, "Life of a password reset link (A6).")
    password_min_length: int = setting(15, "Code points (security.md A-02).")
    password_max_length: int = setting(128, "Code points (security.md A-02).")
    password_hash_memory_kib: int = setting(47104, "argon2id memory (security.md A-01).")
    session_idle_minutes: int = setting(60, "Recruiters and candidates (security.md S-02).")
    session_absolute_hours: int = setting(12, "Recruiters and candidates (security.md S-02).")
    admin_session_idle_minutes: int = setting(15, "Admins (security.md S-02).")
    admin_session_absolute_hours: int = setting(8, "Admins (security.md S-02).")
    recruiter_sessions: int = setting(
        3, "Live sessions of one recruiter; the oldest ends (security.md S-05)."
    )
    sign_in_free_failures: int = setting(
        5, "Failed sign-ins of one address in a row before it has to wait (security.md A-04)."
    )
    sign_in_first_delay_seconds: int = setting(
        60, "The wait after those; it doubles with each further failure (security.md A-04)."
    )
    sign_in_longest_delay_minutes: int = setting(60, "Where the doubling ends (security.md A-04).")
    sign_in_failures_per_day: int = setting(
        25, "Failed sign-ins of one address in any 24 hours (security.md A-04)."
    )
    sign_in_lock_after: int = setting(
        10, "Failures in a row from which the wait has a least length and outlives a day (security.md A-04)."
    )
    sign_in_lock_minutes: int = setting(15, "That least length (security.md A-04).")
    sign_in_lock_days: int = setting(
        90, "Days without a failure after which so many failures are forgotten (security.md A-04)."
    )
    sign_in_disable_after: int = setting(
        100, "Failures in a row from which the password works no more until a reset (security.md A-04)."
    )
    sign_in_failures_everywhere: int = setting(
        1000, "Failed sign-ins of everybody in any 5 minutes (security.md A-04)."
    )
    device_days: int = setting(
        180, "Days a device is known after a sign-in, so that no lock keeps it out (security.md A-05)."
    )
    recovery_per_network_hour: int = setting(
        10, "Recovery and confirmation mails one network address can ask for in an hour (security.md R-02)."
    )

    # Inactivity and retention (rules B5, B6, F2, F3)
    inactivity_years: int = setting(
        1, "Calendar years without authenticated activity after which a recruiter is purged (B5)."
    )
    inactivity_first_notice_days: int = setting(60, "Days before that of the first notice (B5).")
    inactivity_second_notice_days: int = setting(30, "Days before that of the second notice (B5).")
    inactivity_last_notice_days: int = setting(7, "Days before that of the last notice (B5).")
    inactivity_days_after_last_notice: int = setting(
        7, "Days after the last notice was sent before which nothing is purged (B5)."
    )
    closing_mail_days: int = setting(
        7, "Days a closed account waits for its statement of obligations to be sent; then it is purged (B6)."
    )
    archive_years: int = setting(2, "Calendar years a closed recruiter's archive record is kept (F3).")
    unconfirmed_days: int = setting(7, "Days after which a registration never confirmed is deleted (F2).")
    spent_hours: int = setting(24, "Hours after their end that sessions and mailed links are kept (F2).")
    mail_body_days: int = setting(7, "Days a mail stays in the outbox folder (F2).")

    # Candidates (rules C)
    cv_max_bytes: int = setting(5 * 1024 * 1024, "Size of a CV file (C4).")
    cv_max_pages: int = setting(20, "Pages of a CV (C4).")
    cv_extraction_seconds: int = setting(20, "Wall time of the extraction process (C4).")
    cv_extraction_cpu_seconds: int = setting(10, "CPU time of the extraction process (security.md U-03).")
    cv_extraction_memory_mib: int = setting(512, "Address space of the extraction process (C4).")
    cv_check_seconds: int = setting(
        5, "Time an upload waits for type, password and page count before it is accepted as received."
    )
    cv_min_characters: int = setting(50, "Letters and digits on a page below which it counts as a scan (C4).")
    cv_max_characters: int = setting(200_000, "Characters of text kept of one CV (security.md U-03).")
    hidden_after_start_days: int = setting(60, "Days after the start date until a profile hides (C7).")

    # Search (rules D1, E2, G)
    query_max_characters: int = setting(256, "Length of a query (D1).")
    query_max_terms: int = setting(16, "Terms of a query (D1).")
    query_max_facet_values: int = setting(50, "Selected facet values of a query (D1).")
    page_size_max: int = setting(50, "Hits of a page (E2).")
    page_window: int = setting(500, "Hits of a search that can be paged to (E2).")
    cursor_minutes: int = setting(15, "Life of a page cursor (security.md X-02).")
    fragment_characters: int = setting(200, "Length of a highlighted fragment on a card (D7).")

    # Contact and downloads (rules D)
    deletion_months: int = setting(6, "Months until a downloaded CV must be deleted (D4).")
    withdrawal_deletion_days: int = setting(7, "The same after a withdrawal or erasure (D5).")
    data_confirmation_months: int = setting(6, "Months after which recruiters confirm their data again (A7).")
    data_confirmation_grace_days: int = setting(30, "Days after that until contact and download stop (A7).")
    deletion_reminder_days: tuple[int, ...] = setting(
        (60, 30, 14, 3, 0),
        "Days before the deletion day on which the holder of a copy is reminded, with commas between (D4).",
    )
    deletion_reminder_every_days: int = setting(
        7, "Days between the reminders that follow the deletion day until the duty is settled (D4)."
    )
    exception_reason_max_characters: int = setting(
        500, "Length of the reason for keeping a copy: a hire, or a law that is named (D4)."
    )
    overdue_grace_days: int = setting(14, "Days overdue after which new downloads and reveals stop (D4).")
    idempotency_hours: int = setting(
        24, "Time in which an `Idempotency-Key` is remembered (security.md F-07)."
    )
    download_ticket_seconds: int = setting(60, "Time in which a taken copy is handed out (interface.md).")
    message_max_characters: int = setting(4000, "Length of a message.")

    # Limits (rules E1)
    company_quota_factor: int = setting(
        3, "What all accounts of a company may do together, as a multiple of what one may (E1)."
    )
    young_account_days: int = setting(14, "Age below which an account of a recruiter has less (E1).")
    young_account_divisor: int = setting(2, "What a young account has is divided by this, rounded up (E1).")
    limiter_fallback_divisor: int = setting(
        4,
        "While the limiter's store is away each process counts alone and allows this fraction of "
        "every limit, rounded up (E1).",
    )
    quotas: Mapping[str, str] = field(
        default_factory=dict,
        metadata={
            "doc": "One variable for each quota, in the notation of `limits`; `none` in development only.",
            "env": QUOTA_PREFIX,
            "secret": False,
        },
    )

    @property
    def is_production(self) -> bool:
        return self.env == "production"

    @property
    def is_secure(self) -> bool:
        """Whether people reach the service over TLS, so that ``__Host-`` cookies work."""
        return self.base_url.startswith("https://")

    @property
    def files_dir(self) -> Path:
        return Path(self.files) if self.files else self.data / "files"

    @property
    def mail_dir(self) -> Path:
        return self.data / "mail"

    @property
    def index_dir(self) -> Path:
        return self.data / "index"

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] | None = None) -> Settings:
        """Read and check every setting.

        Raises :class:`SettingsError` naming the variable that is unreadable or, in production,
        unsafe (security.md O-03).
        """
        source = os.environ if environ is None else environ
        types = get_type_hints(cls)
        values: dict[str, Any] = {}
        for item in fields(cls):
            if item.name == "quotas":
                continue
            name = variable(item.name)
            text = _given(source, name, secret=item.metadata["secret"])
            if text:
                values[item.name] = _parse(name, text, types[item.name])
        values["quotas"] = _quotas(source, values.get("env", "development"))
        settings = cls(**values)
        return settings._checked()

    def _checked(self) -> Settings:
        if self.is_production:
            for name in ("database_url", "redis_url", "smtp_url", "secret_key"):
                if not getattr(self, name):
                    raise SettingsError(f"{variable(name)} must be set in production")
            if not self.is_secure:
                raise SettingsError("MARKETPLACE_BASE_URL must be https in production")
            for name in ("password_hash_memory_kib", "password_min_length"):
                if getattr(self, name) < default_of(name):
                    raise SettingsError(f"{variable(name)} is at least {default_of(name)} in production")
        if not self.deletion_reminder_days or self.deletion_reminder_every_days < 1:
            raise SettingsError("MARKETPLACE_DELETION_REMINDER_(EVERY_)DAYS must leave a reminder (D4)")
        if self.search == "opensearch" and not self.opensearch_url:
            raise SettingsError("OPENSEARCH_URL must be set where MARKETPLACE_SEARCH is opensearch")
        if self.secret_key and len(self.secret_key) < 32:
            raise SettingsError("MARKETPLACE_SECRET_KEY must have at least 32 characters")
        self._check_limits()
        return self

    def _check_limits(self) -> None:
        for name in ("company_quota_factor", "young_account_divisor", "limiter_fallback_divisor"):
            if getattr(self, name) < 1:
                raise SettingsError(f"{variable(name)} is at least 1")
        try:
            networks(self.trusted_proxies)
        except ValueError as error:
            raise SettingsError(f"{variable('trusted_proxies')}: {error}") from None


def variable(name: str) -> str:
    """Return the environment variable of the setting ``name``."""
    item = next(item for item in fields(Settings) if item.name == name)
    return item.metadata["env"] or "MARKETPLACE_" + name.upper()


def _given(source: Mapping[str, str], name: str, *, secret: bool) -> str:
    """Return what the environment, or the file it names for a secret, says; empty where it says nothing."""
    text, place = source.get(name, ""), source.get(f"{name}{FROM_FILE}", "") if secret else ""
    if not place:
        return text
    if text:
        raise SettingsError(f"{name} and {name}{FROM_FILE} are both set: keep one of them")
    try:
        content = Path(place).read_text(encoding="utf-8").strip()
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "no UTF-8 text"
        raise SettingsError(f"{name}{FROM_FILE}={place} cannot be read ({reason})") from error
    if not content:
        raise SettingsError(f"{name}{FROM_FILE}={place} is an empty file")
    return content


def _quotas(source: Mapping[str, str], env: str) -> dict[str, str]:
    """Read the quotas that are given; one that is empty keeps its default, as other settings do."""
    given = {
        key.removeprefix(QUOTA_PREFIX): value.strip()
        for key, value in source.items()
        if key.startswith(QUOTA_PREFIX) and value.strip()
    }
    for name, value in given.items():
        if name not in QUOTAS:
            raise SettingsError(f"{QUOTA_PREFIX}{name} is no quota; known are {', '.join(QUOTAS)}")
        if value.lower() == NONE and env == "production":
            raise SettingsError(f"{QUOTA_PREFIX}{name}=none is for development only")
        try:
            quota_table.parse(value)
        except ValueError as error:
            raise SettingsError(f"{QUOTA_PREFIX}{name}: {error}") from None
    return given


def _parse(name: str, text: str, kind: Any) -> Any:
    if get_origin(kind) is Literal:
        if text not in get_args(kind):
            raise SettingsError(f"{name}={text} is not one of {', '.join(get_args(kind))}")
        return text
    if kind is bool:
        if text.lower() not in {"1", "0", "true", "false", "yes", "no"}:
            raise SettingsError(f"{name}={text} is neither true nor false")
        return text.lower() in {"1", "true", "yes"}
    if kind is int:
        try:
            return int(text)
        except ValueError:
            raise SettingsError(f"{name}={text} is not a whole number") from None
    if get_origin(kind) is tuple:
        numbers = [part.strip() for part in text.split(",")]
        if not all(number.isascii() and number.isdigit() for number in numbers):
            raise SettingsError(f"{name}={text} is no list of whole numbers with commas between")
        return tuple(map(int, numbers))
    return Path(text) if kind is Path else text


def default_of(name: str) -> Any:
    """Return the default of a setting (for documentation and its test)."""
    item = next(item for item in fields(Settings) if item.name == name)
    return None if item.default is MISSING else item.default


def development_secret(data: Path) -> str:
    """Return the secret kept in the data folder, made (mode 0600) the first time."""
    path = data / "secret_key"
    if not path.exists():
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_text(secrets.token_urlsafe(48))
    return path.read_text().strip()


def _quota_row(name: str, row: quota_table.Row) -> str:
    default = f"`{row.default}`" if row.default else "empty"
    return f"| `{QUOTA_PREFIX}{name}` | {default} | {row.doc} {_WHOSE[row.unit]} |"


_WHOSE: Mapping[quota_table.Unit, str] = {
    quota_table.Unit.RECRUITER: "A company has a multiple, a young account less.",
    quota_table.Unit.ACCOUNT: "The same for every account.",
    quota_table.Unit.NETWORK: "For each network address.",
    quota_table.Unit.ADDRESS: "For each e-mail address, folded.",
}


def as_markdown() -> str:
    """Return the page ``docs/settings.md``; ``python -m marketplace.settings`` prints it."""
    rows = []
    default: Any
    for item in fields(Settings):
        if item.name == "quotas":
            rows += [_quota_row(quota, row) for quota, row in QUOTAS.items()]
            continue
        name, default = variable(item.name), default_of(item.name)
        default = ",".join(map(str, default)) if isinstance(default, tuple) else default
        shown = f"`{default}`" if default not in (None, "") else "empty"
        secret = f" Secret: `{name}{FROM_FILE}` may name a file with it." if item.metadata["secret"] else ""
        rows.append(f"| `{name}` | {shown} | {item.metadata['doc']}{secret} |")
    head = (
        "# Settings\n\n"
        "Every setting is an environment variable, read once when a process starts; the defaults run with no\n"
        "server. Letters and numbers in brackets are the rules of the Terms ([terms.md](terms.md)) or the threats\n"
        "of the security table that a number comes from. A secret is given either itself or by the file that\n"
        "holds it, never both. This page is written by `python -m marketplace.settings`\n"
        "and held true by a test.\n\n"
        "A quota is written like `30/minute;600/day`: at most so many acts in any such time in a row, a day at\n"
        "most. `none` lifts it, in development only. Rates under a day are counted by the limiter, those of a day\n"
        "by PostgreSQL ([ADR 0009](adr/0009-limits-and-quotas.md)).\n\n"
        "| variable | default | meaning |\n|---|---|---|\n"
    )
    return head + "\n".join(rows) + "\n"


if __name__ == "__main__":
    print(as_markdown(), end="")  # noqa: T201  (prints the page)
