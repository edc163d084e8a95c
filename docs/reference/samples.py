"""A sample of every object that the API sends, asked from a sandbox with a clock that stands still.

The same seed and the same moment give the same objects on every Python, so that a page made of
them can be checked to be current.
"""

from __future__ import annotations

import json
from typing import Any

from tesote_sdk import V2Client
from tesote_sdk.sandbox import Sandbox

_NOW = 1_772_467_200.0
"""2026-03-02, 16:00 UTC."""

_BILL: dict[str, Any] = {
    "amount": "1530.25",
    "currency": "VES",
    "description": "Flour, invoice HS-2231",
    "beneficiary": {
        "name": "Harinas del Sur C.A.",
        "bank_code": "0199",
        "account_number": "01990001230004567890",
    },
}


def make_samples() -> dict[str, Any]:
    """Return samples by the names of their types; of a list, the first entry."""
    with (
        Sandbox(clock=lambda: _NOW, accounts=3, transactions=3) as sandbox,
        V2Client(api_key=sandbox.api_key, base_url=sandbox.url) as client,
    ):
        account_id = sandbox.account_ids[0]
        samples = {
            "Status": client.status(),
            "WhoAmI": client.whoami(),
            **_of_accounts(sandbox, client, account_id),
            **_of_payments(client, account_id),
        }
    return {name: _shortened(sample) for name, sample in samples.items()}


def as_json(sample: Any) -> str:
    """Write a sample as the reference shows it."""
    return json.dumps(sample, ensure_ascii=False, indent=2)


def _of_accounts(sandbox: Sandbox, client: V2Client, account_id: str) -> dict[str, Any]:
    accounts = client.accounts.list()
    transactions = client.transactions.list_for_account(account_id)
    orders = client.transaction_orders.list(account_id)
    bulk = client.request("POST", "/v2/transactions/bulk", body={"account_ids": [account_id]})
    begun = client.transactions.sync(account_id, cursor="now")
    settled, removed = [_bought_flour(sandbox, account_id) for _ in range(2)]
    seen = client.transactions.sync(account_id, cursor=begun["next_cursor"])
    _bought_flour(sandbox, account_id)
    sandbox.settle(settled)
    sandbox.remove(removed)
    sandbox.script_sync_session("failed", polls=1)
    return {
        "Account": accounts.data[0],
        "PagePagination": accounts.pagination,
        "Transaction": transactions.data[0],
        "CursorPagination": transactions.pagination,
        "OffsetPagination": orders.pagination,
        "BulkResult": bulk.json,
        "SyncDelta": client.transactions.sync(account_id, cursor=seen["next_cursor"]),
        **_of_bank_syncs(sandbox, client, account_id),
    }


def _bought_flour(sandbox: Sandbox, account_id: str) -> str:
    posted = sandbox.post_transaction(
        account_id,
        amount_cents=-48750,
        description="TRF HARINAS DEL SUR",
        counterparty="Harinas del Sur C.A.",
        category="Supplies",
    )
    return str(posted["id"])


def _of_bank_syncs(sandbox: Sandbox, client: V2Client, account_id: str) -> dict[str, Any]:
    started = client.accounts.sync(account_id)
    failed = client.sync_sessions.get(account_id, started["sync_session_id"])
    with (
        Sandbox(clock=lambda: _NOW, shapes="openapi") as other,
        V2Client(api_key=other.api_key, base_url=other.url) as cursors,
    ):
        methods = cursors.payment_methods.list(limit=1)
    return {
        "AccountSyncStarted": started,
        "SyncSession": failed,
        "MetaPagination": methods.pagination,
    }


def _of_payments(client: V2Client, account_id: str) -> dict[str, Any]:
    order = client.transaction_orders.pay(account_id, **_BILL, idempotency_key="invoice-HS-2231")
    order = client.transaction_orders.wait(account_id, order["id"], poll_interval=0.001)
    created = client.batches.create(
        account_id, [_BILL, {**_BILL, "amount": "0"}], idempotency_key="payroll-2026-09"
    )
    batch_id = created["batch_id"]
    unsubmitted = client.batches.create(account_id, [_BILL], idempotency_key="payroll-2026-10")
    return {
        "TransactionOrder": order,
        "BatchCreated": created,
        "BatchApproved": client.batches.approve(account_id, batch_id),
        "BatchSubmitted": client.batches.submit(account_id, batch_id),
        "Batch": client.batches.get(account_id, batch_id),
        "BatchCancelled": client.batches.cancel(account_id, unsubmitted["batch_id"]),
        "PaymentMethod": client.payment_methods.list().data[0],
    }


def _shortened(value: Any) -> Any:
    """Return a copy whose lists have one entry at most."""
    if isinstance(value, dict):
        return {name: _shortened(member) for name, member in value.items()}
    if isinstance(value, list):
        return [_shortened(member) for member in value[:1]]
    return value
