"""How much whom is allowed, pure (rules E1): young accounts, companies, networks."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from marketplace.rate_limits.port import Window
from marketplace.rate_limits.quotas import QUOTAS, Quota, Rate, Unit, bucket

UNKNOWN = "unknown"
"""The network of a caller without an address (a local socket): all such callers are one."""

_IPV6_PREFIX = 64

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, kw_only=True)
class Factors:
    """What rules E1 multiply and divide by; each is a setting."""

    company: int
    young_days: int
    young_divisor: int


@dataclass(frozen=True, kw_only=True)
class Counted:
    """The account an act is counted for, with its company and its age, where they matter."""

    account_id: UUID
    company_id: UUID | None
    registered_at: datetime | None


@dataclass(frozen=True)
class DayLimits:
    """What 24 hours allow an account, and its company where that counts (rules E1)."""

    account: int
    company: int | None


def is_young(registered_at: datetime | None, now: datetime, days: int) -> bool:
    """Whether an account is under ``days`` old: at the very instant it is no more (rules E1)."""
    return registered_at is not None and now < registered_at + timedelta(days=days)


def account_limit(
    limit: int, unit: Unit, registered_at: datetime | None, now: datetime, factors: Factors
) -> int:
    """Return what an account may do: half of it while a recruiter's is young, rounded up (rules E1)."""
    if unit is Unit.RECRUITER and is_young(registered_at, now, factors.young_days):
        return -(-limit // factors.young_divisor)
    return limit


def company_limit(limit: int, factors: Factors) -> int:
    """Return what all accounts of a company may do together, however old each is (rules E1)."""
    return limit * factors.company


def day_limits(limit: int, quota: Quota, whom: Counted, now: datetime, factors: Factors) -> DayLimits:
    """Return what PostgreSQL holds an account and its company to (rules E1)."""
    unit = QUOTAS[quota].unit
    counts_company = unit is Unit.RECRUITER and whom.company_id is not None
    return DayLimits(
        account_limit(limit, unit, whom.registered_at, now, factors),
        company_limit(limit, factors) if counts_company else None,
    )


def windows_of_account(
    rates: Iterable[Rate], quota: Quota, whom: Counted, now: datetime, factors: Factors
) -> Iterator[Window]:
    """Yield the windows the limiter counts one act of an account in (rules E1)."""
    unit, name = QUOTAS[quota].unit, bucket(quota).value
    for rate in rates:
        own = account_limit(rate.limit, unit, whom.registered_at, now, factors)
        yield Window(quota=name, subject=f"a:{whom.account_id.hex}", limit=own, seconds=rate.seconds)
        if unit is Unit.RECRUITER and whom.company_id is not None:
            together = company_limit(rate.limit, factors)
            yield Window(quota=name, subject=f"c:{whom.company_id.hex}", limit=together, seconds=rate.seconds)


def windows_of_network(rates: Iterable[Rate], quota: Quota, network: str) -> Iterator[Window]:
    """Yield the windows one act from a network is counted in (rules E1)."""
    for rate in rates:
        yield Window(
            quota=bucket(quota).value, subject=f"n:{network}", limit=rate.limit, seconds=rate.seconds
        )


def network_of(host: str) -> str:
    """Return what counts as one address: an IPv4 one, or the /64 of an IPv6 one (rules E1).

    An IPv4 address written as an IPv6 one is the same address; a zone says nothing.
    """
    address = address_of(host)
    if address is None:
        return UNKNOWN
    if isinstance(address, ipaddress.IPv6Address):
        return str(ipaddress.IPv6Network((address, _IPV6_PREFIX), strict=False))
    return str(address)


def address_of(text: str) -> Address | None:
    """Return the address that is written, without port and zone; none for anything else."""
    text = text.strip().strip('"')
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address


def networks(text: str) -> tuple[Network, ...]:
    """Read addresses and networks separated by commas. Raises :class:`ValueError`."""
    return tuple(ipaddress.ip_network(part.strip(), strict=False) for part in text.split(",") if part.strip())


def client_of(peer: str, forwarded: Iterable[str], proxies: Sequence[Network]) -> str:
    """Return who asks: the peer, or the rightmost hop that is no proxy of ours (security.md X-04, R-03).

    ``forwarded`` are the values of ``X-Forwarded-For``, which only a proxy of ours is believed in; what
    stands left of the first foreign hop may have been written by anybody. An entry that is no address
    ends the list: the proxy before it is all that is known.
    """
    known = address_of(peer)
    if known is None or not _is_proxy(known, proxies):
        return peer
    for hop in reversed(",".join(forwarded).split(",")):
        address = address_of(hop)
        if address is None:
            break
        known = address
        if not _is_proxy(address, proxies):
            break
    return str(known)


def _is_proxy(address: Address, proxies: Sequence[Network]) -> bool:
    return any(address in network for network in proxies)
