"""Calls paced by what the server says of its rate limit."""

from __future__ import annotations

import math
import threading
import time
from typing import TYPE_CHECKING

from .._forks import renew_after_fork
from ..errors import ConfigError
from .instants import parse_reset, parse_retry_after

if TYPE_CHECKING:
    from typing import Callable, TypeVar

    from .rate_limits import RateLimit
    from .timeouts import Deadline

    Number = TypeVar("Number", int, float)


class Permit:
    """Leave to make one call; given back when its response has come, or none.

    Args:
        window: The number of the server's window that it was begun in.
        left: The calls that were left then, those in flight included; None if that was not known.
        started: When, by the limiter's clock.
    """

    __slots__ = ("left", "started", "window")

    def __init__(self, window: int, left: int | None, started: float) -> None:
        self.window = window
        self.left = left
        self.started = started


class RateLimiter:
    """Paces calls by what the server reports, so that a long job never meets a 429.

    While many calls are left in the server's window, calls are not held up. From `min_remaining`
    on, those left are spread over the time to the window's end. Calls in flight count as spent.
    All threads of a client share its limiter, and several clients may be given the same one.

    Args:
        min_remaining: How many calls are left when the pacing begins; from 0.
        clock: Seconds on a clock that never steps back.
        sleep: Waits for some seconds.

    Raises:
        ConfigError: `min_remaining` is no whole number from 0.
    """

    def __init__(
        self,
        min_remaining: int = 10,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        if isinstance(min_remaining, bool) or not isinstance(min_remaining, int):
            raise ConfigError("min_remaining must be an int")
        if min_remaining < 0:
            raise ConfigError(f"min_remaining must be from 0, not {min_remaining}")
        self._min_remaining = min_remaining
        self._clock = clock
        self._sleep = sleep
        self._landed = threading.Condition()
        self._window = 0
        self._limit: int | None = None
        self._left: int | None = None
        self._ends_at: float | None = None
        self._in_flight = 0
        self._heard = False
        self._last_start = 0.0
        self._server_ahead = -math.inf
        renew_after_fork(self)

    def acquire(self, deadline: Deadline) -> Permit:
        """Wait until a call may be made.

        Raises:
            TimeoutError: The deadline would pass first.
        """
        while True:
            with self._landed:
                now = self._clock()
                wait = self._wait(now)
                if wait <= 0:
                    self._in_flight += 1
                    self._last_start = now
                    return Permit(self._window, self._left, now)
                remaining = deadline.remaining()
                if wait == math.inf and remaining > 0:
                    # The lock is free meanwhile.
                    ends_in = remaining if self._ends_at is None else self._ends_at - now
                    self._landed.wait(min(remaining, ends_in))
                    continue
            if wait >= remaining:
                raise deadline.timed_out("waiting for the rate limit")
            self._sleep(wait)

    def seconds_to_wait(self) -> float:
        """Return the seconds for which no call may be made, 0.0 if that is not known to be so."""
        with self._landed:
            wait = self._wait(self._clock())
        return wait if 0 < wait < math.inf else 0.0

    def release(self, permit: Permit, reported: RateLimit | None, date: str | None = None) -> None:
        """Take note that a call has ended, and of what its response reported, if there is one.

        Args:
            permit: The call's.
            reported: The rate limit in the response, or None.
            date: The response's Date header, or None.
        """
        with self._landed:
            self._in_flight -= 1
            self._heard = True
            self._landed.notify_all()
            if permit.window != self._window or reported is None or reported.remaining is None:
                # It may have been counted, and in the present window.
                self._left = None if self._left is None else self._left - 1
                return
            if permit.left is not None and reported.remaining > permit.left:
                # The window has ended sooner than it was announced.
                self._begin_window(None)
            self._limit = self._limit if reported.limit is None else reported.limit
            self._left = _least(self._left, reported.remaining)
            now = self._clock()
            seconds = self._seconds_to(reported.raw_reset, date, permit.started, now)
            if seconds is not None:
                # The server's seconds are rounded up: the earliest of them is the closest.
                self._ends_at = _least(self._ends_at, now + seconds)

    def after_fork_in_child(self) -> None:
        """Begin anew with the calls in flight, which are the parent's."""
        self._landed = threading.Condition()
        self._in_flight = 0

    def _begin_window(self, left: int | None) -> None:
        self._window += 1
        self._left, self._ends_at = left, None

    def _wait(self, now: float) -> float:
        """Return the seconds until the next call may be made.

        Zero or less is at once; infinity is when one of the calls in flight has landed.
        """
        if self._ends_at is not None and now >= self._ends_at:
            self._begin_window(self._limit)
        if self._left is None:
            # The first call goes alone, to hear how many there may be.
            return 0.0 if self._heard or not self._in_flight else math.inf
        available = self._left - self._in_flight
        if available > self._min_remaining:
            return 0.0
        if self._ends_at is None:
            # A window of which nothing is known but its size begins with the calls in flight.
            return 0.0 if available > 0 or not self._in_flight else math.inf
        if available <= 0:
            # Those in flight may turn out to be counted already.
            return math.inf if self._left > 0 else self._ends_at - now
        pause = (self._ends_at - max(now, self._last_start)) / (available + 1)
        return self._last_start + pause - now

    def _seconds_to(
        self, reset: str | None, date: str | None, sent_at: float, now: float
    ) -> float | None:
        """Return the seconds from now to a reset, or None if it cannot be read.

        An instant is one of the server's clock, from which this machine's may differ, or be set
        while calls are made. Every Date tells that clock to the second, all together more closely.
        """
        stamp = parse_retry_after(date, now=0.0)
        if stamp is None:
            server_now = time.time()
        else:
            if not stamp - now <= self._server_ahead <= stamp + 1 - sent_at:
                self._server_ahead = stamp - now
            server_now = now + self._server_ahead
        resets_at = parse_reset(reset, server_now)
        return None if resets_at is None else resets_at - server_now + _GRAIN


_GRAIN = 0.001
"""Seconds; a float of epoch seconds is no exact number."""


def _least(one: Number | None, other: Number) -> Number:
    return other if one is None else min(one, other)
