"""Clients: how long they live, what they share, and how they can be derived from."""

from __future__ import annotations

import contextlib
import copy
import pickle
import weakref
from typing import TYPE_CHECKING, Any

import pytest

from tesote_sdk import ConfigError, RetryPolicy, V1Client, V2Client
from tesote_sdk.errors import ServiceUnavailableError, TimeoutError
from tesote_sdk.sandbox import Sandbox
from tesote_sdk.transport import Transport
from tests.support.certificates import client_context, server_context
from tests.support.scripted_server import ScriptedServer
from tests.support.steps import reply, silence
from tests.support.systems import needs_prompt_collection

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

KEY = "sk_live_abcd0042"
URL = "https://api.example.test/api"
ACCOUNT = reply(200, {"id": "a1"})
CLIENTS = [V1Client, V2Client]


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(accounts=3, transactions=1) as sandbox:
        yield sandbox


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
        with pytest.raises(ConfigError, match=r"^the client is closed: make a new one"):
            call()
    assert sandbox.requests == []


def test_a_with_block_closes_the_client_also_when_it_fails(sandbox: Sandbox) -> None:
    client = V2Client(sandbox.api_key, base_url=sandbox.url)
    with contextlib.suppress(ZeroDivisionError), client as entered:
        assert entered is client
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


def test_another_say_on_plain_http_shares_no_connections() -> None:
    """It decides which proxy they may go through."""
    with ScriptedServer([ACCOUNT] * 2) as server, V2Client(KEY, base_url=server.url) as first:
        with first.with_options(allow_http=True) as second:
            for client in (first, second):
                client.accounts.get("a1")
        assert server.connections == 2


def test_closing_the_first_client_ends_the_second() -> None:
    with ScriptedServer([ACCOUNT]) as server:
        first = V2Client(KEY, base_url=server.url)
        second = first.with_options(read_timeout=1)
        second.accounts.get("a1")
        first.close()
        server.wait_for_disconnects(1)
        with pytest.raises(ConfigError, match=r"^the client is closed"):
            second.accounts.get("a1")


def test_an_option_changes_that_option_alone() -> None:
    events: list[Mapping[str, Any]] = []
    with (
        ScriptedServer([reply(503), reply(503), silence()]) as server,
        V2Client(
            KEY,
            base_url=server.url,
            retry_policy=RetryPolicy(max_attempts=1),
            logger=events.append,
        ) as client,
    ):
        twice = client.with_options(retry_policy=RetryPolicy(max_attempts=2, base_delay=0))
        with pytest.raises(ServiceUnavailableError) as told:
            client.status()
        assert told.value.attempts == 1
        impatient = twice.with_options(read_timeout=0.05)
        with pytest.raises(TimeoutError):
            impatient.request("POST", "/v2/x")
        assert [event["phase"] for event in events].count("retry") == 1


def test_an_option_may_be_set_back_to_its_default() -> None:
    with (
        ScriptedServer([ACCOUNT]) as server,
        V2Client(KEY, base_url=server.url, user_agent="mine/1") as client,
    ):
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
        context = client_context()
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
    with (
        ScriptedServer([ACCOUNT, ACCOUNT]) as server,
        TenantClient("acme", base_url=server.url) as client,
    ):
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
    with (
        kind(KEY, base_url=URL) as client,
        pytest.raises(TypeError, match=r"make one in each process"),
    ):
        move(client)


@needs_prompt_collection
def test_a_client_that_nobody_holds_is_gone() -> None:
    client = V2Client(KEY, base_url=URL)
    watched = weakref.ref(client)
    del client
    assert watched() is None


# ---- both versions ----


def test_both_versions_work_side_by_side(sandbox: Sandbox) -> None:
    with (
        V1Client(sandbox.api_key, base_url=sandbox.url) as one,
        V2Client(sandbox.api_key, base_url=sandbox.url) as two,
    ):
        assert [account["id"] for account in one.accounts.list()] == [
            account["id"] for account in two.accounts.list()
        ]
        for client in (one, two):
            assert client.status()["status"] == "ok"
            assert client.whoami()
            assert client.last_rate_limit
            assert client.last_rate_limit.limit
    paths = [request.path for request in sandbox.requests]
    assert paths == [
        "/v1/accounts",
        "/v2/accounts",
        "/status",
        "/whoami",
        "/v2/status",
        "/v2/whoami",
    ]


def test_any_endpoint_can_be_asked(sandbox: Sandbox) -> None:
    with V2Client(sandbox.api_key, base_url=sandbox.url) as client:
        assert client.last_rate_limit is None
        response = client.request("GET", "/v2/accounts", query={"per_page": 1})
        assert (response.status, len(response.json["accounts"])) == (200, 1)
        assert response.request_id == response.headers["X-Request-Id"]
        assert client.last_rate_limit is not None
        assert response.body == response.content.decode()
