"""Instants and waits as servers write them, in seconds."""

from __future__ import annotations

import re
from typing import Optional

from .._forks import loading
from ..errors import ConfigError

# Compiled at first use: most programs never meet an instant.
_NUMBER = r"[0-9]+(?:\.[0-9]*)?(?:[eE][+-]?[0-9]+)?"

_TIMESTAMP = (
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})[Tt ]([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:[.,]([0-9]+))?)?"
    r" ?(?:[Zz]|([+-])([01][0-9]|2[0-3])(?::?([0-5][0-9]))?)?"
)
"""RFC 3339, section 5.6, and what ISO 8601 allows besides: no seconds, no offset, a short one."""

_EPOCH_FROM = 1e9
_MILLISECONDS_FROM = 1e12
"""The API's sources show resets as seconds from now, epoch seconds and epoch milliseconds."""


def parse_number(value: object) -> Optional[float]:
    """Read a number from 0 out of decoded JSON or a header.

    Args:
        value: An int, a float, or either as text in ASCII digits; a bool is no number.

    Returns:
        The number, or None for anything else, an infinity and what is too large for a float
        included.
    """
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    if isinstance(value, str) and not re.fullmatch(_NUMBER, value.strip()):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if 0 <= number < float("inf") else None


def parse_retry_after(value: Optional[str], now: float) -> Optional[float]:
    """Return the seconds that a `Retry-After` header asks to wait (RFC 9110, section 10.2.3).

    Where it is sent more than once, by an application and by the gateway before it, the longest
    wait counts.

    Args:
        value: The header: seconds, or an HTTP date; or a list of them.
        now: The present in epoch seconds, on the clock of whoever sent it.

    Returns:
        The seconds; 0.0 for a date that is past; None where there is no header or it cannot be
        read, a negative or infinite number included.
    """
    if value is None:
        return None
    waits: list[float] = []
    weekday = ""
    for part in value.split(","):
        if part.strip().isalpha():  # a date has a comma of its own
            weekday = f"{part},"
            continue
        seconds = parse_number(part)
        if seconds is None:
            date = parse_http_date(weekday + part)
            seconds = None if date is None else max(0.0, date - now)
        if seconds is None:
            return None
        waits.append(seconds)
        weekday = ""
    return max(waits, default=None)


def parse_http_date(text: Optional[str]) -> Optional[float]:
    """Return the epoch seconds of an HTTP date in one of its three forms (RFC 9110, 5.6.7).

    Returns:
        The seconds, or None where there is no date or it cannot be read.
    """
    if text is None or not text.isascii():
        return None
    # Whatever the parser raises, which differs by version, or fails to load with (a server writes
    # the text, and an error is on its way already), it is no date that can be gone by.
    try:
        with loading():
            from datetime import timezone
            from email.utils import parsedate_to_datetime
        date = parsedate_to_datetime(text)
        if date.tzinfo is None:  # asctime's form, which is in GMT all the same
            date = date.replace(tzinfo=timezone.utc)
        return date.timestamp()
    except Exception:  # noqa: BLE001
        return None


def parse_instant(text: str) -> Optional[float]:
    """Return the epoch seconds of an ISO 8601 timestamp, or None if it is none.

    Args:
        text: A date, a time, and `Z` or an offset; without an offset it is taken as UTC.
    """
    # datetime.fromisoformat takes neither "Z" nor other than 3 or 6 decimals before Python 3.11.
    matched = re.fullmatch(_TIMESTAMP, text.strip())
    if not matched:
        return None
    *fields, fraction, sign, hours, minutes = matched.groups(default="0")
    year, month, day, hour, minute, second = map(int, fields)
    try:
        with loading():  # few servers write instants so
            from datetime import datetime, timezone
        moment = datetime(year, month, day, hour, minute, second, tzinfo=timezone.utc)
    except (ConfigError, ValueError):
        return None
    offset = int(hours) * 3600 + int(minutes) * 60
    return moment.timestamp() + float(f"0.{fraction}") + (offset if sign == "-" else -offset)


def parse_reset(value: object, now: float) -> Optional[float]:
    """Return the epoch seconds at which a rate limit's window ends, or None if it cannot be read.

    Args:
        value: Seconds from now, epoch seconds or milliseconds as a number or its text, or an
            ISO 8601 timestamp.
        now: The present in epoch seconds.
    """
    number = parse_number(value)
    if number is None:
        return parse_instant(value) if isinstance(value, str) else None
    if number < _EPOCH_FROM:
        return now + number
    return number / 1000 if number >= _MILLISECONDS_FROM else number
