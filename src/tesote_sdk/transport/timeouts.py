"""The three timeouts of a call, and the deadline that enforces them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ..errors import ConfigError, TimeoutError

if TYPE_CHECKING:
    from typing import Callable, Literal

    Phase = Literal["connect", "read", "total"]

DEFAULT_CONNECT_TIMEOUT = 5.0
"""Seconds for reaching the server: name resolution, TCP, proxy and TLS handshake together."""

DEFAULT_READ_TIMEOUT = 30.0
"""Seconds that the server may stay silent, each time."""

DEFAULT_TOTAL_TIMEOUT = 300.0
"""Seconds for a whole call: every attempt, and the waits between them."""

_LONGEST = 1e6
"""Seconds that any timeout is cut to, 11 days: sockets take no more than 2**31 milliseconds."""


class Timeouts:
    """Seconds for the connect, for each silence of the server, and for the whole call.

    None is the default.

    Raises:
        ConfigError: A value is not a positive, finite number.
    """

    __slots__ = ("connect", "read", "total")

    def __init__(self, connect: float | None, read: float | None, total: float | None) -> None:
        self.connect = _seconds("connect_timeout", connect, DEFAULT_CONNECT_TIMEOUT)
        self.read = _seconds("read_timeout", read, DEFAULT_READ_TIMEOUT)
        self.total = _seconds("total_timeout", total, DEFAULT_TOTAL_TIMEOUT)


class Deadline:
    """A moment that nothing may outlast, and the phase of the call that it belongs to."""

    __slots__ = ("_clock", "_expires_at", "phase")

    def __init__(self, clock: Callable[[], float], seconds: float, phase: Phase) -> None:
        self._clock = clock
        self._expires_at = clock() + seconds
        self.phase: Phase = phase

    def within(self, seconds: float, phase: Phase) -> Deadline:
        """Return the deadline of a part of the work: `seconds` from now, or this one if sooner."""
        return self if self.remaining() <= seconds else Deadline(self._clock, seconds, phase)

    def remaining(self) -> float:
        """Return the seconds left; zero or less once it has passed."""
        return self._expires_at - self._clock()

    def timed_out(self, doing: str, waiting: Phase) -> TimeoutError:
        """Return the error for a wait that ended with nothing.

        Args:
            doing: What was waited for.
            waiting: The phase whose own timeout bounded the wait; where this deadline has passed,
                it was this one that ended it.
        """
        phase = self.phase if self.remaining() <= 0 else waiting
        return TimeoutError(f"the {phase} timeout passed while {doing}", phase=phase)


def _seconds(name: str, value: float | None, default: float) -> float:
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ConfigError(f"{name} must be a number of seconds, not {type(value).__name__}")
    if not 0 < value < math.inf:  # false for NaN, too
        raise ConfigError(f"{name} must be a positive, finite number of seconds, not {value}")
    return float(min(value, _LONGEST))
