"""What a client remembers of its newest answer: of this thread, and without a body."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, Any, NoReturn, Optional

import pytest

from tesote_sdk import NetworkError, RetryPolicy, V2Client
from tesote_sdk.transport import LastResponse
from tests.support.scripted_server import ScriptedServer
from tests.support.steps import hang_up, reply
from tests.support.systems import needs_fork
from tests.support.transports import transport_of
from tests.transport.calls import KEY, FakeTime, failure_of, scripted

if TYPE_CHECKING:
    from collections.abc import Mapping


def test_there_is_none_before_the_first_answer() -> None:
    with scripted([hang_up()] * 3, FakeTime()) as (transport, _):
        assert transport.last_response is None
        failure_of(lambda: transport.request("GET", "/v2/x"))
        assert transport.last_response is None


def test_it_is_what_the_newest_answer_said_of_itself_without_its_body() -> None:
    answers = [reply(503), reply(200, {"id": "secret"}, {"X-Request-Id": "req-2"})]
    with ScriptedServer(answers) as server, V2Client(KEY, base_url=server.url) as client:
        assert client.last_response is None
        client.accounts.get("secret")
        last = client.last_response
    assert last is not None
    assert (last.status, last.request_id, last.attempts) == (200, "req-2", 2)
    assert last.headers["Content-Type"] == "application/json"
    assert 0 <= last.elapsed_ms < 5000
    assert LastResponse.__slots__ == ("status", "headers", "attempts", "elapsed_ms")
    assert "secret" not in repr(last)


def test_a_refusal_is_an_answer_and_a_lost_one_is_none() -> None:
    steps = [
        reply(200, {}),
        reply(404, {}, {"X-Request-Id": "req-404"}),
        *[hang_up()] * 4,
    ]  # the kept-alive connection is replaced once
    with scripted(steps, FakeTime()) as (transport, _):
        transport.request("GET", "/v2/x")
        failure_of(lambda: transport.request("GET", "/v2/x"))
        refused = transport.last_response
        assert refused is not None
        assert (refused.status, refused.request_id, refused.attempts) == (404, "req-404", 1)
        failure_of(lambda: transport.request("GET", "/v2/x"))
        assert transport.last_response == refused


def test_a_cached_answer_leaves_the_servers_newest() -> None:
    steps = [reply(200, {}, {"X-Request-Id": f"req-{n}"}) for n in (1, 2)]
    with scripted(steps) as (transport, _):
        transport.request("GET", "/v2/kept", cache_ttl=60)
        transport.request("GET", "/v2/other")
        transport.request("GET", "/v2/kept", cache_ttl=60)
        last = transport.last_response
    assert last is not None
    assert last.request_id == "req-2"


def test_each_thread_has_its_own() -> None:
    seen: dict[str, Optional[str]] = {}
    steps = {f"/api/v2/{name}": reply(200, {}, {"X-Request-Id": name}) for name in "abc"}
    with scripted(lambda request: steps[request.target]) as (transport, _):
        together = threading.Barrier(3)

        def call(name: str) -> None:
            assert transport.last_response is None
            transport.request("GET", f"/v2/{name}")
            together.wait(10)
            last = transport.last_response
            seen[name] = last and last.request_id

        threads = [threading.Thread(target=call, args=(name,)) for name in "abc"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert transport.last_response is None
    assert seen == {"a": "a", "b": "b", "c": "c"}


def test_another_client_over_the_same_connections_has_its_own() -> None:
    with (
        ScriptedServer([reply(200, {"status": "ok"})]) as server,
        V2Client(KEY, base_url=server.url) as client,
    ):
        second = client.with_options(read_timeout=3)
        second.status()
        assert second.last_response is not None
        assert client.last_response is None


@needs_fork
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
def test_a_forked_child_was_told_nothing() -> None:
    with scripted([reply(200, {})]) as (transport, _):
        transport.request("GET", "/v2/x")
        child = os.fork()
        if child == 0:
            os._exit(0 if transport.last_response is None else 1)
        assert os.waitpid(child, 0)[1] == 0
        assert transport.last_response is not None


def test_the_time_that_a_failed_attempt_took_is_told_in_milliseconds() -> None:
    now = 0.0
    events: list[Mapping[str, Any]] = []

    def opener(*_: object, **__: object) -> NoReturn:
        nonlocal now
        now += 0.25
        raise OSError("lost")

    transport = transport_of(
        KEY,
        "https://api.example.test",
        opener=opener,
        logger=events.append,
        clock=lambda: now,
        sleep=lambda _: None,
    )
    failure_of(lambda: transport.request("GET", "/v2/x"))
    told = [(event["phase"], event["elapsed_ms"]) for event in events if "elapsed_ms" in event]
    assert told == [("retry", 250.0), ("retry", 250.0), ("error", 250.0)]


def test_a_wait_that_ends_with_the_deadline_is_not_begun() -> None:
    """The next attempt could only hide this error behind a timeout."""
    now = 0.0

    def opener(*_: object, **__: object) -> NoReturn:
        raise OSError("lost")

    def sleep(seconds: float) -> None:
        nonlocal now
        now += seconds

    transport = transport_of(
        KEY,
        "https://api.example.test",
        opener=opener,
        retry_policy=RetryPolicy(base_delay=4.0),
        total_timeout=4.0,
        clock=lambda: now,
        sleep=sleep,
        uniform=lambda _, high: high,
    )
    error = failure_of(lambda: transport.request("GET", "/v2/x"))
    assert (type(error), error.attempts, now) == (NetworkError, 1, 0.0)
