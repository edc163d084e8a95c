"""Nothing hangs: every wait ends within its timeout, and all of them within the total one."""

from __future__ import annotations

import socket
import threading
import time
from typing import Any

import pytest

from tesote_sdk import ApiError, RetryPolicy, TimeoutError
from tests.faults.harness import (
    KINDS,
    PROMPT,
    READ,
    READ_TIMEOUT,
    WRITE,
    Kind,
    Wire,
    answer,
    ask,
    assert_same_bytes,
    client_of,
    failure_of,
    timed_from_arrival,
)
from tests.faults.tables import DRIPS, SILENT, WHOLE
from tests.support.dead_addresses import black_hole, refused_port
from tests.support.proxy import ProxyServer
from tests.support.steps import (
    Step,
    cut,
    delayed,
    drip,
    half_close,
    head_only,
    on_accept,
    on_client_hello,
    reply,
    silence,
)


@pytest.mark.parametrize("kind", KINDS)
def test_silence(kind: Kind, wire: Wire) -> None:
    attempts = 1 if kind is WRITE else 2
    policy = RetryPolicy(max_attempts=2, base_delay=0)
    with (
        wire.serve([silence()] * 2) as server,
        client_of(server, retry_policy=policy, read_timeout=READ_TIMEOUT) as client,
    ):
        error, elapsed = failure_of(lambda: ask(client, kind))
        assert type(error) is TimeoutError
        assert error.phase == "read"
        assert error.attempts == attempts
        assert error.outcome_unknown is kind.writes
        assert isinstance(error.__cause__, socket.timeout)
        assert attempts * READ_TIMEOUT <= elapsed < attempts * READ_TIMEOUT + PROMPT
        assert_same_bytes(server, attempts)


@pytest.mark.parametrize("step", SILENT.values(), ids=SILENT)
def test_silence_midway(step: Step, wire: Wire) -> None:
    with wire.serve([step]) as server, client_of(server, read_timeout=READ_TIMEOUT) as client:
        error, elapsed = failure_of(lambda: ask(client, WRITE))
        assert type(error) is TimeoutError
        assert error.phase == "read"
        assert error.attempts == 1
        assert error.outcome_unknown
        assert READ_TIMEOUT <= elapsed < READ_TIMEOUT + PROMPT
        assert_same_bytes(server, 1)


def test_silence_until_the_total_timeout(wire: Wire) -> None:
    with wire.serve([silence()]) as server:
        with timed_from_arrival(server, total_timeout=0.05) as client:
            error, elapsed = failure_of(lambda: ask(client, WRITE))
        assert error.phase == "total"
        assert error.attempts == 1
        assert error.outcome_unknown
        assert 0.05 <= elapsed < PROMPT


@pytest.mark.parametrize("step", DRIPS.values(), ids=DRIPS)
def test_drip(step: Step, wire: Wire) -> None:
    """No silence is longer than the read timeout, and yet the call ends."""
    with wire.serve([step]) as server, timed_from_arrival(server, total_timeout=0.05) as client:
        error, elapsed = failure_of(lambda: ask(client, WRITE))
        assert type(error) is TimeoutError
        assert error.phase == "total"
        assert error.attempts == 1
        assert error.outcome_unknown
        assert 0.05 <= elapsed < PROMPT
        assert_same_bytes(server, 1)


def test_a_byte_now_and_then() -> None:
    with Wire("https").serve([drip(WHOLE, 0.1)]) as server:
        with timed_from_arrival(server, total_timeout=0.15) as client:
            error, elapsed = failure_of(lambda: ask(client))
        assert error.phase == "total"
        assert 0.15 <= elapsed < PROMPT


def test_drip_that_ends_in_time_is_an_answer(wire: Wire) -> None:
    with wire.serve([drip(WHOLE, 0.001)]) as server, client_of(server) as client:
        assert ask(client)["account"]["id"] == "acc_1"


def test_total_timeout_bounds_attempts_and_waits(wire: Wire) -> None:
    """Each attempt is within its own timeout; together they would take three seconds."""
    slow = delayed(reply(503, {"error": "later"}), 0.05)
    policy = RetryPolicy(max_attempts=30, base_delay=0.01)
    with wire.serve([slow] * 30) as server:
        with timed_from_arrival(server, total_timeout=0.6, retry_policy=policy) as client:
            error, elapsed = failure_of(lambda: ask(client, WRITE))
        assert isinstance(error, (ApiError, TimeoutError))
        assert len(server.requests) > 1
        assert error.outcome_unknown
        assert elapsed < PROMPT


def test_retry_after_beyond_the_total_timeout_raises_at_once(wire: Wire) -> None:
    busy = reply(429, {"error": "slow down"}, {"Retry-After": "30"})
    with wire.serve([busy]) as server, client_of(server) as client:
        error, elapsed = failure_of(lambda: ask(client))
        assert error.http_status == 429
        assert error.retry_after == 30
        assert error.attempts == 1
        assert elapsed < PROMPT


@pytest.mark.parametrize("step", [on_accept(silence()), on_client_hello(silence())], ids=str)
def test_silent_handshake(step: Step) -> None:
    policy = RetryPolicy(max_attempts=2, base_delay=0)
    with Wire("https").serve([step] * 2) as server:
        with client_of(server, connect_timeout=0.05, retry_policy=policy) as client:
            error, elapsed = failure_of(lambda: ask(client, WRITE))
        assert type(error) is TimeoutError
        assert error.phase == "connect"
        assert error.attempts == 2
        assert not error.outcome_unknown
        assert isinstance(error.__cause__, socket.timeout)
        assert 0.1 <= elapsed < PROMPT


def test_dripping_handshake() -> None:
    """The handshake as a whole has to end in time, not each read of it."""
    record = b"\x16\x03\x03\x40\x00\x02\x00\x3f\xfc" + b"\x03" * 200  # of a ServerHello, long
    with Wire("https").serve([on_client_hello(drip(record, 0.05))]) as server:
        with client_of(
            server, connect_timeout=0.15, retry_policy=RetryPolicy(max_attempts=1)
        ) as client:
            error, elapsed = failure_of(lambda: ask(client))
        assert type(error) is TimeoutError
        assert error.phase == "connect"
        assert 0.15 <= elapsed < PROMPT


def test_handshake_cut_by_the_total_timeout() -> None:
    with Wire("https").serve([on_accept(silence())]) as server:
        with client_of(server, total_timeout=0.1) as client:
            error, elapsed = failure_of(lambda: ask(client, WRITE))
        assert error.phase == "total"
        assert not error.outcome_unknown
        assert elapsed < PROMPT


def test_black_holed_address(wire: Wire) -> None:
    policy = RetryPolicy(max_attempts=2, base_delay=0)
    with black_hole() as (host, port):
        url = f"{wire.scheme}://{host}:{port}"
        with client_of(url, connect_timeout=0.05, retry_policy=policy) as client:
            error, elapsed = failure_of(lambda: ask(client, WRITE))
    assert type(error) is TimeoutError
    assert error.phase == "connect"
    assert error.attempts == 2
    assert not error.outcome_unknown
    assert 0.1 <= elapsed < PROMPT


def _resolve_to(monkeypatch: pytest.MonkeyPatch, *addresses: tuple[str, int]) -> None:
    """Have every host name resolve to these addresses, as a DNS server would have it."""
    genuine = socket.getaddrinfo

    def lookup(host: Any, *args: Any, **options: Any) -> Any:
        if options.get("flags"):  # no address in digits, but a name
            return genuine(host, *args, **options)
        return [
            (socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", address)
            for address in addresses
        ]

    monkeypatch.setattr(socket, "getaddrinfo", lookup)


def test_black_holed_address_beside_a_live_one(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    with wire.serve([answer()] * 2) as server, black_hole() as dead:
        _resolve_to(monkeypatch, dead, server.address)
        url = f"{wire.scheme}://localhost:{server.address[1]}"
        with client_of(url) as client:
            started = time.monotonic()
            assert ask(client, WRITE)["account"]["id"] == "acc_1"
            elapsed = time.monotonic() - started
        assert 0.2 < elapsed < 0.25 + PROMPT
        assert_same_bytes(server, 1)


def test_refused_address_beside_a_live_one_costs_nothing(
    wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    with wire.serve([answer()]) as server, refused_port() as port:
        _resolve_to(monkeypatch, ("127.0.0.1", port), server.address)
        with client_of(f"{wire.scheme}://localhost:{server.address[1]}") as client:
            started = time.monotonic()
            assert ask(client)["account"]["id"] == "acc_1"
            assert time.monotonic() - started < PROMPT


def test_connect_timeout_is_one_budget_for_all_addresses(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with black_hole() as one, black_hole() as two:
        _resolve_to(monkeypatch, one, two, one, two, one, two)
        url = "http://localhost:1"
        policy = RetryPolicy(max_attempts=1)
        with client_of(url, connect_timeout=0.35, retry_policy=policy) as client:
            error, elapsed = failure_of(lambda: ask(client))
    assert error.phase == "connect"
    assert 0.35 <= elapsed < 0.35 + PROMPT


def test_resolver_that_hangs(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    genuine, given_up = socket.getaddrinfo, threading.Event()

    def lookup(host: Any, *args: Any, **options: Any) -> Any:
        if options.get("flags"):
            return genuine(host, *args, **options)
        given_up.wait(20)
        return []

    monkeypatch.setattr(socket, "getaddrinfo", lookup)
    policy = RetryPolicy(max_attempts=1)
    with client_of(
        f"{wire.scheme}://api.example.test:1",
        connect_timeout=0.05,
        retry_policy=policy,
        allow_http=True,
    ) as client:
        error, elapsed = failure_of(lambda: ask(client, WRITE))
    given_up.set()
    assert type(error) is TimeoutError
    assert error.phase == "connect"
    assert not error.outcome_unknown
    assert 0.05 <= elapsed < PROMPT


def test_name_without_addresses(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    _resolve_to(monkeypatch)
    with client_of(f"{wire.scheme}://localhost:1") as client:
        error, _ = failure_of(lambda: ask(client))
    assert error.error_code == "NETWORK_ERROR"


def test_server_that_does_not_read(wire: Wire) -> None:
    """Megabytes of a body that fill every buffer: the sending, too, ends in time."""
    with (
        wire.serve([head_only(silence())]) as server,
        client_of(server, read_timeout=READ_TIMEOUT) as client,
    ):
        error, elapsed = failure_of(
            lambda: client.request("POST", "/v2/things", body={"note": "x" * 8_000_000})
        )
        assert type(error) is TimeoutError
        assert error.phase == "read"
        assert error.outcome_unknown
        assert elapsed < 2 * PROMPT


def test_half_sent_request_leaves_no_connection_behind(wire: Wire) -> None:
    """The answer of a server that stopped reading counts; its connection serves nobody else."""

    def play(connection: Any) -> None:
        connection.send(reply(413, {"error": "too large"}).content)
        connection.pause()

    with wire.serve([head_only(Step("refuse", play)), answer()]) as server:
        with client_of(server, retry_policy=RetryPolicy(max_attempts=1)) as client:
            impatient = client.with_options(read_timeout=0.5)
            error, _ = failure_of(
                lambda: impatient.request("POST", "/v2/things", body={"note": "x" * 8_000_000})
            )
            assert error.http_status == 413
            assert ask(client)["account"]["id"] == "acc_1"
        assert server.connections == 2


PROXY_STEPS = {
    "silent": silence(),
    "silent_mid_headers": cut(reply(200), 10, then=silence()),
    "dripping": drip(reply(200, headers={"X-Long": "y" * 500}), 0.02),
}


@pytest.mark.parametrize("step", PROXY_STEPS.values(), ids=PROXY_STEPS)
def test_proxy_that_hangs(step: Step, wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    with ProxyServer(script=[step]) as proxy:
        monkeypatch.setenv(f"{wire.scheme}_proxy", proxy.url)
        with timed_from_arrival(
            proxy,
            f"{wire.scheme}://api.example.test:8443",
            connect_timeout=0.05,
            total_timeout=0.06,
            retry_policy=RetryPolicy(max_attempts=1),
            allow_http=True,
        ) as client:
            error, elapsed = failure_of(lambda: ask(client, WRITE))
    assert type(error) is TimeoutError
    if wire.encrypted:  # the tunnel is part of the connect
        assert error.phase == "connect"
        assert not error.outcome_unknown
    else:
        assert error.phase in ("read", "total")
        assert error.outcome_unknown
    assert elapsed < PROMPT


@pytest.mark.parametrize("step", [silence(), drip(WHOLE, 0.01)], ids=["silent", "dripping"])
def test_server_that_hangs_behind_a_proxy(
    step: Step, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    with wire.serve([step]) as server, ProxyServer() as proxy:
        monkeypatch.setenv(f"{wire.scheme}_proxy", proxy.url)
        monkeypatch.setattr("urllib.request.proxy_bypass", lambda host: False)
        with timed_from_arrival(server, total_timeout=0.06, read_timeout=0.04) as client:
            error, elapsed = failure_of(lambda: ask(client, WRITE))
        assert type(error) is TimeoutError
        assert error.outcome_unknown
        assert elapsed < PROMPT
        assert len(server.requests) == 1
        assert proxy.connections == 1


def test_black_holed_proxy(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    with black_hole() as (host, port):
        monkeypatch.setenv(f"{wire.scheme}_proxy", f"http://{host}:{port}")
        with client_of(
            f"{wire.scheme}://api.example.test",
            connect_timeout=0.05,
            retry_policy=RetryPolicy(max_attempts=1),
            allow_http=True,
        ) as client:
            error, elapsed = failure_of(lambda: ask(client, READ))
    assert error.phase == "connect"
    assert elapsed < PROMPT


@pytest.mark.parametrize("name", ["connect_timeout", "read_timeout", "total_timeout"])
def test_timeouts_longer_than_sockets_take(name: str, wire: Wire) -> None:
    with wire.serve([answer()]) as server:
        for seconds in (1e300, 10**400, 3_000_000):
            with client_of(server, **{name: seconds}) as client:
                if seconds == 3_000_000:
                    assert ask(client)["account"]["id"] == "acc_1"


def test_half_closed_refusal_in_time(wire: Wire) -> None:
    early = head_only(half_close(reply(413, {"error": "too large"}, close=True)))
    with wire.serve([early]) as server, client_of(server, read_timeout=0.5) as client:
        error, elapsed = failure_of(
            lambda: client.request("POST", "/v2/things", body={"note": "x" * 3_000_000})
        )
        assert error.http_status == 413
        assert elapsed < 0.5 + PROMPT
