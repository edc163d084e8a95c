"""The head parser, and what a connection knows of itself."""

from __future__ import annotations

import io
import socket
import time
import tracemalloc
from typing import TYPE_CHECKING, Any

import pytest

from tesote_sdk import NetworkError
from tesote_sdk.transport.http1 import Http1Connection, Incoming, NotHttpError
from tesote_sdk.transport.messages import Headers, Reply
from tesote_sdk.transport.timeouts import Deadline

if TYPE_CHECKING:
    from collections.abc import Iterator


def head(content: bytes) -> tuple[int, str, int, dict[str, str]]:
    stream: Any = io.BytesIO(content)
    stream.receive = lambda: io.BytesIO.read(stream)
    read = Incoming(stream).read_head()
    return read.status, read.reason, read.minor, read.fields


def test_head() -> None:
    assert head(b"HTTP/1.1 200 OK\r\nA: 1\r\nB:2 \r\na:\t3\r\n\r\nrest") == (
        200, "OK", 1, {"a": "1, 3", "b": "2"},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b"HTTP/1.0 404 Not Found\r\n\r\n", (404, "Not Found", 0, {})),
        (b"HTTP/1.1 200\r\n\r\n", (200, "", 1, {})),
        (b"HTTP/1.1 200 \r\n\r\n", (200, "", 1, {})),
        (b"HTTP/1.9 599 \xe9\n\n", (599, "\xe9", 9, {})),
    ],
)
def test_status_lines(line: bytes, expected: tuple[int, str, int, dict[str, str]]) -> None:
    assert head(line) == expected


def test_fields_hold_no_character_that_could_end_a_line_elsewhere() -> None:
    read = head(b"HTTP/1.1 200 a\rb\r\nX-Request-Id: r\r1\x002\r\r\nB: \x0b\xa0c\x85\r\n\r\n")
    assert read == (200, "a b", 1, {"x-request-id": "r 1 2", "b": "\x0b\xa0c\x85"})


def test_a_body_in_small_pieces_takes_no_more_memory_than_a_whole_one() -> None:
    pieces = iter([b"ab"] * 20_000)
    stream: Any = io.BytesIO()
    stream.receive = lambda: next(pieces)
    incoming = Incoming(stream)
    tracemalloc.start()
    try:
        incoming.read_into_body(40_000)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert incoming.take_body() == b"ab" * 20_000
    assert peak < 4 * 40_000


@pytest.mark.parametrize(
    "content",
    [
        b"HTTP/2 200 OK\r\n\r\n", b"http/1.1 200 OK\r\n\r\n", b"HTTP/1.1  200 OK\r\n\r\n", b"\r\n",
        b"HTTP/1.1 2000 OK\r\n\r\n", b"HTTP/1.1 200OK\r\n\r\n", b"<html>", b"x",
        b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n", b"HTTP/1.1 200 OK\r\n : x\r\n\r\n",
    ],
)  # fmt: skip
def test_what_is_no_head(content: bytes) -> None:
    with pytest.raises(NotHttpError):
        head(content)


WHOLE = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX: y\r\n\r\n"


@pytest.mark.parametrize("length", range(len(WHOLE)))
def test_head_cut_anywhere_is_a_lost_connection(length: int) -> None:
    with pytest.raises(ConnectionError):
        head(WHOLE[:length])


@pytest.fixture
def pair() -> Iterator[tuple[Http1Connection, socket.socket]]:
    ours, theirs = socket.socketpair()
    connection = Http1Connection(ours, Deadline(time.monotonic, 2, "total"), 1, 0.0)
    with theirs:
        yield connection, theirs
        connection.close()


def exchange(connection: Http1Connection) -> Reply:
    deadline = Deadline(time.monotonic, 2, "total")
    return connection.exchange(memoryview(b"GET / HTTP/1.1\r\n\r\n"), "GET", deadline, 1)


def test_connection_that_can_be_reused(pair: tuple[Http1Connection, socket.socket]) -> None:
    connection, server = pair
    assert connection.is_quiet()
    server.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
    reply = exchange(connection)
    assert (reply.status, reply.content, dict(reply.headers)) == (
        200,
        b"ok",
        {"content-length": "2"},
    )
    assert connection.answered
    assert connection.reusable
    assert connection.is_quiet()
    server.sendall(b"x")
    assert not connection.is_quiet()


def test_connection_that_was_closed(pair: tuple[Http1Connection, socket.socket]) -> None:
    connection, server = pair
    server.close()
    assert not connection.is_quiet()
    with pytest.raises(NetworkError) as caught:
        exchange(connection)
    assert caught.value.outcome_unknown
    assert not connection.answered
    assert not connection.reusable


def test_what_a_reply_shows() -> None:
    """No content, also to what takes tuples apart."""
    reply = Reply(200, "OK", Headers({}), b"secret")
    assert repr(reply) == "<Reply 200, 6 bytes>"
    assert not isinstance(reply, tuple)
