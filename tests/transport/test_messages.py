"""What is read out of an answer: headers, text, JSON; and what a request shows of itself."""

from __future__ import annotations

import datetime
import sys
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from tesote_sdk.errors import InvalidResponseError
from tesote_sdk.transport.messages import Headers
from tests.support.steps import reply
from tests.transport.calls import KEY, MARK, failure_of, scripted

if TYPE_CHECKING:
    from tesote_sdk.transport import Response


def answer(
    content: Any = b"",
    content_type: str = "application/json",
    headers: Any = (),
    **options: Any,
) -> Response:
    """Return the response to a GET that a server answered with this content."""
    fields = [("Content-Type", content_type), *headers] if content_type else list(headers)
    with scripted([reply(200, content, fields)], **options) as (transport, _):
        return transport.request("GET", "/v2/x")


# ---- headers ----


def test_headers_are_found_in_any_case() -> None:
    headers = answer(headers=[("X-Request-Id", "r1"), ("Link", "<a>"), ("link", "<b>")]).headers
    assert headers["x-request-id"] == headers["X-REQUEST-ID"] == headers.get("X-Request-Id") == "r1"
    assert "X-Request-ID" in headers
    assert headers["Link"] == "<a>, <b>"
    assert sorted(headers) == ["content-length", "content-type", "link", "x-request-id"]
    assert len(headers) == 4
    assert dict(headers.items())["content-type"] == "application/json"


def test_headers_that_are_not_there_are_missing_as_from_any_mapping() -> None:
    headers: Any = answer().headers
    assert headers.get("ETag") is None
    assert headers.get("ETag", "none") == "none"
    with pytest.raises(KeyError, match="etag"):
        headers["ETag"]
    assert 7 not in headers
    assert None not in headers
    with pytest.raises(TypeError):
        headers["X"] = "y"
    assert headers == dict(headers)
    assert headers != {}


def test_headers_show_their_names_alone() -> None:
    assert repr(Headers({"set-cookie": "secret", "etag": "e"})) == "<Headers set-cookie, etag>"


# ---- text ----


@pytest.mark.parametrize(
    ("content_type", "content"),
    [
        ("", "añ€".encode()),
        ("text/csv", "añ€".encode()),
        ("text/csv; header=present", "añ€".encode()),
        ("text/csv; charset=utf-8", "añ€".encode()),
        ('TEXT/CSV; header=present; Charset="UTF-8"', "añ€".encode()),
        ("text/csv;charset=", "añ€".encode()),
        ("text/csv; charset=cp1252, text/csv; charset=utf-8", "añ€".encode("cp1252")),
        ("text/csv, text/csv; charset=cp1252", "añ€".encode("cp1252")),
        ("text/csv; charset = Windows-1252 ", "añ€".encode("cp1252")),
        ("text/csv; charset=utf-16", "añ€".encode("utf-16")),
        ("text/csv; charset=UTF-16LE", "añ€".encode("utf-16-le")),
        ("text/csv; charset=utf-16be", "añ€".encode("utf-16-be")),
    ],
)
def test_the_body_is_text_in_the_charset_that_the_server_names(
    content_type: str, content: bytes
) -> None:
    response = answer(content, content_type)
    assert response.body == "añ€"
    assert response.content == content


@pytest.mark.parametrize("charset", ["us-ascii", "ISO-8859-1", "latin1", "cp1252"])
def test_the_body_is_text_in_the_charsets_of_banks_and_spreadsheets(charset: str) -> None:
    assert answer(b"a;b", f"text/csv; charset={charset}").body == "a;b"
    if charset != "us-ascii":
        assert answer(b"a\xf1", f"text/csv; charset={charset}").body == "añ"


@pytest.mark.parametrize(
    ("charset", "content"),
    [("utf-8", b"\xff\xfe"), ("ascii", "ñ".encode()), ("utf-16", b"abc"), ("cp1252", b"\x81")],
)
def test_a_body_that_is_no_such_text_is_an_invalid_response(charset: str, content: bytes) -> None:
    response = answer(content, f"text/csv; charset={charset}")
    error = failure_of(lambda: response.body)
    assert type(error) is InvalidResponseError
    assert error.message.startswith("the body cannot be decoded as ")
    assert error.http_status == 200
    assert response.content == content


@pytest.mark.parametrize(
    "charset",
    [
        *("iso-8859-15", "utf-7", "punycode", "idna", "hex", "zlib", "undefined", "klingon"),
        *("unicode_escape", "a\x00b", "x" * 500, "ü"),
    ],
)
def test_other_charsets_are_refused_unread(charset: str) -> None:
    """Python's codecs for some of them take minutes for a body of a few KiB."""
    response = answer(b"a" * 100_000, f"text/csv; charset={charset}")
    error = failure_of(lambda: response.body)
    assert type(error) is InvalidResponseError
    assert error.message == (
        f"the SDK does not read the charset of the body, {charset[:40]}".replace("\0", " ")
    )
    assert error.http_status == 200
    assert len(response.content) == 100_000


# ---- JSON ----


def test_json_is_decoded_once() -> None:
    response = answer({"a": [1]})
    assert response.json == {"a": [1]}
    assert response.json is response.json


def test_json_null_is_decoded_once_too() -> None:
    response = answer(b"null")
    assert response.json is None
    assert response.json is None


@pytest.mark.parametrize(
    ("content", "value"),
    [
        (b'\xef\xbb\xbf{"a":1}', {"a": 1}),
        (b'{"a":1,"a":2}', {"a": 2}),
        (b" \r\n\t[1 , 2]\n ", [1, 2]),
        (b'"\\ud83e\\udd56 \\u00f1"', "🥖 ñ"),
        (b"[" * 400 + b"]" * 400, None),
        (b"12345678901234567890123", 12345678901234567890123),
        (b"-0", 0),
        (b"0.1", 0.1),
        (b"1e3", 1000.0),
        (b"1E-400", 0.0),
        (b"false", False),
    ],
)
@pytest.mark.parametrize("content_type", ["application/json", "text/html", ""])
def test_json_is_read_whatever_its_type_is_called(
    content: bytes, value: Any, content_type: str
) -> None:
    found = answer(content, content_type).json
    if value is not None:
        assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    ("content", "cause"),
    [
        (b"", "Expecting value"),
        (b"   ", "Expecting value"),
        (b"<html>", "Expecting value"),
        (b'{"a":1', "Expecting"),
        (b'{"a":1} {"b":2}', "Extra data"),
        (b"{'a':1}", "Expecting property name"),
        (b'{"a":1,}', ""),
        (b'"a\nb"', "Invalid control character"),
        (b'{"a":"\xff"}', "invalid start byte"),
        ('{"a":1}'.encode("utf-16"), "invalid start byte"),
        (b"NaN", "NaN is not a JSON number"),
        (b'{"a":[Infinity]}', "Infinity is not a JSON number"),
        (b"-Infinity", "-Infinity is not a JSON number"),
        (b"1e400", "the number 1e400 is too large for a float"),
        (b'[{"a":-1.5E+400}]', "the number -1.5E+400 is too large for a float"),
        (b"1e401", "the number 1e401 is out of range"),
        (b"1E-401", "the number 1E-401 is out of range"),
        (b"[" * 200_000 + b"]" * 200_000, "it is nested too deeply"),
        (b'{"a":' * 100_000, ""),
        (b"1" * 5000, ""),
    ],
    ids=lambda value: repr(value)[:20],
)
def test_what_is_no_json_is_an_invalid_response(content: bytes, cause: str) -> None:
    if content == b"1" * 5000 and not hasattr(sys, "set_int_max_str_digits"):
        pytest.skip("this Python reads integers of any length")
    response = answer(content)
    for _ in range(2):
        error = failure_of(lambda: response.json)
        assert type(error) is InvalidResponseError
        assert error.message.startswith("the answer is not JSON (application/json, ")
        assert cause in str(error.__cause__)
        assert error.response_body == content.decode("utf-8", "replace")
        assert (error.http_status, error.attempts) == (200, 1)
        assert error.outcome_unknown is False


def test_the_causes_do_not_hold_the_document() -> None:
    response = answer(b'{"account_number": "0199000123", ')
    error = failure_of(lambda: response.json)
    assert type(error.__cause__) is ValueError
    assert "0199000123" not in repr(vars(error.__cause__)) + repr(error.__cause__.args)


def test_a_write_whose_answer_cannot_be_read_may_have_been_carried_out() -> None:
    with scripted([reply(201, "<html>")]) as (transport, server):
        response = transport.request("POST", "/v2/x")
        error = failure_of(lambda: response.json)
    key = server.requests[0].headers["idempotency-key"]
    assert error.outcome_unknown is True
    assert f"repeat it with the same idempotency_key {key}" in str(error)


def test_parse_float_makes_every_number_that_is_not_whole() -> None:
    found = answer(b'{"a":10.10,"b":1e2,"c":7,"d":1e400}', parse_float=Decimal).json
    assert found == {
        "a": Decimal("10.10"),
        "b": Decimal("1e2"),
        "c": 7,
        "d": Decimal("1e400"),
    }
    assert [type(found[name]) for name in "abc"] == [Decimal, Decimal, int]
    assert str(found["a"]) == "10.10"
    assert answer(b"[1.50]", parse_float=str).json == ["1.50"]


def test_a_number_that_parse_float_has_no_room_for_is_an_invalid_response() -> None:
    for number in (b"1e" + b"9" * 30, b"NaN"):
        answered = answer(number, parse_float=Decimal)
        error = failure_of(lambda answered=answered: answered.json)  # type: ignore[misc]
        assert type(error) is InvalidResponseError


@pytest.mark.parametrize("parse_float", [float, Decimal, str])
def test_numbers_that_are_no_money_are_refused_whatever_would_be_made_of_them(
    parse_float: Any,
) -> None:
    """Decimal takes 1e999999999, and arithmetic with it never ends."""
    longest = "0." + "1" * 398
    assert answer(f"[{longest}]".encode(), parse_float=parse_float).json == [parse_float(longest)]
    assert answer(b"[1e-400]", parse_float=parse_float).json == [parse_float("1e-400")]
    for number in (f"{longest}1", "1e999999999", "-1.5E-999999999", "1e401", "1E-401"):
        answered = answer(f"[{number}]".encode(), parse_float=parse_float)
        error = failure_of(lambda answered=answered: answered.json)  # type: ignore[misc]
        assert type(error) is InvalidResponseError
        assert str(error.__cause__) == f"the number {number[:40]} is out of range"


# ---- what they show ----


def test_a_response_shows_nothing_of_its_content() -> None:
    assert repr(answer({"secret": 1})) == "<Response 200, 13 bytes>"


def test_a_request_shows_its_method_and_path_alone() -> None:
    with scripted([reply(200)]) as (transport, _):
        shown = repr(transport.request("POST", f"/v2/{MARK}", body={"b": 1}, query={"q": "s"}))
    assert shown == "<Response 200, 0 bytes>"


def test_the_text_of_a_search_is_shown_as_its_length() -> None:
    when = datetime.date(2026, 3, 2)
    query = {"q": "Núñez & Co", "start_date": when, "qq": "kept", "empty": ""}
    with scripted([reply(404)]) as (transport, _):
        error = failure_of(lambda: transport.request("GET", "/v2/x", query=query))
    assert error.request_summary
    assert error.request_summary["query"] == (
        "q=<10 characters>&start_date=2026-03-02&qq=kept&empty"
    )


def test_a_key_that_the_caller_put_elsewhere_is_shown_nowhere() -> None:
    with scripted([reply(404)]) as (transport, server):
        error = failure_of(
            lambda: transport.request(
                "POST",
                f"/v2/{MARK}",
                body={KEY: KEY},
                query={"token": KEY, KEY: 1},
                idempotency_key=KEY,
            )
        )
    assert KEY.encode() in server.requests[0].body
    summary = error.request_summary
    assert summary
    # The path holds no key, but the mark by which it would be found elsewhere.
    assert summary.pop("path") == f"/v2/{MARK}"
    assert MARK not in repr(summary).replace(f"/api/v2/{MARK}?", "")
    assert summary["url"] == f"{server.url}/api/v2/{MARK}?token=Bearer 0042&Bearer 0042=1"
    assert summary["body_shape"]["keys"] == ["Bearer 0042"]
