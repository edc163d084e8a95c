"""The API's timestamps as aware datetimes, on every version of Python.

    >>> parse("2026-03-02T16:00:00Z")
    datetime.datetime(2026, 3, 2, 16, 0, tzinfo=datetime.timezone.utc)

`datetime.fromisoformat` takes no `Z` and no fraction but of three or six digits before Python
3.11, and returns a naive datetime if there is no offset.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone

from .errors import InvalidArgumentError

__all__ = ["parse"]

_TIMESTAMP = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})[Tt ]([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]+))?"
    r"(?:[Zz]|([+-])([01][0-9]|2[0-3]):([0-5][0-9]))"
).fullmatch
"""RFC 3339, section 5.6, which lets a space stand for the `T`."""


def parse(text: str) -> datetime:
    """Return the moment that a timestamp names, as an aware datetime.

    Args:
        text: A timestamp by RFC 3339, such as `2026-03-02T16:00:00Z` or
            `2026-03-02T07:41:10.120-04:00`.

    Returns:
        The moment, at the offset that the timestamp has; `timezone.utc` for `Z`.

    Raises:
        InvalidArgumentError: It is no timestamp, or not an exact one: it has no offset, is a day
            alone, or has a part of a microsecond or a leap second, which a datetime cannot hold.
    """
    if not isinstance(text, str):
        raise InvalidArgumentError(f"a timestamp must be a str, not {type(text).__name__}")
    matched = _TIMESTAMP(text)
    if matched is None:
        raise _refused(text, "it must be like 2026-03-02T16:00:00Z, with an offset or Z")
    *fields, fraction, sign, hours, minutes = matched.groups(default="")
    if fraction[6:].strip("0"):
        raise _refused(text, "a datetime holds whole microseconds")
    zone = timezone.utc
    if sign:
        offset = timedelta(hours=int(hours), minutes=int(minutes))
        zone = timezone(-offset if sign == "-" else offset)
    year, month, day, hour, minute, second = map(int, fields)
    try:
        return datetime(
            year, month, day, hour, minute, second, int(fraction[:6].ljust(6, "0")), zone
        )
    except ValueError as error:
        raise _refused(text, str(error)) from None


def _refused(text: str, why: str) -> InvalidArgumentError:
    return InvalidArgumentError(f"{text[:40]!r} cannot be read exactly as a timestamp: {why}")
