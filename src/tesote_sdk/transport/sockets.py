"""A socket that waits for its peer no longer than the timeouts allow.

The socket itself never blocks. With a timeout of its own, each read and each write of it would be
two system calls, a wait and the deed, and at each of them a thread has to let go of the interpreter
and to ask for it again. This one waits only where there is something to wait for.
"""

from __future__ import annotations

import select
import socket
import ssl
from typing import Callable, Optional, TypeVar

from .timeouts import LONGEST_WAIT, Deadline

Given = TypeVar("Given")
Moved = TypeVar("Moved")

_PIECE = 98304
"""Bytes that one read takes at most: a page of 100 transactions comes with its head in one."""

_CLOSED_MEANWHILE = (ValueError, AttributeError)
"""What `ssl.SSLSocket.read` and `write` raise where another thread closes it or shuts it down."""

_UNACKNOWLEDGED_SECONDS = 10.0
"""How long a host may leave what was sent to it unacknowledged before it counts as gone, where the
system can tell (Linux)."""


class TimedSocket:
    """Reads and writes a connected socket within the read timeout and a deadline.

    Attributes:
        patience: What bounded the last wait: the deadline, or the read timeout if that was nearer.
    """

    __slots__ = (
        "_deadline",
        "_has_just_sent",
        "_is_readable",
        "_is_writable",
        "_pending",
        "_read_timeout",
        "_receive",
        "_send",
        "patience",
    )

    def __init__(self, sock: socket.socket, deadline: Deadline, read_timeout: float) -> None:
        sock.setblocking(False)
        # While another thread shuts a TLS socket down or closes it, its `send` and `recv` go on in
        # clear text, with the key: these raise.
        self._send: Callable[[memoryview], int] = getattr(sock, "write", sock.send)
        self._receive: Callable[[int], bytes] = getattr(sock, "read", sock.recv)
        self._pending: Optional[Callable[[], int]] = getattr(sock, "pending", None)
        self._is_readable = _waiter(sock.fileno(), to_write=False)
        self._is_writable = _waiter(sock.fileno(), to_write=True)
        self.within(deadline, read_timeout)

    def within(self, deadline: Deadline, read_timeout: float) -> None:
        """Set what bounds the waits from now on.

        Args:
            deadline: Ends every wait.
            read_timeout: Seconds that each wait may take.
        """
        self._deadline: Deadline = deadline
        self.patience: Deadline = deadline
        self._read_timeout = read_timeout
        self._has_just_sent = False

    def receive(self) -> bytes:
        """Return what has come, waiting for at least a byte; nothing is the connection's end.

        Raises:
            socket.timeout: Nothing came within the timeouts; `patience` says which.
            OSError: The connection is lost.
        """
        # The answer to what has just gone out cannot be there yet: to look for it would be in vain.
        wait_first, self._has_just_sent = self._has_just_sent, False
        return self._attempt(self._receive, _PIECE, to_write=False, wait_first=wait_first)

    def receive_now(self) -> Optional[bytes]:
        """Return what has come; nothing is the connection's end, None is nothing yet.

        Raises:
            OSError: The connection is lost.
        """
        # What TLS has taken off the socket already is nothing that a wait could see.
        if not (self._is_readable(0) or (self._pending and _held_back(self._pending))):
            return None
        try:
            return self._receive(_PIECE)
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return None  # TLS had something of its own to read
        except _CLOSED_MEANWHILE as error:
            raise ConnectionError("the connection was closed meanwhile") from error

    def send_all(self, unsent: memoryview) -> None:
        """Send all of a message; a view, whose repr shows none of it to a crash reporter.

        Raises:
            socket.timeout: The peer took nothing within the timeouts; `patience` says which.
            OSError: The connection is lost.
        """
        while unsent:
            unsent = unsent[self._attempt(self._send, unsent, to_write=True) :]
        self._has_just_sent = True

    def _attempt(
        self,
        transfer: Callable[[Given], Moved],
        given: Given,
        *,
        to_write: bool,
        wait_first: bool = False,
    ) -> Moved:
        """Transfer at least a byte; what TLS does meanwhile on its own account wins no time."""
        patience: Optional[Deadline] = None
        if wait_first:
            patience = self._wait(None, to_write=to_write)
        elif self._deadline.remaining() <= 0:  # a peer that never pauses uses it up, too
            self.patience = self._deadline
            raise socket.timeout("the deadline has passed")
        while True:
            try:
                return transfer(given)
            except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError) as error:
                blocked = type(error)
            except _CLOSED_MEANWHILE as error:
                raise ConnectionError("the connection was closed meanwhile") from error
            # TLS may have to read before it can write, and the other way round.
            if blocked is not BlockingIOError:
                to_write = blocked is ssl.SSLWantWriteError
            patience = self._wait(patience, to_write=to_write)

    def _wait(self, begun: Optional[Deadline], *, to_write: bool) -> Deadline:
        """Wait until the socket is ready; one silence is one wait, in however many pieces."""
        if begun is None:
            patience, seconds = self._deadline.bounding(self._read_timeout, "read")
        else:
            patience, seconds = begun, begun.remaining()
        self.patience = patience
        is_ready = self._is_writable if to_write else self._is_readable
        if seconds > 0 and is_ready(seconds * 1000):
            return patience
        # Once more, for a coarse clock may end a wait some milliseconds early.
        seconds = patience.remaining()
        if seconds > 0 and is_ready(seconds * 1000):
            return patience
        raise socket.timeout("the peer stayed silent")


def bound_silence(sock: socket.socket, read_timeout: float) -> None:
    """Let the system give a host up that acknowledges nothing, before the read timeout does.

    A lost connection is known not to have been answered, and a request may then go out anew; after
    a silence nobody knows.
    """
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        seconds = max(1.0, min(_UNACKNOWLEDGED_SECONDS, read_timeout / 2))
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(seconds * 1000))


def is_lost(error: ssl.SSLError) -> bool:
    """Tell whether a TLS error means no more than that the connection is gone."""
    if isinstance(error, (ssl.SSLEOFError, ssl.SSLZeroReturnError)):
        return True
    # Python 3.9 has no class for what OpenSSL 3 says of an end without close_notify.
    return getattr(error, "reason", None) == "UNEXPECTED_EOF_WHILE_READING"


def _held_back(pending: Callable[[], int]) -> int:
    try:
        return pending()
    except _CLOSED_MEANWHILE:
        return 1


def _waiter(descriptor: int, *, to_write: bool) -> Callable[[float], object]:
    """Return a function that waits some milliseconds at most; true of a socket that is ready.

    Neither way needs a descriptor of its own, which a process that has run out of them does not
    get; poll, which Windows does not have, takes descriptors above 1023, too.
    """
    if hasattr(select, "poll"):
        poll = select.poll()
        poll.register(descriptor, select.POLLOUT if to_write else select.POLLIN)
        return poll.poll  # it rounds up by itself; what is nothing stays nothing
    readers, writers = ([], [descriptor]) if to_write else ([descriptor], [])

    def wait(milliseconds: float) -> bool:
        seconds = milliseconds / 1000
        while seconds > LONGEST_WAIT:
            if any(select.select(readers, writers, [], LONGEST_WAIT)):
                return True
            seconds -= LONGEST_WAIT
        return any(select.select(readers, writers, [], seconds))

    return wait
