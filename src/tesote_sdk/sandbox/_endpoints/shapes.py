"""Where the published sources disagree about a shape, the shape that was chosen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Callable, TypeVar

from .._state.records import Order, PaymentMethod
from .._wire.errors import Refusal
from .._wire.messages import Reply
from .query import limit_and_offset, page_size

if TYPE_CHECKING:
    from .._settings import Shapes
    from .call import Call

_Record = TypeVar("_Record", Order, PaymentMethod)


def single(shapes: Shapes, name: str, value: dict[str, Any], status: int = 200) -> Reply:
    """A single object: bare, or `{name: object}` as the OpenAPI document has it."""
    return Reply(status, {name: value} if shapes == "openapi" else value)


def listing(
    shapes: Shapes,
    name: str,
    call: Call,
    records: list[_Record],
    show: Callable[[_Record], dict[str, Any]],
) -> Reply:
    """A list: `items` by `limit` and `offset`, or the OpenAPI document's named list by `cursor`.

    Raises:
        Refusal: A bad limit, offset, page size or cursor.
    """
    if shapes == "openapi":
        size, start = page_size(call), _after(records, call.query.get("cursor", ""))
        shown = records[start : start + size]
        has_more = start + size < len(records)
        next_cursor = shown[-1].id if has_more else None
        meta = {"next_cursor": next_cursor, "has_more": has_more}
        return Reply(200, {name: [show(record) for record in shown], "meta": meta})
    limit, offset = limit_and_offset(call.query, maximum=250)
    return Reply(
        200,
        {
            "items": [show(record) for record in records[offset : offset + limit]],
            "has_more": offset + limit < len(records),
            "limit": limit,
            "offset": offset,
        },
    )


def _after(records: list[_Record], cursor: str) -> int:
    if not cursor:
        return 0
    for index, record in enumerate(records):
        if record.id == cursor:
            return index + 1
    raise Refusal("The cursor is of no use here", "INVALID_CURSOR")
