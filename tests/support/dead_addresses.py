"""Loopback addresses where nobody answers: a refused port, and a black hole."""

from __future__ import annotations

import contextlib
import select
import socket
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

# Two connections fill an accept queue of length 0; more are tried where a kernel is generous.
_ATTEMPTS = 16


@contextlib.contextmanager
def refused_port() -> Iterator[int]:
    """A port where `connect()` is refused; held, so that nobody else can come to listen on it."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        yield int(holder.getsockname()[1])


@contextlib.contextmanager
def black_hole() -> Iterator[tuple[str, int]]:
    """An address whose `connect()` hangs, as behind a firewall that drops packets.

    A listening socket that never accepts and whose queue is full makes Linux drop further SYNs;
    the client's kernel repeats them for about two minutes. Whether it hangs is tried out first.
    Where it does not, the test is skipped, but for Linux, where that would be a fault.

    Yields:
        Host and port.
    """
    if sys.platform == "win32":
        pytest.skip("what a full queue cannot take is refused here, and not dropped")
    with contextlib.ExitStack() as sockets:
        listener = sockets.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        address = ("127.0.0.1", int(listener.getsockname()[1]))
        for _ in range(_ATTEMPTS):
            filler = sockets.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(address)
            if not select.select([], [filler], [], 0.05)[1]:
                break
        else:
            assert sys.platform != "linux"
            pytest.skip("what a full queue cannot take is not dropped here")
        yield address
