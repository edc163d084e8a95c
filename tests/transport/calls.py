"""Transports under test: a clock whose waits are recorded and not slept, and a key to look for."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING, Any

from tesote_sdk.errors import TesoteError
from tests.support.scripted_server import ScriptedServer
from tests.support.transports import transport_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Callable

    from tesote_sdk.transport import Transport
    from tests.support.scripted_server import Script

MARK = "5e3cre7"
KEY = f"sk_live_{MARK}/+=_0042"
"""A key whose characters URLs and JSON may write in more than one way; only 0042 may be shown."""

SHOWN_KEY = "Bearer 0042"


class FakeTime:
    """Real time that jumps ahead instead of sleeping.

    Attributes:
        waits: The seconds of every sleep, in order.
        draws: The bounds of every number drawn.
    """

    def __init__(self) -> None:
        self.waits: list[float] = []
        self.draws: list[tuple[float, float]] = []
        self._ahead = 0.0

    def clock(self) -> float:
        return time.monotonic() + self._ahead

    def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self._ahead += seconds

    def uniform(self, low: float, high: float) -> float:
        self.draws.append((low, high))
        return high


@contextlib.contextmanager
def transport_to(url: str, clock: FakeTime | None = None, **options: Any) -> Iterator[Transport]:
    """A transport to `<url>/api` with the key above, closed afterwards."""
    fake = clock or FakeTime()
    clocks = {"clock": fake.clock, "sleep": fake.sleep, "uniform": fake.uniform}
    transport = transport_of(KEY, f"{url}/api", **{**clocks, "read_timeout": 5.0, **options})
    try:
        yield transport
    finally:
        transport.close()


@contextlib.contextmanager
def scripted(
    script: Script, clock: FakeTime | None = None, **options: Any
) -> Iterator[tuple[Transport, ScriptedServer]]:
    """A transport to a server that plays a script."""
    with ScriptedServer(script) as server, transport_to(server.url, clock, **options) as transport:
        yield transport, server


def failure_of(call: Callable[[], object]) -> TesoteError:
    """Return the typed error that a call ends with; anything else fails the test."""
    try:
        returned = call()
    except TesoteError as error:
        return error
    raise AssertionError(f"no error, but {returned!r}")
