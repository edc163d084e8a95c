"""The connection is lost before or during the response: a NetworkError, and another attempt."""

from __future__ import annotations

import ssl
from http.client import IncompleteRead

import pytest

from tesote_sdk import ApiError, NetworkError
from tests.faults.harness import (
    KINDS,
    PROMPT,
    READ,
    WRITE,
    Kind,
    Wire,
    answer,
    ask,
    assert_same_bytes,
    client_of,
    failure_of,
)
from tests.faults.tables import CUT_REFUSALS, LOST
from tests.support.certificates import client_context
from tests.support.steps import (
    Step,
    cut,
    half_close,
    hang_up,
    head_only,
    on_accept,
    raw,
    reply,
    reset,
    unread,
)

UNTOLD_LENGTH = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n" + b'{"a": 1}'


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("step", LOST.values(), ids=LOST)
def test_lost(step: Step, kind: Kind, wire: Wire) -> None:
    with wire.serve([step] * 3) as server, client_of(server) as client:
        error, elapsed = failure_of(lambda: ask(client, kind))
        assert type(error) is NetworkError
        assert error.attempts == 3
        assert error.outcome_unknown is kind.writes
        assert isinstance(error.__cause__, (OSError, IncompleteRead))
        assert error.error_code == "NETWORK_ERROR"
        assert elapsed < PROMPT
        assert_same_bytes(server, 3)
        if kind.writes:
            assert error.request_summary is not None
            assert error.request_summary["idempotency_key"] in str(error)


@pytest.mark.parametrize("step", LOST.values(), ids=LOST)
def test_lost_once(step: Step, wire: Wire) -> None:
    with wire.serve([step, answer()]) as server, client_of(server) as client:
        assert ask(client, WRITE)["account"]["id"] == "acc_1"
        assert_same_bytes(server, 2)
        assert server.connections == 2


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("step", [hang_up(), reset()], ids=["closed", "reset"])
def test_accepted_and_lost(step: Step, kind: Kind, wire: Wire) -> None:
    with wire.serve([on_accept(step)] * 3) as server, client_of(server) as client:
        error, elapsed = failure_of(lambda: ask(client, kind))
        assert type(error) is NetworkError
        assert error.attempts == 3
        # Without a TLS handshake nothing can have been sent. Over plain TCP the request left the
        # machine, or the connect itself was seen to fail.
        if wire.encrypted or not kind.writes:
            assert not error.outcome_unknown
        assert isinstance(error.__cause__, OSError)
        assert server.requests == []
        assert elapsed < PROMPT


def test_closed_unread(wire: Wire) -> None:
    with wire.serve([unread(hang_up())] * 3) as server, client_of(server) as client:
        error, _ = failure_of(lambda: ask(client, WRITE))
        assert type(error) is NetworkError
        assert error.outcome_unknown
        assert error.attempts == 3


def test_closed_without_tls_goodbye_where_the_length_was_not_told() -> None:
    """Over TLS such an end can be anybody's work (RFC 9112, section 9.8)."""
    context = client_context()
    # Python 3.9 with OpenSSL 3 can tell the difference only if it is asked to.
    context.options &= ~getattr(ssl, "OP_IGNORE_UNEXPECTED_EOF", 0)
    ragged = cut(raw(UNTOLD_LENGTH), len(UNTOLD_LENGTH))
    with Wire("https").serve([ragged] * 3) as server:
        with client_of(server, ssl_context=context) as client:
            error, _ = failure_of(lambda: ask(client))
        assert type(error) is NetworkError
        assert error.attempts == 3


@pytest.mark.parametrize("step", CUT_REFUSALS.values(), ids=CUT_REFUSALS)
def test_refusal_with_broken_body_keeps_its_status(step: Step, wire: Wire) -> None:
    with wire.serve([step]) as server, client_of(server) as client:
        error, _ = failure_of(lambda: ask(client, WRITE))
        assert isinstance(error, ApiError)
        assert error.http_status == 404
        assert not error.outcome_unknown
        assert error.attempts == 1


def test_refused_while_the_body_is_still_being_sent(wire: Wire) -> None:
    """The server answers 413 having read the head alone, and hangs up on megabytes of body."""
    early = head_only(half_close(reply(413, {"error": "too large"}, close=True)))
    with wire.serve([early] * 3) as server, client_of(server) as client:
        error, _ = failure_of(
            lambda: client.request("POST", "/v2/things", body={"note": "x" * 3_000_000})
        )
        assert isinstance(error, ApiError)
        assert error.http_status == 413
        assert error.attempts == 1


def test_get_is_not_marked_as_unknown(wire: Wire) -> None:
    with wire.serve([hang_up()] * 3) as server, client_of(server) as client:
        assert not failure_of(lambda: ask(client, READ)).error.outcome_unknown
