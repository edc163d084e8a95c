"""Reading what a transaction sync sends, and going on to what it sends next."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Callable, Optional, cast

from .._error_base import operation
from .._hints import types
from .._resource import check_same
from ..errors import InvalidResponseError
from ..pagination import CursorTrail
from ..transport.messages import Response


class SyncDeltas:
    """Yields what changed since a cursor, page by page, until nothing is left.

    Where a request fails, its error is raised; asking again repeats it.

    Args:
        fetch: Fetches what changed since a cursor.
        cursor: Where to begin.

    Attributes:
        cursor: Where the next request begins: what to store once the page that came last has been
            applied.
    """

    __slots__ = ("_fetch", "_has_more", "_problem", "_trail", "cursor")

    def __init__(
        self, fetch: Callable[[Optional[str]], types.SyncDelta], cursor: Optional[str]
    ) -> None:
        self._fetch = fetch
        self._trail = CursorTrail()
        self._has_more = True
        self._problem = ""
        self.cursor: Optional[str] = cursor

    def __iter__(self) -> Iterator[types.SyncDelta]:
        return self

    @operation
    def __next__(self) -> types.SyncDelta:
        if self._problem:
            raise InvalidResponseError(self._problem)
        if not self._has_more:
            raise StopIteration
        delta = self._fetch(self.cursor)
        self._go_on(delta)
        return delta

    def _go_on(self, delta: types.SyncDelta) -> None:
        """Move on behind a page; what cannot be moved on from is kept until somebody asks."""
        following = delta["next_cursor"]
        self._has_more = delta["has_more"]
        if self.cursor is not None:
            self._trail = self._trail.extended(self.cursor)
        if self._has_more and (not following or self._trail.leads_to(following)):
            self._problem = (
                "the sync cannot be continued: the server says there is more but sent no new "
                f"cursor; the last good cursor is {self.cursor!r}"
            )
        elif following:
            self.cursor = following


def delta_of(account_id: object) -> Callable[[Response], types.SyncDelta]:
    """Return a reader of a delta, with all the keys that `SyncDelta` promises.

    Servers were seen to leave out empty lists, to call the cursor `new_cursor` or to send an empty
    one for none, and to list removed transactions by their bare ids.

    Args:
        account_id: The account that was asked for; a delta of another is refused.
    """

    def read(response: Response) -> types.SyncDelta:
        delta = response._decoded()
        if not isinstance(delta, dict) or not delta.keys() & {"added", "modified", "removed"}:
            raise response.stray("the answer is not a delta with added, modified and removed")
        for name in ("added", "modified", "removed"):
            delta[name] = _changes(response, name, delta.get(name), account_id)
        cursor = delta["next_cursor"] = delta.get("next_cursor") or delta.get("new_cursor") or None
        if not (cursor is None or isinstance(cursor, str)):
            raise response.stray("the cursor of the delta is not a string")
        delta["has_more"] = delta.get("has_more") or False
        return cast("types.SyncDelta", delta)

    return read


def _changes(response: Response, name: str, sent: Any, account_id: object) -> list[Any]:
    changes = [] if sent is None else sent
    if not isinstance(changes, list):
        raise response.stray(f'"{name}" of the delta is not a list')
    for place, change in enumerate(changes):
        if name == "removed" and isinstance(change, str):
            changes[place] = change = {"transaction_id": change}
        if not isinstance(change, dict) or not change.get("transaction_id"):
            raise response.stray(f'an entry of "{name}" has no transaction_id')
        check_same(response, "account_id", change.get("account_id"), account_id)
    return changes
