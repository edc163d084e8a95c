"""Responses whose own head contradicts itself: read as the RFC says, and then the end.

What such a server sends after the head would be read as the answer to the next request, so that
the connection is not used again (RFC 9112, sections 6.1 and 6.3).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tesote_sdk import InvalidResponseError, NotFoundError, RetryPolicy
from tests.faults.harness import KINDS, READ, WRITE, Kind, Wire, answer, ask, client_of, failure_of
from tests.support.steps import Step, raw, reply

if TYPE_CHECKING:
    from tests.support.connections import Connection

ONCE = RetryPolicy(max_attempts=1)
SECOND = {"for": "the second"}
THIRD = {"for": "the third"}

LATE = {
    "nothing": b"",
    "some_bytes": b"{}",
    "http": reply(200, {"id": "stray", "status": "completed"}).content,
    "chunks": b"2\r\n{}\r\n0\r\n\r\n",
}
FRAMINGS = {
    "length": b"Content-Length: 2\r\n",
    "list_of_lengths": b"Content-Length: 2, 2\r\n",
    "no_number": b"Content-Length: two\r\n",
    "chunked": b"Transfer-Encoding: chunked\r\n",
    "identity": b"Transfer-Encoding: identity\r\n",
    "both": b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n",
}


def answer_later(head: bytes, late: bytes) -> Step:
    """Answer with a head, and send more when the next request comes, before its answer."""

    def play(connection: Connection) -> None:
        connection.send(head)
        connection.wait_for_data()
        connection.send(late)

    return Step("late bytes", play)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("late", LATE.values(), ids=LATE)
@pytest.mark.parametrize("framing", FRAMINGS.values(), ids=FRAMINGS)
def test_204_that_speaks_of_a_body(framing: bytes, late: bytes, kind: Kind) -> None:
    """However late its bytes come, and whatever they are, they are nobody's answer."""
    empty = answer_later(b"HTTP/1.1 204 No Content\r\n" + framing + b"\r\n", late)
    script = [empty, reply(200, SECOND), reply(200, THIRD)]
    with Wire("http").serve(script) as server, client_of(server, retry_policy=ONCE) as client:
        assert client.request("DELETE", "/v2/things/1").content == b""
        assert ask(client, kind) == SECOND
        assert ask(client, kind) == THIRD
        assert [request.connection for request in server.requests] == [1, 2, 2]


@pytest.mark.parametrize("framing", FRAMINGS.values(), ids=FRAMINGS)
def test_304_that_speaks_of_a_body(framing: bytes, wire: Wire) -> None:
    stale = answer_later(b"HTTP/1.1 304 Not Modified\r\n" + framing + b"\r\n", LATE["http"])
    with (
        wire.serve([stale, reply(200, SECOND)]) as server,
        client_of(server, retry_policy=ONCE) as client,
    ):
        own = client.request("GET", "/v2/things", extra_headers={"If-None-Match": '"e1"'})
        assert (own.status, own.content) == (304, b"")
        assert ask(client) == SECOND
        assert [request.connection for request in server.requests] == [1, 2]


@pytest.mark.parametrize("status", [204, 304])
@pytest.mark.parametrize("length", [None, "0", "00", "0, 0"])
def test_a_head_that_agrees_with_itself_keeps_its_connection(
    status: int, length: str | None, wire: Wire
) -> None:
    field = b"" if length is None else f"Content-Length: {length}\r\n".encode()
    empty = raw(b"HTTP/1.1 %d Nothing\r\n%b\r\n" % (status, field), close=False)
    with (
        wire.serve([empty, reply(200, SECOND)]) as server,
        client_of(server, retry_policy=ONCE) as client,
    ):
        client.request("GET", "/v2/things", extra_headers={"If-None-Match": '"e1"'})
        assert ask(client) == SECOND
        assert server.connections == 1


TWO_FRAMINGS = b"HTTP/1.1 %s\r\nContent-Length: %d\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize("length", [0, 5, 12, 10**9])
@pytest.mark.parametrize("kind", [READ, WRITE])
def test_two_framings_at_once(kind: Kind, length: int, wire: Wire) -> None:
    """The chunks count; what a smuggler put behind them is not read."""
    both = raw(
        TWO_FRAMINGS % (b"200 OK", length) + b'7\r\n{"a":1}\r\n0\r\n\r\n' + LATE["http"],
        close=False,
    )
    with (
        wire.serve([both, reply(200, SECOND)]) as server,
        client_of(server, retry_policy=ONCE) as client,
    ):
        assert ask(client, kind) == {"a": 1}
        assert ask(client, kind) == SECOND
        assert [request.connection for request in server.requests] == [1, 2]


def test_two_framings_of_a_refusal(wire: Wire) -> None:
    both = raw(TWO_FRAMINGS % (b"404 Not Found", 3) + b"2\r\n{}\r\n0\r\n\r\n", close=False)
    with (
        wire.serve([both, reply(200, SECOND)]) as server,
        client_of(server, retry_policy=ONCE) as client,
    ):
        assert type(failure_of(lambda: ask(client)).error) is NotFoundError
        assert ask(client) == SECOND
        assert server.connections == 2


def test_chunks_of_http_1_0(wire: Wire) -> None:
    """It knows none: whatever the head says, the connection ends (RFC 9112, section 6.1)."""
    head = b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n"
    with (
        wire.serve([raw(head + b"2\r\n{}\r\n0\r\n\r\n", close=False), answer()]) as server,
        client_of(server, retry_policy=ONCE) as client,
    ):
        assert ask(client) == {}
        ask(client)
        assert server.connections == 2


@pytest.mark.parametrize("lengths", ["5, 6", "5\r\nContent-Length: 6", "+5", "5 5", "-1", "0x5"])
def test_lengths_that_differ_are_no_length(lengths: str, wire: Wire) -> None:
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {lengths}\r\n\r\n".encode()
    with (
        wire.serve([raw(head + b'{"a":1}', close=False), reply(200, SECOND)]) as server,
        client_of(server, retry_policy=ONCE) as client,
    ):
        error = failure_of(lambda: ask(client, WRITE)).error
        assert type(error) is InvalidResponseError
        assert (error.http_status, error.outcome_unknown) == (200, True)
        assert ask(client) == SECOND
        assert server.connections == 2
