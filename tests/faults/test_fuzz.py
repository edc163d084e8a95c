"""Thousands of damaged answers: only promised results or typed errors come out, and in time.

Each case is made of its number and the seed alone. `FUZZ_SEED` and `FUZZ_CASES` in the environment
look further than a test run has time for.
"""

from __future__ import annotations

import copy
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
from tests.support.certificates import server_context
from tests.support.steps import reply

if TYPE_CHECKING:
    from collections.abc import Iterator

SEED = int(os.environ.get("FUZZ_SEED", "20240229"))
CASES = int(os.environ.get("FUZZ_CASES", "3000"))
TLS_CASES = CASES // 10

TOTAL_TIMEOUT = 1.0

TRANSACTION = {"id": "t1", "amount": "12.50", "data": {"n": [1, 2.5, None, True, "ñ"]}}
ACCOUNT = {"id": "acc_1", "name": "Main", "balance": 1e3, "bank": {"code": "0105"}}
PAGE = {"transactions": [TRANSACTION] * 3, "pagination": {"has_more": True, "after_id": "t1"}}
REFUSAL = {"error": "no", "error_code": "RATE_LIMIT_EXCEEDED", "retry_after": 3, "error_id": "e"}
LIMITS = {"X-RateLimit-Limit": "200", "X-RateLimit-Remaining": "7", "X-RateLimit-Reset": "60"}
BODIES: list[Any] = [ACCOUNT, {"account": ACCOUNT}, PAGE, {"accounts": [ACCOUNT]}, REFUSAL]
ODD_VALUES: list[Any] = [
    None,
    True,
    0,
    -1,
    1e3,
    10**40,
    "",
    "x",
    "\0",
    "\ud800",
    [],
    {},
    [[]],
    {"id": ""},
    {"id": 1},
    [1, "a"],
    {"data": {"id": "y"}},
    "2024-02-30",
    "-0",
    [None] * 50,
]
STATUSES = [200] * 12 + [201, 204, 206, 302, 304, 400, 401, 403, 404, 409, 410, 422, 429, 500, 503]
HEADERS = [
    {},
    LIMITS,
    {"Retry-After": "2"},
    {"Link": '</v3>; rel="successor-version"', "Deprecation": "@1"},
    {"X-Request-Id": "req-1", "ETag": '"1"'},
    {"Connection": "close"},
]
PREFIXES = [b""] * 9 + [b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"]


TOKENS = [
    b"\r\n",
    b"\n",
    b"\r",
    b"\r\n\r\n",
    b":",
    b" ",
    b"\t",
    b",",
    b";",
    b"\x00",
    b"\xff",
    b"\xef\xbb\xbf",
    b"HTTP/1.1 ",
    b"HTTP/1.0 200 OK\r\n",
    b"HTTP/1.1 100 Continue\r\n\r\n",
    b"101",
    b"999",
    b"0",
    b"-1",
    b"99999999999999999999",
    b"1e999",
    b"NaN",
    b"-Infinity",
    b"null",
    b"{}",
    b"[]",
    b'"',
    b"{",
    b"[" * 3000,
    b"\\ud800",
    b"\\u0000",
    b"Content-Length: 5\r\n",
    b"Content-Length: -5\r\n",
    b"Connection: close\r\n",
    b"Transfer-Encoding: chunked\r\n",
    b"Transfer-Encoding: identity\r\n",
    b"Content-Encoding: gzip\r\n",
    b"Content-Encoding: br\r\n",
    b"Content-Type: text/html; charset=utf-99\r\n",
    b"Retry-After: x\r\n",
    b"Retry-After: Fri, 31 Dec 9999 23:59:59 GMT\r\n",
    b"X-RateLimit-Reset: 1e400\r\n",
    b"X: y\r\n" * 101,
    b"X-Request-Id: \x1b[31m\xff\r\n",
    b" folded\r\n",
    b"Deprecation: @1\r\n",
    b"Sunset: soon\r\n",
    b'ETag: ""\r\n',
    b"5\r\nhello\r\n",
    b"0\r\n\r\n",
    b"FFFFFFFFFFFFFFFF\r\n",
    b"-5\r\n",
    b"0x5\r\n",
    gzip.compress(b"{}", mtime=0),
]


def _body(chance: random.Random) -> bytes:
    """Return a promised body, in which now and then a value is replaced by an odd one."""
    body = copy.deepcopy(chance.choice(BODIES))
    for _ in range(chance.choice((0, 0, 1, 2))):
        holder: Any = body
        while isinstance(holder, (dict, list)) and holder:
            place: Any = chance.choice(list(holder) if isinstance(holder, dict) else [0, -1])
            if chance.random() < 0.4 or not isinstance(holder[place], (dict, list)):
                holder[place] = copy.deepcopy(chance.choice(ODD_VALUES))
                break
            holder = holder[place]
    return json.dumps(body, ensure_ascii=chance.random() < 0.9).encode("utf-8", "surrogatepass")


def _answer(chance: random.Random) -> bytes:
    """Return a well-formed answer."""
    body, headers = _body(chance), dict(chance.choice(HEADERS))
    if chance.random() < 0.3:
        # The time of compression would make two runs different (RFC 1952, section 2.3.1).
        body = gzip.compress(body, mtime=0)
        headers["Content-Encoding"] = "gzip"
    options: dict[str, Any] = {"chunked": True} if chance.random() < 0.4 else {}
    if chance.random() < 0.1:
        options = {"http": "1.0"}
    return (
        chance.choice(PREFIXES) + reply(chance.choice(STATUSES), body, headers, **options).content
    )


def damaged(case: int) -> bytes:
    """Return the answer of a case: a well-formed one with up to four things done to it."""
    chance = random.Random(f"{SEED}-{case}")
    content = bytearray(_answer(chance))
    for _ in range(chance.randint(0, 4)):
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
    """Answers every request with `content`, and closes."""

    def __init__(self, *, tls: bool) -> None:
        self.content = b""
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
                if sock.recv(65536):
                    sock.sendall(self.content)
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
    with client_of(
        server.url,
        read_timeout=TOTAL_TIMEOUT / 2,
        total_timeout=TOTAL_TIMEOUT,
        retry_policy=RetryPolicy(max_attempts=1),
    ) as client:
        for case in range(cases):
            server.content = damaged(case)
            started = time.monotonic()
            outcome = _outcome(client, case)
            assert time.monotonic() - started < TOTAL_TIMEOUT + 1, f"case {case}"
            outcomes[outcome] = outcomes.get(outcome, 0) + 1
    # Neither does everything fail, nor is everything taken.
    assert outcomes["result"] > cases / 20
    assert outcomes["InvalidResponseError"] > cases / 20
    assert outcomes["NetworkError"] > cases / 50


def _outcome(client: V2Client, case: int) -> str:
    try:
        CALLS[case % 3](client, case)
    except TesoteError as error:
        return _checked(error)
    except Exception as error:
        raise AssertionError(f"case {case}: {damaged(case)!r}") from error
    return "result"


def _checked(error: TesoteError) -> str:
    assert "\n" not in str(error)
    json.dumps(error.to_dict())
    return type(error).__name__
