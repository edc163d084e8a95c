"""Making a payment order, against the same POST by hand."""

from __future__ import annotations

import json
import uuid
from contextlib import ExitStack
from typing import TYPE_CHECKING

from .peers import client, connection
from .rounds import in_turns, repeated
from .site import ORDER
from .targets import HEADERS, target

if TYPE_CHECKING:
    from .runs import Run
    from .targets import Call, Target


def measure(run: Run) -> None:
    """Compare `transaction_orders.create` with http.client, json.dumps and a key."""
    account_id = run.site.account_id
    called = target(run.server, f"accounts/{account_id}/transaction_orders")
    with ExitStack() as stack:
        orders = client(called, stack).transaction_orders
        costs = in_turns(
            {
                "sdk": repeated(lambda: orders.create(account_id, **ORDER), run.calls),
                "by hand": repeated(_by_hand(called, stack), run.calls),
            },
            run.rounds,
        )
    run.figures.compare("an order created", "http.client", costs["sdk"], costs["by hand"])


def _by_hand(called: Target, stack: ExitStack) -> Call:
    kept_alive = connection(called, stack)
    headers = {**HEADERS, "Content-Type": "application/json"}

    def call() -> object:
        key = str(uuid.uuid4())
        body = json.dumps({"transaction_order": {**ORDER, "idempotency_key": key}})
        kept_alive.request("POST", called.path, body, {**headers, "Idempotency-Key": key})
        response = kept_alive.getresponse()
        content = response.read()
        if response.status != 201:
            raise AssertionError(response.status)
        return json.loads(content)

    return call
