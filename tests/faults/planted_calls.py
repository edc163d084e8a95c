"""Every call of the SDK, with secrets among its arguments; and what must not show them."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, Callable, NamedTuple

from tesote_sdk import RetryPolicy, V1Client, V2Client
from tests.support.exposure import all_shown_by_error, shown_by_error, shown_in_frames
from tests.v1.endpoint_table import method_named

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tesote_sdk._base_client import BaseClient

KEY = "sk_live_PlantedKeyPlantedKey_9f3c"
ACCOUNT = "01050099887766554433"
TOKEN = "PlantedBankToken481920"
SEARCH = "PlantedSearchText7731"
ID = "PlantedAccountId55"
"""An id stands in a path, which an error shows; no frame of the SDK does."""

SECRETS = (KEY, KEY[8:26], ACCOUNT, TOKEN, SEARCH)
ECHO = {"account_number": ACCOUNT, "token": TOKEN, "q": SEARCH, "headers": {"auth": KEY}, "i": ID}

PARTY = {"name": "Harinas", "account_number": ACCOUNT, "bank_code": "0105"}
ORDER = {
    "account_id": ID,
    "amount": "12.50",
    "currency": "VES",
    "description": TOKEN,
    "beneficiary": PARTY,
    "metadata": {"note": SEARCH},
}
METHOD = {
    "method_type": "bank_account",
    "currency": "VES",
    "details": {"account_number": ACCOUNT},
    "label": TOKEN,
}

V1_CALLS: dict[str, dict[str, Any]] = {
    "status": {},
    "whoami": {},
    "accounts.list": {},
    "accounts.get": {"account_id": ID},
    "transactions.list_for_account": {"account_id": ID},
    "transactions.get": {"transaction_id": ID},
}
V2_CALLS: dict[str, dict[str, Any]] = {
    "status": {},
    "whoami": {},
    "accounts.list": {},
    "accounts.get": {"account_id": ID},
    "accounts.sync": {"account_id": ID},
    "transactions.list_for_account": {"account_id": ID, "q": SEARCH},
    "transactions.get": {"transaction_id": ID},
    "transactions.search": {"q": SEARCH, "account_id": ID},
    "transactions.export": {"account_id": ID, "q": SEARCH},
    "transactions.sync": {"account_id": ID},
    "transactions.sync_legacy": {"account_id": ID},
    "transactions.iter_sync": {"account_id": ID},
    "transactions.bulk": {"account_ids": [ID]},
    "sync_sessions.list": {"account_id": ID},
    "sync_sessions.get": {"account_id": ID, "session_id": "s1"},
    "sync_sessions.wait": {"account_id": ID, "session_id": "s1"},
    "transaction_orders.list": {"account_id": ID},
    "transaction_orders.get": {"account_id": ID, "order_id": "o1"},
    "transaction_orders.create": ORDER,
    "transaction_orders.submit": {"account_id": ID, "order_id": "o1", "token": TOKEN},
    "transaction_orders.cancel": {"account_id": ID, "order_id": "o1"},
    "transaction_orders.pay": {**ORDER, "token": TOKEN, "idempotency_key": "invoice-7"},
    "transaction_orders.wait": {"account_id": ID, "order_id": "o1"},
    "transaction_orders.find_by_idempotency_key": {"account_id": ID, "idempotency_key": "i-7"},
    "batches.create": {
        "account_id": ID,
        "orders": [{name: ORDER[name] for name in ORDER if name != "account_id"}],
    },
    "batches.get": {"account_id": ID, "batch_id": "b1"},
    "batches.approve": {"account_id": ID, "batch_id": "b1"},
    "batches.submit": {"account_id": ID, "batch_id": "b1", "token": TOKEN},
    "batches.cancel": {"account_id": ID, "batch_id": "b1"},
    "payment_methods.list": {},
    "payment_methods.get": {"payment_method_id": ID},
    "payment_methods.create": METHOD,
    "payment_methods.update": {"payment_method_id": ID, **METHOD},
    "payment_methods.delete": {"payment_method_id": ID},
}
OF_CLIENTS: dict[str, dict[str, Any]] = {
    "request": {
        "method": "POST",
        "path": f"/v2/{ID}",
        "query": {"q": SEARCH},
        "body": {"details": ECHO},
        "extra_headers": {"X-Token": TOKEN},
    },
    "transport.request": {"method": "GET", "path": f"/v2/{ID}", "query": {"q": SEARCH}},
}
"""The calls that are no method of a resource."""

ANSWERED_BY_ANYTHING = {
    "request",
    "transport.request",
    "transactions.export",
    "payment_methods.delete",
}
"""The calls that look at an answer's status alone."""

_UNUSABLE = {"cache_ttl": 0, "idempotency_key": "\n", "count": 0, "per_page": 0, "timeout": 0}


class Call(NamedTuple):
    """A method of a client, and what it is called with.

    Attributes:
        kind: The client's class.
        name: The method, below the client.
        arguments: By name.
    """

    kind: type[BaseClient]
    name: str
    arguments: dict[str, Any]

    def make(self, client: BaseClient, **changes: Any) -> None:
        """Make the call; what yields is asked for the first of what it yields."""
        result = method_named(client, self.name)(**{**self.arguments, **changes})
        if self.name == "transactions.iter_sync":
            next(result)

    def unusable(self) -> dict[str, Any]:
        """Return one argument that is refused before anything is sent."""
        client = self.kind(KEY, base_url="http://127.0.0.1:9")
        known = inspect.signature(method_named(client, self.name)).parameters
        name = next(name for name in _UNUSABLE if name in known)
        return {name: _UNUSABLE[name]}

    def __str__(self) -> str:
        return f"{self.kind.__name__}.{self.name}"


CALLS = [
    Call(kind, name, arguments)
    for kind, calls in ((V1Client, V1_CALLS), (V2Client, V2_CALLS))
    for name, arguments in {**calls, **OF_CLIENTS}.items()
]

LISTS = [
    call
    for call in CALLS
    if call.name.rpartition(".")[2] in ("list", "list_for_account", "search", "bulk")
]

_ITEM = {"id": "t1", "account_id": ID, "transaction_id": "t1", "note": ACCOUNT}
_NAMES = ("accounts", "transactions", "items", "sync_sessions", "payment_methods")
FIRST_PAGE: dict[str, Any] = {
    **{name: [_ITEM] for name in _NAMES},
    "total": 9,
    "has_more": True,
    "pagination": {
        "current_page": 1,
        "total_pages": 9,
        "has_more": True,
        "after_id": "t1",
    },
}
"""The first page of a list, however it is numbered."""


def first_answer(call: Call) -> dict[str, Any]:
    """Return the first page as the endpoint of a list sends it."""
    if call.name == "transactions.bulk":
        return {"bulk_results": [{**FIRST_PAGE, "account_id": ID}]}
    return FIRST_PAGE


REFUSED_ARGUMENTS: list[tuple[str, dict[str, Any]]] = [
    ("transaction_orders.create", {"amount": 1.5}),
    ("transaction_orders.create", {"amount": "1e9"}),
    ("transaction_orders.create", {"destination_payment_method_id": "p1"}),
    ("transaction_orders.create", {"description": "\ud800"}),
    ("transaction_orders.create", {"metadata": {"x": float("nan"), "y": SEARCH}}),
    ("transaction_orders.create", {"metadata": {"x": object(), "y": SEARCH}}),
    ("transaction_orders.create", {"scheduled_for": 5}),
    ("transaction_orders.create", {"account_id": ".."}),
    ("transaction_orders.pay", {"amount": 1.5}),
    ("transaction_orders.pay", {"idempotency_key": " "}),
    ("transaction_orders.pay", {"beneficiary": ACCOUNT}),
    ("transaction_orders.submit", {"order_id": ""}),
    ("transaction_orders.submit", {"token": f"{TOKEN}\ud800"}),
    ("transaction_orders.submit", {"token": object()}),
    ("batches.create", {"orders": [{**ORDER}]}),
    ("batches.create", {"orders": PARTY}),
    ("batches.create", {"orders": [ACCOUNT]}),
    ("batches.submit", {"batch_id": 5}),
    ("payment_methods.create", {"details": {"account_number": ACCOUNT, "x": float("inf")}}),
    ("payment_methods.create", {"counterparty_id": "c", "counterparty": PARTY}),
    ("payment_methods.update", {"details": {"account_number": f"{ACCOUNT}\udfff"}}),
    ("transactions.search", {"limit": 0}),
    ("transactions.search", {"q": f"{SEARCH}\ud800"}),
    ("transactions.search", {"amount": 1.5}),
    (
        "transactions.list_for_account",
        {"transactions_after_id": "a", "transactions_before_id": "b"},
    ),
    ("transactions.list_for_account", {"start_date": 5}),
    ("transactions.export", {"format": "pdf"}),
    ("transactions.bulk", {"account_ids": [ID, 5]}),
    ("transactions.bulk", {"account_ids": ID}),
    ("request", {"method": "FETCH"}),
    ("request", {"path": "no slash"}),
    ("request", {"query": {"q": SEARCH, "x": object()}}),
    ("request", {"body": {"note": ACCOUNT, "amount": float("nan")}}),
    ("request", {"body": {(1, 2): ACCOUNT}}),
    ("request", {"body": {"note": f"{ACCOUNT}\ud800"}}),
    ("request", {"extra_headers": {"X-Token": f"{TOKEN}\n"}}),
    ("request", {"extra_headers": {"X-Token": f"{TOKEN}\u20ac"}}),
    ("request", {"idempotency_key": f"{TOKEN}\n"}),
]
"""Methods of v2, and arguments that they refuse besides, among good ones."""

REFUSED_OPTIONS: list[dict[str, Any]] = [
    {"base_url": f"http://{TOKEN}@example.test"},
    {"base_url": "http://example.test"},
    {"base_url": 5},
    {"connect_timeout": -1},
    {"read_timeout": "5"},
    {"retry_policy": 3},
    {"cache_backend": {}},
    {"rate_limiter": 1},
    {"user_agent": f"{TOKEN}\n"},
    {"logger": TOKEN},
    {"ssl_context": TOKEN},
    {"parse_float": TOKEN},
    {"headers": {"X-Token": TOKEN, "no token": "x"}},
    {"headers": {"X-Token": f"{TOKEN}\n"}},
    {"headers": TOKEN},
    {"opener": TOKEN},
]


def assert_hidden(texts: Iterable[str], secrets: Iterable[str], where: object) -> None:
    """Fail where a text holds a secret."""
    for text in texts:
        for secret in secrets:
            assert secret not in text, f"{where}: {secret} in {text[:2000]}"


def client_at(url: str, kind: type[BaseClient] = V2Client, **options: Any) -> Any:
    """A client that does not try again, and waits for nothing."""
    return kind(KEY, base_url=url, retry_policy=RetryPolicy(max_attempts=1), **options)


def check(where: object, call: Callable[[], object], expected: type[BaseException]) -> None:
    """Make a call that fails, and search its error and the frames that it has passed."""
    try:
        call()
    except expected as error:
        assert_hidden(shown_in_frames(error), (*SECRETS, ID), f"{where}, in a frame")
        assert_hidden(all_shown_by_error(error), (KEY, KEY[8:26]), f"{where}, in the error")
        assert_hidden(shown_by_error(error), SECRETS, f"{where}, in the error")
    else:
        raise AssertionError(f"{where}: no error")
