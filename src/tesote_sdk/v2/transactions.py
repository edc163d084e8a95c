"""The transactions of the bank accounts: lists, search, sync with a database, export."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from .._arguments import (
    date_text,
    moment_text,
    one_cursor,
    only_given,
    optional_amount,
    whole_number,
)
from .._resource import Call, Resource, operation, unwrapped
from ..errors import InvalidArgumentError, InvalidResponseError
from ..page_styles import SEARCH_TOTAL, TRANSACTION_CURSOR
from ..pagination import CursorTrail, Listing, Page
from ..transport.encoding import path_segment
from .sync_deltas import read_delta

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from ..transport.messages import Response
    from ..types import (
        Amount,
        ExportFormat,
        SyncDelta,
        Transaction,
        TransactionScope,
        TransactionStatus,
    )
    from .export import ExportFile

_NAMES = ("transactions", "items", "data")


class Transactions(Resource):
    """The transactions of the accounts that the key may see."""

    __slots__ = ()

    @operation
    def list_for_account(
        self,
        account_id: str,
        *,
        per_page: int | None = None,
        page: int | None = None,
        transactions_after_id: str | None = None,
        transactions_before_id: str | None = None,
        start_date: date | str | None = None,
        end_date: date | str | None = None,
        scope: TransactionScope | None = None,
        transaction_date_after: date | str | None = None,
        transaction_date_before: date | str | None = None,
        created_after: date | str | None = None,
        updated_after: date | str | None = None,
        amount_min: Amount | None = None,
        amount_max: Amount | None = None,
        amount: Amount | None = None,
        status: TransactionStatus | None = None,
        category_id: str | None = None,
        counterparty_id: str | None = None,
        q: str | None = None,
        type: str | None = None,
        reference_code: str | None = None,
        cache_ttl: float | None = None,
    ) -> Call[Page[Transaction]]:
        """List the transactions of an account, newest first; iterating goes on to the last one.

        Args:
            account_id: The account.
            per_page: Transactions a page, 1 to 100. Default: 50.
            page: The page to begin with, from 1; the pages after it are found by cursor.
            transactions_after_id: Begin after this transaction, from `Page.next_params`.
            transactions_before_id: Begin before this transaction and go backward, to newer ones.
            start_date: First day of the range, inclusive; give `end_date` too.
            end_date: Last day of the range, inclusive.
            scope: `deleted` lists what was deleted in the range, in place of what exists.
            transaction_date_after: Only those dated by the bank after a day.
            transaction_date_before: Only those dated by the bank before a day.
            created_after: Only those made after a day or moment (an aware datetime).
            updated_after: Only those changed after a day or moment.
            amount_min: Only those of at least an amount, signed. The API's documents do not say
                whether it is in currency units or in cents.
            amount_max: Only those of at most an amount, likewise.
            amount: Only those of exactly an amount, likewise.
            status: Only those of one status, such as `pending` or `completed`.
            category_id: Only those of one category.
            counterparty_id: Only those of one counterparty.
            q: Only those whose description or counterparty holds a text.
            type: Passed on to the server, which documents no values.
            reference_code: Only those with one reference.
            cache_ttl: Seconds for which the response may serve a repeat. None always asks the
                server.

        Raises:
            InvalidArgumentError: An argument cannot be sent; nothing was.
            AccountNotFoundError: No such account, or not one that the key may see.
            InvalidDateRangeError: The range is reversed, too wide, or has one end only.
            InvalidCursorError: The server does not know the transaction to begin at.
            MutationDuringPaginationError: The data changed while it was walked: begin anew.
            ApiError: The server refused.
            TransportError: There was no usable answer.
        """
        return self._list(
            _transactions(account_id),
            _NAMES,
            TRANSACTION_CURSOR,
            position=one_cursor(page, transactions_after_id, transactions_before_id),
            cache_ttl=cache_ttl,
            filters={
                "per_page": whole_number("per_page", per_page, 1, 100),
                "q": q,
                **_filters(
                    start_date=start_date,
                    end_date=end_date,
                    scope=scope,
                    transaction_date_after=transaction_date_after,
                    transaction_date_before=transaction_date_before,
                    created_after=created_after,
                    updated_after=updated_after,
                    amount_min=amount_min,
                    amount_max=amount_max,
                    amount=amount,
                    status=status,
                    category_id=category_id,
                    counterparty_id=counterparty_id,
                    type=type,
                    reference_code=reference_code,
                ),
            },
        )

    @operation
    def get(self, transaction_id: str, *, cache_ttl: float | None = None) -> Call[Transaction]:
        """Get one transaction.

        Args:
            transaction_id: Its id.
            cache_ttl: Seconds for which the response may serve a repeat. None always asks the
                server.

        Raises:
            InvalidArgumentError: The id is empty or no str; nothing was sent.
            TransactionNotFoundError: No such transaction, or not one that the key may see.
            ApiError: The server refused.
            TransportError: There was no usable answer.
        """
        path = f"/v2/transactions/{path_segment('transaction_id', transaction_id)}"
        return Call("GET", path, unwrapped("transaction", "transaction_id"), cache_ttl=cache_ttl)

    @operation
    def search(
        self,
        q: str,
        *,
        account_id: str | None = None,
        limit: int | None = None,
        offset: int | None = None,
        start_date: date | str | None = None,
        end_date: date | str | None = None,
        scope: TransactionScope | None = None,
        transaction_date_after: date | str | None = None,
        transaction_date_before: date | str | None = None,
        created_after: date | str | None = None,
        updated_after: date | str | None = None,
        amount_min: Amount | None = None,
        amount_max: Amount | None = None,
        amount: Amount | None = None,
        status: TransactionStatus | None = None,
        category_id: str | None = None,
        counterparty_id: str | None = None,
        type: str | None = None,
        reference_code: str | None = None,
        cache_ttl: float | None = None,
    ) -> Call[Page[Transaction]]:
        """Search the transactions of all accounts, or of one.

        Args:
            q: The text to look for, in descriptions and counterparties.
            account_id: Only the transactions of one account.
            limit: Transactions a page, from 1; the server refuses what is above its maximum.
            offset: How many transactions to pass over. Default: 0.
            start_date: First day of the range, inclusive; give `end_date` too.
            end_date: Last day of the range, inclusive.
            scope: `deleted` lists what was deleted in the range, in place of what exists.
            transaction_date_after: Only those dated by the bank after a day.
            transaction_date_before: Only those dated by the bank before a day.
            created_after: Only those made after a day or moment (an aware datetime).
            updated_after: Only those changed after a day or moment.
            amount_min: Only those of at least an amount, signed. The API's documents do not say
                whether it is in currency units or in cents.
            amount_max: Only those of at most an amount, likewise.
            amount: Only those of exactly an amount, likewise.
            status: Only those of one status, such as `pending` or `completed`.
            category_id: Only those of one category.
            counterparty_id: Only those of one counterparty.
            type: Passed on to the server, which documents no values.
            reference_code: Only those with one reference.
            cache_ttl: Seconds for which the response may serve a repeat. None always asks the
                server.

        Raises:
            InvalidArgumentError: `q` is empty, or another argument cannot be sent; nothing was.
            InvalidQueryError: The server cannot search for this text.
            InvalidLimitError: `limit` is above the server's maximum.
            InvalidDateRangeError: The range is reversed, too wide, or has one end only.
            ApiError: The server refused.
            TransportError: There was no usable answer.
        """
        if not isinstance(q, str) or not q.strip():
            raise InvalidArgumentError("q must be the text to search for")
        return self._list(
            "/v2/transactions/search",
            _NAMES,
            SEARCH_TOTAL,
            position={"offset": whole_number("offset", offset, 0)},
            cache_ttl=cache_ttl,
            filters={
                "q": q,
                "account_id": account_id,
                "limit": whole_number("limit", limit, 1),
                **_filters(
                    start_date=start_date,
                    end_date=end_date,
                    scope=scope,
                    transaction_date_after=transaction_date_after,
                    transaction_date_before=transaction_date_before,
                    created_after=created_after,
                    updated_after=updated_after,
                    amount_min=amount_min,
                    amount_max=amount_max,
                    amount=amount,
                    status=status,
                    category_id=category_id,
                    counterparty_id=counterparty_id,
                    type=type,
                    reference_code=reference_code,
                ),
            },
        )

    @operation
    def export(
        self,
        account_id: str,
        *,
        format: ExportFormat = "csv",
        start_date: date | str | None = None,
        end_date: date | str | None = None,
        scope: TransactionScope | None = None,
        transaction_date_after: date | str | None = None,
        transaction_date_before: date | str | None = None,
        created_after: date | str | None = None,
        updated_after: date | str | None = None,
        amount_min: Amount | None = None,
        amount_max: Amount | None = None,
        amount: Amount | None = None,
        status: TransactionStatus | None = None,
        category_id: str | None = None,
        counterparty_id: str | None = None,
        q: str | None = None,
        type: str | None = None,
        reference_code: str | None = None,
        cache_ttl: float | None = None,
    ) -> Call[ExportFile]:
        """Export the transactions of an account as a file.

        The server caps a file at some 10,000 rows: export longer histories range by range.

        Args:
            account_id: The account.
            format: `csv` or `json`.
            start_date: First day of the range, inclusive; give `end_date` too.
            end_date: Last day of the range, inclusive.
            scope: `deleted` lists what was deleted in the range, in place of what exists.
            transaction_date_after: Only those dated by the bank after a day.
            transaction_date_before: Only those dated by the bank before a day.
            created_after: Only those made after a day or moment (an aware datetime).
            updated_after: Only those changed after a day or moment.
            amount_min: Only those of at least an amount, signed. The API's documents do not say
                whether it is in currency units or in cents.
            amount_max: Only those of at most an amount, likewise.
            amount: Only those of exactly an amount, likewise.
            status: Only those of one status, such as `pending` or `completed`.
            category_id: Only those of one category.
            counterparty_id: Only those of one counterparty.
            q: Only those whose description or counterparty holds a text.
            type: Passed on to the server, which documents no values.
            reference_code: Only those with one reference.
            cache_ttl: Seconds for which the response may serve a repeat. None always asks the
                server.

        Returns:
            The file as the server sent it, untouched.

        Raises:
            InvalidArgumentError: An argument cannot be sent; nothing was.
            AccountNotFoundError: No such account, or not one that the key may see.
            InvalidDateRangeError: The range is reversed, too wide, or has one end only.
            MissingDateRangeError: The server wants `start_date` and `end_date`.
            ApiError: The server refused.
            TransportError: There was no usable answer.
        """
        from .export import ExportFile  # few programs export

        if format not in ("csv", "json"):
            raise InvalidArgumentError('format must be "csv" or "json"')
        return Call(
            "GET",
            f"{_transactions(account_id)}/export",
            ExportFile,
            query={
                "format": format,
                "q": q,
                **_filters(
                    start_date=start_date,
                    end_date=end_date,
                    scope=scope,
                    transaction_date_after=transaction_date_after,
                    transaction_date_before=transaction_date_before,
                    created_after=created_after,
                    updated_after=updated_after,
                    amount_min=amount_min,
                    amount_max=amount_max,
                    amount=amount,
                    status=status,
                    category_id=category_id,
                    counterparty_id=counterparty_id,
                    type=type,
                    reference_code=reference_code,
                ),
            },
            cache_ttl=cache_ttl,
            extra_headers={"Accept": "text/csv, application/json"},
        )

    @operation
    def sync(
        self,
        account_id: str,
        *,
        cursor: str | None = None,
        count: int | None = None,
        include_running_balance: bool | None = None,
    ) -> Call[SyncDelta]:
        """Get what changed in an account since a cursor: one page of it.

        Apply `removed`, then `modified`, then `added`, upserting by `transaction_id`; store
        `next_cursor` in the same database transaction; go on while `has_more`.

        Args:
            account_id: The account.
            cursor: The `next_cursor` of the page before; None begins with the oldest transaction,
                `"now"` with what happens from now on.
            count: Changes a page, 1 to 1000. Default: 100; above 500 is not advised.
            include_running_balance: Asks for `running_balance_cents` in each transaction.

        Raises:
            InvalidArgumentError: An argument cannot be sent; nothing was.
            HistorySyncForbiddenError: The history may not be read: begin with `"now"`.
            MutationDuringPaginationError: The data changed meanwhile: repeat the last cursor.
            InvalidCursorError: The cursor is malformed, has expired or is another account's.
            AccountNotFoundError: No such account, or not one that the key may see.
            ApiError: The server refused.
            TransportError: There was no usable answer.
        """
        return Call(
            "POST",
            f"{_transactions(account_id)}/sync",
            read_delta,
            body=_sync_body(cursor, count, include_running_balance),
            changes_state=False,
        )

    def iter_sync(
        self,
        account_id: str,
        *,
        cursor: str | None = None,
        count: int | None = None,
        include_running_balance: bool | None = None,
    ) -> Iterator[SyncDelta]:
        """Yield what changed in an account since a cursor, page by page, until nothing is left.

        One request is made for each page, when it is asked for: apply a page and store its
        `next_cursor` before asking for the next.

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
        trail = CursorTrail()
        while True:
            delta = self.sync(
                account_id,
                cursor=cursor,
                count=count,
                include_running_balance=include_running_balance,
            )
            yield delta
            following = delta["next_cursor"]
            if not delta["has_more"]:
                return
            if cursor is not None:
                trail = trail.extended(cursor)
            if not following or trail.leads_to(following):
                raise InvalidResponseError(
                    "the sync cannot be continued: the server says that there is more and sends no "
                    f"new cursor; the last good cursor is {cursor!r}"
                )
            cursor = following

    @operation
    def sync_legacy(
        self,
        account_id: str,
        *,
        cursor: str | None = None,
        count: int | None = None,
        include_running_balance: bool | None = None,
    ) -> Call[SyncDelta]:
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
        path_segment("account_id", account_id)
        return Call(
            "POST",
            "/v2/transactions/sync",
            read_delta,
            body={
                "tesote_account_id": account_id,
                **_sync_body(cursor, count, include_running_balance),
            },
            changes_state=False,
        )

    @operation
    def bulk(
        self,
        account_ids: Sequence[str],
        *,
        page: int | None = None,
        per_page: int | None = None,
        limit: int | None = None,
        offset: int | None = None,
    ) -> Call[dict[str, Page[Transaction]]]:
        """Get the newest transactions of many accounts with one request.

        Args:
            account_ids: 1 to 100 accounts.
            page: The page to begin with, from 1.
            per_page: Transactions a page and account, 1 to 100.
            limit: Passed on to the server.
            offset: Passed on to the server.

        Returns:
            A page for each account, by the account's id. Going on from one of them lists that
            account alone, as `list_for_account` does.

        Raises:
            InvalidArgumentError: There are no ids or more than 100, or an argument cannot be sent;
                nothing was.
            UnprocessableContentError: The server rejected the ids.
            ApiError: The server refused.
            TransportError: There was no usable answer.
        """
        listed = isinstance(account_ids, Sequence) and not isinstance(account_ids, str)
        if not listed or not 1 <= len(account_ids) <= 100:
            raise InvalidArgumentError("account_ids must be a list of 1 to 100 ids")
        paths = {account_id: _transactions(account_id) for account_id in account_ids}
        size = whole_number("per_page", per_page, 1, 100)

        def read(response: Response) -> dict[str, Page[Transaction]]:
            sent = response.json
            results = sent.get("bulk_results") if isinstance(sent, dict) else None
            pages: dict[str, Page[Transaction]] = {}
            for result in results if isinstance(results, list) else ():
                account_id = result.get("account_id") if isinstance(result, dict) else None
                if isinstance(account_id, str) and account_id in paths:
                    filters = only_given(per_page=size)
                    listing = Listing(
                        self._transport,
                        paths[account_id],
                        filters,
                        TRANSACTION_CURSOR,
                        _NAMES,
                        None,
                    )
                    pages[account_id] = Page(listing, response, result, {})
            missing = ", ".join(paths.keys() - pages.keys())
            if missing:
                raise response.invalid(f"the answer holds no transactions of {missing}")
            return pages

        return Call(
            "POST",
            "/v2/transactions/bulk",
            read,
            body={
                "account_ids": list(account_ids),
                **only_given(
                    page=whole_number("page", page, 1),
                    per_page=size,
                    limit=whole_number("limit", limit, 1),
                    offset=whole_number("offset", offset, 0),
                ),
            },
            changes_state=False,
        )


def _transactions(account_id: str) -> str:
    return f"/v2/accounts/{path_segment('account_id', account_id)}/transactions"


def _filters(
    *,
    start_date: date | str | None,
    end_date: date | str | None,
    scope: TransactionScope | None,
    transaction_date_after: date | str | None,
    transaction_date_before: date | str | None,
    created_after: date | str | None,
    updated_after: date | str | None,
    amount_min: Amount | None,
    amount_max: Amount | None,
    amount: Amount | None,
    status: TransactionStatus | None,
    category_id: str | None,
    counterparty_id: str | None,
    type: str | None,
    reference_code: str | None,
) -> dict[str, Any]:
    """Return the query of the filters that every list of transactions takes."""
    return {
        "start_date": date_text("start_date", start_date),
        "end_date": date_text("end_date", end_date),
        "scope": scope,
        "transaction_date_after": date_text("transaction_date_after", transaction_date_after),
        "transaction_date_before": date_text("transaction_date_before", transaction_date_before),
        "created_after": moment_text("created_after", created_after),
        "updated_after": moment_text("updated_after", updated_after),
        "amount_min": optional_amount("amount_min", amount_min),
        "amount_max": optional_amount("amount_max", amount_max),
        "amount": optional_amount("amount", amount),
        "status": status,
        "category_id": category_id,
        "counterparty_id": counterparty_id,
        "type": type,
        "reference_code": reference_code,
    }


def _sync_body(
    cursor: str | None, count: int | None, include_running_balance: bool | None
) -> dict[str, Any]:
    options = only_given(include_running_balance=include_running_balance)
    return only_given(
        cursor=cursor, count=whole_number("count", count, 1, 1000), options=options or None
    )
