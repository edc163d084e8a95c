"""The routing table: every method and path of the API, and what handles it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Callable
from urllib.parse import unquote

from .._state.store import Store
from .._wire.errors import Refusal
from .._wire.messages import Reply
from . import (
    accounts,
    batches,
    export,
    orders,
    payment_methods,
    sync,
    sync_sessions,
    transactions,
)
from .call import Call

if TYPE_CHECKING:
    from collections.abc import Mapping

Handler = Callable[[Store, Call], Reply]

_ACCOUNT = "/v2/accounts/{account_id}"

_ROUTES: dict[str, dict[str, Handler]] = {
    "/status": {"GET": accounts.status},
    "/v1/status": {"GET": accounts.status},
    "/v2/status": {"GET": accounts.status},
    "/whoami": {"GET": accounts.whoami},
    "/v1/whoami": {"GET": accounts.whoami},
    "/v2/whoami": {"GET": accounts.whoami},
    "/v1/accounts": {"GET": accounts.list_accounts},
    "/v1/accounts/{account_id}": {"GET": accounts.get_account},
    "/v1/accounts/{account_id}/transactions": {"GET": transactions.list_for_account},
    "/v1/transactions/{transaction_id}": {"GET": transactions.get_transaction},
    "/v2/accounts": {"GET": accounts.list_accounts},
    _ACCOUNT: {"GET": accounts.get_account},
    f"{_ACCOUNT}/sync": {"POST": sync_sessions.start_sync},
    f"{_ACCOUNT}/sync_sessions": {"GET": sync_sessions.list_sessions},
    f"{_ACCOUNT}/sync_sessions/{{session_id}}": {"GET": sync_sessions.get_session},
    f"{_ACCOUNT}/transactions": {"GET": transactions.list_for_account},
    f"{_ACCOUNT}/transactions/export": {"GET": export.export},
    f"{_ACCOUNT}/transactions/sync": {"POST": sync.sync},
    "/v2/transactions/sync": {"POST": sync.sync_legacy},
    "/v2/transactions/bulk": {"POST": transactions.bulk},
    "/v2/transactions/search": {"GET": transactions.search},
    "/v2/transactions/{transaction_id}": {"GET": transactions.get_transaction},
    f"{_ACCOUNT}/transaction_orders": {"GET": orders.list_orders, "POST": orders.create},
    f"{_ACCOUNT}/transaction_orders/{{order_id}}": {"GET": orders.get_order},
    f"{_ACCOUNT}/transaction_orders/{{order_id}}/submit": {"POST": orders.submit},
    f"{_ACCOUNT}/transaction_orders/{{order_id}}/cancel": {"POST": orders.cancel},
    f"{_ACCOUNT}/batches": {"POST": batches.create},
    f"{_ACCOUNT}/batches/{{batch_id}}": {"GET": batches.get_batch},
    f"{_ACCOUNT}/batches/{{batch_id}}/approve": {"POST": batches.approve},
    f"{_ACCOUNT}/batches/{{batch_id}}/submit": {"POST": batches.submit},
    f"{_ACCOUNT}/batches/{{batch_id}}/cancel": {"POST": batches.cancel},
    "/v2/payment_methods": {
        "GET": payment_methods.list_methods,
        "POST": payment_methods.create_method,
    },
    "/v2/payment_methods/{payment_method_id}": {
        "GET": payment_methods.get_method,
        "PATCH": payment_methods.update_method,
        "DELETE": payment_methods.delete_method,
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
            # HEAD is GET, but for the body that is not sent (RFC 9110 section 9.3.2).
            handler = handlers.get("GET" if method == "HEAD" else method)
            if handler is None:
                methods = {*handlers, "HEAD"} if "GET" in handlers else handlers
                allowed = {"Allow": ", ".join(sorted(methods))}
                raise Refusal(f"{method} is not allowed here", status=405, headers=allowed)
            return handler, ids
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
