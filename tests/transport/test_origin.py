"""Base URLs: taken apart, or refused with what to do."""

from __future__ import annotations

from typing import Any

import pytest

from tesote_sdk import ConfigError
from tesote_sdk.transport.origin import (
    DEFAULT_BASE_URL,
    Origin,
    is_loopback,
    parse_base_url,
    split_authority,
)


@pytest.mark.parametrize(
    ("url", "origin", "path", "host_header"),
    [
        (DEFAULT_BASE_URL, ("https", "equipo.tesote.com", 443), "/api", "equipo.tesote.com"),
        ("HTTPS://Example.TEST/", ("https", "example.test", 443), "", "example.test"),
        ("https://example.test:443/a/b//", ("https", "example.test", 443), "/a/b", "example.test"),
        ("https://example.test:8443", ("https", "example.test", 8443), "", "example.test:8443"),
        ("https://example.test:", ("https", "example.test", 443), "", "example.test"),
        ("https://[2001:db8::1]:8443", ("https", "2001:db8::1", 8443), "", "[2001:db8::1]:8443"),
        ("http://[::1]/api", ("http", "::1", 80), "/api", "[::1]"),
        ("http://127.0.0.1:80", ("http", "127.0.0.1", 80), "", "127.0.0.1"),
        ("https://espa\xf1a.test", ("https", "xn--espaa-rta.test", 443), "", "xn--espaa-rta.test"),
        ("https://my_host.test.", ("https", "my_host.test.", 443), "", "my_host.test."),
    ],
)
def test_base_urls(url: str, origin: tuple[str, str, int], path: str, host_header: str) -> None:
    base = parse_base_url(url, allow_http=False)
    assert (base.origin, base.path, base.host_header) == (Origin(*origin), path, host_header)
    assert base.url == f"{origin[0]}://{host_header}{path}"


@pytest.mark.parametrize(
    "url",
    [
        "",
        "example.test",
        "//example.test",
        "ftp://example.test",
        "https://",
        "https:///api",
        None,
        5,
        b"https://example.test",
        "https://example.test:99999",
        "https://example.test:0",
        "https://example.test:x",
        "https://exa mple.test",
        "https://example.test/a b",
        "https://example.test?x=1",
        "https://example.test#x",
        "https://[::1",
        "https://[]",
        "https://example.test\n",
        "https://\x00",
        "https://a..b",
        "https://.a",
        "https://" + "a" * 64,
        "https://" + "a." * 127 + "aa",
        "https://\u2024",
        "https://a\uff0fb",
        "https://a\uff20b",
        "https://a:b:c",
        "https://%61",
        "https://\ud800",
        "https://example.test/\xf1",
    ],
)
def test_what_is_no_base_url(url: Any) -> None:
    with pytest.raises(ConfigError, match="base_url"):
        parse_base_url(url, allow_http=True)


def test_credentials_are_refused_and_not_echoed() -> None:
    with pytest.raises(ConfigError) as caught:
        parse_base_url("https://joe:secret@example.test", allow_http=False)
    assert "secret" not in str(caught.value)


def test_plain_http_goes_to_this_machine_or_where_it_is_allowed() -> None:
    for host in ("example.test", "127.1", "2130706433"):
        with pytest.raises(ConfigError, match=r"localhost.*allow_http"):
            parse_base_url(f"http://{host}", allow_http=False)
    assert parse_base_url("http://example.test", allow_http=True).origin.port == 80


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("localhost", True),
        ("api.localhost", True),
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("127.255.255.255", True),
        ("::1", True),
        ("0:0:0:0:0:0:0:1", True),
        ("0000:0000:0000:0000:0000:0000:0000:0001", True),
        ("LocalHost", True),
        ("localhost.", True),
        ("api.localhost.", True),
        # What some resolvers take for 127.0.0.1, others ask DNS for.
        ("127.1", False),
        ("127.0.1", False),
        ("0x7f.1", False),
        ("0x7f000001", False),
        ("0177.0.0.1", False),
        ("2130706433", False),
        ("127.0.0.01", False),
        ("127.0.0.256", False),
        ("127.999.0.1", False),
        ("127.0.0.1.", False),
        ("0:0:0:0:0:0:1", False),
        ("localhost.example.test", False),
        ("127.0.0.1.example.test", False),
        ("mylocalhost", False),
        ("10.0.0.1", False),
        ("::2", False),
        ("0.0.0.0", False),
    ],
)
def test_loopback(host: str, loopback: bool) -> None:
    assert is_loopback(host) is loopback


@pytest.mark.parametrize(
    ("authority", "parts"),
    [
        ("proxy.test", ("proxy.test", None)),
        ("Proxy.Test:3128", ("proxy.test", 3128)),
        ("proxy.test:", ("proxy.test", None)),
        ("[::1]:3128", ("::1", 3128)),
    ],
)
def test_authorities(authority: str, parts: tuple[str, int | None]) -> None:
    assert split_authority(authority) == parts


@pytest.mark.parametrize("authority", ["", ":3128", "h:0", "h:65536", "h:x", "[::1", "a..b", "u@h"])
def test_what_is_no_authority(authority: str) -> None:
    with pytest.raises(
        ValueError, match=r"^must name a host(, and a port from| that DNS can hold)"
    ):
        split_authority(authority)


@pytest.mark.parametrize(("length", "fits"), [(253, True), (254, False)])
def test_a_name_has_253_characters_at_most(length: int, fits: bool) -> None:
    name = ("a" * 49 + ".") * 5 + "b" * (length - 250)
    if fits:
        assert split_authority(name) == (name, None)
    else:
        with pytest.raises(ValueError, match="DNS can hold"):
            split_authority(name)
