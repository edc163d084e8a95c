"""What the log callback and the standard logger are told."""

from __future__ import annotations

import contextlib
import io
import logging
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from tesote_sdk.errors import TesoteError
from tesote_sdk.transport import log_events
from tests.support.steps import hang_up, reply
from tests.transport.calls import KEY, MARK, SHOWN_KEY, FakeTime, failure_of, scripted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.support.steps import Step

OK = reply(200, {"id": "a1"}, {"X-Request-Id": "req-1"})


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
        "attempt": 1,
        "headers": None,
    }
    assert 0 <= response["elapsed_ms"] < 5000
    assert {**response, "headers": None, "elapsed_ms": None} == {
        "phase": "response",
        "method": "GET",
        "url": url,
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
    assert set(retry) == {"phase", "method", "url", "attempt", "delay", "error"}
    assert (retry["attempt"], retry["delay"]) == (1, 0.25)
    assert retry["error"].startswith("Paused (HTTP 503, GET /v2/x")
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
    assert set(events[-1]) == {"phase", "method", "url", "attempt", "error"}
    assert events[-1]["error"] == "No (HTTP 404, GET /v2/x, 2 attempts)"
    assert events[3]["status"] == 404


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


def test_at_info_only_retries_are_told(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "tesote_sdk")
    with scripted([reply(503), OK]) as (transport, _):
        transport.request("GET", "/v2/x")
    assert [record.getMessage().split(" ")[0] for record in caplog.records] == ["retry"]


def test_nothing_is_put_together_when_nobody_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: object, **__: object) -> None:
        raise AssertionError("an event was built for nobody")

    monkeypatch.setattr(log_events.EventLog, "emit", never)
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
        [sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, check=False
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
