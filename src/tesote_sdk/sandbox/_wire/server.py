"""The server: a listening socket, a thread for each connection, and an end to all of them."""

from __future__ import annotations

import contextlib
import os
import selectors
import socket
import threading
import time
from typing import TYPE_CHECKING, Protocol

from .http import HangUp, MalformedRequest, RequestReader
from .locks import HomeLock

if TYPE_CHECKING:
    from .messages import Answer, RecordedRequest

_LINGER_SECONDS = 5.0

_WAKES_WITHIN_SECONDS = 1.0
"""How long a thread gets to end once its connection is shut down. That wakes a read everywhere but,
maybe, on Windows, where closing the socket under it does."""


class Responder(Protocol):
    """What turns requests into bytes."""

    def respond(self, request: RecordedRequest) -> Answer:
        """Answers a request."""

    def reject(self, status: int, message: str) -> Answer:
        """Answers bytes that are no request."""


class Server:
    """Accepts connections until it is closed.

    Raises:
        OSError: The address cannot be bound.
    """

    def __init__(self, host: str, port: int, responder: Responder) -> None:
        self._responder = responder
        self._stopping = threading.Event()
        self._host = host
        self._home = HomeLock()
        self._open: dict[int, tuple[socket.socket, threading.Thread]] = {}
        self._accepted = 0
        self._pid = os.getpid()
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._listener = socket.create_server((host, port), family=family, backlog=128)
        self._listener.setblocking(False)
        self.port: int = self._listener.getsockname()[1]
        # select() is woken through a socket pair: closing a socket under it does nothing on Linux.
        self._wake, self._waker = socket.socketpair()
        self._acceptor = threading.Thread(
            target=self._accept, name=f"tesote-sandbox-{self.port}", daemon=True
        )
        self._acceptor.start()

    @property
    def accepted(self) -> int:
        """How many TCP connections were accepted so far."""
        with self._home.lock:
            return self._accepted

    def close(self) -> None:
        """Ends every connection and every thread; a second call does nothing."""
        own_sockets = (self._listener, self._wake, self._waker)
        if os.getpid() != self._pid:
            # A forked child has copies of the sockets, and no threads: the parent serves on.
            for sock in (*own_sockets, *(sock for sock, _ in self._open.values())):
                sock.close()
            return
        with self._home.lock:
            if self._stopping.is_set():
                return
            self._stopping.set()
        self._waker.send(b"x")
        self._acceptor.join()
        # A forked child's copy would keep the port open, with nobody behind it.
        _shut_down(self._listener)
        for sock in own_sockets:
            sock.close()
        with self._home.lock:
            still_open = list(self._open.values())
        for sock, _ in still_open:
            _shut_down(sock)
        for sock, thread in still_open:
            thread.join(_WAKES_WITHIN_SECONDS)
            if thread.is_alive():
                sock.close()
                thread.join()

    def _accept(self) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(self._listener, selectors.EVENT_READ)
            selector.register(self._wake, selectors.EVENT_READ)
            while True:
                selector.select()
                if self._stopping.is_set():
                    return
                try:
                    sock, _ = self._listener.accept()
                except OSError:  # gone again before it was accepted, or no descriptor is free
                    self._stopping.wait(0.01)
                    continue
                self._start(sock)

    def _start(self, sock: socket.socket) -> None:
        sock.setblocking(True)
        with self._home.lock:
            self._accepted += 1
            number = self._accepted
            thread = threading.Thread(
                target=self._serve,
                args=(sock, number),
                name=f"tesote-sandbox-{self.port}-{number}",
                daemon=True,
            )
            self._open[number] = (sock, thread)
        thread.start()

    def _serve(self, sock: socket.socket, number: int) -> None:
        try:
            # A client that hangs up is its own business: the thread ends, nothing is printed.
            with contextlib.suppress(HangUp, OSError):
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self._serve_requests(sock, RequestReader(sock, number, self._host))
        finally:
            # A forked child may hold a copy of the socket; only shutdown() ends the connection.
            _shut_down(sock)
            sock.close()
            with self._home.lock:
                del self._open[number]

    def _serve_requests(self, sock: socket.socket, reader: RequestReader) -> None:
        while True:
            try:
                request = reader.read()
            except MalformedRequest as error:
                sock.sendall(self._responder.reject(error.status, error.message).data)
                _linger(sock)
                return
            answer = self._responder.respond(request)
            if answer.delay:
                self._stopping.wait(answer.delay)
            if self._stopping.is_set():
                return
            sock.sendall(answer.data)
            if answer.close:
                return


def _shut_down(sock: socket.socket) -> None:
    with contextlib.suppress(OSError):  # the other side was faster
        sock.shutdown(socket.SHUT_RDWR)


def _linger(sock: socket.socket) -> None:
    # Closing with unread bytes resets the connection, and the reset may overtake the answer.
    sock.shutdown(socket.SHUT_WR)
    deadline = time.monotonic() + _LINGER_SECONDS
    while (left := deadline - time.monotonic()) > 0:
        sock.settimeout(left)
        if not sock.recv(1 << 16):
            return
