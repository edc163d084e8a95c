"""Query parameters, checked as the API checks them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._wire.errors import Refusal, unprocessable, validation_error

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .call import Call


def whole(text: str) -> int | None:
    """A whole number of a sane length; None for any other text."""
    digits = text.removeprefix("-")
    return int(text) if digits.isascii() and digits.isdigit() and len(digits) <= 18 else None


def page_number(call: Call) -> int:
    """`page`, from 1; 400 in v1 and 422 in v2 where it is bad."""
    page = whole(call.query.get("page", "1"))
    if page is None or page < 1:
        raise _bad_page(call, "page", "must be at least 1")
    return page


def page_size(call: Call) -> int:
    """`per_page`, 1 to 100, default 50; 400 in v1 and 422 in v2 where it is bad."""
    size = whole(call.query.get("per_page", "50"))
    if size is None or not 1 <= size <= 100:
        raise _bad_page(call, "per_page", "must be from 1 to 100")
    return size


def _bad_page(call: Call, name: str, problem: str) -> Refusal:
    if call.version == "v1":
        return validation_error(f"{name} {problem}", **{name: [problem]})
    return unprocessable(f"{name} {problem}")


def limit_and_offset(
    query: Mapping[str, str], *, default: int = 50, maximum: int
) -> tuple[int, int]:
    """`limit`, 1 to the endpoint's maximum, and `offset`, from 0.

    Raises:
        Refusal: INVALID_LIMIT, or UNPROCESSABLE_CONTENT for the offset.
    """
    limit = whole(query.get("limit", str(default)))
    if limit is None or not 1 <= limit <= maximum:
        raise Refusal(f"limit must be from 1 to {maximum}", "INVALID_LIMIT")
    offset = whole(query.get("offset", "0"))
    if offset is None or offset < 0:
        raise unprocessable("offset must be at least 0")
    return limit, offset
