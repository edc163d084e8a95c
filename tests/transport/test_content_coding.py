"""gzip, undone within bounds of size and of time."""

from __future__ import annotations

import gzip
import itertools
import json
import socket
import time
import zlib
from typing import TYPE_CHECKING, Any

import pytest

from tesote_sdk.errors import (
    BadRequestError,
    InvalidResponseError,
    TesoteError,
    TimeoutError,
    ValidationError,
)
from tesote_sdk.transport import content_coding
from tesote_sdk.transport.content_coding import decompress, readable_refusal
from tesote_sdk.transport.messages import MAX_REFUSAL
from tesote_sdk.transport.timeouts import Deadline
from tests.support.steps import reply
from tests.transport.calls import failure_of, scripted

if TYPE_CHECKING:
    from tests.support.http_messages import Request
    from tests.support.steps import Step

AMPLE = Deadline(time.monotonic, float("inf"), "total")
HEADER = b"\x1f\x8b\x08"


def fetched(content: bytes, coding: str, status: int = 200) -> bytes:
    """Return what a call makes of a body that a server sent with a Content-Encoding."""
    with scripted([reply(status, content, {"Content-Encoding": coding})]) as (transport, _):
        return transport.request("GET", "/v2/x").content


def refused(content: Any, coding: str, status: int = 422) -> TesoteError:
    with scripted([reply(status, content, {"Content-Encoding": coding})]) as (transport, _):
        return failure_of(lambda: transport.request("GET", "/v2/x"))


# ---- what is undone ----


def test_gzip_member_by_member() -> None:
    assert decompress(gzip.compress(b"a") + gzip.compress(b"b"), "GZip", AMPLE) == b"ab"
    assert decompress(gzip.compress(b"a"), "x-gzip", AMPLE) == b"a"
    assert decompress(b"a", "identity", AMPLE) == decompress(b"a", "", AMPLE) == b"a"
    assert decompress(b"", "gzip", AMPLE) == b""


@pytest.mark.parametrize(
    "more",
    [b"x", b"\n", bytes(512), b"\x1f", b"HTTP/1.1 200 OK\r\n\r\n", gzip.compress(b"b")[1:]],
    ids=["a byte", "a line end", "padding", "half a magic", "text", "no beginning"],
)
def test_what_follows_a_gzip_member_and_is_none_is_passed_over(more: bytes) -> None:
    """As gzip(1) does, and for the same reason: some programs pad what they compress."""
    assert fetched(gzip.compress(b'{"a":1}') + more, "gzip") == b'{"a":1}'


@pytest.mark.parametrize(
    "content",
    [
        b"x",
        gzip.compress(b"a")[:-1],
        gzip.compress(b"a") + gzip.compress(b"b")[:-1],
        gzip.compress(b"a") + HEADER,
        zlib.compress(b"a"),
    ],
    ids=["none", "cut", "a second one cut", "a second one begun", "zlib"],
)
def test_what_is_no_gzip(content: bytes) -> None:
    with pytest.raises(ValueError, match="gzip"):
        decompress(content, "gzip", AMPLE)


@pytest.mark.parametrize("coding", ["none", "None", "utf-8", "UTF-8", "identity, none", "", " , "])
def test_a_coding_that_says_that_there_is_none(coding: str) -> None:
    assert fetched(b'{"a":1}', coding) == b'{"a":1}'


@pytest.mark.parametrize("coding", ["gzip, gzip", "x-gzip,GZIP", "gzip, identity", "utf-8, gzip"])
def test_a_coding_that_two_have_named_was_applied_once(coding: str) -> None:
    """An application and a gateway before it both said so."""
    assert fetched(gzip.compress(b'{"a":1}'), coding) == b'{"a":1}'


@pytest.mark.parametrize("coding", ["br", "deflate", "zstd", "gzip, br", "aws-chunked"])
def test_a_coding_that_was_not_asked_for_is_an_invalid_response(coding: str) -> None:
    with scripted([reply(200, b"{}", {"Content-Encoding": coding})]) as (transport, _):
        error = failure_of(lambda: transport.request("POST", "/v2/x"))
    assert type(error) is InvalidResponseError
    assert error.outcome_unknown


# ---- bounds ----


def test_limits_of_gzip(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(content_coding, "MAX_CONTENT", 1000)
    assert len(decompress(gzip.compress(bytes(1000)), "gzip", AMPLE)) == 1000
    with pytest.raises(ValueError, match="1000 bytes"):
        decompress(gzip.compress(bytes(1001)), "gzip", AMPLE)
    with pytest.raises(ValueError, match="1000 bytes"):
        decompress(gzip.compress(bytes(600)) * 2, "gzip", AMPLE)


def test_a_hundred_gzip_members_are_undone_and_no_more() -> None:
    assert decompress(gzip.compress(b"a") * 100, "gzip", AMPLE) == b"a" * 100
    with pytest.raises(ValueError, match="more than 100 members"):
        decompress(gzip.compress(b"a") * 101, "gzip", AMPLE)


def test_many_empty_gzip_members_take_no_time() -> None:
    content = gzip.compress(b"") * 200_000
    started = time.monotonic()
    with pytest.raises(ValueError, match="members"):
        decompress(content, "gzip", AMPLE)
    assert time.monotonic() - started < 1


MEMBERS = gzip.compress(bytes(10_000)) * 99


@pytest.mark.parametrize("content", [MEMBERS, gzip.compress(bytes(30_000_000))])
def test_what_is_done_with_a_body_counts_against_the_deadline(content: bytes) -> None:
    ticks = itertools.count()
    deadline = Deadline(lambda: next(ticks), 50, "total")
    with pytest.raises(socket.timeout):
        decompress(content, "gzip", deadline)
    assert next(ticks) == 51
    assert len(decompress(MEMBERS, "gzip", AMPLE)) == 99 * 10_000


def test_a_call_whose_body_takes_too_long_to_undo_ends_with_its_total_timeout() -> None:
    readings = itertools.count()
    answered = False

    def clock() -> float:
        return time.monotonic() + (next(readings) if answered else 0)

    def answer(_: Request) -> Step:
        nonlocal answered
        answered = True
        return reply(200, MEMBERS, {"Content-Encoding": "gzip"})

    with scripted(answer, clock=None, total_timeout=60, read_timeout=60) as (transport, _):
        transport.clock = clock
        transport.sleep = time.sleep
        error: Any = failure_of(lambda: transport.request("POST", "/v2/x"))
    assert type(error) is TimeoutError
    assert (error.phase, error.attempts, error.outcome_unknown) == ("total", 1, True)
    assert error.http_status == 200


# ---- refusals ----


@pytest.mark.parametrize("coding", ["br", "gzip", "deflate", "gzip, br", "x"])
def test_a_refusal_under_a_coding_that_is_none_keeps_its_code(coding: str) -> None:
    error = refused({"error": "No", "error_code": "VALIDATION_ERROR"}, coding)
    assert type(error) is ValidationError
    assert error.message == "No"


def test_a_refusal_in_gzip_keeps_its_code_though_it_is_cut() -> None:
    envelope = json.dumps({"error": "No", "error_code": "VALIDATION_ERROR"}).encode()
    assert type(refused(gzip.compress(envelope), "gzip")) is ValidationError
    error = refused(gzip.compress(envelope)[:-8], "gzip")
    assert (error.http_status, error.response_body) == (422, envelope.decode())


def test_of_a_refusal_a_mebibyte_is_kept() -> None:
    plain = b"[" + b"0," * (4 * MAX_REFUSAL)
    small = gzip.compress(plain)
    assert len(small) < 30_000
    for content, coding in ((plain, ""), (small, "gzip"), (plain, "br")):
        assert readable_refusal(content, coding, AMPLE) == plain[:MAX_REFUSAL]
        error = refused(content, coding, 400)
        assert type(error) is BadRequestError
        assert error.response_body == plain[:MAX_REFUSAL].decode()


def test_no_more_of_a_refusal_is_undone_than_is_kept() -> None:
    """A body of a few KiB can hold gigabytes."""
    looks = itertools.count()
    deadline = Deadline(lambda: next(looks), 10**6, "total")
    kept = readable_refusal(gzip.compress(bytes(50 * MAX_REFUSAL)), "gzip", deadline)
    assert kept == bytes(MAX_REFUSAL)
    assert next(looks) < 30


def test_a_refusal_that_takes_too_long_to_undo_is_a_refusal() -> None:
    ticks = itertools.count()
    deadline = Deadline(lambda: next(ticks), 3, "total")
    assert readable_refusal(MEMBERS, "gzip", deadline) == bytes(20_000)
