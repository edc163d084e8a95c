"""Each endpoint of v2, called with all its parameters: what the server saw."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest

from tesote_sdk import V2Client
from tests.v1.endpoint_table import NO_BODY, Row, check, unexercised

KEYED = {"idempotency_key": "key-1"}
CARACAS = timezone(timedelta(hours=-4))
EMPTY_LIST = {"items": [], "transactions": [], "sync_sessions": [], "has_more": False}

FILTERS: dict[str, Any] = {
    "start_date": date(2026, 3, 1),
    "end_date": "2026-03-31",
    "scope": "deleted",
    "transaction_date_after": date(2026, 2, 1),
    "transaction_date_before": date(2026, 4, 1),
    "created_after": datetime(2026, 3, 1, 9, 30, tzinfo=CARACAS),
    "updated_after": date(2026, 3, 2),
    "amount_min": Decimal("-1E+3"),
    "amount_max": "100.50",
    "amount": 7,
    "status": "pending",
    "category_id": "cat1",
    "counterparty_id": "cp1",
    "type": "debit",
    "reference_code": "R/1",
}
FILTER_QUERY = (
    "start_date=2026-03-01&end_date=2026-03-31&scope=deleted"
    "&transaction_date_after=2026-02-01&transaction_date_before=2026-04-01"
    "&created_after=2026-03-01T09%3A30%3A00-04%3A00&updated_after=2026-03-02"
    "&amount_min=-1000&amount_max=100.50&amount=7"
    "&status=pending&category_id=cat1&counterparty_id=cp1&type=debit&reference_code=R%2F1"
)
METHOD = {
    "method_type": "bank_account",
    "currency": "VES",
    "details": {"bank_code": "0199", "holder_name": "Peña"},
    "label": "Supplier",
    "tesote_account_id": "a1",
}
SYNC = {"cursor": "c1", "count": 500, "include_running_balance": True}
SYNC_BODY = {"cursor": "c1", "count": 500, "options": {"include_running_balance": True}}
DELTA = {"added": [], "modified": [], "removed": [], "next_cursor": "c2", "has_more": False}
BENEFICIARY = {"name": "Lucía Prado", "account_number": "0199"}

ROWS = [
    Row("status", {"cache_ttl": 30}, "GET /v2/status", NO_BODY, {"status": "ok"}),
    Row("whoami", {"cache_ttl": 30}, "GET /v2/whoami", NO_BODY, {"id": "w1"}),
    Row(
        "accounts.list",
        {"page": 2, "per_page": 1, "include": "bank", "sort": "-name", "cache_ttl": 30},
        "GET /v2/accounts?per_page=1&include=bank&sort=-name&page=2",
        NO_BODY,
        {"accounts": []},
    ),
    Row(
        "accounts.get",
        {"account_id": "ñ", "cache_ttl": 30},
        "GET /v2/accounts/%C3%B1",
        NO_BODY,
        {"id": "ñ"},
    ),
    Row(
        "accounts.sync",
        {"account_id": "a1", **KEYED},
        "POST /v2/accounts/a1/sync",
        {},
        {"sync_session_id": "s1", "status": "pending"},
        202,
    ),
    Row(
        "transactions.list_for_account",
        {
            "account_id": "a1",
            "per_page": 100,
            "page": 3,
            "transactions_after_id": "t9",
            "q": "flour & salt",
            "cache_ttl": 30,
            **FILTERS,
        },
        f"GET /v2/accounts/a1/transactions?per_page=100&q=flour%20%26%20salt&{FILTER_QUERY}"
        "&page=3&transactions_after_id=t9",
        NO_BODY,
        EMPTY_LIST,
    ),
    Row(
        "transactions.list_for_account",
        {"account_id": "a1", "transactions_before_id": "t9"},
        "GET /v2/accounts/a1/transactions?transactions_before_id=t9",
        NO_BODY,
        EMPTY_LIST,
    ),
    Row(
        "transactions.get",
        {"transaction_id": "t1", "cache_ttl": 30},
        "GET /v2/transactions/t1",
        NO_BODY,
        {"id": "t1"},
    ),
    Row(
        "transactions.export",
        {"account_id": "a1", "format": "json", "q": "salt", "cache_ttl": 30, **FILTERS},
        f"GET /v2/accounts/a1/transactions/export?format=json&q=salt&{FILTER_QUERY}",
        NO_BODY,
        "Transaction ID,Date\r\n",
    ),
    Row(
        "transactions.sync",
        {"account_id": "a1", **SYNC},
        "POST /v2/accounts/a1/transactions/sync",
        SYNC_BODY,
        DELTA,
    ),
    Row(
        "transactions.sync_legacy",
        {"account_id": "a1", **SYNC},
        "POST /v2/transactions/sync",
        {"tesote_account_id": "a1", **SYNC_BODY},
        DELTA,
    ),
    Row(
        "transactions.bulk",
        {"account_ids": ["a1", "a2"], "page": 1, "per_page": 25, "limit": 25, "offset": 0},
        "POST /v2/transactions/bulk",
        {"account_ids": ["a1", "a2"], "page": 1, "per_page": 25, "limit": 25, "offset": 0},
        {
            "bulk_results": [
                {"account_id": "a1", "transactions": [], "pagination": {"has_more": False}},
                {"account_id": "a2", "transactions": [], "pagination": {"has_more": False}},
            ]
        },
    ),
    Row(
        "transactions.search",
        {
            "q": "flour",
            "account_id": "a1",
            "limit": 250,
            "offset": 50,
            "cache_ttl": 30,
            **FILTERS,
        },
        f"GET /v2/transactions/search?q=flour&account_id=a1&limit=250&{FILTER_QUERY}&offset=50",
        NO_BODY,
        EMPTY_LIST,
    ),
    Row(
        "sync_sessions.list",
        {"account_id": "a1", "limit": 10, "offset": 20, "status": "failed", "cache_ttl": 30},
        "GET /v2/accounts/a1/sync_sessions?limit=10&status=failed&offset=20",
        NO_BODY,
        EMPTY_LIST,
    ),
    Row(
        "sync_sessions.get",
        {"account_id": "a1", "session_id": "s/1", "cache_ttl": 30},
        "GET /v2/accounts/a1/sync_sessions/s%2F1",
        NO_BODY,
        {"id": "s/1"},
    ),
    Row(
        "transaction_orders.list",
        {
            "account_id": "a1",
            "limit": 10,
            "offset": 20,
            "status": "draft",
            "created_after": datetime(2026, 3, 1, tzinfo=timezone.utc),
            "created_before": "2026-03-31",
            "batch_id": "b1",
            "cache_ttl": 30,
        },
        "GET /v2/accounts/a1/transaction_orders?limit=10&status=draft"
        "&created_after=2026-03-01T00%3A00%3A00%2B00%3A00&created_before=2026-03-31&batch_id=b1"
        "&offset=20",
        NO_BODY,
        EMPTY_LIST,
    ),
    Row(
        "transaction_orders.list",
        {"account_id": "a1", "limit": 10, "cursor": "o9"},
        "GET /v2/accounts/a1/transaction_orders?cursor=o9&per_page=10",
        NO_BODY,
        {"transaction_orders": [], "meta": {"next_cursor": None, "has_more": False}},
    ),
    Row(
        "transaction_orders.get",
        {"account_id": "a1", "order_id": "o1", "cache_ttl": 30},
        "GET /v2/accounts/a1/transaction_orders/o1",
        NO_BODY,
        {"id": "o1"},
    ),
    Row(
        "transaction_orders.create",
        {
            "account_id": "a1",
            "amount": Decimal("750000.10"),
            "currency": "VES",
            "description": "Flour",
            "destination_payment_method_id": "p1",
            "scheduled_for": datetime(2026, 3, 5, 9, tzinfo=CARACAS),
            "metadata": {"invoice": "HS-2231"},
            **KEYED,
        },
        "POST /v2/accounts/a1/transaction_orders",
        {
            "transaction_order": {
                "amount": "750000.10",
                "currency": "VES",
                "description": "Flour",
                "destination_payment_method_id": "p1",
                "scheduled_for": "2026-03-05T09:00:00-04:00",
                "metadata": {"invoice": "HS-2231"},
                "idempotency_key": "key-1",
            }
        },
        {"id": "o1"},
        201,
    ),
    Row(
        "transaction_orders.create",
        {
            "account_id": "a1",
            "amount": 5,
            "currency": "VES",
            "description": "Salt",
            "beneficiary": BENEFICIARY,
            **KEYED,
        },
        "POST /v2/accounts/a1/transaction_orders",
        {
            "transaction_order": {
                "amount": "5",
                "currency": "VES",
                "description": "Salt",
                "beneficiary": BENEFICIARY,
                "idempotency_key": "key-1",
            }
        },
        {"transaction_order": {"id": "o1"}},
        201,
    ),
    Row(
        "transaction_orders.submit",
        {"account_id": "a1", "order_id": "o1", "token": "481920", **KEYED},
        "POST /v2/accounts/a1/transaction_orders/o1/submit",
        {"token": "481920"},
        {"id": "o1"},
        202,
    ),
    Row(
        "transaction_orders.submit",
        {"account_id": "a1", "order_id": "o1"},
        "POST /v2/accounts/a1/transaction_orders/o1/submit",
        {},
        {"id": "o1"},
        202,
    ),
    Row(
        "transaction_orders.cancel",
        {"account_id": "a1", "order_id": "o1", **KEYED},
        "POST /v2/accounts/a1/transaction_orders/o1/cancel",
        {},
        {"id": "o1"},
    ),
    Row(
        "batches.create",
        {
            "account_id": "a1",
            "orders": [
                {
                    "destination_payment_method_id": "p1",
                    "amount": Decimal("100.00"),
                    "currency": "VES",
                    "description": "Week 9",
                    "scheduled_for": date(2026, 3, 5),
                    "metadata": {"week": 9},
                },
                {
                    "beneficiary": BENEFICIARY,
                    "destination_payment_method_id": None,
                    "amount": "0.00",
                    "currency": "VES",
                    "description": "Refund",
                },
            ],
            **KEYED,
        },
        "POST /v2/accounts/a1/batches",
        {
            "orders": [
                {
                    "destination_payment_method_id": "p1",
                    "amount": "100.00",
                    "currency": "VES",
                    "description": "Week 9",
                    "scheduled_for": "2026-03-05",
                    "metadata": {"week": 9},
                },
                {
                    "beneficiary": BENEFICIARY,
                    "amount": "0.00",
                    "currency": "VES",
                    "description": "Refund",
                },
            ]
        },
        {"batch_id": "b1", "orders": [], "errors": []},
        201,
    ),
    Row(
        "batches.get",
        {"account_id": "a1", "batch_id": "b1", "cache_ttl": 30},
        "GET /v2/accounts/a1/batches/b1",
        NO_BODY,
        {"batch_id": "b1"},
    ),
    Row(
        "batches.approve",
        {"account_id": "a1", "batch_id": "b1", **KEYED},
        "POST /v2/accounts/a1/batches/b1/approve",
        {},
        {"approved": 3, "failed": 0},
    ),
    Row(
        "batches.submit",
        {"account_id": "a1", "batch_id": "b1", "token": "481920", **KEYED},
        "POST /v2/accounts/a1/batches/b1/submit",
        {"token": "481920"},
        {"enqueued": 2, "failed": 1},
        202,
    ),
    Row(
        "batches.cancel",
        {"account_id": "a1", "batch_id": "b1", **KEYED},
        "POST /v2/accounts/a1/batches/b1/cancel",
        {},
        {"cancelled": 2, "skipped": 1, "errors": []},
    ),
    Row(
        "payment_methods.list",
        {
            "limit": 10,
            "offset": 20,
            "method_type": "wire",
            "currency": "USD",
            "counterparty_id": "cp1",
            "verified": False,
            "cache_ttl": 30,
        },
        "GET /v2/payment_methods?limit=10&method_type=wire&currency=USD&counterparty_id=cp1"
        "&verified=false&offset=20",
        NO_BODY,
        EMPTY_LIST,
    ),
    Row(
        "payment_methods.list",
        {"cursor": "p9", "verified": True},
        "GET /v2/payment_methods?verified=true&cursor=p9",
        NO_BODY,
        {"payment_methods": [], "meta": {"next_cursor": None, "has_more": False}},
    ),
    Row(
        "payment_methods.get",
        {"payment_method_id": "p1", "cache_ttl": 30},
        "GET /v2/payment_methods/p1",
        NO_BODY,
        {"id": "p1"},
    ),
    Row(
        "payment_methods.create",
        {**METHOD, "counterparty": {"name": "Harinas del Sur"}, **KEYED},
        "POST /v2/payment_methods",
        {"payment_method": {**METHOD, "counterparty": {"name": "Harinas del Sur"}}},
        {"id": "p1"},
        201,
    ),
    Row(
        "payment_methods.create",
        {"method_type": "wire", "currency": "USD", "counterparty_id": "cp1"},
        "POST /v2/payment_methods",
        {"payment_method": {"method_type": "wire", "currency": "USD", "counterparty_id": "cp1"}},
        {"payment_method": {"id": "p1"}},
        201,
    ),
    Row(
        "payment_methods.update",
        {"payment_method_id": "p1", **METHOD, "counterparty_id": "cp1", **KEYED},
        "PATCH /v2/payment_methods/p1",
        {"payment_method": {**METHOD, "counterparty_id": "cp1"}},
        {"id": "p1"},
    ),
    Row(
        "payment_methods.update",
        {"payment_method_id": "p1", "counterparty": {"name": "Harinas"}},
        "PATCH /v2/payment_methods/p1",
        {"payment_method": {"counterparty": {"name": "Harinas"}}},
        {"id": "p1"},
    ),
    Row(
        "payment_methods.delete",
        {"payment_method_id": "p1", **KEYED},
        "DELETE /v2/payment_methods/p1",
        NO_BODY,
        b"",
        204,
    ),
]

MADE_OF_OTHERS = {
    "transactions.iter_sync",
    "sync_sessions.wait",
    "transaction_orders.pay",
    "transaction_orders.find_by_idempotency_key",
    "transaction_orders.wait",
}
"""Methods that call one endpoint several times; they have tests of their own."""


@pytest.mark.filterwarnings("ignore:POST /v2/transactions/sync is deprecated:DeprecationWarning")
@pytest.mark.parametrize("row", ROWS, ids=[row.request.partition("?")[0] for row in ROWS])
def test_the_server_sees_exactly_the_request(row: Row) -> None:
    check(V2Client, row)


def test_every_method_and_every_parameter_has_a_row() -> None:
    without = unexercised(V2Client, ROWS)
    assert {name.partition("(")[0] for name in without} == MADE_OF_OTHERS


def test_all_twenty_nine_endpoints_are_called() -> None:
    assert len({row.call for row in ROWS}) == 29
