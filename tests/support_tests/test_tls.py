"""The test certificates and the scripted server over TLS."""

from __future__ import annotations

import contextlib
import http.client
import socket
import ssl
from typing import TYPE_CHECKING

import pytest

from tests.support import certificates
from tests.support.certificates import client_context, server_context
from tests.support.scripted_server import ScriptedServer
from tests.support.steps import (
    hang_up,
    reply,
)
from tests.support_tests.clients import GET, get

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextlib.contextmanager
def tls_client(server: ScriptedServer, context: ssl.SSLContext) -> Iterator[ssl.SSLSocket]:
    sock = socket.create_connection(server.address, timeout=2)
    with context.wrap_socket(sock, server_hostname="localhost") as client:
        yield client


def exchange(server: ScriptedServer, context: ssl.SSLContext) -> bytes:
    """Send one request and return what is there to read first."""
    with tls_client(server, context) as client:
        client.sendall(GET)
        return client.recv(999)


def strict(context: ssl.SSLContext) -> ssl.SSLContext:
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    return context


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_the_good_certificate_is_good_to_the_strict(host: str) -> None:
    with ScriptedServer([reply(body=b"ok")], tls=server_context()) as server:
        assert server.url == f"https://localhost:{server.address[1]}"
        client = http.client.HTTPSConnection(
            host, server.address[1], timeout=2, context=strict(client_context())
        )
        with contextlib.closing(client):
            assert get(client) == (200, b"ok")
    assert server.tls_errors == []


@pytest.mark.parametrize(
    ("certificate", "complaint"),
    [
        (certificates.API_HOST, "Hostname mismatch"),
        (certificates.EXPIRED, "certificate has expired"),
        (certificates.SELF_SIGNED, "self.signed certificate"),
    ],
)
def test_a_bad_certificate_is_bad_for_one_reason(certificate: Path, complaint: str) -> None:
    with ScriptedServer([], tls=server_context(certificate)) as server:
        with pytest.raises(ssl.SSLCertVerificationError, match=complaint):
            exchange(server, strict(client_context()))
        server.wait_until(lambda: server.tls_errors)
    assert isinstance(server.tls_errors[0], ssl.SSLError)
    assert server.requests == []


def test_the_system_does_not_trust_the_ca() -> None:
    context = ssl.create_default_context()
    error = ssl.SSLCertVerificationError
    with ScriptedServer([], tls=server_context()) as server, pytest.raises(error):
        exchange(server, context)


def test_mutual_tls_takes_the_client_certificate() -> None:
    context = strict(client_context(certificates.CLIENT))
    with ScriptedServer([reply()], tls=server_context(mutual=True)) as server:
        assert exchange(server, context) == reply().content


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_mutual_tls_refuses_who_has_none_by_an_alert(version: ssl.TLSVersion) -> None:
    context = client_context()
    context.maximum_version = version
    with ScriptedServer([], tls=server_context(mutual=True)) as server:
        with pytest.raises(ssl.SSLError, match="ALERT"):
            exchange(server, context)
        server.wait_until(lambda: server.tls_errors)
        assert "PEER_DID_NOT_RETURN_A_CERTIFICATE" in str(server.tls_errors[0])


def test_a_polite_close_says_goodbye_and_a_hang_up_does_not() -> None:
    context = client_context()
    context.options &= ~getattr(ssl, "OP_IGNORE_UNEXPECTED_EOF", 0)
    with ScriptedServer([reply(close=True), hang_up()], tls=server_context()) as server:
        for step in ("polite", "rude"):
            sock = socket.create_connection(server.address, timeout=2)
            with context.wrap_socket(
                sock, server_hostname="localhost", suppress_ragged_eofs=False
            ) as client:
                client.sendall(GET)
                if step == "polite":
                    assert client.recv(999) == reply(close=True).content
                    assert client.recv(1) == b""
                else:
                    with pytest.raises(ssl.SSLError):
                        client.recv(1)
