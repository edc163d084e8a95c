"""Transactions: order, cursors, filters, search, bulk and export."""

from __future__ import annotations

import csv
import io
import json
from itertools import chain
from typing import Any

import pytest

from tesote_sdk.sandbox import Sandbox

from .api import Api


def walk(api: Api, path: str, **query: object) -> list[list[str]]:
    """The ids on each page, following `after_id`."""
    pages: list[list[str]] = []
    cursor: dict[str, object] = {}
    while True:
        answer = api.get(path, **query, **cursor).json
        pages.append([row["id"] for row in answer["transactions"]])
        if not answer["pagination"]["has_more"]:
            return pages
        cursor = {"transactions_after_id": answer["pagination"]["after_id"]}


def rows(api: Api, path: str, **query: object) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = api.get(path, per_page=100, **query).json["transactions"]
    return found


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_the_cursor_walks_every_transaction_once_newest_first(
    api: Api, sandbox: Sandbox, version: str
) -> None:
    path = f"/{version}/accounts/{sandbox.account_ids[0]}/transactions"
    everything = rows(api, path)
    keys = [(row["data"]["transaction_date"], row["data"]["created_at"]) for row in everything]
    assert keys == sorted(keys, reverse=True)
    pages = walk(api, path, per_page=5)
    assert [len(page) for page in pages] == [5, 5, 2]
    assert list(chain.from_iterable(pages)) == [row["id"] for row in everything]


def test_the_cursor_walks_back_as_well(api: Api, account: str) -> None:
    path = f"{account}/transactions"
    ids = [row["id"] for row in rows(api, path)]
    nearest = api.get(path, per_page=4, transactions_before_id=ids[9]).json
    assert [row["id"] for row in nearest["transactions"]] == ids[5:9]
    assert nearest["pagination"]["has_more"] is True
    first = api.get(path, per_page=9, transactions_before_id=ids[5]).json
    assert [row["id"] for row in first["transactions"]] == ids[:5]
    assert first["pagination"]["has_more"] is False


def test_a_walk_goes_on_past_what_is_posted_and_removed_meanwhile(
    api: Api, sandbox: Sandbox, account: str
) -> None:
    path = f"{account}/transactions"
    ids = [row["id"] for row in rows(api, path)]
    sandbox.post_transaction(sandbox.account_ids[0], amount_cents=1)
    sandbox.remove(ids[4])
    after = api.get(path, transactions_after_id=ids[4]).json
    assert [row["id"] for row in after["transactions"]] == ids[5:]


def test_page_numbers_work_on_transactions_too(api: Api, account: str) -> None:
    path = f"{account}/transactions"
    ids = [row["id"] for row in rows(api, path)]
    second = api.get(path, page=2, per_page=5).json["transactions"]
    assert [row["id"] for row in second] == ids[5:10]


def test_bad_cursors_are_refused(api: Api, sandbox: Sandbox, account: str) -> None:
    path = f"{account}/transactions"
    other = rows(api, f"/v2/accounts/{sandbox.account_ids[1]}/transactions")[0]["id"]
    for cursor in ("nonsense", other):
        answer = api.get(path, transactions_after_id=cursor)
        assert (answer.status, answer.code) == (422, "INVALID_CURSOR")
    both = api.get(path, transactions_after_id="x", transactions_before_id="y")
    assert (both.status, both.code) == (422, "UNPROCESSABLE_CONTENT")


@pytest.mark.parametrize("name", ["page", "per_page"])
@pytest.mark.parametrize("value", ["0", "-1", "x", "1.5", "", "9" * 30])
def test_bad_page_numbers_are_400_in_v1_and_422_in_v2(api: Api, name: str, value: str) -> None:
    for version, status in (("v1", 400), ("v2", 422)):
        assert api.get(f"/{version}/accounts", **{name: value}).status == status
    assert api.get("/v1/accounts", per_page=101).status == 400


def test_accounts_come_in_pages(api: Api, sandbox: Sandbox) -> None:
    pages = [api.get("/v2/accounts", page=page, per_page=3).json for page in (1, 2, 3, 4)]
    ids = [account["id"] for page in pages for account in page["accounts"]]
    assert ids == sandbox.account_ids
    assert pages[1]["pagination"] == {
        "current_page": 2,
        "per_page": 3,
        "total_pages": 3,
        "total_count": 7,
    }
    assert pages[3]["accounts"] == []


def test_dates_are_inclusive_and_the_total_counts_what_matches(api: Api, account: str) -> None:
    path = f"{account}/transactions"
    dates = sorted(row["data"]["transaction_date"] for row in rows(api, path))
    window = {"start_date": dates[2], "end_date": dates[8]}
    expected = [date for date in dates if dates[2] <= date <= dates[8]]
    answer = api.get(path, per_page=3, **window).json
    assert answer["total"] == len(expected)
    assert sum(map(len, walk(api, path, per_page=3, **window))) == len(expected)


@pytest.mark.parametrize(
    "dates",
    [
        {"start_date": "2026-01-01"},
        {"end_date": "2026-01-01"},
        {"start_date": "2026-01-02", "end_date": "2026-01-01"},
        {"start_date": "2026-02-30", "end_date": "2026-03-01"},
        {"start_date": "01/02/2026", "end_date": "2026-03-01"},
    ],
)
def test_bad_date_ranges_are_refused(api: Api, account: str, dates: dict[str, str]) -> None:
    for path in (f"{account}/transactions", f"{account}/transactions/export"):
        answer = api.get(path, **dates)
        assert (answer.status, answer.code) == (422, "INVALID_DATE_RANGE")


def test_the_deleted_scope_lists_what_was_removed(api: Api, sandbox: Sandbox, account: str) -> None:
    path = f"{account}/transactions"
    gone = rows(api, path)[3]
    sandbox.remove(gone["id"])
    assert gone["id"] not in [row["id"] for row in rows(api, path)]
    date = gone["data"]["transaction_date"]
    deleted = rows(api, path, scope="deleted", start_date=date, end_date=date)
    assert [row["id"] for row in deleted] == [gone["id"]]
    assert api.get(f"/v2/transactions/{gone['id']}").status == 404
    assert api.get(path, scope="unknown").status == 422


def test_each_filter_keeps_what_it_names_and_nothing_else(
    api: Api, sandbox: Sandbox, account: str
) -> None:
    path = f"{account}/transactions"
    sandbox.post_transaction(
        sandbox.account_ids[0],
        amount_cents=-123456,
        description="Árbol frutal",
        counterparty="Vivero Sol",
        category="Supplies",
        status="pending",
    )
    everything = rows(api, path)
    mine = everything[0]
    middle = everything[6]["data"]

    def kept(**query: object) -> list[str]:
        return [row["id"] for row in rows(api, path, **query)]

    def expected(test: Any) -> list[str]:
        return [row["id"] for row in everything if test(row)]

    assert kept(amount="-1234.56") == [mine["id"]]
    assert kept(q="árbol") == kept(q="vivero") == [mine["id"]]
    assert kept(counterparty_id=mine["counterparty"]["id"]) == [mine["id"]]
    assert kept(reference_code=mine["data"]["external_service_id"]) == [mine["id"]]
    assert kept(amount_min=0) == expected(lambda row: row["data"]["amount_cents"] >= 0)
    assert kept(amount_max="-1.5") == expected(lambda row: row["data"]["amount_cents"] <= -150)
    assert kept(type="debit") == expected(lambda row: row["data"]["amount_cents"] < 0)
    assert kept(type="credit") == expected(lambda row: row["data"]["amount_cents"] > 0)
    assert kept(status="pending") == expected(lambda row: row["status"] == "pending")
    assert kept(category_id=sandbox.category_ids["Supplies"]) == expected(
        lambda row: "Supplies" in [item["name"] for item in row["transaction_categories"]]
    )
    assert kept(transaction_date_after=middle["transaction_date"]) == expected(
        lambda row: row["data"]["transaction_date"] >= middle["transaction_date"]
    )
    assert kept(transaction_date_before=middle["transaction_date"]) == expected(
        lambda row: row["data"]["transaction_date"] <= middle["transaction_date"]
    )
    assert kept(created_after=middle["created_at"]) == [row["id"] for row in everything[:7]]
    assert kept(updated_after=everything[6]["tesote_updated_at"]) == kept(
        created_after=middle["created_at"]
    )
    assert kept(status="pending", type="debit", q="árbol") == [mine["id"]]


@pytest.mark.parametrize(
    "query",
    [
        {"amount": "NaN"},
        {"amount_min": "1e999"},
        {"amount_max": "x"},
        {"created_after": "soon"},
        {"updated_after": "2026-13-01"},
        {"transaction_date_after": "x"},
    ],
)
def test_filters_that_cannot_be_read_are_422(
    api: Api, account: str, query: dict[str, object]
) -> None:
    assert api.get(f"{account}/transactions", **query).status == 422


def test_search_looks_everywhere_and_tells_the_total(api: Api, sandbox: Sandbox) -> None:
    for account_id in sandbox.account_ids[:3]:
        for _ in range(2):
            sandbox.post_transaction(account_id, amount_cents=5, description="Unusual needle")
    path = "/v2/transactions/search"
    first = api.get(path, q="NEEDLE", limit=4).json
    rest = api.get(path, q="NEEDLE", limit=4, offset=4).json
    found = first["transactions"] + rest["transactions"]
    assert (first["total"], rest["total"], len(found)) == (6, 6, 6)
    assert len({row["id"] for row in found}) == 6
    everywhere = api.get(path, q="a", limit=250).json["transactions"]
    dates = [row["data"]["transaction_date"] for row in everywhere]
    assert dates == sorted(dates, reverse=True)
    assert len({row["data"]["currency"] for row in everywhere}) > 1
    assert api.get(path, q="needle", account_id=sandbox.account_ids[0]).json["total"] == 2
    assert api.get(path, q="needle", amount=1).json == {"transactions": [], "total": 0}


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({}, "INVALID_QUERY"),
        ({"q": " "}, "INVALID_QUERY"),
        ({"q": "x" * 501}, "INVALID_QUERY"),
        ({"q": "x", "limit": 251}, "INVALID_LIMIT"),
        ({"q": "x", "limit": 0}, "INVALID_LIMIT"),
        ({"q": "x", "offset": -1}, "UNPROCESSABLE_CONTENT"),
    ],
)
def test_bad_searches_are_refused(api: Api, query: dict[str, object], code: str) -> None:
    answer = api.get("/v2/transactions/search", **query)
    assert (answer.status, answer.code) == (422, code)
    assert api.get("/v2/transactions/search", q="x", account_id="y").code == "ACCOUNT_NOT_FOUND"


def test_bulk_answers_for_each_account_in_the_order_asked(api: Api, sandbox: Sandbox) -> None:
    ids = [sandbox.account_ids[2], sandbox.account_ids[0]]
    sent = {"account_ids": ids, "per_page": 10, "page": 2}
    results = api.post("/v2/transactions/bulk", sent).json["bulk_results"]
    assert [result["account_id"] for result in results] == ids
    for result in results:
        everything = rows(api, f"/v2/accounts/{result['account_id']}/transactions")
        assert result["transactions"] == everything[10:]
        assert result["pagination"]["has_more"] is False
    sent = {"account_ids": ids, "limit": 3, "offset": 1}
    (result, _) = api.post("/v2/transactions/bulk", sent).json["bulk_results"]
    everything = rows(api, f"/v2/accounts/{ids[0]}/transactions")
    assert result["transactions"] == everything[1:4]
    assert result["pagination"]["has_more"] is True


@pytest.mark.parametrize(
    "ids", [None, [], "x", [1], ["x"] * 101], ids=["none", "empty", "text", "number", "101"]
)
def test_bulk_takes_1_to_100_ids(api: Api, ids: object) -> None:
    answer = api.post("/v2/transactions/bulk", {"account_ids": ids})
    assert (answer.status, answer.code) == (422, "UNPROCESSABLE_CONTENT")
    assert api.post("/v2/transactions/bulk", {"account_ids": ["x"]}).code == "ACCOUNT_NOT_FOUND"


def test_the_csv_export_is_a_file_that_csv_readers_read(
    api: Api, sandbox: Sandbox, account: str
) -> None:
    text = 'He said "hi", then\nleft; =1+1'
    sandbox.post_transaction(sandbox.account_ids[0], amount_cents=-5, description=text)
    answer = api.get(
        f"{account}/transactions/export", start_date="2000-01-01", end_date="9999-12-31"
    )
    assert answer.headers["Content-Type"].startswith("text/csv")
    name = f'attachment; filename="transactions_{sandbox.account_ids[0]}_'
    assert answer.headers["Content-Disposition"].startswith(name)
    assert answer.body.startswith(b"Transaction ID,Date,Description")
    table = list(csv.DictReader(io.StringIO(answer.body.decode("utf-8"), newline="")))
    assert len(table) == 13
    assert (table[0]["Description"], table[0]["Amount"]) == (text, "-0.05")


def test_the_json_export_is_a_file_too(api: Api, account: str) -> None:
    answer = api.get(
        f"{account}/transactions/export",
        format="json",
        start_date="2000-01-01",
        end_date="9999-12-31",
        type="debit",
    )
    assert answer.headers["Content-Disposition"].endswith('.json"')
    assert json.loads(answer.body)["transactions"] == rows(
        api, f"{account}/transactions", type="debit"
    )


def test_an_export_wants_a_range_and_a_known_format(api: Api, account: str) -> None:
    path = f"{account}/transactions/export"
    assert api.get(path).code == "MISSING_DATE_RANGE"
    assert api.get(path, format="xls").code == "UNPROCESSABLE_CONTENT"


def test_an_export_has_at_most_10000_rows() -> None:
    with Sandbox(accounts=1, transactions=10_001) as sandbox, Api(sandbox) as api:
        path = f"/v2/accounts/{sandbox.account_ids[0]}/transactions/export"
        answer = api.get(path, start_date="2000-01-01", end_date="9999-12-31")
        assert (answer.status, answer.code) == (422, "UNPROCESSABLE_CONTENT")


def test_balances_can_be_hidden() -> None:
    with Sandbox(accounts=1, balances=False, running_balances=False) as sandbox:
        with Api(sandbox) as api:
            (account,) = api.get("/v2/accounts").json["accounts"]
            (row, *_) = rows(api, f"/v2/accounts/{account['id']}/transactions")
            body = {"options": {"include_running_balance": True}}
            delta = api.post(f"/v2/accounts/{account['id']}/transactions/sync", body).json
        assert not {"balance_cents", "available_balance_cents"} & set(account["data"])
        assert "running_balance_cents" not in row["data"]
        assert "running_balance_cents" not in delta["added"][0]


def test_openapi_shapes_of_transactions() -> None:
    with Sandbox(accounts=1, transactions=3, shapes="openapi") as sandbox, Api(sandbox) as api:
        account = sandbox.account_ids[0]
        first = api.get(f"/v1/accounts/{account}/transactions", per_page=1).json
        assert set(first["pagination"]) == {
            "has_more",
            "per_page",
            "transactions_after_id",
            "transactions_before_id",
        }
        assert "transaction_categories" not in first["transactions"][0]
        second = api.get(f"/v2/accounts/{account}/transactions", per_page=1).json
        assert set(second["pagination"]) == {"has_more", "per_page", "after_id", "before_id"}
