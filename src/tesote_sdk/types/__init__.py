"""The types of what the API returns and takes.

Results are plain dicts; these types say which keys they have, to editors and type checkers. A key
that the server always sends is required, any other is optional: read it with `.get()`. A key that
is not listed here is kept all the same. Enumerations admit any `str`, so that a value which the
server adds later is no error.
"""

from __future__ import annotations

from tesote_sdk.types.accounts import (
    Account,
    AccountData,
    Bank,
    LegalEntity,
)
from tesote_sdk.types.ids import Id
from tesote_sdk.types.money import (
    Amount,
    JSONNumber,
    ReceivedAmount,
)
from tesote_sdk.types.pagination import (
    CursorPagination,
    MetaPagination,
    OffsetPagination,
    PagePagination,
)
from tesote_sdk.types.payments import (
    AttemptStatus,
    Batch,
    BatchApproved,
    BatchCancelled,
    BatchCreated,
    BatchOrder,
    BatchOrderError,
    BatchStatus,
    BatchSubmitted,
    Beneficiary,
    CounterpartyInput,
    OrderAttempt,
    OrderDestination,
    OrderFee,
    OrderStatus,
    OrderTesoteTransaction,
    PaymentMethod,
    PaymentMethodAccount,
    PaymentMethodCounterparty,
    PaymentMethodType,
    SourceAccount,
    TransactionOrder,
)
from tesote_sdk.types.status import (
    RateLimitTier,
    Status,
    StatusClientInfo,
    StatusSystemInfo,
    WhoAmI,
    WhoAmIClient,
    WhoAmIClientType,
)
from tesote_sdk.types.sync import (
    AccountSyncStarted,
    SyncDelta,
    SyncRemoved,
    SyncSession,
    SyncSessionError,
    SyncSessionPerformance,
    SyncSessionStatus,
    SyncTransaction,
)
from tesote_sdk.types.transactions import (
    BulkAccountResult,
    BulkResult,
    ExportFormat,
    Transaction,
    TransactionCategory,
    TransactionCounterparty,
    TransactionData,
    TransactionScope,
    TransactionStatus,
)

__all__ = [
    "Account",
    "AccountData",
    "AccountSyncStarted",
    "Amount",
    "AttemptStatus",
    "Bank",
    "Batch",
    "BatchApproved",
    "BatchCancelled",
    "BatchCreated",
    "BatchOrder",
    "BatchOrderError",
    "BatchStatus",
    "BatchSubmitted",
    "Beneficiary",
    "BulkAccountResult",
    "BulkResult",
    "CounterpartyInput",
    "CursorPagination",
    "ExportFormat",
    "Id",
    "JSONNumber",
    "LegalEntity",
    "MetaPagination",
    "OffsetPagination",
    "OrderAttempt",
    "OrderDestination",
    "OrderFee",
    "OrderStatus",
    "OrderTesoteTransaction",
    "PagePagination",
    "PaymentMethod",
    "PaymentMethodAccount",
    "PaymentMethodCounterparty",
    "PaymentMethodType",
    "RateLimitTier",
    "ReceivedAmount",
    "SourceAccount",
    "Status",
    "StatusClientInfo",
    "StatusSystemInfo",
    "SyncDelta",
    "SyncRemoved",
    "SyncSession",
    "SyncSessionError",
    "SyncSessionPerformance",
    "SyncSessionStatus",
    "SyncTransaction",
    "Transaction",
    "TransactionCategory",
    "TransactionCounterparty",
    "TransactionData",
    "TransactionOrder",
    "TransactionScope",
    "TransactionStatus",
    "WhoAmI",
    "WhoAmIClient",
    "WhoAmIClientType",
]
