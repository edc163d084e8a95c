"""A cached call: when it is served, how fresh, and what is never kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tesote_sdk import (
    InMemoryLRUCache,
    InvalidArgumentError,
    InvalidResponseError,
    TesoteError,
    V1Client,
    V2Client,
)
from tesote_sdk.sandbox import Sandbox
from tests.cache.backends import Clock, DictBackend
from tests.support.scripted_server import ScriptedServer
from tests.support.steps import Payload, reply
from tests.support.transports import client_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Callable

KEY = "sk_live_0123456789abcdef"


@pytest.fixture(scope="module")
def shared_sandbox() -> Iterator[Sandbox]:
    with Sandbox(accounts=5, transactions=6) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(shared_sandbox: Sandbox) -> Sandbox:
    shared_sandbox.clear_requests()
    return shared_sandbox


def account(name: str = "Main", **more: object) -> dict[str, object]:
    return {"id": "a1", "name": name, **more}


def accounts(*names: str, **headers: str) -> Payload:
    items = [{"id": f"a{number}", "name": name} for number, name in enumerate(names)]
    sent = {"accounts": items, "total": len(items)}
    return reply(200, sent, {k.replace("_", "-"): v for k, v in headers.items()})


# ---- serving ----


def test_it_works_without_any_set_up(sandbox: Sandbox) -> None:
    with client_of(sandbox) as client:
        first = client.accounts.list(cache_ttl=30).data
        assert client.accounts.list(cache_ttl=30).data == first
    assert len(sandbox.requests) == 1


def test_nothing_is_cached_that_was_not_asked_to_be(sandbox: Sandbox) -> None:
    backend = DictBackend()
    with client_of(sandbox, cache_backend=backend) as client:
        client.accounts.list()
        assert backend.kept == {}
        client.accounts.list(cache_ttl=30)
        client.accounts.list()
    assert len(sandbox.requests) == 3


def test_every_method_that_reads_can_be_cached(sandbox: Sandbox) -> None:
    account_id = sandbox.account_ids[0]
    with client_of(sandbox) as v2, V1Client(api_key=sandbox.api_key, base_url=sandbox.url) as v1:
        transaction_id = v2.transactions.list_for_account(account_id).data[0]["id"]
        v2.accounts.sync(account_id)
        session_id = v2.sync_sessions.list(account_id).data[0]["id"]
        method_id = v2.payment_methods.list().data[0]["id"]
        made = v2.batches.create(
            account_id,
            [
                {
                    "amount": "1.00",
                    "currency": "USD",
                    "description": "rent",
                    "destination_payment_method_id": method_id,
                }
            ],
        )
        batch_id, order_id = made["batch_id"], made["orders"][0]["id"]
        year: dict[str, Any] = {"start_date": "2026-01-01", "end_date": "2026-12-31"}
        calls: list[Callable[[], object]] = [
            lambda: v1.status(cache_ttl=30),
            lambda: v1.whoami(cache_ttl=30),
            lambda: v1.accounts.list(cache_ttl=30).data,
            lambda: v1.accounts.get(account_id, cache_ttl=30),
            lambda: v1.transactions.list_for_account(account_id, cache_ttl=30).data,
            lambda: v1.transactions.get(transaction_id, cache_ttl=30),
            lambda: v2.status(cache_ttl=30),
            lambda: v2.whoami(cache_ttl=30),
            lambda: v2.accounts.list(cache_ttl=30).data,
            lambda: v2.accounts.get(account_id, cache_ttl=30),
            lambda: v2.transactions.list_for_account(account_id, cache_ttl=30).data,
            lambda: v2.transactions.get(transaction_id, cache_ttl=30),
            lambda: v2.transactions.search("a", cache_ttl=30).data,
            lambda: v2.transactions.export(account_id, **year, cache_ttl=30).content,
            lambda: v2.sync_sessions.list(account_id, cache_ttl=30).data,
            lambda: v2.sync_sessions.get(account_id, session_id, cache_ttl=30),
            lambda: v2.transaction_orders.list(account_id, cache_ttl=30).data,
            lambda: v2.transaction_orders.get(account_id, order_id, cache_ttl=30),
            lambda: v2.batches.get(account_id, batch_id, cache_ttl=30),
            lambda: v2.payment_methods.list(cache_ttl=30).data,
            lambda: v2.payment_methods.get(method_id, cache_ttl=30),
            lambda: v2.request("GET", "/v2/accounts", query={"page": 2}, cache_ttl=30).content,
        ]
        for call in calls:
            sandbox.clear_requests()
            first = call()
            assert call() == first
            assert len(sandbox.requests) == 1


def test_a_hit_is_a_fresh_object_and_changing_it_changes_nothing_cached() -> None:
    script = [reply(200, {"account": account(tags=["a"])}, {"ETag": '"e1"'})]
    with ScriptedServer(script) as server, V2Client(api_key=KEY, base_url=server.url) as client:
        results = [client.accounts.get("a1", cache_ttl=30) for _ in range(3)]
        results[0]["name"] = "changed"
        dict.clear(results[1])  # type: ignore[arg-type]
        assert client.accounts.get("a1", cache_ttl=30) == account(tags=["a"])
        response = client.request("GET", "/v2/accounts/a1", cache_ttl=30)
        response.json["account"]["tags"].append("b")
        assert client.accounts.get("a1", cache_ttl=30) == account(tags=["a"])
        assert results[2] == account(tags=["a"])
        assert len({id(result) for result in results}) == 3


def test_a_hit_has_the_status_the_headers_and_the_content_of_the_answer() -> None:
    headers = {"Content-Type": "text/csv", "X-Request-Id": "r1"}
    with (
        ScriptedServer([reply(203, "a;b\né", headers)]) as server,
        V2Client(api_key=KEY, base_url=server.url) as client,
    ):
        fresh, cached = (client.request("GET", "/v2/x", cache_ttl=30) for _ in range(2))
    for response in (fresh, cached):
        assert (response.status, response.body, response.request_id) == (203, "a;b\né", "r1")
        assert response.headers["Content-Type"] == "text/csv"


def test_a_hit_leaves_the_last_rate_limit_as_it_is(sandbox: Sandbox) -> None:
    with client_of(sandbox) as client:
        client.accounts.list(cache_ttl=30)
        client.status()
        newest = client.last_rate_limit
        client.accounts.list(cache_ttl=30)
        assert client.last_rate_limit == newest


def test_each_page_is_cached_by_itself_and_with_the_filters(sandbox: Sandbox) -> None:
    with client_of(sandbox) as client:

        def walk(**filters: Any) -> list[str]:
            return [item["id"] for item in client.accounts.list(cache_ttl=30, **filters)]

        everything = walk(per_page=2)
        assert len(sandbox.requests) == 3
        assert walk(per_page=2) == everything
        assert len(sandbox.requests) == 3
        assert walk(per_page=2, page=2) == everything[2:]
        assert len(sandbox.requests) == 3
        assert walk(per_page=5) == everything
        assert len(sandbox.requests) == 4

        def tail(**filters: Any) -> list[str]:
            listed = client.transactions.list_for_account(
                sandbox.account_ids[0], per_page=4, cache_ttl=30, **filters
            )
            return [item["id"] for item in listed]

        sandbox.clear_requests()
        assert tail() == tail()
        assert len(sandbox.requests) == 2
        tail(scope="deleted")
        assert len(sandbox.requests) == 3


def test_options_share_the_cache_unless_they_bring_their_own(sandbox: Sandbox) -> None:
    with client_of(sandbox) as client:
        client.status(cache_ttl=30)
        client.with_options(read_timeout=7).status(cache_ttl=30)
        assert len(sandbox.requests) == 1
        client.with_options(cache_backend=DictBackend()).status(cache_ttl=30)
        assert len(sandbox.requests) == 2


def test_a_hit_is_told_to_the_log(sandbox: Sandbox) -> None:
    events: list[Mapping[str, Any]] = []
    with client_of(sandbox, logger=events.append) as client:
        client.accounts.list(per_page=2, cache_ttl=30)
        client.accounts.list(per_page=2, cache_ttl=30)
    assert [event["phase"] for event in events] == ["request", "response", "cache_hit"]
    assert dict(events[-1]) == {
        "phase": "cache_hit",
        "method": "GET",
        "url": f"{sandbox.url}/v2/accounts?per_page=2",
        "operation": "accounts.list",
        "path_template": "/v2/accounts",
        "status": 200,
    }


@pytest.mark.parametrize(
    "ttl",
    [0, -1, float("nan"), float("inf"), True, "30", 10**400, 10**5000, [30]],
    ids=lambda ttl: repr(ttl)[:9] if type(ttl) is not int or ttl < 9 else "huge",
)
def test_a_time_to_live_that_makes_no_sense_is_refused(sandbox: Sandbox, ttl: Any) -> None:
    with client_of(sandbox) as client, pytest.raises(InvalidArgumentError, match="cache_ttl"):
        client.accounts.list(cache_ttl=ttl)
    assert sandbox.requests == []


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "HEAD"])
def test_only_a_get_can_be_cached(sandbox: Sandbox, method: str) -> None:
    with client_of(sandbox) as client, pytest.raises(InvalidArgumentError, match="cached"):
        client.request(method, "/v2/status", cache_ttl=30)
    assert sandbox.requests == []


# ---- freshness ----


def test_an_answer_is_served_for_its_time_to_live_and_no_longer() -> None:
    clock = Clock()
    script = [accounts("one"), accounts("two")]
    with (
        ScriptedServer(script) as server,
        V2Client(
            api_key=KEY, base_url=server.url, cache_backend=InMemoryLRUCache(clock=clock)
        ) as client,
    ):

        def names(ttl: float = 30) -> list[str | None]:
            return [item["name"] for item in client.accounts.list(cache_ttl=ttl).data]

        assert names() == ["one"]
        clock.now += 29.9
        assert names() == ["one"]
        clock.now += 0.2
        assert names() == ["two"]
    assert "If-None-Match" not in server.requests[1].headers


def test_nobody_is_served_what_is_older_than_he_asked_for() -> None:
    clock = Clock()
    with (
        ScriptedServer([accounts("one"), accounts("two")]) as server,
        V2Client(
            api_key=KEY, base_url=server.url, cache_backend=InMemoryLRUCache(clock=clock)
        ) as client,
    ):
        client.accounts.list(cache_ttl=3600)
        clock.now += 60
        assert client.accounts.list(cache_ttl=30).data[0]["name"] == "two"


def test_a_304_renews_an_entry_that_has_an_etag() -> None:
    clock = Clock()
    confirmation = reply(304, headers={"ETag": '"e2"', "X-Request-Id": "r2"})
    script = [
        accounts("one", ETag='"e1"', X_Request_Id="r1", X_Kept="yes"),
        confirmation,
        accounts("two", ETag='"e3"'),
    ]
    with (
        ScriptedServer(script) as server,
        V2Client(
            api_key=KEY, base_url=server.url, cache_backend=InMemoryLRUCache(clock=clock)
        ) as client,
    ):
        client.accounts.list(cache_ttl=30)
        clock.now += 31
        for _ in range(2):
            page = client.accounts.list(cache_ttl=30)
            assert page.data[0]["name"] == "one"
            assert (page.response.status, page.response.request_id) == (200, "r2")
            assert page.response.headers["x-kept"] == "yes"
        assert len(server.requests) == 2
        clock.now += 31
        assert client.accounts.list(cache_ttl=30).data[0]["name"] == "two"
    sent = [request.headers.get("If-None-Match") for request in server.requests]
    assert sent == [None, '"e1"', '"e2"']


def test_the_sandbox_confirms_what_has_not_changed(sandbox: Sandbox) -> None:
    clock = Clock()
    statuses: list[int] = []

    def note(event: Mapping[str, Any]) -> None:
        if event["phase"] == "response":
            statuses.append(event["status"])

    with client_of(sandbox, cache_backend=InMemoryLRUCache(clock=clock), logger=note) as client:
        first = client.accounts.list(cache_ttl=30).data
        clock.now += 31
        assert client.accounts.list(cache_ttl=30).data == first
        clock.now += 31 + 86400
        assert client.accounts.list(cache_ttl=30).data == first
    assert statuses == [200, 304, 200]


def test_a_confirmation_of_what_was_never_kept_is_an_error() -> None:
    with (
        ScriptedServer([reply(304)]) as server,
        V2Client(api_key=KEY, base_url=server.url) as client,
        pytest.raises(TesoteError),
    ):
        client.accounts.list(cache_ttl=30)


def test_who_asks_conditionally_hears_the_304_himself() -> None:
    condition = {"If-None-Match": '"e1"'}
    script = [accounts("one", ETag='"e1"'), reply(304), reply(304)]
    with ScriptedServer(script) as server, V2Client(api_key=KEY, base_url=server.url) as client:
        client.accounts.list(cache_ttl=30)
        for _ in range(2):
            response = client.request("GET", "/v2/accounts", extra_headers=condition, cache_ttl=30)
            assert response.status == 304
        assert client.accounts.list(cache_ttl=30).data[0]["name"] == "one"


# ---- what is never kept ----


@pytest.mark.parametrize("status", [301, 400, 401, 403, 404, 409, 422, 429, 500, 503])
def test_a_refusal_is_never_cached(status: int) -> None:
    script = [reply(status, {"error": "no"}, {"ETag": '"e1"', "Retry-After": "99"})]
    with (
        ScriptedServer([*script, accounts("one")]) as server,
        V2Client(api_key=KEY, base_url=server.url) as client,
    ):
        with pytest.raises(TesoteError):
            client.accounts.list(cache_ttl=30)
        assert client.accounts.list(cache_ttl=30).data[0]["name"] == "one"
    assert "If-None-Match" not in server.requests[1].headers


@pytest.mark.parametrize(
    "unusable",
    [
        reply(200, "<html>log in</html>", {"ETag": '"e1"'}),
        reply(200, b"", {"ETag": '"e1"'}),
        reply(200, b'{"accounts": [', {"ETag": '"e1"'}),
        reply(200, {"account": []}, {"ETag": '"e1"'}),
        reply(200, {"accounts": [{"name": "no id"}]}, {"ETag": '"e1"'}),
        reply(200, {"accounts": [], "pagination": {"current_page": 7}}, {"ETag": '"e1"'}),
    ],
)
def test_an_answer_that_cannot_be_used_is_never_cached(unusable: Payload) -> None:
    backend = DictBackend()
    with (
        ScriptedServer([unusable, accounts("one")]) as server,
        V2Client(api_key=KEY, base_url=server.url, cache_backend=backend) as client,
    ):
        with pytest.raises(InvalidResponseError):
            client.accounts.list(cache_ttl=30)
        assert backend.responses() == {}
        assert client.accounts.list(cache_ttl=30).data[0]["name"] == "one"
    assert "If-None-Match" not in server.requests[1].headers


def test_an_unusable_single_object_is_never_cached() -> None:
    script = [reply(200, {"account": {}}), reply(200, {"account": account()})]
    with ScriptedServer(script) as server, V2Client(api_key=KEY, base_url=server.url) as client:
        with pytest.raises(InvalidResponseError):
            client.accounts.get("a1", cache_ttl=30)
        assert client.accounts.get("a1", cache_ttl=30) == account()
