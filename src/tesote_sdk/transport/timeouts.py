"""Deadline: a moment that a call, or a part of it, may not outlast."""

from __future__ import annotations

import math
import sys
from typing import Callable, Literal, Optional

from ..errors import TimeoutError

Phase = Literal["connect", "read", "total"]

LONGEST_WAIT: float = 1.0 if sys.platform == "win32" else math.inf
"""Seconds after which a wait for a socket or a lock is begun anew: on Windows Ctrl-C does not end
one, and is noticed between two."""


class Deadline:
    """A moment that nothing may outlast, and the phase of the call that it belongs to."""

    __slots__ = ("_clock", "_expires_at", "phase")

    def __init__(
        self, clock: Callable[[], float], seconds: float, phase: Phase, now: Optional[float] = None
    ) -> None:
        self._clock = clock
        self._expires_at: float = (clock() if now is None else now) + seconds
        self.phase: Phase = phase

    def within(self, seconds: float, phase: Phase) -> Deadline:
        """Return the deadline of a part of the work: `seconds` from now, or this one if sooner."""
        return self.bounding(seconds, phase)[0]

    def bounding(self, seconds: float, phase: Phase) -> tuple[Deadline, float]:
        """Return what `within` does, and the seconds until it."""
        now = self._clock()
        left = self._expires_at - now
        if left <= seconds:
            return self, left
        return Deadline(self._clock, seconds, phase, now), seconds

    def remaining(self) -> float:
        """Return the seconds left; zero or less once it has passed."""
        return self._expires_at - self._clock()

    def timed_out(self, doing: str) -> TimeoutError:
        """Return the error for a wait that this deadline bounded and that ended with nothing.

        The phase is this deadline's own, whatever the clock says by now: a coarse clock, or a wait
        that ended early, does not make it another's.

        Args:
            doing: What was waited for.
        """
        message = f"the {self.phase} timeout passed while {doing}"
        return TimeoutError(message, phase=self.phase)
