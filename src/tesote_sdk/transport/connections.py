"""The kept-alive connections of a client: which one serves a request, and what becomes of it."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from ..errors import ConfigError, NetworkError, TransportError
from .forks import loading, renew_after_fork

if TYPE_CHECKING:
    import ssl
    from typing import Callable

    from .http1 import Http1Connection, Reply
    from .messages import Request
    from .origin import Origin
    from .proxies import Proxy
    from .timeouts import Deadline, Timeouts

MAX_IDLE = 32
"""Connections kept for later; beyond them, the one used least lately is closed."""

MAX_IDLE_SECONDS = 30.0
"""Idle time after which a connection is not used again: servers and balancers drop them at about
60 s, and a request that meets such an end has to be sent twice."""


class ConnectionPool:
    """Sends requests to one origin over connections that stay open between calls.

    Any number of threads may share it: each request has a connection of its own while it lasts.
    What to open or close is decided under the lock, and done outside it.
    """

    def __init__(
        self,
        origin: Origin,
        *,
        ssl_context: ssl.SSLContext | None,
        allow_http: bool,
        clock: Callable[[], float],
    ) -> None:
        self.closed = False
        self._origin = origin
        self._ssl_context = ssl_context
        self._allow_http = allow_http
        self._clock = clock
        self._proxy: Any = _UNREAD
        self._lock = threading.Lock()
        self._idle: list[Http1Connection] = []
        self._open: set[Http1Connection] = set()
        renew_after_fork(self)

    def send(self, request: Request, deadline: Deadline, timeouts: Timeouts) -> Reply:
        """Send a request over an idle connection, or else a new one, and return the whole reply.

        A reused connection may have been closed by the server just as the request was written, or
        given up with a 408 (RFC 9110, section 15.5.9). Such a request goes out once more, at once
        and on a new connection (section 9.2.2), provided that the server can tell a repeat.

        Raises:
            TransportError: There is no usable reply.
            ConfigError: The pool is closed, or the environment names an unusable proxy.
        """
        connection = self._take_idle()
        if connection is None:
            return self._exchange(self._dial(deadline, timeouts), request, deadline, timeouts)
        lost = False
        try:
            reply = self._exchange(connection, request, deadline, timeouts)
            if reply.status != 408 or not request.replayable:
                return reply
        except NetworkError:
            if connection.answered or not request.replayable:
                raise
            lost = True
        try:
            reply = self._exchange(self._dial(deadline, timeouts), request, deadline, timeouts)
        except TransportError as error:
            error.outcome_unknown = error.outcome_unknown or lost
            raise
        reply.resent = lost
        return reply

    def close(self) -> None:
        """Close the idle connections at once, and those in use when their response is read."""
        with self._lock:
            self.closed = True
            idle, self._idle = self._idle, []
            self._open.difference_update(idle)
        for connection in idle:
            connection.close()

    def after_fork_in_child(self) -> None:
        """Begin anew: the sockets are the parent's, and only the copies of them are closed."""
        self._lock = threading.Lock()
        inherited, self._open, self._idle = self._open, set(), []
        for connection in inherited:
            connection.close()

    def _exchange(
        self, connection: Http1Connection, request: Request, deadline: Deadline, timeouts: Timeouts
    ) -> Reply:
        proxy = self._proxy if self._origin.scheme == "http" else None
        try:
            reply = connection.exchange(
                memoryview(_rendered(request, self._origin, proxy)),
                request.method,
                deadline,
                timeouts.read,
            )
        finally:
            self._put_back(connection)
        if reply.status == 407 and proxy:
            from .proxies import refused_by_proxy

            raise refused_by_proxy(proxy, reply.status)
        return reply

    def _take_idle(self) -> Http1Connection | None:
        """Take the connection used last; those that are old, closed or have been written to go."""
        while True:
            with self._lock:
                if self.closed:
                    raise ConfigError("the client is closed: make a new one")
                if not self._idle:
                    return None
                connection = self._idle.pop()
            usable = False
            try:
                fresh = self._clock() - connection.idle_since <= MAX_IDLE_SECONDS
                usable = fresh and connection.is_quiet()
            finally:  # wherever Ctrl-C strikes
                if not usable:
                    self._discard(connection)
            if usable:
                return connection

    def _put_back(self, connection: Http1Connection) -> None:
        """Keep a connection whose response was read to its end; close any other.

        One more goes where too many are idle, or the one used least lately is too old to serve.
        """
        unwanted: Http1Connection | None = connection
        try:
            connection.idle_since = now = self._clock()
            with self._lock:
                if connection.reusable and not self.closed and connection in self._open:
                    self._idle.append(connection)
                    oldest = self._idle[0]
                    fits = len(self._idle) <= MAX_IDLE
                    fresh = now - oldest.idle_since <= MAX_IDLE_SECONDS
                    unwanted = None if fits and fresh else self._idle.pop(0)
        finally:  # wherever Ctrl-C strikes
            if unwanted is not None:
                self._discard(unwanted)

    def _discard(self, connection: Http1Connection) -> None:
        with self._lock:
            self._open.discard(connection)
        connection.close()

    def _dial(self, deadline: Deadline, timeouts: Timeouts) -> Http1Connection:
        # What speaks HTTP and TLS is most of the SDK's import time, and loads with the first call.
        with loading:
            from .dialing import dial
            from .http1 import Http1Connection
            from .proxies import proxy_for

            if self._proxy is _UNREAD:
                self._proxy = proxy_for(self._origin, allow_http=self._allow_http)
        deadline = deadline.within(timeouts.connect, "connect")
        connection = Http1Connection(dial(self._origin, self._proxy, self._ssl_context, deadline))
        with self._lock:
            self._open.add(connection)
        return connection


_UNREAD: Any = object()


def _rendered(request: Request, origin: Origin, proxy: Proxy | None) -> bytes:
    """Write a request as bytes; a plain-http proxy is told the whole URL (RFC 9112, 3.2.2)."""
    if proxy is None:
        return request.head(request.target) + (request.body or b"")
    target = f"http://{request.headers['Host']}{request.target}"
    return request.head(target, proxy.header()) + (request.body or b"")
