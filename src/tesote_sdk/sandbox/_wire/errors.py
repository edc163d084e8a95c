"""The refusals of the API: codes, their statuses, and the envelopes they travel in."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any, Optional

from .._settings import ErrorStyle
from .messages import Headers, Reply

#: HTTP status of each `error_code` of the API.
ERROR_STATUSES = {
    "UNAUTHORIZED": 401,
    "API_KEY_REVOKED": 401,
    "WORKSPACE_SUSPENDED": 403,
    "ACCOUNT_DISABLED": 403,
    "HISTORY_SYNC_FORBIDDEN": 403,
    "ACCOUNT_NOT_FOUND": 404,
    "TRANSACTION_NOT_FOUND": 404,
    "SYNC_SESSION_NOT_FOUND": 404,
    "BANK_CONNECTION_NOT_FOUND": 404,
    "TRANSACTION_ORDER_NOT_FOUND": 404,
    "BATCH_NOT_FOUND": 404,
    "PAYMENT_METHOD_NOT_FOUND": 404,
    "CATEGORY_NOT_FOUND": 404,
    "COUNTERPARTY_NOT_FOUND": 404,
    "LEGAL_ENTITY_NOT_FOUND": 404,
    "WEBHOOK_NOT_FOUND": 404,
    "MUTATION_CONFLICT": 409,
    "SYNC_IN_PROGRESS": 409,
    "INVALID_ORDER_STATE": 409,
    "VALIDATION_ERROR": 400,
    "BATCH_VALIDATION_ERROR": 400,
    "UNPROCESSABLE_CONTENT": 422,
    "INVALID_DATE_RANGE": 422,
    "MISSING_DATE_RANGE": 422,
    "INVALID_CURSOR": 422,
    "INVALID_COUNT": 422,
    "INVALID_LIMIT": 422,
    "INVALID_QUERY": 422,
    "BANK_SUBMISSION_ERROR": 422,
    "RATE_LIMIT_EXCEEDED": 429,
    "SYNC_RATE_LIMIT_EXCEEDED": 429,
    "INTERNAL_ERROR": 500,
    "BANK_UNDER_MAINTENANCE": 503,
}


class Refusal(Exception):  # noqa: N818 - the server's "no" is an answer, not a fault of the sandbox
    """A handler's "no". Becomes the error response.

    Args:
        message: The text for a person.
        code: The `error_code`; None for the few refusals that have none.
        status: The HTTP status; None takes that of the code.
        retry_after: Seconds; goes into the body and into `Retry-After`.
        headers: More header fields; a `Retry-After` among them stands.
        members: More members of the body: `details`, `quota_info`, `current_session_id`...
    """

    def __init__(
        self,
        message: str,
        code: Optional[str] = None,
        *,
        status: Optional[int] = None,
        retry_after: Optional[float] = None,
        headers: Optional[dict[str, str]] = None,
        **members: Any,
    ) -> None:
        super().__init__(message)
        self.message: str = message
        self.code: Optional[str] = code
        self.status: int = status or ERROR_STATUSES[code or "INTERNAL_ERROR"]
        self.retry_after: Optional[float] = retry_after
        self.headers: Mapping[str, str] = headers or {}
        self.members: Mapping[str, Any] = members

    def reply(self, style: ErrorStyle) -> Reply:
        """The error response in one of the envelopes that the API is known to use."""
        headers = dict(self.headers)
        if self.retry_after is not None and "Retry-After" not in Headers(headers.items()):
            headers["Retry-After"] = str(self.retry_after)
        return Reply(self.status, self._envelope(style), headers=headers)

    def _envelope(self, style: ErrorStyle) -> dict[str, Any]:
        retry_after = {} if self.retry_after is None else {"retry_after": self.retry_after}
        code = self.code
        if style == "text":
            return {"error": self.message, **retry_after}
        if style == "slug":
            slug = (code or "error").lower()
            return {"error": slug, "message": self.message, **retry_after, **self.members}
        if style == "connector":
            label = code or f"HTTP_{self.status}"
            return {"error": label, "message": self.message, **retry_after, **self.members}
        coded = {} if code is None else {"error_code": code}
        error_id = str(uuid.uuid4())
        return {
            "error": self.message,
            **coded,
            "error_id": error_id,
            **retry_after,
            **self.members,
        }


def validation_error(message: str, **details: list[str]) -> Refusal:
    """400 VALIDATION_ERROR; `details` maps each bad field to what is wrong with it."""
    return Refusal(message, "VALIDATION_ERROR", details=details)


def unprocessable(message: str) -> Refusal:
    """422 UNPROCESSABLE_CONTENT."""
    return Refusal(message, "UNPROCESSABLE_CONTENT")
