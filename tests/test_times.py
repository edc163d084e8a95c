"""Timestamps: aware on every Python, and refused where a datetime cannot hold them."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from tesote_sdk import InvalidArgumentError, V2Client
from tesote_sdk.sandbox import Sandbox
from tesote_sdk.times import parse

UTC = timezone.utc


def at(hours: float) -> timezone:
    return timezone(timedelta(hours=hours))


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-03-02T16:00:00Z", datetime(2026, 3, 2, 16, tzinfo=UTC)),
        ("2026-03-02t16:00:00z", datetime(2026, 3, 2, 16, tzinfo=UTC)),
        ("2026-03-02 16:00:00Z", datetime(2026, 3, 2, 16, tzinfo=UTC)),
        ("2026-03-02T07:41:10-04:00", datetime(2026, 3, 2, 7, 41, 10, tzinfo=at(-4))),
        ("2026-03-02T07:41:10+05:30", datetime(2026, 3, 2, 7, 41, 10, tzinfo=at(5.5))),
        ("2026-03-02T07:41:10-00:00", datetime(2026, 3, 2, 7, 41, 10, tzinfo=UTC)),
        ("2026-03-02T07:41:10.120-04:00", datetime(2026, 3, 2, 7, 41, 10, 120_000, at(-4))),
        ("2026-03-02T07:41:10.5Z", datetime(2026, 3, 2, 7, 41, 10, 500_000, UTC)),
        ("2026-03-02T07:41:10.000001Z", datetime(2026, 3, 2, 7, 41, 10, 1, UTC)),
        ("2026-03-02T07:41:10.123456000Z", datetime(2026, 3, 2, 7, 41, 10, 123_456, UTC)),
        ("2024-02-29T23:59:59Z", datetime(2024, 2, 29, 23, 59, 59, tzinfo=UTC)),
    ],
)
def test_a_timestamp_is_an_aware_moment(text: str, moment: datetime) -> None:
    parsed = parse(text)
    assert parsed == moment
    assert parsed.utcoffset() == moment.utcoffset()
    assert datetime.fromisoformat(parsed.isoformat()) == moment


def test_zulu_time_is_utc() -> None:
    assert parse("2026-03-02T16:00:00Z").tzinfo is UTC


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("2026-03-02T16:00:00", "with an offset or Z"),
        ("2026-03-02", "with an offset or Z"),
        ("2026-03-02T16:00Z", "like 2026-03-02T16:00:00Z"),
        ("2026-3-2T16:00:00Z", "like"),
        ("20260302T160000Z", "like"),
        ("2026-03-02T16:00:00,5Z", "like"),
        ("2026-03-02T16:00:00.Z", "like"),
        ("2026-03-02T16:00:00-0400", "like"),
        ("2026-03-02T16:00:00-24:00", "like"),
        ("2026-03-02T16:00:00+04:60", "like"),
        ("2026-03-02T16:00:00Z\n", "like"),
        (" 2026-03-02T16:00:00Z", "like"),
        ("٢٠٢٦-03-02T16:00:00Z", "like"),
        ("", "like"),
        ("2026-03-02T16:00:00.1234567Z", "whole microseconds"),
        ("2026-02-30T16:00:00Z", "day"),
        ("2026-13-01T16:00:00Z", "month"),
        ("2026-03-02T24:00:00Z", "hour"),
        ("2016-12-31T23:59:60Z", "second"),
        ("0000-01-01T00:00:00Z", "year"),
    ],
)
def test_what_is_no_exact_moment_is_refused(text: str, why: str) -> None:
    with pytest.raises(
        InvalidArgumentError, match=f"cannot be read exactly as a timestamp: .*{why}"
    ):
        parse(text)


@pytest.mark.parametrize("value", [None, 1_772_467_200, b"2026-03-02T16:00:00Z", datetime.now(UTC)])
def test_what_is_no_text_is_refused(value: Any) -> None:
    with pytest.raises(InvalidArgumentError, match=f"must be a str, not {type(value).__name__}"):
        parse(value)


def test_a_long_text_is_not_repeated() -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        parse("x" * 100_000)
    assert len(str(caught.value)) < 200


def test_what_the_sandbox_sends_is_parsed() -> None:
    sandbox = Sandbox(accounts=1)
    with sandbox, V2Client(sandbox.api_key, base_url=sandbox.url) as client:
        account = client.accounts.list().data[0]
    as_of = account["data"]["balance_data_current_as_of"]
    assert as_of is not None
    assert abs(datetime.now(UTC) - parse(as_of)) < timedelta(days=30)
    assert parse(account["tesote_created_at"]).tzinfo is not None
