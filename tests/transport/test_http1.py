"""The head parser, and what a connection knows of itself."""

from __future__ import annotations

import errno
import io
import socket
import time
from typing import TYPE_CHECKING, Any

import pytest

from tesote_sdk import InvalidResponseError, NetworkError, TransportError
from tesote_sdk.transport import framing
from tesote_sdk.transport.framing import Incoming, NotHttpError
from tesote_sdk.transport.http1 import Http1Connection
from tesote_sdk.transport.messages import Headers, Reply
from tesote_sdk.transport.timeouts import Deadline
from tests.support.steps import raw
from tests.transport.calls import failure_of, scripted

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
    tracemalloc = pytest.importorskip("tracemalloc", reason="PyPy cannot tell what memory is used")
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


def test_connection_that_was_retired_is_used_no_more(
    pair: tuple[Http1Connection, socket.socket],
) -> None:
    connection, server = pair
    connection.retire()
    assert not connection.is_quiet()
    assert server.recv(1) == b""


def test_connection_over_which_a_request_went_out_in_part(
    pair: tuple[Http1Connection, socket.socket],
) -> None:
    """The rest of it would be taken for the next request."""
    connection, server = pair
    server.sendall(b"HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno")
    deadline = Deadline(time.monotonic, 5, "total")
    reply = connection.exchange(memoryview(bytes(10_000_000)), "POST", deadline, 0.02)
    assert (reply.status, reply.content) == (413, b"no")
    assert connection.is_quiet()
    assert not connection.reusable


class GivenUp(socket.socket):
    """A connection of which the system says that it has timed out."""

    def recv(self, *_: object) -> bytes:
        raise OSError(errno.ETIMEDOUT, "Connection timed out")


def test_what_the_system_gives_up_is_a_lost_connection_and_no_timeout_of_the_callers() -> None:
    ours, theirs = socket.socketpair()
    lost = GivenUp(ours.family, ours.type, fileno=ours.detach())
    connection = Http1Connection(lost, Deadline(time.monotonic, 2, "total"), 1, 0.0)
    theirs.sendall(b"x")
    with theirs, pytest.raises(NetworkError, match="Connection timed out"):
        exchange(connection)
    connection.close()


def test_what_a_reply_shows() -> None:
    """No content, also to what takes tuples apart."""
    reply = Reply(200, "OK", Headers({}), b"secret")
    assert repr(reply) == "<Reply 200, 6 bytes>"
    assert not isinstance(reply, tuple)


# ---- heads ----


def test_a_folded_line_goes_on_with_the_field_before_it() -> None:
    """Obsolete, and still sent (RFC 9112, section 5.2)."""
    folded = b"HTTP/1.1 200 OK\r\nLink: <a>,\r\n\t <b:c>\r\n  ; rel=x\r\nX: y\r\n\r\n"
    assert head(folded)[3] == {"link": "<a>, <b:c> ; rel=x", "x": "y"}


@pytest.mark.parametrize(
    "lines", [b" folded: first\r\nX: y", b"X : y", b"X: y\r\nY\t: z", b": y", b"X: y\r\nfolded"]
)
def test_a_line_that_is_no_field_is_no_head(lines: bytes) -> None:
    with pytest.raises(NotHttpError):
        head(b"HTTP/1.1 200 OK\r\n%b\r\n\r\n" % lines)


# ---- exchanges ----

OPENING = b"HTTP/1.1 200 OK\r\nX-Request-Id: r1\r\n"
CHUNKED = OPENING + b"Transfer-Encoding: chunked\r\n\r\n"


def answered(pair: tuple[Http1Connection, socket.socket], content: bytes) -> Reply:
    """Exchange a request for these bytes and the connection's end."""
    connection, server = pair
    server.sendall(content)
    server.shutdown(socket.SHUT_WR)
    return exchange(connection)


def refused(pair: tuple[Http1Connection, socket.socket], content: bytes) -> TransportError:
    with pytest.raises(TransportError) as caught:
        answered(pair, content)
    assert not pair[0].reusable
    return caught.value


@pytest.mark.parametrize(
    "chunks",
    [
        b"2\r\nok\r\n0\r\n\r\n",
        b"1\r\no\r\n1;a=b\r\nk\r\n0\r\n\r\n",
        b'002 ; a="b"\r\nok\r\n000\r\nExpires: 0\r\nX: y\r\n\r\n',
        b"2 \t\r\nok\r\n0\r\n\n",
        b"0" * 14 + b"2\r\nok\r\n0\r\n\r\n",
    ],
)
def test_chunks(pair: tuple[Http1Connection, socket.socket], chunks: bytes) -> None:
    assert answered(pair, CHUNKED + chunks).content == b"ok"
    assert pair[0].reusable


@pytest.mark.parametrize(
    "chunks",
    [
        b"2\nok\r\n0\r\n\r\n",
        b"2\r\nok\n0\r\n\r\n",
        b"2\r\nok0\r\n\r\n",
        b"2\r\nokay\r\n0\r\n\r\n",
        b"2\r\nok\r\r\n0\r\n\r\n",
        b"2\r\nok\r\n0\n\r\n",
        b"\r\n2\r\nok\r\n0\r\n\r\n",
        b"+2\r\nok\r\n0\r\n\r\n",
        b"0x2\r\nok\r\n0\r\n\r\n",
        b"2_0\r\nok\r\n0\r\n\r\n",
        b" 2\r\nok\r\n0\r\n\r\n",
        b"-1\r\nok\r\n0\r\n\r\n",
        b"0" * 15 + b"2\r\nok\r\n0\r\n\r\n",
        b"f" * 16 + b"\r\nok\r\n0\r\n\r\n",
        b"2\r\nok\r\n0\r\n" + b"X: y\r\n" * 101 + b"\r\n",
    ],
)
def test_what_is_no_chunk(pair: tuple[Http1Connection, socket.socket], chunks: bytes) -> None:
    """What another reader would end elsewhere is how responses are smuggled."""
    error = refused(pair, CHUNKED + chunks)
    assert type(error) is InvalidResponseError
    assert (error.request_id, error.http_status, error.outcome_unknown) == ("r1", 200, True)


@pytest.mark.parametrize(
    "framed",
    [
        OPENING + b"Content-Length: %d\r\n\r\n%b",
        OPENING + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: %d\r\n\r\n%b",
    ],
    ids=["length", "chunks", "to the end"],
)
@pytest.mark.parametrize("size", [8, 9])
def test_a_body_is_as_large_as_may_be_and_no_larger(
    pair: tuple[Http1Connection, socket.socket],
    monkeypatch: pytest.MonkeyPatch,
    framed: bytes,
    size: int,
) -> None:
    monkeypatch.setattr(framing, "MAX_CONTENT", 8)
    content = framed % (size, b"x" * size)
    if size == 8:
        assert answered(pair, content).content == b"x" * 8
    else:
        assert "larger than the 8 bytes that the SDK reads" in str(refused(pair, content))


def test_a_line_between_chunks_has_its_end() -> None:
    """One that has none would fill the memory."""
    endless = CHUNKED + b"2;" + b"x" * 200_000 + b"\r\nok\r\n0\r\n\r\n"
    with scripted([raw(endless)]) as (transport, _):
        error = failure_of(lambda: transport.request("GET", "/v2/x"))
    assert type(error) is InvalidResponseError
    assert "a line of it is too long" in str(error)


def test_a_trailer_that_does_not_come_costs_the_connection_alone(
    pair: tuple[Http1Connection, socket.socket],
) -> None:
    assert answered(pair, CHUNKED + b"2\r\nok\r\n0\r\n").content == b"ok"
    assert not pair[0].reusable


@pytest.mark.parametrize(
    "begun",
    [
        OPENING + b"Content-Length: 9\r\n\r\nhalf",
        CHUNKED + b"9\r\nhalf",
        CHUNKED + b"4\r\nhalf",
        CHUNKED + b"4\r\nhalf\r\n",
        CHUNKED + b"4\r\nhalf\r\n5",
    ],
)
def test_a_failure_in_mid_body_keeps_the_request_id(
    pair: tuple[Http1Connection, socket.socket], begun: bytes
) -> None:
    error = refused(pair, begun)
    assert type(error) is NetworkError
    assert (error.request_id, error.http_status, error.outcome_unknown) == ("r1", 200, True)
    assert pair[0].answered


@pytest.mark.parametrize("status", [302, 400, 503])
@pytest.mark.parametrize(
    ("framing", "begun"),
    [
        (b"Content-Length: 99", b"No, be"),
        (b"Transfer-Encoding: chunked", b"4\r\nNo, \r\n9\r\nbe"),
        (b"Transfer-Encoding: chunked", b"6\r\nNo, be\r\nnonsense"),
    ],
)
def test_of_a_refusal_cut_short_what_came_is_kept(
    pair: tuple[Http1Connection, socket.socket], framing: bytes, begun: bytes, status: int
) -> None:
    """What the server refused is known, whatever became of its explanation."""
    reply = answered(pair, b"HTTP/1.1 %d No\r\n%b\r\n\r\n%b" % (status, framing, begun))
    assert (reply.status, reply.content) == (status, b"No, be")
    assert not pair[0].reusable


INTERIM = b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"
FINAL = OPENING + b"Content-Length: 2\r\n\r\nok"


@pytest.mark.parametrize("count", [1, 100])
def test_interim_responses_are_passed_over(
    pair: tuple[Http1Connection, socket.socket], count: int
) -> None:
    reply = answered(pair, INTERIM * count + FINAL)
    assert (reply.content, dict(reply.headers)) == (
        b"ok",
        {"x-request-id": "r1", "content-length": "2"},
    )


def test_more_than_a_hundred_interim_responses_are_no_answer(
    pair: tuple[Http1Connection, socket.socket],
) -> None:
    error = refused(pair, INTERIM * 101 + FINAL)
    assert type(error) is InvalidResponseError
    assert "more than 100 interim responses" in error.message


def test_a_protocol_is_not_switched_unasked(pair: tuple[Http1Connection, socket.socket]) -> None:
    error = refused(pair, b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n")
    assert type(error) is InvalidResponseError
