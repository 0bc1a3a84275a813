"""Passwords: which are good enough, and their argon2id hashes (security.md A-01 to A-03, A-07).

The one normalisation is NFC (RFC 8265, OpaqueString): an accent typed as one or two code points is
the same password. Nothing is trimmed, truncated or folded before hashing; folding below serves only
the comparison with lists.
"""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from threading import BoundedSemaphore

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from marketplace.catalogues import N_
from marketplace.errors import FieldError

PRODUCT_WORDS = ("talent marketplace",)

MINIMUM_SCORE = 3
"""zxcvbn's "safely unguessable: moderate protection from offline slow-hash scenario"."""

ESTIMATED_CHARACTERS = 72
"""zxcvbn's cost grows steeply with the length; what is good so far stays good."""

LONG_WORD = 10
"""A context word of so many letters is refused wherever it stands in a password."""

SHORT_WORD = 4
"""Shorter context words are part of too many others to mean anything."""

SMALL_REST = 8
"""What must at least be left of a password without its context words."""

COMPARED_CHARACTERS = 1024
"""More of an attempt is not looked at: no password we accept is that long."""

_UNHASHABLE = "surrogatepass"
"""Lone surrogates can come in JSON; they are code points like any other."""

_SLOTS = BoundedSemaphore(os.cpu_count() or 1)
"""Hashing takes a core and 46 MiB each: a storm of sign-ins waits here instead of starving search."""

_LEET = str.maketrans("0134578@$€", "oleastbase")


@dataclass(frozen=True)
class Verification:
    """Whether the password fits, and the hash to store instead when parameters have changed."""

    is_right: bool
    new_hash: str | None = None


def hash_password(password: str, memory_kib: int) -> str:
    """Return the argon2id hash with the parameters of security.md A-01."""
    with _SLOTS:
        return _hasher(memory_kib).hash(_to_hash(password))


def verify_password(stored: str | None, password: str, memory_kib: int) -> Verification:
    """Compare a password with a stored hash; without one, spend the same time and refuse (A-07).

    A password longer than any we accept is cut for the comparison's cost only and never fits.
    """
    is_too_long = len(password) > COMPARED_CHARACTERS
    candidate = _to_hash(password[:COMPARED_CHARACTERS])
    hasher = _hasher(memory_kib)
    with _SLOTS:
        try:
            hasher.verify(stored or _dummy_hash(memory_kib), candidate)
        except (VerificationError, InvalidHashError):
            return Verification(is_right=False)
        if stored is None or is_too_long:
            return Verification(is_right=False)
        if hasher.check_needs_rehash(stored):
            return Verification(is_right=True, new_hash=hasher.hash(candidate))
    return Verification(is_right=True)


def password_faults(
    password: str,
    *,
    minimum: int,
    maximum: int,
    context_words: Iterable[str] = (),
    field: str = "password",
) -> list[FieldError]:
    """Say why a password is refused, or nothing (security.md A-02, A-03); never hashes.

    Length is counted in code points, as given for the maximum and normalised for the minimum.
    """
    if len(password) > maximum:
        message = N_("Use at most %(maximum)s characters.")
        return [FieldError(field, "password_too_long", message, (("maximum", maximum),))]
    normal = unicodedata.normalize("NFC", password)
    if len(normal) < minimum:
        message = N_("Use at least %(minimum)s characters. A sentence only you would think of works well.")
        return [FieldError(field, "password_too_short", message, (("minimum", minimum),))]
    words = [*context_words, *PRODUCT_WORDS]
    if _rests_on_context(normal, words):
        message = N_("Do not use your name, your e-mail address, your company or the name of this service.")
        return [FieldError(field, "password_context", message)]
    if _is_common(normal) or _is_guessable(normal, words):
        message = N_("This password is too easy to guess. Use several words that do not belong together.")
        return [FieldError(field, "password_common", message)]
    return []


def context_words(email: str, *more: str) -> tuple[str, ...]:
    """Return the words of a person that their password must not rest on (security.md A-03)."""
    local, _, domain = email.partition("@")
    company = domain.split(".", maxsplit=1)[0]
    return tuple(word for word in (local.split("+")[0], company, *more) if word)


def _to_hash(password: str) -> bytes:
    return unicodedata.normalize("NFC", password).encode("utf-8", _UNHASHABLE)


@cache
def _hasher(memory_kib: int) -> PasswordHasher:
    return PasswordHasher(time_cost=1, memory_cost=memory_kib, parallelism=1, hash_len=32, salt_len=16)


@cache
def _dummy_hash(memory_kib: int) -> str:
    return _hasher(memory_kib).hash(os.urandom(32))


def _letters(text: str) -> str:
    """Fold to what the eye compares: no case, accents, separators."""
    decomposed = unicodedata.normalize("NFKD", text).casefold()
    return "".join(mark for mark in decomposed if mark.isalnum())


def _rests_on_context(password: str, words: Iterable[str]) -> bool:
    """Whether a long context word is in it, or context words are most of it."""
    folded = _letters(password)
    whole = {_letters(word) for word in words}
    if any(len(word) >= LONG_WORD and word in folded for word in whole):
        return True
    parts = {_letters(part) for word in words for part in re.split(r"[\W_]+", word)}
    rest = folded
    for part in sorted(whole | parts, key=len, reverse=True):
        if len(part) >= SHORT_WORD:
            rest = rest.replace(part, "")
    return rest != folded and (len(rest) < SMALL_REST or len(rest) * 2 <= len(folded))


def _is_common(password: str) -> bool:
    """Whether it is a listed password, or one or two of them in a row with a tail of digits.

    Lists of real passwords hold few of 15 characters and more; those are nearly all two short ones
    glued together, so that the pairs of the list are what covers them.
    """
    folded = _letters(password)
    stem = folded.rstrip("0123456789")
    if {folded, stem, folded.translate(_LEET), stem.translate(_LEET)} & _listed_words():
        return True
    return any(
        _is_listed(form[:cut]) and _is_listed(form[cut:])
        for form in (folded, stem)
        for cut in range(3, len(form) - 2)
    )


def _is_listed(word: str) -> bool:
    return word in _listed_words()


def _is_guessable(password: str, words: list[str]) -> bool:
    """Whether the estimator finds it guessable; it knows nothing of scripts other than Latin."""
    if sum(mark.isascii() for mark in password) * 2 < len(password):
        return False
    from zxcvbn import zxcvbn  # 30,000 words and more: only processes that ask pay for them

    estimate = zxcvbn(password[:ESTIMATED_CHARACTERS], user_inputs=words)
    return bool(estimate["score"] < MINIMUM_SCORE)


@cache
def _listed_words() -> frozenset[str]:
    """The 30,000 commonest passwords of leaks, and French ones that the list lacks."""
    from zxcvbn.frequency_lists import FREQUENCY_LISTS

    return frozenset(FREQUENCY_LISTS["passwords"]) | _own_list()


@cache
def _own_list() -> frozenset[str]:
    text = files("marketplace.accounts").joinpath("common_passwords.txt").read_text("utf-8")
    return frozenset(_letters(line) for line in text.splitlines() if line and not line.startswith("#"))
