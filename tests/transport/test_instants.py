"""Instants and waits as servers write them."""

from __future__ import annotations

import math
import random
import time
from typing import TYPE_CHECKING, Any

import pytest

from tesote_sdk.transport.instants import (
    parse_instant,
    parse_number,
    parse_reset,
    parse_retry_after,
)
from tests.support.systems import needs_time_zones

if TYPE_CHECKING:
    from collections.abc import Iterator

NOW = 784111777.0 - 60  # a minute before the date that RFC 9110 gives as its example

UNREADABLE = [
    "",
    " ",
    "soon",
    "-1",
    "-0.5",
    "nan",
    "NaN",
    "inf",
    "Infinity",
    "1_000",
    "0x10",
    "1e",
    "1e999",
    "9" * 5000,
    "٣",
    "5s, 5",
    "5,",
    ",",
    "5s",
    "true",
    "\ud800",
]


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0.0),
        ("17", 17.0),
        (" 17\t", 17.0),
        ("1.5", 1.5),
        ("2.", 2.0),
        ("1e3", 1000.0),
        ("0017", 17.0),
        (str(10**12), 1e12),
        ("9" * 300, float("9" * 300)),
    ],
)
def test_a_number_of_seconds_is_a_wait_however_long(text: str, seconds: float) -> None:
    assert parse_retry_after(text, NOW) == seconds
    assert parse_number(text) == seconds


@pytest.mark.parametrize("text", UNREADABLE)
def test_what_is_no_wait_is_none(text: str) -> None:
    assert parse_retry_after(text, NOW) is None
    assert parse_number(text) is None
    assert parse_instant(text) is None
    assert parse_reset(text, NOW) is None


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("5, 10", 10.0),
        ("10,5", 10.0),
        ("0, 0", 0.0),
        ("5, Sun, 06 Nov 1994 08:49:37 GMT", 60.0),
        ("Sun, 06 Nov 1994 08:49:37 GMT, 90", 90.0),
        ("Sun, 06 Nov 1994 08:49:37 GMT, Sun, 06 Nov 1994 08:49:47 GMT", 70.0),
        ("Sun Nov  6 08:49:37 1994, 5", 60.0),
    ],
)
def test_of_several_waits_the_longest_counts(text: str, seconds: float) -> None:
    """An application and the gateway before it may both ask for one."""
    assert parse_retry_after(text, NOW) == seconds
    assert parse_number(text) is None


@pytest.fixture
def far_zone() -> Iterator[None]:
    """Set the machine's clock to a zone that is neither the dates' nor the developer's."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TZ", "XXX-11:30")
        time.tzset()
        yield
    time.tzset()


def test_no_header_is_no_wait() -> None:
    assert parse_retry_after(None, NOW) is None


@pytest.mark.parametrize(
    "date",
    [
        "Sun, 06 Nov 1994 08:49:37 GMT",
        "Sunday, 06-Nov-94 08:49:37 GMT",
        "Sun Nov  6 08:49:37 1994",
    ],
)
@needs_time_zones
@pytest.mark.usefixtures("far_zone")
def test_the_three_forms_of_an_http_date_are_read(date: str) -> None:
    assert parse_retry_after(date, NOW) == 60.0
    assert parse_retry_after(date, NOW + 3600) == 0.0


@pytest.mark.parametrize(
    "date",
    [
        "Sun, 06 Nov 1994 25:49:37 GMT",
        "Sun, 31 Feb 1994 08:49:37 GMT",
        "Sun, 06 Nov 99999999999999999999 08:49:37 GMT",
        "Sun, 06 Nov 1994 08:49:37 +99999999999",
        "Sun, 06 Nov 1994",
        "Sun, ٣ Nov 1994 08:49:37 GMT",
        ", , ,",
    ],
)
def test_a_date_that_is_none_is_no_wait(date: str) -> None:
    assert parse_retry_after(date, NOW) is None


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1970-01-01T00:00:00Z", 0.0),
        ("2026-03-02T12:05:00Z", 1772453100.0),
        ("2026-03-02t12:05:00z", 1772453100.0),
        ("2026-03-02T12:05:00+00:00", 1772453100.0),
        ("2026-03-02T08:05:00-04:00", 1772453100.0),
        ("2026-03-02T17:35:00+05:30", 1772453100.0),
        ("2026-03-02T08:05:00-0400", 1772453100.0),
        ("2026-03-02T08:05:00-04", 1772453100.0),
        ("2026-03-02 08:05:00 -0400", 1772453100.0),
        ("2026-03-02T12:05:00", 1772453100.0),
        ("2026-03-02T12:05", 1772453100.0),
        ("2026-03-02T12:05:00.5Z", 1772453100.5),
        ("2026-03-02T12:05:00,120-00:00", 1772453100.12),
        ("2026-03-02T12:05:00.123456789Z", 1772453100.123456789),
        (" 2026-03-02T12:05:00Z\n", 1772453100.0),
        ("0001-01-01T00:00:00+23:59", -62135596800.0 - 86340),
    ],
)
def test_an_iso_timestamp_is_read_to_its_epoch_seconds(text: str, seconds: float) -> None:
    instant = parse_instant(text)
    assert instant is not None
    assert math.isclose(instant, seconds, abs_tol=1e-6)
    assert parse_reset(text, NOW) == instant


@pytest.mark.parametrize(
    "text",
    [
        "2026-03-02",
        "2026-13-02T12:05:00Z",
        "2026-02-30T12:05:00Z",
        "0000-01-01T00:00:00Z",
        "2026-03-02T24:00:00Z",
        "2026-03-02T12:60:00Z",
        "2026-03-02T12:05:00+24:00",
        "2026-03-02T12:05:00+04:",
        "2026-03-02T12:05:00.Z",
        "20260302T120500Z",
        "٢٠٢٦-03-02T12:05:00Z",
        "2026-03-02T12:05:00Z and more",
    ],
)
def test_what_is_no_timestamp_is_none(text: str) -> None:
    assert parse_instant(text) is None


@pytest.mark.parametrize(
    "value", [None, True, False, [], {}, -1, -0.5, math.nan, math.inf, -math.inf, 10**400, b"5"]
)
def test_what_is_no_number_is_none(value: Any) -> None:
    assert parse_number(value) is None
    assert parse_reset(value, NOW) is None


@pytest.mark.parametrize(
    ("value", "resets_at"),
    [
        (60, NOW + 60),
        ("60", NOW + 60),
        (0, NOW),
        (999_999_999, NOW + 999_999_999),
        (1_000_000_000, 1e9),
        ("1772453100", 1772453100.0),
        (1772453100.5, 1772453100.5),
        (999_999_999_999, 999_999_999_999.0),
        (1_000_000_000_000, 1e9),
        (1_772_453_100_500, 1772453100.5),
    ],
)
def test_a_reset_is_seconds_from_now_or_an_instant(value: Any, resets_at: float) -> None:
    assert parse_reset(value, NOW) == resets_at


def test_nothing_in_a_text_makes_them_raise() -> None:
    rng = random.Random(9110)
    pieces = [
        "Sun,",
        "06",
        "Nov",
        "1994",
        "08:49:37",
        "GMT",
        "-",
        "+",
        ":",
        ",",
        " ",
        "T",
        "Z",
        ".",
    ]
    pieces += ["9999", "00", "-04:00", "\x00", "٣", "é", "(", '"', "e", "2026-03-02"]
    for _ in range(3000):
        text = "".join(rng.choice(pieces) for _ in range(rng.randrange(12)))
        spaced = " ".join(rng.choice(pieces) for _ in range(rng.randrange(8)))
        for given in (text, spaced):
            wait = parse_retry_after(given, NOW)
            assert wait is None or 0 <= wait < math.inf
            reset = parse_reset(given, NOW)
            assert reset is None or math.isfinite(reset)
