"""The transactions of the bank accounts, in version 1 of the API."""

from __future__ import annotations

from typing import Optional, Union

from .._arguments import date_text, one_cursor, whole_number
from .._error_base import operation
from .._hints import datetime, types
from .._resource import Resource, unwrapped
from ..page_styles import TransactionCursors
from ..pagination import Page
from ..transport.encoding import path_segment


class Transactions(Resource):
    """The transactions of the accounts that the key may see."""

    @operation
    def list_for_account(
        self,
        account_id: types.Id,
        *,
        per_page: Optional[int] = None,
        page: Optional[int] = None,
        transactions_after_id: Optional[str] = None,
        transactions_before_id: Optional[str] = None,
        start_date: Union[datetime.date, str, None] = None,
        end_date: Union[datetime.date, str, None] = None,
        scope: Optional[types.TransactionScope] = None,
        cache_ttl: Optional[float] = None,
    ) -> Page[types.Transaction]:
        """List the transactions of an account, newest first; iterating walks to the last one.

        Args:
            account_id: The account.
            per_page: Transactions per page, 1 to 100. Default: 50.
            page: The page to begin with, from 1; the pages after it are found by cursor.
            transactions_after_id: Begin after this transaction, from `Page.next_params`.
            transactions_before_id: Begin before this transaction and go backward, to newer ones.
            start_date: First day of the range, inclusive; give `end_date` too.
            end_date: Last day of the range, inclusive.
            scope: `deleted` lists what was deleted in the range, in place of what exists.
            cache_ttl: Seconds for which the response may answer a repeat. None always asks the
                server.

        Raises:
            InvalidArgumentError: An argument cannot be sent; nothing was.
            AccountNotFoundError: No such account, or the key may not see it.
            InvalidDateRangeError: The range is reversed, too wide, or has one end only.
            InvalidCursorError: The server does not know the transaction to begin at.
            MutationDuringPaginationError: The data changed during the walk: start over.
            ApiError: The server refused.
            TransportError: No usable answer came back.
        """
        return self._list(
            f"/v1/accounts/{path_segment('account_id', account_id)}/transactions",
            ("transactions", "items", "data"),
            TransactionCursors,
            position=one_cursor(page, transactions_after_id, transactions_before_id),
            cache_ttl=cache_ttl,
            filters={
                "per_page": whole_number("per_page", per_page, 1, 100),
                "start_date": date_text("start_date", start_date),
                "end_date": date_text("end_date", end_date),
                "scope": scope,
            },
            operation="transactions.list_for_account",
        )

    @operation
    def get(
        self, transaction_id: types.Id, *, cache_ttl: Optional[float] = None
    ) -> types.Transaction:
        """Get one transaction.

        Args:
            transaction_id: Its id.
            cache_ttl: Seconds for which the response may answer a repeat. None always asks the
                server.

        Raises:
            InvalidArgumentError: The id is empty or not a str; nothing was sent.
            TransactionNotFoundError: No such transaction, or the key may not see it.
            ApiError: The server refused.
            TransportError: No usable answer came back.
        """
        path = f"/v1/transactions/{path_segment('transaction_id', transaction_id)}"
        return self._call(
            "GET",
            path,
            unwrapped("transaction", "transaction_id", asked=transaction_id),
            cache_ttl=cache_ttl,
            operation="transactions.get",
        )
