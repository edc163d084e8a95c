"""Every endpoint answers, in both readings of the disputed shapes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from tesote_sdk.sandbox import Sandbox

from .api import Answer, Api, order

if TYPE_CHECKING:
    from collections.abc import Iterator

METHOD = {
    "payment_method": {
        "method_type": "bank_account",
        "currency": "VES",
        "details": {"account_number": "0199"},
        "counterparty": {"name": "Harinas del Sur C.A."},
    }
}
STATUS = "status authenticated"
ACCOUNT = "id name data bank legal_entity tesote_created_at tesote_updated_at"
ACCOUNTS = "total accounts pagination"
TRANSACTION = (
    "id status data tesote_imported_at tesote_updated_at transaction_categories counterparty"
)
TRANSACTIONS = "total transactions pagination"
SESSION = "id status started_at completed_at transactions_synced accounts_count error performance"
ORDER = (
    "id status amount currency description reference external_reference idempotency_key batch_id"
    " scheduled_for approved_at submitted_at completed_at failed_at cancelled_at source_account"
    " destination fee execution_strategy tesote_transaction latest_attempt metadata created_at"
    " updated_at"
)
PAYMENT_METHOD = (
    "id method_type currency label details verified verified_at last_used_at counterparty"
    " tesote_account created_at updated_at"
)
BATCH = (
    "batch_id total_orders total_amount_cents amount_currency statuses batch_status created_at"
    " orders"
)
ITEMS = "items has_more limit offset"
V2 = "/v2/accounts/{a}"
DATES = "?start_date=2020-01-01&end_date=2100-01-01"


@dataclass(frozen=True)
class Row:
    """An endpoint, a good request to it, and what comes back.

    `keys` and `openapi` are the top-level keys in the shapes of the SDKs and of the OpenAPI
    documents; None where these do not differ.
    """

    number: int
    method: str
    path: str
    keys: str
    openapi: str | None = None
    body: object = None
    query: str = ""
    status: int = 200


ROWS = [
    Row(1, "GET", "/status", STATUS),
    Row(1, "GET", "/v1/status", STATUS),
    Row(2, "GET", "/whoami", "client"),
    Row(2, "GET", "/v1/whoami", "client"),
    Row(3, "GET", "/v1/accounts", ACCOUNTS, query="?page=1&per_page=2"),
    Row(4, "GET", "/v1/accounts/{a}", ACCOUNT, "account"),
    Row(5, "GET", "/v1/accounts/{a}/transactions", TRANSACTIONS),
    Row(6, "GET", "/v1/transactions/{t}", TRANSACTION, "transaction"),
    Row(7, "GET", "/v2/status", STATUS, f"{STATUS} version client_info system_info"),
    Row(
        8,
        "GET",
        "/v2/whoami",
        "client",
        "id workspace_id workspace_name api_key_name permissions",
    ),
    Row(9, "GET", "/v2/accounts", ACCOUNTS, "accounts pagination"),
    Row(10, "GET", V2, ACCOUNT, "account"),
    Row(11, "POST", f"{V2}/sync", "message sync_session_id status started_at", status=202),
    Row(12, "GET", f"{V2}/transactions", TRANSACTIONS, "transactions pagination"),
    Row(13, "GET", f"{V2}/transactions/export", "transactions", query=f"{DATES}&format=json"),
    Row(
        14,
        "POST",
        f"{V2}/transactions/sync",
        "added modified removed next_cursor has_more",
        "added modified removed new_cursor has_more",
    ),
    Row(
        15,
        "POST",
        "/v2/transactions/sync",
        "added modified removed next_cursor has_more",
        "added modified removed new_cursor has_more",
        body={"tesote_account_id": "{a}"},
    ),
    Row(16, "POST", "/v2/transactions/bulk", "bulk_results", body={"account_ids": ["{a}"]}),
    Row(17, "GET", "/v2/transactions/search", "transactions total", query="?q=a"),
    Row(18, "GET", "/v2/transactions/{t}", TRANSACTION),
    Row(19, "GET", f"{V2}/sync_sessions", "sync_sessions limit offset has_more"),
    Row(20, "GET", f"{V2}/sync_sessions/{{s}}", SESSION),
    Row(21, "GET", f"{V2}/transaction_orders", ITEMS, "transaction_orders meta"),
    Row(22, "GET", f"{V2}/transaction_orders/{{o}}", ORDER, "transaction_order"),
    Row(
        23,
        "POST",
        f"{V2}/transaction_orders",
        ORDER,
        "transaction_order",
        body=order(),
        status=201,
    ),
    Row(
        24,
        "POST",
        f"{V2}/transaction_orders/{{o}}/submit",
        ORDER,
        "transaction_order",
        body={"token": "481920"},
        status=202,
    ),
    Row(25, "POST", f"{V2}/transaction_orders/{{o}}/cancel", ORDER, "transaction_order"),
    Row(
        26,
        "POST",
        f"{V2}/batches",
        "batch_id orders errors",
        body={"orders": [order()["transaction_order"]]},
        status=201,
    ),
    Row(27, "GET", f"{V2}/batches/{{b}}", BATCH),
    Row(28, "POST", f"{V2}/batches/{{b}}/approve", "approved failed"),
    Row(29, "POST", f"{V2}/batches/{{b}}/submit", "enqueued failed"),
    Row(30, "POST", f"{V2}/batches/{{b}}/cancel", "cancelled skipped errors"),
    Row(31, "GET", "/v2/payment_methods", ITEMS, "payment_methods meta"),
    Row(32, "GET", "/v2/payment_methods/{m}", PAYMENT_METHOD, "payment_method"),
    Row(
        33,
        "POST",
        "/v2/payment_methods",
        PAYMENT_METHOD,
        "payment_method",
        body=METHOD,
        status=201,
    ),
    Row(
        34,
        "PATCH",
        "/v2/payment_methods/{m}",
        PAYMENT_METHOD,
        "payment_method",
        body={"payment_method": {"label": "New"}},
    ),
    Row(35, "DELETE", "/v2/payment_methods/{m}", "", status=204),
]
IDS = [f"{row.number}-{row.method}-{row.path}" for row in ROWS]


def test_the_table_has_all_35_endpoints() -> None:
    assert {row.number for row in ROWS} == set(range(1, 36))


class World:
    """A sandbox with one of everything in it, and its ids."""

    def __init__(self, sandbox: Sandbox, api: Api) -> None:
        self.sandbox = sandbox
        self.api = api
        account = sandbox.account_ids[0]
        path = f"/v2/accounts/{account}"

        def unwrap(answer: Answer) -> Any:
            body = answer.json
            return body if "id" in body else next(iter(body.values()))

        batch = api.post(f"{path}/batches", {"orders": [order()["transaction_order"]]}).json
        self.ids = {
            "a": account,
            "t": sandbox.post_transaction(account, amount_cents=-500, description="POS")["id"],
            "s": api.get(f"{path}/sync_sessions").json["sync_sessions"][0]["id"],
            "o": unwrap(api.post(f"{path}/transaction_orders", order()))["id"],
            "b": batch["batch_id"],
            "m": unwrap(api.post("/v2/payment_methods", METHOD))["id"],
        }

    def fill(self, value: Any) -> Any:
        if isinstance(value, str):
            for name, text in self.ids.items():
                value = value.replace("{" + name + "}", text)
        elif isinstance(value, list):
            value = [self.fill(item) for item in value]
        elif isinstance(value, dict):
            value = {key: self.fill(item) for key, item in value.items()}
        return value

    def call(self, row: Row, api: Api | None = None) -> Answer:
        path = self.fill(row.path) + row.query
        return (api or self.api).call(row.method, path, self.fill(row.body))


@pytest.fixture
def world() -> Iterator[World]:
    with Sandbox(accounts=2, transactions=12) as sandbox, Api(sandbox) as api:
        yield World(sandbox, api)


@pytest.fixture
def openapi_world() -> Iterator[World]:
    with Sandbox(accounts=2, transactions=12, shapes="openapi") as sandbox, Api(sandbox) as api:
        yield World(sandbox, api)


@pytest.mark.parametrize("row", ROWS, ids=IDS)
def test_answers_in_the_shapes_of_the_sdks(world: World, row: Row) -> None:
    answer = world.call(row)
    assert answer.status == row.status
    assert set(answer.json if answer.body else ()) == set(row.keys.split())
    assert answer.headers["X-Request-Id"]


@pytest.mark.parametrize("row", ROWS, ids=IDS)
def test_answers_in_the_shapes_of_the_openapi_documents(openapi_world: World, row: Row) -> None:
    answer = openapi_world.call(row)
    keys = row.keys if row.openapi is None else row.openapi
    assert answer.status == row.status
    assert set(answer.json if answer.body else ()) == set(keys.split())


def test_every_endpoint_but_status_wants_a_key(world: World) -> None:
    with Api(world.sandbox, key="wrong") as stranger:
        for row in ROWS:
            answer = world.call(row, stranger)
            if row.path.endswith("/status"):
                assert (answer.status, answer.json["authenticated"]) == (200, False)
            else:
                assert (answer.status, answer.code) == (401, "UNAUTHORIZED"), row


def test_an_unknown_id_in_each_place_has_its_own_code(world: World) -> None:
    codes = {
        "{a}": "ACCOUNT_NOT_FOUND",
        "{t}": "TRANSACTION_NOT_FOUND",
        "{s}": "SYNC_SESSION_NOT_FOUND",
        "{o}": "TRANSACTION_ORDER_NOT_FOUND",
        "{b}": "BATCH_NOT_FOUND",
        "{m}": "PAYMENT_METHOD_NOT_FOUND",
    }
    seen = set()
    for row in ROWS:
        for placeholder, code in codes.items():
            if placeholder in row.path:
                path = row.path.replace(placeholder, "3b6f0c52-0000-4000-8000-000000000000")
                answer = world.api.call(row.method, world.fill(path) + row.query, {})
                assert (answer.status, answer.code) == (404, code), row
                seen.add(code)
    assert seen == set(codes.values())


def test_a_wrong_method_is_405_and_names_the_right_ones(world: World) -> None:
    allowed: dict[str, set[str]] = {}
    for row in ROWS:
        allowed.setdefault(row.path, set()).add(row.method)
    for path, methods in allowed.items():
        for method in {"GET", "POST", "PUT", "PATCH", "DELETE"} - methods:
            answer = world.api.call(method, world.fill(path))
            assert answer.status == 405, (method, path)
            named = methods | {"HEAD"} if "GET" in methods else methods
            assert set(answer.headers["Allow"].split(", ")) == named


def test_an_unknown_path_is_404_without_a_code(api: Api) -> None:
    for path in (
        "/",
        "/v2",
        "/v3/accounts",
        "/v2/accounts/",
        "/v2/accounts/x/y/z",
        "//v2/accounts",
    ):
        answer = api.get(path)
        assert answer.status == 404
        assert answer.code is None


def test_nothing_is_served_outside_the_base_url(api: Api, sandbox: Sandbox) -> None:
    for target in ("/v2/status", "/status", "/apis/v2/status"):
        api.connection.request("GET", target)
        response = api.connection.getresponse()
        response.read()
        assert response.status == 404
        assert sandbox.requests[-1].path == target
