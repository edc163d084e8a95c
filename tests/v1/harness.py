"""Clients for the tests of the resources: real sockets, and no real waits."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from tesote_sdk import V2Client
from tesote_sdk._base_client import BaseClient
from tests.support.scripted_server import ScriptedServer
from tests.support.steps import Step, reply
from tests.support.transports import transport_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tesote_sdk.sandbox import Sandbox
    from tesote_sdk.transport import Transport

KEY = "sk_test_resources_7731"

AnyClient = TypeVar("AnyClient", bound=BaseClient)


class FakeTime:
    """A clock that nothing but sleeping moves."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: list[float] = []

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


def attached(kind: type[AnyClient], transport: Transport) -> AnyClient:
    """A client over a transport that a test made."""
    client = object.__new__(kind)
    client._attach(transport)
    return client


@contextmanager
def connected(
    kind: type[AnyClient], url: str, api_key: str = KEY, **options: Any
) -> Iterator[AnyClient]:
    """A client whose waits take no time; they are in `FakeTime.slept` if one is passed."""
    time = options.pop("time", None) or FakeTime()
    transport = transport_of(
        api_key, url, clock=time.clock, sleep=time.sleep, uniform=lambda low, high: 0.0, **options
    )
    with attached(kind, transport) as client:
        yield client


@contextmanager
def sandboxed(sandbox: Sandbox, **options: Any) -> Iterator[V2Client]:
    """A v2 client of a sandbox."""
    with connected(V2Client, sandbox.url, sandbox.api_key, **options) as client:
        yield client


@contextmanager
def answering(*answers: Any, **options: Any) -> Iterator[tuple[ScriptedServer, V2Client]]:
    """A server that gives these answers (a Step, or what a 200 holds as JSON) and its client."""
    steps = [item if isinstance(item, Step) else reply(200, item) for item in answers]
    with (
        ScriptedServer(steps) as server,
        connected(V2Client, f"{server.url}/api", **options) as client,
    ):
        yield server, client
