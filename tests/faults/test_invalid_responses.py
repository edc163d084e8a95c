"""What comes is no valid answer: an InvalidResponseError, at once, and no second attempt."""

from __future__ import annotations

import gzip

import pytest

from tesote_sdk import InvalidResponseError
from tesote_sdk.transport import framing
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
from tests.faults.tables import NOT_HTTP, NOT_JSON, NOT_PROMISED
from tests.support.steps import Step, raw, reply


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
    bomb = reply(200, gzip.compress(bytes(MAX_CONTENT + 1), 9), {"Content-Encoding": "gzip"})
    with Wire("https").serve([bomb]) as server, client_of(server, read_timeout=5) as client:
        error, elapsed = failure_of(lambda: ask(client, WRITE))
        assert type(error) is InvalidResponseError
        assert error.attempts == 1
        assert error.outcome_unknown
        assert elapsed < 5 * PROMPT


def test_chunked_beyond_the_limit(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(framing, "MAX_CONTENT", 3000)
    with wire.serve([reply(200, b"x" * 10_000, chunked=True)]) as server:
        with client_of(server) as client:
            error, _ = failure_of(lambda: client.request("GET", "/v2/things"))
        assert type(error) is InvalidResponseError
        assert "3000" in str(error)


def test_length_not_told_beyond_the_limit(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(framing, "MAX_CONTENT", 100_000)
    endless = raw(b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 200_000)
    with wire.serve([endless]) as server, client_of(server) as client:
        error, _ = failure_of(lambda: client.request("GET", "/v2/things"))
        assert type(error) is InvalidResponseError


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
        # It may be the answer to another request: the connection is not trusted any more.
        assert ask(client)["account"]["id"] == "acc_1"
        assert server.connections == 2


def test_json_that_is_asked_for_late_hangs_nobody_up(wire: Wire) -> None:
    """By then the connection may be in the middle of another call, of another thread's payment."""
    with wire.serve([reply(204), answer()]) as server, client_of(server) as client:
        response = client.request("GET", "/v2/things")
        assert type(failure_of(lambda: response.json).error) is InvalidResponseError
        assert ask(client)["account"]["id"] == "acc_1"
        assert server.connections == 1


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
    """Later Pythons refuse to read it, since it takes time that no timeout ends."""
    step = reply(200, b'{"n": ' + b"9" * 5000 + b"}")
    with wire.serve([step]) as server, client_of(server) as client:
        error, _ = failure_of(lambda: ask(client))
        assert type(error) is InvalidResponseError
