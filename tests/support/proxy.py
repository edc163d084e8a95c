"""A small real HTTP proxy on loopback: absolute-form requests, CONNECT tunnels, and refusals."""

from __future__ import annotations

import base64
import contextlib
import itertools
import socket
import threading
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from tests.support.connections import Connection, reset_on_close
from tests.support.http_messages import MessageReader, Request
from tests.support.scripted_server import ScriptedServer
from tests.support.steps import Step, reply

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.support.http_messages import Head

Address = tuple[str, int]

_LOOPBACK_HOSTS = ("localhost", "127.0.0.1")
# What concerns one hop only, and must not be passed on (RFC 9110, section 7.6.1).
_HOP_BY_HOP = ("connection", "keep-alive", "proxy-connection", "proxy-authorization")


def _no_relay(connection: Connection) -> None:
    raise TypeError("RELAY is a step for the script of a ProxyServer")


RELAY = Step("relay", _no_relay)
"""In a proxy's script: do what a proxy does with this request."""


class ProxyServer(ScriptedServer):
    """A forwarding proxy that relays every request, but for the steps of a script.

    It is a `ScriptedServer` in all else: what it records (`requests` holds the CONNECT or
    absolute-form requests), how it is waited for and how it ends. It connects to its routes and
    to loopback, and answers 502 for any other host: no name is ever resolved.

    Args:
        routes: Where "host:port" authorities are found, whatever DNS would say.
        credentials: User and password (Basic); without them it answers 407.
        script: Steps for the first requests, `RELAY` among them; after the last one it relays.
        host: The loopback address to listen on.

    Attributes:
        tunnels: The authority of every tunnel that was set up.
    """

    def __init__(
        self,
        *,
        routes: dict[str, Address] | None = None,
        credentials: tuple[str, str] | None = None,
        script: Iterable[Step] = (),
        host: str = "127.0.0.1",
    ) -> None:
        self.tunnels: list[str] = []
        self._routes = routes or {}
        self._expected = _basic(*credentials) if credentials else None
        relay = Step("relay", self._relay)
        steps = itertools.chain(script, itertools.repeat(relay))
        super().__init__((relay if step is RELAY else step for step in steps), host=host)

    def _relay(self, connection: Connection) -> None:
        request = connection.request
        assert request is not None
        authority, origin_form = _destination(request)
        target = self._find(authority)
        if self._expected and request.headers.get("Proxy-Authorization") != self._expected:
            challenge = {"Proxy-Authenticate": 'Basic realm="proxy"'}
            reply(407, headers=challenge, close=True).play(connection)
        elif target is None:
            reply(502, f"no route to {authority}", close=True).play(connection)
        else:
            with socket.socket() as upstream:
                # Known before it connects, so that closing the proxy interrupts that too.
                connection.companions.append(upstream)
                try:
                    upstream.connect(target)
                except OSError as error:
                    reply(502, str(error), close=True).play(connection)
                    return
                if request.method == "CONNECT":
                    with self._changed:
                        self.tunnels.append(authority)
                        self._changed.notify_all()
                    _tunnel(connection, upstream)
                else:
                    _forward(connection, upstream, request, origin_form)

    def _find(self, authority: str) -> Address | None:
        host, _, port = authority.rpartition(":")
        own = (host, int(port)) if host in _LOOPBACK_HOSTS else None
        return self._routes.get(authority, own)


def _basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def _destination(request: Request) -> tuple[str, str]:
    """Return the authority ("host:port") and the target in origin form.

    Raises:
        ValueError: The target is neither in absolute form nor that of a CONNECT.
    """
    if request.method == "CONNECT":
        return request.target, ""
    url = urlsplit(request.target)
    if url.scheme != "http" or not url.hostname:
        raise ValueError(f"not a request to a proxy: {request.method} {request.target}")
    path = url.path or "/"
    return f"{url.hostname}:{url.port or 80}", f"{path}?{url.query}" if url.query else path


def _forward(
    connection: Connection, upstream: socket.socket, request: Request, origin_form: str
) -> None:
    """Pass one request on, and its response back byte for byte as it comes."""
    head_size = request.raw.index(b"\r\n\r\n") + 4
    fields = [f"{k}: {v}" for k, v in request.header_list if k.lower() not in _HOP_BY_HOP]
    head = "\r\n".join([f"{request.method} {origin_form} {request.version}", *fields, "", ""])

    def pass_on() -> bytes:
        data = upstream.recv(65536)
        connection.send(data)
        return data

    reader = MessageReader(pass_on)
    try:
        upstream.sendall(head.encode("latin-1") + request.raw[head_size:])
        response = reader.read_head()
        while _status(response) < 200:
            response = reader.read_head()
        _read_response_body(reader, response)
    except EOFError:
        connection.close()
    except OSError:
        connection.reset()
    else:
        if response.headers.get("Connection") == "close":
            connection.finish()


def _read_response_body(reader: MessageReader, response: Head) -> None:
    if _status(response) in (204, 304):
        return
    if "Content-Length" in response.headers or "Transfer-Encoding" in response.headers:
        reader.read_body(response.headers)
    else:
        reader.read_to_end()
        raise EOFError("the end of the connection is the end of the response")


def _status(response: Head) -> int:
    return int(response.start_line.split(" ")[1])


def _tunnel(connection: Connection, upstream: socket.socket) -> None:
    """Copy bytes, FIN and RST both ways until both ends have closed."""
    connection.send(b"HTTP/1.1 200 Connection established\r\n\r\n")
    early = connection.reader.take_rest()
    outward = threading.Thread(target=_pump, args=(connection.sock, upstream, early), daemon=True)
    outward.start()
    _pump(upstream, connection.sock)
    outward.join()
    connection.close()


def _pump(source: socket.socket, sink: socket.socket, early: bytes = b"") -> None:
    data = early
    try:
        sink.sendall(data)
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        for sock in (source, sink):
            with contextlib.suppress(OSError):
                reset_on_close(sock)
                # Wakes the pump of the other direction; SHUT_RDWR would send FIN before the RST.
                sock.shutdown(socket.SHUT_RD)
