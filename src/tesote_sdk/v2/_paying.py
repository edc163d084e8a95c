"""Paying once: the steps of `transaction_orders.pay`, each of which may be the last before a crash.

What is decided at each step, and why, is in `_payments`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Optional

from .._hints import types
from ..errors import InvalidOrderStateError, TesoteError
from . import _payments
from .payment_methods import PaymentMethods

if TYPE_CHECKING:
    from .transaction_orders import TransactionOrders


def pay_once(
    orders: TransactionOrders,
    account_id: types.Id,
    order: dict[str, Any],
    token: Optional[str],
    key: str,
) -> types.TransactionOrder:
    """Make an order and submit it, unless that has been done.

    Args:
        orders: The resource that asks the server.
        account_id: The account that pays.
        order: The keyword arguments of `create`, but for the key.
        token: The bank's one-time code, or None.
        key: Names the payment.

    Raises:
        TesoteError: As `TransactionOrders.pay` says.
    """
    asked = _payments.payment_body(order, key)
    earlier = orders.find_by_idempotency_key(account_id, key)
    made = earlier or orders.create(account_id, **order, idempotency_key=key)
    # A repeated `create` tells the status of then, and a long walk takes its time.
    now = orders.get(account_id, made["id"])
    _payments.check_agreement(now, asked)
    if _payments.is_with_the_bank(now):
        return now
    if earlier and "beneficiary" in asked:
        methods = PaymentMethods(orders._transport)
        method = methods.get(now["destination"]["payment_method_id"])
        _payments.check_account(now, method, asked)
    try:
        return _submit_once(orders, account_id, now, token, key)
    except TesoteError as error:
        # What is to be repeated is the whole payment, not the submission alone.
        if error.request_summary:
            error.request_summary["idempotency_key"] = key
        raise


def _submit_once(
    orders: TransactionOrders,
    account_id: types.Id,
    order: types.TransactionOrder,
    token: Optional[str],
    key: str,
) -> types.TransactionOrder:
    order_id, key = order["id"], _payments.submission_key(order, key)
    try:
        order = orders.submit(account_id, order_id, token=token, idempotency_key=key)
    except InvalidOrderStateError:
        # Submitted by an earlier try or another process; or cancelled; or not approved yet.
        try:
            order = orders.get(account_id, order_id)
        except TesoteError as error:
            error.outcome_unknown = True
            raise
        if _payments.is_with_the_bank(order) or _payments.was_submitted(order):
            return order
        raise
    _payments.is_with_the_bank(order)  # raises where the bank said no at once
    return order
