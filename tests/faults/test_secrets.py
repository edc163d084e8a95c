"""No key, proxy password or account number is shown, whatever goes wrong and whoever looks."""

from __future__ import annotations

import base64
import contextlib
import copy
import itertools
import json
import logging
import pickle
import traceback
from typing import TYPE_CHECKING, Any, Callable

import pytest

from tesote_sdk import ConfigError, RetryPolicy, TesoteError, V2Client
from tests.faults.harness import Wire, client_of, failure_of, pool_of
from tests.faults.tables import (
    CUT_REFUSALS,
    DRIPS,
    HANDSHAKES,
    LOST,
    NOT_HTTP,
    NOT_JSON,
    SILENT,
    TUNNELS,
)
from tests.support.dead_addresses import refused_port
from tests.support.exposure import chain, shown_in_frames
from tests.support.proxy import ProxyServer
from tests.support.steps import Step, cut, raw, reply, silence

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

KEY = "sk_live_SeCrEtSeCrEtSeCrEt_9f3c"
ACCOUNT = "01050099887766554433"
PASSWORD = "pr0xy-Passw0rd"
USER = "joe"
BASIC = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
PLANTED = (KEY, KEY[8:26], ACCOUNT, PASSWORD, BASIC)


class Spy(logging.Handler):
    """Keeps the text of all that the log callback and the standard logger are given."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.texts: list[str] = []
        self.events = 0

    def emit(self, record: logging.LogRecord) -> None:
        self.texts += [record.getMessage(), repr(record.args), repr(vars(record))]
        if record.exc_info:
            self.texts += traceback.format_exception(*record.exc_info)

    def __call__(self, event: Any) -> None:
        self.events += 1
        self.texts += [repr(event), json.dumps(event, default=repr)]


@pytest.fixture
def spy() -> Iterator[Spy]:
    logger, watcher = logging.getLogger("tesote_sdk"), Spy()
    level = logger.level
    logger.addHandler(watcher)
    logger.setLevel(logging.DEBUG)
    yield watcher
    logger.removeHandler(watcher)
    logger.setLevel(level)


def shown_by(error: BaseException) -> Iterator[str]:
    """Yield all that error reports, logs, pickles and crash reporters show of an error."""
    for link in chain(error):
        yield from (str(link), repr(link), repr(link.args), repr(vars(link)))
    yield from shown_in_frames(error)
    yield "".join(traceback.format_exception(type(error), error, error.__traceback__))
    if isinstance(error, TesoteError):
        yield json.dumps(error.to_dict())
        yield repr(pickle.dumps(error))
        yield repr(vars(copy.copy(error)))


def assert_hidden(texts: Iterable[str]) -> None:
    for text in texts:
        for secret in PLANTED:
            assert secret not in text, text


DETAILS = {"account_number": ACCOUNT, "bank_code": "0105", "holder_name": "Joe"}


def _create(client: V2Client) -> object:
    return client.payment_methods.create(
        method_type="bank_account", currency="VES", details=dict(DETAILS), idempotency_key="k-1"
    )


def _request(client: V2Client) -> object:
    return client.request("POST", "/v2/things", body={"details": dict(DETAILS)}).json["never"]


def _search(client: V2Client) -> object:
    return client.transactions.search(q=ACCOUNT, limit=3)


CALLS = [_create, _request, _search]


def check(
    url: str, spy: Spy, calls: Sequence[Callable[[V2Client], object]] = CALLS, **options: Any
) -> int:
    """Make the calls, all of which fail, and search all that is shown of them."""
    chosen: dict[str, Any] = {
        "api_key": KEY,
        "logger": spy,
        "read_timeout": 0.02,
        "total_timeout": 0.1,
        "connect_timeout": 0.05,
        "retry_policy": RetryPolicy(max_attempts=2, base_delay=0),
    }
    with client_of(url, **{**chosen, **options}) as client:
        for call in calls:
            # An odd answer may be a good one, in which _request finds nothing.
            with contextlib.suppress(KeyError, TypeError):
                _call(client, call)
        assert_hidden([repr(client), repr(client.transport), repr(vars(pool_of(client.transport)))])
    assert spy.events >= 2 * len(calls)
    assert_hidden(spy.texts)
    return len(calls)


def _call(client: V2Client, call: Callable[[V2Client], object]) -> None:
    try:
        call(client)
    except TesoteError as error:
        assert_hidden(shown_by(error))


FAULTS: dict[str, Step] = {
    **LOST,
    **CUT_REFUSALS,
    **NOT_HTTP,
    **{name: reply(200, content) for name, content in NOT_JSON.items()},
    **SILENT,
    **{name: DRIPS[name] for name in ("head_byte_by_byte", "endless_body")},
    "silence": silence(),
}


@pytest.mark.parametrize("step", FAULTS.values(), ids=FAULTS)
def test_faults_show_no_secret(step: Step, spy: Spy) -> None:
    with Wire("https").serve(itertools.repeat(step)) as server:
        check(server.url, spy, [_create, _request])


@pytest.mark.parametrize("step", HANDSHAKES.values(), ids=HANDSHAKES)
def test_lost_handshakes_show_no_secret(step: Step, spy: Spy) -> None:
    with Wire("https").serve(itertools.repeat(step)) as server:
        check(server.url, spy)


def test_refused_shows_no_secret(wire: Wire, spy: Spy) -> None:
    with refused_port() as port:
        check(f"{wire.scheme}://127.0.0.1:{port}", spy)


@pytest.mark.parametrize("step", TUNNELS.values(), ids=TUNNELS)
def test_proxies_show_no_secret(
    step: Step, wire: Wire, spy: Spy, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ProxyServer(script=[step] * 9) as proxy:
        url = proxy.url.replace("//", f"//{USER}:{PASSWORD}@")
        monkeypatch.setenv(f"{wire.scheme}_proxy", url)
        check(f"{wire.scheme}://api.example.test", spy, allow_http=True)


def test_proxy_that_repeats_its_credentials(
    wire: Wire, spy: Spy, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = reply(407, f"no: {BASIC} {PASSWORD}", reason=f"Not you, {USER}:{PASSWORD} {BASIC}")
    with ProxyServer(script=[told] * 9) as proxy:
        url = proxy.url.replace("//", f"//{USER}:{PASSWORD}@")
        monkeypatch.setenv(f"{wire.scheme}_proxy", url)
        check(f"{wire.scheme}://api.example.test", spy, allow_http=True)


def test_unusable_proxy_url_shows_no_password(
    wire: Wire, spy: Spy, monkeypatch: pytest.MonkeyPatch
) -> None:
    for bad in ("socks5://{}@proxy:1080", "http://{}@[::1", "http://{}@proxy:99999", "http://{}@"):
        monkeypatch.setenv(f"{wire.scheme}_proxy", bad.format(f"{USER}:{PASSWORD}"))
        with client_of(
            f"{wire.scheme}://api.example.test", api_key=KEY, logger=spy, allow_http=True
        ) as client:
            error = failure_of(lambda: _create(client)).error
            assert type(error) is ConfigError
            assert_hidden(shown_by(error))
    assert_hidden(spy.texts)


ECHO = f"Bearer {KEY}"
ESCAPED = json.dumps(ECHO).replace("S", "\\u0053")
ECHOES: dict[str, Step] = {
    "message": reply(401, {"error": f"unknown key {KEY}", "error_code": "UNAUTHORIZED"}),
    "nested": reply(422, {"error": {"headers": {"Authorization": ECHO, KEY: [KEY]}}}),
    "escaped": raw(f"HTTP/1.1 400 Bad\r\nContent-Length: {len(ESCAPED) + 12}\r\n\r\n"
                   f'{{"message":{ESCAPED}}}'.encode(), close=False),
    "html": reply(500, f"<html>{ECHO}</html>"),
    "html_200": reply(200, f"<html>{ECHO}</html>"),
    "cut_json_200": reply(200, f'{{"id": "{KEY}'),
    "reason_phrase": reply(403, "", reason=f"No entry for {KEY}"),
    "request_id": reply(404, {"error": "none"}, {"X-Request-Id": KEY}),
    "request_id_200": reply(200, "<html>", {"X-Request-Id": KEY}),
    "request_id_cut": cut(reply(200, "x" * 50, {"X-Request-Id": KEY}), -5),
    "content_type_200": reply(200, "<html>", {"Content-Type": f"text/{KEY}"}),
    "location": reply(302, "", {"Location": f"https://example.test/?key={KEY}"}),
    "shown_headers": reply(503, "", {"Server": KEY, "Retry-After": KEY, "ETag": KEY}),
    "rate_limit": reply(429, "", {"X-RateLimit-Reset": KEY, "X-RateLimit-Limit": KEY}),
    "replacement": reply(410, {"error": "gone", "replacement": f"/v3?key={KEY}"},
                         {"Link": f"</v3?key={KEY}>; rel=successor-version"}),
    "deprecation": reply(404, "", {"Deprecation": "true", "Sunset": KEY,
                                   "Link": f"</v3?key={KEY}>; rel=successor-version"}),
    "content_encoding": reply(200, "x", {"Content-Encoding": KEY}),
    "transfer_encoding": raw(f"HTTP/1.1 200 OK\r\nTransfer-Encoding: {KEY}\r\n\r\n".encode()),
    "content_length": raw(f"HTTP/1.1 200 OK\r\nContent-Length: {KEY}\r\n\r\n".encode()),
    "chunk_size": raw(f"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{KEY}\r\n".encode()),
    "status_line": raw(f"{ECHO}\r\n\r\n".encode()),
    "status_line_cut": raw(f"HTTP/1.1 {ECHO}\r\n\r\n".encode()),
    "field_without_colon": raw(f"HTTP/1.1 200 OK\r\n{KEY}\r\n\r\n".encode()),
}  # fmt: skip


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("step", ECHOES.values(), ids=ECHOES)
def test_server_that_repeats_the_key(step: Step, wire: Wire, spy: Spy) -> None:
    with wire.serve(itertools.repeat(step)) as server:
        check(server.url, spy)


@pytest.mark.parametrize("end", ["\n", "\r\n", " ", "\t", "\x00", "\u20ac", "\x7f"])
def test_bad_key_is_refused_without_being_echoed(end: str) -> None:
    for bad in (KEY + end, end + KEY, KEY[:9] + end + KEY[9:]):
        error, _ = failure_of(lambda: V2Client(bad))  # noqa: B023
        assert type(error) is ConfigError
        assert_hidden(shown_by(error))


def test_bad_options_show_no_key() -> None:
    for options in (
        {"base_url": f"http://{KEY}@example.test"},
        {"base_url": f"ftp://example.test/{KEY}"},
        {"connect_timeout": -1},
        {"user_agent": f"x\n{KEY}"},
    ):
        error, _ = failure_of(lambda: V2Client(KEY, **options))  # noqa: B023
        assert type(error) is ConfigError
        # What is not the key is not treated as one, but it is not repeated in a message either.
        assert_hidden(shown_by(error))


def test_bad_argument_shows_no_key(spy: Spy) -> None:
    with client_of("http://127.0.0.1:9", api_key=KEY, logger=spy) as client:
        for call in (
            lambda: client.request("POST", "/v2/things", body={"amount": float("nan")}),
            lambda: client.request("POST", "/v2/things", body={"amount": object()}),
            lambda: client.request("GET", "/v2/things", extra_headers={"X": "a\nb"}),
            lambda: client.request("GET", "no slash"),
        ):
            assert_hidden(shown_by(failure_of(call).error))


def test_key_and_client_are_not_pickled(wire: Wire) -> None:
    with client_of("http://127.0.0.1:9", api_key=KEY) as client:
        for thing in (client, client.transport, client.transport._api_key):
            with pytest.raises(TypeError) as caught:
                pickle.dumps(thing)
            assert_hidden(shown_by(caught.value))


def test_the_search_itself_finds_what_is_shown() -> None:
    """The test of the tests: a key in a message is found."""
    with pytest.raises(AssertionError):
        assert_hidden(shown_by(TesoteError(f"no {KEY}")))
