"""How the API's lists are continued: page numbers, transaction cursors, offsets, search totals.

A style is made of one page, and says what the server told with it and what follows it. The rules,
and the variants of each that servers were seen to send, are described in docs/guides/pagination.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Optional, Union


class Contradiction(Exception):  # noqa: N818 - it is no error until somebody asks for more
    """What a server says that cannot be true, such as that there is more and no way to it.

    It is kept with the page, whose items are good, and raised when somebody asks for more.
    """


class Style:
    """What most styles have in common.

    Args:
        reply: What the server sent.
        items: The items in it.
        filters: The parameters that every page of the list is asked for with.
        position: Where this page is: the parameters that it was asked for with besides.

    Attributes:
        pagination: The server's own pagination object, wherever it is in the reply, or None.
        total: How many items the server counts in all, or None if it does not say.
        mismatch: What shows that another page came than the one asked for, or None.
        following: The position after this page; None at the end, or what makes it impossible.
    """

    __slots__ = ("following", "mismatch", "pagination", "total")

    def __init__(
        self,
        reply: dict[str, Any],
        items: list[Any],
        filters: Mapping[str, Any],
        position: Mapping[str, Any],
    ) -> None:
        self.pagination: Optional[dict[str, Any]] = self._pagination(reply)
        said = self.pagination or {}
        self.total: Optional[int] = whole(
            reply.get("total"), said.get("total_count"), said.get("total")
        )
        self.mismatch: Optional[str] = self._mismatch(said, position)
        self.following: Union[dict[str, Any], Contradiction, None]
        try:
            self.following = self._following(reply, items, said, filters, position)
        except Contradiction as contradiction:
            self.following = contradiction

    @staticmethod
    def query(filters: Mapping[str, Any], position: Mapping[str, Any]) -> dict[str, Any]:
        """Return the parameters that ask for the page at a position."""
        return {**filters, **position}

    def _pagination(self, reply: dict[str, Any]) -> Optional[dict[str, Any]]:
        found = reply.get("pagination")
        return found if isinstance(found, dict) else None

    def _mismatch(self, said: dict[str, Any], position: Mapping[str, Any]) -> Optional[str]:
        return None

    def _following(
        self,
        reply: dict[str, Any],
        items: list[Any],
        said: dict[str, Any],
        filters: Mapping[str, Any],
        position: Mapping[str, Any],
    ) -> Optional[dict[str, Any]]:
        """Return the position after this page, or None at the end.

        Raises:
            Contradiction: What the server says cannot be true.
        """
        raise NotImplementedError


class PageNumbers(Style):
    """`page` and `per_page`; the reply tells `current_page` and `total_pages`, or `total`."""

    __slots__ = ()

    def _pagination(self, reply: dict[str, Any]) -> Optional[dict[str, Any]]:
        return super()._pagination(reply) or _members(reply, "page", "per_page", "total")

    def _mismatch(self, said: dict[str, Any], position: Mapping[str, Any]) -> Optional[str]:
        came = whole(said.get("current_page"), said.get("page"))
        asked = position.get("page", 1)
        if came is not None and came != asked:
            return f"asked for page {asked}, got page {came}"
        return None

    def _following(
        self,
        reply: dict[str, Any],
        items: list[Any],
        said: dict[str, Any],
        filters: Mapping[str, Any],
        position: Mapping[str, Any],
    ) -> Optional[dict[str, Any]]:
        page = position.get("page", 1)
        pages = whole(said.get("total_pages"))
        total = whole(said.get("total_count"), said.get("total"), reply.get("total"))
        if pages is None and total is not None:
            pages = -(-total // _size(said.get("per_page"), filters.get("per_page")))
        if pages is None:
            # The server may have sent fewer than were asked for: a short page proves nothing.
            return {"page": page + 1} if items else None
        if page >= pages:
            return None
        if not items:
            raise Contradiction(f"page {page} of {pages} is empty")
        return {"page": page + 1}


class TransactionCursors(Style):
    """`transactions_after_id`, or backward `transactions_before_id`; the reply names both ends."""

    __slots__ = ()

    def _following(
        self,
        reply: dict[str, Any],
        items: list[Any],
        said: dict[str, Any],
        filters: Mapping[str, Any],
        position: Mapping[str, Any],
    ) -> Optional[dict[str, Any]]:
        backward = "transactions_before_id" in position
        name = "transactions_before_id" if backward else "transactions_after_id"
        has_more = said.get("has_more")
        if has_more is False:
            return None
        cursor = said.get("before_id" if backward else "after_id") or said.get(name)
        if items and not cursor and has_more is None:
            cursor = items[0 if backward else -1]["id"]
        return _next_cursor(name, cursor, has_more)


class Offsets(Style):
    """`limit` and `offset`, or the `cursor` of a server that answers with `meta.next_cursor`."""

    __slots__ = ()

    @staticmethod
    def query(filters: Mapping[str, Any], position: Mapping[str, Any]) -> dict[str, Any]:
        """Return the parameters that ask for the page at a position."""
        query = {**filters, **position}
        if "cursor" in position:
            # The servers that speak of cursors call the size of a page by another name, and
            # refuse one above 100.
            limit = query.pop("limit", None)
            query["per_page"] = None if limit is None else min(limit, 100)
        return query

    def _pagination(self, reply: dict[str, Any]) -> Optional[dict[str, Any]]:
        meta = reply.get("meta")
        return meta if isinstance(meta, dict) else _members(reply, "limit", "offset", "has_more")

    def _mismatch(self, said: dict[str, Any], position: Mapping[str, Any]) -> Optional[str]:
        came = whole(said.get("offset"))
        asked = position.get("offset", 0)
        if came is not None and came != asked and "cursor" not in position:
            return f"asked for offset {asked}, got offset {came}"
        return None

    def _following(
        self,
        reply: dict[str, Any],
        items: list[Any],
        said: dict[str, Any],
        filters: Mapping[str, Any],
        position: Mapping[str, Any],
    ) -> Optional[dict[str, Any]]:
        has_more = said.get("has_more", reply.get("has_more"))
        if has_more is False:
            return None
        in_meta = said is reply.get("meta") and "has_more" in said and "offset" not in reply
        if in_meta or "next_cursor" in said or "cursor" in position:
            return _next_cursor("cursor", said.get("next_cursor"), has_more)
        reached = position.get("offset", 0) + len(items)
        if has_more is None and (not items or _is_reached(self.total, reached)):
            return None
        if not items:
            raise Contradiction("the page is empty but the server says there is more")
        return {"offset": reached}


class SearchTotal(Style):
    """`limit` and `offset`, and no word but the `total`; ends quietly at it or at an empty page."""

    __slots__ = ()

    def _following(
        self,
        reply: dict[str, Any],
        items: list[Any],
        said: dict[str, Any],
        filters: Mapping[str, Any],
        position: Mapping[str, Any],
    ) -> Optional[dict[str, Any]]:
        reached = position.get("offset", 0) + len(items)
        ends = not items or _is_reached(whole(reply.get("total")), reached)
        return None if ends else {"offset": reached}


def whole(*counts: Any) -> Optional[int]:
    """Return the first of some members of a reply that is a count, and not null, text or true."""
    for count in counts:
        if type(count) is int and count >= 0:
            return count
    return None


def _is_reached(total: Optional[int], reached: int) -> bool:
    return total is not None and reached >= total


def _next_cursor(name: str, cursor: Any, has_more: Any) -> Optional[dict[str, Any]]:
    if isinstance(cursor, str) and cursor:
        return {name: cursor}
    if cursor or has_more:
        raise Contradiction("the server says there is more but sent no cursor")
    return None


def _size(*sizes: Any) -> int:
    """Return the first of some page sizes that is one; the API's default is 50."""
    return whole(*[size for size in sizes if size]) or 50


def _members(reply: dict[str, Any], *names: str) -> Optional[dict[str, Any]]:
    return {name: reply[name] for name in names if name in reply} or None
