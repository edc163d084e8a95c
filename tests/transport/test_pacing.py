"""A limiter that never runs into the server's limit."""

from __future__ import annotations

import email.utils
import importlib.util
import math
import os
import threading
import time
import warnings
from email.utils import formatdate
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from tesote_sdk import RateLimiter, V2Client
from tesote_sdk.errors import ConfigError, ServiceUnavailableError, TimeoutError
from tesote_sdk.sandbox import Sandbox
from tesote_sdk.transport import RateLimit, pacing
from tesote_sdk.transport.pacing import Permit, _uniform
from tesote_sdk.transport.rate_limits import read_rate_limit
from tesote_sdk.transport.timeouts import Deadline
from tests.support.scripted_server import ScriptedServer
from tests.support.steps import hang_up, held, reply
from tests.support.systems import EARLY, needs_fork
from tests.support.transports import transport_of
from tests.transport.calls import FakeTime, failure_of, scripted
from tests.v1.harness import attached

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from typing import Callable, TypeVar

    from tesote_sdk.sandbox._settings import ResetForm

    Result = TypeVar("Result")

NOW = 1_700_000_000.0


class VirtualTime:
    """A clock that nothing but sleeping moves, whichever thread it is that sleeps."""

    def __init__(self, now: float = NOW) -> None:
        self.now = now
        self.slept: list[float] = []
        self._lock = threading.Lock()

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        wakes_at = self.now + seconds
        with self._lock:
            self.slept.append(seconds)
            self.now = max(self.now, wakes_at)

    def limiter(self, min_remaining: int = 10) -> RateLimiter:
        return RateLimiter(min_remaining, clock=self.clock, sleep=self.sleep)

    def deadline(self, seconds: float = 300.0) -> Deadline:
        return Deadline(self.clock, seconds, "total")


# ---- walks, against a server that enforces a limit ----


class Event(NamedTuple):
    at: float
    thread: int
    status: int
    remaining: int
    window: str


class Walks:
    """Clients that walk the accounts of a sandbox, and what each call of theirs met."""

    def __init__(
        self, sandbox: Sandbox, limiter: RateLimiter | None, times: VirtualTime | None = None
    ) -> None:
        self.events: list[Event] = []
        self._clock = times.clock if times else time.monotonic
        options: dict[str, Any] = {"clock": times.clock, "sleep": times.sleep} if times else {}
        self.transport = transport_of(
            sandbox.api_key, sandbox.url, rate_limiter=limiter, logger=self._note, **options
        )
        self.client = attached(V2Client, self.transport)

    def _note(self, event: Mapping[str, Any]) -> None:
        if event["phase"] == "response":
            headers = event["headers"]
            self.events.append(
                Event(
                    self._clock(),
                    threading.get_ident(),
                    event["status"],
                    int(headers["x-ratelimit-remaining"]),
                    headers["x-ratelimit-reset"],
                )
            )

    def walk(self, account_id: str) -> int:
        """Walk an account's transactions, one a page."""
        return sum(1 for _ in self.client.transactions.list_for_account(account_id, per_page=1))

    def refusals(self) -> list[Event]:
        return [event for event in self.events if event.status == 429]

    def rate(self, limit: int) -> float:
        """The calls a second in all the windows that were used to their end."""
        events = sorted(self.events)
        begun = [place for place, event in enumerate(events) if event.remaining == limit - 1]
        first, last = begun[0], begun[-1]
        assert last - first >= limit
        return (last - first) / (events[last].at - events[first].at)


def in_threads(count: int, work: Callable[[int], object]) -> None:
    """Run some work in threads, and raise what any of them did."""
    failures: list[BaseException] = []

    def run(number: int) -> None:
        try:
            work(number)
        except BaseException as error:  # noqa: BLE001 - raised again below
            failures.append(error)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]


@pytest.mark.parametrize(
    ("form", "window", "share"),
    [
        ("seconds", 2.0, 0.95),
        ("millis", 2.0, 0.95),
        ("iso", 2.0, 0.95),
        # The server rounds the instant up to whole seconds, which costs most of a small window.
        ("epoch", 2.0, 0.85),
        ("epoch", 60.0, 0.95),
    ],
)
def test_a_long_walk_meets_no_429_at_the_servers_own_rate(
    form: ResetForm, window: float, share: float
) -> None:
    times = VirtualTime(NOW + 0.25)
    with Sandbox(
        rate_limit_reset=form, transactions=400, accounts=1, gzip=False, clock=times.clock
    ) as sandbox:
        walks = Walks(sandbox, times.limiter(), times)
        (account,) = walks.client.accounts.list()
        sandbox.limit_rate(40, window)
        walks.events.clear()
        assert walks.walk(account["id"]) == 400
        walks.client.close()
    assert len(walks.events) == 400
    assert walks.refusals() == []
    assert walks.rate(40) >= share * 40 / window


def test_eight_threads_that_share_a_client_meet_no_429() -> None:
    with Sandbox(transactions=10, accounts=8, rate_limit_reset="millis") as sandbox:
        sandbox.limit_rate(40, 0.4)
        walks = Walks(sandbox, RateLimiter())
        ids = [account["id"] for account in walks.client.accounts.list()]
        in_threads(8, lambda number: walks.walk(ids[number]))
        walks.client.close()
    assert len(walks.events) == 1 + 8 * 10
    assert walks.refusals() == []


def test_clients_that_share_a_limiter_keep_to_one_limit_together() -> None:
    with Sandbox(transactions=30, accounts=2, rate_limit_reset="millis") as sandbox:
        limiter = RateLimiter()
        sandbox.limit_rate(40, 0.3)
        walks = [Walks(sandbox, limiter), Walks(sandbox, limiter)]
        ids = [account["id"] for account in walks[0].client.accounts.list()]
        in_threads(2, lambda number: walks[number].walk(ids[number]))
        for one in walks:
            one.client.close()
    assert [len(one.events) for one in walks] == [31, 30]
    assert [one.refusals() for one in walks] == [[], []]


def test_without_a_limiter_a_walk_meets_one_429_a_window_and_waits_as_it_is_told() -> None:
    times = VirtualTime(NOW + 0.25)
    with Sandbox(transactions=400, accounts=1, gzip=False, clock=times.clock) as sandbox:
        walks = Walks(sandbox, None, times)
        (account,) = walks.client.accounts.list()
        sandbox.limit_rate(40, 2)
        walks.events.clear()
        assert walks.walk(account["id"]) == 400
        walks.client.close()
    assert len(walks.refusals()) == 9
    assert len(times.slept) == 9
    assert all(2.0 <= seconds <= 2.25 for seconds in times.slept)


def test_without_a_limiter_each_of_eight_threads_meets_at_most_one_429_a_window() -> None:
    times = VirtualTime(NOW + 0.25)
    with Sandbox(
        transactions=9, accounts=8, rate_limit_reset="millis", clock=times.clock
    ) as sandbox:
        walks = Walks(sandbox, None, times)
        ids = [account["id"] for account in walks.client.accounts.list()]
        sandbox.limit_rate(40, 0.5)
        in_threads(8, lambda number: walks.walk(ids[number]))
        walks.client.close()
    refused = [(event.thread, event.window) for event in walks.refusals()]
    assert refused
    assert len(refused) == len(set(refused))


# ---- the limiter, call by call ----


def reported(remaining: int | None, reset: str | None = "60", limit: int | None = 40) -> RateLimit:
    fields = {"x-ratelimit-limit": limit, "x-ratelimit-remaining": remaining}
    texts = {name: str(value) for name, value in fields.items() if value is not None}
    if reset is not None:
        texts["x-ratelimit-reset"] = reset
    read = read_rate_limit(texts, NOW)
    assert read is not None
    return read


def call(
    limiter: RateLimiter, times: VirtualTime, limit: RateLimit | None, date: str | None = None
) -> float:
    """Make one call, and return how long it was held up."""
    before = times.now
    permit = limiter.acquire(times.deadline())
    limiter.release(permit, limit, date)
    return times.now - before


def test_calls_are_held_up_only_once_few_are_left() -> None:
    times = VirtualTime()
    limiter = times.limiter(min_remaining=3)
    for remaining in range(39, 3, -1):
        assert call(limiter, times, reported(remaining)) == 0
    assert call(limiter, times, reported(3)) == 0
    # Three calls for the sixty seconds that are left: one every fifteen.
    waits = [call(limiter, times, reported(remaining)) for remaining in (2, 1, 0)]
    assert waits == pytest.approx([15, 15, 15], abs=0.1)
    assert call(limiter, times, reported(39)) == pytest.approx(15, abs=0.1)


def test_time_that_passed_without_a_call_counts_as_waited() -> None:
    times = VirtualTime()
    limiter = times.limiter()
    call(limiter, times, reported(2))
    times.now += 16
    # Two calls for 44 seconds: one every fifteen, or sooner.
    assert call(limiter, times, reported(1, reset="44")) == 0


def test_a_threshold_of_zero_spends_all_calls_at_once_and_waits_for_the_windows_end() -> None:
    times = VirtualTime()
    limiter = times.limiter(min_remaining=0)
    assert [call(limiter, times, reported(remaining)) for remaining in (2, 1, 0)] == [0, 0, 0]
    assert call(limiter, times, reported(39)) == pytest.approx(60, abs=0.1)


def test_calls_in_flight_count_as_spent() -> None:
    times = VirtualTime()
    limiter = times.limiter(min_remaining=0)
    call(limiter, times, reported(2))
    permits = [limiter.acquire(times.deadline()) for _ in range(2)]
    landed: list[float] = []

    def third() -> None:
        limiter.acquire(times.deadline())
        landed.append(times.now)

    thread = threading.Thread(target=third)
    thread.start()
    thread.join(0.05)
    assert thread.is_alive()  # one of the two may turn out to be counted already, or neither
    limiter.release(permits[0], reported(1))
    limiter.release(permits[1], reported(0))
    thread.join(5)
    assert landed == [pytest.approx(NOW + 60, abs=0.1)]


def test_the_first_call_goes_alone() -> None:
    started = threading.Event()
    answer = threading.Event()
    limits = {"X-RateLimit-Limit": "2", "X-RateLimit-Remaining": "1", "X-RateLimit-Reset": "60"}
    status = {"status": "ok"}
    script = [held(reply(200, status, limits), answer), reply(200, status)]
    with (
        ScriptedServer(script) as server,
        V2Client(
            api_key="k" * 8, base_url=server.url, rate_limiter=RateLimiter(min_remaining=0)
        ) as client,
    ):

        def first(number: int) -> None:
            started.set()
            client.status()

        threads = [threading.Thread(target=first, args=(number,)) for number in range(2)]
        for thread in threads:
            thread.start()
        server.wait_for_requests(1)
        threads[0].join(0.05)
        assert len(server.requests) == 1
        answer.set()
        for thread in threads:
            thread.join(5)
        assert len(server.requests) == 2


def test_a_server_that_reports_nothing_is_not_paced() -> None:
    times = VirtualTime()
    limiter = times.limiter()
    assert [call(limiter, times, None) for _ in range(100)] == [0] * 100
    permits = [limiter.acquire(times.deadline()) for _ in range(100)]
    for permit in permits:
        limiter.release(permit, None)
    assert times.slept == []


@pytest.mark.parametrize("reset", [None, "soon"])
def test_a_reset_that_cannot_be_read_stops_nobody(reset: str | None) -> None:
    times = VirtualTime()
    limiter = times.limiter()
    waits = [call(limiter, times, reported(remaining, reset)) for remaining in (1, 0, 0, 39, 38)]
    assert waits == [0] * 5


def test_a_limit_that_is_not_told_is_learned_anew_in_each_window() -> None:
    times = VirtualTime()
    limiter = times.limiter(min_remaining=0)
    call(limiter, times, reported(0, limit=None))
    assert call(limiter, times, reported(7, limit=None)) == pytest.approx(60, abs=0.1)
    assert call(limiter, times, reported(6, limit=None)) == 0


def test_a_new_window_lets_no_more_calls_out_than_it_holds() -> None:
    times = VirtualTime()
    limiter = times.limiter(min_remaining=0)
    call(limiter, times, reported(0, limit=2))
    permits = [limiter.acquire(times.deadline()) for _ in range(2)]
    third = threading.Thread(target=limiter.acquire, args=(times.deadline(),))
    third.start()
    third.join(0.05)
    assert third.is_alive()
    limiter.release(permits[0], reported(1, limit=2))
    limiter.release(permits[1], reported(0, limit=2))
    third.join(5)
    assert times.now == pytest.approx(NOW + 120, abs=0.1)


def test_a_call_that_ended_without_an_answer_counts_as_spent() -> None:
    times = VirtualTime()
    limiter = times.limiter(min_remaining=0)
    call(limiter, times, reported(2))
    call(limiter, times, None)
    call(limiter, times, None)
    assert call(limiter, times, reported(39)) == pytest.approx(60, abs=0.1)


def test_a_lost_connection_gives_its_place_back() -> None:
    limits = {"X-RateLimit-Limit": "2", "X-RateLimit-Remaining": "1", "X-RateLimit-Reset": "60"}
    ok = reply(200, {"status": "ok"}, limits)
    times = FakeTime()
    limiter = RateLimiter(min_remaining=0, clock=times.clock, sleep=times.sleep)
    script = [hang_up(), hang_up(), ok, ok]
    with scripted(script, times, rate_limiter=limiter) as (transport, server):
        transport.request("GET", "/v2/status")
        transport.request("GET", "/v2/status")
    assert len(server.requests) == 4


def test_a_window_that_ends_sooner_than_announced_is_used_at_once() -> None:
    times = VirtualTime()
    limiter = times.limiter(min_remaining=2)
    call(limiter, times, reported(2, reset="60"))
    call(limiter, times, reported(39, reset="60"))
    assert [call(limiter, times, reported(n)) for n in range(38, 2, -1)] == [0] * 36


def test_an_answer_of_the_last_window_does_not_hold_the_new_one_up() -> None:
    times = VirtualTime()
    limiter = times.limiter(min_remaining=0)
    call(limiter, times, reported(3))
    late = limiter.acquire(times.deadline())
    times.now += 61
    assert call(limiter, times, reported(39)) == 0
    limiter.release(late, reported(0))
    assert [call(limiter, times, reported(n)) for n in (38, 37, 36)] == [0, 0, 0]


# ---- what is not believed ----


@pytest.mark.parametrize("limit", [1, None])
def test_a_refusal_of_another_limit_does_not_hold_up_the_rest(limit: int | None) -> None:
    times = VirtualTime()
    limiter = times.limiter(min_remaining=0)
    call(limiter, times, reported(20))
    permit = limiter.acquire(times.deadline())
    limiter.release(permit, reported(0, reset="300", limit=limit), refused=True)
    assert call(limiter, times, reported(18)) == 0
    assert call(limiter, times, reported(17)) == 0


def test_nothing_left_of_another_limit_after_a_call_that_succeeded_is_no_news_either() -> None:
    times = VirtualTime()
    limiter = times.limiter(min_remaining=0)
    call(limiter, times, reported(20))
    call(limiter, times, reported(0, reset="300", limit=1))
    assert call(limiter, times, reported(18)) == 0


def test_a_refusal_that_is_the_first_answer_may_be_of_any_limit() -> None:
    times = VirtualTime()
    limiter = times.limiter(min_remaining=0)
    permit = limiter.acquire(times.deadline())
    limiter.release(permit, reported(0, reset="300", limit=1), refused=True)
    assert call(limiter, times, reported(38)) == 0


def test_a_refusal_of_the_limit_that_is_paced_is_believed() -> None:
    times = VirtualTime()
    limiter = times.limiter(min_remaining=0)
    call(limiter, times, reported(20))
    permit = limiter.acquire(times.deadline())
    limiter.release(permit, reported(0), refused=True)
    assert limiter.seconds_to_wait() == pytest.approx(60, abs=0.1)


def test_a_higher_limit_is_not_taken_for_the_calls_of_others() -> None:
    times = VirtualTime()
    limiter = times.limiter(min_remaining=3)
    for remaining in range(199, 189, -1):
        call(limiter, times, reported(remaining, limit=200))
    waits = [call(limiter, times, reported(n, limit=40)) for n in range(39, 3, -1)]
    assert waits == [0] * 36


@pytest.mark.parametrize(
    ("reset", "believed"),
    [
        ("3600", True),
        ("3601", False),
        (str(int(NOW) + 3600), True),
        (str(int(NOW) + 3 * 365 * 86400), False),
        ("94608000", False),
        ("2030-01-01T00:00:00Z", False),
    ],
)
def test_no_window_is_longer_than_an_hour(reset: str, believed: bool) -> None:
    times = VirtualTime()
    limiter = times.limiter(min_remaining=0)
    call(limiter, times, reported(0, reset), formatdate(NOW, usegmt=True))
    assert limiter.seconds_to_wait() == (pytest.approx(3600, abs=1) if believed else 0.0)


def test_a_reset_that_was_sent_twice_counts_as_it_was_read() -> None:
    times = VirtualTime()
    limiter = times.limiter(min_remaining=0)
    call(limiter, times, RateLimit(40, 0, 60, NOW + 60, "60, 60"))
    assert limiter.seconds_to_wait() == pytest.approx(60, abs=0.1)


# ---- others that use the same quota ----


def crowded(times: VirtualTime, draw: float) -> RateLimiter:
    """Return a limiter that has used up a window together with three others like it."""
    limiter = RateLimiter(
        0,
        clock=times.clock,
        sleep=times.sleep,
        uniform=lambda low, high: low + draw * (high - low),
    )
    for remaining in range(39, -1, -4):
        call(limiter, times, reported(remaining))
    call(limiter, times, reported(0))
    return limiter


def test_those_who_wait_for_a_window_do_not_all_begin_at_once() -> None:
    waits = {}
    for draw in (0.0, 0.5, 1.0):
        times = VirtualTime()
        waits[draw] = call(crowded(times, draw), times, reported(39))
    assert waits[0.0] == pytest.approx(60, abs=0.1)
    assert waits[1.0] > waits[0.5] > waits[0.0]
    # A twentieth of the window at most, or its end would go unused.
    assert waits[1.0] <= 63


def test_who_is_alone_begins_with_the_window() -> None:
    times = VirtualTime()
    limiter = RateLimiter(
        0, clock=times.clock, sleep=times.sleep, uniform=lambda low, high: math.nan
    )
    for remaining in range(39, -1, -1):
        call(limiter, times, reported(remaining))
    assert call(limiter, times, reported(39)) == pytest.approx(60, abs=0.1)


def test_no_two_processes_draw_the_same() -> None:
    drawn = {_uniform(2.0, 3.0) for _ in range(100)}
    assert len(drawn) == 100
    assert 2.0 <= min(drawn) < 2.2
    assert 2.8 < max(drawn) <= 3.0


def test_a_late_call_of_the_last_window_is_not_taken_for_anothers() -> None:
    times = VirtualTime()
    limiter = times.limiter(min_remaining=0)
    for remaining in (8, 7, 6):
        call(limiter, times, reported(remaining, limit=9))
    late = limiter.acquire(times.deadline())
    times.now += 61
    call(limiter, times, reported(8, limit=9))
    limiter.release(late, reported(7, limit=9))
    for remaining in range(6, -1, -1):
        call(limiter, times, reported(remaining, limit=9))
    # Had it seen others, it would stop to count them.
    waits = [call(limiter, times, reported(remaining, limit=9)) for remaining in (8, 7, 6)]
    assert waits == [pytest.approx(60, abs=0.1), 0, 0]


# ---- clocks ----


@pytest.mark.parametrize("step", [3600.0, -3600.0, 86400.0 * 365])
@pytest.mark.parametrize("form", ["seconds", "epoch", "millis", "iso"])
def test_a_wall_clock_that_is_wrong_or_set_meanwhile_changes_nothing(
    form: ResetForm, step: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    times = VirtualTime(NOW)
    # The wall clock is the one thing here that is not the sandbox's time; it jumps in mid-walk.
    wall = [NOW + step / 2]
    with Sandbox(
        rate_limit_reset=form, transactions=100, accounts=1, gzip=False, clock=times.clock
    ) as sandbox:
        walks = Walks(sandbox, times.limiter(), times)
        (account,) = walks.client.accounts.list()
        sandbox.limit_rate(40, 10)
        walks.events.clear()
        monkeypatch.setattr(time, "time", lambda: wall[0])
        for _ in walks.client.transactions.list_for_account(account["id"], per_page=1):
            if len(walks.events) in (35, 60):
                wall[0] += step
        walks.client.close()
    assert walks.refusals() == []
    assert times.now - NOW == pytest.approx(20, abs=3.5)


def test_without_a_date_the_wall_clock_serves(monkeypatch: pytest.MonkeyPatch) -> None:
    times = VirtualTime(5.0)
    monkeypatch.setattr(time, "time", lambda: NOW + times.now - 5.0)
    limiter = times.limiter(min_remaining=0)
    call(limiter, times, reported(0, reset=str(int(NOW) + 7)))
    assert call(limiter, times, reported(39)) == pytest.approx(7, abs=0.1)


def test_a_servers_clock_that_is_set_is_believed_again() -> None:
    times = VirtualTime(0.0)
    limiter = times.limiter(min_remaining=0)
    for server_now in (NOW, NOW - 1000):
        date = formatdate(server_now, usegmt=True)
        call(limiter, times, reported(0, reset=str(int(server_now) + 7)), date)
        times.now += 7.01
    date = formatdate(NOW - 1000, usegmt=True)
    call(limiter, times, reported(0, reset=str(int(NOW) - 1000 + 9)), date)
    assert call(limiter, times, reported(39)) == pytest.approx(9, abs=0.1)


def test_all_dates_together_tell_the_servers_clock_closer_than_to_the_second() -> None:
    times = VirtualTime(0.0)
    limiter = times.limiter(min_remaining=0)
    call(limiter, times, reported(5, "soon"), formatdate(NOW, usegmt=True))
    times.now = 10.9
    reset = str(int(NOW) + 12)
    call(limiter, times, reported(0, reset), formatdate(NOW + 10, usegmt=True))
    assert call(limiter, times, reported(39)) == pytest.approx(1.1, abs=0.01 + EARLY)


def test_a_date_is_read_once_however_many_responses_carry_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    read: list[str] = []
    parse = email.utils.parsedate_to_datetime

    def note(text: str) -> datetime:
        read.append(text)
        return parse(text)

    monkeypatch.setattr(email.utils, "parsedate_to_datetime", note)
    times = VirtualTime()
    limiter = times.limiter()
    dates = [formatdate(NOW + second, usegmt=True) for second in (0, 0, 0, 1, 1)]
    for date in dates:
        call(limiter, times, reported(39), date)
    assert read == sorted(set(dates))


def test_clocks_are_looked_up_when_they_are_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    limiter = RateLimiter(min_remaining=0)
    times = VirtualTime()
    monkeypatch.setattr(time, "monotonic", times.clock)
    monkeypatch.setattr(time, "sleep", times.sleep)
    call(limiter, times, reported(0))
    assert call(limiter, times, reported(39)) == pytest.approx(60, abs=0.1)


def test_no_call_is_early_by_as_little_as_a_float_cannot_tell() -> None:
    for number in range(200):
        began = number * 7.123456789
        times = VirtualTime(began)
        limiter = times.limiter(min_remaining=0)
        reset = str(int(NOW) + 2)
        call(limiter, times, reported(0, reset), formatdate(NOW, usegmt=True))
        call(limiter, times, reported(39))
        assert times.now - began > 2


# ---- waiting ----


def test_the_total_timeout_bounds_the_wait_and_the_error_comes_at_once() -> None:
    times = VirtualTime()
    limiter = times.limiter(min_remaining=0)
    call(limiter, times, reported(0))
    with pytest.raises(TimeoutError) as caught:
        limiter.acquire(times.deadline(59))
    assert caught.value.phase == "total"
    assert times.slept == []
    limiter.acquire(times.deadline(61))
    assert times.slept == [pytest.approx(60, abs=0.01 + EARLY)]


def test_the_error_of_a_wait_too_long_tells_of_its_request() -> None:
    headers = {"X-RateLimit-Limit": "2", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "600"}
    with (
        ScriptedServer([reply(200, {"status": "ok"}, headers)]) as server,
        V2Client(
            api_key="k" * 8, base_url=server.url, rate_limiter=RateLimiter(), total_timeout=5
        ) as client,
    ):
        client.status()
        began = time.monotonic()
        with pytest.raises(TimeoutError, match="rate limit") as caught:
            client.request("POST", "/v2/x")
        assert time.monotonic() - began < 2
    assert caught.value.phase == "total"
    assert caught.value.outcome_unknown is False
    assert caught.value.request_summary is not None
    assert len(server.requests) == 1


@pytest.mark.parametrize("reset", ["600", "200"])
def test_a_failure_is_not_hidden_by_a_wait_that_has_no_time_left(reset: str) -> None:
    headers = {"X-RateLimit-Limit": "2", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": reset}
    times = FakeTime()
    limiter = RateLimiter(clock=times.clock, sleep=times.sleep)
    steps = [reply(503, {"error": "Paused"}, headers), reply(503, {"error": "Again"}, headers)]
    with scripted(steps, times, rate_limiter=limiter, total_timeout=300) as (transport, server):
        error = failure_of(lambda: transport.request("GET", "/v2/x"))
    assert isinstance(error, ServiceUnavailableError)
    # Within the time that is left it is waited for; the second failure finds too little of it.
    assert len(server.requests) == error.attempts == (1 if reset == "600" else 2)


def in_another_thread(work: Callable[[], Result]) -> Result:
    results: list[Result] = []
    in_threads(1, lambda _: results.append(work()))
    return results[0]


@pytest.mark.parametrize("known", [True, False])
def test_waiting_for_calls_in_flight_ends_with_the_total_timeout(known: bool) -> None:
    limiter = RateLimiter(min_remaining=0)
    if known:
        limiter.release(limiter.acquire(Deadline(time.monotonic, 5, "total")), reported(1))
    permit = in_another_thread(lambda: limiter.acquire(Deadline(time.monotonic, 5, "total")))
    began = time.monotonic()
    with pytest.raises(TimeoutError):
        limiter.acquire(Deadline(time.monotonic, 0.05, "total"))
    assert time.monotonic() - began < 2
    limiter.release(permit, None)


def test_nobody_is_kept_from_reporting_while_another_sleeps() -> None:
    slept: list[float] = []
    moment = [0.0]

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        # Another thread's answer comes in meanwhile.
        thread = threading.Thread(target=limiter.release, args=(open_permit, None))
        thread.start()
        thread.join(5)
        assert not thread.is_alive()
        moment[0] += seconds

    limiter = RateLimiter(5, clock=lambda: moment[0], sleep=sleep)
    deadline = Deadline(lambda: moment[0], 300, "total")
    limiter.release(limiter.acquire(deadline), reported(6))
    open_permit = limiter.acquire(deadline)
    limiter.acquire(deadline)
    assert slept == [pytest.approx(10, abs=0.1)]


@needs_fork
def test_a_forked_child_is_not_held_up_by_calls_of_its_parent() -> None:
    answer = threading.Event()
    limits = {"X-RateLimit-Limit": "9", "X-RateLimit-Remaining": "8", "X-RateLimit-Reset": "60"}
    ok = reply(200, {"status": "ok"}, limits)
    with (
        ScriptedServer([held(ok, answer), ok, ok]) as server,
        V2Client(
            api_key="k" * 8, base_url=server.url, rate_limiter=RateLimiter(0), total_timeout=5
        ) as client,
    ):
        # One call is out, and a second one waits for it, inside the limiter.
        threads = [threading.Thread(target=client.status) for _ in range(2)]
        for thread in threads:
            thread.start()
        server.wait_for_requests(1)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # from Python 3.12 on, of forking with threads
            child = os.fork()
        if child == 0:
            code = 1
            try:
                client.status()
                code = 0
            finally:
                os._exit(code)
        _, status = os.waitpid(child, 0)
        answer.set()
        for thread in threads:
            thread.join(5)
        assert os.WEXITSTATUS(status) == 0
        assert len(server.requests) == 3


@pytest.mark.parametrize("nonsense", [-1, 1.5, "10", True, None, math.inf])
def test_a_threshold_that_is_no_number_of_calls_is_refused(nonsense: Any) -> None:
    with pytest.raises(ConfigError, match="min_remaining"):
        RateLimiter(nonsense)


def test_time_spent_waiting_for_the_limiter_is_not_the_servers() -> None:
    elapsed: list[float] = []

    def note(event: Mapping[str, Any]) -> None:
        if event["phase"] == "response":
            elapsed.append(event["elapsed_ms"])

    limits = {"X-RateLimit-Limit": "2", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1"}
    ok = reply(200, {"status": "ok"}, limits)
    times = VirtualTime()
    with ScriptedServer([ok, ok]) as server:
        transport = transport_of(
            "k" * 8,
            server.url,
            clock=times.clock,
            sleep=times.sleep,
            rate_limiter=times.limiter(),
            logger=note,
        )
        with attached(V2Client, transport) as client:
            client.status()
            client.status()
    assert times.slept
    assert elapsed == [0.0, 0.0]


def test_all_that_wait_for_the_first_call_go_when_it_has_landed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pacing, "_GLANCE", 60.0)  # or they would look by themselves
    limiter = RateLimiter()
    first = limiter.acquire(Deadline(time.monotonic, 5, "total"))
    gone: list[object] = []
    threads = [
        threading.Thread(
            target=lambda: gone.append(limiter.acquire(Deadline(time.monotonic, 5, "total")))
        )
        for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    patience = Deadline(time.monotonic, 5, "total")
    while len(limiter._waiting) < len(threads) and patience.remaining() > 0:
        time.sleep(0.001)
    assert gone == []
    limiter.release(first, RateLimit(200, 199, 60))
    for thread in threads:
        thread.join()
    assert len(gone) == len(threads)
    assert patience.remaining() > 1


def test_calls_of_its_own_in_flight_are_no_other_callers() -> None:
    """The server has counted them by the time it answers the first."""
    time = VirtualTime()
    limiter = time.limiter()
    limiter.release(limiter.acquire(time.deadline()), RateLimit(200, 199, 60))
    begun = [limiter.acquire(time.deadline()) for _ in range(3)]
    limiter.release(begun[0], RateLimit(200, 196, 60))
    assert limiter._share.callers == 1


class FiveSecondsAway(RateLimiter):
    """Lets no call be made for five seconds."""

    def take(self, permit: Permit) -> float:
        return 5.0


def test_a_wait_that_ends_with_the_deadline_is_given_up_at_once() -> None:
    time = VirtualTime()
    limiter = FiveSecondsAway(clock=time.clock, sleep=time.sleep)
    with pytest.raises(TimeoutError, match="waiting for the rate limit"):
        limiter.acquire(time.deadline(5.0))
    assert time.slept == []


def test_a_servers_clock_that_was_set_back_by_two_seconds_is_believed() -> None:
    time = VirtualTime()
    limiter = time.limiter()
    for remaining, resets_at, date in ((199, NOW + 60, NOW), (0, NOW + 48, NOW + 8)):
        permit = limiter.acquire(time.deadline())
        report = RateLimit(200, remaining, resets_at, resets_at)
        limiter.release(permit, report, formatdate(date, usegmt=True))
        time.now += 10
    assert limiter.seconds_to_wait() == pytest.approx(30, abs=0.1)


@pytest.mark.parametrize("apart", [0.0, 0.003, 0.009, 0.015])
def test_clocks_that_go_in_steps_end_no_window_too_early(
    monkeypatch: pytest.MonkeyPatch, apart: float
) -> None:
    """Those of Windows do, and each may take its steps at another moment."""
    step, now = 1 / 64, NOW + 0.0071
    monkeypatch.setattr(time, "get_clock_info", lambda _: SimpleNamespace(resolution=step))
    spec = importlib.util.find_spec(pacing.__name__)
    assert spec is not None
    assert spec.loader is not None
    there = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(there)
    monkeypatch.setattr(time, "time", lambda: now // step * step)
    limiter = there.RateLimiter(clock=lambda: (now + apart) // step * step)
    permit = limiter.acquire(Deadline(time.monotonic, 5, "total"))
    ends_at = NOW + 2.0145  # just before one of their steps
    limiter.release(permit, RateLimit(40, 0, ends_at * 1000, ends_at))
    now = NOW + 1.9
    while limiter.seconds_to_wait():
        now += 0.0001
    assert ends_at <= now < ends_at + 0.05
