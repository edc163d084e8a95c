"""The server is not reached: a NetworkError that says what to look at; nothing was sent."""

from __future__ import annotations

import errno
import socket
import threading
from typing import Any

import pytest

from tesote_sdk import ConfigError, NetworkError
from tests.faults.harness import (
    KINDS,
    PROMPT,
    WRITE,
    Kind,
    Wire,
    answer,
    ask,
    client_of,
    failure_of,
)
from tests.faults.tables import HANDSHAKES
from tests.support.dead_addresses import refused_port
from tests.support.steps import hang_up, on_client_hello


@pytest.mark.parametrize("kind", KINDS)
def test_refused(kind: Kind, wire: Wire) -> None:
    with refused_port() as port, client_of(f"{wire.scheme}://127.0.0.1:{port}") as client:
        error, elapsed = failure_of(lambda: ask(client, kind))
    assert type(error) is NetworkError
    assert isinstance(error.__cause__, ConnectionRefusedError)
    assert error.attempts == 3
    assert not error.outcome_unknown
    assert f"127.0.0.1:{port}" in str(error)
    assert "check base_url" in str(error)
    assert elapsed < 2 * PROMPT  # Windows asks for two seconds before it takes a refusal


@pytest.mark.parametrize("kind", KINDS)
def test_unresolvable(kind: Kind, wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    def lookup(*_: Any) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", lookup)
    with client_of(f"{wire.scheme}://api.example.test", allow_http=True) as client:
        error, elapsed = failure_of(lambda: ask(client, kind))
    assert type(error) is NetworkError
    assert isinstance(error.__cause__, socket.gaierror)
    assert error.attempts == 3
    assert not error.outcome_unknown
    assert "api.example.test" in str(error)
    assert "base_url" in str(error)
    assert elapsed < PROMPT


def test_unreachable_network(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    def connect(sock: socket.socket, address: Any) -> None:
        raise OSError(errno.ENETUNREACH, "Network is unreachable")

    monkeypatch.setattr(socket.socket, "connect", connect)
    with client_of(f"{wire.scheme}://127.0.0.1:9") as client:
        error, _ = failure_of(lambda: ask(client, WRITE))
    assert type(error) is NetworkError
    assert not error.outcome_unknown


def test_out_of_descriptors(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    def exhausted(*_: Any, **__: Any) -> Any:
        raise OSError(errno.EMFILE, "Too many open files")

    with wire.serve([answer()]) as server, client_of(server) as client:
        with monkeypatch.context() as patch:
            patch.setattr("tesote_sdk.transport.dialing.socket.socket", exhausted)
            error, _ = failure_of(lambda: ask(client, WRITE))
        assert type(error) is NetworkError
        assert not error.outcome_unknown
        assert ask(client)["account"]["id"] == "acc_1"


def test_no_thread_for_the_resolver(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    """As while the interpreter ends: the name is looked up without one."""

    genuine = threading.Thread.start

    def start(thread: threading.Thread) -> None:
        if thread.name == "tesote-sdk-resolver":
            raise RuntimeError("can't start new thread")
        genuine(thread)

    monkeypatch.setattr(threading.Thread, "start", start)
    with (
        wire.serve([answer()]) as server,
        client_of(f"{wire.scheme}://localhost:{server.address[1]}") as client,
    ):
        assert ask(client)["account"]["id"] == "acc_1"


@pytest.mark.parametrize("step", HANDSHAKES.values(), ids=HANDSHAKES)
def test_lost_handshake(step: Any) -> None:
    with Wire("https").serve([step] * 3) as server, client_of(server) as client:
        error, elapsed = failure_of(lambda: ask(client, WRITE))
        assert type(error) is NetworkError
        assert isinstance(error.__cause__, OSError)
        assert error.attempts == 3
        assert not error.outcome_unknown
        assert server.requests == []
        assert elapsed < PROMPT


def test_lost_handshake_once() -> None:
    script = [on_client_hello(hang_up()), answer()]
    with Wire("https").serve(script) as server, client_of(server) as client:
        assert ask(client, WRITE)["account"]["id"] == "acc_1"


HOSTS = [f"https://{'a' * 64}.example.test", "https://.example.test", "https://a..example.test"]


@pytest.mark.parametrize("url", [*HOSTS, f"https://{'a.' * 127}test", "https://ex\uff0fample.test"])
def test_host_name_that_dns_cannot_hold(url: str) -> None:
    """Refused at once: behind a proxy it would be met deep in the TLS handshake only."""
    assert type(failure_of(lambda: client_of(url)).error) is ConfigError
