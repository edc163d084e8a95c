"""What a scripted server records, how it follows its script, and how it ends."""

from __future__ import annotations

import socket
import threading
import time
from typing import TYPE_CHECKING

import pytest

from tests.support.connections import reset_on_close
from tests.support.scripted_server import ScriptedServer
from tests.support.steps import (
    Step,
    drip,
    head_only,
    held,
    on_accept,
    raw,
    reply,
    silence,
    then_stray,
)
from tests.support_tests.clients import (
    GET,
    bare_client,
    get,
    http_client,
    nothing_left_behind,
    play,
    read_all,
)

if TYPE_CHECKING:
    from tests.support.http_messages import Request


def test_a_request_is_recorded_as_it_was_received() -> None:
    sent = (
        b"POST /v2/x?q=1 HTTP/1.1\r\nHost: test\r\nX-A: 1\r\nx-a:2\r\n"
        b"Content-Length: 4\r\n\r\n\x00\xff{}"
    )
    started = time.monotonic()
    with ScriptedServer([reply()]) as server, bare_client(server, sent):
        (request,) = server.wait_for_requests(1)
    assert request.raw == sent
    assert (request.method, request.target, request.version) == ("POST", "/v2/x?q=1", "HTTP/1.1")
    assert request.header_list[1:3] == [("X-A", "1"), ("x-a", "2")]
    assert request.headers["X-a"] == "1, 2"
    assert "content-LENGTH" in request.headers
    assert request.body == b"\x00\xff{}"
    assert request.connection == 1
    assert started <= request.arrived <= time.monotonic()


def test_steps_are_taken_one_a_request_over_all_connections() -> None:
    with ScriptedServer([reply(201), reply(202), reply(203)]) as server:
        with http_client(server) as first, http_client(server) as second:
            assert [get(c)[0] for c in (first, second, first)] == [201, 202, 203]
            assert server.open_connections == 2
        server.wait_for_disconnects(2)
        server.wait_until(lambda: server.open_connections == 0)
        assert [r.connection for r in server.requests] == [1, 2, 1]
        assert server.connections == 2


def test_a_request_beyond_the_script_fails_the_test() -> None:
    with pytest.raises(AssertionError, match="no step for request 2, GET / on connection 1"):
        play([reply()], GET + GET)
    with ScriptedServer([]) as server:
        with bare_client(server, GET) as client:
            assert read_all(client).startswith(b"HTTP/1.1 500 Script exhausted\r\n")
        server.failures.clear()


@pytest.mark.parametrize("sent", [b"GET /\r\n\r\n", b"GET / HTTP/1.1\r\nno colon\r\n\r\n"])
def test_a_malformed_request_fails_the_test(sent: bytes) -> None:
    with pytest.raises(AssertionError, match="ValueError"):
        play([reply()], sent)


def test_a_callable_that_raises_fails_the_test() -> None:
    def answer(request: Request) -> Step:
        raise KeyError(request.target)

    with pytest.raises(AssertionError, match="KeyError"):
        play(answer, GET)


def test_the_failure_of_the_test_itself_is_not_covered_up() -> None:
    def test() -> None:
        with ScriptedServer([]) as server, bare_client(server, GET) as client:
            read_all(client)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        test()


def test_a_client_that_leaves_within_its_request_is_recorded_apart() -> None:
    sent = b"POST / HTTP/1.1\r\nContent-Length: 10\r\n\r\n1234"
    with ScriptedServer([reply()]) as server:
        with bare_client(server, sent):
            pass
        server.wait_for_disconnects()
        assert server.cut_requests == [sent]
        assert server.requests == []


def test_a_reset_by_the_client_is_a_disconnect() -> None:
    with ScriptedServer([silence()]) as server:
        with bare_client(server, GET) as client:
            server.wait_for_requests(1)
            reset_on_close(client)
        server.wait_for_disconnects()


def test_a_wait_that_is_in_vain_says_so() -> None:
    with ScriptedServer([]) as server, pytest.raises(AssertionError, match="requests=0"):
        server.wait_for_requests(1, timeout=0.01)


@pytest.mark.parametrize(
    "step",
    [
        silence(),
        drip(b"HTTP/1.1 200 OK\r\n", 60),
        held(reply(), threading.Event()),
        on_accept(silence()),
        head_only(silence()),
        then_stray(reply(), triggered=True),
        raw(b"x" * 50_000_000),
        reply(),
    ],
    ids=repr,
)
def test_closing_ends_every_wait_and_leaves_nothing(step: Step) -> None:
    with nothing_left_behind():
        with ScriptedServer([step]) as server, bare_client(server, GET), bare_client(server):
            server.wait_until(lambda: server.requests or step.moment == "accept")
            started = time.monotonic()
            server.close()
            assert time.monotonic() - started < 1
            assert server.open_connections == 0
            with pytest.raises(ConnectionRefusedError):
                socket.create_connection(server.address, timeout=2)
        server.close()
