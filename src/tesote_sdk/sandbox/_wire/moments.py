"""Moments and dates: epoch seconds inside, ISO 8601 outside."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from functools import cache, lru_cache

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


def moment(epoch: float, utc_offset: int = 0) -> str:
    """ISO 8601 to the second, at an offset in hours; UTC is written as `Z`."""
    return _moment(int(epoch), utc_offset)


def moment_or_none(epoch: float | None, utc_offset: int = 0) -> str | None:
    """As `moment`; None stays None."""
    return None if epoch is None else moment(epoch, utc_offset)


def day(epoch: float, utc_offset: int) -> str:
    """The date at a moment, `YYYY-MM-DD`."""
    return datetime.fromtimestamp(epoch, _zone(utc_offset)).strftime("%Y-%m-%d")


def parse_moment(text: str) -> float | None:
    """Epoch seconds of an ISO 8601 date or timestamp, UTC where it names no offset; else None."""
    # A "+" that a client did not encode arrives as a space.
    text = text.replace(" ", "+") if text.count(" ") == 1 and "T" in text else text
    if text.endswith(("Z", "z")):
        text = text[:-1] + "+00:00"
    try:
        parsed = datetime.fromisoformat(text)
        return (parsed if parsed.tzinfo else parsed.replace(tzinfo=timezone.utc)).timestamp()
    except (ValueError, OverflowError):
        return None


def is_date(text: str) -> bool:
    """Whether this is a date of the calendar, `YYYY-MM-DD`."""
    return _DATE.fullmatch(text) is not None and parse_moment(text) is not None


@lru_cache(maxsize=4096)
def _moment(second: int, utc_offset: int) -> str:
    text = datetime.fromtimestamp(second, _zone(utc_offset)).isoformat()
    return text if utc_offset else text[:-6] + "Z"


@cache
def _zone(utc_offset: int) -> timezone:
    return timezone(timedelta(hours=utc_offset))
