"""Certificates and handshakes: a TlsError that says what to do, and never a way around it."""

from __future__ import annotations

import socket
import ssl
from typing import TYPE_CHECKING

import pytest

from tesote_sdk import NetworkError, TlsError, TransportError
from tesote_sdk.transport import dialing
from tests.faults.harness import (
    PROMPT,
    WRITE,
    Wire,
    answer,
    ask,
    client_of,
    failure_of,
)
from tests.support.certificates import (
    API_HOST,
    CLIENT,
    EXPIRED,
    LOCALHOST,
    SELF_SIGNED,
    client_context,
    server_context,
)
from tests.support.scripted_server import ScriptedServer
from tests.support.steps import Step, on_client_hello, raw

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.connections import Connection

REFUSED = {
    "wrong_host": (API_HOST, "another host: check base_url"),
    "expired": (EXPIRED, "expired: check this machine's clock"),
    "self_signed": (SELF_SIGNED, "self-signed: pass ssl_context="),
}


@pytest.mark.parametrize(("certificate", "advice"), REFUSED.values(), ids=REFUSED)
def test_refused_certificate(certificate: Path, advice: str) -> None:
    with ScriptedServer([answer()] * 2, tls=server_context(certificate)) as server:
        with client_of(server) as client:
            error, elapsed = failure_of(lambda: ask(client, WRITE))
        assert type(error) is TlsError
        assert isinstance(error.__cause__, ssl.SSLCertVerificationError)
        assert advice in str(error)
        assert error.attempts == 1
        assert not error.outcome_unknown
        assert elapsed < PROMPT
        assert server.requests == []
        assert server.connections == 1


def test_wrong_address() -> None:
    with ScriptedServer([answer()], tls=server_context(API_HOST)) as server:
        with client_of(f"https://127.0.0.1:{server.address[1]}") as client:
            error, _ = failure_of(lambda: ask(client))
        assert type(error) is TlsError
        assert "another address" in str(error)


@pytest.mark.parametrize("certificate", [LOCALHOST, SELF_SIGNED], ids=["unknown_ca", "self_signed"])
def test_default_settings_trust_no_private_ca(certificate: Path) -> None:
    with ScriptedServer([answer()], tls=server_context(certificate)) as server:
        with client_of(server, ssl_context=None) as client:
            error, _ = failure_of(lambda: ask(client))
        assert type(error) is TlsError
        assert "ssl_context=" in str(error)
        assert server.requests == []


def test_default_settings_verify() -> None:
    context = dialing._default_context()
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    assert context is dialing._default_context()


def test_private_ca() -> None:
    with ScriptedServer([answer()], tls=server_context()) as server, client_of(server) as client:
        assert ask(client)["account"]["id"] == "acc_1"


def test_client_certificate() -> None:
    with (
        ScriptedServer([answer()], tls=server_context(mutual=True)) as server,
        client_of(server, ssl_context=client_context(CLIENT)) as client,
    ):
        assert ask(client)["account"]["id"] == "acc_1"


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_client_certificate_missing(version: ssl.TLSVersion) -> None:
    context = client_context()
    context.minimum_version = context.maximum_version = version
    with ScriptedServer([answer()] * 3, tls=server_context(mutual=True)) as server:
        with client_of(server, ssl_context=context) as client:
            error, _ = failure_of(lambda: ask(client))
        assert type(error) is TlsError
        assert "client certificate" in str(error)
        assert error.attempts == 1
        assert server.requests == []


def test_server_speaks_no_tls() -> None:
    step = on_client_hello(raw(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"))
    with ScriptedServer([step], tls=server_context()) as server, client_of(server) as client:
        error, _ = failure_of(lambda: ask(client, WRITE))
        assert type(error) is TlsError
        assert "check that the port speaks TLS" in str(error)
        assert not error.outcome_unknown
        assert error.attempts == 1


def test_tls_versions_that_do_not_meet() -> None:
    context = client_context()
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    server_side = server_context()
    server_side.minimum_version = ssl.TLSVersion.TLSv1_3
    with ScriptedServer([answer()], tls=server_side) as server:
        with client_of(server, ssl_context=context) as client:
            error, _ = failure_of(lambda: ask(client))
        assert type(error) is TlsError


def test_context_of_a_server() -> None:
    with ScriptedServer([answer()], tls=server_context()) as server:
        with client_of(server, ssl_context=server_context()) as client:
            error, _ = failure_of(lambda: ask(client))
        assert type(error) is TlsError


def test_plain_request_to_a_tls_port() -> None:
    with ScriptedServer([answer()] * 3, tls=server_context()) as server:
        with client_of(f"http://127.0.0.1:{server.address[1]}") as client:
            error, _ = failure_of(lambda: ask(client))
        assert isinstance(error, TransportError)
        assert server.requests == []


def test_garbage_in_the_encrypted_stream() -> None:
    """A record that does not decrypt is no lost connection, and is not tried again."""

    def spoil(connection: Connection) -> None:
        socket.socket.sendall(connection.sock, b"\x17\x03\x03\x00\x20" + b"x" * 32)

    with Wire("https").serve([Step("spoil", spoil)]) as server, client_of(server) as client:
        error, _ = failure_of(lambda: ask(client, WRITE))
        assert type(error) is TlsError
        assert error.outcome_unknown
        assert error.attempts == 1
        assert not isinstance(error, NetworkError)
