"""The state machine of an order.

draft -> pending_approval -> approved -> processing -> completed, partially_completed or failed;
the first three can be cancelled, and be submitted.
"""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING

from .._wire.errors import Refusal
from . import bank
from .records import Attempt, OrderScript

if TYPE_CHECKING:
    from .records import Order, OrderStatus
    from .store import Store

#: Submitting an order with this token (the one-time password of the bank) makes the bank refuse it.
REFUSED_TOKEN = "000000"

_OPEN = ("draft", "pending_approval", "approved")
_MARKS = {
    "approved": "approved_at",
    "processing": "submitted_at",
    "completed": "completed_at",
    "partially_completed": "completed_at",
    "failed": "failed_at",
    "cancelled": "cancelled_at",
}
_ATTEMPTS = {
    "completed": "succeeded",
    "partially_completed": "succeeded",
    "failed": "failed",
}


def can_approve(order: Order) -> bool:
    """Whether the order waits for approval."""
    return order.status in ("draft", "pending_approval")


def can_submit_or_cancel(order: Order) -> bool:
    """Whether the bank does not have the order yet."""
    return order.status in _OPEN


def submit(store: Store, order: Order, token: str | None) -> None:
    """Hands the order to the bank.

    Raises:
        Refusal: INVALID_ORDER_STATE; or BANK_SUBMISSION_ERROR, and the order stays what it was,
            with one more failed attempt.
    """
    if not can_submit_or_cancel(order):
        raise _wrong_state(order, "submitted")
    now = store.now()
    attempt = Attempt(store.new_id(), len(order.attempts) + 1, now)
    order.attempts.append(attempt)
    order.updated_at = now
    if token == REFUSED_TOKEN:
        _fail(attempt, now, "INVALID_TOKEN", "The token was refused")
        raise Refusal("The bank refused the token", "BANK_SUBMISSION_ERROR")
    if order.script.outcome == "refused":
        _fail(attempt, now, order.script.error_code, order.script.error_message)
        order.script = OrderScript()
        raise Refusal(attempt.error_message or "The bank refused", "BANK_SUBMISSION_ERROR")
    attempt.external_reference = f"BNK-{attempt.id[:8].upper()}"
    destination = store.payment_methods[order.destination_id]
    account = store.accounts[order.account_id]
    source = store.payment_methods[account.seed.payment_method_id]
    destination.last_used_at = source.last_used_at = now
    cents = (Decimal(order.amount) * 100).quantize(Decimal(1), ROUND_HALF_UP)
    order.transaction_id = bank.post(
        store,
        account,
        amount_cents=-int(cents),
        description=order.description,
        status="pending_confirmation",
        counterparty=store.counterparties.get(destination.counterparty_id or ""),
    ).id
    order.polls = order.script.polls
    set_status(store, order, "processing")


def cancel(store: Store, order: Order) -> None:
    """Cancels the order.

    Raises:
        Refusal: INVALID_ORDER_STATE.
    """
    if not can_submit_or_cancel(order):
        raise _wrong_state(order, "cancelled")
    set_status(store, order, "cancelled")


def observe(store: Store, order: Order) -> None:
    """Moves an order that the bank works on one step on: somebody looks at it."""
    if order.status != "processing":
        return
    order.polls -= 1
    if order.polls > 0:
        return
    script = order.script
    if script.outcome == "refused":  # nobody submitted it: it was put into processing
        set_status(store, order, "completed")
    else:
        set_status(store, order, script.outcome, script.error_code, script.error_message)


def set_status(
    store: Store,
    order: Order,
    status: OrderStatus,
    error_code: str | None = None,
    error_message: str | None = None,
) -> None:
    """Puts the order into a state, whatever it was in, with everything that goes with it.

    An error stands in the latest attempt, so an order that has none gets one.
    """
    now = store.now()
    if not order.attempts and (error_code, error_message) != (None, None):
        order.attempts.append(Attempt(store.new_id(), 1, now))
    order.status = status
    order.updated_at = now
    if status in _MARKS:
        order.marks[_MARKS[status]] = now
    if status in _ATTEMPTS and order.attempts:
        attempt = order.attempts[-1]
        attempt.status, attempt.completed_at = _ATTEMPTS[status], now
        attempt.error_code, attempt.error_message = error_code, error_message
    if status in _ATTEMPTS and order.transaction_id is not None:
        found = store.find_transaction(order.transaction_id)
        if found is not None:
            (bank.remove if status == "failed" else bank.settle)(store, *found)


def _fail(attempt: Attempt, now: float, code: str | None, message: str | None) -> None:
    attempt.status, attempt.completed_at = "failed", now
    attempt.error_code, attempt.error_message = code, message


def _wrong_state(order: Order, wish: str) -> Refusal:
    return Refusal(f"An order that is {order.status} cannot be {wish}", "INVALID_ORDER_STATE")
