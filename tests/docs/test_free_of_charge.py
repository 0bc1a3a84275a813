"""A10: the service is free of charge."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
ASKS_FOR_MONEY = re.compile(
    r"\b(?:payments?|checkout|invoices?|credit cards?|subscriptions?|pricing|iban|stripe|paypal|"
    r"paiements?|facture|abonnement|carte bancaire|tarifs?)\b",
    re.IGNORECASE,
)


def test_no_page_asks_for_payment() -> None:
    """A10: no template of any feature has a word about paying."""
    templates = sorted((ROOT / "marketplace").rglob("templates/**/*.html"))
    assert templates
    assert [
        (path.name, found[0])
        for path in templates
        if (found := ASKS_FOR_MONEY.search(path.read_text(encoding="utf-8")))
    ] == []


def test_no_mail_or_route_asks_for_payment() -> None:
    """A10: neither do the mails, nor a field or path of the API."""
    sources = sorted(
        path
        for path in (ROOT / "marketplace").rglob("*.py")
        if path.name in {"emails.py", "api.py", "portal.py", "schemas.py", "forms.py"}
    )
    assert sources
    assert [
        (str(path.relative_to(ROOT)), found[0])
        for path in sources
        if (found := ASKS_FOR_MONEY.search(path.read_text(encoding="utf-8")))
    ] == []
