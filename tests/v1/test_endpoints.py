"""Each endpoint of v1, called with all its parameters: what the server saw."""

from __future__ import annotations

from datetime import date

import pytest

from tesote_sdk import V1Client
from tests.v1.endpoint_table import NO_BODY, Row, check, unexercised

ROWS = [
    Row("status", {"cache_ttl": 30}, "GET /status", NO_BODY, {"status": "ok"}),
    Row("whoami", {"cache_ttl": 30}, "GET /whoami", NO_BODY, {"client": {"id": "w1"}}),
    Row(
        "accounts.list",
        {"page": 2, "per_page": 100, "include": "bank", "sort": "-name", "cache_ttl": 30},
        "GET /v1/accounts?per_page=100&include=bank&sort=-name&page=2",
        NO_BODY,
        {"accounts": []},
    ),
    Row(
        "accounts.get",
        {"account_id": "a 1/2", "cache_ttl": 30},
        "GET /v1/accounts/a%201%2F2",
        NO_BODY,
        {"id": "a 1/2"},
    ),
    Row(
        "transactions.list_for_account",
        {
            "account_id": "a1",
            "per_page": 100,
            "page": 3,
            "transactions_after_id": "t9",
            "start_date": date(2026, 3, 1),
            "end_date": "2026-03-31",
            "scope": "deleted",
            "cache_ttl": 30,
        },
        "GET /v1/accounts/a1/transactions?per_page=100&start_date=2026-03-01&end_date=2026-03-31"
        "&scope=deleted&page=3&transactions_after_id=t9",
        NO_BODY,
        {"transactions": []},
    ),
    Row(
        "transactions.list_for_account",
        {"account_id": "a1", "transactions_before_id": "t9"},
        "GET /v1/accounts/a1/transactions?transactions_before_id=t9",
        NO_BODY,
        {"transactions": []},
    ),
    Row(
        "transactions.get",
        {"transaction_id": "t?1", "cache_ttl": 30},
        "GET /v1/transactions/t%3F1",
        NO_BODY,
        {"id": "t?1"},
    ),
]


@pytest.mark.parametrize("row", ROWS, ids=[row.request.partition("?")[0] for row in ROWS])
def test_the_server_sees_exactly_the_request(row: Row) -> None:
    check(V1Client, row)


def test_every_method_and_every_parameter_has_a_row() -> None:
    assert unexercised(V1Client, ROWS) == set()


def test_all_six_endpoints_are_called() -> None:
    assert len({row.call for row in ROWS}) == 6
