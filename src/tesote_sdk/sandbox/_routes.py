"""The routing table: every method and path of the API, and what handles it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Callable
from urllib.parse import unquote

from . import (
    _accounts,
    _batches,
    _export,
    _orders,
    _payment_methods,
    _sync,
    _sync_sessions,
    _transactions,
)
from ._errors import Refusal
from ._messages import Call, Reply
from ._store import Store

if TYPE_CHECKING:
    from collections.abc import Mapping

Handler = Callable[[Store, Call], Reply]

_ACCOUNT = "/v2/accounts/{account_id}"

_ROUTES: dict[str, dict[str, Handler]] = {
    "/status": {"GET": _accounts.status},
    "/v1/status": {"GET": _accounts.status},
    "/v2/status": {"GET": _accounts.status},
    "/whoami": {"GET": _accounts.whoami},
    "/v1/whoami": {"GET": _accounts.whoami},
    "/v2/whoami": {"GET": _accounts.whoami},
    "/v1/accounts": {"GET": _accounts.list_accounts},
    "/v1/accounts/{account_id}": {"GET": _accounts.get_account},
    "/v1/accounts/{account_id}/transactions": {"GET": _transactions.list_for_account},
    "/v1/transactions/{transaction_id}": {"GET": _transactions.get_transaction},
    "/v2/accounts": {"GET": _accounts.list_accounts},
    _ACCOUNT: {"GET": _accounts.get_account},
    f"{_ACCOUNT}/sync": {"POST": _sync_sessions.start_sync},
    f"{_ACCOUNT}/sync_sessions": {"GET": _sync_sessions.list_sessions},
    f"{_ACCOUNT}/sync_sessions/{{session_id}}": {"GET": _sync_sessions.get_session},
    f"{_ACCOUNT}/transactions": {"GET": _transactions.list_for_account},
    f"{_ACCOUNT}/transactions/export": {"GET": _export.export},
    f"{_ACCOUNT}/transactions/sync": {"POST": _sync.sync},
    "/v2/transactions/sync": {"POST": _sync.sync_legacy},
    "/v2/transactions/bulk": {"POST": _transactions.bulk},
    "/v2/transactions/search": {"GET": _transactions.search},
    "/v2/transactions/{transaction_id}": {"GET": _transactions.get_transaction},
    f"{_ACCOUNT}/transaction_orders": {"GET": _orders.list_orders, "POST": _orders.create},
    f"{_ACCOUNT}/transaction_orders/{{order_id}}": {"GET": _orders.get_order},
    f"{_ACCOUNT}/transaction_orders/{{order_id}}/submit": {"POST": _orders.submit},
    f"{_ACCOUNT}/transaction_orders/{{order_id}}/cancel": {"POST": _orders.cancel},
    f"{_ACCOUNT}/batches": {"POST": _batches.create},
    f"{_ACCOUNT}/batches/{{batch_id}}": {"GET": _batches.get_batch},
    f"{_ACCOUNT}/batches/{{batch_id}}/approve": {"POST": _batches.approve},
    f"{_ACCOUNT}/batches/{{batch_id}}/submit": {"POST": _batches.submit},
    f"{_ACCOUNT}/batches/{{batch_id}}/cancel": {"POST": _batches.cancel},
    "/v2/payment_methods": {
        "GET": _payment_methods.list_methods,
        "POST": _payment_methods.create_method,
    },
    "/v2/payment_methods/{payment_method_id}": {
        "GET": _payment_methods.get_method,
        "PATCH": _payment_methods.update_method,
        "DELETE": _payment_methods.delete_method,
    },
}

_BY_LENGTH: dict[int, list[tuple[list[str], Mapping[str, Handler]]]] = {}
for _path, _handlers in _ROUTES.items():
    _segments = _path.split("/")
    _BY_LENGTH.setdefault(len(_segments), []).append((_segments, _handlers))


def find_route(method: str, path: str) -> tuple[Handler, dict[str, str]]:
    """The handler for a request, and the ids in its path, percent-decoded.

    Raises:
        Refusal: 404 for an unknown path, 405 for a known path with another method.
    """
    sent = path.split("/")
    for segments, handlers in _BY_LENGTH.get(len(sent), ()):
        ids = _match(segments, sent)
        if ids is not None:
            if method not in handlers:
                allowed = {"Allow": ", ".join(sorted(handlers))}
                raise Refusal(f"{method} is not allowed here", status=405, headers=allowed)
            return handlers[method], ids
    raise Refusal("No such path", status=404)


def _match(segments: list[str], sent: list[str]) -> dict[str, str] | None:
    ids = {}
    for segment, text in zip(segments, sent):
        if segment.startswith("{"):
            if not text:
                return None
            ids[segment[1:-1]] = unquote(text)
        elif segment != text:
            return None
    return ids
