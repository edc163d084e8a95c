"""Through a proxy, and what it may do instead of passing a request on."""

from __future__ import annotations

import base64

import pytest

from tesote_sdk import ApiError, ConfigError, NetworkError, TransportError
from tests.faults.harness import (
    BODY,
    KEY,
    PROMPT,
    WRITE,
    Wire,
    answer,
    ask,
    client_of,
    failure_of,
)
from tests.faults.tables import TUNNELS
from tests.support.certificates import API_HOST, server_context
from tests.support.dead_addresses import refused_port
from tests.support.proxy import ProxyServer
from tests.support.scripted_server import ScriptedServer
from tests.support.steps import Step, reply

HOST = "api.example.test"
PASSWORD = "p@ss word/ü"
QUOTED = "p%40ss%20word%2F%C3%BC"


def _through(
    monkeypatch: pytest.MonkeyPatch, wire: Wire, proxy: ProxyServer | str, userinfo: str = ""
) -> None:
    url = proxy if isinstance(proxy, str) else proxy.url
    monkeypatch.setenv(f"{wire.scheme}_proxy", url.replace("//", f"//{userinfo}"))


def _origin(wire: Wire, script: list[Step]) -> ScriptedServer:
    return ScriptedServer(script, tls=server_context(API_HOST) if wire.encrypted else None)


def test_through_a_proxy(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    port = 443 if wire.encrypted else 80
    with (
        _origin(wire, [answer()] * 3) as server,
        ProxyServer(routes={f"{HOST}:{port}": server.address}) as proxy,
    ):
        _through(monkeypatch, wire, proxy)
        with client_of(f"{wire.scheme}://{HOST}", allow_http=True) as client:
            for _ in range(3):
                assert ask(client, WRITE) == BODY
        assert proxy.connections == 1
        assert [request.headers["Host"] for request in server.requests] == [HOST] * 3
        if wire.encrypted:
            assert [request.method for request in proxy.requests] == ["CONNECT"]
            assert proxy.tunnels == [f"{HOST}:443"]
            seen = b"".join(request.raw for request in proxy.requests)
            assert KEY.encode() not in seen
            assert b"Authorization" not in seen
        else:
            assert proxy.requests[0].target == f"http://{HOST}/v2/things"


def test_credentials_in_the_proxy_url(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    with (
        _origin(wire, [answer()] * 2) as server,
        ProxyServer(
            routes={f"{HOST}:8443": server.address}, credentials=("joe", PASSWORD)
        ) as proxy,
    ):
        _through(monkeypatch, wire, proxy, f"joe:{QUOTED}@")
        with client_of(f"{wire.scheme}://{HOST}:8443", allow_http=True) as client:
            assert ask(client) == BODY
            assert ask(client) == BODY
        # They are the proxy's alone.
        token = base64.b64encode(f"joe:{PASSWORD}".encode())
        assert all(token not in request.raw for request in server.requests)


@pytest.mark.parametrize("userinfo", ["", "joe:wrong@"], ids=["none", "wrong"])
def test_proxy_that_answers_407(userinfo: str, wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    with ProxyServer(credentials=("joe", PASSWORD)) as proxy:
        _through(monkeypatch, wire, proxy, userinfo)
        with client_of(f"{wire.scheme}://{HOST}", allow_http=True) as client:
            error, elapsed = failure_of(lambda: ask(client, WRITE))
        assert type(error) is NetworkError
        assert error.http_status == 407
        assert error.attempts == 1
        assert not error.outcome_unknown
        assert f"127.0.0.1:{proxy.address[1]}" in str(error)
        assert "credentials" in str(error)
        assert "wrong" not in str(error)
        assert elapsed < PROMPT
        assert len(proxy.requests) == 1


def test_407_of_the_server_itself_is_not_the_proxys(monkeypatch: pytest.MonkeyPatch) -> None:
    wire = Wire("https")
    with _origin(wire, [reply(407, {"error": "odd"})]) as server:
        with ProxyServer(routes={f"{HOST}:443": server.address}) as proxy:
            _through(monkeypatch, wire, proxy)
            with client_of(f"https://{HOST}") as client:
                error, _ = failure_of(lambda: ask(client))
        assert isinstance(error, ApiError)
        assert error.http_status == 407


def test_proxy_that_is_down(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    with refused_port() as port:
        _through(monkeypatch, wire, f"http://127.0.0.1:{port}", f"joe:{QUOTED}@")
        with client_of(f"{wire.scheme}://{HOST}", allow_http=True) as client:
            error, elapsed = failure_of(lambda: ask(client, WRITE))
    assert type(error) is NetworkError
    assert isinstance(error.__cause__, ConnectionRefusedError)
    assert f"127.0.0.1:{port}" in str(error)
    assert QUOTED not in str(error)
    assert error.attempts == 3
    assert not error.outcome_unknown
    assert elapsed < 2 * PROMPT  # Windows asks for two seconds before it takes a refusal


@pytest.mark.parametrize("step", TUNNELS.values(), ids=TUNNELS)
def test_tunnel_that_is_refused(step: Step, monkeypatch: pytest.MonkeyPatch) -> None:
    wire = Wire("https")
    with ProxyServer(script=[step] * 3) as proxy:
        _through(monkeypatch, wire, proxy)
        with client_of(f"https://{HOST}") as client:
            error, elapsed = failure_of(lambda: ask(client, WRITE))
        assert type(error) is NetworkError
        assert f"127.0.0.1:{proxy.address[1]}" in str(error)
        assert error.attempts == 3
        assert not error.outcome_unknown
        assert elapsed < PROMPT
        assert len({request.raw for request in proxy.requests}) == 1


def test_tunnel_to_the_wrong_host(monkeypatch: pytest.MonkeyPatch) -> None:
    """The certificate has to be the API's, whatever the proxy connects to."""
    with ScriptedServer([answer()], tls=server_context()) as impostor:
        with ProxyServer(routes={f"{HOST}:443": impostor.address}) as proxy:
            _through(monkeypatch, Wire("https"), proxy)
            with client_of(f"https://{HOST}") as client:
                error, _ = failure_of(lambda: ask(client))
        assert error.error_code == "TLS_ERROR"
        assert impostor.requests == []


def test_proxy_that_answers_html(monkeypatch: pytest.MonkeyPatch) -> None:
    """Over plain http a login page is indistinguishable from the API's answer, but for its form."""
    page = reply(200, "<html>Log in</html>", {"Content-Type": "text/html"})
    with ProxyServer(script=[page]) as proxy:
        _through(monkeypatch, Wire("http"), proxy)
        with client_of(f"http://{HOST}", allow_http=True) as client:
            error, _ = failure_of(client.whoami)
    assert isinstance(error, TransportError)
    assert "proxy or login page" in str(error)


@pytest.mark.parametrize("bypass", [HOST, "*", ".example.test", "other.test, example.test"])
def test_no_proxy(bypass: str, wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", bypass)
    with ProxyServer() as proxy:
        _through(monkeypatch, wire, proxy)
        monkeypatch.setattr("socket.getaddrinfo", _nowhere)
        with client_of(f"{wire.scheme}://{HOST}", allow_http=True) as client:
            error, _ = failure_of(lambda: ask(client))
        assert HOST in str(error)
        assert proxy.connections == 0


def _nowhere(*_: object, **__: object) -> object:
    raise OSError("no such host")


@pytest.mark.parametrize(
    "url",
    ["socks5://127.0.0.1:1080", "https://proxy:8443", "http://", "http://h:99999", "http://[::1"],
)
def test_proxy_url_that_cannot_be_used(
    url: str, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    _through(monkeypatch, wire, url, f"joe:{QUOTED}@" if "[" not in url else "")
    with client_of(f"{wire.scheme}://{HOST}", allow_http=True) as client:
        error, _ = failure_of(lambda: ask(client))
    assert type(error) is ConfigError
    assert f"{wire.scheme.upper()}_PROXY" in str(error)
    assert QUOTED not in str(error)


def test_credentials_that_are_no_utf_8(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    with (
        _origin(wire, [answer()]) as server,
        ProxyServer(routes={f"{HOST}:8443": server.address}) as proxy,
    ):
        _through(monkeypatch, wire, proxy, "joe:\udcff@")
        with client_of(f"{wire.scheme}://{HOST}:8443", allow_http=True) as client:
            assert ask(client) == BODY
        assert proxy.requests[0].headers["Proxy-Authorization"] == "Basic am9lOv8="


def test_plain_http_to_this_machine_takes_no_detour(monkeypatch: pytest.MonkeyPatch) -> None:
    """The key would cross a network in clear text, to a proxy on another machine."""
    with ScriptedServer([answer()]) as server:
        monkeypatch.setenv("http_proxy", "http://proxy.example.test:3128")
        with client_of(server) as client:
            assert ask(client) == BODY


def test_redirect_to_another_port_is_not_followed(wire: Wire) -> None:
    """Not even on the same host: the key goes to the configured origin and nowhere else."""
    with wire.serve([answer()]) as other:
        for status in (301, 302, 303, 307, 308):
            script = [reply(status, "", {"Location": f"{other.url}/v2/things"})]
            with wire.serve(script) as server, client_of(server) as client:
                error, _ = failure_of(lambda: ask(client))
                assert isinstance(error, ApiError)
                assert error.http_status == status
                assert other.url in str(error)
        assert other.connections == 0
