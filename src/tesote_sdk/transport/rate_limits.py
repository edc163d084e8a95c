"""What the server says of its rate limit."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple, Optional, Union

from .instants import parse_number, parse_reset

if TYPE_CHECKING:
    from collections.abc import Mapping


class RateLimit(
    # In this form, a NamedTuple has no annotations, which a class in a module that postpones them
    # would compile: the first costs a millisecond.
    NamedTuple(
        "_Fields",
        [
            ("limit", Optional[int]),
            ("remaining", Optional[int]),
            ("reset", Union[int, float, None]),
            ("resets_at", Optional[float]),
            ("raw_reset", Optional[str]),
        ],
    )
):
    """A snapshot of the rate limit, as the newest response reported it.

    Attributes:
        limit: Calls allowed in a window, or None if the server did not say.
        remaining: Calls left in this window, or None.
        reset: The reset as the server sent it, if it was a number: seconds from then, or an instant
            in epoch seconds or milliseconds. None otherwise.
        resets_at: What `reset` means: the instant the window ends, in epoch seconds, or None.
        raw_reset: The reset header's text, or None.
    """

    __slots__ = ()

    def __new__(
        cls,
        limit: int | None,
        remaining: int | None,
        reset: int | float | None,
        resets_at: float | None = None,
        raw_reset: str | None = None,
    ) -> RateLimit:
        """Take the values; see the class."""
        return super().__new__(cls, limit, remaining, reset, resets_at, raw_reset)

    def seconds_until_reset(self, now: float | None = None) -> float | None:
        """Return the seconds until the window ends, 0.0 if it has, None if it is not known.

        Args:
            now: The present in epoch seconds; None asks the clock.
        """
        if self.resets_at is None:
            return None
        return max(0.0, self.resets_at - (time.time() if now is None else now))


def read_rate_limit(fields: Mapping[str, str], now: float) -> RateLimit | None:
    """Read the `X-RateLimit-*` fields (https://equipo.tesote.com/api/docs?version=v2).

    Args:
        fields: The header fields, by name in lower case.
        now: The present in epoch seconds.

    Returns:
        The snapshot, or None where the response carries none of the three.
    """
    limit = fields.get("x-ratelimit-limit")
    remaining = fields.get("x-ratelimit-remaining")
    text = fields.get("x-ratelimit-reset")
    if limit is None and remaining is None and text is None:
        return None
    reset = _number(text)
    resets_at = parse_reset(text if reset is None else reset, now)
    return RateLimit(_whole(limit), _whole(remaining), reset, resets_at, text)


def _number(text: str | None) -> int | float | None:
    if text is not None and text.isdecimal() and text.isascii() and len(text) <= 15:
        # The usual case: every response has three of them.
        return int(text)
    number = parse_number(text)
    return int(number) if number is not None and number.is_integer() else number


def _whole(text: str | None) -> int | None:
    number = _number(text)
    return number if isinstance(number, int) else None
