"""The pagination objects of the list endpoints, as the server sends them.

`Page` reads them, so that iterating over one needs none of this.
Source: https://equipo.tesote.com/api/docs?version=v2, "Pagination".
"""

from typing import Optional

from tesote_sdk.types._typed_dict import TypedDict


class PagePagination(TypedDict):
    """Page numbers, of the account lists.

    Attributes:
        current_page: This page's number; the first is 1.
        per_page: Items per page, at most.
        total_pages: How many pages there are.
        total_count: How many items there are in all.
    """

    current_page: int
    per_page: int
    total_pages: int
    total_count: int


class _CursorPaginationRequired(TypedDict):
    has_more: bool
    per_page: int


class CursorPagination(_CursorPaginationRequired, total=False):
    """An id cursor, of the transaction lists. Either pair of names may be sent.

    Attributes:
        has_more: True while there are older items.
        per_page: Items per page, at most.
        after_id: UUID of this page's last item, where the next page begins; None or an empty
            string when there is nothing to continue from.
        before_id: UUID of this page's first item, where the previous page ends; None or an empty
            string when there is nothing before.
        transactions_after_id: `after_id` under the name that v1 documents.
        transactions_before_id: `before_id` under the name that v1 documents.
    """

    after_id: Optional[str]
    before_id: Optional[str]
    transactions_after_id: Optional[str]
    transactions_before_id: Optional[str]


class OffsetPagination(TypedDict):
    """An offset, of the lists of payment orders, payment methods and sync sessions.

    Attributes:
        limit: Items per page, at most.
        offset: How many items come before this page.
        has_more: True while there are items after it.
    """

    limit: int
    offset: int
    has_more: bool


class MetaPagination(TypedDict):
    """An opaque cursor: the other documented form of payment order and payment method lists.

    Attributes:
        next_cursor: Where the next page begins; None on the last one.
        has_more: True while there are more items.
    """

    next_cursor: Optional[str]
    has_more: bool
