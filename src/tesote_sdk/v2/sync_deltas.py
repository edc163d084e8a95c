"""Reading what a transaction sync sends."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from ..transport.messages import Response
    from ..types import SyncDelta


def read_delta(response: Response) -> SyncDelta:
    """Return the delta as sent, with all the keys that `SyncDelta` promises.

    Servers were seen to leave out empty lists, to call the cursor `new_cursor` or to send an empty
    one for none, and to list removed transactions by their bare ids.

    Raises:
        InvalidResponseError: It is no delta.
    """
    delta = response.json
    if not isinstance(delta, dict) or not delta.keys() & {"added", "modified", "removed"}:
        raise response.invalid("the answer is no delta with added, modified and removed")
    for name in ("added", "modified", "removed"):
        changes = delta[name] = [] if delta.get(name) is None else delta[name]
        if not isinstance(changes, list):
            raise response.invalid(f'"{name}" of the delta is no list')
        for place, change in enumerate(changes):
            if name == "removed" and isinstance(change, str):
                changes[place] = change = {"transaction_id": change}
            if not isinstance(change, dict) or not change.get("transaction_id"):
                raise response.invalid(f'an entry of "{name}" has no transaction_id')
    cursor = delta["next_cursor"] = delta.get("next_cursor") or delta.get("new_cursor") or None
    if not (cursor is None or isinstance(cursor, str)):
        raise response.invalid("the cursor of the delta is no text")
    delta["has_more"] = delta.get("has_more") or False
    return cast("SyncDelta", delta)
