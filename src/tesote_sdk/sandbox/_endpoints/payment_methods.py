"""Payment methods: created, changed, listed, and taken away while nothing needs them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Callable

from .._state.records import PaymentMethod
from .._wire.errors import Refusal, unprocessable, validation_error
from .._wire.messages import Reply
from .._wire.moments import moment, moment_or_none
from .shapes import listing, single

if TYPE_CHECKING:
    from .._state.store import Store
    from .call import Call

_TYPES = ("bank_account", "pago_movil", "wire", "crypto_wallet", "fx_rail", "ach", "eft")
_LIVE = ("draft", "pending_approval", "approved", "processing")
CURRENCY = re.compile(r"[A-Z]{3,5}", re.ASCII)


def list_methods(store: Store, call: Call) -> Reply:
    """GET /v2/payment_methods: newest first, without the deleted ones."""
    query = call.query
    verified = query.get("verified", "")
    if verified not in ("", "true", "false"):
        raise unprocessable("verified must be true or false")
    tests: dict[str, Callable[[PaymentMethod], str | None]] = {
        "method_type": lambda method: method.method_type,
        "currency": lambda method: method.currency,
        "counterparty_id": lambda method: method.counterparty_id,
        "verified": lambda method: "false" if method.verified_at is None else "true",
    }
    wanted = [(read, query[name]) for name, read in tests.items() if query.get(name)]
    methods = [
        method
        for method in reversed(list(store.payment_methods.values()))
        if not method.deleted and all(read(method) == value for read, value in wanted)
    ]
    return listing(
        store.settings.shapes,
        "payment_methods",
        call,
        methods,
        lambda method: method_object(store, method),
    )


def get_method(store: Store, call: Call) -> Reply:
    """GET /v2/payment_methods/{id}."""
    return _single(store, store.payment_method(call.ids["payment_method_id"]))


def create_method(store: Store, call: Call) -> Reply:
    """POST /v2/payment_methods."""
    sent = _payload(call)
    problems = _problems(sent)
    for name in ("method_type", "currency", "details"):
        if sent.get(name) is None:
            problems.setdefault(name, ["is required"])
    _refuse(problems)
    now = store.now()
    method = PaymentMethod(
        id=store.new_id(),
        method_type=sent["method_type"],
        currency=sent["currency"],
        label=sent.get("label"),
        details=sent["details"],
        created_at=now,
        updated_at=now,
    )
    _set_owner(store, method, sent)
    store.payment_methods[method.id] = method
    return _single(store, method, 201)


def update_method(store: Store, call: Call) -> Reply:
    """PATCH /v2/payment_methods/{id}: changes the fields that are sent."""
    method = store.payment_method(call.ids["payment_method_id"])
    sent = _payload(call)
    problems = _problems(sent)
    for name in ("method_type", "currency", "details"):
        if name in sent and sent[name] is None:
            problems[name] = ["cannot be null"]
    _refuse(problems)
    _set_owner(store, method, sent)
    for name in ("method_type", "currency", "details", "label"):
        if name in sent:
            setattr(method, name, sent[name])
    method.updated_at = store.now()
    return _single(store, method)


def delete_method(store: Store, call: Call) -> Reply:
    """DELETE /v2/payment_methods/{id}: 409 while an order that is not over pays from or to it."""
    method = store.payment_method(call.ids["payment_method_id"])
    users = [
        order.reference
        for order in store.orders.values()
        if order.status in _LIVE
        and (method.id == order.destination_id or method.account_id == order.account_id)
    ]
    if users:
        message = f"The payment method is in use by {len(users)} live orders"
        raise Refusal(message, "VALIDATION_ERROR", status=409, details={"orders": users})
    method.deleted = True
    return Reply(204)


def method_object(store: Store, method: PaymentMethod) -> dict[str, Any]:
    """The payment method as the API shows it."""
    counterparty = tesote_account = None
    if method.counterparty_id is not None:
        name = store.counterparties[method.counterparty_id]
        counterparty = {"id": method.counterparty_id, "name": name}
    if method.account_id is not None:
        account = store.accounts[method.account_id]
        tesote_account = {"id": account.id, "name": account.seed.name}
    return {
        "id": method.id,
        "method_type": method.method_type,
        "currency": method.currency,
        "label": method.label,
        "details": method.details,
        "verified": method.verified_at is not None,
        "verified_at": moment_or_none(method.verified_at),
        "last_used_at": moment_or_none(method.last_used_at),
        "counterparty": counterparty,
        "tesote_account": tesote_account,
        "created_at": moment(method.created_at),
        "updated_at": moment(method.updated_at),
    }


def _single(store: Store, method: PaymentMethod, status: int = 200) -> Reply:
    shown = method_object(store, method)
    return single(store.settings.shapes, "payment_method", shown, status)


def _payload(call: Call) -> dict[str, Any]:
    sent = call.body.get("payment_method")
    if not isinstance(sent, dict):
        raise validation_error("payment_method is required", payment_method=["is required"])
    return sent


def _problems(sent: dict[str, Any]) -> dict[str, list[str]]:
    problems = {}
    if sent.get("method_type") is not None and sent["method_type"] not in _TYPES:
        problems["method_type"] = [f"must be one of {', '.join(_TYPES)}"]
    currency = sent.get("currency")
    if currency is not None and not (isinstance(currency, str) and CURRENCY.fullmatch(currency)):
        problems["currency"] = ["must be a currency code"]
    if sent.get("details") is not None and not isinstance(sent["details"], dict):
        problems["details"] = ["must be an object"]
    for name in ("label", "counterparty_id", "tesote_account_id"):
        if sent.get(name) is not None and not isinstance(sent[name], str):
            problems[name] = ["must be a string"]
    counterparty = sent.get("counterparty")
    if counterparty is not None and not (
        isinstance(counterparty, dict)
        and isinstance(counterparty.get("name"), str)
        and counterparty["name"].strip()
    ):
        problems["counterparty"] = ["must be an object with a name"]
    owners = ("counterparty", "counterparty_id", "tesote_account_id")
    if sum(sent.get(name) is not None for name in owners) > 1:
        problems["counterparty_id"] = [f"give only one of {', '.join(owners)}"]
    return problems


def _refuse(problems: dict[str, list[str]]) -> None:
    for name, texts in problems.items():
        raise validation_error(f"{name} {texts[0]}", **problems)


def _set_owner(store: Store, method: PaymentMethod, sent: dict[str, Any]) -> None:
    if sent.get("counterparty_id") is not None:
        if sent["counterparty_id"] not in store.counterparties:
            raise Refusal("No such counterparty", "COUNTERPARTY_NOT_FOUND")
        method.counterparty_id, method.account_id = sent["counterparty_id"], None
    elif sent.get("counterparty") is not None:
        method.counterparty_id = store.add_counterparty(sent["counterparty"]["name"].strip())
        method.account_id = None
    elif sent.get("tesote_account_id") is not None:
        account = store.account(sent["tesote_account_id"])
        method.counterparty_id, method.account_id = None, account.id
