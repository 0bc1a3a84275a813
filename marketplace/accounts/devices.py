"""Known devices: a cookie given at a sign-in, for which no lock of the address counts (security.md A-05).

It opens nothing: the password is asked for all the same, and the device has a count of failures of
its own. It is bound to one address and names nobody.
"""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from litestar.datastructures import Cookie

from marketplace.accounts.throttling import keyed_hash
from marketplace.settings import Settings
from marketplace.signing import signing_key

ID_BYTES = 16
MAX_LENGTH = 200


@dataclass(frozen=True)
class Device:
    """A device that somebody signed in with to the address it is asked about."""

    id: str

    def failures_hash(self, settings: Settings) -> bytes:
        """Return the hash under which its own failures are counted."""
        return keyed_hash(settings, f"device:{self.id}")


def cookie_name(settings: Settings) -> str:
    """``__Host-tm_device``; over plain loopback HTTP browsers refuse that prefix."""
    return "__Host-tm_device" if settings.is_secure else "tm_device"


def read(settings: Settings, now: datetime, value: str | None, address: bytes) -> Device | None:
    """Return the device of a cookie; None when it is forged, too old or of another address (A-05)."""
    if not value or len(value) > MAX_LENGTH or not value.isascii():
        return None
    device_id, _, rest = value.partition(".")
    given, _, signature = rest.partition(".")
    if not hmac.compare_digest(signature, _signature(settings, device_id, given, address)):
        return None
    # Signed, so a number of ours.
    is_live = now < datetime.fromtimestamp(int(given), UTC) + timedelta(days=settings.device_days)
    return Device(device_id) if is_live else None


def known_device_cookie(settings: Settings, now: datetime, address: bytes, device: Device | None) -> Cookie:
    """Return the cookie that makes a device known for 180 days from this sign-in on (A-05)."""
    device_id = device.id if device is not None else secrets.token_urlsafe(ID_BYTES)
    given = str(int(now.timestamp()))
    return Cookie(
        key=cookie_name(settings),
        value=f"{device_id}.{given}.{_signature(settings, device_id, given, address)}",
        max_age=int(timedelta(days=settings.device_days).total_seconds()),
        path="/",
        secure=settings.is_secure,
        httponly=True,
        samesite="lax",
    )


def _signature(settings: Settings, device_id: str, given: str, address: bytes) -> str:
    text = f"{device_id}.{given}.{address.hex()}"
    return hmac.digest(signing_key(settings, "known-device"), text.encode(), "sha256").hex()
