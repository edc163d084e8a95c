"""The API key is shown nowhere: not by errors, logs, reprs, pickles or crash reports."""

from __future__ import annotations

import copy
import json
import logging
import pickle
import traceback
import urllib.request
from typing import TYPE_CHECKING, Any, Callable
from urllib.parse import quote

import pytest

from tesote_sdk import RetryPolicy, V1Client, V2Client
from tesote_sdk.errors import ConfigError, TesoteError
from tesote_sdk.transport import Options, Transport
from tesote_sdk.transport.redaction import ApiKey
from tests.support.certificates import SELF_SIGNED, server_context
from tests.support.dead_addresses import black_hole, refused_port
from tests.support.scripted_server import ScriptedServer
from tests.support.steps import cut, drip, hang_up, raw, reply, reset, silence
from tests.transport.calls import KEY, MARK, SHOWN_KEY, failure_of

if TYPE_CHECKING:
    from tests.support.steps import Step

TWICE = RetryPolicy(max_attempts=2, base_delay=0.0)
SPELLINGS = {
    "plain": KEY,
    "in a URL": quote(KEY, safe=""),
    "in a URL, in lower case": quote(KEY, safe="").lower(),
    "in JSON": KEY.replace("/", "\\/"),
    "in escaped JSON": "".join(f"\\u{ord(character):04X}" for character in KEY),
}


def crash_report(error: BaseException) -> str:
    """Return what a crash reporter records: the chain of tracebacks with all local variables."""
    report = traceback.TracebackException.from_exception(error, capture_locals=True)
    return "".join(report.format())


def all_that_shows(error: BaseException) -> str:
    """Return everything that an error, and what caused it, can be made to show."""
    shown = [crash_report(error), repr(error.args), repr(vars(error))]
    link: BaseException | None = error
    while link is not None:
        shown += [str(link), repr(link)]
        link = link.__cause__ or link.__context__
    if isinstance(error, TesoteError):
        shown.append(json.dumps(error.to_dict()))
        shown += [pickle.dumps(error, protocol).decode("latin-1") for protocol in (0, 5)]
        shown.append(repr(vars(copy.deepcopy(error))))
    return "\n".join(shown)


def holds_key(text: str) -> bool:
    return MARK in text or any(spelling in text for spelling in SPELLINGS.values())


CALLS: dict[str, Callable[[Any], object]] = {
    "write": lambda client: client.request("POST", "/v2/x", body={"a": 1}).json,
    "get": lambda client: client.accounts.get("a1"),
    "list": lambda client: list(client.accounts.list()),
    "status": lambda client: client.status(),
    "cached": lambda client: client.accounts.get("a1", cache_ttl=60),
}


@pytest.fixture(autouse=True)
def listening(caplog: pytest.LogCaptureFixture) -> None:
    """Log everything, for the logs are searched as well."""
    caplog.set_level(logging.DEBUG)


def shows_no_key(
    url: str, caplog: pytest.LogCaptureFixture, *names: str, **options: Any
) -> list[TesoteError]:
    """Make calls that fail, and check that their errors and logs do not hold the key."""
    events: list[Any] = []
    errors = []
    usual = {"retry_policy": TWICE, "logger": events.append}
    with V2Client(KEY, base_url=url, **{**usual, **options}) as client:
        for name in names or CALLS:
            error = failure_of(lambda: CALLS[name](client))  # noqa: B023 - called at once
            assert not holds_key(all_that_shows(error)), name
            errors.append(error)
        assert not holds_key(repr(client) + repr(client.transport))
    logged = caplog.text + repr([vars(record) for record in caplog.records])
    assert not holds_key(logged + repr(events))
    assert events
    return errors


# ---- failures of every kind ----

REFUSALS = [400, 401, 403, 404, 409, 410, 415, 418, 422, 429, 500, 503, 302]


@pytest.mark.parametrize("status", REFUSALS)
def test_no_refusal_shows_the_key(status: int, caplog: pytest.LogCaptureFixture) -> None:
    with ScriptedServer(lambda _: reply(status, {"error": "No"})) as server:
        shows_no_key(server.url, caplog)


@pytest.mark.parametrize(
    "step",
    [
        hang_up(),
        reset(),
        cut(reply(200, {"id": "1"}), 10),
        cut(reply(200, {"id": "1"}), -3),
        raw(b"SSH-2.0-OpenSSH_9.6\r\n"),
        reply(200, b"not gzip", {"Content-Encoding": "gzip"}),
        reply(200, b"<html>"),
        reply(200, b'{"id": NaN}'),
        reply(204),
    ],
    ids=str,
)
def test_no_failure_shows_the_key(step: Step, caplog: pytest.LogCaptureFixture) -> None:
    with ScriptedServer(lambda _: step) as server:
        shows_no_key(server.url, caplog)


@pytest.mark.parametrize("body", [[], {}, {"accounts": [{}]}, {"accounts": 1}, [KEY], {"a": KEY}])
def test_no_answer_of_the_wrong_shape_shows_the_key(
    body: Any, caplog: pytest.LogCaptureFixture
) -> None:
    with ScriptedServer(lambda _: reply(200, body)) as server:
        shows_no_key(server.url, caplog, "get", "list", "status", "cached")


@pytest.mark.parametrize("step", [silence(), drip(reply(200, {"id": "1"}), 0.01)], ids=str)
def test_no_timeout_shows_the_key(step: Step, caplog: pytest.LogCaptureFixture) -> None:
    with ScriptedServer(lambda _: step) as server:
        shows_no_key(server.url, caplog, "get", "write", read_timeout=0.02, total_timeout=0.05)


def test_no_failure_to_connect_shows_the_key(caplog: pytest.LogCaptureFixture) -> None:
    with refused_port() as port:
        shows_no_key(f"http://127.0.0.1:{port}", caplog, "get", "write")
    with ScriptedServer([], tls=server_context(SELF_SIGNED)) as server:
        shows_no_key(server.url, caplog, "get", "write")
    with black_hole() as (host, port):
        shows_no_key(f"http://{host}:{port}", caplog, "get", connect_timeout=0.02)


BAD_ARGUMENTS: dict[str, Callable[[V2Client], object]] = {
    "path": lambda client: client.request("GET", "no"),
    "method": lambda client: client.request("get", "/v2/x"),
    "query": lambda client: client.request("GET", "/v2/x", query={"a": {1}}),
    "body": lambda client: client.request("POST", "/v2/x", body={"a": {1}}),
    "surrogate": lambda client: client.request("POST", "/v2/x", body="\ud800"),
    "not a number": lambda client: client.request("POST", "/v2/x", body=float("nan")),
    "body of a GET": lambda client: client.request("GET", "/v2/x", body={}),
    "header": lambda client: client.request("GET", "/v2/x", extra_headers={"X-A": "a\nb"}),
    "own header": lambda client: client.request("GET", "/v2/x", extra_headers={"Host": "b"}),
    "idempotency key": lambda client: client.request("POST", "/v2/x", idempotency_key=""),
    "cache": lambda client: client.request("GET", "/v2/x", cache_ttl=-1),
    "id": lambda client: client.accounts.get(""),
}


@pytest.mark.parametrize("name", BAD_ARGUMENTS)
def test_no_bad_argument_shows_the_key(name: str) -> None:
    with ScriptedServer([]) as server, V2Client(KEY, base_url=server.url) as client:
        error = failure_of(lambda: BAD_ARGUMENTS[name](client))
        assert not holds_key(all_that_shows(error))
    closed = failure_of(lambda: client.accounts.list())
    assert type(closed) is ConfigError
    assert not holds_key(all_that_shows(closed))


def test_an_interrupted_call_does_not_show_the_key() -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    interrupted: list[dict[str, Any]] = [
        {"logger": interrupt},
        {"opener": interrupt},
        {"parse_float": interrupt},
    ]
    with ScriptedServer(lambda _: reply(200, [1.5])) as server:
        for options in interrupted:
            for method in ("GET", "POST"):
                with V2Client(KEY, base_url=server.url, **options) as client:
                    with pytest.raises(KeyboardInterrupt) as told:
                        print(client.request(method, "/v2/x").json)
                    assert not holds_key(all_that_shows(told.value))


# ---- what a server echoes ----


def echo_in_json(key: str) -> Any:
    # Written by hand: json.dumps would escape the backslashes of a spelling.
    text = (
        f'{{"error": "Bad {key}", "error_code": "{key}", "error_id": "{key}", "{key}": ["{key}"]}}'
    )
    return text.encode()


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("status", [200, 401, 422, 500])
def test_a_key_in_a_body_is_not_shown(
    status: int, spelling: str, caplog: pytest.LogCaptureFixture
) -> None:
    key = SPELLINGS[spelling]
    for body in (echo_in_json(key), f"<p>Bad {key}".encode(), f'"{key}'.encode()):
        with ScriptedServer(lambda _: reply(status, body)) as server:  # noqa: B023
            errors = shows_no_key(server.url, caplog, "get", "list", "cached")
        for error in errors:
            assert error.response_body
            assert SHOWN_KEY in error.response_body


def test_a_request_that_is_echoed_whole_is_not_shown(caplog: pytest.LogCaptureFixture) -> None:
    for status in (200, 400):
        with ScriptedServer(lambda request: reply(status, request.raw)) as server:  # noqa: B023
            shows_no_key(server.url, caplog, "get", "write")
    with ScriptedServer(lambda request: raw(request.raw)) as server:
        shows_no_key(server.url, caplog, "get", "write")


FIELDS = [
    "X-Request-Id",
    "Location",
    "Link",
    "Content-Type",
    "Content-Encoding",
    "Content-Length",
    "Transfer-Encoding",
    "Retry-After",
    "ETag",
    "X-RateLimit-Reset",
]


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize("status", [200, 302, 410, 503])
def test_a_key_in_a_header_is_not_shown(
    status: int, field: str, caplog: pytest.LogCaptureFixture
) -> None:
    for value in (KEY, f"text/html; charset={quote(KEY, safe='')}"):
        echo = reply(status, b"<p>", {field: value}, close=True)
        with ScriptedServer(lambda _: echo) as server:  # noqa: B023 - called at once
            shows_no_key(server.url, caplog, "get", "write")


def test_a_key_in_a_charset_is_not_shown() -> None:
    step = reply(200, b"a", {"Content-Type": f"text/csv; charset={KEY}"})
    with ScriptedServer([step]) as server, V2Client(KEY, base_url=server.url) as client:
        response = client.request("GET", "/v2/x")
        assert not holds_key(all_that_shows(failure_of(lambda: response.body)))


@pytest.mark.parametrize("status", [200, 302, 401, 503])
def test_a_key_in_a_reason_or_a_cut_answer_is_not_shown(
    status: int, caplog: pytest.LogCaptureFixture
) -> None:
    echo = reply(status, f"<p>{KEY} and more", {"X-Request-Id": KEY}, reason=KEY)
    for step in (echo, cut(echo, -4), cut(echo, 60), raw(KEY.encode())):
        with ScriptedServer(lambda _: step) as server:  # noqa: B023 - called at once
            shows_no_key(server.url, caplog, "get", "write")


def test_a_key_in_a_chunk_size_is_not_shown(caplog: pytest.LogCaptureFixture) -> None:
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    with ScriptedServer(lambda _: raw(head + KEY.encode() + b"\r\n")) as server:
        shows_no_key(server.url, caplog, "get", "write")


# ---- openers ----


def plain_opener() -> Callable[..., Any]:
    return urllib.request.build_opener(urllib.request.ProxyHandler({})).open


@pytest.mark.parametrize(
    "step", [reply(401, KEY), reply(302), hang_up(), cut(reply(200, "{}"), -1)], ids=str
)
def test_no_failure_through_an_opener_shows_the_key(
    step: Step, caplog: pytest.LogCaptureFixture
) -> None:
    with ScriptedServer(lambda _: step) as server:
        shows_no_key(server.url, caplog, "get", "write", opener=plain_opener())


def test_no_failure_to_connect_through_an_opener_shows_the_key(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with refused_port() as port:
        shows_no_key(f"http://127.0.0.1:{port}", caplog, "get", "write", opener=plain_opener())


# ---- construction ----

GOOD = {"base_url": "https://api.example.test"}
UNUSABLE: dict[str, tuple[str, dict[str, Any]]] = {
    "newline": (f"{KEY}\n", GOOD),
    "space": (f"Bearer {KEY}", GOOD),
    "control": (f"{KEY}\x01", GOOD),
    "outside latin-1": (f"{KEY}…", GOOD),
    "url": (KEY, {"base_url": "nowhere"}),
    "http": (KEY, {"base_url": "http://api.example.test"}),
    "credentials": (KEY, {"base_url": "https://me:pw@api.example.test"}),
    "timeout": (KEY, {**GOOD, "read_timeout": 0}),
    "agent": (KEY, {**GOOD, "user_agent": "a\nb"}),
}
# The key must be in no local variable of the tests themselves.
MAKERS: dict[str, Callable[[str], object]] = {
    "V1Client": lambda case: V1Client(UNUSABLE[case][0], **UNUSABLE[case][1]),
    "V2Client": lambda case: V2Client(UNUSABLE[case][0], **UNUSABLE[case][1]),
    "Transport": lambda case: Transport(
        UNUSABLE[case][0],
        UNUSABLE[case][1]["base_url"],
        Options(
            **{name: each for name, each in UNUSABLE[case][1].items() if name != "base_url"},
        ),
    ),
    "environment": lambda case: V2Client(**UNUSABLE[case][1]),
}


@pytest.mark.parametrize("case", UNUSABLE)
@pytest.mark.parametrize("maker", MAKERS)
def test_no_client_that_cannot_be_made_shows_the_key(
    case: str, maker: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    try:
        monkeypatch.setenv("TESOTE_SDK_API_KEY", UNUSABLE[case][0])
    except UnicodeEncodeError:
        pytest.skip("no environment can hold such a key here")
    error = failure_of(lambda: MAKERS[maker](case))
    assert type(error) is ConfigError
    assert not holds_key(all_that_shows(error))


# ---- the key's own appearance ----


@pytest.mark.parametrize(
    ("key", "shown"),
    [
        ("sk_live_abcd0042", "Bearer 0042"),
        ("12345", "Bearer 2345"),
        ("1234", "Bearer ****"),
        ("sk_live_ñññññ", "Bearer ****"),
    ],
)
def test_a_key_shows_its_last_four_characters_at_most(key: str, shown: str) -> None:
    wrapped = ApiKey(key)
    wrapped.check()
    assert wrapped.shown == shown
    assert repr(wrapped) == f"<ApiKey {shown}>"
    assert wrapped.bearer() == f"Bearer {key}"


@pytest.mark.parametrize("key", [KEY, "sk_ñ_0042", "sk_ñ.*\\x(0042", "sk\\1\\g<0>", "a"])
def test_every_spelling_of_a_key_is_replaced(key: str) -> None:
    wrapped = ApiKey(key)
    escaped = "".join(f"\\u{ord(character):04x}" for character in key)
    for spelling in (
        key,
        json.dumps(key)[1:-1],
        key.replace("/", "\\/"),
        escaped,
        escaped.upper().replace("U", "u"),
        quote(key, safe=""),
        quote(key, safe="").lower(),
        quote(key, safe="/="),
        key.encode().decode("latin-1"),
    ):
        assert wrapped.redact(f"<{spelling}>") == f"<{wrapped.shown}>"


@pytest.mark.parametrize(
    ("echoed", "shown"),
    [
        ("the key sk_live_0123456789ab is unknown", "the key Bearer cdef is unknown"),
        ("sk_live_0", "Bearer cdef"),
        ("key=sk_live_0123456789abcde&x=1", "key=Bearer cdef&x=1"),
        ("sk_live_01234...9abcdef", "Bearer cdef...9abcdef"),
        ('{"key":"k_live_0123456789abcdef"}', '{"key":"Bearer cdef"}'),
        ("*****************789abcdef, no", "*****************Bearer cdef, no"),
        ("sk_live_01 and 56789abcdef", "Bearer cdef and Bearer cdef"),
        ("sk_live_, as all keys begin", "sk_live_, as all keys begin"),
        ("ends in cdef", "ends in cdef"),
    ],
)
def test_a_key_that_is_echoed_but_for_its_end_or_its_beginning(echoed: str, shown: str) -> None:
    """Nine characters of either are kept secret; sk_live_ and the last four are no secret."""
    wrapped = ApiKey("sk_live_0123456789abcdef")
    assert wrapped.redact(echoed) == shown
    assert wrapped.redact([{echoed: echoed}]) == [{shown: shown}]


def test_a_short_key_is_replaced_as_a_whole_only() -> None:
    assert ApiKey("secret-12").redact("secret-1 secret-12") == "secret-1 Bearer t-12"


def test_documents_are_redacted_without_being_changed() -> None:
    wrapped = ApiKey("secret-1")
    document = {"a": ["secret-1", {"secret-1": "x secret-1 y"}], "b": [1, None, True], 7: "z"}
    before = copy.deepcopy(document)
    assert wrapped.redact(document) == {
        "a": ["Bearer et-1", {"Bearer et-1": "x Bearer et-1 y"}],
        "b": [1, None, True],
        7: "z",
    }
    assert document == before
    deep: Any = "secret-1"
    for _ in range(100_000):
        deep = [deep]
    deep = wrapped.redact(deep)
    while isinstance(deep, list):
        (deep,) = deep
    assert deep == "Bearer et-1"


def test_neither_keys_nor_clients_are_pickled_or_copied() -> None:
    with V2Client(KEY, base_url="https://api.example.test") as client:
        for thing in (client, client.transport, ApiKey(KEY)):
            for move in (pickle.dumps, copy.copy, copy.deepcopy):
                with pytest.raises(TypeError, match=r"in each process|where it is needed") as told:
                    move(thing)
                assert not holds_key(all_that_shows(told.value))
        with pytest.raises(TypeError, match="in each process"):
            pickle.dumps(client.accounts)
