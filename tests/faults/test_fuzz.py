"""Thousands of damaged answers: only promised results or typed errors come out, and in time.

Each case is made of its number and the seed alone. `FUZZ_SEED` and `FUZZ_CASES` in the environment
look further than a test run has time for.
"""

from __future__ import annotations

import gzip
import json
import os
import random
import socket
import threading
import time
from typing import TYPE_CHECKING, Any, Callable

import pytest

from tesote_sdk import RetryPolicy, TesoteError, V2Client
from tests.faults.harness import client_of
from tests.support.certificates import client_context, server_context
from tests.support.steps import raw, reply

if TYPE_CHECKING:
    from collections.abc import Iterator

SEED = int(os.environ.get("FUZZ_SEED", "20240229"))
CASES = int(os.environ.get("FUZZ_CASES", "4000"))
TLS_CASES = CASES // 10

TOTAL_TIMEOUT = 1.0

TRANSACTION = {"id": "t1", "amount": "12.50", "data": {"n": [1, 2.5, None, True, "ñ"]}}
ACCOUNT = {"id": "acc_1", "name": "Main", "balance": 1e3, "bank": {"code": "0105"}}
PAGE = {"transactions": [TRANSACTION] * 3, "pagination": {"has_more": True, "after_id": "t1"}}
REFUSAL = {"error": "no", "error_code": "RATE_LIMIT_EXCEEDED", "retry_after": 3, "error_id": "e"}
LIMITS = {"X-RateLimit-Limit": "200", "X-RateLimit-Remaining": "7", "X-RateLimit-Reset": "60"}
HINTS = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"

VALID = [
    reply(200, body, LIMITS, chunked=chunked, gzip=packed).content
    for body in (ACCOUNT, {"account": ACCOUNT}, PAGE)
    for chunked in (False, True)
    for packed in (False, True)
] + [
    HINTS + reply(200, ACCOUNT).content,
    reply(200, ACCOUNT, http="1.0").content,
    raw(b"HTTP/1.1 200 OK\r\n\r\n" + json.dumps(PAGE).encode()).content,
    reply(204).content,
    reply(429, REFUSAL, {"Retry-After": "2", **LIMITS}).content,
    reply(503, REFUSAL, gzip=True, chunked=True).content,
    reply(302, "", {"Location": "https://example.test/"}).content,
    reply(410, {"error": "gone"}, {"Link": '</v3>; rel="successor-version"'}).content,
]

GZIP_HEAD = b"\x1f\x8b\x08\x00"
# The time of compression is in it (RFC 1952, section 2.3.1): two runs are to be the same.
VALID = [
    content[: at + 4] + bytes(4) + content[at + 8 :] if (at := content.find(GZIP_HEAD)) >= 0 else content
    for content in VALID
]

TOKENS = [
    b"\r\n", b"\n", b"\r", b"\r\n\r\n", b":", b" ", b"\t", b",", b";", b"\x00", b"\xff", b"\xef\xbb\xbf",
    b"HTTP/1.1 ", b"HTTP/1.0 200 OK\r\n", b"HTTP/1.1 100 Continue\r\n\r\n", b"101", b"999", b"0", b"-1",
    b"99999999999999999999", b"1e999", b"NaN", b"-Infinity", b"null", b"{}", b"[]", b'"', b"{", b"[" * 3000,
    b"\\ud800", b"\\u0000", b"Content-Length: 5\r\n", b"Content-Length: -5\r\n", b"Connection: close\r\n",
    b"Transfer-Encoding: chunked\r\n", b"Transfer-Encoding: identity\r\n", b"Content-Encoding: gzip\r\n",
    b"Content-Encoding: br\r\n", b"Content-Type: text/html; charset=utf-99\r\n", b"Retry-After: x\r\n",
    b"Retry-After: Fri, 31 Dec 9999 23:59:59 GMT\r\n", b"X-RateLimit-Reset: 1e400\r\n", b"X: y\r\n" * 101,
    b"X-Request-Id: \x1b[31m\xff\r\n", b" folded\r\n", b"Deprecation: @1\r\n", b"Sunset: soon\r\n", b"ETag: \"\"\r\n",
    b"5\r\nhello\r\n", b"0\r\n\r\n", b"FFFFFFFFFFFFFFFF\r\n", b"-5\r\n", b"0x5\r\n", gzip.compress(b"{}", mtime=0),
]  # fmt: skip


def damaged(case: int) -> bytes:
    """Return the answer of a case: a valid one with one to four things done to it."""
    chance = random.Random(f"{SEED}-{case}")  # noqa: S311
    content = bytearray(chance.choice(VALID))
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(content) + 1)
        end = min(len(content), at + chance.choice((1, 1, 2, 8, 40)))
        kind = chance.randrange(7)
        if kind == 0 and at < len(content):
            content[at] ^= 1 << chance.randrange(8)
        elif kind == 1:
            del content[at:end]
        elif kind == 2:
            content[at:at] = content[at:end] * chance.choice((1, 3, 200))
        elif kind == 3:
            content[at:end] = chance.choice(TOKENS)
        elif kind == 4:
            content[at:at] = chance.choice(TOKENS)
        elif kind == 5:
            lines = bytes(content).split(b"\r\n")
            chance.shuffle(lines) if chance.random() < 0.1 else lines.insert(
                chance.randrange(len(lines)), chance.choice(TOKENS).rstrip()
            )
            content = bytearray(b"\r\n".join(lines))
        elif chance.random() < 0.3:
            del content[at:]
    return bytes(content)


class DamagedServer:
    """Answers a request for `.../<case>...` with that case, and closes."""

    def __init__(self, *, tls: bool) -> None:
        self._context = server_context() if tls else None
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        port = self._listener.getsockname()[1]
        self.url = f"https://localhost:{port}" if tls else f"http://127.0.0.1:{port}"
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            try:
                if self._context:
                    sock = self._context.wrap_socket(sock, server_side=True)
                head = sock.recv(65536)
                if not head:
                    continue
                number = head.split(b" ")[1].split(b"/")[3].split(b"?")[0]
                sock.sendall(damaged(int(number)))
            except OSError:
                pass
            finally:
                sock.close()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(5)


@pytest.fixture(params=[False, True], ids=["http", "https"])
def server(request: pytest.FixtureRequest) -> Iterator[DamagedServer]:
    running = DamagedServer(tls=request.param)
    yield running
    running.close()


def _account(client: V2Client, case: int) -> None:
    account = client.accounts.get(str(case))
    assert isinstance(account, dict)
    assert account["id"]


def _page(client: V2Client, case: int) -> None:
    page = client.transactions.list_for_account(str(case))
    assert isinstance(page.data, list)
    assert all(isinstance(item, dict) for item in page.data)
    assert page.has_next_page() in (True, False)
    assert page.next_params is None or isinstance(page.next_params, dict)


def _response(client: V2Client, case: int) -> None:
    response = client.request("GET", f"/v2/things/{case}")
    assert 200 <= response.status < 300
    assert isinstance(response.content, bytes)
    assert isinstance(response.body, str)


CALLS: list[Callable[[V2Client, int], None]] = [_account, _page, _response]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_damaged_answers(server: DamagedServer) -> None:
    cases = TLS_CASES if server.url.startswith("https") else CASES
    outcomes: dict[str, int] = {}
    context = client_context()
    for case in range(cases):
        # A client for each: what an answer left behind must not be what the next one meets.
        with client_of(
            server.url,
            read_timeout=TOTAL_TIMEOUT / 2,
            total_timeout=TOTAL_TIMEOUT,
            retry_policy=RetryPolicy(max_attempts=1),
            ssl_context=context,
        ) as client:
            started = time.monotonic()
            try:
                CALLS[case % 3](client, case)
                outcome = "result"
            except TesoteError as error:
                outcome = type(error).__name__
                _survives(error)
            except Exception as error:
                raise AssertionError(f"case {case}: {damaged(case)!r}") from error
            assert time.monotonic() - started < TOTAL_TIMEOUT + 1, f"case {case}"
            outcomes[outcome] = outcomes.get(outcome, 0) + 1
    # Neither does everything fail, nor is everything taken.
    assert outcomes["result"] > cases / 20
    assert outcomes["InvalidResponseError"] > cases / 20
    assert outcomes["NetworkError"] > cases / 50


def _survives(error: Any) -> None:
    assert "\n" not in str(error)
    json.dumps(error.to_dict())
