"""TLS on a connected socket: the handshake, and what to do when it fails."""

from __future__ import annotations

import contextlib
import os
import re
import socket
import ssl
from typing import Optional

from ..errors import ConfigError, NetworkError, TlsError
from .errands import Errand
from .origin import Origin
from .sockets import is_lost
from .timeouts import Deadline

_ADVICE = {
    10: "the certificate has expired: check this machine's clock, then tell the server's operator",
    18: "the certificate is self-signed: pass ssl_context= with the CA that you trust",
    19: "the chain ends in an unknown CA: pass ssl_context= with the CA that you trust",
    20: "the issuer is unknown: pass ssl_context= with the private CA, or update the CA store",
    62: "the certificate is for another host: check base_url",
    64: "the certificate is for another address: check base_url",
}
"""What to do about OpenSSL's verification results (X509_verify_cert_error_string)."""


def start_tls(
    sock: socket.socket, context: Optional[ssl.SSLContext], origin: Origin, deadline: Deadline
) -> ssl.SSLSocket:
    """Do the handshake with an origin over a connected socket, which is used up by it.

    Args:
        sock: The connection.
        context: The TLS settings; None means the default ones.
        origin: Whose certificate is asked for.
        deadline: Ends the handshake.

    Raises:
        NetworkError: The connection was lost meanwhile.
        TimeoutError: The deadline passed first.
        TlsError: The certificate was not accepted, or there is nothing to agree on.
        ConfigError: The default settings cannot be made on this machine.
    """
    doing = f"the TLS handshake with {origin.authority}"
    try:
        tls = _first_of_this_process(sock, context, origin, deadline)
    except ssl.SSLCertVerificationError as error:
        # A verifier written in Python (truststore, for one) may say nothing but a text.
        code = getattr(error, "verify_code", 0)
        advice = _ADVICE.get(code, "the certificate was not accepted")
        reason = getattr(error, "verify_message", "") or _text(error)
        raise TlsError(f"{doing} failed: {advice} ({reason})") from error
    except socket.timeout as error:
        if _proven[0] != os.getpid():
            doing += ", the first of a forked process; fork before other threads make calls"
        timeout = deadline.timed_out(f"waiting for {doing}")
        raise timeout from error
    except ssl.SSLError as error:
        if is_lost(error):
            raise NetworkError(f"{doing} was cut: {error}") from error
        advice = "check that the port speaks TLS, and whether the server wants a client certificate"
        raise TlsError(f"{doing} failed: {_text(error)}; {advice}") from error
    except OSError as error:
        raise NetworkError(f"{doing} was cut: {error}") from error
    protocol = tls.selected_alpn_protocol()
    if protocol not in (None, "http/1.1"):
        tls.close()
        raise TlsError(
            f"{doing} agreed on {protocol}, but the SDK speaks HTTP/1.1: remove "
            'set_alpn_protocols from the ssl_context, or offer ["http/1.1"]'
        )
    return tls


def _text(error: ssl.SSLError) -> object:
    """Return what an error says; one that Python code made of a text alone shows it as a tuple."""
    return error.args[0] if len(error.args) == 1 else error


_proven: list[int] = [os.getpid()]
"""The process in which OpenSSL is known to work."""


def _first_of_this_process(
    sock: socket.socket, context: Optional[ssl.SSLContext], origin: Origin, deadline: Deadline
) -> ssl.SSLSocket:
    """Do the handshake; the first of a forked process in a thread, which can be given up.

    A lock inside OpenSSL that another thread of the parent held at the moment of the fork is held
    in the child forever, and what waits for it knows no timeout. One handshake that has come
    through shows that none is.
    """
    if _proven[0] == os.getpid():
        return _handshake(sock, context, origin, deadline)
    wanted = True

    def shake_hands() -> ssl.SSLSocket:
        tls = _handshake(sock, context, origin, deadline)
        if not wanted:
            tls.close()
        return tls

    errand = Errand(shake_hands, "tesote-sdk-handshake")
    try:
        errand.start()
        if not errand.wait(deadline):
            raise socket.timeout("the handshake was given up")
    except BaseException:
        wanted = False
        raise
    tls = errand.outcome()
    _proven[0] = os.getpid()
    return tls


def _handshake(
    sock: socket.socket, context: Optional[ssl.SSLContext], origin: Origin, deadline: Deadline
) -> ssl.SSLSocket:
    context = default_context() if context is None else context
    # Raises where the peer has reset the connection: ssl may take that for no connection yet, and
    # truststore before 0.10.5 then looks for a certificate.
    sock.getpeername()
    # The handshake as a whole ends within the socket's timeout.
    sock.settimeout(max(0.001, deadline.remaining()))
    try:
        # Within wrap_socket, as http.client has it: some verifiers do their work in there.
        tls = context.wrap_socket(
            sock, server_hostname=origin.host.removesuffix("."), suppress_ragged_eofs=False
        )
    except BaseException as error:
        _close_left_open(error)
        raise
    if tls.version() is None:
        # Taken for a socket that is yet to be connected, it would send in clear text.
        tls.close()
        raise ConnectionResetError("the peer has reset the connection")
    return tls


def _close_left_open(error: BaseException) -> None:
    """Close the socket that wrap_socket made and gave to nobody.

    Up to Python 3.12 it does so where the peer resets the connection just before, or Ctrl-C comes
    meanwhile. Its own frame is the only place where the socket can be found.
    """
    traceback = error.__traceback__
    while traceback:
        left = traceback.tb_frame.f_locals.get("self")
        if isinstance(left, ssl.SSLSocket):
            left.close()
        traceback = traceback.tb_next


_kept: list[ssl.SSLContext] = []


def default_context() -> ssl.SSLContext:
    """Return the one context that all clients without their own share: the CA store is large.

    One that lacks something is not kept, for the next call may find it there.

    Raises:
        ConfigError: TLS cannot be set up on this machine, or there is no CA to trust.
    """
    for context in _kept:
        return context
    try:
        context = ssl.create_default_context()
    except OSError as error:  # SSLKEYLOGFILE, for one, names a file that cannot be written
        raise ConfigError(f"TLS cannot be set up on this machine: {error}") from error
    if context.minimum_version < ssl.TLSVersion.TLSv1_2:  # as Python 3.9 leaves it
        context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    # An end without close_notify is none for a body whose length was not told: Python 3.9 with
    # OpenSSL 3 hides the difference unless it is told not to (RFC 9112, section 9.8).
    context.options &= ~getattr(ssl, "OP_IGNORE_UNEXPECTED_EOF", 0)
    if _trusts_all_it_should(context):
        _kept.append(context)
    return context


def _trusts_all_it_should(context: ssl.SSLContext) -> bool:
    """Tell whether the CA store was read whole; Python itself passes over what it cannot read.

    Raises:
        ConfigError: There is no CA at all.
    """
    try:
        # Not "x509_ca": whoever trusts the certificate of one server has no CA, and needs none.
        has_read = context.cert_store_stats()["x509"] > 0
    except NotImplementedError:  # truststore in ssl's place asks the system
        return True
    # Of what exists, with what the environment names instead.
    paths = ssl.get_default_verify_paths()
    named_file = os.environ.get(paths.openssl_cafile_env)
    named_directory = os.environ.get(paths.openssl_capath_env)
    if has_read:
        return bool(paths.cafile) or not named_file
    # A directory is read by OpenSSL when it has a certificate to check, a file only now.
    if _has_certificates(named_directory or paths.openssl_capath):
        return not (paths.cafile or named_file)
    cause = "this system has no CA store"
    if named_file or named_directory:
        variable = paths.openssl_cafile_env if named_file else paths.openssl_capath_env
        cause = f"{variable}={named_file or named_directory} contains none that can be read"
    raise ConfigError(
        f"no server can be trusted without a CA certificate: {cause}; "
        "install one, or pass ssl_context="
    )


def _has_certificates(directories: str) -> bool:
    """Tell whether one of these holds certificates under the names that OpenSSL looks for."""
    names: list[str] = []
    for directory in filter(None, directories.split(os.pathsep)):
        with contextlib.suppress(OSError):
            names += os.listdir(directory)  # noqa: PTH208 - a name is all that is needed
    return any(map(_HASHED_NAME, names))


_HASHED_NAME = re.compile(r"[0-9a-f]{8}\.[0-9]+").fullmatch
