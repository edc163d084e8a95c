"""Reaching the server: the race of its addresses, then the proxy's tunnel and TLS.

All of it happens within one deadline, the connect timeout, and what fails here has sent nothing.
"""

from __future__ import annotations

import contextlib
import gc
import os
import select
import socket
import ssl
from collections.abc import Collection, Iterable
from itertools import zip_longest
from typing import TYPE_CHECKING, Any, Optional

from .._forks import renew_after_fork
from ..errors import NetworkError, TransportError
from .origin import Origin
from .proxies import open_tunnel
from .resolving import forget, resolve
from .timeouts import LONGEST_WAIT, Deadline
from .tls import start_tls

if TYPE_CHECKING:
    from .proxies import Proxy

_HEAD_START = 0.25
"""Seconds an address has to itself before the next is tried beside it (RFC 8305, section 5)."""


def dial(
    origin: Origin,
    proxy: Optional[Proxy],
    context: Optional[ssl.SSLContext],
    deadline: Deadline,
    suspects: Optional[set[Any]] = None,
) -> socket.socket:
    """Connect to the origin, through the proxy if there is one.

    Args:
        origin: Where the API is served.
        proxy: What to go through; an https origin is reached by CONNECT (RFC 9110, section 9.3.6).
        context: The TLS settings; None means the default ones. Plain http makes no use of them.
        deadline: The connect timeout, or what is left of the total one.
        suspects: Addresses, as `getpeername()` tells them, that took a connection and came to
            nothing: they are tried last. One whose tunnel or handshake fails is added; what the
            name no longer leads to is removed.

    Raises:
        NetworkError: The host has no address, nobody listens there, or the proxy refuses.
        TimeoutError: The deadline passed first.
        TlsError: The certificate was not accepted, or the handshake failed.
        ConfigError: The host, or this machine's TLS, is set up so that it cannot be right.
    """
    suspects = set() if suspects is None else suspects
    opened = _Opened()
    sock: Optional[socket.socket] = None
    address: Optional[tuple[Any, ...]] = None
    try:
        sock, address = _connect(proxy.origin if proxy else origin, deadline, suspects, opened)
        if origin.scheme == "https":
            if proxy:
                open_tunnel(sock, proxy, origin, deadline)
            sock = start_tls(sock, context, origin, deadline)
        opened.hand_over()
    except BaseException as error:
        if address and isinstance(error, TransportError):
            suspects.add(address)
        opened.close_all()
        if sock is not None:  # Ctrl-C: it may be that of TLS by now
            sock.close()
        raise
    return sock


def _connect(
    origin: Origin, deadline: Deadline, suspects: set[Any], opened: _Opened
) -> tuple[socket.socket, tuple[Any, ...]]:
    """Connect to the first address that answers, and return the socket and the address."""
    found = resolve(origin, deadline)
    suspects.intersection_update([address for *_, address in found])
    untried = sorted(_interleave(found), key=lambda entry: entry[4] in suspects)
    try:
        winner, address = _race(untried, f"connecting to {origin.authority}", deadline, opened)
    except TransportError:
        forget(origin)  # the next attempt had better ask for addresses that are alive
        raise
    opened.close_all(but=winner)
    return winner, address


def _race(
    untried: list[Any], doing: str, deadline: Deadline, opened: _Opened
) -> tuple[socket.socket, tuple[Any, ...]]:
    """Connect to the first that answers; a dead address costs no more than its head start."""
    failure: Exception = OSError("no address was tried")
    racing: dict[int, tuple[socket.socket, tuple[Any, ...]]] = {}
    while untried or racing:
        patience = deadline.remaining()
        if untried:
            *kind, _, address = untried.pop(0)
            try:
                sock = opened.begin_connect(kind, address)
            except OSError as error:
                failure = error
                continue
            racing[sock.fileno()] = sock, address
            if untried:
                patience = min(_HEAD_START, patience)
        for descriptor in _settled(racing, min(max(0.0, patience), LONGEST_WAIT)):
            sock, address = racing.pop(descriptor)
            try:
                _raise_failure_of(sock)
            except OSError as error:
                failure = error
                opened.close(sock)
            else:
                return sock, address
        if deadline.remaining() <= 0:
            raise deadline.timed_out(doing)
    raise NetworkError(
        f"{doing} failed: {failure}; check base_url, the proxy settings and the network"
    ) from failure


class _Opened:
    """The sockets of one dial. A forked child closes its copies of them."""

    def __init__(self) -> None:
        self._descriptors: dict[socket.socket, int] = {}
        renew_after_fork(self)

    def begin_connect(self, kind: list[int], address: tuple[Any, ...]) -> socket.socket:
        """Start to connect without waiting for the outcome.

        By `connect`, for that is what test guards look at; `connect_ex` slips by them.
        """
        sock = socket.socket(*kind)
        self._descriptors[sock] = sock.fileno()
        try:
            sock.setblocking(False)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            with contextlib.suppress(BlockingIOError, InterruptedError):
                sock.connect(address)
        except OSError:
            self.close(sock)
            raise
        return sock

    def close(self, sock: socket.socket) -> None:
        """Close one of them."""
        self._descriptors.pop(sock, None)
        sock.close()

    def close_all(self, *, but: Optional[socket.socket] = None) -> None:
        """Close them, but for the one that has won."""
        for sock in list(self._descriptors):
            if sock is not but:
                self.close(sock)

    def hand_over(self) -> None:
        """Let go of the one that has won.

        PyPy keeps what nobody refers to for a while, and the number of a closed socket may be that
        of somebody else's by the time of a fork.
        """
        self._descriptors.clear()

    def after_fork_in_child(self) -> None:
        """Close the child's copies."""
        # ssl's wrap_socket puts a socket of its own in the place of the one it is given, and nobody
        # else has it before the handshake is done.
        lost = {number for sock, number in self._descriptors.items() if sock.fileno() < 0}
        self.close_all()
        for sock in gc.get_objects() if lost else ():
            if isinstance(sock, ssl.SSLSocket) and sock.fileno() in lost:
                sock.close()


def _settled(racing: Collection[int], seconds: float) -> Iterable[int]:
    """Wait for connects to end, well or not, and return their descriptors.

    Neither way needs a descriptor of its own, which a process that has run out of them does not
    get. Both are looked up late: gevent and eventlet replace the one and remove the other.
    """
    try:
        if hasattr(select, "poll"):
            poll = select.poll()
            for descriptor in racing:
                poll.register(descriptor, select.POLLOUT)
            return [descriptor for descriptor, _ in poll.poll(seconds * 1000)]
        # Windows tells of a refused connect in the third list.
        _, connected, failed = select.select([], racing, racing, seconds)
        return {*connected, *failed}
    except (OSError, ValueError) as error:
        raise NetworkError(
            f"cannot wait for a connection: {error}; too many files are open (without poll, "
            "about a thousand is the limit)"
        ) from error


def _raise_failure_of(sock: socket.socket) -> None:
    """Raise what a connect ended with, unless it succeeded."""
    code = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    if code:
        # Windows keeps the texts of its own codes in a table that no other system has.
        raise OSError(code, getattr(socket, "errorTab", {}).get(code) or os.strerror(code))


def _interleave(addresses: list[Any]) -> list[Any]:
    """Alternate IPv6 and IPv4, beginning with what the resolver put first (RFC 8305, section 4)."""
    first = [address for address in addresses if address[0] == addresses[0][0]]
    others = [address for address in addresses if address[0] != addresses[0][0]]
    return [address for pair in zip_longest(first, others) for address in pair if address]
