"""An opener's response is read no further than it may be long, and within the time of the call."""

from __future__ import annotations

import io
import socket
import time
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from tesote_sdk import RetryPolicy, V2Client, errors
from tests.support.scripted_server import ScriptedServer
from tests.support.steps import Step, drip, reply
from tests.transport.calls import transport_to
from tests.transport.test_openers import NOWHERE, Answer, Recorder, fails, urlopen

if TYPE_CHECKING:
    from tests.support.connections import Connection


class Flood:
    """A step that promises 700 MiB, or nothing, and sends zeros until the client leaves."""

    def __init__(self, head: bytes) -> None:
        self.sent = 0
        self._head = head

    def step(self) -> Step:
        def play(connection: Connection) -> None:
            connection.send(self._head)
            while True:
                connection.send(bytes(65536))
                self.sent += 65536

        return Step("flood", play)


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (700 * 2**20),
        b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n",
    ],
    ids=["promised", "without an end"],
)
def test_a_body_is_read_no_further_than_it_may_be_long(
    head: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tesote_sdk.transport.openers.MAX_CONTENT", 2**20)
    flood = Flood(head)
    with ScriptedServer([flood.step()]) as server:
        error = fails(urlopen(), "POST", server.url)
        server.wait_for_disconnects(1)
    assert type(error) is errors.InvalidResponseError
    assert "larger than the 1048576 bytes" in error.message
    assert error.outcome_unknown
    assert flood.sent < 30 * 2**20  # what the sockets hold included


@pytest.mark.parametrize(
    ("options", "phase"),
    [
        ({"read_timeout": 0.1, "total_timeout": 5}, "read"),
        ({"read_timeout": 5, "total_timeout": 0.1}, "total"),
    ],
)
def test_a_wait_that_ends_early_ends_with_the_timeout_that_bounded_it(
    options: dict[str, Any], phase: str
) -> None:
    """As on Windows, where a clock that goes in steps says that there is time left."""

    def opener(*_: object, timeout: float) -> None:
        time.sleep(timeout - 0.01)
        raise socket.timeout("timed out")

    error = fails(opener, "POST", NOWHERE, **options)
    assert isinstance(error, errors.TimeoutError)
    assert error.phase == phase
    assert error.message.startswith(f"the {phase} timeout passed while waiting for the opener")


def test_a_shorter_timeout_of_the_openers_own_is_tried_again() -> None:
    """Such as one for connecting: the call has all its time left, and a read may be repeated."""
    tries = []

    def opener(*_: object, timeout: float) -> SimpleNamespace:
        tries.append(timeout)
        if len(tries) == 1:
            raise socket.timeout("timed out")
        return SimpleNamespace(status=200, headers={}, read=io.BytesIO(b'{"status": "ok"}').read)

    with V2Client(
        "sk_test_1234",
        base_url="http://127.0.0.1:9",
        opener=opener,
        read_timeout=30,
        total_timeout=20,
        retry_policy=RetryPolicy(base_delay=0.001),
    ) as client:
        assert client.status() == {"status": "ok"}
    assert len(tries) == 2


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_that_drips_ends_with_the_total_timeout(chunked: bool) -> None:
    slow = reply(200, b"x" * 2000, chunked=chunked)
    with ScriptedServer(lambda _: drip(slow, 0.005)) as server:
        error = fails(urlopen(), "POST", server.url, read_timeout=5, total_timeout=0.3)
    assert type(error) is errors.TimeoutError
    assert (error.phase, error.outcome_unknown) == ("total", True)


def test_a_read_may_take_no_size_or_give_more_than_it_was_asked_for() -> None:
    class Generous(Answer):
        def read(self, size: int = -1) -> bytes:
            content, self._content = self._content, b""
            return content

    content = b"a" * 200_000
    for answer in (Answer(content), Generous(content)):
        with transport_to(NOWHERE, opener=Recorder(answer)) as transport:
            assert transport.request("GET", "/v2/x").content == content
    with transport_to(NOWHERE, opener=Recorder(Generous(content))) as transport:
        assert transport.request("GET", "/v2/x").content == content


@pytest.mark.parametrize(("missing", "status"), [(1, 200), (200, 200), (1, 404)])
def test_a_body_shorter_than_promised_is_cut(missing: int, status: int) -> None:
    """Some openers take the connection's end for the body's."""
    short = Answer(b"x" * 500, status, {"Content-Length": str(500 + missing)})
    error = fails(Recorder(short, short, short), "POST")
    if status == 404:
        assert type(error) is errors.NotFoundError
        assert error.response_body == "x" * 500
    else:
        assert type(error) is errors.NetworkError
        assert (error.attempts, error.outcome_unknown) == (3, True)


@pytest.mark.parametrize("size", [8, 9])
def test_a_body_is_as_large_as_may_be_and_no_larger(
    size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tesote_sdk.transport.openers.MAX_CONTENT", 8)
    opener = Recorder(Answer(b"x" * size))
    if size == 9:
        assert "larger than the 8 bytes" in fails(opener).message
        return
    with transport_to(NOWHERE, opener=opener) as transport:
        assert transport.request("GET", "/v2/x").content == b"x" * 8


class Exact(Answer):
    """Waits for ever where it is asked for more than it has."""

    def __init__(self, content: bytes) -> None:
        super().__init__(content, headers={"Content-Length": str(len(content))})
        self._left = io.BytesIO(content)

    def read(self, size: int = -1) -> bytes:
        piece = self._left.read(size)
        assert piece, "it would wait for ever"
        return piece


def test_no_more_is_read_than_was_promised() -> None:
    with transport_to(NOWHERE, opener=Recorder(Exact(b"{}"))) as transport:
        assert transport.request("GET", "/v2/x").content == b"{}"


def test_an_answer_that_confirms_tells_the_length_of_another() -> None:
    """That of the body which it has none of (RFC 9110, section 8.6)."""
    confirms = Answer(b"", 304, {"ETag": '"e1"', "Content-Length": "2"})
    condition = {"If-None-Match": '"e1"'}
    with transport_to(NOWHERE, opener=Recorder(confirms)) as transport:
        response = transport.request("GET", "/v2/x", extra_headers=condition)
    assert (response.status, response.content) == (304, b"")
