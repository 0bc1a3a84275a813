"""The table of quotas and its notation (rules E1, C4)."""

from __future__ import annotations

import pytest

from marketplace.rate_limits.quotas import (
    DAY,
    NO_LIMITS,
    QUOTAS,
    Quota,
    Rate,
    Unit,
    bucket,
    day_limit,
    parse,
    rates_of,
    short_rates,
)


@pytest.mark.parametrize(
    ("quota", "short", "day"),
    [
        (Quota.SEARCH, [(30, 60)], 600),
        (Quota.OPENING, [(20, 60)], 200),
        (Quota.CV_TEXT, [(20, 60)], 200),
        (Quota.EMAIL_REVEAL, [(5, 60)], 50),
        (Quota.CV_DOWNLOAD, [(5, 60)], 50),
        (Quota.CONTACT, [], 30),
        (Quota.SUGGEST, [(120, 60)], None),
        (Quota.CV_UPLOAD, [], 10),
        (Quota.SIGN_IN, [(20, 300)], None),
        (Quota.SIGN_UP, [(5, 3600)], None),
        (Quota.RECOVERY, [(3, 3600)], 5),
        (Quota.ADDRESS, [(300, 300)], None),
    ],
)
def test_the_numbers_of_the_rules(quota: Quota, short: list[tuple[int, int]], day: int | None) -> None:
    """E1, C4, A-04, R-02: each quota has the numbers of the rules, minutes and days apart."""
    assert short_rates({}, quota) == tuple(Rate(*rate) for rate in short)
    assert day_limit({}, quota) == day


def test_every_name_has_its_row() -> None:
    """E1: the table is whole, and only recruiters' quotas have a company's share."""
    assert set(QUOTAS) == set(Quota)
    assert {quota for quota, row in QUOTAS.items() if row.unit is Unit.RECRUITER} == {
        Quota.SEARCH, Quota.OPENING, Quota.CV_TEXT, Quota.EMAIL_REVEAL, Quota.CV_DOWNLOAD, Quota.CONTACT,
        Quota.SUGGEST,
    }  # fmt: skip


def test_texts_count_with_profiles() -> None:
    """E1: a text of a CV is counted under OPENING, with its rates unless it has its own."""
    assert {bucket(quota) for quota in Quota} == set(Quota) - {Quota.CV_TEXT}
    assert rates_of({"OPENING": "7/minute"}, Quota.CV_TEXT) == (Rate(7, 60),)
    own = {"OPENING": "7/minute", "CV_TEXT": "3/minute"}
    assert (rates_of(own, Quota.CV_TEXT), rates_of(own, Quota.OPENING)) == ((Rate(3, 60),), (Rate(7, 60),))


@pytest.mark.parametrize(
    ("notation", "rates"),
    [
        ("30/minute;600/day", [(30, 60), (600, DAY)]),
        ("20/5 minute", [(20, 300)]),
        ("5 per 2 hours", [(5, 7200)]),
        ("1/second, 10/minute", [(1, 1), (10, 60)]),
        ("9/24 hour", [(9, DAY)]),
        ("none", []),
        ("None", []),
    ],
)
def test_the_notation(notation: str, rates: list[tuple[int, int]]) -> None:
    """E1: quotas are written as `limits` writes them; ``none`` lifts one."""
    assert parse(notation) == tuple(Rate(*rate) for rate in rates)


@pytest.mark.parametrize(
    ("notation", "words"),
    [
        ("", "is not like"), ("30", "is not like"), ("30/fortnight", "is not like"),
        ("30/minute;", "is not like"), ("30/minute and more", "is not like"), ("-1/minute", "is not like"),
        ("0/minute", "the least is 1"), ("5/2 day", "further than a day"), ("5/month", "further than a day"),
    ],
)  # fmt: skip
def test_what_is_no_notation(notation: str, words: str) -> None:
    """E1: what cannot be counted is refused with a sentence, not read as something else."""
    with pytest.raises(ValueError, match=words):
        parse(notation)


def test_several_rates_of_a_day_hold_together() -> None:
    """E1: of two rates of a day the lower one is what holds."""
    assert day_limit({"CONTACT": "40/day;25/24 hour"}, Quota.CONTACT) == 25


def test_no_limits_is_none_of_them() -> None:
    """The settings of tests and benchmarks lift every quota there is."""
    assert all(rates_of(NO_LIMITS, quota) == () for quota in Quota)
