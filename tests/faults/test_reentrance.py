"""Calls within calls: from a signal handler, a `__del__`, and whatever the SDK calls back.

The same thread is inside the SDK already. Nothing that it holds there may have it wait for itself.
"""

from __future__ import annotations

import gc
import time
from typing import Any, Callable

import pytest

from tesote_sdk import InMemoryLRUCache, V2Client
from tests.cache.backends import DictBackend
from tests.faults.first_calls import at_every_line_of_a_first_call
from tests.faults.harness import Wire, client_of, open_connections
from tests.faults.interrupts import Moment
from tests.faults.test_interrupts import EVERY_LINE, asked, check, echo, echo_and_close, places
from tests.support.steps import Step, reply
from tests.support.systems import needs_fork


@pytest.mark.parametrize("cache_ttl", [None, 60], ids=["sent", "cached"])
@pytest.mark.parametrize("kept", [True, False], ids=["warm", "dials_anew"])
def test_from_a_signal_handler_at_every_line(
    kept: bool, cache_ttl: float | None, wire: Wire
) -> None:
    """Each gets its own answer: the handler's call of the same thing, of another, and the outer."""
    with wire.serve(echo if kept else echo_and_close) as server:

        def visit(at: int) -> Moment:
            with client_of(server, total_timeout=5) as client:
                assert asked(client, "/v2/first", cache_ttl)
                answers: list[bool] = []

                def handler() -> None:
                    answers.extend(
                        asked(client, path, cache_ttl) for path in ("/v2/things", "/v2/others")
                    )

                moment = Moment(at, handler)
                began = time.monotonic()
                ended = moment.during(
                    lambda: answers.append(asked(client, "/v2/things", cache_ttl))
                )
                assert ended is None, (moment.place, ended)
                assert answers == [True] * (3 if moment.place else 1)
                assert time.monotonic() - began < 4, moment.place
                check(client, server, cache_ttl)
            return moment

        struck = [visit(at).place for at in places(visit(0).lines, 25)]
        assert sum(place is not None for place in struck) > 20


FIRST_CALLS = """
import sys
import tesote_sdk
from tests.faults.interrupts import Moment

def attempt(at):
    client = tesote_sdk.V2Client("sk_test_1234", base_url=sys.argv[1], total_timeout=5)
    def handler():
        try:
            assert client.whoami() == {"target": "/v2/whoami"}
        except tesote_sdk.ConfigError as error:  # what is half loaded cannot be used yet
            assert "while what it needs was being loaded" in str(error)
    moment = Moment(at, handler)
    ended = moment.during(client.whoami)
    assert ended is None, (moment.place, ended)
    assert client.whoami() == {"target": "/v2/whoami"}, moment.place
    return moment
"""


@needs_fork
def test_from_a_signal_handler_at_every_line_of_a_first_call() -> None:
    with Wire("http").serve(echo) as server:
        at_every_line_of_a_first_call(FIRST_CALLS, server.url, every=EVERY_LINE)


class Calling(DictBackend):
    """A backend that asks the API before it does what it is told."""

    def __init__(self, call: Callable[[], object]) -> None:
        super().__init__()
        self._call = call

    def get(self, key: str) -> Any:
        self._call()
        return super().get(key)

    def set(self, key: str, value: bytes, ttl: float) -> None:
        self._call()
        super().set(key, value, ttl)


def test_from_what_the_sdk_calls_back(wire: Wire) -> None:
    """The log callback, the headers, the backend and parse_float call what they are called for."""
    calls: list[bool] = []
    within: list[V2Client] = []

    def call(*_: object) -> dict[str, str]:
        if within and len(calls) < 20:
            client = within.pop()
            try:
                calls.append(asked(client, "/v2/things", 60))
                calls.append(asked(client, "/v2/other"))
            finally:
                within.append(client)
        return {}

    def parse(text: str) -> float:
        call()
        return float(text)

    def priced(request: Any) -> Step:
        return reply(200, {"target": request.target, "price": 1.5})

    options: list[dict[str, Any]] = [
        {"logger": call},
        {"headers": call},
        {"cache_backend": Calling(call)},
        {"parse_float": parse},
    ]
    for option in options:
        calls.clear()
        within.clear()
        with wire.serve(priced) as server, client_of(server, **option) as client:
            within.append(client)
            began = time.monotonic()
            assert asked(client, "/v2/things", 60)
            assert time.monotonic() - began < 3
            assert calls
            assert all(calls)
            within.clear()
            check(client, server, 60)


def test_from_what_sees_each_poll() -> None:
    def working(request: Any) -> Step:
        polls = sum("/o1" in asked.target for asked in server.requests)
        state = "completed" if polls > 2 else "processing"
        return reply(200, {"id": "o1", "target": request.target, "status": state})

    with Wire("http").serve(working) as server, client_of(server) as client:
        seen: list[bool] = []
        order = client.transaction_orders.wait(
            "a1", "o1", poll_interval=0.001, on_poll=lambda _: seen.append(asked(client, "/v2/x"))
        )
        assert order["status"] == "completed"
        assert len(seen) > 2
        assert all(seen)


@pytest.mark.skipif(
    not hasattr(gc, "set_threshold"), reason="PyPy's collector cannot be told when to come"
)
def test_from_a_finalizer_that_the_collector_calls_in_mid_call(wire: Wire) -> None:
    answers: list[bool] = []

    class Farewell:
        def __init__(self, client: V2Client) -> None:
            self.client = client
            self.itself = self

        def __del__(self) -> None:
            answers.append(asked(self.client, "/v2/farewell", 60))

    with wire.serve(echo) as server:
        client = client_of(server, cache_backend=InMemoryLRUCache(max_entries=2))
        # While the first call of a process loads its parts, a finalizer's is refused.
        assert asked(client, "/v2/things/first", 60)
        before = gc.get_threshold()
        gc.set_threshold(1)
        try:
            for n in range(30):
                Farewell(client)
                assert asked(client, f"/v2/things/{n}", 60)
        finally:
            gc.set_threshold(*before)
        gc.collect()
        assert answers == [True] * 30
        client.close()
        assert open_connections(client.transport) == []
