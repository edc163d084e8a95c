"""What `transaction_orders.pay` decides by, once it has an order before it.

Is it the payment that was asked for? Does the bank have it already, or will it never? Under which
key is it submitted? No function here asks the server anything.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Optional

from .._arguments import order_body
from .._forks import loading
from .._hints import types
from ..errors import InvalidArgumentError, InvalidOrderStateError, InvalidResponseError

_BEFORE_THE_BANK = ("draft", "pending_approval", "approved")
_WITH_THE_BANK = ("processing", "completed", "partially_completed")
_UNPAID = ("failed", "cancelled")
ENDS = ("completed", "partially_completed", *_UNPAID)
"""The statuses that an order keeps; others may come, and are not known to be one of these."""


def checked_key(key: object) -> str:
    """Return the key that names a payment.

    Raises:
        InvalidArgumentError: There is none, so that a repeat could not be told from a new payment.
    """
    if not isinstance(key, str) or not key.strip():
        raise InvalidArgumentError(
            "idempotency_key must be a str that names this payment alone, such as the invoice's "
            "number: without one, a second run pays again"
        )
    return key


def payment_body(order: Mapping[str, Any], key: object) -> dict[str, Any]:
    """Return the body that `create` sends, if everything in it could be compared later.

    Raises:
        InvalidArgumentError: A field is missing or wrong, or there is no key.
    """
    checked_key(key)
    body = order_body("", order)
    if not isinstance(body.get("beneficiary", {}), Mapping):
        raise InvalidArgumentError("beneficiary must be a dict with at least the payee's name")
    return body


def the_one(orders: list[types.TransactionOrder]) -> Optional[types.TransactionOrder]:
    """Return the order that a key stands for, of those that have it.

    Raises:
        InvalidArgumentError: There are several that were not cancelled: a server forgot the key.
    """
    live = [order for order in orders if order.get("status") != "cancelled"]
    if len(live) > 1:
        told = ", ".join(f"{order['id']} ({order.get('status')})" for order in live)
        raise InvalidArgumentError(
            f"{len(live)} orders have this idempotency_key: {told}. Nothing was sent. Cancel those "
            "that must not be paid, then try again"
        )
    return next(iter(live or orders), None)


def check_agreement(order: types.TransactionOrder, asked: Mapping[str, Any]) -> None:
    """Refuse an order that pays something else than what was asked for.

    Args:
        order: As the server sent it.
        asked: The body that `create` sends.

    Raises:
        InvalidArgumentError: Its amount, its currency or its destination is another.
        InvalidResponseError: It was sent without one of them.
    """
    currency, destination = order.get("currency"), order.get("destination")
    if not isinstance(currency, str) or not isinstance(destination, dict):
        raise InvalidResponseError(
            f"the order {order['id']} came without a currency or a destination: check it "
            "before you pay again"
        )
    others = []
    if not _is_amount(order, asked["amount"]):
        others.append("amount")
    if currency.upper() != str(asked["currency"]).upper():
        others.append("currency")
    if "beneficiary" in asked:
        name, kept = asked["beneficiary"].get("name"), destination.get("counterparty_name")
        if kept and _folded(kept) != _folded(name):
            others.append("beneficiary")
    elif _folded(destination.get("payment_method_id")) != _folded(
        asked["destination_payment_method_id"]
    ):
        others.append("destination_payment_method_id")
    if others:
        raise _another_payment(order, others)


def check_account(
    order: types.TransactionOrder, method: types.PaymentMethod, asked: Mapping[str, Any]
) -> None:
    """Refuse an order that pays the beneficiary at another account than the one asked for.

    An order tells no account number; the payment method that the server made for it does. One that
    is masked there cannot be compared, and passes.

    Raises:
        InvalidArgumentError: The method has another bank code or account number.
    """
    details, others = method.get("details"), []
    for name in ("bank_code", "account_number"):
        given = _digits(asked["beneficiary"].get(name))
        kept = _digits(details.get(name)) if isinstance(details, dict) else ""
        # Leading zeros may be dropped, and only the last digits be shown.
        if given and kept and not (given.endswith(kept) or kept.endswith(given)):
            others.append(name)
    if others:
        raise _another_payment(order, others)


def is_with_the_bank(order: types.TransactionOrder) -> bool:
    """Tell whether the bank has an order, so that nothing is left to be submitted.

    Raises:
        InvalidOrderStateError: It was cancelled or has failed: it pays nothing, now or later.
        InvalidResponseError: It was sent without a status.
    """
    status = order.get("status")
    if not isinstance(status, str):
        raise InvalidResponseError(
            f"the server sent the order {order['id']} without a status: nobody knows whether it "
            "is paid",
            outcome_unknown=True,
        )
    if status in _UNPAID:
        reason = _attempt(order).get("error_message") or "no reason was given"
        raise InvalidOrderStateError(
            f"the order {order['id']} is {status} and will not be paid: {reason}. To pay after "
            "all, use another idempotency_key",
            error_code="INVALID_ORDER_STATE",
        )
    if status in _BEFORE_THE_BANK or status in _WITH_THE_BANK:
        return status in _WITH_THE_BANK
    return was_submitted(order)


def was_submitted(order: types.TransactionOrder) -> bool:
    """Tell whether an order was submitted and not refused, whatever its status is called."""
    return bool(order.get("submitted_at")) and _attempt(order).get("status") != "failed"


def submission_key(order: types.TransactionOrder, key: str) -> str:
    """Return the idempotency key to submit an order with, the same in every run.

    It comes from the payment's key and not from the order: should there ever be two orders for one
    payment, a server that remembers keys takes the second submission for the first.

    An attempt that the bank refused is over. The next one is a new request with a key of its own,
    or the server would answer it with the old refusal.
    """
    attempt = _attempt(order)
    sent = attempt.get("attempt_number")
    number = sent if isinstance(sent, int) else 1
    return f"{key}/submit-{number + (attempt.get('status') == 'failed')}"


def _attempt(order: types.TransactionOrder) -> Mapping[str, Any]:
    attempt: Any = order.get("latest_attempt")
    return attempt if isinstance(attempt, dict) else {}


def _is_amount(order: types.TransactionOrder, asked: str) -> bool:
    sent = order.get("amount")
    if isinstance(sent, float):
        return sent == float(asked)  # what any exact amount is once it was read as binary
    with loading():
        from decimal import Decimal, InvalidOperation
    try:
        amount = Decimal(str(sent))
    except InvalidOperation:
        raise InvalidResponseError(
            f"the order {order['id']} came without a readable amount: check it before you pay again"
        ) from None
    return amount.is_finite() and amount == Decimal(asked)


def _another_payment(order: types.TransactionOrder, fields: list[str]) -> InvalidArgumentError:
    return InvalidArgumentError(
        f"the idempotency_key belongs to the order {order['id']}, which has a different "
        f"{' and a different '.join(fields)}; this call submitted nothing. Check the arguments. If "
        "both payments are due, use another key for this one"
    )


def _folded(text: object) -> str:
    return " ".join(str(text).split()).casefold()


def _digits(text: object) -> str:
    plain = re.sub(r"[\s.-]", "", text) if isinstance(text, str) else ""
    return plain if re.fullmatch(r"[0-9]+", plain) else ""
