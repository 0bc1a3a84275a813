"""Lists of mail providers and the public suffix list, read once; offline (rules B2).

No verdict is made here: ``recruiters/policy.py`` is handed a :class:`ProviderLists`.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from disposable_email_domains import blocklist
from publicsuffixlist import PublicSuffixList

from marketplace.recruiters.policy import ProviderLists


@cache
def provider_lists() -> ProviderLists:
    """Return the free, disposable, school and look-alike lists with the registrable-domain reader."""
    return ProviderLists.of(
        free=_lines("free_mail_domains.txt"),
        disposable=blocklist,
        schools=_lines("school_domains.txt"),
        registrable=PublicSuffixList().privatesuffix,
    )


def _lines(name: str) -> list[str]:
    return files(__package__).joinpath(name).read_text(encoding="ascii").split()
