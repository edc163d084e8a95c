"""The clients with which the test servers are tried: http.client, and bare sockets."""

from __future__ import annotations

import contextlib
import http.client
import socket
import threading
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from tests.support.certificates import client_context
from tests.support.scripted_server import ScriptedServer
from tests.support.systems import open_descriptors

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.scripted_server import Script


@contextlib.contextmanager
def http_client(server: ScriptedServer) -> Iterator[http.client.HTTPConnection]:
    url = urlsplit(server.url)
    assert url.hostname
    client: http.client.HTTPConnection
    if url.scheme == "https":
        client = http.client.HTTPSConnection(
            url.hostname, url.port, timeout=2, context=client_context()
        )
    else:
        client = http.client.HTTPConnection(url.hostname, url.port, timeout=2)
    with contextlib.closing(client):
        yield client


def get(client: http.client.HTTPConnection, target: str = "/") -> tuple[int, bytes]:
    client.request("GET", target)
    response = client.getresponse()
    return response.status, response.read()


@contextlib.contextmanager
def bare_client(server: ScriptedServer, sent: bytes = b"") -> Iterator[socket.socket]:
    with socket.create_connection(server.address, timeout=2) as client:
        client.sendall(sent)
        yield client


def read_all(client: socket.socket) -> bytes:
    return b"".join(iter(lambda: client.recv(65536), b""))


def play(script: Script, sent: bytes) -> bytes:
    """Send bytes to a server, and return all that comes until it closes."""
    with ScriptedServer(script) as server, bare_client(server, sent) as client:
        return read_all(client)


GET = b"GET / HTTP/1.1\r\nHost: test\r\n\r\n"


@contextlib.contextmanager
def nothing_left_behind() -> Iterator[None]:
    descriptors, threads = open_descriptors(), threading.enumerate()
    yield
    assert threading.enumerate() == threads
    assert open_descriptors() == descriptors
