"""The test proxy forwards, tunnels, asks who is there, and refuses on cue."""

from __future__ import annotations

import base64
import contextlib
import http.client
import time
from typing import TYPE_CHECKING

import pytest

from tests.support.certificates import API_HOST, client_context, server_context
from tests.support.dead_addresses import black_hole, refused_port
from tests.support.proxy import RELAY, ProxyServer
from tests.support.scripted_server import ScriptedServer
from tests.support.steps import Step, cut, drip, hang_up, raw, reply, reset, silence
from tests.support_tests.clients import (
    bare_client,
    get,
    http_client,
    nothing_left_behind,
    read_all,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

API = "api.example.test"
CREDENTIALS = {"Proxy-Authorization": "Basic " + base64.b64encode(b"user:pass").decode()}


@contextlib.contextmanager
def through(
    proxy: ProxyServer, headers: dict[str, str] | None = None
) -> Iterator[http.client.HTTPSConnection]:
    client = http.client.HTTPSConnection(*proxy.address, timeout=2, context=client_context())
    client.set_tunnel(API, 443, headers or {})
    with contextlib.closing(client):
        yield client


def test_tls_goes_through_a_tunnel_to_a_host_that_no_dns_knows() -> None:
    with ScriptedServer([reply(201), reply(202)], tls=server_context(API_HOST)) as server:
        with ProxyServer(routes={f"{API}:443": server.address}) as proxy:
            with through(proxy, {"X-Mine": "1"}) as client:
                assert [get(client)[0] for _ in range(2)] == [201, 202]
            proxy.wait_until(lambda: proxy.open_connections == 0)
            assert proxy.tunnels == [f"{API}:443"]
            (request,) = proxy.requests
            assert request.raw.startswith(b"CONNECT api.example.test:443 HTTP/1.")
            assert request.headers["x-mine"] == "1"
        server.wait_for_disconnects()
        assert [r.connection for r in server.requests] == [1, 1]


def test_a_reset_and_a_cut_pass_through_a_tunnel() -> None:
    answer = reply(body=b"0123456789")
    script = [cut(answer, -3), cut(answer, -3, reset())]
    with ScriptedServer(script) as server, ProxyServer() as proxy:
        connect = f"CONNECT 127.0.0.1:{server.address[1]} HTTP/1.1\r\n\r\n".encode()
        for error in (None, ConnectionResetError):
            with bare_client(proxy, connect) as client:
                assert client.recv(999) == b"HTTP/1.1 200 Connection established\r\n\r\n"
                client.sendall(b"GET / HTTP/1.1\r\n\r\n")
                with pytest.raises(error) if error else contextlib.nullcontext():
                    assert read_all(client) == answer.content[:-3]


def test_plain_requests_are_forwarded_over_one_connection() -> None:
    script = [reply(body="one", chunked=True), reply(204), reply(202, "three", close=True)]
    with ScriptedServer(script) as server:
        with ProxyServer(routes={f"{API}:80": server.address}) as proxy:
            with http_client(proxy) as client:
                assert get(client, f"http://{API}/a?b=1") == (200, b"one")
                client.request("POST", f"http://{API}", b"body", {"Proxy-Connection": "x"})
                assert client.getresponse().read() == b""
                assert get(client, f"http://{API}:80/c") == (202, b"three")
                proxy.wait_until(lambda: proxy.open_connections == 0)
            assert proxy.connections == 1
            assert next(r.target for r in proxy.requests) == f"http://{API}/a?b=1"
        assert [r.target for r in server.requests] == ["/a?b=1", "/", "/c"]
        assert server.requests[1].body == b"body"
        assert server.requests[0].headers["Host"] == API
        assert "Proxy-Connection" not in server.requests[1].headers


def test_faults_of_the_server_pass_through_a_forward() -> None:
    without_length = raw(b"HTTP/1.1 200 OK\r\n\r\nbody")
    script = [without_length, cut(reply(body="0123"), -1), reset(), reply(close=True)]
    with ScriptedServer(script) as server, ProxyServer() as proxy:
        with http_client(proxy) as client:
            assert get(client, server.url) == (200, b"body")
        with http_client(proxy) as client, pytest.raises(http.client.IncompleteRead):
            get(client, server.url)
        request = f"GET {server.url} HTTP/1.1\r\n\r\n".encode()
        with bare_client(proxy, request) as bare, pytest.raises(ConnectionResetError):
            bare.recv(1)
        with bare_client(proxy, request) as bare:
            assert read_all(bare) == reply(close=True).content


def test_credentials_are_asked_for() -> None:
    with ScriptedServer([reply()], tls=server_context(API_HOST)) as server:
        routes = {f"{API}:443": server.address}
        with ProxyServer(routes=routes, credentials=("user", "pass")) as proxy:
            with through(proxy) as client, pytest.raises(OSError, match="407"):
                get(client)
            with through(proxy, CREDENTIALS) as client:
                assert get(client)[0] == 200
            with http_client(proxy) as plain:
                plain.request("GET", f"http://{API}/")
                response = plain.getresponse()
                assert response.status == 407
                assert response.headers["Proxy-Authenticate"] == 'Basic realm="proxy"'
        assert proxy.requests[1].headers["Proxy-Authorization"].startswith("Basic ")


def test_the_world_outside_is_out_of_reach() -> None:
    with ProxyServer() as proxy, through(proxy) as client, pytest.raises(OSError, match="502"):
        get(client)


def test_a_dead_target_is_a_bad_gateway() -> None:
    with refused_port() as port:
        routes = {f"{API}:443": ("127.0.0.1", port)}
        with ProxyServer(routes=routes) as proxy, through(proxy) as client:
            with pytest.raises(OSError, match="502"):
                get(client)
            assert proxy.tunnels == []


@pytest.mark.parametrize(
    ("step", "error"),
    [
        (reply(403), "403"),
        (reply(407), "407"),
        (reply(502, "<html>", close=True), "502"),
        (raw(b"<html>sorry</html>\r\n"), "<html>"),
        (hang_up(), "closed"),
        (reset(), "reset"),
        (drip(b"HTTP/1.1 200 Connection established\r\n\r\n", 1), "timed out"),
        (silence(), "timed out"),
    ],
)
def test_the_proxy_refuses_on_cue_and_relays_then(step: Step, error: str) -> None:
    with ScriptedServer([reply(), reply()], tls=server_context(API_HOST)) as server:
        routes = {f"{API}:443": server.address}
        with ProxyServer(routes=routes, script=[RELAY, step]) as proxy:
            with through(proxy) as client:
                assert get(client)[0] == 200
            with through(proxy) as client:
                client.timeout = 0.1 if error == "timed out" else 10
                with pytest.raises((OSError, http.client.HTTPException), match=error):
                    get(client)
            with through(proxy) as client:
                assert get(client)[0] == 200


def test_closing_ends_tunnels_forwards_and_connects() -> None:
    with nothing_left_behind(), black_hole() as nowhere, contextlib.ExitStack() as stack:
        server = stack.enter_context(ScriptedServer([silence()]))
        routes = {"server:80": server.address, "nowhere:80": nowhere}
        proxy = stack.enter_context(ProxyServer(routes=routes))
        for head in (
            b"CONNECT server:80 HTTP/1.1\r\n\r\n",
            b"CONNECT nowhere:80 HTTP/1.1\r\n\r\n",
            b"GET http://server/ HTTP/1.1\r\n\r\n",
        ):
            stack.enter_context(bare_client(proxy, head))
        server.wait_for_requests(1)
        proxy.wait_until(lambda: len(proxy.requests) == 3 and proxy.tunnels)
        started = time.monotonic()
        proxy.close()
        assert time.monotonic() - started < 1
