"""Waiting for what a bank works on: asking how it stands, at growing intervals.

A bank sync or a payment ends after seconds or after hours, and the API calls nobody back.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Callable, Optional, TypeVar

from .errors import InvalidArgumentError, InvalidResponseError
from .transport import Transport
from .transport.timeouts import Deadline

T = TypeVar("T", bound=Mapping[str, object])

_SLOWDOWN = 1.5
_LONGEST_INTERVAL = 30.0
"""Each wait between two polls is longer than the one before, up to this many seconds."""

_LONGEST_WAIT = 1e9
"""Seconds, some 30 years; `time.sleep` refuses what is much longer."""


def wait_for_end(
    transport: Transport,
    what: str,
    look: Callable[[], T],
    ends: Collection[str],
    *,
    timeout: float,
    poll_interval: float,
    on_poll: Optional[Callable[[T], object]],
) -> T:
    """Ask for an object until its status is one of those that it ends with.

    Args:
        transport: Has the clock and the sleep.
        what: What is waited for, with its id, for the messages.
        look: Fetches the object as it is now.
        ends: The statuses that never change again. Any other, known or not, is waited out.
        timeout: Seconds to wait in all; the last poll is at their end.
        poll_interval: Seconds before the second poll; each later wait is half as long again, up to
            30 seconds.
        on_poll: Called with each state that is seen.

    Returns:
        The object as it ended, whatever the end.

    Raises:
        TimeoutError: It had not ended in time (`phase` is `"total"`).
        InvalidArgumentError: `timeout` or `poll_interval` is no number of seconds to wait.
        InvalidResponseError: The object was sent without a status.
        TesoteError: Whatever else `look` ends with.
    """
    for name, seconds in (("timeout", timeout), ("poll_interval", poll_interval)):
        number = isinstance(seconds, (int, float)) and not isinstance(seconds, bool)
        if not (number and 0 < seconds <= _LONGEST_WAIT):
            raise InvalidArgumentError(f"{name} must be a number of seconds above 0, up to 1e9")
    deadline = Deadline(transport.clock, timeout, "total")
    while True:
        state = look()
        if on_poll is not None:
            on_poll(state)
        status = state.get("status")
        if not isinstance(status, str):
            raise InvalidResponseError(f"the server sent {what} without a status")
        if status in ends:
            return state
        remaining = deadline.remaining()
        if remaining <= 0:
            raise deadline.timed_out(f"waiting for {what}, which is {status}")
        transport.sleep(min(poll_interval, remaining))
        poll_interval = max(poll_interval, min(poll_interval * _SLOWDOWN, _LONGEST_INTERVAL))
