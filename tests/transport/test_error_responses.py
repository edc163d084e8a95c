"""What a refusal becomes: every envelope that is known, and what nobody would send."""

from __future__ import annotations

import json
import pickle
import random
from typing import Any

import pytest

from tesote_sdk import errors
from tesote_sdk.errors import ApiError, SyncInProgressError, TesoteError
from tesote_sdk.transport.error_responses import error_from_response
from tesote_sdk.transport.messages import Headers, Reply
from tesote_sdk.transport.redaction import ApiKey

NOW = 1772453100.0  # 2026-03-02T12:05:00Z
KEY = "sk_live_s3cr3t/7f3a"
HTML = b"<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>"


def read(
    status: int,
    body: Any = b"",
    headers: dict[str, str] | None = None,
    *,
    reason: str = "Reason",
    key: str = KEY,
) -> TesoteError:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    reply = Reply(status, reason, Headers(headers or {}), content)
    return error_from_response(reply, now=lambda: NOW, redact=ApiKey(key).redact)


ENVELOPES = """
401 UnauthorizedError UNAUTHORIZED: No = {"error": "No", "error_code": "UNAUTHORIZED", "error_id": "0b"}
401 UnauthorizedError UNAUTHORIZED: No = {"error": "UNAUTHORIZED", "message": "No"}
401 UnauthorizedError None: Unauthorized = {"error": "Unauthorized"}
404 NotFoundError None: No such account = {"error": "No such account"}
404 NotFoundError None: not_found = {"error": "not_found"}
400 ValidationError VALIDATION_ERROR: Bad = {"error": "validation_error", "message": "Bad", "details": {}}
400 ValidationError VALIDATION_ERROR: Reason = {"error_code": "validation_error"}
409 ValidationError VALIDATION_ERROR: In use = {"error": "In use", "error_code": "VALIDATION_ERROR"}
409 ConflictError None: In use = {"error": "validation_error", "message": "In use"}
409 ConflictError validation_error: Reason = {"error_code": "validation_error"}
422 UnprocessableContentError None: Bad count value = {"error": "Bad count value"}
422 InvalidCursorError INVALID_CURSOR: E = {"error": "E", "error_code": "INVALID_CURSOR", "details": 1}
415 UnprocessableContentError UNPROCESSABLE_CONTENT: Reason = {"error_code": "UNPROCESSABLE_CONTENT"}
415 UnprocessableContentError UNSUPPORTED_MEDIA_TYPE: Reason = {"error_code": "UNSUPPORTED_MEDIA_TYPE"}
415 UnprocessableContentError None: E = {"error": "E"}
503 ServiceUnavailableError None: Paused = {"error": "Paused"}
503 BankUnderMaintenanceError BANK_UNDER_MAINTENANCE: m = {"error": "bank_under_maintenance", "message": "m"}
500 InternalError NEW_CODE: E = {"error": "E", "error_code": "NEW_CODE"}
418 ApiError TEAPOT: TEAPOT = {"error": "TEAPOT", "error_code": "", "message": " "}
400 BadRequestError None: {"a": "b"} = {"error": {"a": "b"}}
400 BadRequestError None: ["a", 1] = {"error": ["a", 1]}
400 BadRequestError None: Reason = {"error": {}, "message": null}
400 BadRequestError None: Reason = {"error": 7, "error_code": 7, "message": 7, "error_id": 7}
400 BadRequestError None: Reason = {}
"""  # noqa: E501 - a table


@pytest.mark.parametrize("row", ENVELOPES.strip().splitlines())
def test_every_envelope_is_read(row: str) -> None:
    expected, _, body = row.partition(" = ")
    status = int(row[:3])
    envelope = json.loads(body)
    error = read(status, body.encode())
    told = f"{status} {type(error).__name__} {error.error_code}: {error.message}"
    assert told == expected
    assert error.http_status == status
    assert error.envelope == envelope
    assert error.response_body == body
    assert error.error_id == ("0b" if envelope.get("error_id") == "0b" else None)
    assert error.request_id is None


@pytest.mark.parametrize(
    "body",
    [
        {"error_code": "HISTORY_SYNC_FORBIDDEN"},
        {"error": "HISTORY_SYNC_FORBIDDEN", "message": "no"},
        {"error": "Forbidden: HISTORY_SYNC_FORBIDDEN"},
        {"error": "FORBIDDEN", "message": "Historical sync is disabled for this account"},
        {"error": "E", "error_code": "FORBIDDEN", "message": "historical sync is disabled"},
        {"error": "history_sync_forbidden"},
    ],
)
def test_a_forbidden_history_is_recognised_where_it_is_said(body: dict[str, Any]) -> None:
    error = read(403, body)
    assert type(error) is errors.HistorySyncForbiddenError
    assert error.error_code == "HISTORY_SYNC_FORBIDDEN"


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (403, {"error": "FORBIDDEN", "message": "No"}, errors.ForbiddenError),
        (403, {"error": "historical sync"}, errors.ForbiddenError),
        (422, {"message": "historical sync is disabled"}, errors.UnprocessableContentError),
        (
            403,
            {"error_code": "ACCOUNT_DISABLED", "message": "historical sync is disabled"},
            errors.AccountDisabledError,
        ),
    ],
)
def test_a_forbidden_history_is_not_claimed_elsewhere(
    status: int, body: dict[str, Any], kind: type[TesoteError]
) -> None:
    assert type(read(status, body)) is kind


def test_the_session_that_runs_is_named() -> None:
    error = read(409, {"error": "E", "error_code": "SYNC_IN_PROGRESS", "current_session_id": "b7"})
    assert isinstance(error, SyncInProgressError)
    assert error.current_session_id == "b7"


@pytest.mark.parametrize("body", [HTML, b"upstream timed out", b"[1, 2]", b'"x"', b"null", b"7"])
def test_an_answer_without_an_envelope_is_told_from_its_status_alone(body: bytes) -> None:
    error = read(502, body, {"x-request-id": "req_1"}, reason="Bad Gateway")
    assert type(error) is errors.ServerError
    assert error.message.startswith(
        "Bad Gateway: the answer is not a JSON object; a proxy or gateway"
    )
    assert "<" not in str(error)
    assert error.error_code is None
    assert error.envelope is None
    assert error.response_body == body.decode()
    assert error.request_id == "req_1"


def test_an_empty_answer_is_called_empty() -> None:
    error = read(504, b" \n", reason="")
    assert error.message.startswith("Gateway Timeout: the answer is empty;")
    assert read(599, b"", reason=" ").message.startswith("the server refused: the answer is empty")


def test_a_byte_order_mark_is_no_obstacle() -> None:
    assert read(404, b'\xef\xbb\xbf{"error": "gone"}').message == "gone"


@pytest.mark.parametrize("status", [300, 301, 302, 303, 307, 308])
def test_a_redirect_names_where_to(status: int) -> None:
    error = read(status, HTML, {"location": f"https://login.example/?k={KEY}"})
    assert type(error) is ApiError
    assert "redirects to https://login.example/?k=Bearer 7f3a" in error.message
    assert "base_url" in str(error)


@pytest.mark.parametrize("status", [301, 410, 422])
def test_what_a_field_holds_is_shown_as_one_short_line(status: int) -> None:
    """The reason, the Location and the Link; raw UTF-8, read as latin-1, is put right."""
    odd = "categoría \x1b[31m" + "x" * 60_000
    odd = odd.encode().decode("latin-1")
    fields = {"location": f"/{odd}", "link": f"<{odd}>; rel=successor-version"}
    message = read(status, headers=fields, reason=odd).message
    assert message.startswith("categoría [31mxxx")
    assert message.isprintable()
    assert len(message) < 1000
    assert message.count("categoría") == (1 if status == 422 else 2)


def test_a_reason_in_latin_1_stays_what_it_is() -> None:
    assert read(422, reason="Categoría").message.startswith("Categoría: ")


def test_a_redirect_to_nowhere_and_a_location_without_redirect_are_no_redirects() -> None:
    assert "redirect" not in read(302, HTML).message
    assert "redirect" not in read(404, {"error": "E"}, {"location": "/x"}).message


@pytest.mark.parametrize(
    ("body", "link", "message"),
    [
        ({"error": "Gone"}, "", "Gone"),
        ({"error": "Gone", "replacement": "/v2/x"}, "", "Gone; it is replaced by /v2/x"),
        ({"error": "Use /v2/x", "replacement": "/v2/x"}, "", "Use /v2/x"),
        ({"error": "Gone", "replacement": 7}, "", "Gone"),
        (
            {"error": "Gone"},
            '</docs>; rel="help", </v2/x>; title="new"; rel="successor-version"',
            "Gone; it is replaced by /v2/x",
        ),
        ({"error": "Gone"}, "</v2/x>; rel=next", "Gone"),
    ],
)
def test_a_removed_endpoint_names_its_replacement(
    body: dict[str, Any], link: str, message: str
) -> None:
    error = read(410, body, {"link": link})
    assert type(error) is errors.EndpointRemovedError
    assert error.message == message
    assert error.http_status == 410
    assert error.error_code == "ENDPOINT_REMOVED"


def test_a_removed_endpoint_without_an_envelope_is_one_too() -> None:
    error = read(410, HTML, {"link": "<https://x/v2>; rel=successor-version"}, reason="Gone")
    assert type(error) is errors.EndpointRemovedError
    assert error.message.endswith("; it is replaced by https://x/v2")


@pytest.mark.parametrize(
    ("header", "body", "seconds"),
    [
        (None, {}, None),
        (None, HTML, None),
        ("120", HTML, 120.0),
        ("120", {"retry_after": 17}, 120.0),
        ("17", {"retry_after": 120}, 120.0),
        ("soon", {"retry_after": 17}, 17.0),
        ("-1", {"retry_after": "17.5"}, 17.5),
        ("Mon, 02 Mar 2026 12:05:30 GMT", {"retry_after": 17}, 30.0),
        ("0", {"quota_info": {"reset_at": "2026-03-02T08:06:00-04:00"}}, 0.0),
        (None, {"retry_after": True}, None),
        (None, {"retry_after": [17]}, None),
        (None, {"retry_after": -1, "quota_info": {"reset_at": 60}}, 60.0),
        (None, b'{"retry_after": NaN, "quota_info": {"reset_at": 60}}', 60.0),
        (None, b'{"retry_after": 1e999, "error": "E"}', None),
        (None, b'{"retry_after": -Infinity, "error": "E"}', None),
        (None, b'{"retry_after": %s}' % (b"9" * 5000), None),
        (None, {"retry_after": 10**12}, 1e12),
        (None, {"quota_info": {"reset_at": "2026-03-02T08:06:00-04:00"}}, 60.0),
        (None, {"quota_info": {"reset_at": "2026-03-02T12:05:10.5Z"}}, 10.5),
        (None, {"quota_info": {"reset_at": NOW + 9}}, 9.0),
        (None, {"quota_info": {"reset_at": "2020-01-01T00:00:00Z"}}, 0.0),
        (None, {"quota_info": {"reset_at": 3600}}, 3600.0),
        (None, {"quota_info": {"reset_at": 3601}}, None),
        (None, {"quota_info": {"reset_at": None}}, None),
        (None, {"quota_info": {}}, None),
        (None, {"quota_info": [60]}, None),
    ],
)
def test_the_wait_is_the_longest_that_the_server_names(
    header: str | None, body: Any, seconds: float | None
) -> None:
    error = read(429, body, {} if header is None else {"retry-after": header})
    assert type(error) is errors.RateLimitExceededError
    assert error.retry_after == seconds


def test_numbers_that_json_has_not_are_none_in_the_envelope() -> None:
    body = b'{"a": NaN, "b": [Infinity, -Infinity, 1e999], "c": %s, "error": "E"}' % (b"9" * 5000)
    error = read(400, body)
    assert error.message == "E"
    assert error.envelope == {"a": None, "b": [None, None, None], "c": None, "error": "E"}


def test_a_key_that_the_server_echoes_is_redacted_everywhere() -> None:
    body = {
        "error": {"text": f"the key {KEY} is not valid", KEY: [KEY]},
        "error_code": f"X_{KEY}",
        "error_id": KEY,
        "current_session_id": KEY,
        "details": [{KEY: {"deep": KEY}}],
    }
    escaped = json.dumps(body).replace("/", "\\/").replace("sk_live", "\\u0073k_live").encode()
    headers = {"x-request-id": KEY, "location": f"/?{KEY}", "link": f"<{KEY}>; rel=x"}
    plain = json.dumps({**body, "error": f"the key {KEY} is not valid"}).encode()
    for status in (302, 401, 410, 500):
        for content in (
            plain,
            json.dumps(body).encode(),
            escaped,
            KEY.encode(),
            HTML + KEY.encode(),
        ):
            error = read(status, content, headers, reason=f"No {KEY}")
            for shown in (
                str(error),
                repr(error),
                str(error.args),
                repr(vars(error)),
                json.dumps(error.to_dict()),
                pickle.dumps(error, 0).decode("latin-1"),
            ):
                assert "s3cr3t" not in shown
            assert error.response_body is not None
            assert "Bearer 7f3a" in error.response_body


def test_a_key_that_is_a_word_of_the_envelope_does_not_change_the_class() -> None:
    for key in ("error", "UNAUTHORIZED", "1", '"', "{", "a"):
        error = read(401, {"error": "a1", "error_code": "API_KEY_REVOKED"}, key=key)
        assert type(error) is errors.ApiKeyRevokedError


def check(error: TesoteError, status: int) -> None:
    """What holds of every error, whatever it was made from."""
    assert error.http_status == status
    assert str(error).isprintable()
    json.dumps(error.to_dict(), allow_nan=False, ensure_ascii=False).encode()
    assert pickle.loads(pickle.dumps(error)).to_dict() == error.to_dict()
    for text in (error.message, error.response_body):
        assert isinstance(text, str)
    for optional in (error.error_code, error.error_id, error.request_id):
        assert optional is None or isinstance(optional, str)
    assert error.retry_after is None or error.retry_after >= 0


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 10_000 + b"]" * 10_000,
        b'{"error":' * 10_000 + b"1" + b"}" * 10_000,
        b'{"error_code": "ACCOUNT_NOT_FOUND", "details": ' + b"[" * 500 + b"]" * 500 + b"}",
        b'{"error": "\\ud800", "\\udfff": "\\ud800", "error_code": "\\udc00"}',
        b'{"error": "\xff\xfe"}',
        b'{"error": "' + b"x" * 1_000_000 + b'"}',
        b'{"error_code": "' + b"X" * 1_000_000 + b'"}',
        b'{"error": "a", "error": "b"',
        "{“error”: 1}".encode(),
        '{"error": "a"}'.encode("utf-16"),
        b"\x00" * 100,
    ],
    ids=lambda body: repr(body[:20]),
)
def test_no_body_is_too_odd(body: bytes) -> None:
    for status in (403, 404, 410, 503):
        check(read(status, body), status)


def test_a_body_that_is_nested_too_deeply_keeps_its_code() -> None:
    body = b'{"error_code": "ACCOUNT_NOT_FOUND", "details": ' + b"[" * 500 + b"]" * 500 + b"}"
    assert type(read(404, body)) is errors.AccountNotFoundError


@pytest.mark.parametrize(
    "quota_info",
    [
        b"[]",
        b"7",
        b'"soon"',
        b'{"reset_at": null}',
        b'{"reset_at": true}',
        b'{"reset_at": [3]}',
        b'{"reset_at": ' + b'{"reset_at": ' * 300 + b"3" + b"}" * 301,
        b'{"reset_at": -1}',
        b'{"reset_at": -1e308}',
        b'{"reset_at": ' + b"9" * 5000 + b"}",
        b'{"reset_at": "' + b"9" * 5000 + b'"}',
        b'{"reset_at": 1e999}',
        b'{"reset_at": "NaN"}',
        b'{"reset_at": "2999-01-01T00:00:00Z"}',
        b'{"reset_at": "0000-00-00T00:00:00Z"}',
        b'{"reset_at": "9999-12-31T23:59:60-23:59"}',
        b'{"reset_at": 3601}',
    ],
    ids=lambda quota_info: repr(quota_info[:30]),
)
def test_no_wait_is_read_out_of_a_quota_that_is_absurd(quota_info: bytes) -> None:
    body = b'{"error_code": "SYNC_RATE_LIMIT_EXCEEDED", "quota_info": ' + quota_info + b"}"
    error = read(429, body)
    assert type(error) is errors.SyncRateLimitExceededError
    assert error.retry_after is None
    check(error, 429)


def test_a_date_that_was_sent_twice_is_one() -> None:
    date = "Mon, 02 Mar 2026 12:00:00 GMT"
    fields = {"date": f"{date}, {date}", "retry-after": "Mon, 02 Mar 2026 12:00:30 GMT"}
    assert read(503, headers=fields).retry_after == 30


def test_a_number_of_300_digits_is_kept_and_a_longer_one_is_none() -> None:
    error = read(404, b'{"kept": %b, "gone": %b}' % (b"9" * 300, b"9" * 301))
    assert error.envelope == {"kept": 10**300 - 1, "gone": None}


def test_no_envelope_is_too_odd() -> None:
    rng = random.Random(2026)
    names = ["error", "error_code", "message", "error_id", "retry_after", "quota_info", "reset_at"]
    names += ["details", "current_session_id", "replacement", "", KEY]
    values: list[Any] = [None, True, -1, 0, 10**40, 0.5, "", " ", "\n", "text", "UNAUTHORIZED"]
    values += [
        "validation_error",
        "2026-03-02T12:05:00Z",
        "\ud800",
        "é" * 600,
        KEY,
        "17",
        "\x1b[0m",
    ]

    def odd(depth: int) -> Any:
        pick = rng.random()
        if depth == 0 or pick < 0.6:
            return rng.choice(values)
        if pick < 0.8:
            return [odd(depth - 1) for _ in range(rng.randrange(3))]
        return {rng.choice(names): odd(depth - 1) for _ in range(rng.randrange(5))}

    for _ in range(1500):
        status = rng.choice([302, 400, 401, 403, 409, 410, 415, 429, 500, 503, 599])
        body = {name: odd(3) for name in rng.sample(names, 5)}
        headers = {
            name: str(rng.choice(["17", "-1", "\x00", "<", "</x>; rel=successor-version", KEY]))
            for name in ("retry-after", "location", "link", "x-request-id")
            if rng.random() < 0.5
        }
        error = read(status, body, headers)
        check(error, status)
        assert "s3cr3t" not in repr(vars(error))
