"""The test certificates and the scripted server over TLS."""

from __future__ import annotations

import contextlib
import http.client
import socket
import ssl
import time
from typing import TYPE_CHECKING

import pytest

from tests.support import certificates
from tests.support.certificates import client_context, server_context
from tests.support.scripted_server import ScriptedServer
from tests.support.steps import (
    Step,
    hang_up,
    on_accept,
    on_client_hello,
    raw,
    reply,
    reset,
    silence,
    then_stray,
    unread,
)
from tests.support_tests.clients import GET, bare_client, get, http_client, nothing_left_behind

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


def test_the_alert_waits_for_a_client_that_sends_on() -> None:
    with ScriptedServer([], tls=server_context(mutual=True)) as server:
        with tls_client(server, client_context()) as client:
            server.wait_until(lambda: server.tls_errors)
            for _ in range(3):
                client.sendall(GET)
            with pytest.raises(ssl.SSLError, match="ALERT"):
                client.recv(1)
        server.wait_for_disconnects()


def test_a_handshake_may_never_come() -> None:
    with ScriptedServer([on_accept(silence()), reply()], tls=server_context()) as server:
        with socket.create_connection(server.address, timeout=2) as sock:
            sock.settimeout(0.1)
            with pytest.raises(OSError, match="timed out"):
                client_context().wrap_socket(sock, server_hostname="localhost")
        with http_client(server) as client:
            assert get(client)[0] == 200
        assert server.tls_errors == []


@pytest.mark.parametrize(
    ("step", "error"),
    [
        (hang_up(), ssl.SSLError),
        (reset(), ConnectionResetError),
        (raw(b"HTTP/1.1 400 Bad Request\r\n\r\n"), ssl.SSLError),
    ],
)
def test_a_handshake_may_break(step: Step, error: type[OSError]) -> None:
    context = client_context()
    script = [on_client_hello(step)]
    with ScriptedServer(script, tls=server_context()) as server, pytest.raises(error):
        exchange(server, context)


def test_a_plain_client_is_a_tls_error_and_not_a_traceback(
    capfd: pytest.CaptureFixture[str],
) -> None:
    with ScriptedServer([], tls=server_context()) as server, bare_client(server, GET):
        server.wait_until(lambda: server.tls_errors)
    assert capfd.readouterr() == ("", "")


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


def test_a_reused_connection_can_be_dropped_or_closed_on_trigger() -> None:
    script = [reply(), unread(hang_up()), then_stray(reply(), b"stray", triggered=True)]
    with ScriptedServer(script, tls=server_context()) as server:
        with http_client(server) as client:
            get(client)
            with pytest.raises((http.client.RemoteDisconnected, ConnectionResetError)):
                get(client)
        with tls_client(server, client_context()) as tls:
            tls.sendall(GET)
            assert tls.recv(999) == reply().content
            server.trigger()
            assert tls.recv(999) == b"stray"
        assert len(server.requests) == 2


def test_closing_ends_a_handshake_that_waits_for_the_client() -> None:
    with nothing_left_behind():
        with ScriptedServer([], tls=server_context()) as server, bare_client(server):
            server.wait_until(lambda: server.connections)
            started = time.monotonic()
            server.close()
            assert time.monotonic() - started < 1
        assert server.tls_errors == []
