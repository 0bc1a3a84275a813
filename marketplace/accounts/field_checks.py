"""Checks of what members say of themselves: names and language. Nothing is stored here."""

from __future__ import annotations

import unicodedata

from marketplace.catalogues import LANGUAGES, N_
from marketplace.errors import FieldError

NAME_MAX_LENGTH = 100

_DIRECTION = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Marks that turn the direction of what follows: in a name they make a mail say something else."""


def tidy(name: str) -> str:
    """Return a name as it is stored: composed, without spaces around or doubled ones."""
    return " ".join(unicodedata.normalize("NFC", name).split())


def name_faults(field_name: str, value: str) -> list[FieldError]:
    """Say why a name cannot be stored, or nothing."""
    text = tidy(value)
    if not text:
        return [FieldError(field_name, "required", "Please fill in this field.")]
    if len(text) > NAME_MAX_LENGTH:
        message = N_("Use at most %(maximum)s characters.")
        return [FieldError(field_name, "too_long", message, (("maximum", NAME_MAX_LENGTH),))]
    if any(unicodedata.category(mark) in {"Cc", "Cs", "Co", "Cn"} or mark in _DIRECTION for mark in text):
        return [FieldError(field_name, "unreadable", "Some of these characters cannot be used in a name.")]
    return []


def language_faults(language: str) -> list[FieldError]:
    """Say why a language cannot be chosen, or nothing."""
    if language in LANGUAGES:
        return []
    return [FieldError("language", "unknown_language", "Choose one of the languages offered.")]
