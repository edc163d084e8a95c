"""The shared limiter of the documentation, over a real Redis that this suite starts."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from tesote_sdk import TimeoutError, V2Client
from tesote_sdk.sandbox import Sandbox
from tesote_sdk.transport import RateLimit
from tesote_sdk.transport.timeouts import Deadline
from tests.docs.examples import EXAMPLES, load_example
from tests.docs.redis_server import RedisServer, running_redis
from tests.docs.test_redis_cache import python

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Callable

EXAMPLE = EXAMPLES / "redis_rate_limiter.py"

example = load_example("redis_rate_limiter")


@pytest.fixture
def redis() -> Iterator[RedisServer]:
    with running_redis() as server:
        yield server


@pytest.fixture
def limiter(redis: RedisServer) -> Iterator[Callable[..., Any]]:
    """A function that makes limiters with connections of their own, which are closed in the end."""
    made: list[Any] = []

    def make(*arguments: Any) -> Any:
        made.append(example.connect(redis.url, *arguments))
        return made[-1]

    yield make
    for one in made:
        one._redis.close()


def deadline(seconds: float = 5.0) -> Deadline:
    return Deadline(time.monotonic, seconds, "total")


def call(limiter: Any, remaining: int | None, reset: int = 60, limit: int = 40) -> None:
    permit = limiter.acquire(deadline())
    report = None
    if remaining is not None:
        report = RateLimit(limit, remaining, reset, time.time() + reset, str(reset))
    limiter.release(permit, report)


def test_limiters_that_share_a_redis_meet_no_429(limiter: Callable[..., Any]) -> None:
    statuses: list[int] = []
    answered = [0] * 4

    def note(event: Mapping[str, Any]) -> None:
        if event["phase"] == "response":
            statuses.append(event["status"])

    with Sandbox(rate_limit_reset="millis") as sandbox:
        sandbox.limit_rate(80, 0.5)
        ends_at = time.monotonic() + 1.5

        def work(number: int) -> None:
            with V2Client(
                api_key=sandbox.api_key,
                base_url=sandbox.url,
                rate_limiter=limiters[number],
                logger=note,
            ) as client:
                while time.monotonic() < ends_at:
                    client.status()
                    answered[number] += 1

        limiters = [limiter() for _ in range(4)]
        threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert set(statuses) == {200}
    assert len(statuses) == sum(answered) > 80
    assert all(answered)


def test_the_fast_leave_the_slow_their_share(limiter: Callable[..., Any]) -> None:
    fast, slow = limiter(), limiter()
    call(slow, 39)
    left = 38
    while not fast.seconds_to_wait():
        call(fast, left)
        left -= 1
    # Of forty, for two of them.
    assert left == 18
    assert slow.seconds_to_wait() == 0.0


def test_what_one_hears_holds_up_the_other(limiter: Callable[..., Any]) -> None:
    one, other = limiter(), limiter()
    call(one, 0)
    assert 59 < other.seconds_to_wait() <= 60.01
    began = time.monotonic()
    with pytest.raises(TimeoutError):
        other.acquire(deadline(30))
    assert time.monotonic() - began < 2
    assert limiter("another-quota").seconds_to_wait() == 0.0


def test_what_is_left_is_spread_over_the_time_that_is_left(limiter: Callable[..., Any]) -> None:
    one, other = limiter(), limiter()
    call(one, 3, reset=2)
    # Three for two seconds: one each half second.
    assert 0.3 < other.seconds_to_wait() <= 0.51
    call(other, 2, reset=2)
    assert 0.3 < one.seconds_to_wait() <= 0.51


def test_calls_in_flight_of_another_process_count_as_spent(limiter: Callable[..., Any]) -> None:
    one, other = limiter(), limiter()
    call(one, 11)
    permit = one.acquire(deadline())
    assert other.seconds_to_wait() > 3
    one.release(permit, None)


def test_a_limit_that_was_raised_is_used(limiter: Callable[..., Any]) -> None:
    one = limiter()
    call(one, 11)
    call(one, 199, limit=200)
    assert one.seconds_to_wait() == 0.0


def test_a_window_that_ended_sooner_is_used(limiter: Callable[..., Any]) -> None:
    one = limiter()
    call(one, 11)
    call(one, 39)
    assert one.seconds_to_wait() == 0.0


def test_the_call_of_a_process_that_died_counts_for_a_while_only(
    limiter: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(example, "LIFETIME", 0.2)
    lost = limiter().acquire(deadline())
    began = time.monotonic()
    call(limiter(), 39)
    assert 0.1 < time.monotonic() - began < 2
    assert lost.token


def test_a_redis_that_goes_away_costs_the_sharing_and_not_the_calls(
    redis: RedisServer, limiter: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(example, "PAUSE", 0.1)
    with Sandbox() as sandbox:
        with V2Client(
            api_key=sandbox.api_key, base_url=sandbox.url, rate_limiter=limiter()
        ) as client:
            client.status()
            assert redis.admin.keys()
            permit = limiter().acquire(deadline())
            redis.stop()
            began = time.monotonic()
            for _ in range(20):
                client.status()
            assert time.monotonic() - began < 5
            assert limiter().seconds_to_wait() == 0.0
            limiter().release(permit, None)
            redis.start()
            time.sleep(0.11)
            client.status()
            assert redis.admin.keys()
        assert len(sandbox.requests) == 22


def test_four_processes_of_the_script_are_not_refused_once(redis: RedisServer) -> None:
    assert python(str(EXAMPLE), redis.url) == "40 calls of 4 processes, refused: 0\n"
