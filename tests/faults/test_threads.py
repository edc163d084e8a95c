"""Threads that share a client: every answer belongs to its request, connections stay bounded."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Callable

import pytest

from tesote_sdk import ConfigError, RetryPolicy
from tests.faults.harness import KEY, Wire, client_of, failure_of, open_connections, pool_of
from tests.support.steps import Step, hang_up, reply
from tests.support.systems import needs_prompt_collection

if TYPE_CHECKING:
    from tests.support.http_messages import Request

THREADS = 32
CALLS = 64
"""A thread's: 2,048 calls in all."""


def echo(request: Request) -> Step:
    """Answer with what was asked, and by whom."""
    return reply(200, {"target": request.target, "key": request.headers["Authorization"]})


def run_together(work: Callable[[int], None]) -> None:
    """Run work in all threads at once; the first exception is raised here."""
    failures: list[BaseException] = []
    barrier = threading.Barrier(THREADS)

    def run(number: int) -> None:
        try:
            barrier.wait(10)
            work(number)
        except BaseException as error:  # noqa: BLE001 - handed to the test's own thread
            failures.append(error)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()
    if failures:
        raise failures[0]


def test_every_answer_belongs_to_its_request(wire: Wire) -> None:
    with wire.serve(echo) as server, client_of(server, read_timeout=20, total_timeout=40) as client:

        def work(number: int) -> None:
            for call in range(CALLS):
                path = f"/v2/things/{number}/{call}"
                assert client.request("GET", path).json["target"] == path

        run_together(work)
        assert server.connections <= THREADS
        assert len(server.requests) == THREADS * CALLS
        pool = pool_of(client.transport)
        assert len(pool._idle) == len(open_connections(client.transport)) <= THREADS


def test_every_answer_belongs_to_its_request_while_connections_break(wire: Wire) -> None:
    """Every seventh answer is cut off; nobody gets another one's, and nothing is lost."""

    def moody(request: Request) -> Step:
        return hang_up() if len(server.requests) % 7 == 0 else echo(request)

    policy = RetryPolicy(max_attempts=12, base_delay=0)
    with (
        wire.serve(moody) as server,
        client_of(server, read_timeout=20, total_timeout=40, retry_policy=policy) as client,
    ):

        def work(number: int) -> None:
            for call in range(12):
                path = f"/v2/things/{number}/{call}"
                assert client.request("POST", path).json["target"] == path

        run_together(work)
        pool = pool_of(client.transport)
        assert len(pool._idle) == len(open_connections(client.transport)) <= THREADS


def test_two_keys_never_mix(wire: Wire) -> None:
    with wire.serve(echo) as server:
        options: dict[str, Any] = {"read_timeout": 20, "total_timeout": 40}
        with (
            client_of(server, **options) as one,
            client_of(server, api_key="sk_live_another_tenant", **options) as two,
        ):

            def work(number: int) -> None:
                client, key = (two, "sk_live_another_tenant") if number % 2 else (one, KEY)
                for call in range(8):
                    answer = client.request("GET", f"/v2/things/{number}/{call}").json
                    assert answer["key"] == f"Bearer {key}"

            run_together(work)


def test_closed_while_in_use(wire: Wire) -> None:
    """Calls under way end well or in a ConfigError; afterwards every socket is closed."""
    with wire.serve(echo) as server:
        client = client_of(server, read_timeout=20, total_timeout=40)
        calls = [0] * THREADS

        def work(number: int) -> None:
            while True:
                try:
                    client.request("GET", f"/v2/things/{number}")
                except ConfigError:
                    return
                calls[number] += 1
                if sum(calls) > 100:
                    client.close()

        run_together(work)
        server.wait_until(lambda: server.disconnects == server.connections)
        assert type(failure_of(client.whoami).error) is ConfigError


@pytest.mark.parametrize(
    "close",
    [
        pytest.param(True, id="closed"),
        pytest.param(False, id="dropped", marks=needs_prompt_collection),
    ],
)
def test_close_ends_the_sockets(close: bool, wire: Wire) -> None:
    with wire.serve(echo) as server:
        client = client_of(server)
        client.request("GET", "/v2/things")
        if close:
            client.close()
        else:
            del client
        server.wait_for_disconnects(1)
