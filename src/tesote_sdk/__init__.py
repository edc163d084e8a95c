"""The Python SDK for the equipo.tesote.com treasury API."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._version import __version__
from .errors import (
    AccountDisabledError,
    AccountNotFoundError,
    ApiError,
    ApiKeyRevokedError,
    BadRequestError,
    BankConnectionNotFoundError,
    BankSubmissionError,
    BankUnderMaintenanceError,
    BatchNotFoundError,
    BatchValidationError,
    CategoryNotFoundError,
    ConfigError,
    ConflictError,
    CounterpartyNotFoundError,
    EndpointRemovedError,
    ForbiddenError,
    HistorySyncForbiddenError,
    InternalError,
    InvalidArgumentError,
    InvalidCountError,
    InvalidCursorError,
    InvalidDateRangeError,
    InvalidLimitError,
    InvalidOrderStateError,
    InvalidQueryError,
    InvalidResponseError,
    LegalEntityNotFoundError,
    MissingDateRangeError,
    MutationDuringPaginationError,
    NetworkError,
    NotFoundError,
    PaymentMethodNotFoundError,
    RateLimitExceededError,
    ServerError,
    ServiceUnavailableError,
    SyncFailedError,
    SyncInProgressError,
    SyncRateLimitExceededError,
    SyncSessionNotFoundError,
    TesoteError,
    TimeoutError,
    TlsError,
    TransactionNotFoundError,
    TransactionOrderNotFoundError,
    TransportError,
    UnauthorizedError,
    UnprocessableContentError,
    ValidationError,
    WebhookNotFoundError,
    WebhookSignatureError,
    WorkspaceSuspendedError,
)

if TYPE_CHECKING:
    from .pagination import Page
    from .transport import CacheBackend, InMemoryLRUCache, RateLimiter, RetryPolicy
    from .v1 import V1Client
    from .v2 import V2Client

__all__ = [
    "AccountDisabledError",
    "AccountNotFoundError",
    "ApiError",
    "ApiKeyRevokedError",
    "BadRequestError",
    "BankConnectionNotFoundError",
    "BankSubmissionError",
    "BankUnderMaintenanceError",
    "BatchNotFoundError",
    "BatchValidationError",
    "CacheBackend",
    "CategoryNotFoundError",
    "ConfigError",
    "ConflictError",
    "CounterpartyNotFoundError",
    "EndpointRemovedError",
    "ForbiddenError",
    "HistorySyncForbiddenError",
    "InMemoryLRUCache",
    "InternalError",
    "InvalidArgumentError",
    "InvalidCountError",
    "InvalidCursorError",
    "InvalidDateRangeError",
    "InvalidLimitError",
    "InvalidOrderStateError",
    "InvalidQueryError",
    "InvalidResponseError",
    "LegalEntityNotFoundError",
    "MissingDateRangeError",
    "MutationDuringPaginationError",
    "NetworkError",
    "NotFoundError",
    "Page",
    "PaymentMethodNotFoundError",
    "RateLimitExceededError",
    "RateLimiter",
    "RetryPolicy",
    "ServerError",
    "ServiceUnavailableError",
    "SyncFailedError",
    "SyncInProgressError",
    "SyncRateLimitExceededError",
    "SyncSessionNotFoundError",
    "TesoteError",
    "TimeoutError",
    "TlsError",
    "TransactionNotFoundError",
    "TransactionOrderNotFoundError",
    "TransportError",
    "UnauthorizedError",
    "UnprocessableContentError",
    "V1Client",
    "V2Client",
    "ValidationError",
    "WebhookNotFoundError",
    "WebhookSignatureError",
    "WorkspaceSuspendedError",
    "__version__",
]

_HOMES = {
    "CacheBackend": "transport",
    "InMemoryLRUCache": "transport",
    "Page": "pagination",
    "RateLimiter": "transport",
    "RetryPolicy": "transport",
    "V1Client": "v1",
    "V2Client": "v2",
}


def __getattr__(name: str) -> object:
    """Load a client, and what belongs to it, when it is first asked for (PEP 562)."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """Name also what is not loaded yet."""
    return sorted({*globals(), *__all__})
