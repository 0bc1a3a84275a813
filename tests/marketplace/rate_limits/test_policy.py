"""How much whom is allowed (rules E1), and who asks (security.md X-04, R-03)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from marketplace.rate_limits import policy
from marketplace.rate_limits.policy import Counted, DayLimits, Factors
from marketplace.rate_limits.quotas import Quota, Rate, Unit

FACTORS = Factors(company=3, young_days=14, young_divisor=2)
REGISTERED = datetime(2026, 2, 20, 12, 0, tzinfo=UTC)
BIRTHDAY = datetime(2026, 3, 6, 12, 0, tzinfo=UTC)
WHOM = Counted(account_id=UUID(int=1), company_id=UUID(int=2), registered_at=REGISTERED)
NOBODYS = Counted(account_id=UUID(int=1), company_id=None, registered_at=REGISTERED)


@pytest.mark.parametrize(
    ("now", "limit", "allowed"),
    [
        (REGISTERED, 30, 15),
        (BIRTHDAY - timedelta(microseconds=1), 30, 15),
        (BIRTHDAY - timedelta(microseconds=1), 5, 3),
        (BIRTHDAY - timedelta(microseconds=1), 1, 1),
        (BIRTHDAY, 30, 30),
        (BIRTHDAY, 5, 5),
        (BIRTHDAY + timedelta(days=1), 5, 5),
    ],
)
def test_young_accounts_have_half(now: datetime, limit: int, allowed: int) -> None:
    """E1: under 14 days half, rounded up; at the very instant the whole."""
    assert policy.account_limit(limit, Unit.RECRUITER, REGISTERED, now, FACTORS) == allowed


@pytest.mark.parametrize("unit", [Unit.ACCOUNT, Unit.NETWORK, Unit.ADDRESS])
def test_only_recruiters_quotas_are_halved(unit: Unit) -> None:
    """C4: a candidate's ten uploads are ten from the first day."""
    assert policy.account_limit(10, unit, REGISTERED, REGISTERED, FACTORS) == 10


def test_a_company_has_three_times_as_much() -> None:
    """E1: three times the account's, however old the account that asks is."""
    old = BIRTHDAY + timedelta(days=300)
    assert policy.day_limits(30, Quota.CONTACT, WHOM, old, FACTORS) == DayLimits(30, 90)
    assert policy.day_limits(30, Quota.CONTACT, WHOM, REGISTERED, FACTORS) == DayLimits(15, 90)
    assert policy.day_limits(10, Quota.CV_UPLOAD, WHOM, old, FACTORS) == DayLimits(10, None)
    assert policy.day_limits(30, Quota.CONTACT, NOBODYS, old, FACTORS) == DayLimits(30, None)


def test_windows_of_an_account() -> None:
    """E1: each rate gives a window of the account and one of its company; CV texts are openings."""
    windows = list(policy.windows_of_account([Rate(20, 60)], Quota.CV_TEXT, WHOM, BIRTHDAY, FACTORS))
    assert [(w.quota, w.subject[0], w.limit, w.seconds) for w in windows] == [
        ("OPENING", "a", 20, 60),
        ("OPENING", "c", 60, 60),
    ]
    alone = list(policy.windows_of_account([Rate(9, 60)], Quota.CV_UPLOAD, WHOM, BIRTHDAY, FACTORS))
    assert [(w.quota, w.subject[0], w.limit) for w in alone] == [("CV_UPLOAD", "a", 9)]


@pytest.mark.parametrize(
    ("host", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::9", "2001:db8:1:3::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::1", "::/64"),
        ("", "unknown"),
        ("testclient", "unknown"),
    ],
)
def test_what_counts_as_one_address(host: str, network: str) -> None:
    """E1: an IPv4 address, the /64 of an IPv6 one; a mapped address is the IPv4 one."""
    assert policy.network_of(host) == network


OURS = policy.networks("10.0.0.0/8, 2001:db8:ffff::/48")


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("198.51.100.1", ["203.0.113.9"], "198.51.100.1"),
        ("10.0.0.1", ["203.0.113.9"], "203.0.113.9"),
        ("10.0.0.1", ["1.1.1.1, 203.0.113.9"], "203.0.113.9"),
        ("10.0.0.1", ["1.1.1.1", "203.0.113.9"], "203.0.113.9"),
        ("10.0.0.1", ["1.1.1.1, 203.0.113.9, 10.2.3.4"], "203.0.113.9"),
        ("10.0.0.1", ["10.9.9.9, 10.2.3.4"], "10.9.9.9"),
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", [""], "10.0.0.1"),
        ("10.0.0.1", ["203.0.113.9, nonsense"], "10.0.0.1"),
        ("10.0.0.1", ["203.0.113.9, nonsense, 10.2.3.4"], "10.2.3.4"),
        ("10.0.0.1", ["203.0.113.9:4711"], "203.0.113.9"),
        ("10.0.0.1", ["[2001:db8::7]:4711"], "2001:db8::7"),
        ("::ffff:10.0.0.1", ["203.0.113.9"], "203.0.113.9"),
        ("2001:db8:ffff::1", ["2001:db8::7"], "2001:db8::7"),
        ("unix", ["203.0.113.9"], "unix"),
    ],
)
def test_who_asks(peer: str, forwarded: list[str], client: str) -> None:
    """X-04, R-03: the rightmost hop that is no proxy of ours, and only if the peer is one."""
    assert policy.client_of(peer, forwarded, OURS) == client


def test_nobody_is_believed_by_default() -> None:
    """X-04: without a configured proxy the peer is the client, whatever a header says."""
    assert policy.client_of("10.0.0.1", ["203.0.113.9"], policy.networks("")) == "10.0.0.1"
    with pytest.raises(ValueError, match=r"proxy\.example"):
        policy.networks("10.0.0.1, proxy.example")
