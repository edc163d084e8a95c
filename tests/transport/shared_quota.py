"""Many limiters of one quota, side by side on a clock that jumps from event to event.

Each stands for a process of its own. The server is the sandbox's window; calls and answers take
their time on the way, and a refused call is tried again as the transport does it.
"""

from __future__ import annotations

import heapq
import itertools
import math
import random
from collections import deque
from typing import TYPE_CHECKING, NamedTuple

from tesote_sdk import RateLimiter
from tesote_sdk.sandbox._wire.rate_limits import FixedWindow, Quota
from tesote_sdk.transport.pacing import Permit
from tesote_sdk.transport.rate_limits import read_rate_limit
from tesote_sdk.transport.timeouts import Deadline

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Callable

_ATTEMPTS = 3
_LANDING = 0.01


class RollingWindow:
    """Counts the requests of the last seconds; the reset that it tells is that of the oldest."""

    def __init__(self, limit: int, window: float, clock: Callable[[], float]) -> None:
        self._limit, self._window, self._clock = limit, window, clock
        self._taken: deque[float] = deque()

    def take(self) -> Quota:
        now = self._clock()
        while self._taken and self._taken[0] <= now - self._window:
            self._taken.popleft()
        allowed = len(self._taken) < self._limit
        if allowed:
            self._taken.append(now)
        resets_at = self._taken[0] + self._window
        left = self._limit - len(self._taken)
        return Quota(allowed, self._limit, left, resets_at - now, resets_at)


class Outcome(NamedTuple):
    """What the callers met.

    Attributes:
        answered: The calls of each that succeeded.
        refused: The answers of 429.
        failed: The calls that were refused on every attempt.
        rate: The part of the server's rate that was used.
    """

    answered: Sequence[int]
    refused: int
    failed: int
    rate: float

    def least_to_mean(self) -> float:
        return min(self.answered) * len(self.answered) / sum(self.answered)


class SharedQuota:
    """A number of callers that call again as soon as they may, or after a while.

    Args:
        callers: How many.
        limit: Calls in a window of the server's.
        window: Its length in seconds.
        seed: Of all that is drawn.
        one_way: Seconds that a request or an answer is on its way, on average.
        idle: The average seconds of each between its calls.
        server: What kind of window it is.
    """

    def __init__(
        self,
        callers: int,
        *,
        limit: int = 40,
        window: float = 2.0,
        seed: int = 0,
        one_way: float = 0.0015,
        idle: Sequence[float] = (),
        server: type[FixedWindow] | type[RollingWindow] = FixedWindow,
    ) -> None:
        self._random = random.Random(seed)
        self._now = 1_700_000_000.0
        self._began = self._now
        self._limit, self._window = limit, window
        self._server = server(limit, window, self._clock)
        self._one_way = one_way
        self._idle = idle or [0.0] * callers
        self._limiters = [
            RateLimiter(clock=self._clock, uniform=self._random.uniform) for _ in range(callers)
        ]
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()
        self._answered = [0] * callers
        self._refused = self._failed = 0

    def run(self, seconds: float) -> Outcome:
        """Let them call for a while."""
        for caller in range(len(self._limiters)):
            self._call(caller, self._random.uniform(0, 0.02))
        while self._events[0][0] < self._began + seconds:
            self._now, _, happen = heapq.heappop(self._events)
            happen()
        most = seconds / self._window * self._limit
        return Outcome(self._answered, self._refused, self._failed, sum(self._answered) / most)

    def _clock(self) -> float:
        return self._now

    def _after(self, seconds: float, happen: Callable[[], None]) -> None:
        heapq.heappush(self._events, (self._now + seconds, next(self._order), happen))

    def _call(self, caller: int, after: float, attempt: int = 1) -> None:
        permit = Permit(Deadline(self._clock, 300.0, "total"))
        permit.thread = caller  # all are in this one, where none could wait for another

        def ask() -> None:
            wait = self._limiters[caller].take(permit)
            if wait > 0:
                oversleeps = self._random.expovariate(1 / 0.0003)
                self._after(_LANDING if wait == math.inf else wait + oversleeps, ask)
            else:
                self._after(self._way(), arrive)

        def arrive() -> None:
            quota = self._server.take()
            self._after(self._way(), lambda: land(quota.allowed, quota.headers("seconds")))

        def land(allowed: bool, fields: dict[str, str]) -> None:
            read = read_rate_limit(
                {name.lower(): value for name, value in fields.items()}, self._now
            )
            self._limiters[caller].release(permit, read, refused=not allowed)
            idle = self._idle[caller]
            if allowed:
                self._answered[caller] += 1
                self._call(caller, self._random.expovariate(1 / idle) if idle else 0.0002)
                return
            self._refused += 1
            if attempt == _ATTEMPTS:
                self._failed += 1
                self._call(caller, 0.0002)
            else:
                self._call(caller, float(fields["X-RateLimit-Reset"]), attempt + 1)

        self._after(after, ask)

    def _way(self) -> float:
        return self._one_way * self._random.uniform(0.3, 1.5)
