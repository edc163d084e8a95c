"""What clients are made with: the constructor's arguments, the environment, and what is refused."""

from __future__ import annotations

import decimal
import inspect
import logging
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from tesote_sdk import ConfigError, RateLimiter, RetryPolicy, V1Client, V2Client
from tesote_sdk.errors import NotFoundError, UnauthorizedError
from tesote_sdk.sandbox import Sandbox
from tesote_sdk.transport import DEFAULT_BASE_URL
from tests.support.scripted_server import ScriptedServer
from tests.support.steps import reply

if TYPE_CHECKING:
    from collections.abc import Iterator

KEY = "sk_live_abcd0042"
URL = "https://api.example.test/api"
ACCOUNT = reply(200, {"id": "a1"})
CLIENTS = [V1Client, V2Client]


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TESOTE_SDK_API_KEY", raising=False)
    monkeypatch.delenv("TESOTE_SDK_API_URL", raising=False)


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(accounts=3, transactions=1) as sandbox:
        yield sandbox


def refused(**options: Any) -> str:
    """Return the message of the ConfigError that both clients refuse these arguments with."""
    messages = set()
    for kind in CLIENTS:
        with pytest.raises(ConfigError) as told:
            kind(**{"api_key": KEY, "base_url": URL, **options})
        assert KEY not in str(told.value)
        messages.add(told.value.message)
    (message,) = messages
    return message


# ---- API keys ----


@pytest.mark.parametrize("key", [None, ""])
def test_a_missing_key_is_refused_with_where_it_is_looked_for(key: Any) -> None:
    assert refused(api_key=key) == (
        "no API key: pass api_key= or set the environment variable TESOTE_SDK_API_KEY"
    )
    with pytest.raises(ConfigError) as told:
        V2Client(key, base_url=URL)
    assert told.value.error_code == "CONFIG_MISSING_API_KEY"


@pytest.mark.parametrize(
    ("key", "problem"),
    [
        ("abc def", "white space at position 4"),
        ("abcdef\n", "a newline at position 7"),
        ("\tabc", "a tab at position 1"),
        ("abc\r\n", "a carriage return at position 4"),
        ("abc\u00a0", "white space at position 4"),
        ("abc\u2003d", "white space at position 4"),
        ("ab\x00c", "a control character at position 3"),
        ("ab\x7f", "a control character at position 3"),
        ("\x1babc", "a control character at position 1"),
        ("ab\x9b", "a control character at position 3"),
        ("ab…", "a character outside latin-1 at position 3"),
        ("ÿĀ", "a character outside latin-1 at position 2"),
        ("a\u200bbc", "a character outside latin-1 at position 2"),
        ("🔑", "a character outside latin-1 at position 1"),
        ("ab\ud800", "a character outside latin-1 at position 3"),
    ],
)
def test_an_odd_key_is_refused_by_the_kind_and_place_of_what_is_odd(key: str, problem: str) -> None:
    message = refused(api_key=key)
    assert message == (
        f"api_key holds {problem}: copy the key again, without quotes, spaces or line breaks"
    )


@pytest.mark.parametrize("key", [b"sk_live", 7, ["sk"], object()])
def test_a_key_that_is_no_str_is_refused(key: Any) -> None:
    assert refused(api_key=key) == f"api_key must be a str, not {type(key).__name__}"


def test_every_other_latin_1_key_is_sent_as_it_is() -> None:
    key = "".join(map(chr, [*range(0x21, 0x7F), *range(0xA1, 0x100)]))
    with ScriptedServer([ACCOUNT]) as server, V2Client(key, base_url=server.url) as client:
        client.accounts.get("a1")
    assert server.requests[0].headers["authorization"] == f"Bearer {key}"


# ---- base URLs ----


EXAMPLE = "such as https://equipo.tesote.com/api"
BAD_URLS: dict[str, list[Any]] = {
    f"base_url must be an http(s) URL, {EXAMPLE}": [
        "",
        "equipo.tesote.com",
        "ftp://host/api",
        "//host/api",
        "https:/host",
        " https://host",
        7,
    ],
    f"base_url must name a host, and a port from 1 to 65535 if any, {EXAMPLE}": [
        "https://",
        "https:///api",
        "https://:443",
        "https://host:0",
        "https://host:65536",
        "https://host:a",
        "https://ho st",
        "https://host\n.example",
        "https://[::1",
        "https://h\\ost",
    ],
    "base_url must not contain credentials: pass the key as api_key=": [
        "https://user:pw@host/api",
        f"https://{KEY}@host",
        "http://@localhost",
    ],
    f"base_url must not contain a query, a fragment or white space, {EXAMPLE}": [
        "https://host/api?a=b",
        "https://host/api#a",
        "https://host?",
        "https://host/a b",
        "https://host/api\n",
        "https://host/ñ",
    ],
    "base_url is plain http to another machine (not localhost, 127.0.0.1 or [::1]), which would "
    "show the API key to the network: use https, or pass allow_http=True if you trust the "
    "network": [
        "http://api.example.test",
        "HTTP://10.0.0.1/api",
        "http://localhost.example.test",
        "http://127.0.0.1.example.test",
        "http://128.0.0.1",
        "http://0.0.0.0",
    ],
}


@pytest.mark.parametrize(
    ("url", "message"), [(url, message) for message, urls in BAD_URLS.items() for url in urls]
)
def test_a_base_url_that_cannot_be_used_is_refused(url: Any, message: str) -> None:
    assert refused(base_url=url) == message


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        (DEFAULT_BASE_URL, "https://equipo.tesote.com/api"),
        ("https://equipo.tesote.com/api/", "https://equipo.tesote.com/api"),
        ("HTTPS://Host.Example:443//", "https://host.example"),
        ("https://host:8443/a/b", "https://host:8443/a/b"),
        ("https://[2001:DB8::1]:444", "https://[2001:DB8::1]:444"),
        ("https://tesorería.example", "https://xn--tesorera-i2a.example"),
        ("http://localhost:8000", "http://localhost:8000"),
        ("http://api.localhost", "http://api.localhost"),
        ("http://127.9.9.9", "http://127.9.9.9"),
        ("http://[::1]:80/x", "http://[::1]/x"),
    ],
)
def test_the_repr_shows_the_base_url_and_the_keys_last_characters(url: str, shown: str) -> None:
    with V2Client(KEY, base_url=url) as two, V1Client("1234", base_url=url) as one:
        assert repr(two) == f"<V2Client {shown} Bearer 0042>"
        assert repr(one) == f"<V1Client {shown} Bearer ****>"
        assert repr(two.transport) == f"<Transport {shown} Bearer 0042>"
        assert str(two) == repr(two)


def test_plain_http_can_be_allowed() -> None:
    with V2Client(KEY, base_url="http://10.0.0.1/api", allow_http=True) as client:
        assert "http://10.0.0.1/api" in repr(client)


# ---- the rest of the configuration ----


@pytest.mark.parametrize("name", ["connect_timeout", "read_timeout", "total_timeout"])
@pytest.mark.parametrize(
    ("value", "problem"),
    [
        (0, "a positive, finite number of seconds, not 0"),
        (-1.5, "a positive, finite number of seconds, not -1.5"),
        (float("nan"), "a positive, finite number of seconds, not nan"),
        (float("inf"), "a positive, finite number of seconds, not inf"),
        (True, "a number of seconds, not bool"),
        ("30", "a number of seconds, not str"),
        ((3, 30), "a number of seconds, not tuple"),
        (decimal.Decimal(3), "a number of seconds, not Decimal"),
    ],
)
def test_a_timeout_that_is_none_is_refused(name: str, value: Any, problem: str) -> None:
    assert refused(**{name: value}) == f"{name} must be {problem}"


@pytest.mark.parametrize("agent", ["", " a", "a\n", "a\r\nX-Evil: 1", "a\x00", "…", 7, b"a"])
def test_a_user_agent_that_is_no_line_is_refused(agent: Any) -> None:
    assert refused(user_agent=agent) == "user_agent must be one line of latin-1 characters"


def test_none_is_the_default_everywhere() -> None:
    options: Any = dict.fromkeys(inspect.signature(V2Client).parameters)
    del options["api_key"], options["allow_http"]
    with V2Client(KEY, **options) as client:
        assert repr(client) == f"<V2Client {DEFAULT_BASE_URL} Bearer 0042>"


def test_all_but_the_key_is_passed_by_name() -> None:
    with pytest.raises(TypeError):
        V2Client(KEY, URL)  # type: ignore[misc,call-arg,unused-ignore]
    with pytest.raises(TypeError):
        V2Client(KEY, timeout=3)  # type: ignore[call-arg]


# ---- the environment ----


def test_the_environment_serves_where_nothing_is_passed(
    monkeypatch: pytest.MonkeyPatch, sandbox: Sandbox
) -> None:
    monkeypatch.setenv("TESOTE_SDK_API_KEY", sandbox.api_key)
    monkeypatch.setenv("TESOTE_SDK_API_URL", sandbox.url)
    for kind in CLIENTS:
        with kind() as client:
            assert client.status()["status"] == "ok"
            assert sandbox.url in repr(client)


def test_arguments_go_before_the_environment(
    monkeypatch: pytest.MonkeyPatch, sandbox: Sandbox
) -> None:
    monkeypatch.setenv("TESOTE_SDK_API_KEY", "another-key")
    monkeypatch.setenv("TESOTE_SDK_API_URL", "https://elsewhere.example")
    with V2Client(sandbox.api_key, base_url=sandbox.url) as client:
        assert client.status()["authenticated"] is True
    with V2Client(base_url=sandbox.url) as client, pytest.raises(UnauthorizedError):
        client.whoami()


def test_an_empty_argument_is_not_replaced_by_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TESOTE_SDK_API_KEY", KEY)
    monkeypatch.setenv("TESOTE_SDK_API_URL", URL)
    assert "no API key" in refused(api_key="")
    assert "base_url must be" in refused(base_url="")


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("TESOTE_SDK_API_KEY", "", "no API key"),
        ("TESOTE_SDK_API_KEY", "sk live", "api_key holds white space at position 3"),
        ("TESOTE_SDK_API_URL", "", "base_url must be an http(s) URL"),
        ("TESOTE_SDK_API_URL", "http://api.example.test", "base_url is plain http"),
    ],
)
def test_what_the_environment_holds_is_checked_as_well(
    name: str, value: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TESOTE_SDK_API_KEY", KEY)
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigError) as told:
        V2Client()
    assert message in told.value.message


def test_without_anything_the_production_api_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TESOTE_SDK_API_KEY", KEY)
    with V2Client() as client:
        assert repr(client) == "<V2Client https://equipo.tesote.com/api Bearer 0042>"


class Shelf:
    """A cache backend, as far as its methods are concerned."""

    def get(self, key: str) -> None: ...

    def set(self, key: str, value: bytes, ttl: float) -> None: ...

    def delete(self, key: str) -> None: ...


BACKEND = (
    "cache_backend must be an object with the methods get, set and delete, such as "
    "InMemoryLRUCache(), not "
)
OF_ANOTHER_KIND: list[tuple[str, Any, str]] = [
    ("retry_policy", 5, "retry_policy must be a RetryPolicy, such as RetryPolicy(), not int"),
    (
        "retry_policy",
        RetryPolicy,
        "retry_policy must be a RetryPolicy, such as RetryPolicy(), not the class RetryPolicy",
    ),
    (
        "rate_limiter",
        RateLimiter,
        "rate_limiter must be a RateLimiter, such as RateLimiter(), not the class RateLimiter",
    ),
    ("rate_limiter", 10, "rate_limiter must be a RateLimiter, such as RateLimiter(), not int"),
    ("opener", 5, "opener must be a function, not int"),
    ("opener", "urlopen", "opener must be a function, not str"),
    ("parse_float", "Decimal", "parse_float must be a function, not str"),
    ("cache_backend", {}, f"{BACKEND}dict"),
    ("cache_backend", Shelf, f"{BACKEND}type"),
    ("cache_backend", True, f"{BACKEND}bool"),
    ("logger", "tesote_sdk", "logger must be a function or a logging.Logger, not str"),
    ("logger", logging, "logger must be a function or a logging.Logger, not module"),
    ("logger", logging.DEBUG, "logger must be a function or a logging.Logger, not int"),
    ("ssl_context", True, "ssl_context must be an ssl.SSLContext, not bool"),
    ("headers", "X-A: 1", "headers must be a dict of header fields by their names"),
]


@pytest.mark.parametrize(("name", "value", "message"), OF_ANOTHER_KIND)
def test_an_option_of_another_kind_is_refused(name: str, value: Any, message: str) -> None:
    assert refused(**{name: value}) == message
    with V2Client(KEY, base_url=URL) as client, pytest.raises(ConfigError) as told:
        client.with_options(**{name: value})
    assert told.value.message == message


def test_a_key_of_bytes_is_refused_where_python_minds_bytes() -> None:
    """Under `-bb` to compare bytes with a str raises, here and wherever else bytes may come in."""
    code = """
from tesote_sdk import ConfigError, InvalidArgumentError, V2Client
order = {"amount": 1, "currency": "VES", "description": "x", "beneficiary": {}}
client = V2Client("sk_test_1234", base_url="http://127.0.0.1:1")
for wrong in (
    lambda: V2Client(b"sk_test_1234"),
    lambda: V2Client(b""),
    lambda: V2Client("sk_test_1234", base_url=b"http://127.0.0.1:1"),
    lambda: V2Client("sk_test_1234", user_agent=b"x"),
    lambda: V2Client("sk_test_1234", headers={b"a": b"b"}),
    lambda: client.request(b"GET", "/v2/x"),
    lambda: client.request("GET", b"/v2/x"),
    lambda: client.request("GET", "/v2/x", query={b"a": 1}),
    lambda: client.request("GET", "/v2/x", query={"a": b"1"}),
    lambda: client.request("POST", "/v2/x", body={b"a": 1}),
    lambda: client.request("POST", "/v2/x", idempotency_key=b"k"),
    lambda: client.request("GET", "/v2/x", extra_headers={b"Host": "x"}),
    lambda: client.accounts.get(b".."),
    lambda: client.transactions.sync("a1", cursor=b""),
    lambda: client.transaction_orders.list("a1", status=b"draft"),
    lambda: client.batches.create("a1", [{b"amount": 2}]),
    lambda: client.batches.create("a1", [{**order, "amount": b"2"}]),
):
    try:
        wrong()
    except (ConfigError, InvalidArgumentError) as error:
        repr(error), error.to_dict()
"""
    ended = subprocess.run(
        [sys.executable, "-bb", "-c", f"import sys; sys.path[:0] = {sys.path!r}\n{code}"],
        capture_output=True,
        encoding="utf-8",
        timeout=20,
        check=False,
    )
    assert (ended.returncode, ended.stderr) == (0, "")


# ---- base URLs that say too much ----


@pytest.mark.parametrize("body", [{"error": "No route"}, "<h1>Not found</h1>"])
def test_a_version_in_the_base_url_is_named_where_nothing_is_found(body: Any) -> None:
    advice = "base_url ends in /v2, and the SDK adds the version: leave it out"
    with ScriptedServer([reply(404, body), reply(404, body)]) as server:
        with V2Client(KEY, base_url=f"{server.url}/api/v2") as client:
            with pytest.raises(NotFoundError) as told:
                client.accounts.get("a1")
            assert told.value.message.endswith(f"; {advice}")
        with V2Client(KEY, base_url=f"{server.url}/api") as client:
            with pytest.raises(NotFoundError) as told:
                client.accounts.get("v1/v2")
            assert advice not in str(told.value)
