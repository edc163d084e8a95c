"""Certificates and handshakes: a TlsError that says what to do, and never a way around it."""

from __future__ import annotations

import errno
import os
import select
import socket
import ssl
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from tesote_sdk import NetworkError, TimeoutError, TlsError, TransportError
from tesote_sdk.transport import tls
from tesote_sdk.transport.dialing import dial
from tesote_sdk.transport.origin import Origin
from tesote_sdk.transport.timeouts import Deadline
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
    CA,
    CLIENT,
    EXPIRED,
    LOCALHOST,
    SELF_SIGNED,
    client_context,
    server_context,
)
from tests.support.connections import reset_on_close
from tests.support.scripted_server import ScriptedServer
from tests.support.steps import Step, held, on_accept, on_client_hello, raw, reset

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


# ---- contexts that do more, or less, than Python's own ----


class Verifier(ssl.SSLContext):
    """Checks the certificate itself, within wrap_socket, as truststore does before 0.10.5."""

    refusal: Exception | None = None

    def wrap_socket(self, sock: socket.socket, *args: Any, **options: Any) -> ssl.SSLSocket:
        wanted = self.check_hostname, self.verify_mode
        self.check_hostname, self.verify_mode = False, ssl.CERT_NONE
        try:
            tls_socket = super().wrap_socket(sock, *args, **options)
        finally:
            self.verify_mode, self.check_hostname = wanted[1], wanted[0]
        # Where the handshake is yet to come, there is nothing to check.
        if self.refusal or not tls_socket.getpeercert(binary_form=True):
            tls_socket.close()
            raise self.refusal or ssl.SSLCertVerificationError("it shows no certificate")
        return tls_socket


def test_verifier_within_wrap_socket() -> None:
    context = Verifier(ssl.PROTOCOL_TLS_CLIENT)
    with (
        ScriptedServer([answer()], tls=server_context()) as server,
        client_of(server, ssl_context=context) as client,
    ):
        assert ask(client)["account"]["id"] == "acc_1"


def test_refusal_by_a_verifier_that_tells_no_code() -> None:
    context = Verifier(ssl.PROTOCOL_TLS_CLIENT)
    context.refusal = ssl.SSLCertVerificationError("the keychain does not trust it")
    with ScriptedServer([answer()], tls=server_context()) as server:
        with client_of(server, ssl_context=context) as client:
            error, _ = failure_of(lambda: ask(client, WRITE))
        assert type(error) is TlsError
        assert "not accepted (the keychain does not trust it)" in error.message
        assert server.requests == []


def test_final_dot_of_a_host_is_not_sent_to_tls(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither to the server (RFC 6066, section 3) nor to the check of the certificate."""
    names: list[str | None] = []
    context = server_context()
    context.sni_callback = lambda _, name, __: names.append(name)
    with ScriptedServer([answer()], tls=context) as server:
        with client_of(f"https://localhost.:{server.address[1]}") as client:
            _resolve_to(monkeypatch, server)
            assert ask(client)["account"]["id"] == "acc_1"
        assert server.requests[0].headers["Host"] == f"localhost.:{server.address[1]}"
    assert names == ["localhost"]


def _resolve_to(monkeypatch: pytest.MonkeyPatch, server: ScriptedServer) -> None:
    found = [(socket.AF_INET, socket.SOCK_STREAM, 0, "", server.address)]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_: found)


def test_context_that_agrees_on_h2() -> None:
    context, server_side = client_context(), server_context()
    context.set_alpn_protocols(["h2", "http/1.1"])
    server_side.set_alpn_protocols(["h2"])
    with ScriptedServer([answer()], tls=server_side) as server:
        with client_of(server, ssl_context=context) as client:
            error, _ = failure_of(lambda: ask(client, WRITE))
        assert type(error) is TlsError
        assert "agreed on h2" in str(error)
        assert "set_alpn_protocols" in str(error)
        assert not error.outcome_unknown
        assert error.attempts == 1
        assert server.requests == []


# ---- a socket that wrap_socket makes, and what may become of it ----


def _dial(server: ScriptedServer, context: ssl.SSLContext, **options: Any) -> socket.socket:
    deadline = Deadline(time.monotonic, options.pop("seconds", 5), options.pop("phase", "connect"))
    return dial(Origin("https", *server.address), None, context, deadline, **options)


class Recorded(ssl.SSLSocket):
    """What wrap_socket makes, also where it returns nothing."""

    made: list[ssl.SSLSocket]

    def __new__(cls, *args: Any, **options: Any) -> Recorded:
        made = super().__new__(cls, *args, **options)
        cls.made.append(made)
        return made


class TooLate(ssl.SSLContext):
    """Gets to the socket when its peer has just reset the connection."""

    def __init__(self, *_: Any) -> None:
        self.may_reset = threading.Event()
        self.takes_the_error = False

    def wrap_socket(self, sock: socket.socket, *args: Any, **options: Any) -> ssl.SSLSocket:
        self.may_reset.set()
        assert select.select([sock], [], [], 5)[0]
        if self.takes_the_error:
            assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == errno.ECONNRESET
        return super().wrap_socket(sock, *args, **options)


@pytest.mark.parametrize("takes_the_error", [False, True], ids=["raises", "never_connected"])
def test_reset_just_before_the_handshake_leaves_no_socket_open(
    takes_the_error: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Python 3.9 to 3.12 leave one open, or return one that would send in clear text."""
    monkeypatch.setattr(Recorded, "made", [], raising=False)
    context = TooLate(ssl.PROTOCOL_TLS_CLIENT)
    context.sslsocket_class = Recorded
    context.takes_the_error = takes_the_error
    script = [on_accept(held(reset(), context.may_reset))]
    with (
        ScriptedServer(script, tls=server_context()) as server,
        pytest.raises(NetworkError, match="was cut"),
    ):
        _dial(server, context)
    assert [sock.fileno() for sock in Recorded.made] == [-1]


def test_reset_before_the_handshake_is_noticed_before_a_verifier_is_asked() -> None:
    """Which may look for a certificate that cannot be there, and fail in a way of its own."""

    class Confused(ssl.SSLContext):
        def wrap_socket(self, *args: Any, **options: Any) -> ssl.SSLSocket:
            raise AttributeError("'NoneType' object has no attribute 'get_unverified_chain'")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        sock = socket.create_connection(listener.getsockname())
        peer, _ = listener.accept()
    with sock:
        reset_on_close(peer)
        peer.close()
        assert select.select([sock], [], [], 5)[0]
        with pytest.raises(NetworkError, match="was cut"):
            tls.start_tls(
                sock,
                Confused(ssl.PROTOCOL_TLS_CLIENT),
                Origin("https", "127.0.0.1", 443),
                Deadline(time.monotonic, 5, "connect"),
            )


class Silent(ssl.SSLContext):
    """Waits for ever, as for a lock of OpenSSL's that is held for ever."""

    enough: threading.Event

    def wrap_socket(self, *args: Any, **options: Any) -> ssl.SSLSocket:
        assert self.enough.wait(10)
        return super().wrap_socket(*args, **options)


def test_first_handshake_of_a_forked_process_may_hang(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another thread may have been inside OpenSSL at the moment of the fork."""
    monkeypatch.setattr(tls, "_proven", [-1])
    context = Silent(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(CA)
    context.enough = threading.Event()
    with ScriptedServer([], tls=server_context()) as server:
        started = time.monotonic()
        with pytest.raises(TimeoutError, match="first of a forked process") as caught:
            _dial(server, context, seconds=0.1)
        assert time.monotonic() - started < PROMPT
        assert caught.value.phase == "connect"
        assert tls._proven == [-1]
        context.enough.set()
        _dial(server, context).close()
        # One that came through has met no lock that is held for ever.
        assert tls._proven == [os.getpid()]


class Late(ssl.SSLContext):
    """Returns from wrap_socket when nobody waits for it any more."""

    enough: threading.Event
    wrapped: ssl.SSLSocket

    def wrap_socket(self, *args: Any, **options: Any) -> ssl.SSLSocket:
        self.wrapped = super().wrap_socket(*args, **options)
        assert self.enough.wait(10)
        return self.wrapped


def test_handshake_that_was_given_up_leaves_no_socket_open(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tls, "_proven", [-1])
    context = Late(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(CA)
    context.enough = threading.Event()
    with ScriptedServer([], tls=server_context()) as server:
        with pytest.raises(TimeoutError):
            _dial(server, context, seconds=0.2)
        (waiting,) = (t for t in threading.enumerate() if t.name == "tesote-sdk-handshake")
        context.enough.set()
        waiting.join(5)
    assert context.wrapped.fileno() == -1


class Early(ssl.SSLContext):
    """Ends its wait before the time, as a coarse clock has it."""

    def wrap_socket(self, *args: Any, **options: Any) -> ssl.SSLSocket:
        raise socket.timeout("timed out")


def test_wait_that_ends_early_is_named_after_its_deadline() -> None:
    with (
        ScriptedServer([], tls=server_context()) as server,
        pytest.raises(TimeoutError) as caught,
    ):
        _dial(server, Early(ssl.PROTOCOL_TLS_CLIENT), phase="total")
    assert caught.value.phase == "total"
