"""Transaction orders: one payment each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .._state import order_states
from .._wire.errors import Refusal, unprocessable, validation_error
from .._wire.moments import moment, moment_or_none, parse_moment
from .order_input import create_order, order_key
from .shapes import listing, single

if TYPE_CHECKING:
    from .._state.records import Attempt, Order
    from .._state.store import Store
    from .._wire.messages import Reply
    from .call import Call

_STATUSES = (
    "draft",
    "pending_approval",
    "approved",
    "processing",
    "completed",
    "partially_completed",
    "failed",
    "cancelled",
)
_MARKS = ("approved_at", "submitted_at", "completed_at", "failed_at", "cancelled_at")


def list_orders(store: Store, call: Call) -> Reply:
    """GET /v2/accounts/{id}/transaction_orders: newest first; a list moves no order on."""
    account = store.account(call.ids["account_id"])
    query = call.query
    status, batch_id = query.get("status", ""), query.get("batch_id", "")
    if status and status not in _STATUSES:
        raise unprocessable(f"status must be one of {', '.join(_STATUSES)}")
    after = _bound(call, "created_after", float("-inf"))
    before = _bound(call, "created_before", float("inf"))
    orders = [
        order
        for order in reversed(list(store.orders.values()))
        if order.account_id == account.id
        and status in ("", order.status)
        and batch_id in ("", order.batch_id)
        and after <= order.created_at <= before
    ]
    return listing(
        store.settings.shapes,
        "transaction_orders",
        call,
        orders,
        lambda order: order_object(store, order),
    )


def get_order(store: Store, call: Call) -> Reply:
    """GET .../transaction_orders/{order_id}: moves an order in processing one step on."""
    order = _order(store, call)
    order_states.observe(store, order)
    return _single(store, order)


def create(store: Store, call: Call) -> Reply:
    """POST /v2/accounts/{id}/transaction_orders: one order for each idempotency key."""
    account = store.account(call.ids["account_id"])
    sent = call.body.get("transaction_order")
    if not isinstance(sent, dict):
        raise validation_error("transaction_order is required", transaction_order=["is required"])

    def create_one() -> Reply:
        return _single(store, create_order(store, account, sent, None), 201)

    key = order_key(sent)
    if key is None:
        return create_one()
    return store.idempotency.run(("order", account.id, key), sent, create_one)


def submit(store: Store, call: Call) -> Reply:
    """POST .../transaction_orders/{order_id}/submit."""
    order = _order(store, call)
    order_states.submit(store, order, token(call))
    return _single(store, order, 202)


def cancel(store: Store, call: Call) -> Reply:
    """POST .../transaction_orders/{order_id}/cancel."""
    order = _order(store, call)
    order_states.cancel(store, order)
    return _single(store, order)


def token(call: Call) -> str | None:
    """The bank's one-time password, if one was sent.

    Raises:
        Refusal: It is no text.
    """
    sent = call.body.get("token")
    if sent is not None and not isinstance(sent, str):
        raise validation_error("token must be a string", token=["must be a string"])
    return sent


def order_object(store: Store, order: Order) -> dict[str, Any]:
    """The order as the API shows it."""
    account = store.accounts[order.account_id].seed
    destination = store.payment_methods[order.destination_id]
    posted = store.find_transaction(order.transaction_id or "")
    tesote_transaction = None
    if posted is not None:
        tesote_transaction = {"id": posted[1].id, "status": posted[1].status}
    attempts = order.attempts
    submitted = bool(attempts) and attempts[-1].external_reference is not None
    by_wire = destination.method_type == "wire"
    shown = {
        "id": order.id,
        "status": order.status,
        "amount": float(order.amount),
        "currency": order.currency,
        "description": order.description,
        "reference": order.reference,
        "external_reference": attempts[-1].external_reference if attempts else None,
        "idempotency_key": order.idempotency_key,
        "batch_id": order.batch_id,
        "scheduled_for": order.scheduled_for,
        **{name: moment_or_none(order.marks.get(name), account.utc_offset) for name in _MARKS},
        "source_account": {
            "id": account.id,
            "name": account.name,
            "payment_method_id": account.payment_method_id,
        },
        "destination": {
            "payment_method_id": destination.id,
            "counterparty_id": destination.counterparty_id,
            "counterparty_name": store.counterparties.get(destination.counterparty_id or ""),
        },
        "fee": {"amount": 25.0, "currency": order.currency} if submitted and by_wire else None,
        "execution_strategy": "direct" if submitted else None,
        "tesote_transaction": tesote_transaction,
        "latest_attempt": _attempt_object(attempts[-1], account.utc_offset) if attempts else None,
        "metadata": order.metadata,
        "created_at": moment(order.created_at, account.utc_offset),
        "updated_at": moment(order.updated_at, account.utc_offset),
    }
    if store.settings.shapes == "openapi":
        del shown["batch_id"], shown["metadata"]
    return shown


def _attempt_object(attempt: Attempt, utc_offset: int) -> dict[str, Any]:
    return {
        "id": attempt.id,
        "status": attempt.status,
        "attempt_number": attempt.number,
        "external_reference": attempt.external_reference,
        "submitted_at": moment(attempt.submitted_at, utc_offset),
        "completed_at": moment_or_none(attempt.completed_at, utc_offset),
        "error_code": attempt.error_code,
        "error_message": attempt.error_message,
    }


def _order(store: Store, call: Call) -> Order:
    account = store.account(call.ids["account_id"])
    order = store.orders.get(call.ids["order_id"])
    if order is None or order.account_id != account.id:
        raise Refusal("No such transaction order", "TRANSACTION_ORDER_NOT_FOUND")
    return order


def _single(store: Store, order: Order, status: int = 200) -> Reply:
    return single(store.settings.shapes, "transaction_order", order_object(store, order), status)


def _bound(call: Call, name: str, default: float) -> float:
    text = call.query.get(name, "")
    if not text:
        return default
    epoch = parse_moment(text)
    if epoch is None:
        raise unprocessable(f"{name} is neither a date nor a timestamp")
    return epoch
