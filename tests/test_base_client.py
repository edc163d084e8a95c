"""Clients: what they are made with, how long they live, and what they share."""

from __future__ import annotations

import copy
import decimal
import pickle
import ssl
import weakref
from typing import TYPE_CHECKING, Any

import pytest

from tesote_sdk import ConfigError, RetryPolicy, V1Client, V2Client
from tesote_sdk.errors import ServiceUnavailableError, TimeoutError, UnauthorizedError
from tesote_sdk.sandbox import Sandbox
from tesote_sdk.transport import DEFAULT_BASE_URL, Transport
from tests.support.certificates import client_context, server_context
from tests.support.scripted_server import ScriptedServer
from tests.support.steps import reply, silence

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

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


@pytest.mark.parametrize(
    ("url", "message"),
    [
        *[
            (url, "base_url must be an http(s) URL, such as https://equipo.tesote.com/api")
            for url in ("", "equipo.tesote.com", "ftp://host/api", "//host/api", "https:/host", 7)
        ],
        *[
            (
                url,
                "base_url must name a host, and a port from 1 to 65535 if any, such as "
                "https://equipo.tesote.com/api",
            )
            for url in (
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
            )
        ],
        *[
            (url, "base_url must not hold credentials: the key is passed as api_key=")
            for url in ("https://user:pw@host/api", f"https://{KEY}@host", "http://@localhost")
        ],
        *[
            (
                url,
                "base_url must be without query, fragment and white space, such as "
                "https://equipo.tesote.com/api",
            )
            for url in (
                "https://host/api?a=b",
                "https://host/api#a",
                "https://host?",
                "https://host/a b",
                "https://host/api\n",
                "https://host/ñ",
            )
        ],
        *[
            (
                url,
                "base_url is plain http to another machine, which would show the API key to the "
                "network: use https, or pass allow_http=True where the network is trusted",
            )
            for url in (
                "http://api.example.test",
                "HTTP://10.0.0.1/api",
                "http://localhost.example.test",
                "http://127.0.0.1.example.test",
                "http://128.0.0.1",
                "http://0.0.0.0",
            )
        ],
    ],
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
    options: Any = dict.fromkeys(
        "base_url connect_timeout read_timeout total_timeout retry_policy cache_backend "
        "rate_limiter user_agent logger ssl_context parse_float opener".split()
    )
    with V2Client(KEY, **options) as client:
        assert repr(client) == f"<V2Client {DEFAULT_BASE_URL} Bearer 0042>"


def test_all_but_the_key_is_passed_by_name() -> None:
    with pytest.raises(TypeError):
        V2Client(KEY, URL)  # type: ignore[misc]
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


# ---- lifetime ----


@pytest.mark.parametrize("kind", CLIENTS)
def test_a_closed_client_refuses_every_call(kind: type[Any], sandbox: Sandbox) -> None:
    client = kind(sandbox.api_key, base_url=sandbox.url)
    page = client.accounts.list(per_page=1, cache_ttl=60)
    client.close()
    client.close()
    sandbox.clear_requests()
    for call in (
        client.status,
        client.whoami,
        lambda: client.request("GET", "/v2/accounts"),
        lambda: client.accounts.list(per_page=1, cache_ttl=60),
        page.next_page,
        lambda: client.with_options(read_timeout=1),
    ):
        with pytest.raises(ConfigError, match="^the client is closed: make a new one"):
            call()
    assert sandbox.requests == []


def test_a_with_block_closes_the_client_also_when_it_fails(sandbox: Sandbox) -> None:
    with pytest.raises(ZeroDivisionError):
        with V2Client(sandbox.api_key, base_url=sandbox.url) as client:
            assert isinstance(client, V2Client)
            client.status()
            raise ZeroDivisionError
    with pytest.raises(ConfigError):
        client.status()


def test_closing_ends_the_connections() -> None:
    with ScriptedServer([ACCOUNT]) as server:
        client = V2Client(KEY, base_url=server.url)
        client.accounts.get("a1")
        assert server.open_connections == 1
        client.close()
        server.wait_for_disconnects(1)


# ---- a second client over the same connections ----


def test_with_options_shares_the_connections() -> None:
    with ScriptedServer([ACCOUNT] * 4) as server:
        with V2Client(KEY, base_url=server.url, user_agent="first/1") as first:
            second = first.with_options(read_timeout=120, user_agent="second/1")
            third = second.with_options(total_timeout=5)
            assert type(second) is V2Client
            for client in (first, second, third, first):
                client.accounts.get("a1")
            second.close()
            third.close()
            with pytest.raises(ConfigError):
                second.accounts.get("a1")
            assert server.disconnects == 0
        assert server.connections == 1
    agents = [request.headers["user-agent"] for request in server.requests]
    assert agents == ["first/1", "second/1", "second/1", "first/1"]
    assert {request.headers["authorization"] for request in server.requests} == {f"Bearer {KEY}"}


def test_closing_the_first_client_ends_the_second() -> None:
    with ScriptedServer([ACCOUNT]) as server:
        first = V2Client(KEY, base_url=server.url)
        second = first.with_options(read_timeout=1)
        second.accounts.get("a1")
        first.close()
        server.wait_for_disconnects(1)
        with pytest.raises(ConfigError, match="^the client is closed"):
            second.accounts.get("a1")


def test_an_option_changes_that_option_alone() -> None:
    events: list[Mapping[str, Any]] = []
    with ScriptedServer([reply(503), reply(503), silence()]) as server, V2Client(
        KEY,
        base_url=server.url,
        retry_policy=RetryPolicy(max_attempts=1),
        logger=events.append,
    ) as client:
        twice = client.with_options(retry_policy=RetryPolicy(max_attempts=2, base_delay=0))
        with pytest.raises(ServiceUnavailableError) as told:
            client.status()
        assert told.value.attempts == 1
        with pytest.raises(TimeoutError):
            client.with_options(read_timeout=0.05, retry_policy=None).request("POST", "/v2/x")
            twice.status()
        assert [event["phase"] for event in events].count("retry") == 1


def test_an_option_may_be_set_back_to_its_default() -> None:
    with ScriptedServer([ACCOUNT]) as server, V2Client(
        KEY, base_url=server.url, user_agent="mine/1"
    ) as client:
        client.with_options(user_agent=None).accounts.get("a1")
    assert server.requests[0].headers["user-agent"].startswith("tesote-sdk-py/")


@pytest.mark.parametrize(
    "option", [{"read_timeout": 0}, {"user_agent": ""}, {"allow_http": False, "total_timeout": -1}]
)
def test_options_are_checked_as_by_the_constructor(option: dict[str, Any]) -> None:
    with V2Client(KEY, base_url=URL) as client, pytest.raises(ConfigError):
        client.with_options(**option)


def test_other_tls_settings_do_not_share_connections() -> None:
    with ScriptedServer([ACCOUNT, ACCOUNT], tls=server_context()) as server:
        context: ssl.SSLContext = client_context()
        with V2Client(KEY, base_url=server.url, ssl_context=context) as first:
            first.accounts.get("a1")
            with first.with_options(ssl_context=client_context()) as second:
                second.accounts.get("a1")
            server.wait_for_disconnects(1)
        assert server.connections == 2


# ---- subclasses, copies ----


class TenantClient(V2Client):
    """What users make: a constructor, attributes and methods of their own."""

    def __init__(self, tenant: str, *, base_url: str) -> None:
        super().__init__(KEY, base_url=base_url, user_agent=f"erp/{tenant}")
        self.tenant = tenant

    def first_account(self) -> str:
        return f"{self.tenant}/{self.accounts.get('a1')['id']}"


def test_a_client_can_be_subclassed() -> None:
    with ScriptedServer([ACCOUNT, ACCOUNT]) as server:
        with TenantClient("acme", base_url=server.url) as client:
            assert client.first_account() == "acme/a1"
            second = client.with_options(read_timeout=1)
            assert type(second) is TenantClient
            assert second.first_account() == "acme/a1"
            assert repr(client).startswith("<TenantClient http://")
    assert server.requests[1].headers["user-agent"] == "erp/acme"


def test_a_client_that_is_not_made_yet_has_a_repr() -> None:
    assert repr(V2Client.__new__(V2Client)) == "<V2Client>"
    assert repr(Transport.__new__(Transport)) == "<Transport>"


@pytest.mark.parametrize("move", [pickle.dumps, copy.copy, copy.deepcopy])
@pytest.mark.parametrize("kind", CLIENTS)
def test_clients_are_neither_pickled_nor_copied(move: Any, kind: type[Any]) -> None:
    with kind(KEY, base_url=URL) as client:
        with pytest.raises(TypeError, match="make one in each process"):
            move(client)


def test_a_client_that_nobody_holds_is_gone() -> None:
    client = V2Client(KEY, base_url=URL)
    watched = weakref.ref(client)
    del client
    assert watched() is None


# ---- both versions ----


def test_both_versions_work_side_by_side(sandbox: Sandbox) -> None:
    with V1Client(sandbox.api_key, base_url=sandbox.url) as one, V2Client(
        sandbox.api_key, base_url=sandbox.url
    ) as two:
        assert [account["id"] for account in one.accounts.list()] == [
            account["id"] for account in two.accounts.list()
        ]
        for client in (one, two):
            assert client.status()["status"] == "ok"
            assert client.whoami()
            assert client.last_rate_limit
            assert client.last_rate_limit.limit
    paths = [request.path for request in sandbox.requests]
    assert paths == ["/v1/accounts", "/v2/accounts", "/status", "/whoami", "/v2/status", "/v2/whoami"]


def test_any_endpoint_can_be_asked(sandbox: Sandbox) -> None:
    with V2Client(sandbox.api_key, base_url=sandbox.url) as client:
        assert client.last_rate_limit is None
        response = client.request("GET", "/v2/accounts", query={"per_page": 1})
        assert (response.status, len(response.json["accounts"])) == (200, 1)
        assert response.request_id == response.headers["X-Request-Id"]
        assert client.last_rate_limit is not None
        assert response.body == response.content.decode()
