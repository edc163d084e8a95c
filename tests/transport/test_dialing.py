"""The order of addresses, proxies as the environment names them, and what dialing leaves open."""

from __future__ import annotations

import socket
import time
from typing import Any

import pytest

from tesote_sdk import ConfigError, NetworkError
from tesote_sdk.transport.dialing import Proxy, _interleave, dial, proxy_for
from tesote_sdk.transport.origin import Origin
from tesote_sdk.transport.timeouts import Deadline
from tests.support.dead_addresses import refused_port
from tests.support.scripted_server import ScriptedServer

API = Origin("https", "api.example.test", 443)
V4, V6 = socket.AF_INET, socket.AF_INET6


@pytest.fixture(autouse=True)
def _without_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.mark.parametrize(
    ("families", "order"),
    [
        ([V6, V6, V4, V4], [0, 2, 1, 3]),
        ([V4, V4, V4], [0, 1, 2]),
        ([V4, V6, V6, V6], [0, 1, 2, 3]),
        ([V6], [0]),
    ],
)
def test_families_alternate(families: list[Any], order: list[int]) -> None:
    addresses = list(zip(families, range(len(families))))
    assert [number for _, number in _interleave(addresses)] == order


def deadline() -> Deadline:
    return Deadline(time.monotonic, 2, "connect")


def test_socket_options() -> None:
    with ScriptedServer([]) as server:
        origin = Origin("http", *server.address)
        with dial(origin, None, None, deadline()) as sock:
            assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
            assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)


def test_ipv6() -> None:
    try:
        server = ScriptedServer([], host="::1")
    except OSError:
        pytest.skip("no IPv6 here")
    with server, dial(Origin("http", *server.address), None, None, deadline()) as sock:
        assert sock.family == V6


def test_the_error_names_the_last_address_that_failed() -> None:
    with refused_port() as port, pytest.raises(NetworkError) as caught:
        dial(Origin("http", "127.0.0.1", port), None, None, deadline())
    assert isinstance(caught.value.__cause__, ConnectionRefusedError)


def test_proxy_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    assert proxy_for(API, allow_http=False) is None
    monkeypatch.setenv("HTTPS_PROXY", "http://joe:pass%20word@proxy.example.test")
    proxy = proxy_for(API, allow_http=False)
    assert proxy is not None
    assert tuple(proxy.origin) == ("http", "proxy.example.test", 80)
    assert proxy.header() == "Proxy-Authorization: Basic am9lOnBhc3Mgd29yZA==\r\n"
    assert repr(proxy) == "<Proxy proxy.example.test:80>"
    monkeypatch.setenv("NO_PROXY", "example.test")
    assert proxy_for(API, allow_http=False) is None


def test_proxy_without_scheme_or_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "proxy.example.test:3128")
    proxy = proxy_for(API, allow_http=False)
    assert isinstance(proxy, Proxy)
    assert tuple(proxy.origin) == ("http", "proxy.example.test", 3128)
    assert proxy.header() == ""


def test_proxy_of_a_scheme_that_is_not_supported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "socks5://joe:secret@proxy.example.test")
    with pytest.raises(ConfigError, match="HTTPS_PROXY") as caught:
        proxy_for(API, allow_http=False)
    assert "secret" not in str(caught.value)


def test_plain_http_to_this_machine_takes_a_proxy_on_it_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    here = Origin("http", "127.0.0.1", 8080)
    monkeypatch.setenv("http_proxy", "http://proxy.example.test:3128")
    assert proxy_for(here, allow_http=False) is None
    assert proxy_for(here, allow_http=True) is not None
    monkeypatch.setenv("http_proxy", "http://localhost:3128")
    assert proxy_for(here, allow_http=False) is not None
