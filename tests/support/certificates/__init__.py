"""Certificates of a private CA, and TLS contexts made of them; see make_certificates.py."""

from __future__ import annotations

import ssl
from pathlib import Path

_HERE = Path(__file__).parent

CA = _HERE / "ca.pem"
"""The certificate of the CA that signed all others but SELF_SIGNED."""

LOCALHOST = _HERE / "localhost.pem"
"""Server: localhost and 127.0.0.1."""

API_HOST = _HERE / "api_host.pem"
"""Server: api.example.test. The wrong host for localhost, the right one behind a proxy."""

EXPIRED = _HERE / "expired.pem"
"""Server: localhost and 127.0.0.1, until 2021."""

SELF_SIGNED = _HERE / "self_signed.pem"
"""Server: localhost and 127.0.0.1, signed by itself."""

CLIENT = _HERE / "client.pem"
"""Client, for mutual TLS."""


def server_context(certificate: Path = LOCALHOST, *, mutual: bool = False) -> ssl.SSLContext:
    """Return a server's context.

    Args:
        certificate: What it shows.
        mutual: Demand a client certificate that the CA signed.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    if mutual:
        context.load_verify_locations(CA)
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def client_context(certificate: Path | None = None) -> ssl.SSLContext:
    """Return a client's context that trusts the CA alone, and shows `certificate` if given."""
    context = ssl.create_default_context(cafile=str(CA))
    if certificate:
        context.load_cert_chain(certificate)
    return context
