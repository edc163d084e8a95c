"""A refused port refuses, and a black hole swallows."""

from __future__ import annotations

import socket
import time

import pytest

from tests.support.dead_addresses import black_hole, refused_port
from tests.support.systems import EARLY
from tests.support_tests.clients import nothing_left_behind


def test_a_refused_port_refuses() -> None:
    with refused_port() as port, pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=5)


def test_a_black_hole_hangs_every_time() -> None:
    with nothing_left_behind(), black_hole() as address:
        for _ in range(2):
            started = time.monotonic()
            with pytest.raises(OSError, match="timed out"):
                socket.create_connection(address, timeout=0.05)
            assert time.monotonic() - started >= 0.05 - EARLY
