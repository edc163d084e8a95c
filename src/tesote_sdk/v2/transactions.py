"""The transactions of the bank accounts: lists, search, sync with a database, export."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Callable, Optional, Union

from .._arguments import (
    as_given,
    date_text,
    moment_text,
    one_cursor,
    optional_amount,
    optional_id,
    whole_number,
)
from .._error_base import operation
from .._forks import loading_parts
from .._hints import datetime, files, types
from .._resource import unwrapped
from ..errors import InvalidArgumentError
from ..page_styles import SearchTotal, TransactionCursors
from ..pagination import Page
from ..transport.encoding import path_segment
from .transaction_feeds import NAMES, TransactionFeeds, transactions_path


class Transactions(TransactionFeeds):
    """The transactions of the accounts that the key may see."""

    @operation
    def list_for_account(
        self,
        account_id: types.Id,
        *,
        per_page: Optional[int] = None,
        page: Optional[int] = None,
        transactions_after_id: Optional[types.Id] = None,
        transactions_before_id: Optional[types.Id] = None,
        start_date: Union[datetime.date, str, None] = None,
        end_date: Union[datetime.date, str, None] = None,
        scope: Optional[types.TransactionScope] = None,
        transaction_date_after: Union[datetime.date, str, None] = None,
        transaction_date_before: Union[datetime.date, str, None] = None,
        created_after: Union[datetime.date, str, None] = None,
        updated_after: Union[datetime.date, str, None] = None,
        amount_min: Optional[types.Amount] = None,
        amount_max: Optional[types.Amount] = None,
        amount: Optional[types.Amount] = None,
        status: Optional[types.TransactionStatus] = None,
        category_id: Optional[types.Id] = None,
        counterparty_id: Optional[types.Id] = None,
        q: Optional[str] = None,
        type: Optional[str] = None,
        reference_code: Optional[str] = None,
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
            transaction_date_after: Only those that the bank dates after this day.
            transaction_date_before: Only those that the bank dates before this day.
            created_after: Only those made after this day or moment (an aware datetime).
            updated_after: Only those changed after this day or moment.
            amount_min: Only those of at least this amount, signed. The API's documents do not say
                whether it is in currency units or in cents.
            amount_max: Only those of at most this amount; same unit.
            amount: Only those of exactly this amount; same unit.
            status: Only those with this status, such as `pending` or `completed`.
            category_id: Only those in this category.
            counterparty_id: Only those with this counterparty.
            q: Only those whose description or counterparty contains this text.
            type: Passed on to the server, which documents no values.
            reference_code: Only those with this reference.
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
            transactions_path(account_id),
            NAMES,
            TransactionCursors,
            position=one_cursor(page, transactions_after_id, transactions_before_id),
            cache_ttl=cache_ttl,
            filters={
                "per_page": whole_number("per_page", per_page, 1, 100),
                "q": q,
                **_filters(locals()),
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
        path = f"/v2/transactions/{path_segment('transaction_id', transaction_id)}"
        return self._call(
            "GET",
            path,
            unwrapped("transaction", "transaction_id", asked=transaction_id),
            cache_ttl=cache_ttl,
            operation="transactions.get",
        )

    @operation
    def search(
        self,
        q: str,
        *,
        account_id: Optional[types.Id] = None,
        limit: Optional[int] = None,
        offset: Optional[int] = None,
        start_date: Union[datetime.date, str, None] = None,
        end_date: Union[datetime.date, str, None] = None,
        scope: Optional[types.TransactionScope] = None,
        transaction_date_after: Union[datetime.date, str, None] = None,
        transaction_date_before: Union[datetime.date, str, None] = None,
        created_after: Union[datetime.date, str, None] = None,
        updated_after: Union[datetime.date, str, None] = None,
        amount_min: Optional[types.Amount] = None,
        amount_max: Optional[types.Amount] = None,
        amount: Optional[types.Amount] = None,
        status: Optional[types.TransactionStatus] = None,
        category_id: Optional[types.Id] = None,
        counterparty_id: Optional[types.Id] = None,
        type: Optional[str] = None,
        reference_code: Optional[str] = None,
        cache_ttl: Optional[float] = None,
    ) -> Page[types.Transaction]:
        """Search the transactions of all accounts, or of one.

        Args:
            q: The text to look for, in descriptions and counterparties.
            account_id: Only the transactions of one account.
            limit: Transactions per page, at least 1; the server has a maximum of its own.
            offset: How many transactions to skip. Default: 0.
            start_date: First day of the range, inclusive; give `end_date` too.
            end_date: Last day of the range, inclusive.
            scope: `deleted` lists what was deleted in the range, in place of what exists.
            transaction_date_after: Only those that the bank dates after this day.
            transaction_date_before: Only those that the bank dates before this day.
            created_after: Only those made after this day or moment (an aware datetime).
            updated_after: Only those changed after this day or moment.
            amount_min: Only those of at least this amount, signed. The API's documents do not say
                whether it is in currency units or in cents.
            amount_max: Only those of at most this amount; same unit.
            amount: Only those of exactly this amount; same unit.
            status: Only those with this status, such as `pending` or `completed`.
            category_id: Only those in this category.
            counterparty_id: Only those with this counterparty.
            type: Passed on to the server, which documents no values.
            reference_code: Only those with this reference.
            cache_ttl: Seconds for which the response may answer a repeat. None always asks the
                server.

        Raises:
            InvalidArgumentError: `q` is empty, or another argument cannot be sent; nothing was.
            InvalidQueryError: The server cannot search for this text.
            InvalidLimitError: `limit` is above the server's maximum.
            InvalidDateRangeError: The range is reversed, too wide, or has one end only.
            ApiError: The server refused.
            TransportError: No usable answer came back.
        """
        if not isinstance(q, str) or not q.strip():
            raise InvalidArgumentError("q must be the text to search for")
        return self._list(
            "/v2/transactions/search",
            NAMES,
            SearchTotal,
            position={"offset": whole_number("offset", offset, 0)},
            cache_ttl=cache_ttl,
            filters={
                "q": q,
                "account_id": optional_id("account_id", account_id),
                "limit": whole_number("limit", limit, 1),
                **_filters(locals()),
            },
            operation="transactions.search",
        )

    @operation
    def export(
        self,
        account_id: types.Id,
        *,
        format: types.ExportFormat = "csv",
        start_date: Union[datetime.date, str, None] = None,
        end_date: Union[datetime.date, str, None] = None,
        scope: Optional[types.TransactionScope] = None,
        transaction_date_after: Union[datetime.date, str, None] = None,
        transaction_date_before: Union[datetime.date, str, None] = None,
        created_after: Union[datetime.date, str, None] = None,
        updated_after: Union[datetime.date, str, None] = None,
        amount_min: Optional[types.Amount] = None,
        amount_max: Optional[types.Amount] = None,
        amount: Optional[types.Amount] = None,
        status: Optional[types.TransactionStatus] = None,
        category_id: Optional[types.Id] = None,
        counterparty_id: Optional[types.Id] = None,
        q: Optional[str] = None,
        type: Optional[str] = None,
        reference_code: Optional[str] = None,
        cache_ttl: Optional[float] = None,
    ) -> files.ExportFile:
        """Export the transactions of an account as a file.

        The server limits a file to about 10,000 rows: export longer histories range by range.

        Args:
            account_id: The account.
            format: `csv` or `json`.
            start_date: First day of the range, inclusive; give `end_date` too.
            end_date: Last day of the range, inclusive.
            scope: `deleted` lists what was deleted in the range, in place of what exists.
            transaction_date_after: Only those that the bank dates after this day.
            transaction_date_before: Only those that the bank dates before this day.
            created_after: Only those made after this day or moment (an aware datetime).
            updated_after: Only those changed after this day or moment.
            amount_min: Only those of at least this amount, signed. The API's documents do not say
                whether it is in currency units or in cents.
            amount_max: Only those of at most this amount; same unit.
            amount: Only those of exactly this amount; same unit.
            status: Only those with this status, such as `pending` or `completed`.
            category_id: Only those in this category.
            counterparty_id: Only those with this counterparty.
            q: Only those whose description or counterparty contains this text.
            type: Passed on to the server, which documents no values.
            reference_code: Only those with this reference.
            cache_ttl: Seconds for which the response may answer a repeat. None always asks the
                server.

        Returns:
            The file exactly as the server sent it.

        Raises:
            InvalidArgumentError: An argument cannot be sent; nothing was.
            AccountNotFoundError: No such account, or the key may not see it.
            InvalidDateRangeError: The range is reversed, too wide, or has one end only.
            MissingDateRangeError: The server wants `start_date` and `end_date`.
            ApiError: The server refused.
            TransportError: No usable answer came back.
        """
        with loading_parts():  # few programs export
            from .export import ExportFile

        if format not in ("csv", "json"):
            raise InvalidArgumentError('format must be "csv" or "json"')
        return self._call(
            "GET",
            f"{transactions_path(account_id)}/export",
            ExportFile,
            query={
                "format": format,
                "q": q,
                **_filters(locals()),
            },
            cache_ttl=cache_ttl,
            extra_headers={"Accept": "text/csv, application/json"},
            operation="transactions.export",
        )


_FILTERS: dict[str, Callable[[str, Any], Any]] = {
    "start_date": date_text,
    "end_date": date_text,
    "scope": as_given,
    "transaction_date_after": date_text,
    "transaction_date_before": date_text,
    "created_after": moment_text,
    "updated_after": moment_text,
    "amount_min": optional_amount,
    "amount_max": optional_amount,
    "amount": optional_amount,
    "status": as_given,
    "category_id": optional_id,
    "counterparty_id": optional_id,
    "type": as_given,
    "reference_code": as_given,
}
"""The filters that every list of transactions takes, and how their arguments are written."""


def _filters(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return the query of the filters among a method's arguments."""
    return {name: written(name, arguments[name]) for name, written in _FILTERS.items()}
