"""What goes over the wire for one logical request, and what comes of the answer."""

from __future__ import annotations

import contextlib
import json
import platform
import re
import uuid
from typing import TYPE_CHECKING, Any

import pytest

from tesote_sdk import __version__
from tesote_sdk.errors import ApiError, InvalidArgumentError, InvalidResponseError
from tesote_sdk.transport import Transport
from tests.support.scripted_server import ScriptedServer
from tests.support.steps import reply
from tests.transport.calls import KEY, SHOWN_KEY, FakeTime, failure_of, scripted

if TYPE_CHECKING:
    from tests.support.http_messages import Request

OK = reply(200, {"id": "a1"})
MUTATING = ["POST", "PUT", "PATCH", "DELETE"]
WITH_BODY = ["POST", "PUT", "PATCH"]
USER_AGENT = f"tesote-sdk-py/{__version__} (python/{platform.python_version().rstrip('+')})"


def sent(method: str, path: str = "/v2/accounts", **arguments: Any) -> Request:
    with scripted([OK]) as (transport, server):
        transport.request(method, path, **arguments)
    (request,) = server.requests
    return request


# ---- headers ----


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_read_carries_these_headers_and_no_others(method: str) -> None:
    request = sent(method)
    assert (request.method, request.version, request.body) == (method, "HTTP/1.1", b"")
    assert sorted(request.header_list) == [
        ("Accept", "application/json"),
        ("Accept-Encoding", "gzip"),
        ("Authorization", f"Bearer {KEY}"),
        ("Host", request.headers["host"]),
        ("User-Agent", USER_AGENT),
    ]
    assert re.fullmatch(r"127\.0\.0\.1:[0-9]+", request.headers["host"])


@pytest.mark.parametrize("method", MUTATING)
def test_a_write_carries_a_content_type_and_an_idempotency_key_too(method: str) -> None:
    request = sent(method, idempotency_key="order 7/é")
    length = [("Content-Length", "2")] if method in WITH_BODY else []
    assert sorted(request.header_list) == [
        ("Accept", "application/json"),
        ("Accept-Encoding", "gzip"),
        ("Authorization", f"Bearer {KEY}"),
        *length,
        ("Content-Type", "application/json"),
        ("Host", request.headers["host"]),
        ("Idempotency-Key", "order 7/é"),
        ("User-Agent", USER_AGENT),
    ]


def test_headers_come_in_the_same_order_each_time_and_the_host_first() -> None:
    with scripted([OK, OK, OK]) as (transport, server):
        for _ in range(3):
            transport.request("POST", "/v2/x", extra_headers={"X-One": "1", "X-Two": "2"})
    orders = [[name for name, _ in request.header_list] for request in server.requests]
    assert orders[0] == orders[1] == orders[2]
    assert orders[0][0] == "Host"  # RFC 9112, section 3.2


def test_the_callers_headers_are_added_and_replace_what_may_be_replaced() -> None:
    headers = {"accept": "text/csv", "If-None-Match": '"e1"', "user-agent": "cron/1", "X-T": "é 1"}
    request = sent("GET", extra_headers=headers)
    names = [name.lower() for name, _ in request.header_list]
    assert len(names) == len(set(names))
    assert {name: request.headers[name] for name in headers} == headers


def test_a_user_agent_replaces_the_default() -> None:
    with scripted([OK], user_agent="TesoteOdooConnector/17.0 (API/v2)") as (transport, server):
        transport.request("GET", "/v2/status")
    assert server.requests[0].headers["user-agent"] == "TesoteOdooConnector/17.0 (API/v2)"


@pytest.mark.parametrize(
    "name",
    [
        "Authorization",
        "authorization",
        "Host",
        "Content-Length",
        "Content-Type",
        "Transfer-Encoding",
        "Connection",
        "Accept-Encoding",
        "Idempotency-Key",
        "Proxy-Authorization",
    ],
)
def test_headers_that_the_sdk_sets_are_refused(name: str) -> None:
    refuses(f"extra_headers: {name} is set by the SDK", extra_headers={name: "x"})


@pytest.mark.parametrize("value", ["a\r\nX-Evil: 1", "a\n", "\r", "a\x00b", "", " a", "Ā", 7, None])
def test_header_values_that_could_end_their_line_are_refused(value: Any) -> None:
    message = "extra_headers: the value of X-A must be one line of latin-1 characters"
    refuses(message, extra_headers={"X-A": value})


@pytest.mark.parametrize("name", ["", "X A", "X:A", "X\r\nY", "é", 7])
def test_header_names_that_are_no_tokens_are_refused(name: Any) -> None:
    refuses("extra_headers: a name must be an HTTP token", extra_headers={name: "x"})


# ---- idempotency keys ----


@pytest.mark.parametrize("method", MUTATING)
def test_an_automatic_key_is_a_new_uuid4_for_each_call(method: str) -> None:
    with scripted([OK, OK]) as (transport, server):
        for _ in range(2):
            transport.request(method, "/v2/x")
    keys = [request.headers["idempotency-key"] for request in server.requests]
    assert len(set(keys)) == 2
    for key in keys:
        parsed = uuid.UUID(key)
        assert str(parsed) == key
        assert (parsed.version, parsed.variant) == (4, uuid.RFC_4122)


@pytest.mark.parametrize("method", MUTATING)
@pytest.mark.parametrize("key", [None, "mine-1"])
def test_three_attempts_are_the_same_bytes_under_one_key(method: str, key: str | None) -> None:
    fake = FakeTime()
    body = {"amount": "1.50", "día": "mañana"} if method in WITH_BODY else None
    with scripted([reply(503), reply(503), OK], fake) as (transport, server):
        transport.request(
            method, "/v2/x", body=body, idempotency_key=key, query={"a": True, "b": "ñ /"}
        )
    first, second, third = (request.raw for request in server.requests)
    assert first == second == third
    assert first.count(b"Idempotency-Key: ") == 1
    assert len(fake.waits) == 2


@pytest.mark.parametrize("key", ["", " x", "x\n", "x\r\nX-Evil: 1", "Ā", 7, uuid.uuid4()])
def test_an_unusable_idempotency_key_is_refused(key: Any) -> None:
    message = "idempotency_key must be a non-empty str of latin-1 characters"
    refuses(message, method="POST", idempotency_key=key)


def test_a_read_takes_no_idempotency_key() -> None:
    refuses("a GET request takes no idempotency_key", idempotency_key="k")


# ---- bodies ----


@pytest.mark.parametrize("method", WITH_BODY)
def test_a_write_without_a_body_sends_an_empty_object(method: str) -> None:
    assert sent(method).body == b"{}"


def test_a_delete_sends_no_body() -> None:
    request = sent("DELETE")
    assert request.body == b""
    assert "content-length" not in request.headers


@pytest.mark.parametrize("method", WITH_BODY)
def test_a_body_is_compact_json_in_utf8(method: str) -> None:
    body = {"name": "Harinas «Ñ» 🥖", "n": [1, None, True], "o": {"a": 0.5}}
    request = sent(method, body=body)
    expected = '{"name":"Harinas «Ñ» 🥖","n":[1,null,true],"o":{"a":0.5}}'.encode()
    assert request.body == expected
    assert request.headers["content-length"] == str(len(expected))


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE"])
def test_a_body_where_none_is_sent_is_refused(method: str) -> None:
    refuses(f"a {method} request has no body: pass parameters as query=", method, body={})


@pytest.mark.parametrize("method", ["get", "OPTIONS", "TRACE", "CONNECT", "", "GET "])
def test_other_methods_are_refused_by_naming_those_there_are(method: str) -> None:
    refuses("method must be one of DELETE, GET, HEAD, PATCH, POST, PUT", method)


@pytest.mark.parametrize(
    ("ttl", "method", "message"),
    [
        *[
            (ttl, "GET", f"cache_ttl must be a number of seconds above 0, not {ttl!r}")
            for ttl in (0, -1, float("nan"), float("inf"), True, "30")
        ],
        (30, "POST", "the response to a POST request cannot be cached"),
        (30, "HEAD", "the response to a HEAD request cannot be cached"),
    ],
)
def test_a_cache_ttl_that_makes_no_sense_is_refused(ttl: Any, method: str, message: str) -> None:
    refuses(message, method, cache_ttl=ttl)


def refuses(message: str, method: str = "GET", **arguments: Any) -> None:
    """Check that a request ends in InvalidArgumentError, and that nothing was sent."""
    with scripted([]) as (transport, server):
        error = failure_of(lambda: transport.request(method, "/v2/x", **arguments))
    assert type(error) is InvalidArgumentError
    assert isinstance(error, ValueError)
    assert error.message == message
    assert server.connections == 0


# ---- targets ----


@pytest.mark.parametrize(
    ("base", "prefix"),
    [("", ""), ("/", ""), ("/api", "/api"), ("/api/", "/api"), ("/a/b%20c//", "/a/b%20c")],
)
def test_the_path_follows_the_base_url(base: str, prefix: str) -> None:
    with ScriptedServer([OK]) as server:
        transport = Transport(KEY, f"{server.url}{base}")
        transport.request("GET", "/v2/accounts/a%2Fb")
        transport.close()
    assert server.requests[0].target == f"{prefix}/v2/accounts/a%2Fb"


def test_the_query_follows_the_path_without_what_is_none() -> None:
    query = {"q": "a b&c=d/é", "none": None, "yes": True, "no": False, "n": 7}
    assert sent("GET", query=query).target == (
        "/api/v2/accounts?q=a%20b%26c%3Dd%2F%C3%A9&yes=true&no=false&n=7"
    )
    assert sent("GET", query={"none": None}).target == "/api/v2/accounts"


# ---- answers ----


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_a_redirect_is_raised_and_nothing_is_sent_elsewhere(status: int, method: str) -> None:
    fake = FakeTime()
    with ScriptedServer([]) as elsewhere:
        target = f"{elsewhere.url}/login?next=1"
        script = [reply(status, headers={"Location": target})]
        with scripted(script, fake) as (transport, server):
            error = failure_of(lambda: transport.request(method, "/v2/x"))
    assert type(error) is ApiError
    assert error.http_status == status
    assert f"redirects to {target}, and redirects are not followed" in str(error)
    assert error.outcome_unknown is False
    assert (elsewhere.connections, len(server.requests), fake.waits) == (0, 1, [])


def test_the_request_id_is_on_the_response_and_on_errors() -> None:
    named = {"X-Request-Id": "req-1"}
    script = [reply(200, {}, named), reply(404, {}, named), OK, reply(404)]
    with scripted(script) as (transport, _):
        assert transport.request("GET", "/v2/x").request_id == "req-1"
        error = failure_of(lambda: transport.request("GET", "/v2/x"))
        assert error.request_id == "req-1"
        assert "request_id req-1" in str(error)
        assert transport.request("GET", "/v2/x").request_id is None
        assert failure_of(lambda: transport.request("GET", "/v2/x")).request_id is None


def test_the_last_rate_limit_is_the_newest_that_was_sent() -> None:
    def limited(status: int, limit: str, remaining: str, reset: str) -> Any:
        fields = {"Limit": limit, "Remaining": remaining, "Reset": reset}
        return reply(status, {}, {f"X-RateLimit-{name}": value for name, value in fields.items()})

    script = [
        limited(200, "200", "199", "60"),
        OK,
        limited(404, "200", "198", "59"),
        limited(200, "lots", "-1", "1700000000.5"),
        reply(200, {}, {"X-RateLimit-Remaining": "7"}),
    ]
    with scripted(script) as (transport, _):
        seen: list[Any] = [transport.last_rate_limit]
        for _step in script:
            with contextlib.suppress(ApiError):
                transport.request("GET", "/v2/x")
            seen.append(transport.last_rate_limit)
    assert seen[0] is None
    assert [(limit.limit, limit.remaining, limit.reset) for limit in seen[1:]] == [
        (200, 199, 60),
        (200, 199, 60),
        (200, 198, 59),
        (None, None, 1700000000.5),
        (None, 7, None),
    ]
    assert (seen[1].limit, seen[1].remaining, seen[1].reset) == (200, 199, 60)


@pytest.mark.parametrize("chunked", [False, True])
def test_gzip_is_undone(chunked: bool) -> None:
    with scripted([reply(200, {"a": "b" * 5000}, gzip=True, chunked=chunked)]) as (transport, _):
        assert transport.request("GET", "/v2/x").json == {"a": "b" * 5000}


def test_a_head_request_returns_the_headers_of_an_answer_without_a_body() -> None:
    with scripted([reply(200, headers={"Content-Length": "512", "X-A": "1"}), OK]) as (
        transport,
        server,
    ):
        response = transport.request("HEAD", "/v2/x")
        transport.request("GET", "/v2/x")
    assert (response.status, response.content, response.headers["x-a"]) == (200, b"", "1")
    assert server.connections == 1


@pytest.mark.parametrize("status", [200, 201, 202, 204, 206, 299])
def test_every_2xx_is_success(status: int) -> None:
    with scripted([reply(status)]) as (transport, _):
        response = transport.request("POST", "/v2/x")
    assert (response.status, response.content, response.body) == (status, b"", "")


def test_a_304_is_an_answer_to_those_who_asked_for_it_alone() -> None:
    with scripted([reply(304, headers={"ETag": '"e1"'})] * 2) as (transport, _):
        response = transport.request("GET", "/v2/x", extra_headers={"if-none-match": '"e1"'})
        assert (response.status, response.headers["etag"]) == (304, '"e1"')
        assert failure_of(lambda: transport.request("GET", "/v2/x")).http_status == 304


def test_an_error_tells_of_its_request_but_no_values() -> None:
    body = {"amount": "1.50", "beneficiary": {"account_number": "0199"}}
    with scripted([reply(422, {"error": "No"})]) as (transport, server):
        error = failure_of(
            lambda: transport.request(
                "POST", "/v2/x", body=body, query={"q": "Lucía P.", "page": 2}, idempotency_key="k1"
            )
        )
    assert error.request_summary == {
        "method": "POST",
        "url": f"{server.url}/api/v2/x?q=<8 characters>&page=2",
        "path": "/v2/x",
        "query": "q=<8 characters>&page=2",
        "body_shape": {"keys": ["amount", "beneficiary"], "bytes": len(compact(body))},
        "authorization": SHOWN_KEY,
        "idempotency_key": "k1",
    }
    assert error.attempts == 1
    assert json.dumps(error.to_dict())


def compact(body: Any) -> bytes:
    return json.dumps(body, separators=(",", ":")).encode()


def test_html_instead_of_json_says_what_to_check() -> None:
    page = reply(200, "<html>Sign in</html>", {"Content-Type": "text/html"})
    fake = FakeTime()
    with scripted([page], fake) as (transport, _):
        response = transport.request("GET", "/v2/x")
        error = failure_of(lambda: response.json)
    assert type(error) is InvalidResponseError
    assert error.message == (
        "the answer is not JSON (text/html, 20 bytes): check that base_url is the API's and that "
        "no proxy or login page answers in its place"
    )
    assert (error.http_status, error.response_body) == (200, "<html>Sign in</html>")
    assert response.body == "<html>Sign in</html>"
    assert fake.waits == []
