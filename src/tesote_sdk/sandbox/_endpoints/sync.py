"""Incremental sync: the change log of an account, read from a cursor on."""

from __future__ import annotations

import hashlib
import uuid
from typing import TYPE_CHECKING, Any

from .._wire.errors import Refusal, unprocessable
from .._wire.messages import Reply
from .._wire.moments import moment

if TYPE_CHECKING:
    from .._state.ledger import Change, Transaction
    from .._state.records import Account
    from .._state.store import Store
    from .call import Call


def sync(store: Store, call: Call) -> Reply:
    """POST /v2/accounts/{id}/transactions/sync."""
    return _delta(store, store.account(call.ids["account_id"]), call.body)


def sync_legacy(store: Store, call: Call) -> Reply:
    """POST /v2/transactions/sync, the account named in the body."""
    account_id = call.body.get("tesote_account_id", call.body.get("account_id"))
    if not isinstance(account_id, str):
        raise unprocessable("tesote_account_id is required")
    return _delta(store, store.account(account_id), call.body)


def _delta(store: Store, account: Account, body: dict[str, Any]) -> Reply:
    count = body.get("count", 100)
    if isinstance(count, bool) or not isinstance(count, int) or not 1 <= count <= 1000:
        raise Refusal("count must be from 1 to 1000", "INVALID_COUNT")
    options = body.get("options") or {}
    if not isinstance(options, dict):
        raise unprocessable("options must be an object")
    running = options.get("include_running_balance", False)
    if not isinstance(running, bool):
        raise unprocessable("include_running_balance must be true or false")
    log = store.ledger(account).log
    start = _position(store, account, body.get("cursor"), len(log))
    end = min(start + count, len(log))
    changes = _net_changes(log[start:end])
    shown: dict[str, list[dict[str, Any]]] = {"added": [], "modified": [], "removed": []}
    for change, row in changes:
        if change == "removed":
            shown[change].append(_removed(store, row))
        else:
            item = _sync_transaction(account, row)
            if running and store.settings.running_balances:
                item["running_balance_cents"] = row.running_balance_cents
            shown[change].append(item)
    cursor_name = "new_cursor" if store.settings.shapes == "openapi" else "next_cursor"
    cursor = _cursor(store, account, end)
    return Reply(200, {**shown, cursor_name: cursor, "has_more": end < len(log)})


def _net_changes(entries: list[tuple[Change, Transaction]]) -> list[tuple[Change, Transaction]]:
    # Clients apply removed, then modified, then added: a transaction may stand in one list only.
    # What was added and removed again is still told as removed, for a client that repeats a cursor
    # may have seen it in between.
    net: dict[str, tuple[Change, Transaction]] = {}
    for change, row in entries:
        known = net.get(row.id)
        net[row.id] = (
            ("added", row)
            if known is not None and known[0] == "added" and change == "modified"
            else (change, row)
        )
    return list(net.values())


def _position(store: Store, account: Account, cursor: object, length: int) -> int:
    if cursor is None:
        if not store.settings.history_sync:
            message = "Historical sync is disabled; start with the cursor now"
            raise Refusal(message, "HISTORY_SYNC_FORBIDDEN")
        return 0
    if cursor == "now":
        return length
    if isinstance(cursor, str):
        try:
            scrambled = int(cursor[:8], 16)
        except ValueError:
            scrambled = -1
        position = scrambled ^ _mask(store, account)
        if 0 <= position <= length and _cursor(store, account, position) == cursor:
            return position
    raise Refusal("The cursor is malformed or of another account", "INVALID_CURSOR")


def _cursor(store: Store, account: Account, position: int) -> str:
    # A position, scrambled and sealed: a UUID to look at, and nothing has to be remembered.
    seal = hashlib.sha256(repr((store.settings.seed, account.id, position)).encode()).digest()
    head = (position ^ _mask(store, account)).to_bytes(4, "big")
    return str(uuid.UUID(bytes=head + seal[:12], version=4))


def _mask(store: Store, account: Account) -> int:
    secret = f"cursor {store.settings.seed} {account.id}".encode()
    return int.from_bytes(hashlib.sha256(secret).digest()[:4], "big")


def _removed(store: Store, row: Transaction) -> dict[str, Any]:
    if store.settings.shapes == "openapi":
        return {"transaction_id": row.id}
    return {"transaction_id": row.id, "account_id": row.account_id}


def _sync_transaction(account: Account, row: Transaction) -> dict[str, Any]:
    return {
        "transaction_id": row.id,
        "account_id": row.account_id,
        "amount": row.amount_cents / 100,
        "iso_currency_code": row.currency,
        "unofficial_currency_code": row.currency,
        "date": row.date,
        "datetime": moment(row.created_at, account.seed.utc_offset),
        "name": row.description or "",
        "merchant_name": None if row.counterparty is None else row.counterparty["name"],
        "pending": row.status != "completed",
        "category": list(row.categories),
    }
