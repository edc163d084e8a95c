"""The default TLS settings: what they trust, and what becomes of settings that lack something."""

from __future__ import annotations

import re
import ssl
import time
from typing import TYPE_CHECKING, Any

import pytest

from tesote_sdk import ConfigError
from tesote_sdk.transport import tls
from tesote_sdk.transport.dialing import dial
from tesote_sdk.transport.origin import Origin
from tesote_sdk.transport.timeouts import Deadline
from tests.support.certificates import CA, SELF_SIGNED, server_context
from tests.support.scripted_server import ScriptedServer

if TYPE_CHECKING:
    from pathlib import Path


NOWHERE: Any = None
"""What get_default_verify_paths tells of a path that does not exist; its type leaves that out."""


@pytest.fixture(autouse=True)
def _nothing_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tls, "_kept", [])


@pytest.fixture
def ca_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The whole CA store, a file that is yet to be written."""
    # Windows has a store of its own beside it.
    monkeypatch.setattr(ssl, "enum_certificates", lambda _: [], raising=False)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))
    return tmp_path / "ca.pem"


def test_they_verify(ca_file: Path) -> None:
    ca_file.write_bytes(CA.read_bytes())
    context = tls.default_context()
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    assert context.cert_store_stats()["x509_ca"] == 1


def test_they_are_made_once(ca_file: Path) -> None:
    ca_file.write_bytes(CA.read_bytes())
    assert tls.default_context() is tls.default_context()


def test_they_offer_http_1_1_and_hide_no_end(
    ca_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ca_file.write_bytes(CA.read_bytes())
    ignored = getattr(ssl, "OP_IGNORE_UNEXPECTED_EOF", 0)
    genuine = ssl.create_default_context

    def careless() -> ssl.SSLContext:  # as Python 3.9 makes it with OpenSSL 3
        context = genuine()
        context.options |= ignored
        return context

    monkeypatch.setattr(ssl, "create_default_context", careless)
    context, server_side = tls.default_context(), server_context()
    assert not context.options & ignored
    server_side.set_alpn_protocols(["spdy/1", "http/1.1"])
    with ScriptedServer([], tls=server_side) as server, dialed(server, context) as sock:
        assert sock.selected_alpn_protocol() == "http/1.1"


def dialed(server: ScriptedServer, context: ssl.SSLContext) -> ssl.SSLSocket:
    origin = Origin("https", *server.address)
    sock = dial(origin, None, context, Deadline(time.monotonic, 5, "connect"))
    assert isinstance(sock, ssl.SSLSocket)
    return sock


def test_tls_1_2_at_least(monkeypatch: pytest.MonkeyPatch, ca_file: Path) -> None:
    """As Python 3.9 would not have it, and higher where the machine's settings say so."""
    ca_file.write_bytes(CA.read_bytes())
    genuine = ssl.create_default_context

    def created(version: ssl.TLSVersion) -> ssl.SSLContext:
        context = genuine()
        context.minimum_version = version
        return context

    for given, expected in (
        (ssl.TLSVersion.MINIMUM_SUPPORTED, ssl.TLSVersion.TLSv1_2),
        (ssl.TLSVersion.TLSv1_3, ssl.TLSVersion.TLSv1_3),
    ):
        monkeypatch.setattr(tls, "_kept", [])
        monkeypatch.setattr(ssl, "create_default_context", lambda v=given: created(v))
        assert tls.default_context().minimum_version is expected


def test_no_ca_at_all_is_refused_and_not_remembered(ca_file: Path) -> None:
    with pytest.raises(
        ConfigError, match=r"without a CA certificate: SSL_CERT_FILE=.*ca\.pem"
    ) as caught:
        tls.default_context()
    assert "ssl_context=" in str(caught.value)
    ca_file.write_bytes(CA.read_bytes())
    assert tls.default_context().cert_store_stats()["x509_ca"] == 1


def test_directory_without_certificates(ca_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    paths = ssl.get_default_verify_paths()._replace(cafile=NOWHERE)
    monkeypatch.setattr(ssl, "get_default_verify_paths", lambda: paths)
    monkeypatch.setattr(ssl.SSLContext, "load_default_certs", lambda *_: None)
    with pytest.raises(
        ConfigError, match=re.escape(f"SSL_CERT_DIR={ca_file.parent} contains none")
    ):
        tls.default_context()


def test_ca_file_that_is_missing_beside_the_systems_store(
    ca_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of Windows, say, which is read all the same."""

    def load_store(context: ssl.SSLContext, *_: Any) -> None:
        context.load_verify_locations(CA)

    monkeypatch.setattr(ssl.SSLContext, "load_default_certs", load_store)
    assert tls.default_context() is not tls.default_context()
    monkeypatch.delenv("SSL_CERT_FILE")
    assert tls.default_context() is tls.default_context()


def test_certificate_of_one_server_in_place_of_a_ca(ca_file: Path) -> None:
    ca_file.write_bytes(SELF_SIGNED.read_bytes())
    context = tls.default_context()
    with ScriptedServer([], tls=server_context(SELF_SIGNED)) as server:
        dialed(server, context).close()


def test_machine_without_a_ca_store(monkeypatch: pytest.MonkeyPatch) -> None:
    paths = ssl.DefaultVerifyPaths(
        NOWHERE, NOWHERE, "NO_SUCH_FILE", "/nowhere.pem", "NO_SUCH_DIR", "/nowhere"
    )
    monkeypatch.setattr(ssl, "get_default_verify_paths", lambda: paths)
    monkeypatch.setattr(ssl.SSLContext, "load_default_certs", lambda *_: None)
    with pytest.raises(ConfigError, match="this system has no CA store"):
        tls.default_context()


def test_ca_file_that_is_missing_beside_a_directory(ca_file: Path) -> None:
    """OpenSSL makes do with the directory; the file may be there for the next call."""
    (ca_file.parent / "0123abcd.0").write_bytes(CA.read_bytes())
    assert tls.default_context() is not tls.default_context()
    ca_file.write_bytes(CA.read_bytes())
    context = tls.default_context()
    assert context.cert_store_stats()["x509_ca"] == 1
    assert tls.default_context() is context


def test_ca_file_that_cannot_be_read_just_now(
    ca_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No descriptor left, say: Python passes over it in silence."""
    (ca_file.parent / "0123abcd.0").write_bytes(CA.read_bytes())
    ca_file.write_bytes(CA.read_bytes())
    monkeypatch.delenv("SSL_CERT_FILE")
    paths = ssl.get_default_verify_paths()._replace(cafile=str(ca_file))
    monkeypatch.setattr(ssl, "get_default_verify_paths", lambda: paths)
    with monkeypatch.context() as patch:
        patch.setattr(ssl.SSLContext, "load_default_certs", lambda *_: None)
        deaf = tls.default_context()
    assert tls.default_context() is not deaf


def test_directory_of_certificates_alone(ca_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on Debian: OpenSSL looks into it when it has a certificate to check."""
    (ca_file.parent / "0123abcd.0").write_bytes(CA.read_bytes())
    monkeypatch.delenv("SSL_CERT_FILE")
    paths = ssl.get_default_verify_paths()._replace(cafile=NOWHERE, openssl_cafile="/nowhere.pem")
    monkeypatch.setattr(ssl, "get_default_verify_paths", lambda: paths)
    genuine = ssl.SSLContext.load_verify_locations

    def load_directory(context: ssl.SSLContext, *_: Any) -> None:
        genuine(context, capath=str(ca_file.parent))

    monkeypatch.setattr(ssl.SSLContext, "load_default_certs", load_directory)
    assert tls.default_context() is tls.default_context()


def test_verifier_that_asks_the_system(monkeypatch: pytest.MonkeyPatch) -> None:
    """truststore in ssl's place has no CAs to count."""

    def no_stats(_: ssl.SSLContext) -> Any:
        raise NotImplementedError

    monkeypatch.setattr(ssl.SSLContext, "cert_store_stats", no_stats)
    assert tls.default_context() is tls.default_context()


def test_key_log_file_that_cannot_be_written(monkeypatch: pytest.MonkeyPatch) -> None:
    """SSLKEYLOGFILE is read by Python itself, while the default settings are made."""
    with monkeypatch.context() as patch:
        patch.setenv("SSLKEYLOGFILE", "/nowhere/at/all")
        with pytest.raises(ConfigError, match="TLS cannot be set up"):
            tls.default_context()
    tls.default_context()
