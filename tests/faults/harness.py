"""How a fault is tried: a client, three kinds of request, and what came out of it."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING, Any, Callable, NamedTuple

import pytest

from tesote_sdk import RetryPolicy, TesoteError, V2Client
from tests.support.certificates import client_context, server_context
from tests.support.scripted_server import ScriptedServer
from tests.support.steps import Payload, reply
from tests.support.systems import EARLY
from tests.support.transports import transport_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tesote_sdk.transport import Transport
    from tests.support.scripted_server import Script

KEY = "sk_live_0123456789abcdef"
READ_TIMEOUT = 0.02
"""Seconds; for tests in which a server stays silent. All others get enough for a busy machine."""

PROMPT = 5.0
"""Seconds within which a call ends that has nothing to wait for: half of what a hang would take."""

BODY = {"account": {"id": "acc_1", "note": "x" * 60}}


def answer(**options: Any) -> Payload:
    """Return a good answer, in whatever form."""
    return reply(200, BODY, **options)


class Kind(NamedTuple):
    """A kind of request, as far as faults are concerned."""

    method: str
    idempotency_key: str | None

    @property
    def writes(self) -> bool:
        return self.method == "POST"


READ = Kind("GET", None)
WRITE = Kind("POST", None)
KEYED = Kind("POST", "invoice-7")
KINDS = [
    pytest.param(READ, id="get"),
    pytest.param(WRITE, id="post"),
    pytest.param(KEYED, id="keyed-post"),
]


class Wire(NamedTuple):
    """Plain TCP or TLS."""

    scheme: str

    @property
    def encrypted(self) -> bool:
        return self.scheme == "https"

    def serve(self, script: Script, **options: Any) -> ScriptedServer:
        """Return a server, to be used in a `with` statement."""
        return ScriptedServer(script, tls=server_context() if self.encrypted else None, **options)


PATIENT: dict[str, Any] = {"connect_timeout": 10, "read_timeout": 20, "total_timeout": 30}
"""Timeouts that only a hang can meet."""


def client_of(server: ScriptedServer | str, **options: Any) -> V2Client:
    """Return a client that waits for nothing between attempts."""
    chosen: dict[str, Any] = {
        **PATIENT,
        "base_url": server if isinstance(server, str) else server.url,
        "retry_policy": RetryPolicy(base_delay=0),
    }
    if "ssl_context" not in options:
        chosen["ssl_context"] = client_context()
    return V2Client(options.pop("api_key", KEY), **{**chosen, **options})


class ArrivalClock:
    """A clock that stands still until a server has read a request.

    A timeout is then one of what comes after: a busy machine may take any time to connect and
    to send.
    """

    def __init__(self, server: ScriptedServer) -> None:
        self._server = server
        self._stood = time.monotonic()
        self._began: float | None = None

    def __call__(self) -> float:
        now = time.monotonic()
        if self._began is None:
            if not self._server.requests:
                return self._stood
            self._began = now
        return self._stood + now - self._began


@contextlib.contextmanager
def timed_from_arrival(
    server: ScriptedServer, url: str | None = None, **options: Any
) -> Iterator[Transport]:
    """A transport whose timeouts run from the moment that the server has read its request.

    Over TLS they are four times as long: the system's clock, by which a handshake's waits end, does
    not stand still.
    """
    chosen = {**PATIENT, "ssl_context": client_context(), **options}
    called = url or server.url
    if called.startswith("https"):
        for name in ("read_timeout", "total_timeout"):
            chosen[name] *= 4
    transport = transport_of(KEY, called, clock=ArrivalClock(server), **chosen)
    with contextlib.closing(transport):
        yield transport


def ask(client: V2Client | Transport, kind: Kind = READ) -> Any:
    """Make a request of a kind, and return its decoded answer."""
    body = {"amount": "12.50", "account_number": "0105123456"} if kind.writes else None
    return client.request(
        kind.method, "/v2/things", body=body, idempotency_key=kind.idempotency_key
    ).json


class Failure(NamedTuple):
    """What a call ended with, and how many seconds it took, at most."""

    error: Any
    elapsed: float


def failure_of(call: Callable[[], Any]) -> Failure:
    """Return the error of a call; anything but a TesoteError, or a result, fails the test."""
    started = time.monotonic()
    try:
        result = call()
    except TesoteError as error:
        return Failure(error, time.monotonic() - started + EARLY)
    raise AssertionError(f"no error, but {result!r}")


def assert_same_bytes(server: ScriptedServer, count: int) -> None:
    """Check that as many requests arrived, byte for byte the same."""
    requests = server.wait_for_requests(count)
    assert len(requests) == count
    assert len({request.raw for request in requests}) == 1


def pool_of(transport: Any) -> Any:
    """Return the connections of a transport that has made a call."""
    return transport._sender.pool


def open_connections(transport: Any) -> list[Any]:
    """Return those of a transport's connections whose sockets are open."""
    return [each for each in pool_of(transport)._open.values() if each._close_socket.alive]
