"""The proxy between this machine and the server: which one it is, and the tunnel through it."""

from __future__ import annotations

import binascii
import os
import socket
import sys
import time
from typing import Optional, Union

from .._forks import loading
from ..errors import ConfigError, NetworkError
from .errands import Errand
from .framing import Incoming, NotHttpError
from .origin import Origin, is_loopback, split_authority
from .sockets import TimedSocket
from .timeouts import Deadline

_BYPASS_SECONDS = 2.0
"""How long macOS and Windows may look the server's name up, to tell whether it needs a proxy."""


class Proxy:
    """An HTTP proxy; its repr shows no credentials."""

    __slots__ = ("_authorization", "origin")

    def __init__(self, origin: Origin, authorization: str) -> None:
        self.origin: Origin = origin
        self._authorization = authorization

    def header(self) -> str:
        """Return the Proxy-Authorization header line, or "" for a proxy that asks for none."""
        if not self._authorization:
            return ""
        return f"Proxy-Authorization: {self._authorization}\r\n"

    def __repr__(self) -> str:
        return f"<Proxy {self.origin.authority}>"


def proxy_for(origin: Origin, *, allow_http: bool) -> Optional[Proxy]:
    """Return the proxy for an origin that the environment or the system names.

    It is found as `urllib.request` finds it: variables first, and where there are none, on macOS
    and Windows, the system's settings.

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
    with loading():
        from urllib.request import getproxies, getproxies_environment

    named = bool(getproxies_environment())
    # The URL may hold a password: it is in no local variable when something is raised.
    proxy = _parse(getproxies().get(origin.scheme, ""), is_of_system=not named)
    if proxy is None or _is_bypassed(origin, is_lookup_needed=not named):
        return None
    if isinstance(proxy, str):
        where = f"{origin.scheme.upper()}_PROXY" if named else "the proxy of the system's settings"
        raise ConfigError(
            f"{where} {proxy}: set {origin.scheme.upper()}_PROXY=http://host:port, or "
            f"NO_PROXY={origin.host} to bypass it"
        )
    if origin.scheme == "http" and not (allow_http or is_loopback(proxy.origin.host)):
        return None
    return proxy


def refused_by_proxy(proxy: Proxy, status: int) -> NetworkError:
    """Return the error for a proxy that answers in place of the server.

    Its own words are not shown, for they may repeat the credentials that it was sent.
    """
    advice = "its credentials (http://user:password@host:port)" if status == 407 else "its rules"
    return NetworkError(
        f"the proxy {proxy.origin.authority} refused the connection: {status}; check {advice}",
        http_status=status,
    )


def _is_bypassed(origin: Origin, *, is_lookup_needed: bool) -> bool:
    """Tell whether the settings have an origin reached without a proxy.

    The system's settings may hold addresses, with which the host's own are compared. A name that
    cannot be looked up in time is left to the proxy, as one that is not known here at all.
    """
    with loading():
        from urllib.request import proxy_bypass

    # A final dot is none of the names that users list.
    host = origin.replace(host=origin.host.removesuffix(".")).authority
    if not is_lookup_needed:
        return bool(proxy_bypass(host))
    errand = Errand(lambda: bool(proxy_bypass(host)), "tesote-sdk-resolver")
    errand.start()
    in_time = errand.wait(Deadline(time.monotonic, _BYPASS_SECONDS, "connect"))
    return in_time and errand.outcome()


_GUESSES_SCHEMES = sys.version_info < (3, 9, 13) or (3, 10) <= sys.version_info < (3, 10, 5)
"""Whether Python takes a proxy for https to speak it, too. Later it leaves what is named alone."""


def _parse(url: str, *, is_of_system: bool) -> Union[Proxy, str, None]:
    """Read a proxy's URL; a str is what is wrong with it, for the caller to raise."""
    if not url:
        return None
    if is_of_system and _GUESSES_SCHEMES and url.startswith("https://"):
        # The settings of Windows name no scheme.
        url = url.replace("https", "http", 1)
    with loading():
        from urllib.parse import unquote

    scheme, marked, rest = url.rpartition("://") if "://" not in url else url.partition("://")
    if marked and scheme.lower() != "http":
        shown = f"the scheme {scheme!r}" if scheme.isalnum() else "a scheme"
        return f"has {shown}, which is not supported"
    # Passwords hold what a URL's should not: only the last @ ends them.
    userinfo, has_userinfo, authority = rest.rpartition("@")
    for mark in "/?#":
        authority = authority.partition(mark)[0]
    try:
        host, port = split_authority(authority)
    except ValueError as error:
        return str(error)
    authorization = ""
    if has_userinfo:
        user, _, password = userinfo.partition(":")
        # What is not UTF-8 in the environment is a lone surrogate here (PEP 383).
        credentials = f"{unquote(user)}:{unquote(password)}".encode(errors="surrogateescape")
        authorization = f"Basic {binascii.b2a_base64(credentials, newline=False).decode()}"
    return Proxy(Origin("http", host, port or 80), authorization)


def open_tunnel(sock: socket.socket, proxy: Proxy, origin: Origin, deadline: Deadline) -> None:
    """Ask a proxy for a tunnel to the origin (RFC 9110, section 9.3.6)."""
    doing = f"waiting for the proxy {proxy.origin.authority}"
    timed = TimedSocket(sock, deadline, deadline.remaining())
    try:
        # In no local variable: it holds the credentials.
        timed.send_all(
            memoryview(
                f"CONNECT {origin.authority} HTTP/1.1\r\nHost: {origin.authority}\r\n"
                f"{proxy.header()}\r\n".encode("latin-1")
            )
        )
        status = Incoming(timed).read_head().status
    except socket.timeout as error:
        raise deadline.timed_out(doing) from error
    except (OSError, NotHttpError) as error:
        raise NetworkError(f"{doing} failed: {error}") from error
    if not 200 <= status < 300:
        raise refused_by_proxy(proxy, status)
