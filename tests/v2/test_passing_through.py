"""What the SDK has never heard of, and what is null, reaches the caller untouched."""

from __future__ import annotations

import json
from typing import Any, Callable

import pytest

from tesote_sdk import V1Client, V2Client
from tests.support.scripted_server import ScriptedServer
from tests.support.steps import reply
from tests.v1.endpoint_table import public_methods
from tests.v1.harness import answering, connected

TOMORROW: dict[str, Any] = {
    "a_field_of_tomorrow": {"nested": [None, True, 1.5, "ñ", {"deep": []}]},
    "ANOTHER": None,
    "": "no name",
}
CATEGORY = {"name": "Sales", "external_category_code": None, "created_at": None, **TOMORROW}
ACCOUNT: dict[str, Any] = {
    "id": "a1",
    "name": None,
    "data": {
        "masked_account_number": None,
        "currency": "a currency of tomorrow",
        "transactions_data_current_as_of": None,
        "balance_data_current_as_of": None,
        "custom_user_provided_identifier": None,
        "balance_cents": None,
        **TOMORROW,
    },
    "bank": {"name": None, **TOMORROW},
    "legal_entity": None,
    "tesote_created_at": None,
    **TOMORROW,
}
TRANSACTION: dict[str, Any] = {
    "id": "t1",
    "status": "a status of tomorrow",
    "data": {
        "amount_cents": -1,
        "description": None,
        "transaction_date": None,
        "created_at": None,
        "created_at_date": None,
        "note": None,
        "external_service_id": None,
        "running_balance_cents": None,
        **TOMORROW,
    },
    "transaction_categories": [CATEGORY],
    "counterparty": None,
    **TOMORROW,
}
ORDER: dict[str, Any] = {
    "id": "o1",
    "status": "a status of tomorrow",
    "amount": "1.10",
    **dict.fromkeys(
        (
            *("description", "reference", "external_reference", "idempotency_key", "batch_id"),
            *("scheduled_for", "approved_at", "submitted_at", "completed_at", "failed_at"),
            *("cancelled_at", "fee", "execution_strategy", "tesote_transaction"),
            *("latest_attempt", "metadata"),
        )
    ),
    "destination": {"payment_method_id": "p1", "counterparty_id": None, "counterparty_name": None},
    **TOMORROW,
}
METHOD: dict[str, Any] = {
    "id": "p1",
    "method_type": "a type of tomorrow",
    "label": None,
    "details": TOMORROW,
    "verified_at": None,
    "last_used_at": None,
    "counterparty": None,
    "tesote_account": None,
    **TOMORROW,
}
SESSION: dict[str, Any] = {
    "id": "s1",
    "status": "a status of tomorrow",
    "started_at": None,
    "completed_at": None,
    "error": None,
    "performance": None,
    **TOMORROW,
}
CHANGE: dict[str, Any] = {
    "transaction_id": "t1",
    "amount": -1.5,
    "unofficial_currency_code": None,
    "datetime": None,
    "merchant_name": None,
    "running_balance_cents": None,
    **TOMORROW,
}
DELTA: dict[str, Any] = {
    "added": [CHANGE],
    "modified": [CHANGE],
    "removed": [{"transaction_id": "t2", "account_id": None, **TOMORROW}],
    "next_cursor": None,
    "has_more": False,
    **TOMORROW,
}
BATCH: dict[str, Any] = {
    "batch_id": "b1",
    "batch_status": "a status of tomorrow",
    "statuses": {"a status of tomorrow": 1},
    "orders": [ORDER],
    "errors": [TOMORROW, {}],
    "created_at": None,
    **TOMORROW,
}
NEW_ORDER: dict[str, Any] = {
    "amount": "1",
    "currency": "VES",
    "description": "x",
    "beneficiary": {"name": "x"},
}

Case = tuple[Callable[[Any], object], dict[str, Any]]
CASES: dict[str, Case] = {
    "status": (lambda c: c.status(), {"status": "down", "version": None, **TOMORROW}),
    "whoami": (lambda c: c.whoami(), {"client": {"type": "robot", **TOMORROW}, **TOMORROW}),
    "accounts.get": (lambda c: c.accounts.get("a1"), ACCOUNT),
    "accounts.sync": (
        lambda c: c.accounts.sync("a1"),
        {"sync_session_id": "s1", "status": "a status of tomorrow", "started_at": None, **TOMORROW},
    ),
    "transactions.get": (lambda c: c.transactions.get("t1"), TRANSACTION),
    "transactions.sync": (lambda c: c.transactions.sync("a1"), DELTA),
    "transactions.iter_sync": (lambda c: next(c.transactions.iter_sync("a1")), DELTA),
    "sync_sessions.get": (lambda c: c.sync_sessions.get("a1", "s1"), SESSION),
    "sync_sessions.wait": (
        lambda c: c.sync_sessions.wait("a1", "s1"),
        {**SESSION, "status": "skipped"},
    ),
    "orders.get": (lambda c: c.transaction_orders.get("a1", "o1"), ORDER),
    "orders.create": (lambda c: c.transaction_orders.create("a1", **NEW_ORDER), ORDER),
    "orders.submit": (lambda c: c.transaction_orders.submit("a1", "o1"), ORDER),
    "orders.cancel": (lambda c: c.transaction_orders.cancel("a1", "o1"), ORDER),
    "batches.create": (lambda c: c.batches.create("a1", [NEW_ORDER]), BATCH),
    "batches.get": (lambda c: c.batches.get("a1", "b1"), BATCH),
    "batches.approve": (lambda c: c.batches.approve("a1", "b1"), {"approved": 1, **TOMORROW}),
    "batches.submit": (lambda c: c.batches.submit("a1", "b1"), {"enqueued": 1, **TOMORROW}),
    "batches.cancel": (lambda c: c.batches.cancel("a1", "b1"), {"cancelled": 1, **TOMORROW}),
    "methods.get": (lambda c: c.payment_methods.get("p1"), METHOD),
    "methods.create": (
        lambda c: c.payment_methods.create(method_type="x", currency="VES"),
        METHOD,
    ),
    "methods.update": (lambda c: c.payment_methods.update("p1", label="x"), METHOD),
}


@pytest.mark.parametrize(("call", "sent"), CASES.values(), ids=CASES)
def test_a_result_is_what_the_server_sent(
    call: Callable[[Any], object], sent: dict[str, Any]
) -> None:
    with answering(sent) as (_, client):
        result = call(client)
    assert result == sent
    assert type(result) is dict
    assert list(result) == list(sent)
    assert json.loads(json.dumps(result)) == sent


LISTS: dict[str, tuple[Callable[[Any], Any], str, dict[str, Any]]] = {
    "accounts": (lambda c: c.accounts.list(), "accounts", ACCOUNT),
    "transactions": (
        lambda c: c.transactions.list_for_account("a1"),
        "transactions",
        TRANSACTION,
    ),
    "search": (lambda c: c.transactions.search("x"), "transactions", TRANSACTION),
    "sessions": (lambda c: c.sync_sessions.list("a1"), "sync_sessions", SESSION),
    "orders": (lambda c: c.transaction_orders.list("a1"), "items", ORDER),
    "methods": (lambda c: c.payment_methods.list(), "payment_methods", METHOD),
}


@pytest.mark.parametrize(("call", "name", "item"), LISTS.values(), ids=LISTS)
def test_the_items_of_a_list_are_what_the_server_sent(
    call: Callable[[Any], Any], name: str, item: dict[str, Any]
) -> None:
    pagination = {"has_more": False, "total_pages": 1, **TOMORROW}
    sent = {name: [item, item], "total": 2, "pagination": pagination, **TOMORROW}
    with answering({**sent, "has_more": False}) as (_, client):
        page = call(client)
        assert list(page) == [item, item]
        assert page.response.json["a_field_of_tomorrow"] == TOMORROW["a_field_of_tomorrow"]


def test_the_results_of_v1_are_what_the_server_sent() -> None:
    steps = [
        reply(200, ACCOUNT),
        reply(200, TRANSACTION),
        reply(200, {"accounts": [ACCOUNT], "total": 1}),
        reply(200, {"transactions": [TRANSACTION], "pagination": {"has_more": False}}),
    ]
    with ScriptedServer(steps) as server, connected(V1Client, server.url) as client:
        assert client.accounts.get("a1") == ACCOUNT
        assert client.transactions.get("t1") == TRANSACTION
        assert list(client.accounts.list()) == [ACCOUNT]
        assert list(client.transactions.list_for_account("a1")) == [TRANSACTION]


def test_the_items_of_bulk_are_what_the_server_sent() -> None:
    result = {"account_id": "a1", "transactions": [TRANSACTION], **TOMORROW}
    with answering({"bulk_results": [result], **TOMORROW}) as (_, client):
        assert client.transactions.bulk(["a1"])["a1"].data == [TRANSACTION]


def test_every_method_with_a_result_is_covered() -> None:
    short = {"orders": "transaction_orders", "methods": "payment_methods"}
    covered = {
        ".".join([short.get(name.split(".")[0], name.split(".")[0]), *name.split(".")[1:]])
        for name in CASES
    }
    with connected(V2Client, "http://127.0.0.1:9") as client:
        left = public_methods(client) - covered
    assert left == {
        *(f"{name}.list" for name in ("accounts", "sync_sessions")),
        *(f"{name}.list" for name in ("transaction_orders", "payment_methods")),
        *(f"transaction_orders.{name}" for name in ("pay", "find_by_idempotency_key", "wait")),
        *("transactions.list_for_account", "transactions.search", "transactions.bulk"),
        *("transactions.export", "transactions.sync_legacy", "payment_methods.delete"),
    }
