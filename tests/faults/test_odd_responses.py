"""Answers that are unusual and right: the call succeeds, and the connection is kept if possible."""

from __future__ import annotations

import gzip
import json

import pytest

from tests.faults.harness import BODY, Wire, answer, ask, client_of
from tests.support.steps import Step, cut, informational, raw

CONTENT = json.dumps(BODY).encode()
LENGTH = b"Content-Length: %d\r\n" % len(CONTENT)
HALVES = (CONTENT[:20], CONTENT[20:])


def _ok(fields: bytes, body: bytes = CONTENT, close: bool = False) -> Step:
    return raw(b"HTTP/1.1 200 OK\r\n" + fields + b"\r\n" + body, close=close)


def _chunks(first_size: bytes, trailer: bytes = b"") -> bytes:
    first, second = HALVES
    return b"%s\r\n%s\r\n%x\r\n%s\r\n0\r\n%s\r\n" % (
        first_size,
        first,
        len(second),
        second,
        trailer,
    )


CHUNKED = b"Transfer-Encoding: chunked\r\n"
TWO_MEMBERS = gzip.compress(HALVES[0]) + gzip.compress(HALVES[1])

KEPT_OPEN = {
    "plain": answer(),
    "chunked": answer(chunked=True),
    "gzip": answer(gzip=True),
    "gzip_chunked": answer(gzip=True, chunked=True),
    "gzip_of_two_members": _ok(
        b"Content-Encoding: GZIP\r\nContent-Length: %d\r\n" % len(TWO_MEMBERS), TWO_MEMBERS
    ),
    "chunk_extensions": _ok(CHUNKED, _chunks(b"14;name=value")),
    "padded_chunk_size": _ok(CHUNKED, _chunks(b"14  ")),
    "leading_zeros_in_chunk_size": _ok(CHUNKED, _chunks(b"00014")),
    "trailers": _ok(CHUNKED, _chunks(b"14", b"X-Checksum: 12\r\n")),
    "upper_case_coding": _ok(b"TRANSFER-ENCODING: Chunked\r\n", _chunks(b"14")),
    "same_length_twice": _ok(LENGTH + LENGTH),
    "same_length_in_one_field": _ok(b"Content-Length: %d, %d\r\n" % ((len(CONTENT),) * 2)),
    "line_feeds_only": raw(
        b"HTTP/1.1 200 OK\nContent-Length: %d\n\n%s" % (len(CONTENT), CONTENT), False
    ),
    "no_reason_phrase": raw(b"HTTP/1.1 200\r\n" + LENGTH + b"\r\n" + CONTENT, False),
    "latin_1_reason_phrase": raw(b"HTTP/1.1 200 \xa1Bien!\r\n" + LENGTH + b"\r\n" + CONTENT, False),
    "folded_field": _ok(b"X-Note: one\r\n two\r\n" + LENGTH),
    "field_without_value": _ok(b"X-Note:\r\n" + LENGTH),
    "100_fields": _ok(b"".join(b"X-%d: y\r\n" % n for n in range(99)) + LENGTH),
    "field_of_65000_bytes": _ok(b"X-Long: " + b"y" * 65_000 + b"\r\n" + LENGTH),
    "after_100": informational(answer(), 100),
    "after_102_and_103": informational(informational(answer(), 103, {"Link": "</a>"}), 102),
    "http_1_0_keep_alive": raw(
        b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n" + LENGTH + b"\r\n" + CONTENT, False
    ),
    "byte_order_mark": _ok(
        b"Content-Length: %d\r\n" % (len(CONTENT) + 3), b"\xef\xbb\xbf" + CONTENT
    ),
}


@pytest.mark.parametrize("step", KEPT_OPEN.values(), ids=KEPT_OPEN)
def test_odd_and_kept_open(step: Step, wire: Wire) -> None:
    with wire.serve([step, step, step]) as server, client_of(server) as client:
        for _ in range(3):
            assert ask(client) == BODY
        assert server.connections == 1


UNTOLD = b"HTTP/1.1 200 OK\r\n\r\n" + CONTENT

CLOSED = {
    "connection_close": answer(close=True),
    "connection_close_among_others": _ok(b"Connection: x-thing, Close\r\n" + LENGTH, close=True),
    "http_1_0": answer(http="1.0"),
    "http_1_0_without_length": raw(b"HTTP/1.0 200 OK\r\n\r\n" + CONTENT),
    "length_not_told": raw(UNTOLD),
    "length_and_chunked": _ok(CHUNKED + b"Content-Length: 3\r\n", _chunks(b"14"), close=True),
    "closed_after_the_last_chunk": _ok(CHUNKED, _chunks(b"14")[:-2], close=True),
}


@pytest.mark.parametrize("step", CLOSED.values(), ids=CLOSED)
def test_odd_and_closed(step: Step, wire: Wire) -> None:
    with wire.serve([step, step]) as server, client_of(server) as client:
        assert ask(client) == BODY
        assert ask(client) == BODY
        assert server.connections == 2


def test_head_and_204_have_no_body(wire: Wire) -> None:
    """Whatever their Content-Length says (RFC 9112, section 6.3)."""
    head = cut(answer(), answer().content.index(b"\r\n\r\n") + 4, then=raw(b"", close=False))
    none = raw(b"HTTP/1.1 204 No Content\r\n\r\n", close=False)
    with wire.serve([head, none, answer()]) as server, client_of(server) as client:
        assert client.request("HEAD", "/v2/things").content == b""
        assert client.request("DELETE", "/v2/things/1").content == b""
        assert ask(client) == BODY
        assert server.connections == 1
