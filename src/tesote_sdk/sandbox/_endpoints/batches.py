"""Batches: orders that are created, approved, submitted and cancelled together."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from .._state import order_states
from .._state.records import Batch
from .._wire.errors import Refusal
from .._wire.messages import Reply
from .._wire.moments import moment
from .order_input import create_order
from .orders import order_object, token

if TYPE_CHECKING:
    from .._state.records import Order
    from .._state.store import Store
    from .call import Call


def create(store: Store, call: Call) -> Reply:
    """POST /v2/accounts/{id}/batches: keeps the good orders and reports on the bad ones."""
    account = store.account(call.ids["account_id"])
    sent = call.body.get("orders")
    if not isinstance(sent, list) or not sent:
        raise Refusal(
            "orders must be a list with at least one order",
            "BATCH_VALIDATION_ERROR",
            details={"orders": ["is required"]},
        )
    batch = Batch(store.new_id(), account.id, store.now(), [])
    errors = []
    for index, item in enumerate(sent):
        # The field is no part of a batch's orders; the header's key covers the whole batch.
        fields = {**item, "idempotency_key": None} if isinstance(item, dict) else item
        try:
            batch.orders.append(create_order(store, account, fields, batch.id))
        except Refusal as refusal:
            details = refusal.members.get("details", {})
            errors.append({"index": index, "message": refusal.message, "details": details})
    if not batch.orders:
        raise Refusal(
            "No order of the batch is valid", "BATCH_VALIDATION_ERROR", details={"errors": errors}
        )
    store.batches[batch.id] = batch
    orders = [order_object(store, order) for order in batch.orders]
    return Reply(201, {"batch_id": batch.id, "orders": orders, "errors": errors})


def get_batch(store: Store, call: Call) -> Reply:
    """GET /v2/accounts/{id}/batches/{batch_id}: moves its orders in processing one step on."""
    batch = _batch(store, call)
    for order in batch.orders:
        order_states.observe(store, order)
    statuses = Counter(order.status for order in batch.orders)
    total = sum(Decimal(order.amount) for order in batch.orders)
    return Reply(
        200,
        {
            "batch_id": batch.id,
            "total_orders": len(batch.orders),
            "total_amount_cents": int(total * 100),
            "amount_currency": batch.orders[0].currency,
            "statuses": dict(statuses),
            "batch_status": "mixed" if len(statuses) > 1 else batch.orders[0].status,
            "created_at": moment(batch.created_at),
            "orders": [order_object(store, order) for order in batch.orders],
        },
    )


def approve(store: Store, call: Call) -> Reply:
    """POST .../batches/{batch_id}/approve: approves what waits for approval."""
    batch = _batch(store, call)
    waiting = [order for order in batch.orders if order_states.can_approve(order)]
    _refuse_if_none(waiting, "approved")
    for order in waiting:
        order_states.set_status(store, order, "approved")
    return Reply(200, {"approved": len(waiting), "failed": len(batch.orders) - len(waiting)})


def submit(store: Store, call: Call) -> Reply:
    """POST .../batches/{batch_id}/submit: hands to the bank what it does not have yet."""
    batch = _batch(store, call)
    waiting = [order for order in batch.orders if order_states.can_submit_or_cancel(order)]
    _refuse_if_none(waiting, "submitted")
    bank_token = token(call)
    outcomes = [_submit_one(store, order, bank_token) for order in waiting]
    refusals = [refusal for refusal in outcomes if refusal is not None]
    if len(refusals) == len(waiting):
        raise refusals[0]
    enqueued = len(waiting) - len(refusals)
    return Reply(200, {"enqueued": enqueued, "failed": len(batch.orders) - enqueued})


def cancel(store: Store, call: Call) -> Reply:
    """POST .../batches/{batch_id}/cancel: cancels what the bank does not have yet."""
    batch = _batch(store, call)
    waiting = [order for order in batch.orders if order_states.can_submit_or_cancel(order)]
    _refuse_if_none(waiting, "cancelled")
    errors: list[dict[str, Any]] = []
    for index, order in enumerate(batch.orders):
        if order in waiting:
            order_states.cancel(store, order)
        else:
            message = f"order already {order.status}"
            code = "INVALID_ORDER_STATE"
            errors.append({"index": index, "message": message, "error_code": code})
    skipped = len(batch.orders) - len(waiting)
    return Reply(200, {"cancelled": len(waiting), "skipped": skipped, "errors": errors})


def _submit_one(store: Store, order: Order, bank_token: str | None) -> Refusal | None:
    try:
        order_states.submit(store, order, bank_token)
    except Refusal as refusal:
        return refusal
    return None


def _batch(store: Store, call: Call) -> Batch:
    account = store.account(call.ids["account_id"])
    batch = store.batches.get(call.ids["batch_id"])
    if batch is None or batch.account_id != account.id:
        raise Refusal("No such batch", "BATCH_NOT_FOUND")
    return batch


def _refuse_if_none(orders: list[Order], wish: str) -> None:
    if not orders:
        raise Refusal(f"No order of the batch can be {wish}", "INVALID_ORDER_STATE")
