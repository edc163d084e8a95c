"""Calls paced by what the server says of its rate limit."""

from __future__ import annotations

import contextlib
import math
import os
import threading
import time
import weakref
from collections import deque
from typing import Callable, Optional

from .._forks import renew_after_fork
from ..errors import ConfigError
from .instants import parse_reset, parse_retry_after
from .rate_limits import RateLimit
from .rate_windows import Share, Window
from .timeouts import Deadline

_LONGEST_WINDOW = 3600.0
"""Seconds; what is said to last longer is a mistake, or no limit of calls."""

_GRAIN = max(0.001, time.get_clock_info("monotonic").resolution)
"""Seconds; a float of epoch seconds is no exact number, and some clocks go in steps (Windows)."""

_GLANCE = 0.05
"""Seconds after which a wait for calls in flight looks again, should nobody have told it."""

_LOST_AFTER = 1.0
"""Seconds of waiting for what is held for microseconds: an interrupt has left it held."""


class Permit:
    """Leave to make one call; given back when its response has come, or none.

    A permit that nobody holds any more is given back by that alone: an interrupt can come between
    any two lines, and a permit that it took along would hold up all calls after it.

    Attributes:
        token: For a subclass of `RateLimiter` to know the call by; None until it sets it.
        refused: Whether the server refused the call; for `give_back` to know.

    Args:
        deadline: When the call ends at the latest.
    """

    __slots__ = (
        "__weakref__",
        "deadline",
        "entry",
        "left",
        "number",
        "refused",
        "started",
        "thread",
        "token",
        "window",
    )

    def __init__(self, deadline: Deadline) -> None:
        self.deadline: Deadline = deadline
        self.thread: int = threading.get_ident()
        self.token: Optional[str] = None
        self.entry: Optional[weakref.ref[Permit]] = None
        self.window: Optional[Window] = None
        self.number: int = 0
        self.refused: bool = False
        self.left: Optional[int] = None
        self.started: float = 0.0


class _Lock:
    """A lock that a thread may take twice, and that no interrupt can leave held for ever.

    Between the taking of a lock and the `with` that gives it back an interrupt can come, on some
    Pythons. Who has waited for that too long takes a new one. Should the holder only have been
    slow, the arithmetic that is done under it is off by a call.
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()

    def __enter__(self) -> None:
        if not self._lock.acquire(True, _LOST_AFTER):
            self._lock = threading.RLock()
            self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(RuntimeError):  # of one that was replaced meanwhile
            self._lock.release()


class RateLimiter:
    """Paces calls by what the server reports, so that a long job never meets a 429.

    While many calls are left in the server's window, calls are not held up. From `min_remaining`
    on, those left are spread over the time to the window's end. Calls in flight count as spent.
    All threads of a client share its limiter, and several clients may be given the same one.

    Where other programs use the same quota, the limiter sees them and keeps to its share of the
    calls; `min_remaining` is then of that share. A 429 becomes rare, but can come.

    A subclass can share the window with other machines: it overrides `take`, `give_back` and
    `seconds_to_wait`, and inherits the waiting.

    Args:
        min_remaining: How many calls are left when the pacing begins; from 0.
        clock: Seconds on a clock that never steps back; None is `time.monotonic`.
        sleep: Waits for some seconds; None is `time.sleep`.
        uniform: Draws a number between two others; None asks the operating system.

    Raises:
        ConfigError: `min_remaining` is no whole number from 0.
    """

    def __init__(
        self,
        min_remaining: int = 10,
        *,
        clock: Optional[Callable[[], float]] = None,
        sleep: Optional[Callable[[float], object]] = None,
        uniform: Optional[Callable[[float, float], float]] = None,
    ) -> None:
        if isinstance(min_remaining, bool) or not isinstance(min_remaining, int):
            raise ConfigError("min_remaining must be an int")
        if min_remaining < 0:
            raise ConfigError(f"min_remaining must be from 0, not {min_remaining}")
        self._min_remaining = min_remaining
        self._clock = clock
        self._sleep = sleep
        self._uniform = uniform or _uniform
        self._limit: Optional[int] = None
        self._window = Window(None, None, -math.inf)
        self._share = Share()
        self._heard = False
        self._last_start = 0.0
        self._date: Optional[str] = None
        self._stamp: Optional[float] = None
        self._server_ahead = -math.inf
        self.after_fork_in_child()
        renew_after_fork(self)

    def acquire(self, deadline: Deadline) -> Permit:
        """Wait until a call may be made.

        Raises:
            TimeoutError: The deadline would pass first.
        """
        permit = Permit(deadline)
        try:
            while True:
                wait = self.take(permit)
                if wait <= 0:
                    if permit.window is None:  # a subclass has let it go
                        permit.started = self._now()
                    return permit
                remaining = deadline.remaining()
                if wait == math.inf and remaining > 0:
                    self._await_landing(min(remaining, _GLANCE))
                elif wait >= remaining:
                    raise deadline.timed_out("waiting for the rate limit")
                else:
                    (self._sleep or time.sleep)(wait)
        except BaseException:
            self._forget(permit)
            raise

    def release(
        self,
        permit: Permit,
        reported: Optional[RateLimit],
        date: Optional[str] = None,
        *,
        refused: bool = False,
    ) -> None:
        """Take note that a call has ended, and of what its response reported, if there is one.

        Args:
            permit: The call's.
            reported: The rate limit in the response, or None.
            date: The response's Date header, or None.
            refused: Whether the response is a 429.
        """
        limit = remaining = ends_in = None
        try:
            permit.refused = refused
            if reported is not None and not self._is_of_another_limit(reported, refused):
                ends_in = self._seconds_to_end(reported, date, permit.started)
                if reported.limit is not None:
                    self._limit = reported.limit
                limit, remaining = self._limit, reported.remaining
            self.give_back(permit, limit, remaining, ends_in)
        finally:
            self._forget(permit)

    def take(self, permit: Permit) -> float:
        """Let a call be made now, or tell when to ask again.

        Args:
            permit: The call's; once it may be made, it is in flight until `give_back`.

        Returns:
            The seconds to wait; zero or less if the call may be made; infinity to wait until one
            of the calls in flight has ended.
        """
        with self._lock_here():
            now = self._now()
            wait = self._wait(now)
            if wait > 0 and not (wait == math.inf and self._would_wait_for_itself()):
                return wait
            window = self._window
            permit.window, permit.number, permit.left = window, window.begun, window.left
            permit.started = self._last_start = now
            permit.entry = weakref.ref(permit, self._out.discard)
            window.begun += 1
            self._out.add(permit.entry)
            return 0.0

    def give_back(
        self,
        permit: Permit,
        limit: Optional[int],
        remaining: Optional[int],
        ends_in: Optional[float],
    ) -> None:
        """Take note of how a call ended.

        Args:
            permit: The call's.
            limit: The calls in a window; None if the server has not said.
            remaining: The calls that its response says are left; None if it does not.
            ends_in: The seconds from now to the window's end; None if it does not say.
        """
        with self._lock_here():
            self._out.discard(permit.entry)
            self._heard = True
            window = self._window
            window.landed += 1
            if permit.window is not window or remaining is None:
                # It may have been counted, and in the present window.
                window.left = None if window.left is None else window.left - 1
                return
            now = self._now()
            ended_early = permit.left is not None and remaining > permit.left
            if ended_early or limit != window.limit is not None:
                window = self._begin_window(None, now)
                window.begun = window.landed = 1
                permit.number = 0
            window.limit = limit
            window.hear(now, remaining, None if ends_in is None else now + ends_in)
            self._share.hear(window, permit, remaining, len(self._out))

    def seconds_to_wait(self) -> float:
        """Return the seconds for which no call may be made, 0.0 if that is not known to be so."""
        with self._lock_here():
            wait = self._wait(self._now())
        return wait if 0 < wait < math.inf else 0.0

    def after_fork_in_child(self) -> None:
        """Begin anew with the calls in flight, which are the parent's."""
        self._lock = _Lock()
        self._waiting: deque[threading.Lock] = deque()
        self._out: set[Optional[weakref.ref[Permit]]] = set()
        self._pid = os.getpid()

    def _now(self) -> float:
        return (self._clock or time.monotonic)()

    def _lock_here(self) -> _Lock:
        """Return the lock of this process: not every fork is Python's."""
        if os.getpid() != self._pid:
            self.after_fork_in_child()
        return self._lock

    def _forget(self, permit: Permit) -> None:
        """See to it that a call is not in flight, and wake those that may wait for it."""
        self._out.discard(permit.entry)
        while self._waiting:
            with contextlib.suppress(IndexError):  # another thread was faster
                self._waiting.popleft().release()

    def _await_landing(self, seconds: float) -> None:
        # Each waits at a lock of its own, which an interrupt may leave in whatever state.
        landed = threading.Lock()
        landed.acquire()
        self._waiting.append(landed)
        landed.acquire(True, seconds)

    def _would_wait_for_itself(self) -> bool:
        """Tell whether no call is in flight but this thread's own.

        A signal handler or a finalizer may call in the midst of one, which ends only after it.
        """
        here = threading.get_ident()
        for entry in list(self._out):
            permit = entry() if entry else None
            if permit is None or permit.deadline.remaining() <= 0:
                self._out.discard(entry)
            elif permit.thread != here:
                return False
        return True

    def _wait(self, now: float) -> float:
        """Return the seconds until the next call may be made.

        Zero or less is at once; infinity is when one of the calls in flight has landed.
        """
        window, share, out = self._window, self._share, len(self._out)
        if window.ends_at is not None and now >= window.ends_at:
            late = self._uniform(0.0, most) if (most := share.latest_opening(window)) else 0.0
            window = self._begin_window(self._limit, window.ends_at + late)
        if now < window.opens_at:
            return window.opens_at - now
        if window.left is None:
            # The first call goes alone, to hear how many there may be.
            return 0.0 if self._heard or not out else math.inf
        if window.counting:
            wait = share.wait_to_count(window, out, now)
            if wait is not None:
                return wait
        if share.allows(window, out, self._min_remaining):
            return 0.0
        if window.ends_at is None:
            # A window of which nothing is known but its size begins with the calls in flight.
            return 0.0 if not out or (out + 1) * share.callers <= window.left else math.inf
        if window.left > 0 and window.left <= out:
            return math.inf  # those in flight may turn out to be counted already
        due = window.ends_at
        if window.left > 0:
            due = share.due(window, out, self._last_start, now)
        window.held = window.held or due > now
        return due - now

    def _begin_window(self, left: Optional[int], opens_at: float) -> Window:
        counting = self._share.close(self._window, len(self._out))
        self._window = Window(self._limit, left, opens_at, counting=counting)
        return self._window

    def _is_of_another_limit(self, reported: RateLimit, refused: bool) -> bool:
        """Tell whether a report is of nothing left, and not of the limit that is paced.

        It is of one bank link's, say, which is no reason to hold up the rest.
        """
        if reported.remaining != 0:
            return False
        return refused if self._limit is None else reported.limit != self._limit

    def _seconds_to_end(
        self, reported: RateLimit, date: Optional[str], sent_at: float
    ) -> Optional[float]:
        """Return the seconds from now to the window's end, or None where there is nothing to go by.

        An instant is one of the server's clock, from which this machine's may differ, or be set
        while calls are made. Every Date tells that clock to the second, all together more closely.
        """
        now = self._now()
        if date != self._date:  # all responses of one second have the same
            self._stamp, self._date = parse_retry_after(date, now=0.0), date
        stamp = self._stamp
        if stamp is None:
            server_now = time.time()
        else:
            if not stamp - now <= self._server_ahead <= stamp + 1 - sent_at:
                self._server_ahead = stamp - now
            server_now = now + self._server_ahead
        resets_at = reported.resets_at
        if reported.reset is not None:
            resets_at = parse_reset(reported.reset, server_now)
        if resets_at is None or resets_at - server_now > _LONGEST_WINDOW:
            return None
        return resets_at - server_now + _GRAIN


def _uniform(low: float, high: float) -> float:
    # From the module `random`, processes that were forked may all draw the same.
    return low + (high - low) * int.from_bytes(os.urandom(4), "big") / 2**32
