"""What the pool keeps, what it closes, and when."""

from __future__ import annotations

import gc
import itertools
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from tesote_sdk import ConfigError, V2Client
from tesote_sdk.transport import connections
from tests.support.scripted_server import ScriptedServer
from tests.support.steps import hang_up, reply
from tests.support.transports import transport_of

if TYPE_CHECKING:
    from tests.support.http_messages import Request
    from tests.support.steps import Step

OK = reply(200, {"id": "x"})


def pool_of(client: V2Client) -> Any:
    transport: Any = client.transport
    return transport._sender.pool


def test_connection_used_last_is_used_next() -> None:
    """So that those of a burst grow old, and go."""
    together = threading.Barrier(2)

    def first_two_meet(request: Request) -> Step:
        if request.connection <= 2 and len(server.requests) <= 2:
            together.wait(5)
        return OK

    with ScriptedServer(first_two_meet) as server:
        with V2Client("sk_test_1234", base_url=server.url) as client:
            threads = [threading.Thread(target=client.request, args=("GET", "/v2")) for _ in "ab"]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            assert len(pool_of(client)._idle) == 2
            for _ in range(4):
                client.request("GET", "/v2")
        used = [request.connection for request in server.requests[2:]]
        assert len(set(used)) == 1
        assert server.connections == 2


def test_no_more_than_so_many_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "MAX_IDLE", 2)
    together = threading.Barrier(5)

    def meet(_: Request) -> Step:
        together.wait(5)
        return OK

    with ScriptedServer(meet) as server, V2Client("sk_test_1234", base_url=server.url) as client:
        threads = [threading.Thread(target=client.request, args=("GET", "/v2")) for _ in "abcde"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        server.wait_for_disconnects(3)
        gc.collect()  # PyPy waits for that
        assert len(pool_of(client)._idle) == len(pool_of(client)._open) == 2


def test_closed_pool_takes_nothing_back() -> None:
    answering = threading.Event()

    def hold(_: Request) -> Step:
        answering.wait(5)
        return OK

    with ScriptedServer(hold) as server:
        client = V2Client("sk_test_1234", base_url=server.url)
        answers: list[Any] = []
        thread = threading.Thread(target=lambda: answers.append(client.request("GET", "/v2").json))
        thread.start()
        server.wait_for_requests(1)
        client.close()
        answering.set()
        thread.join()
        assert answers == [{"id": "x"}]
        server.wait_for_disconnects(1)
        with pytest.raises(ConfigError):
            client.request("GET", "/v2")


def test_second_client_shares_the_connections() -> None:
    with ScriptedServer(itertools.repeat(OK)) as server:
        with V2Client("sk_test_1234", base_url=server.url) as client:
            second = client.with_options(read_timeout=9)
            for each in (client, second, client):
                each.request("GET", "/v2")
            second.close()
            client.request("GET", "/v2")
        assert server.connections == 1


def test_a_call_that_finds_an_idle_connection_opens_nothing() -> None:
    with ScriptedServer(itertools.repeat(OK)) as server:
        with V2Client("sk_test_1234", base_url=server.url) as client:
            started = time.monotonic()
            for _ in range(100):
                client.request("GET", "/v2")
            assert time.monotonic() - started < 5
            assert len(pool_of(client)._open) == 1
        server.wait_for_disconnects(1)
        assert server.connections == 1


def test_an_answer_that_is_kept_keeps_no_connection_open() -> None:
    with ScriptedServer([OK]) as server:
        client = V2Client("sk_test_1234", base_url=server.url)
        kept = client.request("GET", "/v2")
        client.close()
        server.wait_for_disconnects(1)
        assert kept.json == {"id": "x"}


def test_connections_put_aside_at_one_instant_are_lost_together() -> None:
    """A clock may be coarse: what is not known to be younger is taken for lost, too."""
    together = threading.Barrier(2)
    turns = itertools.count()

    def two_meet_and_one_hangs_up(_: Request) -> Step:
        turn = next(turns)
        if turn < 2:
            together.wait(5)
        return hang_up() if turn == 2 else OK

    with ScriptedServer(two_meet_and_one_hangs_up) as server:
        transport: Any = transport_of("sk_test_1234", server.url, clock=lambda: 0.0)
        threads = [threading.Thread(target=transport.request, args=("GET", "/v2")) for _ in "ab"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        pool = transport._sender.pool
        assert len(pool._idle) == 2
        transport.request("GET", "/v2")
        assert len(pool._idle) == 1
        transport.close()
        assert server.connections == 3


def test_an_address_that_answers_is_suspected_no_longer() -> None:
    suspects: list[set[object]] = []
    with ScriptedServer([hang_up(), OK]) as server:
        transport: Any = transport_of(
            "sk_test_1234",
            server.url,
            sleep=lambda _: suspects.append(set(transport._sender.pool._suspects)),
        )
        transport.request("GET", "/v2")
        suspects.append(transport._sender.pool._suspects)
        transport.close()
        assert suspects == [{server.address}, set()]
