"""Each step of a script does on the wire what its name says."""

from __future__ import annotations

import select
import time
from typing import TYPE_CHECKING

import pytest

from tests.support.scripted_server import ScriptedServer
from tests.support.steps import (
    cut,
    drip,
    half_close,
    hang_up,
    head_only,
    reply,
    reset,
    silence,
    then_stray,
    unread,
)
from tests.support_tests.clients import GET, bare_client, get, http_client, read_all

if TYPE_CHECKING:
    import socket

POST = b"POST / HTTP/1.1\r\nContent-Length: 1000000\r\n\r\n"


def is_readable(client: socket.socket, timeout: float = 2.0) -> bool:
    return bool(select.select([client], [], [], timeout)[0])


def test_drip_sends_a_byte_at_a_time_and_then_is_silent() -> None:
    with ScriptedServer([drip(b"abc", 0.03)]) as server, bare_client(server, GET) as client:
        started = time.monotonic()
        assert [client.recv(10) for _ in range(3)] == [b"a", b"b", b"c"]
        assert time.monotonic() - started >= 0.05
        assert not is_readable(client, 0.1)
        client.close()
        server.wait_for_disconnects()


def test_cut_goes_on_as_told() -> None:
    answer = reply(body=b"0123456789")
    with ScriptedServer([cut(answer, -1, silence()), cut(answer, -1, reset())]) as server:
        with bare_client(server, GET) as client:
            assert client.recv(999) == answer.content[:-1]
            assert not is_readable(client, 0.05)
        with bare_client(server, GET) as client, pytest.raises(ConnectionResetError):
            read_all(client)


def test_unread_closes_on_a_reused_connection_as_the_next_request_arrives() -> None:
    with ScriptedServer([reply(), unread(hang_up()), reply(202)]) as server:
        with http_client(server) as client:
            get(client)
            with pytest.raises(ConnectionResetError):
                get(client)
        with http_client(server) as client:
            assert get(client)[0] == 202
        assert [r.connection for r in server.requests] == [1, 2]


def test_head_only_answers_before_the_body_and_closes() -> None:
    script = [head_only(reply(413, close=True))]
    with ScriptedServer(script) as server, bare_client(server, POST) as client:
        assert client.recv(99) == reply(413, close=True).content
        # More than the buffers hold, and nobody takes it.
        with pytest.raises(ConnectionError):
            client.sendall(b"x" * 20_000_000)
        assert server.requests[0].raw == POST
        assert server.requests[0].body == b""


def test_half_close_lets_the_client_send_on_and_read_the_answer() -> None:
    step = head_only(half_close(reply(413, close=True)))
    with ScriptedServer([step]) as server:
        with bare_client(server, POST) as client:
            client.sendall(b"x" * 1_000_000)
            assert read_all(client) == reply(413, close=True).content
        server.wait_for_disconnects()


def test_stray_bytes_come_upon_the_trigger() -> None:
    script = [then_stray(reply(), b"stray", triggered=True), reply(202)]
    with ScriptedServer(script) as server, bare_client(server, GET) as client:
        assert client.recv(999) == reply().content
        assert not is_readable(client, 0.05)
        server.trigger()
        assert is_readable(client, 0)
        assert client.recv(999) == b"stray"
        client.sendall(GET)
        assert client.recv(99) == reply(202).content


def test_the_connection_is_closed_upon_the_trigger() -> None:
    with ScriptedServer([then_stray(reply(), triggered=True)]) as server:
        with bare_client(server, GET) as client:
            assert client.recv(999) == reply().content
            server.trigger()
            assert is_readable(client, 0)
            assert client.recv(999) == b""
            server.wait_until(lambda: server.open_connections == 0)
        assert server.disconnects == 0
