"""Transactions of whole accounts: what changed since a cursor, and the newest of many accounts."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any, Optional

from .._arguments import cursor_text, only_given, whole_number
from .._error_base import operation
from .._hints import types
from .._resource import Resource
from ..errors import InvalidArgumentError
from ..page_styles import TransactionCursors
from ..pagination import Listing, Page
from ..transport.encoding import id_text, path_segment
from ..transport.messages import Response
from .sync_deltas import SyncDeltas, delta_of

NAMES = ("transactions", "items", "data")
"""The keys under which a server may send a list of transactions."""


class TransactionFeeds(Resource):
    """The part of `transactions` that feeds a database: `sync`, `iter_sync`, `bulk`."""

    @operation
    def sync(
        self,
        account_id: types.Id,
        *,
        cursor: Optional[str] = None,
        count: Optional[int] = None,
        include_running_balance: Optional[bool] = None,
    ) -> types.SyncDelta:
        """Get one page of what changed in an account since a cursor.

        Apply `removed`, then `modified`, then `added`, and insert or replace by `transaction_id`.
        Store `next_cursor` in the same database transaction. Continue while `has_more` is True.

        Args:
            account_id: The account.
            cursor: The `next_cursor` of the previous page. None starts with the oldest transaction,
                `"now"` with what happens from now on.
            count: Changes per page, 1 to 1000. Default: 100; more than 500 is not recommended.
            include_running_balance: Asks for `running_balance_cents` in each transaction.

        Raises:
            InvalidArgumentError: An argument cannot be sent; nothing was.
            HistorySyncForbiddenError: The key may not read the history: start with `"now"`.
            MutationDuringPaginationError: The data changed meanwhile: repeat the last cursor.
            InvalidCursorError: The cursor is malformed, expired or belongs to another account.
            AccountNotFoundError: No such account, or the key may not see it.
            ApiError: The server refused.
            TransportError: No usable answer came back.
        """
        return self._call(
            "POST",
            f"{transactions_path(account_id)}/sync",
            delta_of(account_id),
            body=_sync_body(cursor, count, include_running_balance),
            changes_state=False,
            operation="transactions.sync",
        )

    @operation
    def iter_sync(
        self,
        account_id: types.Id,
        *,
        cursor: Optional[str] = None,
        count: Optional[int] = None,
        include_running_balance: Optional[bool] = None,
    ) -> SyncDeltas:
        """Yield what changed in an account since a cursor, page by page, until nothing is left.

        Each page is fetched when you ask for it. Apply it and store its `next_cursor` before you
        ask for the next. If a request fails, its error is raised, and asking again repeats it.

        Args:
            account_id: The account.
            cursor: As for `sync`.
            count: As for `sync`.
            include_running_balance: As for `sync`.

        Raises:
            InvalidResponseError: The server says that there is more, but not how to get it, or
                sends a cursor that it has sent before.
            TesoteError: As `sync`; the pages yielded before it are good.
        """
        return SyncDeltas(
            lambda place: self.sync(
                account_id,
                cursor=place,
                count=count,
                include_running_balance=include_running_balance,
            ),
            cursor_text("cursor", cursor),
        )

    @operation
    def sync_legacy(
        self,
        account_id: types.Id,
        *,
        cursor: Optional[str] = None,
        count: Optional[int] = None,
        include_running_balance: Optional[bool] = None,
    ) -> types.SyncDelta:
        """Get what changed in an account through the deprecated endpoint; use `sync`.

        Args:
            account_id: The account.
            cursor: As for `sync`.
            count: As for `sync`.
            include_running_balance: As for `sync`.

        Raises:
            TesoteError: As `sync`.
        """
        warnings.warn(
            "POST /v2/transactions/sync is deprecated: use client.transactions.sync",
            DeprecationWarning,
            stacklevel=3,
        )
        account = id_text("account_id", account_id)
        path_segment("account_id", account)
        return self._call(
            "POST",
            "/v2/transactions/sync",
            delta_of(account),
            body={
                "tesote_account_id": account,
                **_sync_body(cursor, count, include_running_balance),
            },
            changes_state=False,
            operation="transactions.sync_legacy",
        )

    @operation
    def bulk(
        self,
        account_ids: Sequence[str],
        *,
        page: Optional[int] = None,
        per_page: Optional[int] = None,
        limit: Optional[int] = None,
        offset: Optional[int] = None,
    ) -> dict[str, Page[types.Transaction]]:
        """Get the newest transactions of many accounts with one request.

        Args:
            account_ids: 1 to 100 accounts.
            page: The page to begin with, from 1.
            per_page: Transactions per page and account, 1 to 100.
            limit: Passed on to the server.
            offset: Passed on to the server.

        Returns:
            A dict of pages by account id, one for each account in the server's answer. Walking on
            from a page lists that account alone, like `list_for_account`.

        Raises:
            InvalidArgumentError: There are no ids or more than 100, or an argument cannot be sent;
                nothing was.
            UnprocessableContentError: The server rejected the ids.
            ApiError: The server refused.
            TransportError: No usable answer came back.
        """
        listed = isinstance(account_ids, Sequence) and not isinstance(account_ids, str)
        if not listed or not 1 <= len(account_ids) <= 100:
            raise InvalidArgumentError("account_ids must be a list of 1 to 100 ids")
        ids = [id_text("account_ids", account_id) for account_id in account_ids]
        size = whole_number("per_page", per_page, 1, 100)
        listings = {
            account_id.lower(): (
                account_id,
                Listing(
                    self._transport,
                    transactions_path(account_id),
                    {"per_page": size},
                    TransactionCursors,
                    NAMES,
                    operation="transactions.list_for_account",
                ),
            )
            for account_id in ids
        }
        return self._call(
            "POST",
            "/v2/transactions/bulk",
            lambda response: _bulk_pages(response, listings),
            body={
                "account_ids": ids,
                **only_given(
                    page=whole_number("page", page, 1),
                    per_page=size,
                    limit=whole_number("limit", limit, 1),
                    offset=whole_number("offset", offset, 0),
                ),
            },
            changes_state=False,
            operation="transactions.bulk",
        )


def _bulk_pages(
    response: Response, listings: Mapping[str, tuple[str, Listing]]
) -> dict[str, Page[types.Transaction]]:
    """Return the page of each account that the server answered for, by the id that was asked."""
    sent = response._decoded()
    results = sent.get("bulk_results") if isinstance(sent, dict) else None
    if not isinstance(results, list):
        raise response.stray('the answer holds no list "bulk_results"')
    pages: dict[str, Page[types.Transaction]] = {}
    for result in results:
        named = result.get("account_id") if isinstance(result, dict) else None
        if not isinstance(named, str):
            raise response.stray('an entry of "bulk_results" has no account_id')
        if named.lower() not in listings:
            raise response.stray("the answer belongs to another request: it holds another account")
        account_id, listing = listings[named.lower()]
        pages[account_id] = listing.read(response, result, {})
    return pages


def transactions_path(account_id: types.Id) -> str:
    """Return the path of an account's transactions."""
    return f"/v2/accounts/{path_segment('account_id', account_id)}/transactions"


def _sync_body(
    cursor: Optional[str], count: Optional[int], include_running_balance: Optional[bool]
) -> dict[str, Any]:
    options = only_given(include_running_balance=include_running_balance)
    return only_given(
        cursor=cursor_text("cursor", cursor),
        count=whole_number("count", count, 1, 1000),
        options=options or None,
    )
