"""The kept-alive connections of a client: which one serves a request, and what becomes of it."""

from __future__ import annotations

import socket
import weakref
from typing import Callable, Optional

from .._forks import renew_after_fork
from ..errors import ConfigError, NetworkError, TimeoutError, TransportError
from .dialing import dial
from .http1 import Http1Connection, rendered
from .messages import Reply, Request
from .options import Options
from .origin import Origin
from .proxies import proxy_for, refused_by_proxy
from .timeouts import Deadline

MAX_IDLE = 32
"""Connections kept for later; beyond them, the one used least lately is closed."""

MAX_IDLE_SECONDS = 30.0
"""Idle time after which a connection is not used again: servers and balancers drop them at about
60 s, and a request that meets such an end has to be sent twice."""

MAX_AGE_SECONDS = 300.0
"""Age at which a connection is not used again, so that a change of address is followed."""


class ConnectionPool:
    """Sends requests to one origin over connections that stay open between calls.

    Any number of threads may share it: each request has a connection of its own while it lasts.
    There is no lock that a signal or a fork could leave held: each step is one operation of a list,
    which no other thread divides, and what is taken and then forgotten is closed by the collector.

    Args:
        origin: The server.
        options: For the TLS settings, and whether the key may cross a network in clear text.
        clock: Seconds on a clock that never steps back.

    Raises:
        ConfigError: The environment names a proxy that cannot be used.
    """

    def __init__(self, origin: Origin, options: Options, clock: Callable[[], float]) -> None:
        self.closed: bool = False
        self._origin = origin
        self._ssl_context = options.ssl_context
        self._proxy = proxy_for(origin, allow_http=options.allow_http)
        self._clock = clock
        self._idle: list[Http1Connection] = []
        self._open: weakref.WeakValueDictionary[int, Http1Connection] = (
            weakref.WeakValueDictionary()
        )
        self._suspects: set[object] = set()
        renew_after_fork(self)

    def send(self, request: Request, deadline: Deadline, options: Options) -> Reply:
        """Send a request over an idle connection, or else a new one, and return the whole reply.

        A reused connection may have been closed by the server just as the request was written, or
        given up with a 408 (RFC 9110, section 15.5.9). Such a request goes out once more, at once
        and on a new connection (section 9.2.2), provided that the server can tell a repeat.

        Raises:
            TransportError: There is no usable reply.
            ConfigError: The pool is closed.
        """
        connection = self._take_idle()
        if connection is None:
            return self._exchange(self._dial(deadline, options), request, deadline, options)
        lost = False
        try:
            reply = self._exchange(connection, request, deadline, options)
            if reply.status != 408 or not request.replayable:
                return reply
        except (NetworkError, TimeoutError) as error:
            # What put an end to this one has most likely put an end to all that lay idle then.
            self._discard_idle(connection.idle_since)
            lost = isinstance(error, NetworkError)
            if not lost or connection.answered or not request.replayable:
                raise
        try:
            reply = self._exchange(self._dial(deadline, options), request, deadline, options)
        except TransportError as error:
            error.outcome_unknown = error.outcome_unknown or lost
            raise
        reply.resent = lost
        return reply

    def close(self) -> None:
        """Close the idle connections at once, and those in use when their response is read."""
        self.closed = True
        self._idle = []
        for connection in self._all_open():
            if not connection.busy:
                connection.close()

    def after_fork_in_child(self) -> None:
        """Begin anew: the sockets are the parent's, and only the copies of them are closed."""
        inherited = self._all_open()
        self._open, self._idle = weakref.WeakValueDictionary(), []
        for connection in inherited:
            connection.close()

    def _exchange(
        self, connection: Http1Connection, request: Request, deadline: Deadline, options: Options
    ) -> Reply:
        proxy = self._proxy if self._origin.scheme == "http" else None
        try:
            reply = connection.exchange(
                rendered(request, None if proxy is None else proxy.header()),
                request.method,
                deadline,
                options.read_timeout,
            )
        except TransportError:
            if not connection.answered:
                # It took the connection and said nothing: the next attempt tries others first.
                self._suspects.add(connection.peer)
            raise
        finally:
            self._put_back(connection)
        if self._suspects:
            self._suspects.discard(connection.peer)
        if reply.status == 407 and proxy:
            raise refused_by_proxy(proxy, reply.status)
        reply.connection = connection
        return reply

    def _all_open(self) -> list[Http1Connection]:
        # The list of references is made in one step; an iterator would stumble where another
        # thread dials meanwhile.
        known = [reference() for reference in self._open.valuerefs()]
        return [connection for connection in known if connection is not None]

    def _take_idle(self) -> Optional[Http1Connection]:
        """Take the connection used last; those that are old, closed or have been written to go."""
        while True:
            if self.closed:
                raise ConfigError("the client is closed: make a new one")
            try:
                connection = self._idle.pop()
            except IndexError:
                return None
            now = self._clock()
            if (
                now - connection.idle_since <= MAX_IDLE_SECONDS
                and now - connection.opened_at <= MAX_AGE_SECONDS
                and connection.made_with is socket.socket
                and connection.is_quiet()
            ):
                return connection
            connection.close()

    def _put_back(self, connection: Http1Connection) -> None:
        """Keep a connection whose response was read to its end; close any other.

        One more goes where too many are idle, or the one used least lately is too old to serve.
        """
        if not connection.reusable or connection.kept_by is not self._open:
            connection.close()
            return
        connection.idle_since = now = self._clock()
        self._idle.append(connection)
        if self.closed:
            self.close()
        try:
            oldest = self._idle[0]
            if len(self._idle) > MAX_IDLE or now - oldest.idle_since > MAX_IDLE_SECONDS:
                self._idle.pop(0).close()
        except IndexError:  # another thread has taken it
            return

    def _discard_idle(self, put_aside_until: float) -> None:
        """Close the connections that were put aside until a moment, on the pool's clock."""
        for connection in self._idle[:]:
            if connection.idle_since <= put_aside_until:
                try:
                    self._idle.remove(connection)
                except ValueError:  # another thread has taken it
                    continue
                connection.close()

    def _dial(self, deadline: Deadline, options: Options) -> Http1Connection:
        patience = deadline.within(options.connect_timeout, "connect")
        began = self._clock()
        # Not a line between: a socket that nobody holds when Ctrl-C strikes would stay open.
        connection = Http1Connection(
            dial(self._origin, self._proxy, self._ssl_context, patience, self._suspects),
            deadline,
            options.read_timeout,
            began,
        )
        if connection.lost is not None:
            connection.close()
            raise NetworkError(
                f"the connection to {self._origin.authority} was lost before it was used"
            ) from connection.lost
        self._open[id(connection)] = connection
        connection.kept_by = self._open
        return connection
