"""What each step of a warm call takes, the kernel and the server left out.

A connection whose socket answers at once stands for both. A step that is repeated alone finds all
that it touches in the processor's caches, so the steps come to less than the whole.
"""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, cast

from tesote_sdk.transport.http1 import rendered
from tesote_sdk.transport.timeouts import Deadline

from .peers import client
from .rounds import in_turns, repeated, spread
from .site import HEADERS
from .targets import target

if TYPE_CHECKING:
    from typing import Optional

    from tesote_sdk import V2Client
    from tesote_sdk.transport.connections import ConnectionPool
    from tesote_sdk.transport.http1 import Http1Connection
    from tesote_sdk.transport.sending import Sender

    from .rounds import Cost
    from .runs import Run
    from .targets import Call

_WHOLE, _LISTED = "all of status()", "all of accounts.list(), no account"
_STATUS = b'{"status":"ok","authenticated":true}'
_PAGE = b'{"accounts":[],"total":0,"pagination":{"current_page":1,"per_page":50,"total_pages":1}}'


class _Answering:
    """In the place of a connection's socket: has the answer whenever it is asked."""

    def __init__(self, patience: Deadline) -> None:
        self.patience = patience
        self.content = b""

    def answer(self, body: bytes) -> None:
        fields = {
            **HEADERS,
            "Content-Type": "application/json; charset=utf-8",
            "Date": "Wed, 25 Nov 2026 12:00:00 GMT",
            "Server": "nginx",
            "Connection": "keep-alive",
            "Content-Length": str(len(body)),
        }
        lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        self.content = f"HTTP/1.1 200 OK\r\n{lines}\r\n".encode() + body

    def within(self, deadline: Deadline, read_timeout: float) -> None:
        self.patience = deadline

    def send_all(self, unsent: memoryview) -> None:
        pass

    def receive(self) -> bytes:
        return self.content

    def receive_now(self) -> Optional[bytes]:
        return None


def measure(run: Run) -> None:
    """Show the microseconds of CPU that the whole takes, and its steps."""
    with ExitStack() as stack:
        made = client(target(run.server, "status"), stack)
        made.status()
        sender = cast("Sender", made.transport._sender)
        connection = sender.pool._idle[-1]
        socket = _Answering(Deadline(made.transport.clock, 60, "total"))
        connection._socket = connection._incoming._socket = cast("Any", socket)
        steps = _steps(made, sender, connection, socket)
        calls = run.calls * 25
        costs = in_turns({name: repeated(step, calls) for name, step in steps.items()}, run.rounds)
    for name, taken in costs.items():
        run.figures.add(name, "", "microseconds", _microseconds(taken))


def _steps(
    made: V2Client, sender: Sender, connection: Http1Connection, socket: _Answering
) -> dict[str, Call]:
    """Return the whole, and its steps in their order."""

    def prepared() -> Any:
        return sender.preparer.prepare(
            "GET", "/v2/status", None, None, None, None, None, None, "status"
        )

    request, deadline = prepared(), socket.patience
    message = rendered(request)

    def status() -> None:
        socket.answer(_STATUS)
        made.status()

    def listed() -> None:
        socket.answer(_PAGE)
        made.accounts.list()

    status()
    status_content = socket.content
    listed()
    page_content = socket.content

    def answered(content: bytes, call: Call) -> Call:
        def again() -> object:
            socket.content = content
            return call()

        return again

    def head() -> object:
        socket.content = status_content
        incoming = connection._incoming
        found = incoming.read_head()
        incoming._held, incoming._at = b"", 0
        return found

    return {
        _WHOLE: answered(status_content, made.status),
        _LISTED: answered(page_content, made.accounts.list),
        "preparing the request": prepared,
        "writing it as bytes": lambda: rendered(request),
        "an idle connection taken and put back": lambda: _taken_and_put_back(sender.pool),
        "the head: lines, status, 18 fields": head,
        "the exchange, with the head": answered(
            status_content, lambda: connection.exchange(message, "GET", deadline, 10.0)
        ),
        "decoding the JSON": lambda: sender.decode(_STATUS.decode()),
    }


def _taken_and_put_back(pool: ConnectionPool) -> None:
    connection = cast("Http1Connection", pool._take_idle())
    connection.reusable = True
    pool._put_back(connection)


def _microseconds(taken: list[Cost]) -> Any:
    return spread([cost.cpu * 1e6 for cost in taken])
