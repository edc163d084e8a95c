"""What goes wrong on the way to an answer and back, by name: the faults that several tests try."""

from __future__ import annotations

import gzip
from typing import Any

from tests.faults.harness import answer
from tests.support.steps import (
    Step,
    cut,
    drip,
    hang_up,
    informational,
    on_accept,
    on_client_hello,
    raw,
    reply,
    reset,
    silence,
)

WHOLE = answer()
CHUNKED = answer(chunked=True)
_HEAD_END = WHOLE.content.index(b"\r\n\r\n")
_CHUNKS = CHUNKED.content.index(b"\r\n\r\n") + 4

# --- the connection is lost ---

HANDSHAKES = {
    "closed_before_handshake": on_accept(hang_up()),
    "reset_before_handshake": on_accept(reset()),
    "closed_mid_handshake": on_client_hello(hang_up()),
    "reset_mid_handshake": on_client_hello(reset()),
    "closed_mid_server_hello": on_client_hello(raw(b"\x16\x03\x03\x00\x7a\x02\x00")),
}

LOST = {
    "closed_after_reading": hang_up(),
    "reset_after_reading": reset(),
    "closed_mid_status_line": cut(WHOLE, 6),
    "closed_after_status_line": cut(WHOLE, WHOLE.content.index(b"\r\n") + 2),
    "closed_mid_headers": cut(WHOLE, _HEAD_END - 5),
    "closed_before_blank_line": cut(WHOLE, _HEAD_END + 2),
    "closed_before_body": cut(WHOLE, _HEAD_END + 4),
    "closed_mid_body": cut(WHOLE, -5),
    "closed_mid_gzip_body": cut(answer(gzip=True), -5),
    "closed_mid_chunk_size": cut(CHUNKED, _CHUNKS + 1),
    "closed_mid_chunk": cut(CHUNKED, _CHUNKS + 20),
    "closed_before_last_chunk": cut(CHUNKED, -5),
    "reset_mid_headers": cut(WHOLE, _HEAD_END - 5, then=reset()),
    "reset_mid_body": cut(WHOLE, -5, then=reset()),
    "reset_mid_chunk": cut(CHUNKED, _CHUNKS + 20, then=reset()),
    "closed_after_103": raw(b"HTTP/1.1 103 Early Hints\r\n\r\n"),
}

CUT_REFUSALS = {
    "closed": cut(reply(404, {"error": "gone", "error_code": "ACCOUNT_NOT_FOUND"}), -5),
    "reset": cut(reply(404, {"error": "gone"}), -5, then=reset()),
    "chunked": cut(reply(404, {"error": "gone"}, chunked=True), -8),
    "gzip": cut(reply(404, {"error": "gone"}, gzip=True), -8),
    "bad_chunk_size": raw(b"HTTP/1.1 404 No\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"),
    "gigantic": raw(b"HTTP/1.1 404 No\r\nContent-Length: 9999999999\r\n\r\nhello"),
    "bad_gzip": raw(b"HTTP/1.1 404 No\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\n\r\nhello"),
}

# --- the answer takes too long ---

SILENT = {
    "silence_mid_status_line": cut(WHOLE, 6, then=silence()),
    "silence_mid_headers": cut(WHOLE, 40, then=silence()),
    "silence_mid_body": cut(WHOLE, -5, then=silence()),
    "silence_mid_chunk": cut(CHUNKED, -20, then=silence()),
    "silence_before_last_chunk": cut(CHUNKED, -5, then=silence()),
    "silence_after_100": informational(silence(), 100),
}


def _flood(piece: bytes, first: bytes = b"") -> Step:
    """Send a beginning, then the same piece again and again, without end."""

    def play(connection: Any) -> None:
        connection.send(first)
        while True:
            connection.send(piece)
            connection.pause(0.02)

    return Step("flood", play)


DRIPS = {
    "head_byte_by_byte": drip(WHOLE, 0.01),
    "body_byte_by_byte": cut(WHOLE, 60, then=drip(WHOLE.content[60:], 0.01)),
    "chunks_byte_by_byte": drip(CHUNKED, 0.01),
    "endless_interim_responses": _flood(b"HTTP/1.1 102 Wait\r\n\r\n"),
    "endless_trailers": _flood(
        b"X: y\r\n", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n"
    ),
    "endless_body": _flood(b"x" * 100, b"HTTP/1.1 200 OK\r\n\r\n"),
}

# --- the answer is none ---


def _ok(fields: bytes, body: bytes = b"") -> Step:
    return raw(b"HTTP/1.1 200 OK\r\n" + fields + b"\r\n" + body, close=False)


def _sized(fields: bytes, body: bytes) -> Step:
    return _ok(fields + b"Content-Length: %d\r\n" % len(body), body)


def _gzip(body: bytes) -> Step:
    return _sized(b"Content-Encoding: gzip\r\n", body)


_CHUNKED_FIELD = b"Transfer-Encoding: chunked\r\n"
_GZIP = gzip.compress(b'{"a": 1}' * 100)
_CORRUPT_GZIP = _GZIP[:20] + bytes([_GZIP[20] ^ 0xFF]) + _GZIP[21:]

NOT_HTTP = {
    "garbage": raw(b"\x00\x01\x02 what?\r\n\r\n", close=False),
    "garbage_without_end": raw(b"\x16\x03\x01" * 50),
    "http_0_9": raw(b"<html>hello</html>"),
    "http_2": raw(b"\x00\x00\x12\x04\x00\x00\x00\x00\x00"),
    "http_9_9": raw(b"HTTP/9.9 200 OK\r\n\r\n", close=False),
    "another_protocol": raw(b"220 mail.example.test ESMTP\r\n", close=False),
    "status_of_two_digits": raw(b"HTTP/1.1 20 OK\r\n\r\n", close=False),
    "status_of_no_class": raw(b"HTTP/1.1 099 OK\r\n\r\n", close=False),
    "endless_status_line": raw(b"HTTP/1.1 200 " + b"x" * 70_000, close=False),
    "switching_protocols": raw(b"HTTP/1.1 101 Go\r\nUpgrade: h2c\r\n\r\n", close=False),
    "101_fields": _ok(b"".join(b"X-%d: y\r\n" % n for n in range(101))),
    "field_of_64_KiB": _ok(b"X-Long: " + b"y" * 65_536 + b"\r\n"),
    "field_without_colon": _ok(b"what is this\r\n"),
    "field_without_name": _ok(b": value\r\n"),
    "space_before_colon": _ok(b"Content-Length : 0\r\n"),
    "folded_first_line": _ok(b" Content-Length: 0\r\n"),
    "two_lengths": _ok(b"Content-Length: 3\r\nContent-Length: 4\r\n", b"{}  "),
    "negative_length": _ok(b"Content-Length: -1\r\n"),
    "length_in_words": _ok(b"Content-Length: two\r\n"),
    "length_of_30_digits": _ok(b"Content-Length: " + b"9" * 30 + b"\r\n"),
    "unknown_transfer_encoding": _ok(b"Transfer-Encoding: gzip, chunked\r\n"),
    "white_space_of_python_alone": _ok(b"Transfer-Encoding: \x0bchunked\r\n", b"0\r\n\r\n"),
    "length_after_a_no_break_space": _ok(b"Content-Length: \xa02\r\n", b"{}"),
    "chunk_size_in_words": _ok(_CHUNKED_FIELD, b"two\r\n{}\r\n0\r\n\r\n"),
    "negative_chunk_size": _ok(_CHUNKED_FIELD, b"-1\r\n{}\r\n0\r\n\r\n"),
    "chunk_size_with_underscore": _ok(_CHUNKED_FIELD, b"0_2\r\n{}\r\n0\r\n\r\n"),
    "chunk_size_too_small": _ok(_CHUNKED_FIELD, b"1\r\n{} \r\n0\r\n\r\n"),
    "chunk_size_too_large": _ok(_CHUNKED_FIELD, b"3\r\n{}\r\n0\r\n\r\n\r\n"),
    "10_GB_promised": _ok(b"Content-Length: 10000000000\r\n", b"hello"),
    "cut_gzip": _gzip(_GZIP[:-5]),
    "cut_gzip_head": _gzip(_GZIP[:5]),
    "corrupt_gzip": _gzip(_CORRUPT_GZIP),
    "wrong_gzip_checksum": _gzip(_GZIP[:-6] + b"\0\0" + _GZIP[-4:]),
    "no_gzip": _gzip(b'{"a": 1}'),
    "gzip_and_garbage": _gzip(_GZIP + b"garbage"),
    "gzip_of_50000_members": _gzip(gzip.compress(b"") * 50_000),
    "coding_not_asked_for": _sized(b"Content-Encoding: br\r\n", b'{"a": 1}'),
}

NOT_JSON: dict[str, Any] = {
    "bad_utf_8": b'{"name": "\xff\xfe"}',
    "utf_16": '{"name": 1}'.encode("utf-16"),
    "nan": b'{"balance": NaN}',
    "infinity": b'{"balance": -Infinity}',
    "number_beyond_a_float": b'{"balance": 1e999}',
    # Since 3.14, Python counts the stack's bytes and no longer its levels: 50,000 are read.
    "nested_200000_deep": b"[" * 200_000 + b"]" * 200_000,
    "objects_nested_200000_deep": b'{"a":' * 200_000 + b"1" + b"}" * 200_000,
    "html": b"<html>Please log in</html>",
    "cut_json": b'{"name": "x',
    "two_documents": b"{}{}",
    "empty": b"",
    "white_space": b" \r\n ",
    "byte_order_mark_alone": b"\xef\xbb\xbf",
}

NOT_PROMISED: dict[str, Any] = {
    "a_list": b"[]",
    "null": b"null",
    "a_string": b'"ok"',
    "empty_object": b"{}",
}
"""Any of them may be the answer to another request, which came late."""

# --- the proxy refuses ---

TUNNELS = {
    "html": raw(b"HTTP/1.1 403 Forbidden\r\nContent-Type: text/html\r\n\r\n<html>Blocked</html>"),
    "502": reply(502, "<html>"),
    "300": reply(300),
    "redirect": reply(302, "", {"Location": "http://portal.example.test/"}),
    "garbage": raw(b"SSH-2.0-OpenSSH_9.6\r\n"),
    "closed": hang_up(),
    "reset": reset(),
    "closed_mid_headers": cut(reply(200), 20),
    "101_fields": raw(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\nY: z\r\n" * 60 + b"\r\n"),
}
