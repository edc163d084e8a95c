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


class TimedSocket(io.RawIOBase):
    """Reads and writes a connected socket within the read timeout and a deadline.

    Attributes:
        deadline: Ends every wait; without one, reading does not wait at all.
        read_timeout: Seconds that each wait may take.
    """

    def __init__(self, sock: socket.socket) -> None:
        sock.setblocking(False)
        self._sock = sock
        self._is_readable = _waiter(sock.fileno(), to_write=False)
        self._is_writable = _waiter(sock.fileno(), to_write=True)
        self._has_just_sent = False
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
        # The answer to what has just gone out cannot be there yet: to look for it would be in vain.
        wait_first, self._has_just_sent = self._has_just_sent, False
        return self._attempt(self._sock.recv_into, buffer, to_write=False, wait_first=wait_first)

    def send_all(self, unsent: memoryview) -> None:
        """Send all of a message.

        Raises:
            socket.timeout: The peer took nothing within the timeouts.
            OSError: The connection is lost.
        """
        while unsent:
            unsent = unsent[self._attempt(self._sock.send, unsent, to_write=True) :]
        self._has_just_sent = True

    def _attempt(
        self,
        transfer: Callable[[Any], int],
        data: Any,
        *,
        to_write: bool,
        wait_first: bool = False,
    ) -> int:
        """Transfer at least a byte; what TLS does meanwhile on its own account wins no time."""
        patience: Deadline | None = None
        if self.deadline is not None:
            if self.deadline.remaining() <= 0:  # a peer that never pauses uses it up, too
                raise socket.timeout("the deadline has passed")
            patience = self.deadline.within(self.read_timeout, "read")
            if wait_first:
                self._wait(patience, to_write=to_write)
        while True:
            try:
                return transfer(data)
            except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError) as error:
                if patience is None:
                    raise
                blocked = type(error)
            # TLS may have to read before it can write, and the other way round.
            if blocked is not BlockingIOError:
                to_write = blocked is ssl.SSLWantWriteError
            self._wait(patience, to_write=to_write)

    def _wait(self, patience: Deadline, *, to_write: bool) -> None:
        is_ready = self._is_writable if to_write else self._is_readable
        seconds = patience.remaining()
        if seconds <= 0 or not is_ready(seconds):
            raise socket.timeout("the peer stayed silent")


def _waiter(descriptor: int, *, to_write: bool) -> Callable[[float], object]:
    """Return a function that waits for some seconds at most, and is true of a socket that is ready.

    Neither way needs a descriptor of its own, which a process that has run out of them does not
    get; poll, which Windows does not have, takes descriptors above 1023, too.
    """
    if hasattr(select, "poll"):
        poll = select.poll()
        poll.register(descriptor, select.POLLOUT if to_write else select.POLLIN)
        return lambda seconds: poll.poll(seconds * 1000)
    readers, writers = ([], [descriptor]) if to_write else ([descriptor], [])
    return lambda seconds: any(select.select(readers, writers, [], seconds))
