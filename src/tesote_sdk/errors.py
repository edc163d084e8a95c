"""Every error that the SDK raises, and the one table that picks a class for a refusal.

The server's `error_code` decides, or else the status (equipo.tesote.com/api/docs?version=v2). Catch
`TesoteError` for everything, `ApiError` for a refusal, `TransportError` for no usable answer.
"""

from __future__ import annotations

import builtins
from typing import Any, Literal, Optional

from ._error_base import TesoteError
from ._hints import ErrorAttributes, Unpack, types

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
    "CategoryNotFoundError",
    "ConfigError",
    "ConflictError",
    "CounterpartyNotFoundError",
    "EndpointRemovedError",
    "ForbiddenError",
    "HistorySyncForbiddenError",
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
    "PaymentMethodNotFoundError",
    "RateLimitExceededError",
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
    "ValidationError",
    "WebhookNotFoundError",
    "WebhookSignatureError",
    "WorkspaceSuspendedError",
    "classify_api_error",
]


class ConfigError(TesoteError):
    """The client's settings cannot work, or the client is closed."""

    _client_side_code = "CONFIG"


class InvalidArgumentError(TesoteError, ValueError):
    """An argument cannot be sent; nothing was sent."""


class EndpointRemovedError(TesoteError):
    """The API no longer has this endpoint (HTTP 410); the message names what replaces it."""

    _client_side_code = "ENDPOINT_REMOVED"


class SyncFailedError(TesoteError):
    """A bank sync that was waited for has failed.

    Attributes:
        session: The sync session as it ended; its `error` says why.
    """

    def __init__(
        self,
        message: str,
        known: Optional[dict[str, Any]] = None,
        /,
        *,
        session: Optional[types.SyncSession] = None,
        **others: Unpack[ErrorAttributes],
    ) -> None:
        self.session: Optional[types.SyncSession] = session
        super().__init__(message, known, **others)


class WebhookSignatureError(TesoteError):
    """A webhook delivery is not what the API signed; do not act on it."""


class TransportError(TesoteError):
    """No usable response came back."""


class NetworkError(TransportError):
    """The server was not reached, or the connection was lost."""

    _client_side_code = "NETWORK_ERROR"


class TimeoutError(TransportError, builtins.TimeoutError):
    """The server took too long.

    Attributes:
        phase: The timeout that passed: `connect` (TLS too), `read` or `total` (with all attempts).
    """

    _client_side_code = "TIMEOUT"

    def __init__(
        self,
        message: str,
        known: Optional[dict[str, Any]] = None,
        /,
        *,
        phase: Literal["connect", "read", "total"] = "read",
        **others: Unpack[ErrorAttributes],
    ) -> None:
        self.phase: Literal["connect", "read", "total"] = phase
        super().__init__(message, known, **others)


class TlsError(TransportError):
    """The TLS handshake failed, or the server's certificate was refused."""

    _client_side_code = "TLS_ERROR"


class InvalidResponseError(TransportError):
    """The answer is not HTTP, not JSON, or not of the expected shape."""


class ApiError(TesoteError):
    """The server refused the request."""


class BadRequestError(ApiError):
    """400: the request is malformed."""


class ValidationError(BadRequestError):
    """VALIDATION_ERROR: the payload was rejected (409 when a payment method is in use)."""


class BatchValidationError(BadRequestError):
    """BATCH_VALIDATION_ERROR: at least one order of the batch was rejected."""


class UnauthorizedError(ApiError):
    """401 or UNAUTHORIZED: the API key is missing, malformed or unknown."""


class ApiKeyRevokedError(UnauthorizedError):
    """API_KEY_REVOKED: the API key used to be valid."""


class ForbiddenError(ApiError):
    """403: the API key may not do this."""


class WorkspaceSuspendedError(ForbiddenError):
    """WORKSPACE_SUSPENDED: the whole workspace is blocked."""


class AccountDisabledError(ForbiddenError):
    """ACCOUNT_DISABLED: the account is turned off."""


class HistorySyncForbiddenError(ForbiddenError):
    """HISTORY_SYNC_FORBIDDEN: the sync starts too far back; start with the cursor `now`."""


class NotFoundError(ApiError):
    """404: it does not exist, or not for this API key."""


class AccountNotFoundError(NotFoundError):
    """ACCOUNT_NOT_FOUND."""


class TransactionNotFoundError(NotFoundError):
    """TRANSACTION_NOT_FOUND."""


class SyncSessionNotFoundError(NotFoundError):
    """SYNC_SESSION_NOT_FOUND."""


class BankConnectionNotFoundError(NotFoundError):
    """BANK_CONNECTION_NOT_FOUND: the account has no live connection to its bank."""


class TransactionOrderNotFoundError(NotFoundError):
    """TRANSACTION_ORDER_NOT_FOUND."""


class BatchNotFoundError(NotFoundError):
    """BATCH_NOT_FOUND."""


class PaymentMethodNotFoundError(NotFoundError):
    """PAYMENT_METHOD_NOT_FOUND: unknown or deleted."""


class CategoryNotFoundError(NotFoundError):
    """CATEGORY_NOT_FOUND."""


class CounterpartyNotFoundError(NotFoundError):
    """COUNTERPARTY_NOT_FOUND."""


class LegalEntityNotFoundError(NotFoundError):
    """LEGAL_ENTITY_NOT_FOUND."""


class WebhookNotFoundError(NotFoundError):
    """WEBHOOK_NOT_FOUND."""


class ConflictError(ApiError):
    """409: the request conflicts with the current state."""


class MutationDuringPaginationError(ConflictError):
    """MUTATION_CONFLICT: the data changed while it was being read; start again."""


class SyncInProgressError(ConflictError):
    """SYNC_IN_PROGRESS: a bank sync is running already.

    Attributes:
        current_session_id: The session to wait for, or None if the server did not say.
    """

    def __init__(
        self,
        message: str,
        known: Optional[dict[str, Any]] = None,
        /,
        **others: Unpack[ErrorAttributes],
    ) -> None:
        super().__init__(message, known, **others)
        session_id = (self.envelope or {}).get("current_session_id")
        self.current_session_id: Optional[str] = session_id if isinstance(session_id, str) else None


class InvalidOrderStateError(ConflictError):
    """INVALID_ORDER_STATE: the order's status does not allow this now."""


class UnprocessableContentError(ApiError):
    """422 or UNPROCESSABLE_CONTENT, and 415: understood, but the content was rejected."""


class InvalidDateRangeError(UnprocessableContentError):
    """INVALID_DATE_RANGE: start after end, a window too wide, or only one bound."""


class MissingDateRangeError(UnprocessableContentError):
    """MISSING_DATE_RANGE: a start and an end date are needed."""


class InvalidCursorError(UnprocessableContentError):
    """INVALID_CURSOR: malformed, expired, or another account's."""


class InvalidCountError(UnprocessableContentError):
    """INVALID_COUNT: outside what a sync may ask for."""


class InvalidLimitError(UnprocessableContentError):
    """INVALID_LIMIT: above the endpoint's maximum."""


class InvalidQueryError(UnprocessableContentError):
    """INVALID_QUERY: the search text is missing or malformed."""


class BankSubmissionError(UnprocessableContentError):
    """BANK_SUBMISSION_ERROR: the bank refused the order."""


class RateLimitExceededError(ApiError):
    """429 or RATE_LIMIT_EXCEEDED: too many requests; wait `retry_after` seconds."""


class SyncRateLimitExceededError(RateLimitExceededError):
    """SYNC_RATE_LIMIT_EXCEEDED: the bank was synced too recently; wait `retry_after` seconds."""


class ServerError(ApiError):
    """5xx: the server failed."""


class InternalError(ServerError):
    """500 or INTERNAL_ERROR: the server failed; quote `error_id` to support."""


class ServiceUnavailableError(ServerError):
    """503 or SERVICE_UNAVAILABLE: the API is paused."""


class BankUnderMaintenanceError(ServerError):
    """BANK_UNDER_MAINTENANCE: the bank is down; wait `retry_after` seconds."""


_BY_CODE: dict[str, type[ApiError]] = {
    "ACCOUNT_DISABLED": AccountDisabledError,
    "ACCOUNT_NOT_FOUND": AccountNotFoundError,
    "API_KEY_REVOKED": ApiKeyRevokedError,
    "BANK_CONNECTION_NOT_FOUND": BankConnectionNotFoundError,
    "BANK_SUBMISSION_ERROR": BankSubmissionError,
    "BANK_UNDER_MAINTENANCE": BankUnderMaintenanceError,
    "BATCH_NOT_FOUND": BatchNotFoundError,
    "BATCH_VALIDATION_ERROR": BatchValidationError,
    "CATEGORY_NOT_FOUND": CategoryNotFoundError,
    "COUNTERPARTY_NOT_FOUND": CounterpartyNotFoundError,
    "HISTORY_SYNC_FORBIDDEN": HistorySyncForbiddenError,
    "INTERNAL_ERROR": InternalError,
    "INVALID_COUNT": InvalidCountError,
    "INVALID_CURSOR": InvalidCursorError,
    "INVALID_DATE_RANGE": InvalidDateRangeError,
    "INVALID_LIMIT": InvalidLimitError,
    "INVALID_ORDER_STATE": InvalidOrderStateError,
    "INVALID_QUERY": InvalidQueryError,
    "LEGAL_ENTITY_NOT_FOUND": LegalEntityNotFoundError,
    "MISSING_DATE_RANGE": MissingDateRangeError,
    "MUTATION_CONFLICT": MutationDuringPaginationError,
    "PAYMENT_METHOD_NOT_FOUND": PaymentMethodNotFoundError,
    "RATE_LIMIT_EXCEEDED": RateLimitExceededError,
    "SERVICE_UNAVAILABLE": ServiceUnavailableError,
    "SYNC_IN_PROGRESS": SyncInProgressError,
    "SYNC_RATE_LIMIT_EXCEEDED": SyncRateLimitExceededError,
    "SYNC_SESSION_NOT_FOUND": SyncSessionNotFoundError,
    "TRANSACTION_NOT_FOUND": TransactionNotFoundError,
    "TRANSACTION_ORDER_NOT_FOUND": TransactionOrderNotFoundError,
    "UNAUTHORIZED": UnauthorizedError,
    "UNPROCESSABLE_CONTENT": UnprocessableContentError,
    "VALIDATION_ERROR": ValidationError,
    "WEBHOOK_NOT_FOUND": WebhookNotFoundError,
    "WORKSPACE_SUSPENDED": WorkspaceSuspendedError,
}

_FAMILIES: dict[int, type[TesoteError]] = {
    **dict.fromkeys(range(500, 600), ServerError),
    **dict.fromkeys((415, 422), UnprocessableContentError),
    400: BadRequestError,
    401: UnauthorizedError,
    403: ForbiddenError,
    404: NotFoundError,
    409: ConflictError,
    410: EndpointRemovedError,
    429: RateLimitExceededError,
}
_BY_STATUS = {**_FAMILIES, 500: InternalError, 503: ServiceUnavailableError}


def classify_api_error(error_code: Optional[str], http_status: int) -> type[TesoteError]:
    """Return the class of error for a refusal; whatever it is given, it does not raise.

    Args:
        error_code: The response's code, or None; a known one decides, whatever the status.
        http_status: The response's status; it decides if the code is unknown.
    """
    status = http_status if isinstance(http_status, int) else 0
    code = known_code(error_code, status)
    return _BY_CODE[code] if code else _BY_STATUS.get(status, ApiError)


def known_code(error_code: object, http_status: int) -> Optional[str]:
    """Return the code of the table that the server means, or None if it means none."""
    if not isinstance(error_code, str):
        return None
    # Some endpoints send lower case; that counts only in the family of its own status.
    code = error_code.upper() if error_code.islower() else error_code
    family = _FAMILIES.get(http_status, ())
    is_known = code in _BY_CODE and (code == error_code or issubclass(_BY_CODE[code], family))
    return code if is_known else None
