"""Catalogues of translations: the plain ``.po`` files of every feature, read at start and merged.

English is the source: a message is its own key. A feature's French lives in
``marketplace/<feature>/locale/fr.po``. Pages, mails and problem details read the same catalogue
(rules F4).
"""

from __future__ import annotations

import gettext as stdlib_gettext
from collections.abc import Iterator, Mapping
from functools import cache
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

LANGUAGES = ("en", "fr")
"""What people can choose; the first is the source of every message."""

LANGUAGE_NAMES: Mapping[str, str] = {"en": "English", "fr": "Français"}


def N_(message: str) -> str:  # noqa: N802  (the name gettext tools know)
    """Mark a message that is translated later, where it is shown."""
    return message


def catalogue_files(language: str) -> Iterator[Path]:
    """Yield the ``.po`` files of ``language``, in the order of the features' names."""
    yield from sorted(Path(__file__).parent.glob(f"*/locale/{language}.po"))


@cache
def translations(language: str) -> stdlib_gettext.NullTranslations:
    """Return the merged catalogue of ``language``; the source language translates nothing."""
    if language == LANGUAGES[0]:
        return stdlib_gettext.NullTranslations()
    merged = Catalog(locale=language)
    for path in catalogue_files(language):
        with path.open("rb") as source:
            for message in read_po(source, locale=language):
                if message.id and message.string and not message.fuzzy:
                    merged.add(message.id, message.string, context=message.context)
    compiled = BytesIO()
    write_mo(compiled, merged)
    compiled.seek(0)
    return stdlib_gettext.GNUTranslations(compiled)


def translate(language: str, message: str, **values: object) -> str:
    """Return ``message`` in ``language`` with ``%(name)s`` filled from ``values``."""
    text = translations(language).gettext(message) if message else ""
    return text % values if values else text


def translate_plural(language: str, one: str, many: str, number: int, **values: object) -> str:
    """Return the form for ``number``, with ``%(num)s`` and ``values`` filled in."""
    return translations(language).ngettext(one, many, number) % {"num": number, **values}
