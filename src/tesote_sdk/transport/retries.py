"""What is tried again, and when."""

from __future__ import annotations

import sys
from typing import Callable, Optional

from ..errors import ApiError, ConfigError, NetworkError, TesoteError, TimeoutError
from .messages import Request
from .values import Value

RETRIED_STATUSES = frozenset({429, 502, 503, 504})
"""The answers that say that the server did not get to it, and may the next time."""


class RetryPolicy(Value):
    """How often a failed request is tried again, and how long is waited before; immutable.

    The wait before attempt n+1 is drawn from zero to `base_delay * 2**(n-1)`, at most `max_delay`
    ("full jitter": many clients that failed together do not come back together). Where the server
    names a wait, it is never cut short: the drawn wait comes after it, or, beyond
    `max_retry_after`, the error is raised at once with `retry_after` set.

    Args:
        max_attempts: Attempts in all, the first included; 1 turns retries off.
        base_delay: Seconds that the first wait may take at most.
        max_delay: Seconds that any drawn wait may take at most.
        max_retry_after: Seconds that a wait named by the server may take at most.

    Raises:
        ConfigError: `max_attempts` is no whole number from 1, or another value is no finite number
            from 0.
    """

    __slots__ = ("max_attempts", "base_delay", "max_delay", "max_retry_after")  # noqa: RUF023 - the constructor's order

    max_attempts: int
    base_delay: float
    max_delay: float
    max_retry_after: float

    def __init__(
        self,
        max_attempts: int = 3,
        base_delay: float = 0.25,
        max_delay: float = 8.0,
        max_retry_after: float = 60.0,
    ) -> None:
        if isinstance(max_attempts, bool) or not isinstance(max_attempts, int) or max_attempts < 1:
            raise ConfigError(
                f"max_attempts must be a whole number of at least 1, not {max_attempts!r}"
            )
        delays = {
            "base_delay": base_delay,
            "max_delay": max_delay,
            "max_retry_after": max_retry_after,
        }
        for name, value in delays.items():
            number = isinstance(value, (int, float)) and not isinstance(value, bool)
            if not (number and 0 <= value <= sys.float_info.max):
                raise ConfigError(f"{name} must be a number of seconds from 0, not {value!r}")
        self._set(max_attempts=max_attempts, **delays)

    def allows(self, error: TesoteError, request: Request, attempt: int) -> bool:
        """Tell whether a request that failed may be tried again.

        Args:
            error: What the attempt ended with.
            request: What was attempted. A write that may have been carried out is repeated after a
                read timeout only with the caller's own idempotency key: with it the caller, too,
                can repeat the call and find the same outcome.
            attempt: The number of attempts made.
        """
        if attempt >= self.max_attempts:
            return False
        if isinstance(error, ApiError):
            return error.http_status in RETRIED_STATUSES
        if isinstance(error, NetworkError):
            return error.http_status != 407  # a proxy that wants other credentials
        if isinstance(error, TimeoutError):
            if error.phase == "read":
                return request.caller_keyed or not request.changes_state
            return error.phase == "connect"
        return False

    def delay(
        self, attempt: int, retry_after: Optional[float], uniform: Callable[[float, float], float]
    ) -> Optional[float]:
        """Return the seconds to wait before the next attempt, or None if they are too many.

        Args:
            attempt: The number of attempts made.
            retry_after: The wait that the server names, in seconds, or None.
            uniform: Draws a number between two others.
        """
        # 2**n of a large n is no float, and 64 doublings of any delay are as good as more.
        ceiling = min(self.max_delay, self.base_delay * 2.0 ** min(attempt - 1, 64))
        drawn = uniform(0.0, ceiling)
        if retry_after is None:
            return drawn
        # Clients that were all told the same moment do not all come back at it.
        return None if retry_after > self.max_retry_after else retry_after + drawn
