"""What greenlets are promised: while one of them waits in the SDK, the others run.

The programs beside this one differ in what comes first: the patch, the import of the SDK, or a
client that was used.
"""

from __future__ import annotations

import faulthandler
import time
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from tests.ecosystem.support import check, check_each

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.ecosystem.support import SandboxProcess

GREENLETS = 8
DELAY = 0.5
"""Seconds that the sandbox holds back each answer, where calls are to overlap."""


class Hub(Protocol):
    """What the programs use of gevent and of eventlet."""

    def run(self, functions: list[Callable[[], object]]) -> list[Any]:
        """Run functions in a greenlet each, and return their results."""

    def sleep(self, seconds: float) -> None:
        """Let other greenlets run."""


def check_greenlets(api: SandboxProcess, hub: Hub, client: Any = None) -> str:
    """Try all that waits in the SDK, and return what was tried.

    Args:
        api: The sandbox.
        hub: gevent or eventlet, patched.
        client: One that was made before the patch; None makes one now.

    Raises:
        Fault: A call holds up the other greenlets.
    """
    from tesote_sdk import RateLimiter, V2Client

    # A hub that stands still for ever cannot say so itself.
    faulthandler.dump_traceback_later(45, exit=True)
    client = client or V2Client()
    limited = client.with_options(rate_limiter=RateLimiter(min_remaining=20))
    held = check_each(
        {
            "eight calls at once": partial(_check_overlap, api, hub, client),
            "one request for eight that miss the cache": partial(_check_flight, api, hub, client),
            "the wait before a retry": partial(_check_retry, api, hub, client),
            "the limiter's wait": partial(_check_limiter, api, hub, limited),
        }
    )
    faulthandler.cancel_dump_traceback_later()
    return held


def _check_overlap(api: SandboxProcess, hub: Hub, client: Any) -> None:
    api.tell("delay", seconds=DELAY, times=GREENLETS)
    started = time.monotonic()
    ids = api.account_ids[:GREENLETS]
    answers = hub.run([partial(client.accounts.get, each) for each in ids])
    took = time.monotonic() - started
    check([each["id"] for each in answers] == ids, f"the answers are {answers}")
    check(took < GREENLETS * DELAY / 2, f"{GREENLETS} calls of {DELAY} s took {took:.1f} s")


def _check_flight(api: SandboxProcess, hub: Hub, client: Any) -> None:
    before = len(api.requests())
    api.tell("delay", seconds=DELAY, times=None)
    one = api.account_ids[-1]
    ticks = _ticks_during(hub, *[lambda: client.accounts.get(one, cache_ttl=60)] * GREENLETS)
    api.tell("clear_faults")
    sent = len(api.requests()) - before
    check(sent == 1, f"{sent} requests were sent")
    check(ticks >= 3, f"another greenlet ran {ticks} times meanwhile")


def _check_retry(api: SandboxProcess, hub: Hub, client: Any) -> None:
    api.tell("fail", status=429, retry_after=1, times=1)
    ticks = _ticks_during(hub, client.status)
    check(ticks >= 5, f"in a second another greenlet ran {ticks} times")


def _check_limiter(api: SandboxProcess, hub: Hub, client: Any) -> None:
    api.tell("limit_rate", limit=6, window=2)
    ticks = _ticks_during(hub, *[client.status] * 8)
    api.tell("limit_rate", limit=1_000_000, window=60)
    check(ticks >= 5, f"in two seconds another greenlet ran {ticks} times")


def _ticks_during(hub: Hub, *calls: Callable[[], object]) -> int:
    """Make calls at once, and return how often a greenlet that sleeps 50 ms ran meanwhile."""
    ticks = 0
    left = len(calls)

    def tick() -> None:
        nonlocal ticks
        while left:
            hub.sleep(0.05)
            ticks += 1

    def counted(call: Callable[[], object]) -> None:
        nonlocal left
        try:
            call()
        finally:
            left -= 1

    hub.run([tick, *[partial(counted, call) for call in calls]])
    return ticks
