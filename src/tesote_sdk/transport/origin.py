"""Where the API is served: the base URL, checked and taken apart."""

from __future__ import annotations

import re
from typing import Optional

from ..errors import ConfigError
from .values import Value

DEFAULT_BASE_URL = "https://equipo.tesote.com/api"
"""The production API (https://equipo.tesote.com/api/docs?version=v2)."""

_URL = re.compile(
    r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?P<authority>[^/?#]*)(?P<path>/[^?#]*)?(?P<rest>.*)",
    re.DOTALL,
).fullmatch

_AUTHORITY = re.compile(
    r"(?:\[(?P<v6>[0-9A-Fa-f:.]+)\]|(?P<name>[^\s\[\]:@\x00-\x20\x7f\\\"<>^`{|}%]+))"
    r"(?::(?P<port>[0-9]{0,5}))?"
).fullmatch

_HOST_NAME = re.compile(r"(?=.{1,253}\.?$)[A-Za-z0-9_-]{1,63}(\.[A-Za-z0-9_-]{1,63})*\.?").fullmatch
"""RFC 1035, section 2.3.4, with the underscore that names inside a company may hold."""

_OCTET = r"(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
# Compiled at first use: nobody asks of https.
_LOOPBACK = rf"127(?:\.{_OCTET}){{3}}|::1|(?:0{{1,4}}:){{7}}0{{0,3}}1|(?:.*\.)?localhost\.?"
"""127.1, 0x7f.1 and 127.0.0.256 are none of it: some resolvers ask DNS for them."""


class Origin(Value):
    """A scheme, a host and a port (RFC 9110, section 4.3.1)."""

    __slots__ = ("scheme", "host", "port")  # noqa: RUF023

    scheme: str
    host: str
    port: int

    def __init__(self, scheme: str, host: str, port: int) -> None:
        self._set(scheme=scheme, host=host, port=port)

    @property
    def authority(self) -> str:
        """The host, in brackets if it is an IPv6 address, and the port."""
        return f"{_bracketed(self.host)}:{self.port}"


class BaseUrl(Value):
    """A base URL in its parts.

    Attributes:
        origin: The server.
        path: What stands before every path, without a slash at its end.
        host_header: The Host field (RFC 9110, section 7.2): no port where it is the scheme's own.
        url: The whole, as it is shown.
    """

    __slots__ = ("origin", "path", "host_header", "url")  # noqa: RUF023

    origin: Origin
    path: str
    host_header: str
    url: str

    def __init__(self, origin: Origin, path: str, host_header: str, url: str) -> None:
        self._set(origin=origin, path=path, host_header=host_header, url=url)


def parse_base_url(url: object, *, allow_http: bool) -> BaseUrl:
    """Check a base URL and take it apart; a slash at its end is dropped.

    The URL is not echoed in any message, for it may hold credentials by mistake.

    Args:
        url: Such as `https://equipo.tesote.com/api`.
        allow_http: Whether plain http may go to another machine: the API key crosses the network
            in clear text then.

    Raises:
        ConfigError: It is no http(s) URL with a host; or holds credentials, a query or a fragment;
            or is plain http to a host that is not this machine, without `allow_http`.
    """
    example = f"such as {DEFAULT_BASE_URL}"
    matched = _URL(url) if isinstance(url, str) else None
    scheme = matched["scheme"].lower() if matched else ""
    if not matched or scheme not in ("http", "https"):
        raise ConfigError(f"base_url must be an http(s) URL, {example}")
    if "@" in matched["authority"]:
        raise ConfigError("base_url must not contain credentials: pass the key as api_key=")
    try:
        host, port = split_authority(matched["authority"])
    except ValueError as error:
        raise ConfigError(f"base_url {error}, {example}") from None
    path = (matched["path"] or "").rstrip("/")
    if matched["rest"] or not (path.isascii() and path.isprintable()) or " " in path:
        raise ConfigError(
            f"base_url must not contain a query, a fragment or white space, {example}"
        )
    if scheme == "http" and not allow_http and not is_loopback(host):
        raise ConfigError(
            "base_url is plain http to another machine (not localhost, 127.0.0.1 or [::1]), which "
            "would show the API key to the network: use https, or pass allow_http=True if you "
            "trust the network"
        )
    default_port = 443 if scheme == "https" else 80
    port = port or default_port
    host_header = _bracketed(host) if port == default_port else f"{_bracketed(host)}:{port}"
    return BaseUrl(Origin(scheme, host, port), path, host_header, f"{scheme}://{host_header}{path}")


def split_authority(authority: str) -> tuple[str, Optional[int]]:
    """Take a host and its port apart (RFC 3986, section 3.2).

    Args:
        authority: Such as `example.test:8443` or `[::1]`, without credentials.

    Returns:
        The host as DNS knows it, an IPv6 address without its brackets; the port, if there is one.

    Raises:
        ValueError: It is no such thing. The text says what is wrong and echoes nothing.
    """
    parts = _AUTHORITY(authority)
    if not parts or int(parts["port"] or 1) not in range(1, 65536):
        raise ValueError("must name a host, and a port from 1 to 65535 if any")
    host = parts["v6"] or _ascii_host(parts["name"])
    return host, int(parts["port"]) if parts["port"] else None


def is_loopback(host: str) -> bool:
    """Tell whether a host means this machine (RFC 6761, section 6.3; RFC 4291, section 2.5.3).

    A name can be made to lead elsewhere all the same: what it leads to has to be looked at, too.
    """
    return re.fullmatch(_LOOPBACK, host, re.IGNORECASE) is not None


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _ascii_host(name: str) -> str:
    """Return a host name as DNS knows it (RFC 5890)."""
    if name.isascii():
        host = name.lower()
    else:
        try:
            host = name.encode("idna").decode("ascii")
        except UnicodeError:
            host = ""
    if not _HOST_NAME(host):
        raise ValueError("must name a host that DNS can hold")
    return host
