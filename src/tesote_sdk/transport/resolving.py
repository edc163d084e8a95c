"""From a host's name to its addresses, within a deadline that the system's resolver knows not of.

Where the first of two name servers is silent, a lookup takes a little more than five seconds, and
the default connect timeout is five. So a lookup goes on when nobody waits for it any more, and what
it finds is there for the next attempt.
"""

from __future__ import annotations

import encodings.idna  # noqa: F401 - socket and ssl would import it in mid-call, while others fork
import os
import socket
import threading
import time
from typing import Any, Optional

from ..errors import ConfigError, NetworkError
from .errands import Errand
from .origin import Origin, is_loopback
from .timeouts import Deadline

_JOINED_SECONDS = 30.0
"""Age up to which a lookup under way is joined. A resolver's own patience ends about here; one that
is stuck for good must not have everybody wait for it."""

_FOUND_SECONDS = 60.0
"""How long an answer is kept that came too late for somebody."""

_lookups: dict[tuple[str, int], _Lookup] = {}


def resolve(origin: Origin, deadline: Deadline) -> list[Any]:
    """Return the addresses of an origin's host, as `socket.getaddrinfo` does, at least one.

    Raises:
        NetworkError: The host has no address, or the resolver failed.
        ConfigError: A localhost name leads to another machine, and secrets would go there in clear
            text.
        TimeoutError: The deadline passed first.
    """
    lookup = _lookup_of(origin)
    if not lookup.wait(deadline):
        lookup.missed = True
        raise deadline.timed_out(f"looking up {origin.host}")
    try:
        found: list[Any] = lookup.outcome()
    except (OSError, UnicodeError) as error:
        raise NetworkError(
            f"the host {origin.host} cannot be found: {error}; check base_url and the network"
        ) from error
    if origin.scheme == "http" and is_loopback(origin.host):
        return _on_this_machine(origin.host, found)
    return found


def forget(origin: Origin) -> None:
    """Drop an answer that was kept for an origin: none of its addresses is of use."""
    _lookups.pop((origin.host, origin.port), None)


class _Lookup(Errand[Any]):
    """A lookup under way, or the answer that it found.

    Attributes:
        missed: Whether somebody gave up waiting, so that the answer is kept for the next attempt.
        beginner: The thread that is about to begin it, or None once that is done.
    """

    def __init__(self, host: str, port: int) -> None:
        super().__init__(lambda: _look_up(host, port), "tesote-sdk-resolver")
        self.missed: bool = False
        self.beginner: Optional[int] = threading.get_ident()
        self._since = time.monotonic()
        self._process = os.getpid()
        self._resolver = socket.getaddrinfo

    def is_of_use(self) -> bool:
        """Tell whether it can be joined, or its answer taken.

        A forked child has none of its parent's threads; a program that puts another function in
        place of the resolver does not want answers of the old one.
        """
        patience = _FOUND_SECONDS if self.done else _JOINED_SECONDS
        return (
            (self.missed or not self.done)
            and not self.failed
            and time.monotonic() - self._since < patience
            and self._process == os.getpid()
            and self._resolver is socket.getaddrinfo
        )

    def settle(self) -> None:
        """Tell that the answer is there; it is as old as the moment when it came."""
        self._since = time.monotonic()
        super().settle()


def _lookup_of(origin: Origin) -> _Lookup:
    """Return the lookup of a host that is under way or kept, or begin one.

    Each step on the dict is atomic: a lock could be left held by an interrupt or a fork.
    """
    for key, lookup in list(_lookups.items()):
        if not lookup.is_of_use():
            _lookups.pop(key, None)
    own = _Lookup(origin.host, origin.port)
    if _is_literal(origin.host):
        own.do()
        return own
    try:
        lookup = _lookups.setdefault((origin.host, origin.port), own)
        if lookup.beginner == threading.get_ident():
            # Its own, or, in a signal handler, one that cannot begin before the handler returns.
            lookup = own
            own.start()
            own.beginner = None
    except BaseException:  # Ctrl-C: nobody is to join what may never have begun
        forget(origin)
        raise
    return lookup


def _look_up(host: str, port: int) -> list[Any]:
    # With a str and by position, as the standard library calls it: programs put functions of their
    # own in its place, which know no other way to be called.
    found: list[Any] = socket.getaddrinfo(host, port, 0, socket.SOCK_STREAM)
    if not found:
        raise OSError("it has no address")
    return found


def _is_literal(host: str) -> bool:
    """Tell whether a host is an address, which takes no time to look up."""
    try:
        socket.inet_pton(socket.AF_INET6 if ":" in host else socket.AF_INET, host)
    except OSError:
        return False
    return True


def _on_this_machine(host: str, found: list[Any]) -> list[Any]:
    """Return the loopback addresses of a localhost name (RFC 6761, section 6.3)."""
    here = [address for address in found if is_loopback(address[4][0])]
    if not here:
        raise ConfigError(
            f"{host} leads to {found[0][4][0]}, which is not this machine, and plain http would "
            "show it secrets: write 127.0.0.1, or correct the hosts file"
        )
    return here
