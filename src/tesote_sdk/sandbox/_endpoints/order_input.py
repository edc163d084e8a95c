"""What a client sends to create an order, checked."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from .._state.records import Order, OrderScript, PaymentMethod
from .._wire.errors import validation_error
from .._wire.moments import parse_moment
from .payment_methods import CURRENCY

if TYPE_CHECKING:
    from .._state.records import Account
    from .._state.store import Store

_AMOUNT = re.compile(r"[0-9]{1,15}(\.[0-9]{1,8})?")
_MAX_KEY_LENGTH = 255


def create_order(store: Store, account: Account, sent: object, batch_id: str | None) -> Order:
    """A new draft; an inline beneficiary becomes a payment method.

    Raises:
        Refusal: VALIDATION_ERROR with details, or PAYMENT_METHOD_NOT_FOUND.
    """
    if not isinstance(sent, dict):
        raise validation_error("an order must be an object", order=["must be an object"])
    problems = _problems(sent)
    for name, texts in problems.items():
        raise validation_error(f"{name} {texts[0]}", **problems)
    if sent.get("beneficiary") is not None:
        destination = _method_for(store, sent["beneficiary"], sent["currency"])
    else:
        destination = store.payment_method(sent["destination_payment_method_id"])
        if destination.counterparty_id is None and destination.account_id == account.id:
            raise validation_error(
                "destination_payment_method_id is the source account's own",
                destination_payment_method_id=["is the source account's own"],
            )
    now = store.now()
    order = Order(
        id=store.new_id(),
        account_id=account.id,
        reference=f"TO-{len(store.orders) + 1:06d}",
        amount=sent["amount"],
        currency=sent["currency"],
        description=sent["description"],
        destination_id=destination.id,
        scheduled_for=sent.get("scheduled_for"),
        idempotency_key=sent.get("idempotency_key"),
        metadata=sent.get("metadata"),
        batch_id=batch_id,
        created_at=now,
        updated_at=now,
        script=_script_for(store, account),
    )
    store.orders[order.id] = order
    return order


def order_key(sent: dict[str, Any]) -> str | None:
    """The order's own idempotency key.

    Raises:
        Refusal: It is no text of 1 to 255 characters.
    """
    key = sent.get("idempotency_key")
    if key is None:
        return None
    if not isinstance(key, str) or not 1 <= len(key) <= _MAX_KEY_LENGTH:
        problem = f"must be a string of 1 to {_MAX_KEY_LENGTH} characters"
        raise validation_error(f"idempotency_key {problem}", idempotency_key=[problem])
    return key


def _script_for(store: Store, account: Account) -> OrderScript:
    for index, script in enumerate(store.scripted_orders):
        if script.account_id in (None, account.id):
            return store.scripted_orders.pop(index)
    return OrderScript()


def _problems(sent: dict[str, Any]) -> dict[str, list[str]]:
    problems = {}
    amount = sent.get("amount")
    if not isinstance(amount, str) or not _AMOUNT.fullmatch(amount):
        problems["amount"] = ["must be a decimal string such as 1000.00"]
    elif not amount.strip("0."):
        problems["amount"] = ["must be greater than 0"]
    currency = sent.get("currency")
    if not isinstance(currency, str) or not CURRENCY.fullmatch(currency):
        problems["currency"] = ["must be a currency code"]
    description = sent.get("description")
    if not isinstance(description, str) or not description.strip():
        problems["description"] = ["is required"]
    scheduled = sent.get("scheduled_for")
    if scheduled is not None and (not isinstance(scheduled, str) or not parse_moment(scheduled)):
        problems["scheduled_for"] = ["must be an ISO 8601 timestamp"]
    if not isinstance(sent.get("metadata", {}), (dict, type(None))):
        problems["metadata"] = ["must be an object"]
    destination, beneficiary = sent.get("destination_payment_method_id"), sent.get("beneficiary")
    if (destination is None) == (beneficiary is None):
        problems["destination_payment_method_id"] = [
            "or beneficiary must be given, and not both of them"
        ]
    elif destination is not None and not isinstance(destination, str):
        problems["destination_payment_method_id"] = ["must be a string"]
    elif beneficiary is not None and not _is_beneficiary(beneficiary):
        problems["beneficiary"] = ["must have a name, and else only texts"]
    return problems


def _is_beneficiary(sent: object) -> bool:
    return (
        isinstance(sent, dict)
        and isinstance(sent.get("name"), str)
        and bool(sent["name"].strip())
        and all(value is None or isinstance(value, str) for value in sent.values())
    )


def _method_for(store: Store, beneficiary: dict[str, Any], currency: str) -> PaymentMethod:
    now = store.now()
    name = beneficiary["name"].strip()
    details = {key: value for key, value in beneficiary.items() if key != "name"}
    method = PaymentMethod(
        id=store.new_id(),
        method_type="bank_account",
        currency=currency,
        label=name,
        details={**details, "holder_name": name},
        created_at=now,
        updated_at=now,
        counterparty_id=store.add_counterparty(name),
    )
    store.payment_methods[method.id] = method
    return method
