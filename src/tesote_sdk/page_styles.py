"""How the API's lists are continued: page numbers, transaction cursors, offsets, search totals.

The rules, and the variants of each that servers were seen to send, are described in
docs/guides/pagination.md.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping


class Contradiction(str):
    """What a server says that cannot be true, such as that there is more and no way to it."""

    __slots__ = ()


class Style(Protocol):
    """How a list is continued."""

    def query(self, filters: Mapping[str, Any], position: Mapping[str, Any]) -> dict[str, Any]:
        """Return the parameters that ask for the page at a position."""

    def pagination(self, reply: dict[str, Any]) -> dict[str, Any] | None:
        """Return the server's own pagination object, wherever it is in the reply."""

    def mismatch(
        self, pagination: dict[str, Any] | None, position: Mapping[str, Any]
    ) -> str | None:
        """Return what shows that another page came than the one asked for, or None."""

    def following(
        self,
        reply: dict[str, Any],
        items: list[Any],
        pagination: dict[str, Any] | None,
        filters: Mapping[str, Any],
        position: Mapping[str, Any],
    ) -> dict[str, Any] | Contradiction | None:
        """Return the position after this page, None at the end, or what makes it impossible."""


class _PlainStyle:
    """What most styles have in common."""

    def query(self, filters: Mapping[str, Any], position: Mapping[str, Any]) -> dict[str, Any]:
        return {**filters, **position}

    def pagination(self, reply: dict[str, Any]) -> dict[str, Any] | None:
        found = reply.get("pagination")
        return found if isinstance(found, dict) else None

    def mismatch(
        self, pagination: dict[str, Any] | None, position: Mapping[str, Any]
    ) -> str | None:
        return None


class _Number(_PlainStyle):
    """`page` and `per_page`; the reply tells `current_page` and `total_pages`, or `total`."""

    def pagination(self, reply: dict[str, Any]) -> dict[str, Any] | None:
        return super().pagination(reply) or _members(reply, "page", "per_page", "total")

    def mismatch(
        self, pagination: dict[str, Any] | None, position: Mapping[str, Any]
    ) -> str | None:
        came = whole((pagination or {}).get("current_page"), (pagination or {}).get("page"))
        asked = position.get("page", 1)
        if came is not None and came != asked:
            return f"page {asked} was asked for and page {came} came"
        return None

    def following(
        self,
        reply: dict[str, Any],
        items: list[Any],
        pagination: dict[str, Any] | None,
        filters: Mapping[str, Any],
        position: Mapping[str, Any],
    ) -> dict[str, Any] | Contradiction | None:
        said = pagination or {}
        page = position.get("page", 1)
        per_page = _size(said.get("per_page"), filters.get("per_page"))
        pages = whole(said.get("total_pages"))
        total = whole(said.get("total_count"), said.get("total"), reply.get("total"))
        if pages is None and total is not None:
            pages = -(-total // per_page)
        if pages is not None:
            if page >= pages:
                return None
            if not items:
                return Contradiction(f"page {page} of {pages} is empty")
        elif len(items) < per_page:
            return None
        return {"page": page + 1}


class _TransactionCursor(_PlainStyle):
    """`transactions_after_id`, or backward `transactions_before_id`; the reply names both ends."""

    def following(
        self,
        reply: dict[str, Any],
        items: list[Any],
        pagination: dict[str, Any] | None,
        filters: Mapping[str, Any],
        position: Mapping[str, Any],
    ) -> dict[str, Any] | Contradiction | None:
        backward = "transactions_before_id" in position
        name = "transactions_before_id" if backward else "transactions_after_id"
        said = pagination or {}
        has_more = said.get("has_more")
        if has_more is False:
            return None
        cursor = said.get("before_id" if backward else "after_id") or said.get(name)
        full = len(items) >= _size(said.get("per_page"), filters.get("per_page"))
        if full and not cursor and has_more is None:
            cursor = items[0 if backward else -1]["id"]
        return _next_cursor(name, cursor, has_more)


class _Offset(_PlainStyle):
    """`limit` and `offset`, or the `cursor` of a server that answers with `meta.next_cursor`."""

    def query(self, filters: Mapping[str, Any], position: Mapping[str, Any]) -> dict[str, Any]:
        query = {**filters, **position}
        if "cursor" in position:
            # The servers that speak of cursors call the size of a page by another name, and
            # refuse one above 100.
            limit = query.pop("limit", None)
            query["per_page"] = None if limit is None else min(limit, 100)
        return query

    def pagination(self, reply: dict[str, Any]) -> dict[str, Any] | None:
        meta = reply.get("meta")
        return meta if isinstance(meta, dict) else _members(reply, "limit", "offset", "has_more")

    def mismatch(
        self, pagination: dict[str, Any] | None, position: Mapping[str, Any]
    ) -> str | None:
        came = whole((pagination or {}).get("offset"))
        asked = position.get("offset", 0)
        if came is not None and came != asked and "cursor" not in position:
            return f"offset {asked} was asked for and offset {came} came"
        return None

    def following(
        self,
        reply: dict[str, Any],
        items: list[Any],
        pagination: dict[str, Any] | None,
        filters: Mapping[str, Any],
        position: Mapping[str, Any],
    ) -> dict[str, Any] | Contradiction | None:
        said = pagination or {}
        has_more = said.get("has_more", reply.get("has_more"))
        if has_more is False:
            return None
        in_meta = said is reply.get("meta") and "has_more" in said and "offset" not in reply
        if in_meta or "next_cursor" in said or "cursor" in position:
            return _next_cursor("cursor", said.get("next_cursor"), has_more)
        if has_more is None and len(items) < _size(said.get("limit"), filters.get("limit")):
            return None
        if not items:
            return Contradiction("the page is empty and the server says that there is more")
        return {"offset": position.get("offset", 0) + len(items)}


class _SearchTotal(_PlainStyle):
    """`limit` and `offset`, and no word but the `total`; ends quietly at it or at an empty page."""

    def following(
        self,
        reply: dict[str, Any],
        items: list[Any],
        pagination: dict[str, Any] | None,
        filters: Mapping[str, Any],
        position: Mapping[str, Any],
    ) -> dict[str, Any] | Contradiction | None:
        reached = position.get("offset", 0) + len(items)
        total = whole(reply.get("total"))
        if not items or (total is not None and reached >= total):
            return None
        return {"offset": reached}


def _next_cursor(name: str, cursor: Any, has_more: Any) -> dict[str, Any] | Contradiction | None:
    if isinstance(cursor, str) and cursor:
        return {name: cursor}
    if cursor or has_more:
        return Contradiction("the server says that there is more and names no cursor")
    return None


def whole(*counts: Any) -> int | None:
    """Return the first of some members of a reply that is a count, and not null, text or true."""
    return next((count for count in counts if type(count) is int and count >= 0), None)


def _size(*sizes: Any) -> int:
    """Return the first of some page sizes that is one; the API's default is 50."""
    return whole(*(size for size in sizes if size)) or 50


def _members(reply: dict[str, Any], *names: str) -> dict[str, Any] | None:
    return {name: reply[name] for name in names if name in reply} or None


NUMBER: Style = _Number()
TRANSACTION_CURSOR: Style = _TransactionCursor()
OFFSET: Style = _Offset()
SEARCH_TOTAL: Style = _SearchTotal()
