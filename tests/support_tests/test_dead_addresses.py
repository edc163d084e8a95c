"""A refused port refuses, and a black hole swallows."""

from __future__ import annotations

import socket
import time

import pytest

from tests.support.dead_addresses import black_hole, refused_port
from tests.support.scripted_server import ScriptedServer
from tests.support.steps import reply
from tests.support_tests.clients import get, http_client, nothing_left_behind


def test_a_refused_port_refuses() -> None:
    with refused_port() as port, pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=2)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "::1"])
def test_a_black_hole_hangs_every_time(host: str) -> None:
    with nothing_left_behind(), black_hole(host) as address:
        for _ in range(2):
            started = time.monotonic()
            with pytest.raises(OSError, match="timed out"):
                socket.create_connection(address, timeout=0.05)
            assert time.monotonic() - started >= 0.05


def test_a_black_hole_stands_beside_a_live_server_on_its_port() -> None:
    with ScriptedServer([reply()]) as server:
        port = server.address[1]
        with black_hole("127.0.0.2", port) as address:
            assert address == ("127.0.0.2", port)
            with pytest.raises(OSError, match="timed out"):
                socket.create_connection(address, timeout=0.05)
            with http_client(server) as client:
                assert get(client)[0] == 200
