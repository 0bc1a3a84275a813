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
    """Return the free, disposable and look-alike lists with the registrable-domain reader."""
    text = files(__package__).joinpath("free_mail_domains.txt").read_text(encoding="ascii")
    suffixes = PublicSuffixList()
    return ProviderLists.of(
        free=frozenset(text.split()),
        disposable=frozenset(blocklist),
        registrable=suffixes.privatesuffix,
    )
