"""The proxy that the environment or the system names, and what is wrong with it."""

from __future__ import annotations

import base64
import os
import sys
import threading
import time
import urllib.request

import pytest

from tesote_sdk import ConfigError
from tesote_sdk.transport import proxies
from tesote_sdk.transport.origin import Origin
from tesote_sdk.transport.proxies import Proxy, proxy_for

API = Origin("https", "api.example.test", 443)


@pytest.fixture(autouse=True)
def _without_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)


def chosen(origin: Origin = API) -> Proxy:
    proxy = proxy_for(origin, allow_http=False)
    assert proxy is not None
    return proxy


def test_proxy_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    assert proxy_for(API, allow_http=False) is None
    monkeypatch.setenv("HTTPS_PROXY", "http://joe:pass%20word@proxy.example.test")
    proxy = chosen()
    assert proxy.origin == Origin("http", "proxy.example.test", 80)
    assert proxy.header() == "Proxy-Authorization: Basic am9lOnBhc3Mgd29yZA==\r\n"
    assert repr(proxy) == "<Proxy proxy.example.test:80>"
    monkeypatch.setenv("NO_PROXY", "example.test")
    assert proxy_for(API, allow_http=False) is None


@pytest.mark.parametrize("url", ["proxy.example.test:3128", "HTTP://Proxy.Example.Test:3128/path"])
def test_proxy_without_credentials(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", url)
    assert chosen().origin == Origin("http", "proxy.example.test", 3128)
    assert chosen().header() == ""


@pytest.mark.parametrize("password", ["12/34", "a#b", "a?b", "a@b", "a:b", "/", "p%2Fq", ""])
def test_password_with_what_a_url_should_not_hold(
    password: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("https_proxy", f"http://joe:{password}@proxy.example.test:3128/")
    assert chosen().origin.authority == "proxy.example.test:3128"
    decoded = base64.b64decode(chosen().header().split()[-1]).decode()
    assert decoded == f"joe:{password.replace('%2F', '/')}"


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("socks5://joe:secret@proxy.example.test", "the scheme 'socks5'"),
        ("https://joe:secret@proxy.example.test", "the scheme 'https'"),
        ("joe:secret://proxy.example.test", "a scheme"),
        ("http://joe:secret@", "a host"),
        ("http://joe:secret@h:99999", "a port from 1"),
        ("http://joe:secret@a..b", "DNS can hold"),
    ],
)
def test_proxy_that_cannot_be_used(url: str, problem: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", url)
    with pytest.raises(ConfigError, match=f"^HTTPS_PROXY .*{problem}") as caught:
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


def test_no_proxy_knows_a_host_by_its_name_without_the_final_dot(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("https_proxy", "http://proxy.example.test:3128")
    monkeypatch.setenv("no_proxy", "example.test")
    assert proxy_for(API.replace(host="api.example.test."), allow_http=False) is None


# ---- the settings of macOS and Windows ----


@pytest.fixture(params=["darwin", "win32"])
def settings(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The system's proxies by scheme; no variable names one."""
    named: dict[str, str] = {}
    monkeypatch.setattr(sys, "platform", request.param)
    monkeypatch.setattr(urllib.request, "getproxies", lambda: named)
    monkeypatch.setattr(urllib.request, "proxy_bypass", lambda _: False)
    return named


def test_proxy_of_the_system(settings: dict[str, str]) -> None:
    assert proxy_for(API, allow_http=False) is None
    settings["https"] = "http://proxy.example.test:3128"
    assert chosen().origin.authority == "proxy.example.test:3128"


def test_a_proxy_for_https_of_the_system_speaks_http(
    settings: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Older Pythons read another scheme into the settings of Windows, which name none."""
    settings["https"] = "https://proxy.example.test:3128"
    monkeypatch.setattr(proxies, "_GUESSES_SCHEMES", True)
    assert chosen().origin == Origin("http", "proxy.example.test", 3128)


def test_what_the_settings_do_name_is_not_spoken_to_in_clear_text(
    settings: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    settings["https"] = "https://user:secret@proxy.example.test:3128"
    monkeypatch.setattr(proxies, "_GUESSES_SCHEMES", False)
    with pytest.raises(ConfigError, match="the scheme 'https', which is not supported"):
        proxy_for(API, allow_http=False)


def test_socks_proxy_of_the_system_is_called_what_it_is(settings: dict[str, str]) -> None:
    """No variable is named as the culprit that nobody has set."""
    settings["https"] = "socks4://proxy.example.test:1080"
    with pytest.raises(ConfigError, match=r"^the proxy of the system's settings .*'socks4'"):
        proxy_for(API, allow_http=False)


def test_bypass_of_the_system(settings: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    settings["https"] = "http://proxy.example.test:3128"
    monkeypatch.setattr(urllib.request, "proxy_bypass", "api.example.test:443".__eq__)
    assert proxy_for(API, allow_http=False) is None
    assert proxy_for(API.replace(port=8443), allow_http=False) is not None


def test_bypass_that_looks_a_name_up_for_ever(
    settings: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name that cannot be looked up here is left to the proxy."""
    enough = threading.Event()
    settings["https"] = "http://proxy.example.test:3128"
    monkeypatch.setattr(proxies, "_BYPASS_SECONDS", 0.05)
    monkeypatch.setattr(urllib.request, "proxy_bypass", lambda _: enough.wait(10))
    started = time.monotonic()
    assert chosen().origin.host == "proxy.example.test"
    assert time.monotonic() - started < 5
    enough.set()
