"""The limiter's port, held by every adapter: in memory and on a real Valkey (rules E1; security.md X-04)."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import cast

import pytest
from limits.storage import RedisStorage

from marketplace.demo.embedded_valkey import ValkeyServer
from marketplace.errors import TooManyRequestsError
from marketplace.rate_limits.memory import MemoryLimiter
from marketplace.rate_limits.port import Limiter, Window
from marketplace.rate_limits.redis_limiter import EXACT_UP_TO, moving_key, with_database
from tests.contracts.limiters import InMemory, InValkey, Timer

Place = InMemory | InValkey


@pytest.fixture(scope="module")
def valkey_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    server = ValkeyServer(tmp_path_factory.mktemp("valkey"))
    yield server.start()
    server.stop()


@pytest.fixture(params=["memory", "valkey"])
def place(request: pytest.FixtureRequest) -> Place:
    if request.param == "memory":
        return InMemory()
    return InValkey(cast("str", request.getfixturevalue("valkey_url")))


def window(limit: int = 5, seconds: int = 60, subject: str = "a:1", quota: str = "SEARCH") -> Window:
    return Window(quota=quota, subject=subject, limit=limit, seconds=seconds)


def passes(limiter: Limiter, *windows: Window) -> bool:
    try:
        limiter.hit(windows)
    except TooManyRequestsError:
        return False
    return True


@pytest.mark.parametrize("limit", [1, 5, 600])
def test_so_many_pass_and_not_one_more(place: Place, limit: int) -> None:
    """E1: limit - 1, limit and limit + 1: the last is refused, with quota, limit and time to wait."""
    one = window(limit)
    for left in range(limit - 1, -1, -1):
        standing = place.limiter.hit([one])
        assert (standing.window, standing.remaining) == (one, left)
    with pytest.raises(TooManyRequestsError) as refused:
        place.limiter.hit([one])
    assert (refused.value.quota, refused.value.limit, refused.value.seconds) == ("SEARCH", limit, 60)
    assert 0 < refused.value.retry_after <= 60


def test_a_window_slides(place: Place) -> None:
    """E1: an act counts for just under its window and no longer, each on its own."""
    one = window(2)
    assert passes(place.limiter, one)
    place.pass_time(one, 30)
    assert passes(place.limiter, one)
    place.pass_time(one, 29)
    assert not passes(place.limiter, one), "the first is 59 seconds old"
    place.pass_time(one, 1)
    assert passes(place.limiter, one), "the first is 60 seconds old, the second 30"
    assert not passes(place.limiter, one)
    place.pass_time(one, 30)
    assert passes(place.limiter, one)
    assert not passes(place.limiter, one)


def test_no_burst_at_the_edge_of_a_window(place: Place) -> None:
    """E1, A-04: whatever the instant, no 60 seconds hold more than the limit."""
    one = window(10)
    for _ in range(10):
        place.pass_time(one, 0.5)
        assert passes(place.limiter, one)
    place.pass_time(one, 54)
    assert sum(passes(place.limiter, one) for _ in range(10)) == 0
    place.pass_time(one, 3)
    assert 0 < sum(passes(place.limiter, one) for _ in range(10)) < 10


def test_the_time_to_wait_is_true(place: Place) -> None:
    """E1: who comes back after the time told is let in; a second earlier is too early."""
    one = window(1)
    place.limiter.hit([one])
    place.pass_time(one, 17)
    with pytest.raises(TooManyRequestsError) as refused:
        place.limiter.hit([one])
    assert 41 <= refused.value.retry_after <= 43
    place.pass_time(one, refused.value.retry_after - 2)
    assert not passes(place.limiter, one)
    place.pass_time(one, 2)
    assert passes(place.limiter, one)


def test_a_refused_act_does_not_count(place: Place) -> None:
    """E1: knocking at a closed door keeps it closed no longer."""
    one = window(1)
    assert passes(place.limiter, one)
    place.pass_time(one, 59)
    assert not any(passes(place.limiter, one) for _ in range(20))
    place.pass_time(one, 1)
    assert passes(place.limiter, one)


def test_all_windows_or_none(place: Place) -> None:
    """E1: an act that one window refuses is counted in no other."""
    account, company = window(5), window(1, subject="c:1")
    assert passes(place.limiter, account, company)
    for _ in range(10):
        assert not passes(place.limiter, account, company)
    assert place.limiter.test([account]).remaining == 4
    assert place.limiter.hit([account]).remaining == 3


def test_the_tightest_window_is_told(place: Place) -> None:
    """E1: the headers are about the window that will refuse first; a refusal names the longest wait."""
    wide, narrow = window(10), window(3, seconds=300, subject="c:1")
    assert place.limiter.hit([wide, narrow]).window == narrow
    assert place.limiter.hit([narrow, wide]).window == narrow
    short, long = window(1, seconds=10, subject="s"), window(1, seconds=200, subject="l")
    place.limiter.hit([short, long])
    with pytest.raises(TooManyRequestsError) as refused:
        place.limiter.hit([short, long])
    assert refused.value.seconds == 200


def test_looking_does_not_count(place: Place) -> None:
    """E1: ``test`` tells how a window stands, and refuses where ``hit`` would, without counting."""
    one = window(2)
    assert place.limiter.test([one]).remaining == 2
    place.limiter.hit([one])
    for _ in range(5):
        assert place.limiter.test([one]).remaining == 1
    place.limiter.hit([one])
    with pytest.raises(TooManyRequestsError):
        place.limiter.test([one])


def test_windows_are_apart(place: Place) -> None:
    """X-01: another quota, subject or length of window is another count."""
    for one in (
        window(1), window(1, subject="a:2"), window(1, quota="OPENING"), window(1, seconds=120),
    ):  # fmt: skip
        assert passes(place.limiter, one)
    assert not passes(place.limiter, window(1))


def test_one_bucket_with_two_limits(place: Place) -> None:
    """E1: quotas counted together may allow different numbers; neither forgets what the other counted."""
    for _ in range(4):
        assert passes(place.limiter, window(5))
    assert not passes(place.limiter, window(3))
    assert passes(place.limiter, window(5))
    assert not passes(place.limiter, window(5))
    assert passes(place.limiter, window(6))


def test_parallel_acts_of_one_process(place: Place) -> None:
    """X-04: of 100 acts at once against a limit of 20 exactly 20 pass."""
    one, other = window(20), window(1000, subject="c:1")
    with ThreadPoolExecutor(10) as pool:
        assert sum(pool.map(lambda _: passes(place.limiter, one, other), range(100))) == 20
    assert place.limiter.test([other]).remaining >= 1000 - 21


PROCESS = """
import sys
from concurrent.futures import ThreadPoolExecutor
from marketplace.rate_limits.port import Window
from marketplace.rate_limits.redis_limiter import RedisLimiter
from tests.contracts.test_limiter import passes

limiter = RedisLimiter(sys.argv[1], 30)
windows = [
    Window(quota="SEARCH", subject="a:parallel", limit=50, seconds=600),
    Window(quota="SEARCH", subject="c:parallel", limit=150, seconds=600),
]
limiter.test(windows)
print("ready", flush=True)
sys.stdin.readline()
with ThreadPoolExecutor(8) as pool:
    print(sum(pool.map(lambda _: passes(limiter, *windows), range(50))), flush=True)
"""


@pytest.mark.slow
def test_four_processes(valkey_url: str) -> None:
    """X-04: 200 parallel requests from 4 processes against a limit of 50: exactly 50 pass."""
    place = InValkey(valkey_url)
    command = [sys.executable, "-c", PROCESS, valkey_url]
    processes = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(4)
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    passed = [int(process.communicate(timeout=120)[0]) for process in processes]
    assert sum(passed) == 50
    company = window(150, seconds=600, subject="c:parallel")
    assert place.limiter.test([company]).remaining == 100, "refused acts are counted for nobody"


def test_large_limits_are_counted_by_counters(valkey_url: str) -> None:
    """Above 600 two counters stand for the list: the same number passes at once, then a share returns."""
    place = InValkey(valkey_url)
    limit = EXACT_UP_TO + 1
    one = window(limit)
    assert sum(passes(place.limiter, one) for _ in range(limit + 5)) == limit
    place.pass_time(one, 59)
    assert not passes(place.limiter, one)
    place.pass_time(one, 31)
    freed = sum(passes(place.limiter, one) for _ in range(limit))
    assert limit * 0.3 < freed < limit * 0.6, "half a window later about half is free"
    assert all(":{counter:" in key for key in cast("list[str]", place.client.keys("*")))


def test_the_layout_is_that_of_the_library(valkey_url: str) -> None:
    """ADR 0009: what `limits` itself reads of a window is what our script counted."""
    place = InValkey(valkey_url)
    one = window(10)
    for _ in range(3):
        place.limiter.hit([one])
    library = RedisStorage(with_database(valkey_url), key_prefix="marketplace")
    _, count = library.get_moving_window(moving_key(one), 10, 60)
    assert count == 3


def test_nothing_stays_in_the_store(valkey_url: str) -> None:
    """A window that is over leaves no key behind."""
    place = InValkey(valkey_url)
    for one in (window(5), window(EXACT_UP_TO + 1)):
        place.limiter.hit([one])
    lives = [place.client.pttl(key) for key in cast("list[str]", place.client.keys("*"))]
    assert len(lives) == 2
    assert all(0 < cast("int", life) <= 120_000 for life in lives)


def test_memory_is_bounded() -> None:
    """X-04: callers without number fill no memory: who was not seen the longest is forgotten."""
    limiter = MemoryLimiter(Timer(), most_keys=3)
    for number in range(10):
        assert passes(limiter, window(1, subject=f"n:{number}"))
    assert len(limiter._hits) == 3
    assert not passes(limiter, window(1, subject="n:9"))
    assert passes(limiter, window(1, subject="n:0"))


@pytest.mark.parametrize(
    ("url", "own"),
    [
        ("redis://h:6379", "redis://h:6379/1"),
        ("redis://:pw@h:6379/0", "redis://:pw@h:6379/1"),
        ("redis://h:6379/5", "redis://h:6379/5"),
        ("rediss://h/0?ssl_cert_reqs=none", "rediss://h/1?ssl_cert_reqs=none"),
        ("redis://h?db=3", "redis://h?db=3"),
        ("redis+unix:///run/v.sock", "redis+unix:///run/v.sock?db=1"),
        ("redis+unix:///run/v.sock?db=4", "redis+unix:///run/v.sock?db=4"),
    ],
)
def test_counters_are_beside_the_tasks(url: str, own: str) -> None:
    """Counters are in database 1, for the broker has 0, unless the address names another."""
    assert with_database(url) == own
