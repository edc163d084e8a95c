"""What the server says of its rate limit."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Optional, Union

from .instants import parse_number, parse_reset
from .values import Value


class RateLimit(Value):
    """A snapshot of the rate limit, as the newest response reported it; immutable.

    Attributes:
        limit: Calls allowed in a window, or None if the server did not say.
        remaining: Calls left in this window, or None.
        reset: The reset as the server sent it, if it was a number: seconds from then, or an instant
            in epoch seconds or milliseconds. None otherwise.
        resets_at: What `reset` means: the instant the window ends, in epoch seconds, or None.
        raw_reset: The reset header's text, or None.
    """

    __slots__ = ("limit", "remaining", "reset", "resets_at", "raw_reset")  # noqa: RUF023

    limit: Optional[int]
    remaining: Optional[int]
    reset: Union[int, float, None]
    resets_at: Optional[float]
    raw_reset: Optional[str]

    def __init__(
        self,
        limit: Optional[int],
        remaining: Optional[int],
        reset: Union[int, float, None],
        resets_at: Optional[float] = None,
        raw_reset: Optional[str] = None,
    ) -> None:
        self._set(
            limit=limit,
            remaining=remaining,
            reset=reset,
            resets_at=resets_at,
            raw_reset=raw_reset,
        )

    def seconds_until_reset(self, now: Optional[float] = None) -> Optional[float]:
        """Return the seconds until the window ends, 0.0 if it has, None if it is not known.

        Args:
            now: The present in epoch seconds; None asks the clock.
        """
        if self.resets_at is None:
            return None
        return max(0.0, self.resets_at - (time.time() if now is None else now))


def tells_rate_limit(fields: Mapping[str, str]) -> bool:
    """Tell whether a response has any of the three fields of the rate limit."""
    return (
        "x-ratelimit-remaining" in fields
        or "x-ratelimit-limit" in fields
        or "x-ratelimit-reset" in fields
    )


def read_rate_limit(fields: Mapping[str, str], now: float) -> Optional[RateLimit]:
    """Read the `X-RateLimit-*` fields (https://equipo.tesote.com/api/docs?version=v2).

    One that is sent twice, by an application and by the gateway before it, means the smaller count
    and the later reset.

    Args:
        fields: The header fields, by name in lower case.
        now: The present in epoch seconds.

    Returns:
        The snapshot, or None where the response carries none of the three.
    """
    if not tells_rate_limit(fields):
        return None
    text = fields.get("x-ratelimit-reset")
    reset = max(_numbers(text), default=None)
    resets_at = parse_reset(text if reset is None else reset, now)
    return RateLimit(
        _count(fields.get("x-ratelimit-limit")),
        _count(fields.get("x-ratelimit-remaining")),
        reset,
        resets_at,
        text,
    )


def _numbers(text: Optional[str]) -> list[Union[int, float]]:
    if text is None:
        return []
    if text.isdecimal() and text.isascii() and len(text) <= 15:
        # The usual case: every response has three of them.
        return [int(text)]
    parsed = [parse_number(part) for part in text.split(",")]
    numbers = [number for number in parsed if number is not None]
    if len(numbers) < len(parsed):
        return []
    return [int(number) if number.is_integer() else number for number in numbers]


def _count(text: Optional[str]) -> Optional[int]:
    number = min(_numbers(text), default=None)
    return number if isinstance(number, int) else None
