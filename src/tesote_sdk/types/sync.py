"""Bank syncs (the bank is asked for news) and transaction deltas (what changed since a cursor).

Source: https://equipo.tesote.com/api/docs?version=v2, "Sync".
"""

from typing import Literal, Optional, Union

from tesote_sdk.types._typed_dict import TypedDict
from tesote_sdk.types.money import JSONNumber

# Where a bank sync stands. `completed`, `failed` and `skipped` are final.
SyncSessionStatus = Union[Literal["pending", "started", "completed", "failed", "skipped"], str]


class _SyncTransactionRequired(TypedDict):
    transaction_id: str
    account_id: str
    amount: JSONNumber
    iso_currency_code: str
    date: str
    name: str
    pending: bool
    category: list[str]


class SyncTransaction(_SyncTransactionRequired, total=False):
    """A transaction as the incremental sync sends it.

    Attributes:
        transaction_id: UUID; the `id` of the same transaction everywhere else.
        account_id: UUID of its account.
        amount: Signed amount in currency units, not cents: negative is a debit (money out),
            positive a credit (money in). Plaid, whose shape this resembles, has it the other way.
        iso_currency_code: Currency code, such as `USD` or `VES`.
        date: The transaction's date, `YYYY-MM-DD`; take the first ten characters, since a whole
            timestamp is possible.
        name: The bank's text.
        pending: True while the transaction may still change or go away.
        category: Names of its categories, maybe none.
        unofficial_currency_code: Usually the same code.
        datetime: ISO 8601 timestamp, when the moment is known.
        merchant_name: The other party, when known.
        running_balance_cents: The account's balance after it, signed, in cents. Sent when running
            balances were asked for and the workspace has them switched on.
    """

    unofficial_currency_code: Optional[str]
    datetime: Optional[str]
    merchant_name: Optional[str]
    running_balance_cents: Optional[int]


class _SyncRemovedRequired(TypedDict):
    transaction_id: str


class SyncRemoved(_SyncRemovedRequired, total=False):
    """A transaction that is gone.

    Attributes:
        transaction_id: UUID of the transaction to delete.
        account_id: UUID of its account.
    """

    account_id: str


class SyncDelta(TypedDict):
    """What changed since a cursor. Apply `removed`, then `modified`, then `added`.

    Upsert by `transaction_id`: the same id comes back in `modified` when it stops being pending,
    and applying a delta twice is harmless.

    Attributes:
        added: Transactions that are new.
        modified: Transactions that changed.
        removed: Transactions that are gone.
        next_cursor: Where to continue. Store it once the delta is stored; when it is None, keep
            the previous one.
        has_more: True while there is more to fetch at once.
    """

    added: list[SyncTransaction]
    modified: list[SyncTransaction]
    removed: list[SyncRemoved]
    next_cursor: Optional[str]
    has_more: bool


class AccountSyncStarted(TypedDict):
    """A bank sync that was accepted and runs in the background.

    Attributes:
        message: A sentence for people.
        sync_session_id: UUID of the sync session to wait for.
        status: `pending`, as a rule.
        started_at: ISO 8601 timestamp.
    """

    message: str
    sync_session_id: str
    status: SyncSessionStatus
    started_at: str


class SyncSessionError(TypedDict):
    """Why a bank sync failed.

    Attributes:
        type: The kind of failure, such as `InvalidCredentials`.
        message: A sentence for people.
    """

    type: str
    message: str


class SyncSessionPerformance(TypedDict):
    """How a bank sync went.

    Attributes:
        total_duration: How long it took; the unit is not documented, the figures look like seconds.
        complexity_score: A score of how much there was to do.
        sync_speed_score: A score of how fast it was done.
    """

    total_duration: JSONNumber
    complexity_score: JSONNumber
    sync_speed_score: JSONNumber


class _SyncSessionRequired(TypedDict):
    id: str
    status: SyncSessionStatus
    started_at: Optional[str]
    completed_at: Optional[str]
    transactions_synced: int
    accounts_count: int


class SyncSession(_SyncSessionRequired, total=False):
    """One run of a bank sync.

    Attributes:
        id: UUID of the session.
        status: Where it stands; `completed`, `failed` and `skipped` are final.
        started_at: ISO 8601 timestamp; None before the run has begun.
        completed_at: ISO 8601 timestamp; None while it runs.
        transactions_synced: How many transactions it brought.
        accounts_count: How many accounts the bank login reached.
        error: Why it failed; None or missing unless it did.
        performance: How it went; None or missing while it runs, or if it was not measured.
    """

    error: Optional[SyncSessionError]
    performance: Optional[SyncSessionPerformance]
