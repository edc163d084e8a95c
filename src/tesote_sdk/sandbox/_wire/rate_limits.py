"""The request quota: a fixed window, enforced, and told truthfully in the headers."""

from __future__ import annotations

import math
import threading
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Callable

from .errors import Refusal

if TYPE_CHECKING:
    from .._settings import ResetForm


@dataclass(frozen=True)
class Quota:
    """What one request was told about the quota.

    Attributes:
        allowed: Whether the request was within the quota.
        limit: Requests in a window.
        remaining: Requests left in this window.
        reset_in: Seconds until the window ends.
        reset_at: When the window ends, in epoch seconds.
    """

    allowed: bool
    limit: int
    remaining: int
    reset_in: float
    reset_at: float

    def headers(self, form: ResetForm) -> dict[str, str]:
        """The `X-RateLimit-*` fields, the reset in one of the forms seen in the wild.

        Every form is rounded up: who waits that long is never early.
        """
        resets = {
            "seconds": lambda: str(math.ceil(self.reset_in)),
            "epoch": lambda: str(math.ceil(self.reset_at)),
            "millis": lambda: str(math.ceil(self.reset_at * 1000)),
            "iso": self._reset_iso,
        }
        return {
            "X-RateLimit-Limit": str(self.limit),
            "X-RateLimit-Remaining": str(self.remaining),
            "X-RateLimit-Reset": resets[form](),
        }

    def refusal(self) -> Refusal:
        """429 RATE_LIMIT_EXCEEDED with `Retry-After` and `quota_info`."""
        return Refusal(
            "Too many requests",
            "RATE_LIMIT_EXCEEDED",
            retry_after=math.ceil(self.reset_in),
            quota_info={
                "limit": self.limit,
                "remaining": self.remaining,
                "reset_at": self._reset_iso(),
            },
        )

    def _reset_iso(self) -> str:
        millis = math.ceil(self.reset_at * 1000)
        moment = datetime.fromtimestamp(millis / 1000, timezone.utc)
        return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


class FixedWindow:
    """Counts requests in windows of equal length; a window opens with its first request."""

    def __init__(self, limit: int, window: float, clock: Callable[[], float]) -> None:
        self._limit = limit
        self._window = window
        self._clock = clock
        self._lock = threading.Lock()
        self._ends_at = -math.inf
        self._used = 0

    def take(self) -> Quota:
        """Counts one request, unless the window is full."""
        with self._lock:
            now = self._clock()
            if now >= self._ends_at:
                self._ends_at = now + self._window
                self._used = 0
            allowed = self._used < self._limit
            self._used += allowed
            remaining = self._limit - self._used
            return Quota(allowed, self._limit, remaining, self._ends_at - now, self._ends_at)
