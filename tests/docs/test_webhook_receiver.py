"""The webhook receiver of the documentation, over real sockets."""

from __future__ import annotations

import hashlib
import hmac
import http.client
import importlib.util
import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

import pytest

import tesote_sdk

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tesote_sdk.webhooks import WebhookEvent

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "webhook_receiver.py"
SECRET = "whsec_planted_7Qm2"


def load_example() -> Any:
    spec = importlib.util.spec_from_file_location("webhook_receiver", EXAMPLE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


example = load_example()


class QuietHandler(WSGIRequestHandler):
    def log_message(self, *_: object) -> None:
        """Say nothing: a handler may outlive the test whose output it would write to."""


@contextmanager
def serving(receiver: Any) -> Iterator[int]:
    """A port of the loopback interface that the receiver answers on."""
    with make_server(
        "127.0.0.1", 0, receiver, server_class=example.ThreadingServer, handler_class=QuietHandler
    ) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()
            receiver.close()


def ask(
    port: int, method: str, path: str = "/", body: bytes | None = None, **headers: str
) -> tuple[int, str, http.client.HTTPMessage]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, body, named)
        response = connection.getresponse()
        return response.status, response.read().decode(), response.headers
    finally:
        connection.close()


def deliver(port: int, delivery_id: str, secret: str = SECRET) -> tuple[int, str]:
    body = json.dumps(
        {"id": delivery_id, "event": "accounts.updated", "data": {"account_id": "a-1"}}
    ).encode()
    at = str(int(time.time()))
    signature = hmac.new(secret.encode(), at.encode() + b"." + body, hashlib.sha256).hexdigest()
    status, text, _ = ask(
        port, "POST", "/", body, X_Tesote_Signature=signature, X_Tesote_Timestamp=at
    )
    return status, text


class Work:
    """Work that a test can watch, hold up and make fail."""

    def __init__(self) -> None:
        self.begun: queue.Queue[str] = queue.Queue()
        self.done: list[str] = []
        self.may_go_on = threading.Event()
        self.may_go_on.set()
        self.fails = False

    def __call__(self, event: WebhookEvent) -> None:
        self.begun.put(event.id)
        assert self.may_go_on.wait(10)
        if self.fails:
            raise RuntimeError("the ledger is down")
        self.done.append(event.id)


@pytest.fixture
def work() -> Work:
    return Work()


@pytest.fixture
def port(work: Work) -> Iterator[int]:
    with serving(example.WebhookReceiver(SECRET, work)) as port:
        yield port
        work.may_go_on.set()


def test_a_delivery_is_answered_before_it_is_worked_on(port: int, work: Work) -> None:
    work.may_go_on.clear()
    assert deliver(port, "d-1") == (202, "accepted")
    assert work.begun.get(timeout=10) == "d-1"
    assert work.done == []


def test_a_delivery_that_comes_again_is_dropped(port: int, work: Work) -> None:
    work.may_go_on.clear()
    assert [deliver(port, "d-1") for _ in range(3)] == [(202, "accepted")] + [
        (200, "duplicate")
    ] * 2
    work.may_go_on.set()
    assert deliver(port, "d-2") == (202, "accepted")
    assert [work.begun.get(timeout=10) for _ in range(2)] == ["d-1", "d-2"]


def test_a_delivery_that_could_not_be_handled_may_come_again(
    port: int, work: Work, caplog: pytest.LogCaptureFixture
) -> None:
    work.fails = True
    assert deliver(port, "d-1") == (202, "accepted")
    assert deliver(port, "d-2") == (202, "accepted")
    # the worker is done with the first when it has begun the second
    assert [work.begun.get(timeout=10) for _ in range(2)] == ["d-1", "d-2"]
    work.fails = False
    assert deliver(port, "d-1") == (202, "accepted")
    assert work.begun.get(timeout=10) == "d-1"
    assert "the ledger is down" in caplog.text


def test_what_tesote_did_not_sign_is_refused(port: int, work: Work) -> None:
    status, text = deliver(port, "d-1", secret="another")
    assert (status, text.partition(":")[0]) == (400, "signature mismatch")
    status, text, _ = ask(port, "POST", "/", b"{}")
    assert (status, text.partition(":")[0]) == (400, "missing header")
    assert work.begun.empty()


def test_a_full_queue_asks_for_the_delivery_again(
    monkeypatch: pytest.MonkeyPatch, work: Work
) -> None:
    monkeypatch.setattr(example, "MAX_WAITING", 1)
    with serving(example.WebhookReceiver(SECRET, work)) as port:
        work.may_go_on.clear()
        assert deliver(port, "d-1")[0] == 202
        assert work.begun.get(timeout=10) == "d-1"
        assert deliver(port, "d-2")[0] == 202
        assert deliver(port, "d-3") == (503, "try again later")
        work.may_go_on.set()
        assert work.begun.get(timeout=10) == "d-2"
        assert deliver(port, "d-3")[0] == 202
    assert work.done == ["d-1", "d-2", "d-3"]


def test_closing_finishes_what_was_accepted_and_accepts_no_more(work: Work) -> None:
    receiver = example.WebhookReceiver(SECRET, work)
    with serving(receiver) as port:
        work.may_go_on.clear()
        for delivery_id in ("d-1", "d-2"):
            assert deliver(port, delivery_id)[0] == 202
        closing = threading.Thread(target=receiver.close)
        closing.start()
        while not receiver._closed:
            time.sleep(0.001)
        assert deliver(port, "d-3")[0] == 503
        work.may_go_on.set()
        closing.join(10)
        assert work.done == ["d-1", "d-2"]


def test_memory_of_deliveries_is_bounded(monkeypatch: pytest.MonkeyPatch, work: Work) -> None:
    monkeypatch.setattr(example, "MAX_REMEMBERED", 2)
    with serving(example.WebhookReceiver(SECRET, work)) as port:
        answers = [deliver(port, each)[1] for each in ("d-1", "d-2", "d-2", "d-3", "d-1")]
    assert answers == ["accepted", "accepted", "duplicate", "accepted", "accepted"]


def test_a_challenge_is_echoed_as_plain_text(port: int) -> None:
    status, text, headers = ask(port, "GET", "/?challenge=%3Cb%3E%C3%A9&x=1")
    assert (status, text) == (200, "<b>é")
    assert headers["Content-Type"] == "text/plain; charset=utf-8"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert ask(port, "GET")[:2] == (200, "ok")


def test_other_requests_are_turned_away(port: int) -> None:
    status, _, headers = ask(port, "PUT", "/", b"{}")
    assert (status, headers["Allow"]) == (405, "GET, POST")
    assert ask(port, "POST", Content_Length="")[0] == 411
    assert ask(port, "POST", Content_Length="-1")[0] == 411
    assert ask(port, "POST", Content_Length=str(1024 * 1024 + 1))[0] == 413


def script(*arguments: str, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, str(EXAMPLE), *arguments],
        env={
            **os.environ,
            "PYTHONPATH": str(Path(tesote_sdk.__path__[0]).parent),
            "TESOTE_WEBHOOK_SECRET": "",
            **environment,
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def test_the_script_serves_until_it_is_told_to_stop() -> None:
    with script("0", TESOTE_WEBHOOK_SECRET=SECRET) as process:
        assert process.stdout is not None
        try:
            port = int(process.stdout.readline().rpartition(":")[2])
            assert deliver(port, "d-1") == (202, "accepted")
            assert deliver(port, "d-2", secret="another")[0] == 400
            process.send_signal(signal.SIGTERM)
            output = process.stdout.read()
            assert process.wait(10) == 0
        finally:
            process.kill()
    assert "sync a-1 after accounts.updated" in output
    assert "refused a delivery: signature mismatch" in output
    assert "Traceback" not in output
    assert SECRET not in output


def test_the_script_wants_a_secret() -> None:
    with script("0") as process:
        output, _ = process.communicate(timeout=30)
    assert process.returncode == 1
    assert output.startswith("set TESOTE_WEBHOOK_SECRET")
