"""A write is seen by the next cached read, and costs no other read its cache."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import pytest

from tesote_sdk import RetryPolicy, TesoteError, V1Client, V2Client
from tesote_sdk.sandbox import Sandbox
from tests.cache.backends import DictBackend
from tests.support.scripted_server import ScriptedServer
from tests.support.steps import Step, hang_up, reply
from tests.support.transports import client_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Callable

    from tests.support.http_messages import Request

KEY = "sk_live_0123456789abcdef"
READS = [
    "/status",
    "/v2/status",
    "/v1/accounts",
    "/v2/accounts",
    "/v2/accounts?page=2",
    "/v1/accounts/a1",
    "/v2/accounts/a1",
    "/v1/accounts/a1/transactions",
    "/v2/accounts/a1/transactions",
    "/v2/accounts/a1/transactions/export",
    "/v2/accounts/a1/transaction_orders",
    "/v2/accounts/a1/transaction_orders/o1",
    "/v2/accounts/a1/batches/b1",
    "/v2/accounts/a1/sync_sessions",
    "/v2/accounts/a2",
    "/v2/accounts/a2/transaction_orders",
    "/v2/accounts/a11",
    "/v2/transactions/t1",
    "/v2/payment_methods",
    "/v2/payment_methods?limit=5",
    "/v2/payment_methods/p1",
    "/v2/payment_methods/p2",
]
OF_ACCOUNT_1 = {path for path in READS if "/accounts/a1" in path and "/a11" not in path}
ACCOUNT_LISTS = {"/v1/accounts", "/v2/accounts", "/v2/accounts?page=2"}
PAYMENT_METHODS = {path for path in READS if "payment_methods" in path}


def dropped_by(write: Callable[[V2Client], object], answer: Step) -> set[str]:
    """Cache every read, write, and return the reads for which the server is asked again."""
    asked: list[str] = []

    def choose(request: Request) -> Step:
        if request.method != "GET":
            return answer
        asked.append(request.target)
        return reply(200, {})

    with (
        ScriptedServer(choose) as server,
        V2Client(
            api_key=KEY, base_url=server.url, retry_policy=RetryPolicy(max_attempts=1)
        ) as client,
    ):

        def read_all() -> None:
            for target in READS:
                path, _, query = target.partition("?")
                name, _, value = query.partition("=")
                client.request("GET", path, query={name: value} if name else None, cache_ttl=30)

        read_all()
        read_all()
        assert asked == READS
        asked.clear()
        with contextlib.suppress(TesoteError, KeyboardInterrupt):
            write(client)
        read_all()
    return set(asked)


DONE = reply(200, {"id": "x"})


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("POST", "/v2/payment_methods", PAYMENT_METHODS),
        ("PATCH", "/v2/payment_methods/p1", PAYMENT_METHODS),
        ("PUT", "/v2/payment_methods/p1", PAYMENT_METHODS),
        ("DELETE", "/v2/payment_methods/p1", PAYMENT_METHODS),
        ("POST", "/v1/payment_methods", PAYMENT_METHODS),
        ("POST", "/v2/accounts/a1/transaction_orders", OF_ACCOUNT_1 | ACCOUNT_LISTS),
        ("POST", "/v2/accounts/a1/transaction_orders/o1/submit", OF_ACCOUNT_1 | ACCOUNT_LISTS),
        ("POST", "/v2/accounts/a1/batches", OF_ACCOUNT_1 | ACCOUNT_LISTS),
        ("POST", "/v2/accounts/a1/sync", OF_ACCOUNT_1 | ACCOUNT_LISTS),
        ("PATCH", "/v2/accounts/a1", OF_ACCOUNT_1 | ACCOUNT_LISTS),
        ("DELETE", "/v1/accounts/a1", OF_ACCOUNT_1 | ACCOUNT_LISTS),
        ("POST", "/v2/accounts", ACCOUNT_LISTS),
        ("POST", "/v2/unheard_of", set()),
    ],
)
def test_a_write_drops_its_collection_and_items_and_an_accounts_write_all_of_the_account(
    method: str, path: str, expected: set[str]
) -> None:
    assert dropped_by(lambda client: client.request(method, path), DONE) == expected


@pytest.mark.parametrize(
    "answer",
    [
        hang_up(),
        reply(500, {"error": "?"}),
        reply(503, {"error": "?"}),
        reply(200, "<html>", {"Content-Encoding": "gzip"}),
        reply(204),
    ],
)
def test_a_write_that_may_have_been_carried_out_drops_too(answer: Step) -> None:
    dropped = dropped_by(lambda client: client.payment_methods.delete("p1"), answer)
    assert dropped == PAYMENT_METHODS


def test_a_write_whose_answer_cannot_be_read_drops_too() -> None:
    dropped = dropped_by(
        lambda client: client.payment_methods.update("p1", label="x"), reply(200, "<html>")
    )
    assert dropped == PAYMENT_METHODS


@pytest.mark.parametrize("status", [400, 403, 404, 409, 422, 429])
def test_a_write_that_was_refused_drops_nothing(status: int) -> None:
    refusal = reply(status, {"error": "no"}, {"Retry-After": "99"})
    assert dropped_by(lambda client: client.payment_methods.delete("p1"), refusal) == set()


def test_a_write_that_was_interrupted_drops_what_it_may_have_changed() -> None:
    def interrupted(client: V2Client) -> None:
        def interrupt(*_: object, **__: object) -> None:
            raise KeyboardInterrupt

        client.transport.sleep = interrupt
        options = client.with_options(retry_policy=RetryPolicy(max_attempts=2))
        options.transport.sleep = interrupt
        options.payment_methods.delete("p1")

    assert dropped_by(interrupted, reply(503, {"error": "?"})) == PAYMENT_METHODS


DELTA = reply(
    200,
    {
        "added": [],
        "modified": [],
        "removed": [],
        "next_cursor": None,
        "has_more": False,
        "bulk_results": [{"account_id": "a1", "transactions": [], "pagination": {}}],
    },
)


@pytest.mark.parametrize(
    "read",
    [
        lambda client: client.transactions.sync("a1"),
        lambda client: list(client.transactions.iter_sync("a1")),
        lambda client: client.transactions.bulk(["a1"]),
        lambda client: client.request("HEAD", "/v2/payment_methods"),
    ],
)
def test_a_read_by_nature_drops_nothing(read: Callable[[V2Client], object]) -> None:
    assert dropped_by(read, DELTA) == set()


# ---- against the sandbox ----


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(accounts=2, transactions=3) as sandbox:
        yield sandbox


def test_a_create_an_update_and_a_delete_are_seen_by_the_next_cached_list(
    sandbox: Sandbox,
) -> None:
    with client_of(sandbox) as client:

        def labels() -> dict[str, str | None]:
            listed = client.payment_methods.list(cache_ttl=3600)
            return {item["id"]: item["label"] for item in listed}

        before = labels()
        made = client.payment_methods.create(
            method_type="bank_account",
            currency="USD",
            label="first",
            details={"bank_code": "0102", "account_number": "1", "holder_name": "Acme"},
            counterparty={"name": "Acme"},
        )
        assert labels() == {**before, made["id"]: "first"}
        assert client.payment_methods.get(made["id"], cache_ttl=3600)["label"] == "first"
        client.payment_methods.update(made["id"], label="second")
        assert labels() == {**before, made["id"]: "second"}
        assert client.payment_methods.get(made["id"], cache_ttl=3600)["label"] == "second"
        client.payment_methods.delete(made["id"])
        assert labels() == before
        with pytest.raises(TesoteError):
            client.payment_methods.get(made["id"], cache_ttl=3600)


def test_an_order_is_seen_by_the_next_cached_list_of_any_client_on_the_same_backend(
    sandbox: Sandbox,
) -> None:
    backend = DictBackend()
    account_id = sandbox.account_ids[0]
    with (
        client_of(sandbox, cache_backend=backend) as writer,
        client_of(sandbox, cache_backend=backend) as reader,
        V1Client(api_key=sandbox.api_key, base_url=sandbox.url, cache_backend=backend) as old,
    ):

        def statuses() -> list[str]:
            listed = reader.transaction_orders.list(account_id, cache_ttl=3600)
            return [order["status"] for order in listed]

        before = statuses()
        old.accounts.list(cache_ttl=3600)
        method_id = writer.payment_methods.list().data[0]["id"]
        order = writer.transaction_orders.create(
            account_id,
            amount="10.50",
            currency="USD",
            description="rent",
            destination_payment_method_id=method_id,
        )
        assert sorted(statuses()) == sorted([*before, order["status"]])
        sandbox.clear_requests()
        old.accounts.list(cache_ttl=3600)
        assert len(sandbox.requests) == 1
        writer.transaction_orders.cancel(account_id, order["id"])
        assert "cancelled" in statuses()
