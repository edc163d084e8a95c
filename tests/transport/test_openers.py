"""Openers of the user's own: what they are called with, and what becomes of what they do."""

from __future__ import annotations

import builtins
import email.message
import http.client
import io
import socket
import ssl
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Any, Callable

import pytest

from tesote_sdk import V2Client, errors
from tesote_sdk.sandbox import Sandbox
from tests.support.certificates import SELF_SIGNED, client_context, server_context
from tests.support.dead_addresses import refused_port
from tests.support.scripted_server import ScriptedServer
from tests.support.steps import Step, cut, hang_up, raw, reply, silence
from tests.transport.calls import KEY, MARK, FakeTime, failure_of, scripted, transport_to

if TYPE_CHECKING:
    from tests.support.http_messages import Request

Opener = Callable[..., Any]
NOWHERE = "https://api.example.test"


class Answer:
    """The least that an opener may return."""

    def __init__(
        self,
        content: bytes = b'{"id":"a1"}',
        status: int = 200,
        headers: dict[str, str] | None = None,
    ) -> None:
        self.status = status
        self.headers = headers or {}
        self._content = content

    def read(self) -> bytes:
        return self._content


class Recorder:
    """An opener that answers in order, and keeps what it was called with."""

    def __init__(self, *answers: Any) -> None:
        self.requests: list[urllib.request.Request] = []
        self.timeouts: list[float] = []
        self._answers = list(answers)

    def __call__(self, request: urllib.request.Request, *, timeout: float) -> Any:
        self.requests.append(request)
        self.timeouts.append(timeout)
        answer = self._answers.pop(0)
        if isinstance(answer, BaseException):
            raise answer
        return answer


def urlopen(handlers: list[Any] | None = None) -> Opener:
    return urllib.request.build_opener(urllib.request.ProxyHandler({}), *(handlers or [])).open


def fails(opener: Opener, method: str = "GET", url: str = NOWHERE, **options: Any) -> Any:
    with transport_to(url, opener=opener, **options) as transport:
        return failure_of(lambda: transport.request(method, "/v2/x"))


# ---- what it is called with ----


def test_an_opener_gets_a_request_of_urllib_and_a_timeout() -> None:
    opener = Recorder(Answer(headers={"X-Request-Id": "r1", "Content-Type": "application/json"}))
    with transport_to(NOWHERE, opener=opener, read_timeout=7.5) as transport:
        response = transport.request("PATCH", "/v2/x", body={"a": "ñ"}, query={"b": "c d"})
    (request,) = opener.requests
    assert isinstance(request, urllib.request.Request)
    assert request.full_url == f"{NOWHERE}/api/v2/x?b=c%20d"
    assert request.get_method() == "PATCH"
    assert request.data == '{"a":"ñ"}'.encode()
    sent = {name.lower(): value for name, value in request.header_items()}
    assert sent["authorization"] == f"Bearer {KEY}"
    assert sent["content-type"] == "application/json"
    assert sent["content-length"] == "10"
    assert set(sent) == {
        "accept",
        "accept-encoding",
        "authorization",
        "content-length",
        "content-type",
        "host",
        "idempotency-key",
        "user-agent",
    }
    assert opener.timeouts == [7.5]
    assert (response.json, response.request_id) == ({"id": "a1"}, "r1")
    assert response.headers["content-TYPE"] == "application/json"


def test_the_timeout_is_the_smaller_of_the_silence_and_what_is_left() -> None:
    opener = Recorder(Answer(status=503, headers={"Retry-After": "8"}), Answer())
    with transport_to(NOWHERE, opener=opener, read_timeout=30.0, total_timeout=10.0) as transport:
        transport.request("GET", "/v2/x")
    first, second = opener.timeouts
    assert 9.0 < first <= 10.0
    assert 1.0 < second <= 2.0


def test_an_error_that_quotes_the_header_shows_no_key() -> None:
    def opener(request: Any, timeout: float) -> Any:
        raise ValueError(f"Invalid header value {request.unredirected_hdrs['Authorization']!r}")

    error = fails(opener)
    assert KEY not in str(error) + repr(error.args)
    assert f"Bearer {KEY[-4:]}" in str(error)


def test_every_attempt_is_the_same_request() -> None:
    opener = Recorder(Answer(status=503), Answer(status=503), Answer())
    with transport_to(NOWHERE, opener=opener) as transport:
        transport.request("POST", "/v2/x", body={"a": 1})
    sent = [(request.data, sorted(request.header_items())) for request in opener.requests]
    assert sent[0] == sent[1] == sent[2]


# ---- what it returns ----


@pytest.mark.parametrize("content", [b"", b"{}", b"a" * 100_000], ids=["empty", "short", "long"])
def test_a_status_headers_and_read_are_enough(content: bytes) -> None:
    with transport_to(NOWHERE, opener=Recorder(Answer(content))) as transport:
        assert transport.request("GET", "/v2/x").content == content


def test_a_response_that_can_be_closed_is() -> None:
    class Closable(Answer):
        closed = 0

        def close(self) -> None:
            self.closed += 1

    good, bad = Closable(), Closable(b"x", headers={"Content-Encoding": "gzip"})
    with transport_to(NOWHERE, opener=Recorder(good, bad)) as transport:
        transport.request("GET", "/v2/x")
        assert type(failure_of(lambda: transport.request("GET", "/v2/x"))) is (
            errors.InvalidResponseError
        )
    assert (good.closed, bad.closed) == (1, 1)


def test_a_refusal_may_be_returned_or_raised() -> None:
    envelope = b'{"error": "No", "error_code": "ACCOUNT_NOT_FOUND"}'
    headers = email.message.Message()
    headers["X-Request-Id"] = "r1"
    url = f"{NOWHERE}/api/v2/x"
    raised = urllib.error.HTTPError(url, 404, "Not Found", headers, io.BytesIO(envelope))
    bare = urllib.error.HTTPError(url, 404, "Not Found", headers, None)
    returned = Answer(envelope, 404, {"x-request-id": "r1"})
    for answer, kind in (
        (raised, errors.AccountNotFoundError),
        (returned, errors.AccountNotFoundError),
        (bare, errors.NotFoundError),
    ):
        error = fails(Recorder(answer))
        assert type(error) is kind
        assert (error.http_status, error.request_id) == (404, "r1")


# ---- urllib itself ----


@pytest.mark.parametrize("opener", [urllib.request.urlopen, urlopen()])
def test_urllib_works_as_it_is(opener: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "*")
    with (
        Sandbox(accounts=30, transactions=1) as sandbox,
        V2Client(sandbox.api_key, base_url=sandbox.url, opener=opener) as client,
    ):
        assert len(list(client.accounts.list(per_page=25))) == 30
        assert client.status()["authenticated"] is True
        account = client.accounts.list(per_page=1).data[0]
        assert client.accounts.sync(account["id"])["sync_session_id"]
        with pytest.raises(errors.AccountNotFoundError) as told:
            client.accounts.get("none")
        assert told.value.request_id
        sandbox.fail(503, times=1, retry_after=0)
        assert client.accounts.get(account["id"]) == account


REDIRECTS = [301, 302, 303, 307, 308]


@pytest.mark.parametrize("status", REDIRECTS)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_the_answer_of_another_place_is_nobodys(
    status: int, method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """urllib follows redirects, a POST's with a GET: the 200 it ends at is no payment's result."""
    monkeypatch.setenv("no_proxy", "*")
    with ScriptedServer(lambda _: reply(200, {"id": "elsewhere"})) as elsewhere:
        step = reply(status, headers={"Location": f"{elsewhere.url}/login"})
        with scripted([step], opener=urllib.request.urlopen) as (transport, server):
            error = failure_of(lambda: transport.request(method, "/v2/x"))
    assert type(error) is errors.ApiError
    assert len(server.requests) == 1
    if elsewhere.requests:  # not every method is sent on for every status, by every version
        (request,) = elsewhere.requests
        assert "authorization" not in request.headers
        assert MARK.encode() not in request.raw
        assert f"followed a redirect to {elsewhere.url}/login" in error.message
    else:
        assert error.http_status == status
    assert error.outcome_unknown is (bool(elsewhere.requests) and method == "POST")
    assert (method == "POST" and status > 303) or elsewhere.requests or status == 308


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_nor_is_that_of_the_same_place_asked_by_a_redirect(method: str) -> None:
    """As servers do that answer a form: the GET says nothing of what became of the POST."""

    def answer(request: Request) -> Step:
        if len(server.requests) == 1:
            return reply(303, headers={"Location": request.target})
        return reply(200, {"id": "o1", "status": "completed"})

    with ScriptedServer(answer) as server:
        error = fails(urlopen(), method, server.url)
    assert type(error) is errors.ApiError
    assert [request.method for request in server.requests] == [method, "GET"]
    assert error.outcome_unknown is (method == "POST")


@pytest.mark.parametrize(
    ("place", "same"),
    [
        (f"{NOWHERE}/api/v2/x", True),
        ("https://API.example.test:443/api/v2/x", True),
        (None, True),
        (f"{NOWHERE}/api/v2/y", False),
        (f"{NOWHERE}/api/v2/x?a=1", False),
        ("http://api.example.test/api/v2/x", False),
        ("https://api.example.test:8443/api/v2/x", False),
        ("https://api.example.test:port/api/v2/x", False),
    ],
)
def test_one_place_may_be_spelled_in_several_ways(place: Any, same: bool) -> None:
    answer: Any = Answer()
    answer.url = place
    with transport_to(NOWHERE, opener=Recorder(answer)) as transport:
        if same:
            assert transport.request("GET", "/v2/x").json == {"id": "a1"}
        else:
            error = failure_of(lambda: transport.request("GET", "/v2/x"))
            assert type(error) is errors.ApiError


@pytest.mark.parametrize(
    ("step", "kind", "attempts", "unknown"),
    [
        (hang_up(), errors.NetworkError, 3, True),
        (cut(reply(200, b"x" * 99), -1), errors.NetworkError, 3, True),
        (cut(reply(200, b"x" * 99, chunked=True), -9), errors.NetworkError, 3, True),
        (raw(b"SSH-2.0-OpenSSH_9.6\r\n"), errors.InvalidResponseError, 1, True),
        (reply(200, b"x", {"Content-Encoding": "gzip"}), errors.InvalidResponseError, 1, True),
        (silence(), errors.TimeoutError, 1, True),
        (reply(429), errors.RateLimitExceededError, 3, False),
        (cut(reply(400, b"x" * 99), -9), errors.BadRequestError, 1, False),
    ],
    ids=str,
)
def test_what_fails_behind_urllib_is_a_typed_error(
    step: Any, kind: type[errors.TesoteError], attempts: int, unknown: bool
) -> None:
    with ScriptedServer(lambda _: step) as server:
        patience = 0.1 if kind is errors.TimeoutError else 10
        error = fails(urlopen(), "POST", server.url, read_timeout=patience)
    assert type(error) is kind
    assert (error.attempts, error.outcome_unknown) == (attempts, unknown)


def test_what_fails_before_anything_was_sent_is_known_to_have() -> None:
    with refused_port() as port:
        error = fails(urlopen(), "POST", f"http://127.0.0.1:{port}")
    assert type(error) is errors.NetworkError
    assert (error.attempts, error.outcome_unknown) == (3, False)
    handler = urllib.request.HTTPSHandler(context=client_context())
    with ScriptedServer([], tls=server_context(SELF_SIGNED)) as server:
        error = fails(urlopen([handler]), "POST", server.url)
    assert type(error) is errors.TlsError
    assert (error.attempts, error.outcome_unknown) == (1, False)


# ---- what else it may raise ----


@pytest.mark.parametrize(
    ("raised", "kind"),
    [
        (urllib.error.URLError("no route"), errors.NetworkError),
        (urllib.error.URLError(ConnectionResetError(104, "reset")), errors.NetworkError),
        (urllib.error.URLError(socket.timeout("timed out")), errors.TimeoutError),
        (urllib.error.URLError(ssl.SSLCertVerificationError("bad")), errors.TlsError),
        (socket.timeout("timed out"), errors.TimeoutError),
        (builtins.TimeoutError("timed out"), errors.TimeoutError),
        (TimeoutError(110, "Connection timed out"), errors.NetworkError),
        (ConnectionError("gone"), errors.NetworkError),
        (http.client.RemoteDisconnected("gone"), errors.NetworkError),
        (http.client.IncompleteRead(b"", 3), errors.NetworkError),
        (http.client.BadStatusLine("x"), errors.InvalidResponseError),
    ],
    ids=lambda value: repr(value)[:60],
)
def test_what_an_opener_raises_is_translated(
    raised: Exception, kind: type[errors.TesoteError]
) -> None:
    fake = FakeTime()
    error = fails(Recorder(raised, raised, raised), clock=fake)
    assert type(error) is kind
    if isinstance(error, errors.TimeoutError):
        assert error.phase == "read"
    assert error.__cause__ is raised
    assert error.attempts == (1 if kind in (errors.TlsError, errors.InvalidResponseError) else 3)


@pytest.mark.parametrize("raised", [KeyboardInterrupt(), SystemExit(1), GeneratorExit()])
def test_what_ends_a_program_passes_through(raised: BaseException) -> None:
    opener = Recorder(raised)
    with transport_to(NOWHERE, opener=opener) as transport, pytest.raises(type(raised)):
        transport.request("GET", "/v2/x")


def named(name: str, *bases: str) -> Exception:
    """Return an exception of a class as another library has it."""
    kind: type[Exception] = Exception
    for base in (*bases, name):
        kind = type(base, (kind,), {})
    return kind("it failed")


FOREIGN = [
    (named("ConnectError", "HTTPError", "RequestError", "TransportError"), errors.NetworkError),
    (named("RemoteProtocolError", "HTTPError", "RequestError"), errors.NetworkError),
    (named("ProtocolError", "HTTPError"), errors.NetworkError),
    (named("MaxRetryError", "HTTPError", "PoolError"), errors.NetworkError),
    (named("ReadTimeout", "HTTPError", "TransportError", "TimeoutException"), errors.TimeoutError),
    (named("ReadTimeoutError", "HTTPError", "TimeoutError"), errors.TimeoutError),
    (named("PoolTimeout"), errors.TimeoutError),
    (ZeroDivisionError("a mistake"), errors.InvalidResponseError),
    (AttributeError("a mistake"), errors.InvalidResponseError),
    (RuntimeError("a mistake"), errors.InvalidResponseError),
    (ValueError("no answer"), errors.InvalidResponseError),
]


@pytest.mark.parametrize("during", ["the call", "the reading"])
@pytest.mark.parametrize(
    ("raised", "kind"), FOREIGN, ids=[type(raised).__name__ for raised, _ in FOREIGN]
)
def test_exceptions_of_other_libraries_become_typed_errors(
    raised: Exception, kind: type[errors.TesoteError], during: str
) -> None:
    class Failing(Answer):
        def read(self) -> bytes:
            raise raised

    answer = raised if during == "the call" else Failing()
    error = fails(Recorder(answer, answer, answer), "POST")
    assert type(error) is kind
    assert error.__cause__ is raised
    assert error.outcome_unknown
    assert error.attempts == (3 if kind is errors.NetworkError else 1)


@pytest.mark.parametrize("answer", [None, 7, object(), b"{}", (200, {}, b"{}")], ids=repr)
def test_what_is_no_response_is_an_invalid_response(answer: Any) -> None:
    error = fails(Recorder(answer), "POST")
    assert type(error) is errors.InvalidResponseError
    assert error.outcome_unknown
