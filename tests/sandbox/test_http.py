"""HTTP as the sandbox speaks it: headers, conditions, compression, and bad requests."""

from __future__ import annotations

import gzip
import re
import socket
from email.utils import parsedate_to_datetime

import pytest

from tesote_sdk.sandbox import Headers, Sandbox

from .api import Api

BASE = "GET /api/v2/status HTTP/1.1\r\nHost: localhost\r\n"


def talk(sandbox: Sandbox, sent: bytes) -> bytes:
    """Everything that comes back until the server closes the connection."""
    host, port = sandbox.url[len("http://") : -len("/api")].split(":")
    with socket.create_connection((host, int(port)), timeout=5) as sock:
        sock.sendall(sent)
        received = b""
        while chunk := sock.recv(65536):
            received += chunk
        return received


def test_every_answer_carries_the_promised_headers(api: Api) -> None:
    for path in ("/v2/status", "/v2/accounts", "/nowhere", "/v2/accounts/x"):
        answer = api.get(path)
        assert re.fullmatch(r"[0-9a-f-]{36}", answer.headers["X-Request-Id"])
        assert int(answer.headers["X-RateLimit-Limit"]) > 0
        assert int(answer.headers["X-RateLimit-Remaining"]) >= 0
        assert int(answer.headers["X-RateLimit-Reset"]) <= 60
        assert int(answer.headers["Content-Length"]) == len(answer.body)
        assert parsedate_to_datetime(answer.headers["Date"]) is not None
        assert answer.headers["Content-Type"].startswith("application/json")


def test_request_ids_differ(api: Api) -> None:
    ids = {api.get("/v2/status").headers["X-Request-Id"] for _ in range(5)}
    assert len(ids) == 5


def test_a_request_with_the_etag_of_the_body_is_answered_304(api: Api, sandbox: Sandbox) -> None:
    path = f"/v2/accounts/{sandbox.account_ids[0]}"
    etag = api.get(path).headers["ETag"]
    for condition in (etag, etag.replace("W/", ""), f'"other", {etag}', "*"):
        answer = api.get_with({"If-None-Match": condition}, path)
        assert (answer.status, answer.body, answer.headers["ETag"]) == (304, b"", etag)


def test_a_change_changes_the_etag(api: Api, sandbox: Sandbox) -> None:
    account = sandbox.account_ids[0]
    path = f"/v2/accounts/{account}"
    etag = api.get(path).headers["ETag"]
    sandbox.post_transaction(account, amount_cents=100)
    answer = api.get_with({"If-None-Match": etag}, path)
    assert answer.status == 200
    assert answer.headers["ETag"] != etag


def test_errors_and_writes_have_no_etag(api: Api, account: str) -> None:
    assert "ETag" not in api.get("/v2/accounts/x").headers
    assert "ETag" not in api.post(f"{account}/transactions/sync").headers


def test_a_long_body_is_compressed_for_who_accepts_it(api: Api) -> None:
    plain = api.get("/v2/accounts")
    packed = api.get_with({"Accept-Encoding": "br, gzip;q=0.5"}, "/v2/accounts")
    assert "Content-Encoding" not in plain.headers
    assert packed.headers["Content-Encoding"] == "gzip"
    assert int(packed.headers["Content-Length"]) == len(packed.body) < len(plain.body)
    assert gzip.decompress(packed.body) == plain.body
    assert plain.headers["Vary"] == packed.headers["Vary"] == "Accept-Encoding"


def test_a_short_body_or_an_unwilling_client_is_served_plain(api: Api) -> None:
    for path, accepted in (("/v2/status", "gzip"), ("/v2/accounts", "gzip;q=0, identity")):
        answer = api.get_with({"Accept-Encoding": accepted}, path)
        assert "Content-Encoding" not in answer.headers


def test_compression_can_be_switched_off() -> None:
    with Sandbox(accounts=20, gzip=False) as sandbox, Api(sandbox) as api:
        answer = api.get_with({"Accept-Encoding": "gzip"}, "/v2/accounts")
        assert "Content-Encoding" not in answer.headers


def test_one_connection_serves_many_requests(api: Api, sandbox: Sandbox) -> None:
    for _ in range(3):
        api.get("/v2/status")
    assert sandbox.connections == 1
    assert [request.connection for request in sandbox.requests] == [1, 1, 1]


def test_pipelined_requests_are_answered_in_order(sandbox: Sandbox) -> None:
    last = BASE.replace("status", "nothing") + "Connection: close\r\n\r\n"
    received = talk(sandbox, (f"{BASE}\r\n" + last).encode())
    assert re.findall(rb"HTTP/1.1 (\d+)", received) == [b"200", b"404"]


@pytest.mark.parametrize(
    "sent",
    [f"{BASE}Connection: close\r\n\r\n", BASE.replace("1.1", "1.0") + "\r\n"],
    ids=["connection-close", "http-1.0"],
)
def test_a_connection_ends_when_the_client_wants_it_to(sandbox: Sandbox, sent: str) -> None:
    received = talk(sandbox, sent.encode())
    assert received.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"\r\nConnection: close\r\n" in received


def test_a_chunked_body_is_read(sandbox: Sandbox, account: str) -> None:
    head = (
        f"POST /api{account}/transactions/sync HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
        f"Authorization: Bearer {sandbox.api_key}\r\nContent-Type: application/json\r\n"
        "Transfer-Encoding: chunked\r\n\r\n"
    )
    received = talk(sandbox, head.encode() + b'7;x=y\r\n{"count\r\n5\r\n": 1}\r\n0\r\nT: x\r\n\r\n')
    assert received.startswith(b"HTTP/1.1 200")
    assert sandbox.requests[0].json == {"count": 1}


def test_a_client_that_asks_first_is_told_to_go_on(sandbox: Sandbox) -> None:
    head = BASE.replace("GET", "POST") + "Expect: 100-continue\r\nContent-Length: 2\r\n"
    received = talk(sandbox, (head + "Connection: close\r\n\r\n{}").encode())
    assert received.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 405 ")


def test_the_absolute_form_of_a_target_is_understood(sandbox: Sandbox) -> None:
    for authority, status in (("localhost:8000", b"200"), ("foreign.example", b"421")):
        sent = BASE.replace("GET /api", f"GET http://{authority}/api") + "Connection: close\r\n\r\n"
        assert talk(sandbox, sent.encode()).startswith(b"HTTP/1.1 " + status)
    (request,) = sandbox.requests
    assert request.path == "/v2/status"


def test_head_is_answered_as_get_is_but_for_the_body(api: Api) -> None:
    fields = []
    for method in ("GET", "HEAD"):
        answer = api.call(method, "/v2/accounts", headers={"Accept-Encoding": "gzip"})
        assert (answer.status, answer.body == b"") == (200, method == "HEAD")
        ever_new = ("X-Request-Id", "X-RateLimit-Remaining", "Date")
        fields.append([each for each in answer.headers.items() if each[0] not in ever_new])
    assert fields[0] == fields[1]
    known = {"If-None-Match": dict(fields[0])["ETag"]}
    assert api.call("HEAD", "/v2/accounts", headers=known).status == 304


@pytest.mark.parametrize(("path", "status"), [("/v2/transactions/sync", 405), ("/nowhere", 404)])
def test_head_is_refused_where_get_is(api: Api, path: str, status: int) -> None:
    answer = api.call("HEAD", path)
    assert (answer.status, answer.body) == (status, b"")


@pytest.mark.parametrize(
    "host",
    ["localhost", "LOCALHOST:1", "localhost.:80", "tesote.localhost", "127.0.0.1", "127.9.9.9:99"],
)
def test_any_name_of_the_loopback_is_served(api: Api, host: str) -> None:
    assert api.get_with({"Host": host}, "/v2/accounts").status == 200


@pytest.mark.parametrize(
    "host",
    [
        "foreign.example",
        "notlocalhost",
        "localhost.example:80",
        "127.0.0.1.example",
        "10.0.0.1",
        "0.0.0.0",
    ],
)
def test_a_foreign_host_is_refused_and_nothing_of_it_is_kept(
    sandbox: Sandbox, api: Api, host: str
) -> None:
    answer = api.call("POST", "/v2/transactions/bulk", b"x" * 1000, headers={"Host": host})
    assert answer.status == 421  # RFC 9110 section 15.5.20
    assert "loopback" in answer.json["error"]
    assert answer.headers["Connection"] == "close"
    assert sandbox.requests == []


def test_the_host_that_it_listens_on_is_served() -> None:
    with Sandbox(accounts=1, host="0.0.0.0") as sandbox, Api(sandbox) as api:
        hosts = {"0.0.0.0": 200, "192.0.2.1": 200, "[2001:db8::1]:80": 200, "foreign.example": 421}
        for host, status in hosts.items():
            assert api.get_with({"Host": host}, "/v2/accounts").status == status


def test_http_1_0_may_leave_the_host_out(sandbox: Sandbox) -> None:
    assert talk(sandbox, b"GET /api/status HTTP/1.0\r\n\r\n").startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize("key", ["", "wrong", "revoked"])
def test_no_body_is_kept_of_a_caller_without_a_valid_key(
    sandbox: Sandbox, account: str, key: str
) -> None:
    sandbox.add_api_key("revoked")
    sandbox.revoke_api_key("revoked")
    with Api(sandbox, key) as stranger:
        answer = stranger.call(
            "POST",
            f"{account}/sync",
            {"count": 1},
            headers={"Authorization": f"Bearer {key}"} if key else {},
        )
    assert answer.status == 401
    (request,) = sandbox.requests
    assert (request.path, request.body, request.json) == (f"{account}/sync", b"", None)


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        ("nonsense\r\n\r\n", 400),
        ("GET /api/v2/status HTTP/2\r\n\r\n", 505),
        (BASE + "no colon\r\n\r\n", 400),
        (BASE + "Name : value\r\n\r\n", 400),
        (BASE + "X: " + "x" * 70_000, 431),
        (BASE + "Content-Length: -1\r\n\r\n", 400),
        (BASE + "Content-Length: 1\r\nContent-Length: 2\r\n\r\n", 400),
        (BASE + "Content-Length: 99999999999\r\n\r\n", 413),
        (BASE + "Content-Length: " + "9" * 5000 + "\r\n\r\n", 413),
        (BASE + "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
        (BASE + "Transfer-Encoding: gzip\r\n\r\n", 501),
        (BASE + "Transfer-Encoding: chunked\r\n\r\nzz\r\n", 400),
        (BASE + "Transfer-Encoding: chunked\r\n\r\nfffffffffff\r\n", 413),
        (BASE + "Transfer-Encoding: chunked\r\n\r\n1\r\nab\r\n", 400),
        (BASE.replace("status", "status?" + "a&" * 2000) + "\r\n", 400),
        ("GET /api/v2/status HTTP/1.1\r\n\r\n", 400),
        (BASE + "Host: localhost\r\n\r\n", 400),
        (BASE.replace("localhost", "") + "\r\n", 400),
        (BASE.replace("localhost", "a@localhost") + "\r\n", 400),
    ],
    ids=lambda value: str(value)[:50].replace("\r\n", " "),
)
def test_what_is_no_request_is_refused_and_the_connection_ends(
    sandbox: Sandbox, sent: str, status: int
) -> None:
    received = talk(sandbox, sent.encode())
    assert received.startswith(f"HTTP/1.1 {status} ".encode())
    assert b"\r\nConnection: close\r\n" in received
    assert sandbox.requests == []


def test_a_refusal_reaches_a_client_that_is_still_sending(sandbox: Sandbox) -> None:
    sent = BASE + "Content-Length: 99999999\r\n\r\n" + "x" * 30_000_000
    assert talk(sandbox, sent.encode()).startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize("content_type", ["", "text/plain", "application/x-www-form-urlencoded"])
@pytest.mark.parametrize("body", [b"", b"{}"])
def test_a_write_without_a_json_content_type_is_415(
    api: Api, account: str, content_type: str, body: bytes
) -> None:
    for method, path in (("POST", f"{account}/sync"), ("PATCH", "/v2/payment_methods/x")):
        answer = api.call(method, path, body, headers={"Content-Type": content_type})
        assert (answer.status, answer.code) == (415, "UNPROCESSABLE_CONTENT")


def test_a_content_type_may_have_parameters(api: Api, account: str) -> None:
    fields = {"Content-Type": "Application/JSON; charset=utf-8"}
    assert api.post(f"{account}/transactions/sync", headers=fields).status == 200


@pytest.mark.parametrize(
    "body",
    [
        b"[]",
        b'"x"',
        b"1",
        b"null",
        b"{",
        b"\xff",
        b'{"a": NaN}',
        b'{"a": 1e999}',
        b'{"a":' * 100_000,
        b'{"a":' * 200 + b"1" + b"}" * 200,
        b"1" * 5000,
    ],
    ids=lambda body: f"{body[:12]!r}-{len(body)}",
)
def test_a_body_that_is_no_json_object_is_400(api: Api, account: str, body: bytes) -> None:
    assert api.post(f"{account}/transactions/sync", body).status == 400


def test_an_empty_body_stands_for_an_empty_object(api: Api, account: str) -> None:
    assert api.post(f"{account}/sync", b"").status == 202


def test_text_goes_out_as_utf8_and_a_lone_surrogate_breaks_nothing(api: Api, account: str) -> None:
    assert "Panadería" in api.get("/v2/whoami").body.decode("utf-8")
    body = (
        b'{"transaction_order": {"beneficiary": {"name": "\\ud800"}, "amount": "1", '
        b'"currency": "USD", "description": "x"}}'
    )
    assert api.post(f"{account}/transaction_orders", body).status == 201


def test_an_encoded_id_is_one_segment(api: Api, sandbox: Sandbox) -> None:
    account = sandbox.account_ids[0]
    assert api.get(f"/v2/accounts/{account.replace('-', '%2D')}").json["id"] == account
    assert api.get(f"/v2/accounts/a%2F..%2F{account}").code == "ACCOUNT_NOT_FOUND"


def test_requests_are_recorded_as_they_came(api: Api, sandbox: Sandbox, account: str) -> None:
    api.get("/v2/transactions/search?q=a%20b&x=1&x=2&empty=")
    api.post(f"{account}/transactions/sync", {"count": 7}, headers={"Idempotency-Key": "k"})
    read, written = sandbox.requests
    assert (read.method, read.path) == ("GET", "/v2/transactions/search")
    assert read.target == "/api/v2/transactions/search?q=a%20b&x=1&x=2&empty="
    assert read.query == {"q": "a b", "x": "2", "empty": ""}
    assert read.query_items == [("q", "a b"), ("x", "1"), ("x", "2"), ("empty", "")]
    assert (read.body, read.json) == (b"", None)
    assert written.json == {"count": 7}
    assert written.headers["IDEMPOTENCY-KEY"] == "k"
    sandbox.clear_requests()
    assert sandbox.requests == []


def test_no_repr_shows_the_key(api: Api, sandbox: Sandbox) -> None:
    api.get("/v2/status")
    (request,) = sandbox.requests
    for shown in (repr(sandbox), repr(request), repr(request.headers)):
        assert sandbox.api_key not in shown


def test_headers_are_a_mapping_without_case() -> None:
    headers = Headers([("Accept", "a"), ("X-Two", "1"), ("x-two", "2")])
    assert headers["ACCEPT"] == "a"
    assert headers["X-TWO"] == "1, 2"
    assert "accept" in headers
    assert headers.get("missing") is None
    assert dict(headers) == {"Accept": "a", "X-Two": "1, 2"}
    assert len(headers) == 2
