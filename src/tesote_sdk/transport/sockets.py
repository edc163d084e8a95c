"""A socket that waits for its peer no longer than the timeouts allow.

The socket itself never blocks. With a timeout of its own, each read and each write of it would be
two system calls, a wait and the deed, and at each of them a thread has to let go of the interpreter
and to ask for it again. This one waits only where there is something to wait for.
"""

from __future__ import annotations

import io
import select
import socket
import ssl
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from typing import Callable

    from .timeouts import Deadline

_BLOCKED = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)
"""TLS may have to read before it can write, and the other way round."""


class TimedSocket(io.RawIOBase):
    """Reads and writes a connected socket within the read timeout and a deadline.

    Attributes:
        deadline: Ends every wait; without one, reading does not wait at all.
        read_timeout: Seconds that each wait may take.
    """

    def __init__(self, sock: socket.socket) -> None:
        sock.setblocking(False)
        self._sock = sock
        self._is_readable = _waiter(sock, to_write=False)
        self.deadline: Deadline | None = None
        self.read_timeout = 0.0

    def readable(self) -> bool:
        """Tell `io` that this can be read."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill a buffer with what has come, waiting for at least a byte.

        Raises:
            socket.timeout: Nothing came within the timeouts.
            BlockingIOError: Nothing is there, and there is no deadline to wait for.
            ssl.SSLWantReadError: The same, of a TLS socket.
            OSError: The connection is lost.
        """
        while True:
            self._check_deadline()
            try:
                return self._sock.recv_into(buffer)
            except _BLOCKED as error:
                if self.deadline is None:
                    raise
                writes_first = isinstance(error, ssl.SSLWantWriteError)
            self.wait(to_write=writes_first)

    def send_all(self, unsent: memoryview) -> None:
        """Send all of a message.

        Raises:
            socket.timeout: The peer took nothing within the timeouts.
            OSError: The connection is lost.
        """
        while unsent:
            self._check_deadline()
            try:
                unsent = unsent[self._sock.send(unsent) :]
                continue
            except _BLOCKED as error:
                reads_first = isinstance(error, ssl.SSLWantReadError)
            self.wait(to_write=not reads_first)

    def wait(self, *, to_write: bool = False) -> None:
        """Wait until something can be read, or be written.

        Raises:
            socket.timeout: The timeouts passed first.
        """
        is_ready = _waiter(self._sock, to_write=True) if to_write else self._is_readable
        if not is_ready(min(self._check_deadline(), self.read_timeout)):
            raise socket.timeout("the peer stayed silent")

    def _check_deadline(self) -> float:
        """Return the seconds that are left; a peer that never pauses uses them up, too."""
        if self.deadline is None:
            return 0.0
        remaining = self.deadline.remaining()
        if remaining <= 0:
            raise socket.timeout("the deadline has passed")
        return remaining


def _waiter(sock: socket.socket, *, to_write: bool) -> Callable[[float], object]:
    """Return a function that waits for some seconds at most, and is true of a socket that is ready.

    Neither way needs a descriptor of its own, which a process that has run out of them does not
    get; poll, which Windows does not have, takes descriptors above 1023, too.
    """
    if hasattr(select, "poll"):
        poll = select.poll()
        poll.register(sock, select.POLLOUT if to_write else select.POLLIN)
        return lambda seconds: poll.poll(seconds * 1000)
    readers, writers = ([], [sock]) if to_write else ([sock], [])
    return lambda seconds: any(select.select(readers, writers, [], seconds))
