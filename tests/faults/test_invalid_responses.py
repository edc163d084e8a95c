"""What comes is no valid answer: an InvalidResponseError, at once, and no second attempt."""

from __future__ import annotations

import gzip
import sys
from typing import Any

import pytest

from tesote_sdk import InvalidResponseError
from tesote_sdk.transport import http1
from tesote_sdk.transport.content_coding import MAX_CONTENT
from tests.faults.harness import (
    KINDS,
    PROMPT,
    WRITE,
    Kind,
    Wire,
    answer,
    ask,
    assert_same_bytes,
    client_of,
    failure_of,
)
from tests.support.steps import Step, raw, reply


def _ok(fields: bytes, body: bytes = b"") -> Step:
    return raw(b"HTTP/1.1 200 OK\r\n" + fields + b"\r\n" + body, close=False)


def _sized(fields: bytes, body: bytes) -> Step:
    return _ok(fields + b"Content-Length: %d\r\n" % len(body), body)


def _gzip(body: bytes) -> Step:
    return _sized(b"Content-Encoding: gzip\r\n", body)


CHUNKED = b"Transfer-Encoding: chunked\r\n"
GZIP = gzip.compress(b'{"a": 1}' * 100)
CORRUPT_GZIP = GZIP[:20] + bytes([GZIP[20] ^ 0xFF]) + GZIP[21:]

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
    "chunk_size_in_words": _ok(CHUNKED, b"two\r\n{}\r\n0\r\n\r\n"),
    "negative_chunk_size": _ok(CHUNKED, b"-1\r\n{}\r\n0\r\n\r\n"),
    "chunk_size_with_underscore": _ok(CHUNKED, b"0_2\r\n{}\r\n0\r\n\r\n"),
    "chunk_size_too_small": _ok(CHUNKED, b"1\r\n{} \r\n0\r\n\r\n"),
    "chunk_size_too_large": _ok(CHUNKED, b"3\r\n{}\r\n0\r\n\r\n\r\n"),
    "10_GB_promised": _ok(b"Content-Length: 10000000000\r\n", b"hello"),
    "cut_gzip": _gzip(GZIP[:-5]),
    "cut_gzip_head": _gzip(GZIP[:5]),
    "corrupt_gzip": _gzip(CORRUPT_GZIP),
    "wrong_gzip_checksum": _gzip(GZIP[:-6] + b"\0\0" + GZIP[-4:]),
    "no_gzip": _gzip(b'{"a": 1}'),
    "gzip_and_garbage": _gzip(GZIP + b"garbage"),
    "gzip_of_50000_members": _gzip(gzip.compress(b"") * 50_000),
    "coding_not_asked_for": _sized(b"Content-Encoding: br\r\n", b'{"a": 1}'),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("step", NOT_HTTP.values(), ids=NOT_HTTP)
def test_not_http(step: Step, kind: Kind, wire: Wire) -> None:
    with wire.serve([step, answer()]) as server, client_of(server) as client:
        error, elapsed = failure_of(lambda: ask(client, kind))
        assert type(error) is InvalidResponseError
        assert error.attempts == 1
        assert error.outcome_unknown is kind.writes
        assert error.__cause__ is not None
        assert elapsed < 2 * PROMPT
        assert_same_bytes(server, 1)
        # Whatever is left of it is not taken for the next answer.
        assert ask(client)["account"]["id"] == "acc_1"


def test_gzip_bomb() -> None:
    """100 KB that would be 100 MB and a byte, and are given up there."""
    bomb = _gzip(gzip.compress(bytes(MAX_CONTENT + 1), 9))
    with Wire("https").serve([bomb]) as server, client_of(server, read_timeout=5) as client:
        error, elapsed = failure_of(lambda: ask(client, WRITE))
        assert type(error) is InvalidResponseError
        assert error.attempts == 1
        assert error.outcome_unknown
        assert elapsed < 5 * PROMPT


def test_chunked_beyond_the_limit(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http1, "MAX_CONTENT", 3000)
    with wire.serve([reply(200, b"x" * 10_000, chunked=True)]) as server:
        with client_of(server) as client:
            error, _ = failure_of(lambda: client.request("GET", "/v2/things"))
        assert type(error) is InvalidResponseError
        assert "3000" in str(error)


def test_length_not_told_beyond_the_limit(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http1, "MAX_CONTENT", 100_000)
    endless = raw(b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 200_000)
    with wire.serve([endless]) as server, client_of(server) as client:
        error, _ = failure_of(lambda: client.request("GET", "/v2/things"))
        assert type(error) is InvalidResponseError


NOT_JSON: dict[str, Any] = {
    "bad_utf_8": b'{"name": "\xff\xfe"}',
    "utf_16": '{"name": 1}'.encode("utf-16"),
    "nan": b'{"balance": NaN}',
    "infinity": b'{"balance": -Infinity}',
    "number_beyond_a_float": b'{"balance": 1e999}',
    "nested_10000_deep": b"[" * 10_000 + b"]" * 10_000,
    "objects_nested_100000_deep": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    "html": b"<html>Please log in</html>",
    "cut_json": b'{"name": "x',
    "two_documents": b"{}{}",
    "empty": b"",
    "white_space": b" \r\n ",
    "byte_order_mark_alone": b"\xef\xbb\xbf",
}

NOT_PROMISED = {
    "a_list": b"[]",
    "null": b"null",
    "a_string": b'"ok"',
    "empty_object": b"{}",
}
"""Any of them may be the answer to another request, which came late."""


@pytest.mark.parametrize(
    "content",
    [*NOT_JSON.values(), *NOT_PROMISED.values()],
    ids=[*NOT_JSON, *NOT_PROMISED],
)
def test_not_json(content: bytes, wire: Wire) -> None:
    step = reply(200, content, {"Content-Type": "application/json", "X-Request-Id": "req-1"})
    with wire.serve([step, answer()]) as server, client_of(server) as client:
        error, elapsed = failure_of(client.whoami)
        assert type(error) is InvalidResponseError
        assert error.attempts == 1
        assert not error.outcome_unknown
        assert error.http_status == 200
        assert error.request_id == "req-1"
        assert elapsed < PROMPT
        # The body was read to its end: the connection serves on, if nothing says that it is behind.
        assert ask(client)["account"]["id"] == "acc_1"
        assert server.connections == (2 if content in NOT_PROMISED.values() else 1)


def test_write_whose_answer_is_not_json(wire: Wire) -> None:
    with wire.serve([reply(201, b"<html>")]) as server, client_of(server) as client:
        error, _ = failure_of(
            lambda: client.payment_methods.create(
                method_type="BANK_ACCOUNT", currency="VES", details={"account_number": "1"}
            )
        )
        assert type(error) is InvalidResponseError
        assert error.outcome_unknown
        assert error.attempts == 1


def test_integer_of_5000_digits(wire: Wire) -> None:
    """Python 3.11 and later refuse to read it; the others do."""
    step = reply(200, b'{"n": ' + b"9" * 5000 + b"}")
    with wire.serve([step]) as server, client_of(server) as client:
        if hasattr(sys, "get_int_max_str_digits"):
            error, _ = failure_of(lambda: ask(client))
            assert type(error) is InvalidResponseError
        else:
            assert ask(client)["n"] == 10**5000 - 1
