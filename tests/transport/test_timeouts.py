"""The timeouts of a call, and the deadline that enforces them."""

from __future__ import annotations

import math
from typing import Any

import pytest

from tesote_sdk import ConfigError, TimeoutError
from tesote_sdk.transport import Options
from tesote_sdk.transport.timeouts import Deadline


def seconds(options: Options) -> tuple[float, float, float]:
    return options.connect_timeout, options.read_timeout, options.total_timeout


def timeouts(connect: Any, read: Any, total: Any) -> Options:
    return Options(connect_timeout=connect, read_timeout=read, total_timeout=total)


def test_none_is_the_default() -> None:
    assert seconds(timeouts(None, None, None)) == (5.0, 30.0, 300.0)


@pytest.mark.parametrize("value", [0.001, 1, 30.0, 1e6])
def test_lengths_of_time(value: float) -> None:
    assert seconds(timeouts(value, value, value)) == (value,) * 3


@pytest.mark.parametrize("value", [1e7, 1e300, 10**400])
def test_what_no_socket_takes_is_cut_to_days(value: float) -> None:
    assert seconds(timeouts(value, value, value)) == (1e6,) * 3


@pytest.mark.parametrize("value", [0, -1, -0.0, math.nan, math.inf, -math.inf, True, "5", b"5", []])
@pytest.mark.parametrize("name", ["connect", "read", "total"])
def test_what_is_no_length_of_time(name: str, value: Any) -> None:
    values: dict[str, Any] = {"connect": 1, "read": 1, "total": 1, name: value}
    with pytest.raises(ConfigError, match=f"{name}_timeout"):
        timeouts(**values)


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_deadline_of_a_part_ends_no_later_than_the_whole() -> None:
    clock = Clock()
    whole = Deadline(clock, 10, "total")
    part = whole.within(4, "connect")
    assert (part.remaining(), part.phase) == (4, "connect")
    assert whole.within(10, "read") is whole
    clock.now += 7
    assert whole.within(4, "connect") is whole
    assert part.remaining() == -3


def test_the_phase_is_that_of_the_deadline_whatever_the_clock_says_afterwards() -> None:
    clock = Clock()
    whole = Deadline(clock, 10, "total")
    part = whole.within(4, "read")
    clock.now += 10
    error = part.timed_out("waiting")
    assert isinstance(error, TimeoutError)
    assert error.phase == "read"
    assert "read timeout" in str(error)
    assert whole.timed_out("waiting").phase == "total"
