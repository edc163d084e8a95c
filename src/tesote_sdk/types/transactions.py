"""Bank transactions, as the list, search, bulk and get endpoints send them.

The incremental sync has a shape of its own: see `tesote_sdk.types.sync`.
Source: https://equipo.tesote.com/api/docs?version=v2, "Transactions".
"""

from typing import Literal, Optional, Union

from tesote_sdk.types._typed_dict import TypedDict
from tesote_sdk.types.pagination import CursorPagination

# Where a transaction stands. `pending` becomes `completed` by ageing (36 business hours);
# `pending_confirmation` belongs to a transaction that a payment order created.
TransactionStatus = Union[
    Literal["pending", "completed", "pending_confirmation", "posted", "failed", "cancelled"], str
]

# Which transactions a list holds: `deleted` for those removed in the range, nothing for the rest.
TransactionScope = Union[Literal["deleted"], str]

# The file formats of an export.
ExportFormat = Literal["csv", "json"]


class TransactionCategory(TypedDict):
    """A category that a user, or a rule, put on a transaction.

    Attributes:
        name: Display name.
        external_category_code: The customer's code for it in another system, such as a ledger
            account; None when there is none.
        created_at: ISO 8601 timestamp with milliseconds.
        updated_at: ISO 8601 timestamp with milliseconds.
    """

    name: str
    external_category_code: Optional[str]
    created_at: str
    updated_at: str


class TransactionCounterparty(TypedDict, total=False):
    """The other party of a transaction. Every key may be missing.

    Attributes:
        name: Display name.
        id: UUID of the counterparty.
        account_number: The other party's account number.
    """

    name: Optional[str]
    id: Optional[str]
    account_number: Optional[str]


class _TransactionDataRequired(TypedDict):
    amount_cents: int
    currency: str
    description: Optional[str]
    transaction_date: Optional[str]


class TransactionData(_TransactionDataRequired, total=False):
    """What the bank said about a transaction.

    Attributes:
        amount_cents: Signed amount in cents: negative is a debit (money out), positive a credit
            (money in).
        currency: Currency code, such as `USD` or `VES`.
        description: The bank's text.
        transaction_date: The bank's date, `YYYY-MM-DD`.
        created_at: ISO 8601 timestamp; when the transaction came to be.
        created_at_date: The date part of `created_at`, `YYYY-MM-DD`; take the first ten
            characters, since a whole timestamp is possible.
        note: What a user wrote on it.
        external_service_id: Its id at the bank or at the provider between.
        running_balance_cents: The account's balance after it, signed, in cents. Absent unless the
            workspace has running balances switched on.
    """

    created_at: Optional[str]
    created_at_date: Optional[str]
    note: Optional[str]
    external_service_id: Optional[str]
    running_balance_cents: Optional[int]


class _TransactionRequired(TypedDict):
    id: str
    status: TransactionStatus
    data: TransactionData
    tesote_imported_at: str
    tesote_updated_at: str


class Transaction(_TransactionRequired, total=False):
    """A bank transaction.

    Attributes:
        id: UUID of the transaction; it stays the same while the status changes.
        status: Where it stands; values unknown to this SDK are possible.
        data: Amount, date and text.
        tesote_imported_at: ISO 8601 timestamp; when Tesote first imported it.
        tesote_updated_at: ISO 8601 timestamp; when Tesote last changed it.
        transaction_categories: Its categories, maybe none. Missing from the items of v1 lists.
        counterparty: The other party; None when unknown. Missing from the items of v1 lists.
        account_id: UUID of its account. Documented in one place and rarely sent.
        tesote_created_at: ISO 8601 timestamp. Documented in one place and rarely sent; prefer
            `tesote_imported_at`.
    """

    transaction_categories: list[TransactionCategory]
    counterparty: Optional[TransactionCounterparty]
    account_id: str
    tesote_created_at: str


class BulkAccountResult(TypedDict):
    """One account's share of a bulk request.

    Attributes:
        account_id: UUID of the account.
        transactions: This page of its transactions, newest first.
        pagination: Where this account's next page begins.
    """

    account_id: str
    transactions: list[Transaction]
    pagination: CursorPagination


class BulkResult(TypedDict):
    """Transactions of several accounts at once.

    Attributes:
        bulk_results: One member for each account that was asked for.
    """

    bulk_results: list[BulkAccountResult]
