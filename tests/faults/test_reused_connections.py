"""A kept-alive connection that is no good any more: never a wrong answer, never a lost call."""

from __future__ import annotations

import itertools
import json
import select
import socket
import threading
import time
from typing import Any, Callable

import pytest

from tesote_sdk import NetworkError, RetryPolicy, TimeoutError
from tesote_sdk.transport import connections
from tests.faults.harness import (
    BODY,
    KINDS,
    READ,
    READ_TIMEOUT,
    WRITE,
    Kind,
    Wire,
    answer,
    ask,
    client_of,
    failure_of,
    pool_of,
)
from tests.support.dead_addresses import refused_port
from tests.support.steps import (
    Step,
    cut,
    hang_up,
    held,
    on_accept,
    reply,
    reset,
    silence,
    then_stray,
    unread,
)

ONCE = RetryPolicy(max_attempts=1)
STALE = reply(408, {"error": "you took too long"}, close=True)


def moved_on(client: Any) -> Callable[[float], None]:
    """Return a function that moves the clock of a client's connections on by some seconds."""
    ahead = 0.0

    def later(seconds: float) -> None:
        nonlocal ahead
        ahead += seconds

    pool_of(client.transport)._clock = lambda: time.monotonic() + ahead
    return later


SPOILED = {
    "closed": b"",
    "unsolicited_408": STALE.content,
    "stray_bytes": b"x",
    "stray_line_end": b"\r\n",
    "stray_answer": answer().content,
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("stray", SPOILED.values(), ids=SPOILED)
def test_spoiled_while_idle(stray: bytes, kind: Kind, wire: Wire) -> None:
    """What comes between two requests is no answer: the connection is thrown away unused."""
    script = [then_stray(answer(), stray, triggered=True), reply(200, {"n": 2})]
    with wire.serve(script) as server, client_of(server, retry_policy=ONCE) as client:
        assert ask(client, kind) == BODY
        server.trigger()
        assert ask(client, kind) == {"n": 2}
        assert server.connections == 2
        assert [request.connection for request in server.requests] == [1, 2]


@pytest.mark.parametrize("stray", SPOILED.values(), ids=SPOILED)
def test_stray_bytes_in_one_packet_with_the_answer(stray: bytes, wire: Wire) -> None:
    script = [then_stray(answer(), stray), reply(200, {"n": 2})]
    with wire.serve(script) as server, client_of(server, retry_policy=ONCE) as client:
        assert ask(client) == BODY
        assert ask(client) == {"n": 2}
        assert server.connections == 2


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "step", [hang_up(), reset(), unread(hang_up())], ids=["closed", "reset", "closed_unread"]
)
def test_closed_just_as_a_request_is_written(step: Step, kind: Kind, wire: Wire) -> None:
    """One replay on a new connection, which is no attempt and waits for nothing."""
    script = [answer(), step, reply(200, {"n": 2})]
    with wire.serve(script) as server, client_of(server, retry_policy=ONCE) as client:
        assert ask(client, READ) == BODY
        assert ask(client, kind) == {"n": 2}
        sent = server.wait_for_requests(2 if step.moment == "first_byte" else 3)[1:]
        assert len({request.raw for request in sent}) == 1
        assert server.connections == 2


def test_408_just_as_a_request_is_written(wire: Wire) -> None:
    """The server's word on an earlier silence is not taken for the answer."""
    with wire.serve([answer(), STALE, reply(200, {"n": 2})]) as server:
        with client_of(server, retry_policy=ONCE) as client:
            assert ask(client) == BODY
            assert ask(client, WRITE) == {"n": 2}
        assert server.requests[1].raw == server.requests[2].raw


def test_what_a_408_kept_from_the_server_was_not_carried_out(wire: Wire) -> None:
    with wire.serve([answer(), STALE, reply(422, {})]) as server:
        with client_of(server, retry_policy=ONCE) as client:
            ask(client)
            error, _ = failure_of(lambda: ask(client, WRITE))
        assert (error.http_status, error.outcome_unknown) == (422, False)


def test_408_on_a_new_connection_is_an_answer(wire: Wire) -> None:
    with wire.serve([STALE]) as server, client_of(server) as client:
        error, _ = failure_of(lambda: ask(client))
        assert error.http_status == 408
        assert error.attempts == 1


def test_replay_happens_once(wire: Wire) -> None:
    with wire.serve([answer(), hang_up(), hang_up()]) as server:
        with client_of(server, retry_policy=ONCE) as client:
            ask(client)
            error, _ = failure_of(lambda: ask(client, WRITE))
        assert type(error) is NetworkError
        assert error.attempts == 1
        assert error.outcome_unknown
        assert len(server.requests) == 3


def test_no_replay_once_an_answer_has_begun(wire: Wire) -> None:
    with wire.serve([answer(), cut(answer(), 20)]) as server:
        with client_of(server, retry_policy=ONCE) as client:
            ask(client)
            error, _ = failure_of(lambda: ask(client, WRITE))
        assert type(error) is NetworkError
        assert error.outcome_unknown
        assert len(server.requests) == 2


def test_replay_that_is_refused_leaves_the_outcome_unknown(
    wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first copy of the request may have been carried out, although the second went nowhere."""
    with wire.serve([answer(), hang_up()]) as server, refused_port() as port:
        with client_of(server, retry_policy=ONCE) as client:
            ask(client)
            pool = pool_of(client.transport)
            monkeypatch.setattr(pool, "_origin", pool._origin.replace(port=port))
            error, _ = failure_of(lambda: ask(client, WRITE))
        assert type(error) is NetworkError
        assert isinstance(error.__cause__, ConnectionRefusedError)
        assert error.outcome_unknown


def test_replay_that_the_server_refuses_leaves_the_outcome_unknown(wire: Wire) -> None:
    busy = reply(429, {"error": "slow down"})
    with wire.serve([answer(), hang_up(), busy]) as server:
        with client_of(server, retry_policy=ONCE) as client:
            ask(client)
            error, _ = failure_of(lambda: ask(client, WRITE))
        assert error.http_status == 429
        assert error.outcome_unknown


def test_answer_that_comes_after_the_timeout_is_nobodys(wire: Wire) -> None:
    """The connection of a call that gave up is closed with the rest of its answer in it."""
    late = threading.Event()
    first = held(reply(200, {"for": "the first"}), late)
    with wire.serve([first, reply(200, {"for": "the second"})]) as server:
        with client_of(server, retry_policy=ONCE) as client:
            hasty = client.with_options(read_timeout=READ_TIMEOUT)
            error, _ = failure_of(lambda: ask(hasty))
            assert type(error) is TimeoutError
            server.wait_for_requests(1)
            late.set()
            assert ask(client) == {"for": "the second"}
        assert server.connections == 2


def test_body_left_unread_after_a_timeout(wire: Wire) -> None:
    stuck = cut(reply(200, {"for": "the first", "note": "x" * 3000}), 1000, then=silence())
    with wire.serve([stuck, reply(200, {"for": "the second"})]) as server:
        with client_of(server, retry_policy=ONCE) as client:
            hasty = client.with_options(read_timeout=READ_TIMEOUT)
            failure_of(lambda: ask(hasty))
            server.wait_for_requests(1)
            assert ask(client) == {"for": "the second"}
        server.wait_for_disconnects(1)
        assert server.connections == 2


def test_connection_idle_too_long_is_not_used(wire: Wire) -> None:
    with wire.serve([answer()] * 3) as server, client_of(server) as client:
        ask(client)
        later = moved_on(client)
        later(29)
        ask(client)
        assert server.connections == 1
        later(31)
        ask(client)
        assert server.connections == 2


def test_connection_of_five_minutes_is_not_used_however_busy(wire: Wire) -> None:
    """Or a change of the server's address would never be followed."""
    with wire.serve(itertools.repeat(answer())) as server, client_of(server) as client:
        ask(client)
        later = moved_on(client)
        for _ in range(14):
            later(20)
            ask(client)
        assert server.connections == 1
        later(21)
        ask(client)
        assert server.connections == 2
        server.wait_for_disconnects(1)


@pytest.mark.parametrize("step", [silence(), hang_up()], ids=["silent", "closed"])
def test_what_ends_one_connection_discards_those_put_aside_before_it(
    step: Step, wire: Wire
) -> None:
    """A firewall that forgets one connection has forgotten all that were idle at that time."""
    together = threading.Barrier(3)

    def play(request: Any) -> Step:
        number = len(server.requests)
        if number <= 3:
            together.wait(5)
        return step if number == 4 else answer()

    with (
        wire.serve(play) as server,
        client_of(server, retry_policy=ONCE) as client,
    ):
        threads = [threading.Thread(target=ask, args=(client,)) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        pool = pool_of(client.transport)
        assert len(pool._idle) == 3
        hasty = client.with_options(read_timeout=READ_TIMEOUT)
        if step.name == "silence":
            assert type(failure_of(lambda: ask(hasty)).error) is TimeoutError
            server.wait_for_requests(4)
        assert ask(client) == BODY
        server.wait_for_disconnects(2)
        assert len(pool._idle) == 1
        assert {request.connection for request in server.requests[4:]} == {4}


def test_the_system_gives_a_peer_up_that_acknowledges_nothing(wire: Wire) -> None:
    """A lost connection may be tried anew, where nobody knows what a silence means."""
    option = getattr(socket, "TCP_USER_TIMEOUT", None)
    if option is None:
        pytest.skip("this system cannot tell")
    for read_timeout, milliseconds in ((30, 10_000), (5, 2500), (0.5, 1000)):
        with wire.serve([answer()]) as server, client_of(server, read_timeout=read_timeout) as one:
            ask(one)
            (connection,) = pool_of(one.transport)._idle
            assert connection._raw.getsockopt(socket.IPPROTO_TCP, option) == milliseconds


def test_a_connection_reset_before_it_is_used_is_a_network_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Such a socket has no peer any more that it could name."""
    dial: Callable[..., socket.socket] = vars(connections)["dial"]

    def dial_and_wait(*arguments: Any) -> socket.socket:
        sock = dial(*arguments)
        select.select([sock], [], [], 5)
        return sock

    monkeypatch.setattr(connections, "dial", dial_and_wait)
    with Wire("http").serve([on_accept(reset())] * 3) as server, client_of(server) as client:
        error, _ = failure_of(lambda: ask(client, WRITE))
    assert type(error) is NetworkError
    assert isinstance(error.__cause__, OSError)
    assert (error.attempts, error.outcome_unknown) == (3, False)


def test_old_connections_go_although_nobody_needs_them(wire: Wire) -> None:
    """After a burst, the connections that no thread takes any more are closed, one a call."""
    barrier = threading.Barrier(8)

    def together(_: object) -> Step:
        if len(server.requests) <= 8:
            barrier.wait(5)
        return answer()

    with wire.serve(together) as server, client_of(server, read_timeout=5) as client:
        threads = [threading.Thread(target=ask, args=(client,)) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert server.connections == 8
        later = moved_on(client)
        for number in range(8):
            later(20)
            ask(client)
            server.wait_for_disconnects(max(0, number))
            assert len(pool_of(client.transport)._idle) == 8 - number
        assert server.connections == 8


def test_errors_leave_the_connection_open(wire: Wire) -> None:
    script = [reply(status, {"error": "no"}) for status in (400, 401, 404, 409, 422, 500)]
    with wire.serve([*script, answer()]) as server, client_of(server) as client:
        for _ in script:
            failure_of(lambda: ask(client))
        assert ask(client) == BODY
        assert server.connections == 1


def test_tls_session_tickets_do_not_spoil_a_connection() -> None:
    """TLS 1.3 servers send them when they please: readable is not the same as spoiled."""
    with Wire("https").serve(itertools.repeat(answer())) as server, client_of(server) as client:
        for _ in range(20):
            ask(client)
        assert server.connections == 1


def test_answers_keep_their_order_on_one_connection(wire: Wire) -> None:
    def echo(request: Any) -> Step:
        return reply(200, {"target": request.target})

    with wire.serve(echo) as server, client_of(server) as client:
        for n in range(200):
            sent = client.request("GET", f"/v2/things/{n}")
            assert json.loads(sent.content) == {"target": f"/v2/things/{n}"}
        assert server.connections == 1
