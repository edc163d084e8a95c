"""What the log callback and the standard logger are told."""

from __future__ import annotations

import contextlib
import io
import logging
import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from tesote_sdk import InvalidResponseError, V2Client
from tesote_sdk.errors import TesoteError
from tesote_sdk.transport import log_events
from tests.support.scripted_server import ScriptedServer
from tests.support.steps import hang_up, reply
from tests.transport.calls import KEY, MARK, SHOWN_KEY, FakeTime, failure_of, scripted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.support.steps import Step

OK = reply(200, {"id": "a1"}, {"X-Request-Id": "req-1"})

FAILED = {
    *("phase", "method", "url", "operation", "path_template", "attempt", "elapsed_ms"),
    *("error", "error_type", "error_code", "status", "request_id"),
}
"""What an event of a failed attempt has."""


def told(steps: list[Step], method: str = "GET", **arguments: Any) -> list[Mapping[str, Any]]:
    """Make a call, whatever it ends with, and return the events that a callback got."""
    events: list[Mapping[str, Any]] = []
    with (
        contextlib.suppress(TesoteError),
        scripted(steps, FakeTime(), logger=events.append) as (transport, _),
    ):
        transport.request(method, "/v2/x", **arguments)
    return events


def test_a_call_is_a_request_and_a_response() -> None:
    query = {"page": 2}
    events: list[Mapping[str, Any]] = []
    with scripted([OK], logger=events.append) as (transport, server):
        transport.request("GET", "/v2/x", query=query)
    request, response = events
    url = f"{server.url}/api/v2/x?page=2"
    assert {**request, "headers": None} == {
        "phase": "request",
        "method": "GET",
        "url": url,
        "operation": None,
        "path_template": "/v2/x",
        "attempt": 1,
        "headers": None,
    }
    assert 0 <= response["elapsed_ms"] < 5000
    assert {**response, "headers": None, "elapsed_ms": None} == {
        "phase": "response",
        "method": "GET",
        "url": url,
        "operation": None,
        "path_template": "/v2/x",
        "attempt": 1,
        "status": 200,
        "request_id": "req-1",
        "elapsed_ms": None,
        "headers": None,
    }


def test_a_retry_names_the_wait_and_its_reason() -> None:
    events = told([reply(503, {"error": "Paused"}), OK])
    assert [event["phase"] for event in events] == [
        "request",
        "response",
        "retry",
        "request",
        "response",
    ]
    retry = events[2]
    assert set(retry) == FAILED | {"delay"}
    assert (retry["attempt"], retry["delay"]) == (1, 0.25)
    place = retry["url"].partition("://")[2]
    assert retry["error"] == f"Paused (HTTP 503, GET {place})"
    assert [event["attempt"] for event in events] == [1, 1, 1, 2, 2]


def test_a_failure_ends_in_an_error() -> None:
    events = told([hang_up(), reply(404, {"error": "No"})])
    assert [event["phase"] for event in events] == [
        "request",
        "retry",
        "request",
        "response",
        "error",
    ]
    assert set(events[-1]) == FAILED
    place = events[-1]["url"].partition("://")[2]
    assert events[-1]["error"] == f"No (HTTP 404, GET {place}, 2 attempts)"
    assert events[3]["status"] == 404


def test_a_failure_says_what_metrics_count_it_by() -> None:
    refused = {"error": "No", "error_code": "ACCOUNT_NOT_FOUND"}
    events = told([hang_up(), reply(404, refused, {"X-Request-Id": "req-9"})])
    lost, refusal = events[1], events[-1]
    assert (lost["error_type"], lost["error_code"]) == ("NetworkError", "NETWORK_ERROR")
    assert (lost["status"], lost["request_id"]) == (None, None)
    assert refusal["error_type"] == "AccountNotFoundError"
    assert refusal["error_code"] == "ACCOUNT_NOT_FOUND"
    assert (refusal["status"], refusal["request_id"]) == (404, "req-9")
    for event in (lost, refusal):
        assert 0 <= event["elapsed_ms"] < 5000


def test_an_answer_that_cannot_be_read_is_an_error_though_it_was_a_response() -> None:
    events: list[Mapping[str, Any]] = []
    with (
        ScriptedServer([reply(200, {"odd": 1}, {"X-Request-Id": "req-7"})]) as server,
        V2Client(KEY, base_url=server.url, logger=events.append) as client,
        pytest.raises(InvalidResponseError),
    ):
        client.accounts.get("a1")
    assert [event["phase"] for event in events] == ["request", "response", "error"]
    assert set(events[2]) == FAILED - {"elapsed_ms"}
    assert events[2]["error_type"] == "InvalidResponseError"
    assert (events[2]["status"], events[2]["request_id"]) == (200, "req-7")
    assert events[2]["operation"] == "accounts.get"


# ---- which operation ----


def test_every_page_of_a_list_is_of_the_same_operation() -> None:
    pages = [{"accounts": [{"id": f"a{n}"}], "pagination": {"total_pages": 3}} for n in (1, 2, 3)]
    cached: list[Mapping[str, Any]] = []
    with (
        ScriptedServer([reply(200, page) for page in pages]) as server,
        V2Client(KEY, base_url=server.url, logger=cached.append) as client,
    ):
        for _ in range(2):
            assert len(list(client.accounts.list(cache_ttl=60))) == 3
    assert {event["operation"] for event in cached} == {"accounts.list"}
    assert [event["phase"] for event in cached].count("cache_hit") == 3


def test_iter_sync_is_the_operation_that_it_repeats() -> None:
    deltas = [
        {"added": [], "modified": [], "removed": [], "next_cursor": f"c{n}", "has_more": n < 3}
        for n in (1, 2, 3)
    ]
    events: list[Mapping[str, Any]] = []
    with (
        ScriptedServer([reply(200, delta) for delta in deltas]) as server,
        V2Client(KEY, base_url=server.url, logger=events.append) as client,
    ):
        assert len(list(client.transactions.iter_sync("a1"))) == 3
    assert [event["operation"] for event in events] == ["transactions.sync"] * 6


def test_a_page_that_goes_on_from_a_bulk_answer_is_a_list() -> None:
    bulk = {
        "bulk_results": [
            {
                "account_id": "a1",
                "transactions": [{"id": "t1"}],
                "pagination": {"has_more": True, "after_id": "t1"},
            }
        ]
    }
    last = {"transactions": [{"id": "t2"}], "pagination": {"has_more": False}}
    events: list[Mapping[str, Any]] = []
    with (
        ScriptedServer([reply(200, bulk), reply(200, last)]) as server,
        V2Client(KEY, base_url=server.url, logger=events.append) as client,
    ):
        assert len(list(client.transactions.bulk(["a1"])["a1"])) == 2
    operations = [event["operation"] for event in events if event["phase"] == "request"]
    assert operations == ["transactions.bulk", "transactions.list_for_account"]


def test_what_is_asked_by_its_path_has_no_operation() -> None:
    events: list[Mapping[str, Any]] = []
    with (
        ScriptedServer([OK]) as server,
        V2Client(KEY, base_url=server.url, logger=events.append) as client,
    ):
        client.request("GET", "/v2/accounts/acme")
    assert {event["operation"] for event in events} == {None}
    assert {event["path_template"] for event in events} == {"/v2/accounts/{id}"}


def test_a_cached_answer_is_a_cache_hit() -> None:
    events: list[Mapping[str, Any]] = []
    with scripted([OK], logger=events.append) as (transport, server):
        for _ in range(2):
            transport.request("GET", "/v2/x", cache_ttl=60)
    assert [event["phase"] for event in events] == ["request", "response", "cache_hit"]
    assert events[2]["method"] == "GET"
    assert events[2]["url"] == f"{server.url}/api/v2/x"


def test_headers_are_shown_by_an_allow_list() -> None:
    answered = {
        "Set-Cookie": "session=1",
        "Location": "/x",
        "X-Internal": "1",
        "WWW-Authenticate": "Bearer",
        "ETag": '"e1"',
        "X-RateLimit-Remaining": "9",
        "Retry-After": "1",
    }
    given = {"Cookie": "a=b", "X-Mine": "1", "If-None-Match": '"e0"', "Accept": "text/csv"}
    request, response = told([reply(200, {}, answered)], "POST", extra_headers=given)
    key = request["headers"]["Idempotency-Key"]
    assert request["headers"].pop("User-Agent").startswith("tesote-sdk-py/")
    assert request["headers"].pop("Host").startswith("127.0.0.1:")
    assert request["headers"] == {
        "Accept": "text/csv",
        "Accept-Encoding": "gzip",
        "Authorization": SHOWN_KEY,
        "Content-Type": "application/json",
        "Content-Length": "2",
        "Idempotency-Key": key,
        "If-None-Match": '"e0"',
    }
    assert response["headers"] == {
        "content-length": "2",
        "content-type": "application/json",
        "etag": '"e1"',
        "x-ratelimit-remaining": "9",
        "retry-after": "1",
    }


def test_the_text_of_a_search_is_shown_as_its_length(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "tesote_sdk")
    events = told([reply(404)], query={"q": "Núñez 04141234567", "page": 1})
    assert len(events) == 3
    for event in events:
        assert event["url"].endswith("/v2/x?q=<17 characters>&page=1")
    assert "04141234567" not in caplog.text + repr(events)


def test_bodies_are_never_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "tesote_sdk")
    body = {"account_number": "0199000123"}
    events = told([reply(201, {"iban": "VE99"})], "POST", body=body)
    assert "0199000123" not in caplog.text + repr(events)
    assert "VE99" not in caplog.text + repr(events)


@pytest.mark.parametrize("field", ["X-Request-Id", "ETag", "Content-Type", "Retry-After", "Server"])
def test_a_key_that_the_server_echoes_is_not_logged(
    field: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    echo = reply(503, {"error": f"Bad key {KEY}"}, {field: f"Bearer {KEY}"})
    events = told([echo, echo, echo], "POST", query={"token": KEY})
    assert len(events) == 3 * 3
    assert len(caplog.records) == 9
    shown = repr(events) + caplog.text + repr([vars(record) for record in caplog.records])
    assert MARK not in shown
    assert SHOWN_KEY in shown


# ---- the callback ----


def test_a_callback_that_fails_is_reported_and_harms_nobody(
    caplog: pytest.LogCaptureFixture,
) -> None:
    calls = []

    def broken(event: Mapping[str, Any]) -> None:
        calls.append(event["phase"])
        raise ZeroDivisionError("my fault")

    with scripted([OK], logger=broken) as (transport, _):
        assert transport.request("GET", "/v2/x").json == {"id": "a1"}
    assert calls == ["request", "response"]
    assert [(record.name, record.levelname) for record in caplog.records] == [
        ("tesote_sdk", "WARNING")
    ] * 2
    assert "the log callback failed with ZeroDivisionError" in caplog.text


def test_a_callback_may_end_the_program() -> None:
    def interrupt(_: Mapping[str, Any]) -> None:
        raise KeyboardInterrupt

    with scripted([], logger=interrupt) as (transport, _), pytest.raises(KeyboardInterrupt):
        transport.request("GET", "/v2/x")


def test_a_callback_cannot_change_the_request() -> None:
    def vandal(event: Any) -> None:
        event.get("headers", {}).clear()
        event.clear()

    with scripted([OK], logger=vandal) as (transport, server):
        transport.request("GET", "/v2/x")
    assert server.requests[0].headers["authorization"] == f"Bearer {KEY}"


# ---- the standard logger ----


def test_the_standard_logger_gets_debug_and_retries_at_info(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG, "tesote_sdk")
    with scripted([reply(503), OK, reply(404)]) as (transport, server):
        transport.request("GET", "/v2/x")
        failure_of(lambda: transport.request("GET", "/v2/x"))
    assert {record.name for record in caplog.records} == {"tesote_sdk"}
    lines = [(record.levelname, record.getMessage().split(" {")[0]) for record in caplog.records]
    tail = f"GET {server.url}/api/v2/x"
    assert lines == [
        ("DEBUG", f"request {tail}"),
        ("DEBUG", f"response {tail}"),
        ("INFO", f"retry {tail}"),
        ("DEBUG", f"request {tail}"),
        ("DEBUG", f"response {tail}"),
        ("DEBUG", f"request {tail}"),
        ("DEBUG", f"response {tail}"),
        ("DEBUG", f"error {tail}"),
    ]
    assert "'delay': 0.25" in caplog.records[2].getMessage()


def test_a_logger_of_ones_own_takes_the_place_of_the_standard_one(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """As it is, and as an adapter that adds to each line; its level decides, and hears warnings."""
    logging.getLogger("tesote_sdk").setLevel(logging.DEBUG)
    for level, phases in (
        (logging.DEBUG, ["request", "response", "retry", "request", "response"]),
        (logging.INFO, ["retry"]),
        (logging.WARNING, []),
    ):
        own = logging.getLogger("erp.bank")
        caplog.set_level(level, "erp.bank")
        for logger in (own, logging.LoggerAdapter(own, {"tenant": "harinas"})):
            caplog.clear()
            with scripted([reply(503), OK], logger=logger) as (transport, _):
                transport.request("GET", "/v2/x")
            assert [record.getMessage().split(" ")[0] for record in caplog.records] == phases
            assert {record.name for record in caplog.records} <= {"erp.bank"}
            assert all(
                hasattr(record, "tenant") == (logger is not own) for record in caplog.records
            )
    logging.getLogger("tesote_sdk").setLevel(logging.NOTSET)


def test_a_record_has_what_the_callback_gets(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "tesote_sdk")
    events = told([reply(503, {"error": "Paused"}), OK])
    assert len(caplog.records) == len(events) == 5
    for record, event in zip(caplog.records, events):
        attributes = vars(record)
        assert {
            name.partition("_")[2]: value
            for name, value in attributes.items()
            if name.startswith("tesote_")
        } == event


def test_attributes_of_records_meet_nobody_elses(caplog: pytest.LogCaptureFixture) -> None:
    # A web framework's factory commonly sets `request_id`; logging refuses to overwrite.
    made = logging.getLogRecordFactory()

    def factory(*arguments: Any, **keywords: Any) -> logging.LogRecord:
        record = made(*arguments, **keywords)
        record.request_id = record.status = record.error = record.phase = "mine"
        return record

    caplog.set_level(logging.DEBUG, "tesote_sdk")
    logging.setLogRecordFactory(factory)
    try:
        events = told([OK])
    finally:
        logging.setLogRecordFactory(made)
    assert len(caplog.records) == len(events)
    assert {record.levelname for record in caplog.records} == {"DEBUG"}
    assert {vars(record)["request_id"] for record in caplog.records} == {"mine"}


class Keeping(logging.Handler):
    """Keeps the records."""

    def __init__(self) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)


def test_a_logger_of_the_users_gets_the_records() -> None:
    logger = logging.getLogger("tests.erp.tesote")
    handler = Keeping()
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    with scripted([OK], logger=logger) as (transport, _):
        transport.request("GET", "/v2/x")
    assert [record.name for record in handler.records] == ["tests.erp.tesote"] * 2
    assert vars(handler.records[1])["tesote_status"] == 200


def test_at_info_only_retries_are_told(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "tesote_sdk")
    with scripted([reply(503), OK]) as (transport, _):
        transport.request("GET", "/v2/x")
    assert [record.getMessage().split(" ")[0] for record in caplog.records] == ["retry"]


def test_nothing_is_put_together_when_nobody_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: object, **__: object) -> None:
        raise AssertionError("an event was built for nobody")

    monkeypatch.setattr(log_events.EventLog, "_emit", never)
    with scripted([reply(503), OK, reply(404)]) as (transport, _):
        transport.request("GET", "/v2/x")
        failure_of(lambda: transport.request("GET", "/v2/x"))


def test_the_logging_of_the_program_is_left_alone() -> None:
    program = """
import logging
from tesote_sdk import TesoteError, V2Client
with V2Client("sk", base_url="http://127.0.0.1:1", total_timeout=0.01) as client:
    try:
        client.status()
    except TesoteError:
        pass
assert logging.root.handlers == [] and logging.root.level == logging.WARNING
logger = logging.getLogger("tesote_sdk")
assert (logger.handlers, logger.level, logger.propagate) == ([], logging.NOTSET, True)
"""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_handler_sees_one_line_per_event() -> None:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    logger = logging.getLogger("tesote_sdk")
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    try:
        evil = reply(404, {"error": "line one\nCRITICAL forged \x1b[31m"})
        with scripted([evil]) as (transport, _):
            failure_of(lambda: transport.request("GET", "/v2/x"))
    finally:
        logger.removeHandler(handler)
        logger.setLevel(logging.NOTSET)
    assert len(stream.getvalue().splitlines()) == 3
    assert "\x1b" not in stream.getvalue()


# ---- TESOTE_SDK_LOG ----

WATCHED = """
import json, logging, sys
assert "logging" not in sys.modules or not logging.getLogger("tesote_sdk").handlers
import tesote_sdk
from tesote_sdk import RetryPolicy, V2Client
from tesote_sdk.sandbox import Sandbox

def handlers():
    return [handler.name for handler in logging.getLogger("tesote_sdk").handlers]

def main():
    assert handlers() == []  # the import alone does nothing
    with Sandbox(accounts=1, transactions=1) as sandbox:
        sandbox.fail(503, times=1)
        quick = RetryPolicy(base_delay=0.001)
        for _ in range(3):
            with V2Client(sandbox.api_key, base_url=sandbox.url, retry_policy=quick) as client:
                client.with_options(read_timeout=3).status()
    assert handlers() == ["TESOTE_SDK_LOG"], handlers()
    assert logging.root.handlers == [] and logging.root.level == logging.WARNING
    print(sandbox.api_key)

if __name__ == "__main__":
    main()
"""


@pytest.mark.parametrize(
    ("level", "phases"),
    [
        ("info", ["retry"]),
        ("DEBUG", ["request", "response", "retry", *["request", "response"] * 3]),
    ],
)
def test_the_environment_shows_the_log_on_stderr(level: str, phases: list[str]) -> None:
    done = in_an_environment(level, WATCHED)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() not in done.stderr
    lines = [re.split("Z? (?:INFO|DEBUG) ", line) for line in done.stderr.splitlines()]
    assert [line[1].split(" ")[:3] for line in lines] == [
        ["tesote_sdk:", phase, "GET"] for phase in phases
    ]


def test_a_misspelled_level_names_the_levels() -> None:
    program = """
import sys
from tesote_sdk import ConfigError, V2Client
try:
    V2Client("sk")
except ConfigError as error:
    print(error.message)
"""
    done = in_an_environment("verbose", program)
    assert done.stdout == (
        "TESOTE_SDK_LOG in the environment must be debug or info, not 'verbose'; unset it for no "
        "log on stderr\n"
    )
    assert done.stderr == ""


def test_an_empty_level_is_none_and_loads_nothing() -> None:
    program = "import sys, tesote_sdk; tesote_sdk.V2Client('sk'); print('logging' in sys.modules)"
    done = in_an_environment("", program)
    assert (done.stdout, done.stderr) == ("False\n", "")


def in_an_environment(level: str, program: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        env={**os.environ, "TESOTE_SDK_LOG": level},
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )


def test_a_response_is_told_with_its_harmless_fields_and_no_others() -> None:
    told_of = {
        "cache-control": "no-store",
        "date": "Mon, 02 Mar 2026 12:05:30 GMT",
        "etag": '"e1"',
        "retry-after": "1",
        "server": "nginx",
        "x-ratelimit-limit": "200",
        "x-ratelimit-remaining": "199",
        "x-ratelimit-reset": "60",
        "x-request-id": "req-1",
    }
    kept_back = {"set-cookie": "session=1", "x-internal": "1", "location": "/"}
    _, event = told([reply(200, {}, {**told_of, **kept_back})])
    assert told_of.items() <= event["headers"].items()
    assert kept_back.keys().isdisjoint(event["headers"])
