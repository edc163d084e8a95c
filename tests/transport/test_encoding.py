"""How Python values become a path, a query and a body, and which are refused."""

from __future__ import annotations

import datetime
import enum
import json
import uuid
from decimal import Decimal
from types import MappingProxyType
from typing import Any
from urllib.parse import parse_qsl

import pytest

from tesote_sdk import V2Client
from tesote_sdk.errors import InvalidArgumentError
from tesote_sdk.transport.encoding import encode_query, path_segment
from tesote_sdk.transport.json_bodies import encode_json
from tests.support.scripted_server import ScriptedServer
from tests.support.steps import reply
from tests.transport.calls import KEY, failure_of, scripted


class Status(str, enum.Enum):
    DRAFT = "draft one"
    SENT = "sent"


class Size(int, enum.Enum):
    SMALL = 10


CIRCULAR: dict[str, Any] = {}
CIRCULAR["self"] = [CIRCULAR]

DEEP: list[Any] = []
for _ in range(100_000):
    DEEP = [DEEP]

HUGE = 10**5000
"""Python may refuse to write so many digits."""


def refused(message: str, **arguments: Any) -> None:
    """Check that a POST ends in InvalidArgumentError with this message, and sends nothing."""
    with scripted([]) as (transport, server):
        error = failure_of(lambda: transport.request("POST", **{"path": "/v2/x", **arguments}))
    assert type(error) is InvalidArgumentError
    assert message in error.message
    assert server.connections == 0


# ---- paths ----


@pytest.mark.parametrize(
    ("identifier", "segment"),
    [
        ("3b6f0c52-8d1e-4f0a-9a57-1c2d7e94b810", "3b6f0c52-8d1e-4f0a-9a57-1c2d7e94b810"),
        ("a/b", "a%2Fb"),
        ("a?b=c#d", "a%3Fb%3Dc%23d"),
        ("...", "..."),
        ("%2e%2e", "%252e%252e"),
        ("ñ 1+2\r\n", "%C3%B1%201%2B2%0D%0A"),
        (Status.SENT, "sent"),
        (Status.DRAFT, "draft%20one"),
    ],
)
def test_an_id_is_one_segment_whatever_it_holds(identifier: str, segment: str) -> None:
    with (
        ScriptedServer([reply(200, {"id": identifier})]) as server,
        V2Client(KEY, base_url=server.url) as client,
    ):
        client.accounts.get(identifier)
    assert server.requests[0].target == f"/v2/accounts/{segment}"


@pytest.mark.parametrize(
    "identifier", ["", ".", "..", "../accounts", "a/..", "a\\..\\b", None, 7, b"a", "\ud800"]
)
def test_what_is_no_id_is_refused_before_anything_is_sent(identifier: Any) -> None:
    with ScriptedServer([]) as server, V2Client(KEY, base_url=server.url) as client:
        errors = [
            failure_of(lambda: client.accounts.get(identifier)),
            failure_of(lambda: client.accounts.sync(identifier)),
        ]
    for error in errors:
        assert type(error) is InvalidArgumentError
        assert "account_id must be" in error.message or "lone surrogate" in error.message
    assert server.connections == 0


def test_an_id_may_be_a_uuid() -> None:
    identifier = uuid.UUID("3b6f0c52-8d1e-4f0a-9a57-1c2d7e94b810")
    assert path_segment("account_id", identifier) == str(identifier)
    assert encode_query({"id": identifier}) == f"id={identifier}"
    assert encode_json({"ids": [identifier]}) == f'{{"ids":["{identifier}"]}}'.encode()


def test_the_message_names_the_argument() -> None:
    with pytest.raises(InvalidArgumentError, match=r"^order_id must be the id of a resource"):
        path_segment("order_id", "")
    with pytest.raises(InvalidArgumentError, match=r"^order_id must be a str or a UUID, not int$"):
        path_segment("order_id", 7)


@pytest.mark.parametrize(
    "path",
    [
        "",
        "v2/accounts",
        "/v2/accounts?page=2",
        "/v2/accounts#a",
        "/v2/a b",
        "/v2/ñ",
        "/v2/a\r\nX-Evil: 1",
        "/v2/a\n",
        "/v2/50%",
        "/v2/%zz",
        "https://elsewhere.example/v2",
        None,
        7,
        b"/v2",
    ],
)
def test_a_path_that_would_not_arrive_as_written_is_refused(path: Any) -> None:
    refused('path must begin with "/" and be percent-encoded; parameters belong in', path=path)


@pytest.mark.parametrize(
    "path", ["/v2/..", "/v2/../admin", "/./v2", "/v2/.", "/v2/%2e%2E/admin", "/v2/.%2e", "/%2E"]
)
def test_dot_segments_are_refused(path: str) -> None:
    refused('path must not hold the segments "." and ".."', path=path)


@pytest.mark.parametrize("path", ["/", "/v2/a%2Fb/...", "/v2/a.b/..c", "//x", "/v2/:a@!$&'()*+,;="])
def test_other_paths_go_out_as_they_are(path: str) -> None:
    with scripted([reply(200)]) as (transport, server):
        transport.request("GET", path)
    assert server.requests[0].target == f"/api{path}"


# ---- queries ----


def test_query_values_are_written_as_the_api_reads_them() -> None:
    query = {
        "text": "a+b &c=ñ%\n",
        "true": True,
        "false": False,
        "int": -7,
        "float": 0.1,
        "decimal": Decimal("1E+3"),
        "exact": Decimal("10.00"),
        "day": datetime.date(2026, 3, 2),
        "moment": datetime.datetime(2026, 3, 2, 7, 41, tzinfo=datetime.timezone.utc),
        "state": Status.SENT,
        "spaced": Status.DRAFT,
        "size": Size.SMALL,
        "none": None,
        "empty": "",
        "año&": "1",
    }
    encoded = encode_query(query)
    assert encoded.isascii()
    assert " " not in encoded
    assert dict(parse_qsl(encoded, keep_blank_values=True, strict_parsing=True)) == {
        "text": "a+b &c=ñ%\n",
        "true": "true",
        "false": "false",
        "int": "-7",
        "float": "0.1",
        "decimal": "1000",
        "exact": "10.00",
        "day": "2026-03-02",
        "moment": "2026-03-02T07:41:00+00:00",
        "state": "sent",
        "spaced": "draft one",
        "size": "10",
        "empty": "",
        "año&": "1",
    }


@pytest.mark.parametrize("query", [None, {}, {"a": None}])
def test_no_parameters_are_no_query(query: Any) -> None:
    assert encode_query(query) == ""


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (float("nan"), "x must be a finite number, not nan"),
        (float("-inf"), "x must be a finite number, not -inf"),
        (Decimal("NaN"), "x must be a finite number, not NaN"),
        (Decimal("sNaN"), "x must be a finite number, not sNaN"),
        (Decimal("Infinity"), "x must be a finite number, not Infinity"),
        (["a"], "x cannot be a list"),
        (b"a", "x cannot be a bytes"),
        ({"a": 1}, "x cannot be a dict"),
        (datetime.time(1), "x cannot be a time"),
        ("\ud800", "a path or query value holds a lone surrogate"),
        (HUGE, "x has too many digits"),
        (Decimal("1e999999999"), "x has more than 400 digits"),
    ],
    ids=lambda value: repr(value)[:20] if value is not HUGE else "huge",
)
def test_other_query_values_are_refused(value: Any, message: str) -> None:
    refused(message, query={"x": value})


@pytest.mark.parametrize("query", ["page=2", [("page", 2)], {1: 2}, {None: 1}, 7])
def test_a_query_that_is_no_dict_of_names_is_refused(query: Any) -> None:
    refused("query must be a dict of parameters by their names", query=query)


# ---- bodies ----


def test_json_is_compact_utf8_with_decimals_and_dates_as_text() -> None:
    body = {
        "amount": Decimal("1530.250"),
        "plain": Decimal("1E+3"),
        "tiny": Decimal("1E-7"),
        "day": datetime.date(2026, 3, 2),
        "moment": datetime.datetime(2026, 3, 2, 7, 41, 10),
        "state": Status.DRAFT,
        "name": 'Ñandú 🥖 \u2028 "quoted"',
        "list": (1, 2.5, None, True),
    }
    assert encode_json(body).decode() == (
        '{"amount":"1530.250","plain":"1000","tiny":"0.0000001","day":"2026-03-02",'
        '"moment":"2026-03-02T07:41:10","state":"draft one",'
        '"name":"Ñandú 🥖 \u2028 \\"quoted\\"","list":[1,2.5,null,true]}'
    )


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"a": float("nan")}, "cannot be written as JSON: Out of range float"),
        ({"a": [float("inf")]}, "cannot be written as JSON: Out of range float"),
        ({"a": Decimal("NaN")}, "an amount in the body must be a finite number, not NaN"),
        ({"a": Decimal("1e999999999")}, "an amount in the body has more than 400 digits"),
        ({"a": Decimal("-Infinity")}, "must be a finite number, not -Infinity"),
        ({"a": "x\ud800"}, "the body holds a lone surrogate"),
        ({"\udfff": 1}, "the body holds a lone surrogate"),
        (CIRCULAR, "cannot be written as JSON: Circular reference"),
        ({"a": {1, 2}}, "cannot be written as JSON: a set has no JSON form"),
        ({"a": b"1"}, "cannot be written as JSON: a bytes has no JSON form"),
        (object(), "cannot be written as JSON: a object has no JSON form"),
        ({(1, 2): 3}, "cannot be written as JSON: keys must be str"),
        (DEEP, "cannot be written as JSON: "),
    ],
    ids=range(13),
)
def test_what_json_cannot_hold_is_refused(body: Any, message: str) -> None:
    refused(message, body=body)


def test_a_refused_body_is_not_in_the_causes() -> None:
    error = failure_of(lambda: encode_json({"account": "0199000123", "bad": {1}}))
    assert error.__cause__ is not None
    assert "0199000123" not in str(error) + repr(error.__cause__)


def test_numbers_that_json_can_hold_go_through() -> None:
    for number in (10**300, -1, 0.1, 1e308, True):
        assert json.loads(encode_json([number])) == [number]


def test_any_mapping_is_an_object() -> None:
    assert encode_json({"details": MappingProxyType({"bank_code": "0199"})}) == (
        b'{"details":{"bank_code":"0199"}}'
    )
