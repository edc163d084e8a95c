"""Transactions: listed, fetched, searched, and of many accounts at once."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

from .._state.seed import CATEGORIES
from .._wire.errors import Refusal, unprocessable
from .._wire.messages import Reply
from .._wire.moments import moment
from .call import Call
from .filters import Filter, date_filter, full_filter, text_test
from .query import limit_and_offset, page_number, page_size
from .shapes import single

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from .._state.ledger import Ledger, Transaction
    from .._state.records import Account
    from .._state.store import Store

_MAX_BULK_ACCOUNTS = 100
_MAX_QUERY_LENGTH = 500


def list_for_account(store: Store, call: Call) -> Reply:
    """GET /v1/accounts/{id}/transactions and /v2/accounts/{id}/transactions."""
    account = store.account(call.ids["account_id"])
    size = page_size(call)
    wanted = date_filter(call.query) if call.version == "v1" else full_filter(store, call.query)
    ledger = store.ledger(account)
    rows, has_more = _page(ledger, wanted, call, size)
    openapi = store.settings.shapes == "openapi"
    items = [transaction_object(store, account, row) for row in rows]
    if openapi and call.version == "v1":
        for item in items:
            del item["transaction_categories"], item["counterparty"]
    answer: dict[str, Any] = {"transactions": items, "pagination": _cursors(rows, has_more, size)}
    if openapi and call.version == "v1":
        pagination = answer["pagination"]
        for key in ("after_id", "before_id"):
            pagination[f"transactions_{key}"] = pagination.pop(key)
    if not openapi or call.version == "v1":
        answer = {"total": _count(ledger, wanted), **answer}
    return Reply(200, answer)


def get_transaction(store: Store, call: Call) -> Reply:
    """GET /v1/transactions/{id} and /v2/transactions/{id}; only v1's is ever wrapped."""
    account, transaction = store.transaction(call.ids["transaction_id"])
    shapes = store.settings.shapes if call.version == "v1" else "sdk"
    return single(shapes, "transaction", transaction_object(store, account, transaction))


def search(store: Store, call: Call) -> Reply:
    """GET /v2/transactions/search."""
    query = call.query
    text = query.get("q", "").strip()
    if not text or len(text) > _MAX_QUERY_LENGTH:
        raise Refusal(f"q must have 1 to {_MAX_QUERY_LENGTH} characters", "INVALID_QUERY")
    limit, offset = limit_and_offset(query, default=100, maximum=250)
    others = full_filter(store, {name: value for name, value in query.items() if name != "q"})
    wanted = Filter(others.removed, (text_test(text), *others.tests))
    if query.get("account_id"):
        accounts = [store.account(query["account_id"])]
    else:
        accounts = [account for account in store.accounts.values() if account.state != "disabled"]
    found = [
        (row.key, account, row)
        for account in accounts
        for row in wanted.of(store.ledger(account).rows(removed=wanted.removed))
    ]
    found.sort(key=lambda hit: hit[0], reverse=True)
    shown = found[offset : offset + limit]
    items = [transaction_object(store, account, row) for _, account, row in shown]
    return Reply(200, {"transactions": items, "total": len(found)})


def bulk(store: Store, call: Call) -> Reply:
    """POST /v2/transactions/bulk."""
    ids = call.body.get("account_ids")
    if (
        not isinstance(ids, list)
        or not 1 <= len(ids) <= _MAX_BULK_ACCOUNTS
        or not all(isinstance(account_id, str) for account_id in ids)
    ):
        raise unprocessable(f"account_ids must be a list of 1 to {_MAX_BULK_ACCOUNTS} ids")
    texts = {name: _query_text(value) for name, value in call.body.items()}
    size, offset = _bulk_window(call, texts)
    wanted = date_filter(texts)
    results = []
    for account in [store.account(account_id) for account_id in ids]:
        matching = wanted.of(store.ledger(account).rows(removed=wanted.removed))
        rows, has_more = _first(islice(matching, offset, None), size)
        results.append(
            {
                "account_id": account.id,
                "transactions": [transaction_object(store, account, row) for row in rows],
                "pagination": _cursors(rows, has_more, size),
            }
        )
    return Reply(200, {"bulk_results": results})


def transaction_object(store: Store, account: Account, row: Transaction) -> dict[str, Any]:
    """The transaction as lists, search, bulk and single reads show it."""
    offset = account.seed.utc_offset
    created_at = moment(row.created_at, offset)
    data = {
        "amount_cents": row.amount_cents,
        "currency": row.currency,
        "description": row.description,
        "transaction_date": row.date,
        "created_at": created_at,
        "created_at_date": created_at[:10],
        "note": row.note,
        "external_service_id": row.external_id,
    }
    if store.settings.running_balances:
        data["running_balance_cents"] = row.running_balance_cents
    categorized_at = moment(row.imported_at)[:-1] + ".120Z"
    return {
        "id": row.id,
        "status": row.status,
        "data": data,
        "tesote_imported_at": moment(row.imported_at, offset),
        "tesote_updated_at": moment(row.updated_at, offset),
        "transaction_categories": [
            {
                "name": name,
                "external_category_code": CATEGORIES.get(name),
                "created_at": categorized_at,
                "updated_at": categorized_at,
            }
            for name in row.categories
        ],
        "counterparty": None if row.counterparty is None else dict(row.counterparty),
    }


def _page(ledger: Ledger, wanted: Filter, call: Call, size: int) -> tuple[list[Transaction], bool]:
    after = call.query.get("transactions_after_id", "")
    before = call.query.get("transactions_before_id", "")
    if after and before:
        raise unprocessable("transactions_after_id and transactions_before_id exclude each other")
    if not after and not before:
        rows = wanted.of(ledger.rows(removed=wanted.removed))
        return _first(islice(rows, (page_number(call) - 1) * size, None), size)
    cursor = ledger.find(after or before)
    if cursor is None:
        raise Refusal("The cursor is no transaction of this account", "INVALID_CURSOR")
    if after:
        return _first(wanted.of(ledger.older(cursor, removed=wanted.removed)), size)
    nearest_first, has_more = _first(wanted.of(ledger.newer(cursor, removed=wanted.removed)), size)
    return nearest_first[::-1], has_more


def _first(rows: Iterable[Transaction], size: int) -> tuple[list[Transaction], bool]:
    taken = list(islice(rows, size + 1))
    return taken[:size], len(taken) > size


def _count(ledger: Ledger, wanted: Filter) -> int:
    rows = ledger.rows(removed=wanted.removed)
    return sum(1 for _ in wanted.of(rows)) if wanted.tests else len(rows)


def _cursors(rows: list[Transaction], has_more: bool, size: int) -> dict[str, Any]:
    return {
        "has_more": has_more,
        "per_page": size,
        "after_id": rows[-1].id if rows else None,
        "before_id": rows[0].id if rows else None,
    }


def _bulk_window(call: Call, texts: Mapping[str, str]) -> tuple[int, int]:
    if "limit" in texts or "offset" in texts:
        return limit_and_offset(texts, maximum=100)
    window = Call(call.version, call.ids, texts, {}, call.api_key)
    size = page_size(window)
    return size, (page_number(window) - 1) * size


def _query_text(value: object) -> str:
    # The body's numbers and texts obey the rules of the query parameters of the same names.
    return value if isinstance(value, str) else "" if value is None else repr(value)
