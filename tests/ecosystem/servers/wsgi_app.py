"""A WSGI application with a client that is used once at import, before a server forks workers."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

from tesote_sdk import V2Client

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Callable

client = V2Client(read_timeout=5, total_timeout=10)
account_id = client.accounts.list(per_page=1).data[0]["id"]


def app(environ: dict[str, Any], start_response: Callable[..., object]) -> Iterable[bytes]:
    """Answer `/accounts/ID` with that account's id, and `/orders/KEY` with a new order's text."""
    _, kind, name = environ["PATH_INFO"].split("/")
    body = json.dumps({"id": _ask(kind, name), "pid": os.getpid()}).encode()
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]


def _ask(kind: str, name: str) -> str | None:
    if kind == "accounts":
        return client.accounts.get(name)["id"]
    order = client.transaction_orders.create(
        account_id,
        amount="1.25",
        currency="USD",
        description=name,
        beneficiary={"name": "Harinas del Sur C.A."},
        idempotency_key=name,
    )
    return order["description"]
