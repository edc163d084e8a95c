"""The server's end of one TCP connection: what a step of a script may do with it."""

from __future__ import annotations

import contextlib
import math
import os
import select
import selectors
import socket
import ssl
import struct
import sys
import threading
import time
from typing import Callable

from tests.support.http_messages import MessageReader, Request

_TICK = 0.01

OnTrigger = Callable[[Callable[[], None]], None]


class ClientLeftError(Exception):
    """The client closed or reset the connection, or the server is being closed."""


class Connection:
    """One accepted connection, owned by the thread that serves it.

    Every method that waits ends with ClientLeftError once the client leaves or
    `interrupt` is called.

    Args:
        number: Its place among the accepted ones, from 1.
        sock: The accepted socket.
        on_trigger: Registers a function for the server's next `trigger()`.
    """

    def __init__(self, number: int, sock: socket.socket, on_trigger: OnTrigger) -> None:
        # Without it Nagle's algorithm would glue dripped bytes together.
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.number = number
        self.on_trigger = on_trigger
        self.sock = sock
        self.request: Request | None = None
        self.reader = MessageReader(self.receive)
        self.is_open = True
        self._interrupted = False
        self.companions: list[socket.socket] = []
        self._send_lock = threading.Lock()

    def start_tls(self, context: ssl.SSLContext) -> None:
        """Do the server's side of a TLS handshake.

        Raises:
            OSError: The handshake failed (ssl.SSLError) or the client left.
        """
        self.sock = context.wrap_socket(self.sock, server_side=True, do_handshake_on_connect=False)
        self.sock.do_handshake()

    def receive(self) -> bytes:
        """Return the next bytes from the client, `b""` once it has closed its side.

        Raises:
            ClientLeftError: The connection was reset.
        """
        try:
            return self.sock.recv(65536)
        except OSError as error:
            raise ClientLeftError from error

    def wait_for_data(self) -> None:
        """Wait for the first byte of a request, and leave it unread if that can be done.

        Over TLS a readable socket may hold an alert instead of data, so that a record
        must be read to know.

        Raises:
            ClientLeftError: The client closed the connection instead.
        """
        if self.reader.has_buffered:
            return
        if isinstance(self.sock, ssl.SSLSocket):
            if not self.sock.pending():
                wait_until_readable(self.sock)
            data = self.receive()
            self.reader.feed(data)
        else:
            wait_until_readable(self.sock)
            try:
                data = self.sock.recv(1, socket.MSG_PEEK)
            except OSError as error:
                raise ClientLeftError from error
        if not data:
            raise ClientLeftError

    def send(self, data: bytes) -> None:
        """Send all of `data`, whichever thread asks.

        Raises:
            ClientLeftError: It cannot be delivered any more.
        """
        try:
            with self._send_lock:
                self.sock.sendall(data)
        except OSError as error:
            raise ClientLeftError from error

    def pause(self, seconds: float = math.inf, until: Callable[[], bool] | None = None) -> None:
        """Wait without reading.

        Args:
            seconds: How long; for ever if not given.
            until: Ends the wait early once it returns true.

        Raises:
            ClientLeftError: The client left, or `interrupt` was called.
        """
        # poll() takes no infinity; an hour is for ever to a test.
        longest = 3600.0 if until is None else _TICK
        deadline = time.monotonic() + seconds
        while until is None or not until():
            left = deadline - time.monotonic()
            if left <= 0:
                return
            if self._interrupted or self._leaves_within(min(left, longest)):
                raise ClientLeftError

    def drain(self) -> None:
        """Read and discard until the client leaves; what TLS makes of it is of no interest.

        Raises:
            ClientLeftError: Always, in the end.
        """
        with contextlib.suppress(OSError):
            while socket.socket.recv(self.sock, 65536):
                pass
        raise ClientLeftError

    def half_close(self) -> None:
        """Send FIN and keep the receiving side open."""
        with contextlib.suppress(OSError):
            socket.socket.shutdown(self.sock, socket.SHUT_WR)

    def finish(self) -> None:
        """Close as a well-behaved server does: over TLS, close_notify first (RFC 8446, 6.1)."""
        if isinstance(self.sock, ssl.SSLSocket):
            self.sock.settimeout(0)
            # Sends the alert; having no time, it does not wait for the client's own.
            with contextlib.suppress(OSError, ValueError):
                self.sock.unwrap()
        self.close()

    def close(self) -> None:
        """Close at once. The kernel sends RST instead of FIN if received bytes lie unread."""
        self.is_open = False
        self.sock.close()

    def reset(self) -> None:
        """Close with RST."""
        with contextlib.suppress(OSError):
            reset_on_close(self.sock)
        self.close()

    def hang_up(self) -> None:
        """Send FIN from another thread; the connection's own thread then closes it."""
        self.is_open = False
        self.interrupt()

    def interrupt(self) -> None:
        """Wake the connection's thread out of whatever it waits for."""
        self._interrupted = True
        for sock in [self.sock, *self.companions]:
            # ssl.SSLSocket.shutdown would drop its TLS state under the thread that reads.
            with contextlib.suppress(OSError):
                socket.socket.shutdown(sock, socket.SHUT_RDWR)

    def _leaves_within(self, seconds: float) -> bool:
        """Wait without reading, and tell whether the client has left.

        Linux tells of a FIN even while bytes lie unread before it. Elsewhere it is seen once all
        before it has been read.
        """
        if sys.platform == "linux":
            poller = select.poll()
            poller.register(self.sock, getattr(select, "POLLRDHUP", 0x2000))  # PyPy has no name
            return bool(poller.poll(seconds * 1000))
        if not select.select([self.sock], [], [], min(seconds, _TICK))[0]:
            return False
        try:
            # Not ssl.SSLSocket's own, which would read, and takes no flags.
            if not socket.socket.recv(self.sock, 1, socket.MSG_PEEK):
                return True
        except OSError:
            return True
        time.sleep(min(seconds, _TICK))
        return False


def wait_until_readable(*socks: socket.socket) -> list[object]:
    """Wait until one of some sockets has something to read, or its end; return those that have.

    By poll where there is one: it needs no descriptor of its own, and takes those above 1023.
    """
    with getattr(selectors, "PollSelector", selectors.SelectSelector)() as selector:
        for sock in socks:
            selector.register(sock, selectors.EVENT_READ)
        return [key.fileobj for key, _ in selector.select()]


def reset_on_close(sock: socket.socket) -> None:
    """Make the coming `close()` of a socket send RST: linger on, for zero seconds.

    Raises:
        OSError: The socket is closed.
    """
    layout = "hh" if os.name == "nt" else "ii"
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack(layout, 1, 0))
