"""The SDK, and the same call by hand, with what Python brings.

Every function takes what to call and a stack to close its connections with, and returns the call.
"""

from __future__ import annotations

import gzip
import http.client
import json
import socket
import urllib.request
from contextlib import closing
from typing import TYPE_CHECKING, Any

from tesote_sdk import V2Client

from ..support.certificates import client_context
from .targets import HEADERS, KEY

if TYPE_CHECKING:
    from contextlib import ExitStack

    from .targets import Call, Target


def client(target: Target, stack: ExitStack, **options: Any) -> V2Client:
    """Return the SDK's client as it is constructed by default."""
    context = client_context() if target.scheme == "https" else None
    return stack.enter_context(
        V2Client(KEY, base_url=target.base_url, ssl_context=context, **options)
    )


def sdk(target: Target, stack: ExitStack, **options: Any) -> Call:
    """A call of the SDK."""
    made = client(target, stack, **options)
    if target.name == "status":
        return made.status
    return lambda: made.accounts.list().data


def sdk_logged(target: Target, stack: ExitStack) -> Call:
    """The SDK with a callback that is told of every request and response."""
    return sdk(target, stack, logger=lambda event: None)


def connection(target: Target, stack: ExitStack) -> http.client.HTTPConnection:
    """Return a connection of http.client."""
    made = (
        http.client.HTTPSConnection("127.0.0.1", target.port, context=client_context())
        if target.scheme == "https"
        else http.client.HTTPConnection("127.0.0.1", target.port)
    )
    stack.enter_context(closing(made))
    return made


def raw(target: Target, stack: ExitStack) -> Call:
    """http.client on a kept-alive connection, and json.loads; gunzips what is compressed."""
    kept_alive = connection(target, stack)
    path = target.path

    def call() -> object:
        kept_alive.request("GET", path, headers=HEADERS)
        response = kept_alive.getresponse()
        content = response.read()
        if response.status != 200:
            raise AssertionError(response.status)
        if response.headers["Content-Encoding"] == "gzip":
            content = gzip.decompress(content)
        return json.loads(content)

    return call


def floor(target: Target, stack: ExitStack) -> Call:
    """What no client in Python can do without: bytes out, bytes in, json.loads.

    It believes all that it is sent, and reads no field but the length.
    """
    sock = stack.enter_context(socket.create_connection(("127.0.0.1", target.port)))
    if target.scheme == "https":
        sock = stack.enter_context(client_context().wrap_socket(sock, server_hostname="127.0.0.1"))
    fields = "\r\n".join(map(": ".join, HEADERS.items()))
    message = f"GET {target.path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{fields}\r\n\r\n".encode()
    send, receive = sock.sendall, sock.recv
    zipped = target.base == "/gzip"

    def call() -> object:
        send(message)
        came = receive(65536)
        while (end := came.find(b"\r\n\r\n")) < 0:
            came += receive(65536)
        at = came.index(b"Content-Length: ") + 16
        whole = end + 4 + int(came[at : came.index(b"\r", at)])
        while len(came) < whole:
            came += receive(65536)
        content = came[end + 4 :]
        return json.loads(gzip.decompress(content) if zipped else content)

    return call


def urllib_request(target: Target, stack: ExitStack) -> Call:
    """urllib.request, which opens a connection for every call."""
    context = client_context() if target.scheme == "https" else None
    url = target.url
    handlers = [urllib.request.HTTPSHandler(context=context)] if context else []
    open_url = urllib.request.build_opener(urllib.request.ProxyHandler({}), *handlers).open

    def call() -> object:
        with open_url(urllib.request.Request(url, headers=HEADERS)) as response:
            content = response.read()
            if response.headers["Content-Encoding"] == "gzip":
                content = gzip.decompress(content)
            return json.loads(content)

    return call


BY_HAND = {"a bare socket": floor, "http.client": raw, "urllib.request": urllib_request}
