"""Idempotency keys: one key, one result."""

from __future__ import annotations

import json
from collections import OrderedDict
from typing import TYPE_CHECKING, Any, Callable

from .._wire.errors import unprocessable
from .._wire.messages import Reply

if TYPE_CHECKING:
    from collections.abc import Hashable

_MAX_KEYS = 10_000


class IdempotencyKeys:
    """Remembers the result of each key.

    It takes no lock of its own: whoever calls `run` holds the lock of the state that `execute`
    changes, so that of two requests with one key the second always finds the first one's result.
    """

    def __init__(self) -> None:
        self._results: OrderedDict[Hashable, tuple[str, Reply]] = OrderedDict()

    def run(self, key: Hashable, request: Any, execute: Callable[[], Reply]) -> Reply:
        """Executes a request, or replays the result of the one that had its key before.

        A request that was refused used up nothing: the refusal passes through and the key is free.

        Args:
            key: What identifies the operation, with the scope in which the key counts.
            request: What must be the same for a replay; anything that JSON can hold.
            execute: Carries the request out.

        Raises:
            Refusal: The key was used with another request, or `execute` refused.
        """
        fingerprint = json.dumps(request, sort_keys=True)
        known = self._results.get(key)
        if known is None:
            reply = execute()
            self._results[key] = (fingerprint, reply)
            if len(self._results) > _MAX_KEYS:
                self._results.popitem(last=False)
            return reply
        first, reply = known
        if first != fingerprint:
            raise unprocessable("The idempotency key was already used with another request")
        headers = {**reply.headers, "Idempotent-Replayed": "true"}
        return Reply(reply.status, reply.payload, reply.content, reply.content_type, headers)
