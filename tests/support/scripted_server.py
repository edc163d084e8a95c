"""A raw TCP server on loopback that reads real HTTP/1.1 requests and misbehaves on cue."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Callable, TypeVar, Union

from tests.support.connections import ClientLeftError, Connection, wait_until_readable
from tests.support.http_messages import Request, TruncatedError
from tests.support.steps import Moment, Step, reply

if TYPE_CHECKING:
    import ssl

_Server = TypeVar("_Server", bound="ScriptedServer")
Script = Union[Iterable[Step], Callable[[Request], Step]]


class ScriptedServer:
    """Answers each request with the next step of a script, across all connections.

    A step is taken when the first byte of a request arrives; `on_accept` and
    `on_client_hello` steps are taken when a connection is accepted while they are next.
    A request for which no step is left is answered with 500 and is a failure, as is
    whatever goes wrong inside the server: leaving the `with` block raises AssertionError.
    Steps left over are no failure. Scripts without an end: `itertools.repeat(step)` (an iterator
    is read one step ahead), or a callable.

    Everything recorded may be read at any time; use the `wait_for_...` methods for what
    the server learns after the client has moved on.

    Args:
        script: The steps, or a function from the (whole) request to a step.
        tls: Makes it an https server; handshakes happen in the connection's own thread.
        host: The loopback address to listen on.

    Attributes:
        requests: Every request that was read, in the order in which reading ended.
        cut_requests: Raw bytes of the requests whose client left in the middle.
        connections: How many connections were accepted.
        open_connections: How many of them are open on the server's side.
        disconnects: How many were ended by the client.
        tls_errors: What handshakes ended with, if not well.
        failures: What makes leaving the `with` block raise.
        url: `http://127.0.0.1:<port>`, or `https://localhost:<port>`.
        address: Host and port.
    """

    def __init__(
        self,
        script: Script,
        *,
        tls: ssl.SSLContext | None = None,
        host: str = "127.0.0.1",
    ) -> None:
        self.requests: list[Request] = []
        self.cut_requests: list[bytes] = []
        self.connections = 0
        self.disconnects = 0
        self.tls_errors: list[OSError] = []
        self.failures: list[BaseException] = []
        self._choose = script if callable(script) else None
        self._steps = iter(() if callable(script) else script)
        self._next_step = next(self._steps, None)
        self._tls = tls
        self._changed = threading.Condition()
        self._threads: dict[threading.Thread, Connection] = {}
        self._trigger_actions: list[Callable[[], None]] = []
        self._closing = False
        self._listener = socket.create_server((host, 0), backlog=128)
        self.address = (host, int(self._listener.getsockname()[1]))
        shown_host = "localhost" if tls and host == "127.0.0.1" else host
        self.url = f"{'https' if tls else 'http'}://{shown_host}:{self.address[1]}"
        self._waker, self._wakes = socket.socketpair()
        self._acceptor = threading.Thread(target=self._accept, daemon=True)
        self._acceptor.start()

    def __enter__(self: _Server) -> _Server:
        return self

    def __exit__(self, error_type: object, *_: object) -> None:
        self.close()
        # A test that failed for its own reason tells more than what followed from it here.
        if error_type is None and self.failures:
            raise AssertionError(f"{self.url}: {self.failures}") from self.failures[0]

    def close(self) -> None:
        """End every wait, thread and socket of the server, within a second; idempotent.

        Raises:
            RuntimeError: A thread did not end.
        """
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        deadline = time.monotonic() + 1
        with contextlib.suppress(OSError):
            self._wakes.send(b"x")
        self._acceptor.join(1)
        for sock in (self._listener, self._waker, self._wakes):
            sock.close()
        while threads := self._snapshot():
            if time.monotonic() > deadline:
                raise RuntimeError(f"threads that did not end: {list(threads)}")
            for thread, connection in threads.items():
                # Again and again: it may have opened another socket meanwhile.
                connection.interrupt()
                thread.join(0.01)

    @property
    def open_connections(self) -> int:
        return len(self._snapshot())

    # ---- waiting for what happens on the server's side ----

    def wait_until(self, condition: Callable[[], Any], timeout: float = 5.0) -> None:
        """Wait until a condition on what the server recorded is true.

        Args:
            condition: Called whenever a record changes.
            timeout: Seconds.

        Raises:
            AssertionError: It did not come true in time.
        """
        with self._changed:
            if not self._changed.wait_for(condition, timeout):
                raise AssertionError(
                    f"{self.url}: not within {timeout} s; requests={len(self.requests)} "
                    f"connections={self.connections} disconnects={self.disconnects} "
                    f"tls_errors={self.tls_errors} failures={self.failures}"
                )

    def wait_for_requests(self, count: int, timeout: float = 5.0) -> list[Request]:
        """Wait until that many requests were read, and return them all."""
        self.wait_until(lambda: len(self.requests) >= count, timeout)
        return list(self.requests)

    def wait_for_disconnects(self, count: int = 1, timeout: float = 5.0) -> None:
        """Wait until the clients have ended that many connections."""
        self.wait_until(lambda: self.disconnects >= count, timeout)

    def trigger(self) -> None:
        """Do now what the triggered `then_stray` steps hold back; done when it returns.

        Raises:
            AssertionError: No such step has been played.
        """
        with self._changed:
            actions, self._trigger_actions = self._trigger_actions, []
        if not actions:
            raise AssertionError("no step waits for the trigger")
        for action in actions:
            action()

    # ---- threads ----

    def _accept(self) -> None:
        while self._waker not in wait_until_readable(self._listener, self._waker):
            sock, _ = self._listener.accept()
            with self._changed:
                self.connections += 1
                connection = Connection(self.connections, sock, self._trigger_actions.append)
                thread = threading.Thread(target=self._run, args=(connection,), daemon=True)
                self._threads[thread] = connection
                self._changed.notify_all()
            thread.start()

    def _run(self, connection: Connection) -> None:
        client_left = False
        try:
            self._serve(connection)
        except (ClientLeftError, TruncatedError):
            client_left = connection.is_open and not self._closing
        except Exception as error:  # noqa: BLE001 - a thread has no caller: told at exit
            self._fail(error)
        finally:
            connection.close()
            with self._changed:
                self.disconnects += client_left
                del self._threads[threading.current_thread()]
                self._changed.notify_all()

    def _serve(self, connection: Connection) -> None:
        opening = self._take({"accept", "client_hello"})
        if opening:
            if opening.moment == "client_hello":
                connection.receive()
            opening.play(connection)
        if self._tls and connection.is_open:
            self._start_tls(connection, self._tls)
        while connection.is_open:
            connection.wait_for_data()
            self._answer(connection)

    def _start_tls(self, connection: Connection, context: ssl.SSLContext) -> None:
        try:
            connection.start_tls(context)
        except OSError as error:
            with self._changed:
                if not self._closing:
                    self.tls_errors.append(error)
                self._changed.notify_all()
            # Closing at once could destroy, by RST, the alert that tells the client why.
            connection.half_close()
            connection.drain()

    def _answer(self, connection: Connection) -> None:
        arrived = time.monotonic()
        step = self._take({"first_byte", "head", "request"})
        if step is None or step.moment != "first_byte":
            whole = step is None or step.moment == "request"
            connection.request = self._read(connection, arrived, whole)
            step = step or self._improvise(connection.request)
        step.play(connection)
        if step.moment != "request":
            connection.close()

    def _read(self, connection: Connection, arrived: float, whole: bool) -> Request:
        reader = connection.reader
        try:
            head = reader.read_head()
            body = reader.read_body(head.headers) if whole else b""
        except (ClientLeftError, TruncatedError):
            with self._changed:
                self.cut_requests.append(reader.take_rest())
            raise
        method, target, version = head.start_line.split(" ")
        request = Request(
            reader.take_raw(),
            method,
            target,
            version,
            head.header_list,
            head.headers,
            body,
            connection.number,
            arrived,
        )
        with self._changed:
            self.requests.append(request)
            self._changed.notify_all()
        return request

    # ---- the script ----

    def _take(self, moments: set[Moment]) -> Step | None:
        """Take the next step if it belongs to one of these moments."""
        with self._changed:
            step = self._next_step
            if step is None or step.moment not in moments:
                return None
            self._next_step = next(self._steps, None)
            return step

    def _improvise(self, request: Request) -> Step:
        """Choose the step for a request for which the list had none."""
        if self._choose is None:
            self._fail(
                AssertionError(
                    f"the script has no step for request {len(self.requests)}, {request.method} "
                    f"{request.target} on connection {request.connection}; next: {self._next_step}"
                )
            )
            return reply(500, close=True, reason="Script exhausted")
        step = self._choose(request)
        if step.moment != "request":
            raise ValueError(f"{step!r} is too late: a callable sees the whole request")
        return step

    def _fail(self, error: BaseException) -> None:
        with self._changed:
            self.failures.append(error)
            self._changed.notify_all()

    def _snapshot(self) -> dict[threading.Thread, Connection]:
        with self._changed:
            return dict(self._threads)
