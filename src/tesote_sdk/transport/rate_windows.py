"""The windows of a server's rate limit, and the share of one that is a limiter's own.

A limiter knows its own calls. Of other programs that use the same quota it sees what they leave of
it: `remaining` falls by more than one from call to call. That alone does not tell a few that call
often from many that are crowded out, so that whoever came first would keep the most. Therefore
callers that are short of calls count each other: each makes one call as a window begins, and the
second a fifth of it later. By how much `remaining` fell in between is how many they are.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Optional

if TYPE_CHECKING:
    from .pacing import Permit

_TO_COUNT = 0.2
"""The part of a window between its first call and the second, while callers are counted."""

_MOST_PATIENCE = 32.0
"""How many windows' time a limiter comes late to one at most, whose first calls were refused."""

_CAUTION = 3.0
"""How much faster than so far others may go on, where what they will leave is reckoned."""


class Window:
    """A window of the server's, as far as one limiter has heard of it.

    Attributes:
        limit: The calls in a window, as far as that is known.
        quota: The calls that were left when the limiter came to it, its own first one included.
        left: The calls left, those in flight included; None before that is known.
        ends_at: When it ends, by the limiter's clock; None before that is known.
        opens_at: When its first call may be made.
        counting: Whether its callers count each other.
        counted: Whether this one has.
        begun: The limiter's own calls that were begun in it.
        landed: The limiter's own calls that have ended in it.
        held: Whether a call had to wait for want of others left.
        first_at: When its first call began; None before that has landed.
        first_left: The calls that were left after that one.
        heard_at: When the newest report came.
    """

    __slots__ = (
        "begun",
        "counted",
        "counting",
        "ends_at",
        "first_at",
        "first_left",
        "heard_at",
        "held",
        "landed",
        "left",
        "limit",
        "opens_at",
        "quota",
    )

    def __init__(
        self, limit: Optional[int], left: Optional[int], opens_at: float, *, counting: bool = False
    ) -> None:
        self.limit: Optional[int] = limit
        self.left: Optional[int] = left
        self.quota: Optional[int] = None
        self.opens_at: float = opens_at
        self.heard_at: float = opens_at
        self.counting: bool = counting
        self.ends_at: Optional[float] = None
        self.begun: int = 0
        self.landed: int = 0
        self.counted: bool = False
        self.held: bool = False
        self.first_at: Optional[float] = None
        self.first_left: int = 0

    def hear(self, now: float, left: int, ends_at: Optional[float]) -> None:
        """Take note of what a response reported."""
        # Responses overtake each other, and the server's seconds are rounded up.
        self.left = left if self.left is None else min(left, self.left)
        if ends_at is not None:
            self.ends_at = ends_at if self.ends_at is None else min(ends_at, self.ends_at)
        if self.quota is None:
            self.quota = self.left + self.landed
        self.heard_at = now

    def others(self, out: int) -> int:
        """Return how many calls others are known to have made, with `out` of its own in flight."""
        if self.quota is None or self.left is None:
            return 0
        return max(0, self.quota - self.left - self.landed - out)


class Share:
    """How many callers share a quota, and what follows for one of them.

    Attributes:
        callers: Their number, this one included; 1.0 as long as no others are seen.
    """

    def __init__(self) -> None:
        self.callers: float = 1.0
        self._first = True
        self._patience = 1.0
        self._length = math.inf
        self._spacing = 0.0
        self._began_at: Optional[float] = None

    def close(self, window: Window, out: int) -> bool:
        """Take note that a window has ended, with `out` calls in flight.

        Returns:
            Whether callers are to be counted in the next.
        """
        if window.held and not window.counted:
            # The others may be gone, or this one too modest to find out.
            self.callers = 1 + (self.callers - 1) / 2
        if self.callers < 1.05:
            self.callers = 1.0
        self._first = False
        return window.held and (self.callers > 1 or window.others(out) > 0)

    def hear(self, window: Window, call: Permit, remaining: int, out: int) -> None:
        """Take note of what is left after a call.

        Args:
            window: The one that the call was begun in.
            call: Which of the limiter's calls it is, when it was begun, and whether it was refused.
            remaining: What its response says.
            out: How many others of the limiter are in flight.
        """
        if call.number == 0:
            longer = 2 if call.refused else 0.5
            self._patience = min(_MOST_PATIENCE, max(1.0, longer * self._patience))
            if self._began_at is not None:
                self._length = call.started - self._began_at
            self._began_at = window.first_at = call.started
            window.first_left = remaining
            if window.ends_at is not None:
                self._spacing = (window.ends_at - window.heard_at) / (remaining + 1)
        elif call.number == 1 and window.counting and window.first_at is not None and remaining > 0:
            window.counted = True
            counted = window.first_left - remaining
            # Too many calls are refused, too few come later: be quicker to believe in more callers.
            weight = 1.0 if self.callers == 1 else 0.5 if counted > self.callers else 0.25
            self.callers = max(1.0, self.callers + weight * (counted - self.callers))
        if self._first and window.landed:
            self.callers = 1 + window.others(out) / window.landed

    def latest_opening(self, window: Window) -> float:
        """Return the seconds by which to wait beyond a window's end at most.

        Those who share the quota all wait for the same instant. They are spread over as much of the
        time for a call of each as that time is of the window. And whose first call was refused did
        not find a whole quota: the server's window may be one that rolls.
        """
        late = 0.0
        if self._patience > 1 and window.first_at is not None and window.ends_at is not None:
            late = (self._patience - 1) * (window.ends_at - window.first_at)
        if self.callers == 1 or not window.quota:
            return late
        return late + self._spacing * self.callers * min(1.0, self.callers / window.quota)

    def wait_to_count(self, window: Window, out: int, now: float) -> Optional[float]:
        """Return the seconds to the next call, None where that is not for the count to say."""
        if window.first_at is None or window.ends_at is None or window.left is None:
            return math.inf if window.begun and out else None
        pause = _TO_COUNT * min(window.ends_at - window.first_at, self._length)
        if window.begun == 1 and window.left >= self.callers:
            return window.first_at + pause - now
        # The others' second calls are to find nothing but second calls.
        resumes_at = window.first_at + 1.5 * pause
        return resumes_at - now if window.begun == 2 and now < resumes_at else None

    def allows(self, window: Window, out: int, spare: int) -> bool:
        """Tell whether so much is left that a call need not wait.

        Args:
            window: The present one, of which it is known what is left.
            out: How many calls are in flight.
            spare: How many calls of the own share are to be left.
        """
        left = window.left or 0
        if left - out <= self.callers * (spare + 1) - 1:
            return False
        return self.callers == 1 or (window.quota or left) / self.callers - window.begun > spare

    def due(self, window: Window, out: int, last_start: float, now: float) -> float:
        """Return when the next call is due, where those that are left are to be spread.

        Args:
            window: The present one, of which it is known what is left and when it ends.
            out: How many calls are in flight.
            last_start: When the last call was begun.
            now: The present.
        """
        left, ends_at = window.left or 0, window.ends_at or 0.0
        part = self._competing(window, left, out, ends_at) / (left - out + 1)
        return ends_at if part >= 1 else last_start + (ends_at - max(now, last_start)) * part

    def _competing(self, window: Window, left: int, out: int, ends_at: float) -> float:
        """Return for how many callers there must be enough: fewer, where others want less."""
        if window.begun < 2 or window.first_at is None or window.heard_at <= window.first_at:
            return self.callers
        taken = window.first_left - left - (window.landed - 1) - out
        rate = taken / (window.heard_at - window.first_at)
        unwanted = left - _CAUTION * rate * (ends_at - window.heard_at)
        return max(1.0, min(self.callers, left / unwanted)) if unwanted > 0 else self.callers
