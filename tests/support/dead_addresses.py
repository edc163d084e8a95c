"""Loopback addresses where nobody answers: a refused port, and a black hole."""

from __future__ import annotations

import contextlib
import select
import socket
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

# Two connections fill an accept queue of length 0; more are tried where a kernel is generous.
_ATTEMPTS = 16


@contextlib.contextmanager
def refused_port(host: str = "127.0.0.1") -> Iterator[int]:
    """A port where `connect()` is refused; held, so that nobody else can come to listen on it."""
    with socket.socket(_family(host), socket.SOCK_STREAM) as holder:
        holder.bind((host, 0))
        yield int(holder.getsockname()[1])


@contextlib.contextmanager
def black_hole(host: str = "127.0.0.1", port: int = 0) -> Iterator[tuple[str, int]]:
    """An address whose `connect()` hangs, as behind a firewall that drops packets.

    A listening socket that never accepts and whose queue is full makes Linux drop further SYNs;
    the client's kernel repeats them for about two minutes. Whether it hangs is tried out first.
    On Linux every address of 127.0.0.0/8 works, and `::1`; elsewhere 127.0.0.2 must be
    configured before it can be bound.

    Args:
        host: A loopback address.
        port: The port, that of a live server on another address for example; 0: any.

    Yields:
        Host and port.

    Raises:
        RuntimeError: This system completes or refuses the connections instead.
    """
    with contextlib.ExitStack() as sockets:
        listener = sockets.enter_context(socket.socket(_family(host), socket.SOCK_STREAM))
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(0)
        address = (host, int(listener.getsockname()[1]))
        for _ in range(_ATTEMPTS):
            filler = sockets.enter_context(socket.socket(_family(host), socket.SOCK_STREAM))
            filler.setblocking(False)
            filler.connect_ex(address)
            if not select.select([], [filler], [], 0.05)[1]:
                break
        else:
            raise RuntimeError(f"connect() to {address} does not hang here")
        yield address


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET
