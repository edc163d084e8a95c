"""The tree of errors, the table behind it, and what every error promises of itself."""

from __future__ import annotations

import builtins
import subprocess
import sys
from pathlib import Path
from typing import Any, cast

import pytest

from tesote_sdk import errors
from tesote_sdk.errors import (
    ApiError,
    ConfigError,
    EndpointRemovedError,
    InvalidArgumentError,
    SyncInProgressError,
    TesoteError,
    TimeoutError,
    classify_api_error,
)

TREE = """
TesoteError
  ConfigError
  InvalidArgumentError
  EndpointRemovedError
  SyncFailedError
  WebhookSignatureError
  TransportError
    NetworkError
    TimeoutError
    TlsError
    InvalidResponseError
  ApiError
    BadRequestError
      ValidationError VALIDATION_ERROR 400
      BatchValidationError BATCH_VALIDATION_ERROR 400
    UnauthorizedError UNAUTHORIZED 401
      ApiKeyRevokedError API_KEY_REVOKED 401
    ForbiddenError
      WorkspaceSuspendedError WORKSPACE_SUSPENDED 403
      AccountDisabledError ACCOUNT_DISABLED 403
      HistorySyncForbiddenError HISTORY_SYNC_FORBIDDEN 403
    NotFoundError
      AccountNotFoundError ACCOUNT_NOT_FOUND 404
      TransactionNotFoundError TRANSACTION_NOT_FOUND 404
      SyncSessionNotFoundError SYNC_SESSION_NOT_FOUND 404
      BankConnectionNotFoundError BANK_CONNECTION_NOT_FOUND 404
      TransactionOrderNotFoundError TRANSACTION_ORDER_NOT_FOUND 404
      BatchNotFoundError BATCH_NOT_FOUND 404
      PaymentMethodNotFoundError PAYMENT_METHOD_NOT_FOUND 404
      CategoryNotFoundError CATEGORY_NOT_FOUND 404
      CounterpartyNotFoundError COUNTERPARTY_NOT_FOUND 404
      LegalEntityNotFoundError LEGAL_ENTITY_NOT_FOUND 404
      WebhookNotFoundError WEBHOOK_NOT_FOUND 404
    ConflictError
      MutationDuringPaginationError MUTATION_CONFLICT 409
      SyncInProgressError SYNC_IN_PROGRESS 409
      InvalidOrderStateError INVALID_ORDER_STATE 409
    UnprocessableContentError UNPROCESSABLE_CONTENT 422
      InvalidDateRangeError INVALID_DATE_RANGE 422
      MissingDateRangeError MISSING_DATE_RANGE 422
      InvalidCursorError INVALID_CURSOR 422
      InvalidCountError INVALID_COUNT 422
      InvalidLimitError INVALID_LIMIT 422
      InvalidQueryError INVALID_QUERY 422
      BankSubmissionError BANK_SUBMISSION_ERROR 422
    RateLimitExceededError RATE_LIMIT_EXCEEDED 429
      SyncRateLimitExceededError SYNC_RATE_LIMIT_EXCEEDED 429
    ServerError
      InternalError INTERNAL_ERROR 500
      ServiceUnavailableError SERVICE_UNAVAILABLE 503
      BankUnderMaintenanceError BANK_UNDER_MAINTENANCE 503
"""

STATUSES = {
    400: "BadRequestError",
    401: "UnauthorizedError",
    403: "ForbiddenError",
    404: "NotFoundError",
    409: "ConflictError",
    410: "EndpointRemovedError",
    415: "UnprocessableContentError",
    422: "UnprocessableContentError",
    429: "RateLimitExceededError",
    500: "InternalError",
    501: "ServerError",
    502: "ServerError",
    503: "ServiceUnavailableError",
    504: "ServerError",
    599: "ServerError",
    600: "ApiError",
    418: "ApiError",
    302: "ApiError",
    0: "ApiError",
    -1: "ApiError",
}


def named(name: str) -> type[TesoteError]:
    return cast("type[TesoteError]", getattr(errors, name))


def tree() -> list[tuple[type[TesoteError], str, list[str]]]:
    """Return each class of the tree with its parent's name, and its code and status if any."""
    found = []
    parents = [""]
    for line in TREE.strip().splitlines():
        depth = (len(line) - len(line.lstrip())) // 2
        name, *code = line.split()
        parents[depth + 1 :] = [name]
        found.append((named(name), parents[depth] or "Exception", code))
    return found


CLASSES = [kind for kind, _, _ in tree()]
CODES = [(code[0], int(code[1]), kind) for kind, _, code in tree() if code]
REFUSALS = sorted({status for _, status, _ in CODES})


@pytest.mark.parametrize(("kind", "parent", "_code"), tree(), ids=lambda value: str(value))
def test_the_tree_is_as_documented(kind: type[TesoteError], parent: str, _code: list[str]) -> None:
    assert kind.__bases__[0].__name__ == parent
    assert kind.__module__ == "tesote_sdk.errors"
    assert kind.__doc__ or sys.flags.optimize > 1


def test_every_class_and_the_classifier_are_exported_and_sorted() -> None:
    assert errors.__all__ == [*sorted([kind.__name__ for kind in CLASSES]), "classify_api_error"]


def test_errors_are_the_builtin_kind_too_where_there_is_one() -> None:
    assert issubclass(TimeoutError, builtins.TimeoutError)
    assert issubclass(InvalidArgumentError, ValueError)


@pytest.mark.parametrize(("code", "status", "kind"), CODES)
def test_a_known_code_decides_whatever_the_status(
    code: str, status: int, kind: type[TesoteError]
) -> None:
    for any_status in (status, 200, 302, 400, 409, 410, 418, 500, 503):
        assert classify_api_error(code, any_status) is kind


@pytest.mark.parametrize("code", [None, "", "SOMETHING_NEW", "FORBIDDEN", "Validation_Error", "ñ"])
@pytest.mark.parametrize(("status", "name"), STATUSES.items())
def test_without_a_known_code_the_status_decides(code: str | None, status: int, name: str) -> None:
    assert classify_api_error(code, status) is named(name)


@pytest.mark.parametrize(("code", "status", "kind"), CODES)
def test_a_lower_case_code_counts_in_its_own_family_alone(
    code: str, status: int, kind: type[TesoteError]
) -> None:
    for other in [*REFUSALS, 410, 418, 302]:
        same_family = other == status or (status >= 500 and other >= 500)
        expected = kind if same_family else classify_api_error(None, other)
        assert classify_api_error(code.lower(), other) is expected


def test_a_415_takes_the_lower_case_codes_of_its_family() -> None:
    assert classify_api_error("invalid_query", 415) is errors.InvalidQueryError
    assert classify_api_error("not_found", 415) is errors.UnprocessableContentError


@pytest.mark.parametrize("code", [None, 7, ["UNAUTHORIZED"], {}, b"UNAUTHORIZED", "X" * 100_000])
@pytest.mark.parametrize("status", [None, "404", [404], 404.5, 10**400, True])
def test_nothing_makes_the_classifier_raise(code: Any, status: Any) -> None:
    assert classify_api_error(code, status) is ApiError


@pytest.mark.parametrize("kind", CLASSES)
def test_what_does_not_apply_is_none(kind: type[TesoteError]) -> None:
    error = kind("Went wrong")
    assert kind(*error.args).to_dict() == error.to_dict()
    assert error.message == "Went wrong"
    assert error.outcome_unknown is False
    others = set(vars(error)) - {"message", "outcome_unknown", "error_code", "phase"}
    assert {name: getattr(error, name) for name in others} == dict.fromkeys(others)


def test_failures_on_this_side_have_a_code_of_their_own() -> None:
    codes = {kind.__name__: kind("x").error_code for kind in CLASSES if kind("x").error_code}
    assert codes == {
        "ConfigError": "CONFIG",
        "EndpointRemovedError": "ENDPOINT_REMOVED",
        "NetworkError": "NETWORK_ERROR",
        "TimeoutError": "TIMEOUT",
        "TlsError": "TLS_ERROR",
    }
    named_code = ConfigError("no key", error_code="CONFIG_MISSING_API_KEY")
    assert named_code.error_code == "CONFIG_MISSING_API_KEY"


def test_a_timeout_is_no_os_error_with_an_errno() -> None:
    error = TimeoutError("the read timeout passed", phase="read")
    assert error.errno is None
    assert str(error) == "the read timeout passed (TIMEOUT)"
    with pytest.raises(builtins.TimeoutError):
        raise error


@pytest.mark.parametrize(
    ("envelope", "expected"),
    [
        (None, None),
        ({}, None),
        ({"current_session_id": "b7f4"}, "b7f4"),
        ({"current_session_id": 7}, None),
        ({"current_session_id": ["b7f4"]}, None),
    ],
)
def test_a_sync_in_progress_names_the_session(
    envelope: dict[str, Any] | None, expected: str | None
) -> None:
    assert SyncInProgressError("busy", envelope=envelope).current_session_id == expected


def test_an_endpoint_that_is_gone_is_no_refusal_to_retry() -> None:
    assert not issubclass(EndpointRemovedError, ApiError)


def test_importing_the_errors_loads_nothing_heavy() -> None:
    program = (
        "import __future__, math, sys, types, typing; package = types.ModuleType('tesote_sdk');"
        "package.__path__ = [sys.argv[1]]; sys.modules['tesote_sdk'] = package;"
        "before = set(sys.modules); import tesote_sdk.errors;"
        "print(*(set(sys.modules) - before))"
    )
    source = str(Path(errors.__file__).parent)
    printed = subprocess.run(
        [sys.executable, "-c", program, source],
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=True,
    ).stdout
    assert set(printed.split()) == {
        "tesote_sdk.errors",
        "tesote_sdk._error_base",
        "tesote_sdk._hints",
    }
