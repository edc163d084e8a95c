"""Header fields that a function of the user's makes: asked once a call, checked, sent unchanged."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import pytest

from tesote_sdk import InvalidArgumentError, TesoteError, V2Client
from tests.support.scripted_server import ScriptedServer
from tests.support.steps import hang_up, reply
from tests.transport.calls import KEY, FakeTime, failure_of, scripted

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Callable

OK = reply(200, {"id": "a1"})


def traces() -> Callable[[], Mapping[str, str]]:
    """Return a function whose `traceparent` is another each time."""
    numbers = itertools.count(1)
    return lambda: {"traceparent": f"00-{next(numbers):032x}-00f067aa0ba902b7-01"}


def traceparent(number: int) -> str:
    return f"00-{number:032x}-00f067aa0ba902b7-01"


def test_every_attempt_of_a_call_has_the_same_traceparent() -> None:
    with scripted([reply(503), hang_up(), OK, OK], FakeTime(), headers=traces()) as (
        transport,
        server,
    ):
        transport.request("POST", "/v2/x", body={"a": 1})
        transport.request("GET", "/v2/x")
    first, second, third, other = server.requests
    assert first.headers["traceparent"] == traceparent(1)
    assert first.raw == second.raw == third.raw
    assert other.headers["traceparent"] == traceparent(2)


def test_each_page_of_a_list_is_a_call_of_its_own() -> None:
    pages = [{"accounts": [{"id": f"a{n}"}], "pagination": {"total_pages": 2}} for n in (1, 2)]
    with (
        ScriptedServer([reply(200, page) for page in pages]) as server,
        V2Client(KEY, base_url=server.url, headers=traces()) as client,
    ):
        assert len(list(client.accounts.list())) == 2
    sent = [request.headers["traceparent"] for request in server.requests]
    assert sent == [traceparent(1), traceparent(2)]


def test_fields_of_the_clients_do_not_tell_cached_answers_apart() -> None:
    tagged = reply(200, {"id": "a1"}, {"ETag": '"e1"'})
    with scripted([tagged], headers=traces()) as (transport, server):
        for _ in range(3):
            assert transport.request("GET", "/v2/x", cache_ttl=60).json == {"id": "a1"}
    assert len(server.requests) == 1


def raising() -> Mapping[str, str]:
    raise LookupError("no trace here")


@pytest.mark.parametrize(
    ("function", "told"),
    [
        (lambda: None, "what the headers= function returns must be a dict"),
        (lambda: [("a", "b")], "what the headers= function returns must be a dict"),
        (lambda: "traceparent: x", "what the headers= function returns must be a dict"),
        (lambda: {"Authorization": "Bearer x"}, "Authorization is set by the SDK"),
        (lambda: {"HOST": "x"}, "HOST is set by the SDK"),
        (lambda: {"idempotency-key": "x"}, "idempotency-key is set by the SDK"),
        (lambda: {"Content-Length": "0"}, "Content-Length is set by the SDK"),
        (lambda: {"traceparent": "a\r\nHost: b"}, "the value of traceparent must be one line"),
        (lambda: {"traceparent": 7}, "the value of traceparent must be one line"),
        (lambda: {"trace parent": "a"}, "a name must be an HTTP token"),
        (raising, "the function passed as headers= failed with LookupError; nothing was sent"),
        (lambda wanted: {}, "the function passed as headers= failed with TypeError"),
    ],
)
def test_what_cannot_be_sent_is_refused_before_anything_is(
    function: Callable[..., Any], told: str
) -> None:
    events: list[Mapping[str, Any]] = []
    with scripted([], headers=function, logger=events.append) as (transport, server):
        error = failure_of(lambda: transport.request("POST", "/v2/x"))
        assert isinstance(error, InvalidArgumentError)
        assert told in error.message
        assert error.outcome_unknown is False
        assert server.requests == []
    assert events == []


def test_what_the_function_raised_is_the_cause() -> None:
    with scripted([], headers=raising) as (transport, _):
        error = failure_of(lambda: transport.request("GET", "/v2/x"))
    assert isinstance(error.__cause__, LookupError)


def test_a_function_may_end_the_program() -> None:
    def interrupt() -> Mapping[str, str]:
        raise KeyboardInterrupt

    with scripted([], headers=interrupt) as (transport, _), pytest.raises(KeyboardInterrupt):
        transport.request("GET", "/v2/x")


def test_a_function_that_calls_the_api_itself_may_fail_too() -> None:
    with ScriptedServer([reply(401)]) as server, V2Client(KEY, base_url=server.url) as inner:

        def tenant() -> Mapping[str, str]:
            return {"X-Tenant": str(inner.whoami())}

        with V2Client(KEY, base_url=server.url, headers=tenant) as client:
            with pytest.raises(TesoteError) as caught:
                client.status()
            assert isinstance(caught.value, InvalidArgumentError)
    assert len(server.requests) == 1
