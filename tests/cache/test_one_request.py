"""Threads that miss at once send one request."""

from __future__ import annotations

import os
import threading
import time
import warnings
from typing import TYPE_CHECKING, Any

import pytest

from tesote_sdk import ApiError, RetryPolicy, TimeoutError, V2Client
from tests.cache.backends import DictBackend
from tests.support.scripted_server import ScriptedServer
from tests.support.steps import delayed, held, reply
from tests.support.systems import EARLY, needs_fork

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Callable

KEY = "sk_live_0123456789abcdef"
OK = reply(200, {"account": {"id": "a1"}}, {"ETag": '"e1"'})


def got(client: V2Client) -> object:
    return client.accounts.get("a1", cache_ttl=30)


def in_threads(count: int, work: Callable[[], object]) -> list[object]:
    """Run some work in threads that begin together; return what came of it."""
    barrier = threading.Barrier(count)
    outcomes: list[object] = []

    def run() -> None:
        barrier.wait(60)
        try:
            outcomes.append(work())
        except Exception as error:  # noqa: BLE001 - an outcome like another
            outcomes.append(error)

    threads = [threading.Thread(target=run) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()
    return outcomes


@pytest.mark.parametrize("delay", [0.0, 0.02])
def test_fifty_threads_and_one_cold_key_send_exactly_one_request(delay: float) -> None:
    for _ in range(8):
        with (
            ScriptedServer([delayed(OK, delay)]) as server,
            V2Client(api_key=KEY, base_url=server.url) as client,
        ):
            outcomes = in_threads(50, lambda: got(client))
        assert outcomes == [{"id": "a1"}] * 50
        assert len({id(outcome) for outcome in outcomes}) == 50
        assert len(server.requests) == 1


class Staged(DictBackend):
    """Holds a thread up after it has looked for something in vain.

    Args:
        kind: What it has looked for: part of the key.

    Attributes:
        looked: Set once a thread has.
        may_go_on: Lets it go on.
    """

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.looked = threading.Event()
        self.may_go_on = threading.Event()
        self._kind = kind

    def get(self, key: str) -> bytes | None:
        value = super().get(key)
        if threading.current_thread().name == "late" and self._kind in key and value is None:
            self.looked.set()
            assert self.may_go_on.wait(5)
        return value


@pytest.mark.parametrize("kind", [":generation:", ":response:"])
def test_a_thread_that_missed_before_another_stored_sends_no_second_request(kind: str) -> None:
    backend = Staged(kind)
    with (
        ScriptedServer([OK]) as server,
        V2Client(api_key=KEY, base_url=server.url, cache_backend=backend) as client,
    ):
        late = threading.Thread(target=got, args=(client,), name="late")
        late.start()
        assert backend.looked.wait(5)
        got(client)
        backend.may_go_on.set()
        late.join(5)
        got(client)
    assert len(server.requests) == 1


class Slow(DictBackend):
    """Takes its time, so that threads find nothing all at once."""

    def get(self, key: str) -> bytes | None:
        value = super().get(key)
        time.sleep(0.01)
        return value

    def set(self, key: str, value: bytes, ttl: float) -> None:
        time.sleep(0.01)
        super().set(key, value, ttl)


def test_threads_that_find_an_empty_backend_at_once_agree_on_one_request() -> None:
    with (
        ScriptedServer([OK]) as server,
        V2Client(api_key=KEY, base_url=server.url, cache_backend=Slow()) as client,
    ):
        in_threads(10, lambda: got(client))
    assert len(server.requests) == 1


def test_an_error_is_raised_where_it_was_met_and_the_others_ask_for_themselves() -> None:
    answers = [reply(500, {"error": "?"})] + [OK] * 9
    with (
        ScriptedServer([delayed(answers[0], 0.1), *answers[1:]]) as server,
        V2Client(api_key=KEY, base_url=server.url) as client,
    ):
        outcomes = in_threads(10, lambda: got(client))
    assert [type(outcome) for outcome in outcomes].count(dict) == 9
    (error,) = [outcome for outcome in outcomes if isinstance(outcome, ApiError)]
    assert error.http_status == 500


def test_a_server_that_always_fails_fails_every_thread_with_its_own_error() -> None:
    with (
        ScriptedServer(lambda _: reply(503, {"error": "?"})) as server,
        V2Client(
            api_key=KEY, base_url=server.url, retry_policy=RetryPolicy(max_attempts=1)
        ) as client,
    ):
        outcomes = in_threads(10, lambda: got(client))
    assert len({id(outcome) for outcome in outcomes if isinstance(outcome, ApiError)}) == 10


def test_who_waits_for_a_slow_thread_keeps_to_his_own_total_timeout() -> None:
    answer = threading.Event()
    events: list[Mapping[str, Any]] = []
    with (
        ScriptedServer([held(OK, answer)]) as server,
        V2Client(api_key=KEY, base_url=server.url) as client,
    ):
        hasty = client.with_options(total_timeout=0.05, logger=events.append)
        leader = threading.Thread(target=got, args=(client,))
        leader.start()
        server.wait_for_requests(1)
        began = time.monotonic()
        with pytest.raises(TimeoutError, match="another thread") as caught:
            hasty.accounts.get("a1", cache_ttl=30)
        assert 0.05 - EARLY <= time.monotonic() - began < 2
        answer.set()
        leader.join(5)
        assert got(client) == {"id": "a1"}
    error = caught.value
    assert (error.phase, error.outcome_unknown) == ("total", False)
    assert error.request_summary is not None
    assert error.request_summary["path"] == "/v2/accounts/a1"
    assert [event["phase"] for event in events] == ["error"]
    assert len(server.requests) == 1


def test_who_was_served_by_another_threads_request_reports_a_hit() -> None:
    phases: list[str] = []
    with (
        ScriptedServer([delayed(OK, 0.1)]) as server,
        V2Client(
            api_key=KEY, base_url=server.url, logger=lambda event: phases.append(event["phase"])
        ) as client,
    ):
        in_threads(5, lambda: got(client))
    assert sorted(phases) == ["cache_hit"] * 4 + ["request", "response"]


def test_a_log_callback_may_ask_for_what_is_just_being_fetched() -> None:
    inner: list[object] = []

    def callback(event: Mapping[str, Any]) -> None:
        if event["phase"] == "response" and not inner:
            inner.append(None)
            inner.append(client.accounts.get("a1", cache_ttl=30))

    with (
        ScriptedServer([OK, OK]) as server,
        V2Client(api_key=KEY, base_url=server.url, logger=callback, total_timeout=5) as client,
    ):
        assert got(client) == {"id": "a1"}
    assert inner == [None, {"id": "a1"}]


def test_a_read_after_a_write_does_not_join_a_request_from_before_it() -> None:
    answer = threading.Event()
    old = held(reply(200, {"payment_method": {"id": "p1", "label": "old"}}), answer)
    new = reply(200, {"payment_method": {"id": "p1", "label": "new"}})
    with (
        ScriptedServer([old, reply(200, {"id": "p1"}), new]) as server,
        V2Client(api_key=KEY, base_url=server.url) as client,
    ):
        early = threading.Thread(
            target=client.payment_methods.get, args=("p1",), kwargs={"cache_ttl": 30}
        )
        early.start()
        server.wait_for_requests(1)
        client.payment_methods.update("p1", label="new")
        assert client.payment_methods.get("p1", cache_ttl=30)["label"] == "new"
        answer.set()
        early.join(5)
        # What came in late from before the write is not served after it.
        assert client.payment_methods.get("p1", cache_ttl=30)["label"] == "new"


@needs_fork
def test_a_forked_child_does_not_wait_for_a_request_of_its_parent() -> None:
    answer = threading.Event()
    with (
        ScriptedServer([held(OK, answer), OK]) as server,
        V2Client(api_key=KEY, base_url=server.url, total_timeout=5) as client,
    ):
        leader = threading.Thread(target=got, args=(client,))
        leader.start()
        server.wait_for_requests(1)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # from Python 3.12 on, of forking with threads
            child = os.fork()
        if child == 0:
            code = 1
            try:
                client.accounts.get("a1", cache_ttl=30)
                client.accounts.get("a1", cache_ttl=30)
                code = 0
            finally:
                os._exit(code)
        assert os.waitpid(child, 0)[1] == 0
        answer.set()
        leader.join(5)
    assert len(server.requests) == 2
