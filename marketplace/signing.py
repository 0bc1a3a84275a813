"""Keys for everything the service signs: cursors, form tokens, short cookies.

One secret, one derived key a purpose, so that a value signed for one thing is never good for
another. Nothing here expires or stores anything; that is the caller's.
"""

from __future__ import annotations

import hashlib
import hmac
from functools import cache
from pathlib import Path

from marketplace.settings import Settings, development_secret


@cache
def _secret(configured: str, data: Path) -> bytes:
    return (configured or development_secret(data)).encode()


def signing_key(settings: Settings, purpose: str) -> bytes:
    """Return the 32-byte key of ``purpose``."""
    return hmac.digest(_secret(settings.secret_key, settings.data), purpose.encode(), hashlib.sha256)
