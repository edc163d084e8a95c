"""Reaching the server: name resolution, the race of addresses, proxies and TLS.

All of it happens within one deadline, the connect timeout, and what fails here has sent nothing.
"""

from __future__ import annotations

import errno
import os
import selectors
import socket
import ssl
import sys
import threading
from itertools import zip_longest
from typing import TYPE_CHECKING, Any, cast

from .._forks import loading
from ..errors import ConfigError, NetworkError, TlsError
from .http1 import Incoming, NotHttpError, is_lost
from .origin import Origin, is_loopback
from .sockets import TimedSocket

if TYPE_CHECKING:
    from .timeouts import Deadline

_HEAD_START = 0.25
"""Seconds an address has to itself before the next is tried beside it (RFC 8305, section 5)."""


# Needs no descriptor of its own, which a process that has run out of them does not get.
_Selector = getattr(selectors, "PollSelector", selectors.SelectSelector)


class Proxy:
    """An HTTP proxy; its repr shows no credentials."""

    __slots__ = ("_authorization", "origin")

    def __init__(self, origin: Origin, authorization: str) -> None:
        self.origin = origin
        self._authorization = authorization

    def header(self) -> str:
        """Return the Proxy-Authorization header line, or "" for a proxy that asks for none."""
        if not self._authorization:
            return ""
        return f"Proxy-Authorization: {self._authorization}\r\n"

    def __repr__(self) -> str:
        return f"<Proxy {self.origin.authority}>"


def proxy_for(origin: Origin, *, allow_http: bool) -> Proxy | None:
    """Return the proxy that the environment names for an origin, as `urllib.request` reads it.

    Args:
        origin: Where the request is to go.
        allow_http: Whether the key may cross a network in clear text. Where it may not, plain http
            to this machine does not take the detour over a proxy on another one.

    Raises:
        ConfigError: The proxy's URL is not `http://[user:password@]host[:port]`.
    """
    # Elsewhere than on macOS and Windows it is the environment alone that names proxies: where it
    # names none, urllib.request need not load, which takes longer than reaching the server.
    if sys.platform not in ("darwin", "win32") and not any(
        name.lower().endswith("_proxy") for name in os.environ
    ):
        return None
    from urllib.request import getproxies, proxy_bypass

    # The URL may hold a password: it is in no local variable when something is raised.
    proxy = _parse_proxy(getproxies().get(origin.scheme, ""))
    if proxy is None or proxy_bypass(origin.authority):
        return None
    if isinstance(proxy, str):
        raise ConfigError(f"{origin.scheme.upper()}_PROXY {proxy}: write http://host:port")
    if origin.scheme == "http" and not (allow_http or is_loopback(proxy.origin.host)):
        return None
    return proxy


def dial(
    origin: Origin, proxy: Proxy | None, context: ssl.SSLContext | None, deadline: Deadline
) -> socket.socket:
    """Connect to the origin, through the proxy if there is one.

    Args:
        origin: Where the API is served.
        proxy: What to go through; an https origin is reached by CONNECT (RFC 9110, section 9.3.6).
        context: The TLS settings; None means the default ones. Plain http makes no use of them.
        deadline: The connect timeout, or what is left of the total one.

    Raises:
        NetworkError: The host has no address, nobody listens there, or the proxy refuses.
        TimeoutError: The deadline passed first.
        TlsError: The certificate was not accepted, or the handshake failed.
    """
    sock = _connect(proxy.origin if proxy else origin, deadline)
    try:
        if origin.scheme == "https":
            if proxy:
                _open_tunnel(sock, proxy, origin, deadline)
            sock = _start_tls(sock, context or _default_context(), origin, deadline)
    except BaseException:
        sock.close()
        raise
    return sock


def _connect(origin: Origin, deadline: Deadline) -> socket.socket:
    """Connect to the first address that answers; a dead one costs no more than its head start."""
    doing = f"connecting to {origin.authority}"
    untried = _interleave(_resolve(origin, deadline))
    failure = OSError("no address was tried")
    with _Selector() as selector:
        try:
            while untried or selector.get_map():
                patience = deadline.remaining()
                if untried:
                    try:
                        selector.register(_begin_connect(*untried.pop(0)), selectors.EVENT_WRITE)
                    except OSError as error:
                        failure = error
                        continue
                    if untried:
                        patience = min(_HEAD_START, patience)
                for key, _ in selector.select(max(0.0, patience)):
                    sock = cast("socket.socket", key.fileobj)
                    selector.unregister(sock)
                    code = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
                    if code == 0:
                        return sock
                    sock.close()
                    failure = OSError(code, os.strerror(code))
                if deadline.remaining() <= 0:
                    raise deadline.timed_out(doing)
        finally:
            for key in list(selector.get_map().values()):
                cast("socket.socket", key.fileobj).close()
    raise NetworkError(
        f"{doing} failed: {failure}; check base_url, the proxy settings and the network"
    ) from failure.with_traceback(None)


def _begin_connect(
    family: int, kind: int, protocol: int, _name: str, address: tuple[Any, ...]
) -> socket.socket:
    """Start to connect without waiting for the outcome."""
    sock = socket.socket(family, kind, protocol)
    try:
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        code = sock.connect_ex(address)
        if code not in (0, errno.EINPROGRESS, errno.EWOULDBLOCK):
            raise OSError(code, os.strerror(code))
    except BaseException:
        sock.close()
        raise
    return sock


def _interleave(addresses: list[Any]) -> list[Any]:
    """Alternate IPv6 and IPv4, beginning with what the resolver put first (RFC 8305, section 4)."""
    first = [address for address in addresses if address[0] == addresses[0][0]]
    others = [address for address in addresses if address[0] != addresses[0][0]]
    return [address for pair in zip_longest(first, others) for address in pair if address]


def _resolve(origin: Origin, deadline: Deadline) -> list[Any]:
    """Look a host name up, in a thread of its own: nothing else can bound the resolver's time."""
    outcome: list[Any] = []

    def look_up(flags: int = 0) -> None:
        try:
            # As bytes: what is ASCII already need not go through Python's IDNA tables.
            found: list[Any] = socket.getaddrinfo(
                origin.host.encode(), origin.port, type=socket.SOCK_STREAM, flags=flags
            )
            outcome[:] = found or [OSError("it has no address")]
        except (OSError, UnicodeError) as error:
            outcome[:] = [error.with_traceback(None)]

    look_up(socket.AI_NUMERICHOST)
    if isinstance(outcome[0], Exception):
        outcome.clear()
        resolver = threading.Thread(target=look_up, name="tesote-sdk-resolver", daemon=True)
        try:
            resolver.start()
        except RuntimeError:  # no thread to be had: out of them, or the interpreter is ending
            look_up()
        else:
            resolver.join(max(0.0, deadline.remaining()))
    if not outcome:
        raise deadline.timed_out(f"looking up {origin.host}")
    if isinstance(outcome[0], Exception):
        raise NetworkError(
            f"the host {origin.host} cannot be found: {outcome[0]}; check base_url and the network"
        ) from outcome[0]
    return outcome


def _open_tunnel(sock: socket.socket, proxy: Proxy, origin: Origin, deadline: Deadline) -> None:
    """Ask a proxy for a tunnel to the origin (RFC 9110, section 9.3.6)."""
    doing = f"waiting for the proxy {proxy.origin.authority}"
    timed = TimedSocket(sock, deadline, deadline.remaining())
    try:
        # In no local variable: the credentials would be in the traceback of what fails here.
        timed.send_all(
            memoryview(
                f"CONNECT {origin.authority} HTTP/1.1\r\nHost: {origin.authority}\r\n"
                f"{proxy.header()}\r\n".encode("latin-1")
            )
        )
        status = Incoming(timed).read_head().status
    except socket.timeout as error:
        raise deadline.timed_out(doing) from error.with_traceback(None)
    except (OSError, NotHttpError) as error:
        raise NetworkError(f"{doing} failed: {error}") from error.with_traceback(None)
    if not 200 <= status < 300:
        raise refused_by_proxy(proxy, status)


def refused_by_proxy(proxy: Proxy, status: int) -> NetworkError:
    """Return the error for a proxy that answers in place of the server.

    Its own words are not shown, for they may repeat the credentials that it was sent.
    """
    advice = "its credentials (http://user:password@host:port)" if status == 407 else "its rules"
    return NetworkError(
        f"the proxy {proxy.origin.authority} refused the connection: "
        f"status {status}; "
        f"check {advice}",
        http_status=status,
    )


_default_contexts: list[ssl.SSLContext] = []


def _default_context() -> ssl.SSLContext:
    """Return the one context that all clients without their own share: the CA store is large."""
    if not _default_contexts:
        try:
            context = ssl.create_default_context()
        except OSError as error:  # SSLKEYLOGFILE, for one, names a file that cannot be written
            raise ConfigError(f"TLS cannot be set up on this machine: {error}") from error
        context.set_alpn_protocols(["http/1.1"])
        # An end without close_notify is none for a body whose length was not told: Python 3.9 with
        # OpenSSL 3 hides the difference unless it is told not to (RFC 9112, section 9.8).
        context.options &= ~getattr(ssl, "OP_IGNORE_UNEXPECTED_EOF", 0)
        _default_contexts.append(context)
    return _default_contexts[0]


_ADVICE = {
    10: "the certificate has expired: check this machine's clock, then tell the server's operator",
    18: "the certificate is self-signed: pass ssl_context= with the CA that you trust",
    19: "the chain ends in an unknown CA: pass ssl_context= with the CA that you trust",
    20: "the issuer is unknown: pass ssl_context= with the private CA, or update the CA store",
    62: "the certificate is for another host: check base_url",
    64: "the certificate is for another address: check base_url",
}
"""What to do about OpenSSL's verification results (X509_verify_cert_error_string)."""


def _start_tls(
    sock: socket.socket, context: ssl.SSLContext, origin: Origin, deadline: Deadline
) -> ssl.SSLSocket:
    doing = f"the TLS handshake with {origin.authority}"
    with loading:
        import encodings.idna  # noqa: F401 - wrap_socket would import it, while others may fork
    try:
        # The handshake as a whole ends within the socket's timeout.
        sock.settimeout(max(0.001, deadline.remaining()))
        tls = context.wrap_socket(
            sock,
            server_hostname=origin.host,
            do_handshake_on_connect=False,
            suppress_ragged_eofs=False,
        )
        try:
            tls.do_handshake()
        except BaseException:
            tls.close()
            raise
        return tls
    except ssl.SSLCertVerificationError as error:
        advice = _ADVICE.get(error.verify_code, "the certificate was not accepted")
        raise TlsError(
            f"{doing} failed: {advice} ({error.verify_message})"
        ) from error.with_traceback(None)
    except socket.timeout as error:
        raise deadline.timed_out(f"waiting for {doing}") from error.with_traceback(None)
    except ssl.SSLError as error:
        if is_lost(error):
            raise NetworkError(f"{doing} was cut: {error}") from error.with_traceback(None)
        advice = "check that the port speaks TLS, and that a client certificate is not missing"
        raise TlsError(f"{doing} failed: {error}; {advice}") from error.with_traceback(None)
    except OSError as error:
        raise NetworkError(f"{doing} was cut: {error}") from error.with_traceback(None)


def _parse_proxy(url: str) -> Proxy | str | None:
    """Read a proxy's URL; a str is what is wrong with it, for the caller to raise."""
    if not url:
        return None
    from base64 import b64encode
    from urllib.parse import unquote, urlsplit

    try:
        parts = urlsplit(url if "://" in url else f"http://{url}")
        host, port = parts.hostname, parts.port or 80
    except ValueError:
        return "is no URL"
    if parts.scheme != "http":
        return f"has the scheme {parts.scheme!r}, which is not supported"
    if not host:
        return "has no host"
    authorization = ""
    if parts.username is not None:
        # What is not UTF-8 in the environment is a lone surrogate here (PEP 383).
        credentials = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        encoded = b64encode(credentials.encode(errors="surrogateescape"))
        authorization = f"Basic {encoded.decode()}"
    return Proxy(Origin("http", host, port), authorization)
