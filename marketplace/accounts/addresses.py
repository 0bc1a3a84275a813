"""E-mail addresses: reading one as a person types it, and folding it to whom it belongs (rules A5).

One parser for every feature. Whether an address is a *professional* one is not decided here but in
``recruiters/policy.py``.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

from email_validator import EmailNotValidError, validate_email

from marketplace.errors import InvalidInputError

MAX_LENGTH = 254
"""Characters of an address (RFC 5321, 4.5.3.1)."""

SAME_PROVIDER = {
    "googlemail.com": "gmail.com",
    "pm.me": "proton.me",
    "protonmail.com": "proton.me",
    "protonmail.ch": "proton.me",
}
"""Domains that are other names of the same mailboxes."""

IGNORED_CHARACTERS = {"gmail.com": ".", "proton.me": ".-_"}
"""What a provider ignores in the part before the @, by canonical domain."""


@dataclass(frozen=True)
class EmailAddress:
    """A syntactically valid address: ``given`` is mailed to, ``canonical`` tells people apart."""

    given: str
    canonical: str
    local: str
    domain: str

    def __str__(self) -> str:
        return self.given


def parse_address(text: str, field: str = "email") -> EmailAddress:
    """Read an address without asking the DNS; spaces around it are dropped.

    The part before the @ is ASCII (we cannot promise delivery elsewhere) and never quoted; the
    domain is kept as its A-label in lower case, without a final dot. Raises
    :class:`InvalidInputError` with code ``invalid_email`` on ``field``.
    """
    trimmed = text.strip()
    if len(trimmed) > MAX_LENGTH + 1 or any(unicodedata.category(mark)[0] == "C" for mark in trimmed):
        raise _invalid(field)
    local, at, domain = trimmed.rpartition("@")
    try:
        checked = validate_email(
            f"{local}{at}{domain.removesuffix('.')}",
            allow_smtputf8=False,
            allow_quoted_local=False,
            allow_domain_literal=False,
            check_deliverability=False,
            strict=True,
        )
    except (EmailNotValidError, UnicodeError):
        raise _invalid(field) from None
    ascii_domain = checked.ascii_domain.lower()
    given = f"{checked.local_part}@{ascii_domain}"
    if len(given) > MAX_LENGTH:
        raise _invalid(field)
    return EmailAddress(
        given=given,
        canonical=fold(checked.local_part, ascii_domain),
        local=checked.local_part,
        domain=ascii_domain,
    )


def fold(local: str, ascii_domain: str) -> str:
    """Return the identity of an address: equal for all spellings of one mailbox (rules A5).

    Case and compatibility forms are folded, a plus-tag is dropped, and what the provider ignores is
    left out. A local part that would vanish is kept as it is.
    """
    domain = SAME_PROVIDER.get(ascii_domain, ascii_domain)
    folded = unicodedata.normalize("NFKC", local).casefold()
    untagged = folded.split("+", 1)[0] or folded
    kept = untagged.translate({ord(mark): None for mark in IGNORED_CHARACTERS.get(domain, "")})
    return f"{kept or untagged}@{domain}"


def _invalid(field: str) -> InvalidInputError:
    return InvalidInputError.of(field, "invalid_email", "Enter an e-mail address like name@example.org.")
