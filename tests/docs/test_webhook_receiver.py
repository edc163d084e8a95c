"""The webhook receiver of the documentation, over real sockets."""

from __future__ import annotations

import hashlib
import hmac
import http.client
import io
import json
import queue
import socket
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from wsgiref.simple_server import make_server

import pytest

from tesote_sdk import InvalidArgumentError
from tesote_sdk.webhooks import WebhookEvent
from tests.docs.examples import load_example
from tests.support.connections import reset_on_close

if TYPE_CHECKING:
    from collections.abc import Iterator

SECRET = "whsec_planted_7Qm2"


example = load_example("webhook_receiver")


@contextmanager
def serving(receiver: Any) -> Iterator[int]:
    """A port of the loopback interface that the receiver answers on."""
    with make_server("127.0.0.1", 0, receiver, example.ThreadingServer, example.Handler) as server:
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


def delivery(delivery_id: str, secret: str = SECRET, size: int = 0) -> tuple[bytes, dict[str, str]]:
    """A body, padded to a size, and the headers that sign it."""
    body = json.dumps(
        {"id": delivery_id, "event": "accounts.updated", "data": {"account_id": "a-1"}}
    ).encode()
    body += b" " * (size - len(body))
    return body, signed(body, secret)


def signed(body: bytes, secret: str = SECRET) -> dict[str, str]:
    at = str(int(time.time()))
    signature = hmac.new(secret.encode(), at.encode() + b"." + body, hashlib.sha256).hexdigest()
    return {"X_Tesote_Signature": signature, "X_Tesote_Timestamp": at}


def deliver(port: int, delivery_id: str, secret: str = SECRET, size: int = 0) -> tuple[int, str]:
    body, headers = delivery(delivery_id, secret, size)
    status, text, _ = ask(port, "POST", "/", body, **headers)
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


# --- bodies of every kind, and senders that take their time -----------------------------------


def test_a_body_may_be_as_large_as_is_said_and_no_larger(port: int, work: Work) -> None:
    assert deliver(port, "d-1", size=example.MAX_BODY_BYTES) == (202, "accepted")
    for size in (example.MAX_BODY_BYTES + 1, 4 * example.MAX_BODY_BYTES):
        status, text = deliver(port, "d-2", size=size)
        assert (status, text) == (413, f"at most {example.MAX_BODY_BYTES} bytes are read")
    assert work.begun.get(timeout=10) == "d-1"
    assert work.begun.empty()


def test_chunks_are_refused_where_the_server_does_not_undo_them(port: int) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    body, headers = delivery("d-1")
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request("POST", "/", iter([body[:20], body[20:]]), named, encode_chunked=True)
    response = connection.getresponse()
    assert (response.status, response.read()[:11]) == (411, b"the request")
    connection.close()


@pytest.mark.parametrize(("size", "status"), [(0, "202"), (1024 * 1024, "202"), (1 << 21, "413")])
def test_chunks_are_taken_where_the_server_undoes_them(work: Work, size: int, status: str) -> None:
    # As gunicorn calls it: no length, and a body that ends by itself.
    body, headers = delivery("d-1", size=size)
    environ = {
        "REQUEST_METHOD": "POST",
        "wsgi.input": io.BytesIO(body),
        "wsgi.input_terminated": True,
        **{f"HTTP_{name.upper()}": value for name, value in headers.items()},
    }
    receiver = example.WebhookReceiver(SECRET, work)
    answers: list[str] = []
    receiver(environ, lambda answer, _: answers.append(answer))
    receiver.close()
    assert answers[0].startswith(status)


def exchange(port: int, *pieces: bytes, end: bool = False) -> bytes:
    """Send bytes as they are, and return all that comes back."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        for piece in pieces:
            connection.sendall(piece)
        if end:
            connection.shutdown(socket.SHUT_WR)
        received = b""
        while piece := connection.recv(65536):
            received += piece
        return received


HEAD = b"POST / HTTP/1.1\r\nHost: a\r\n"


def test_a_body_without_a_length_is_refused(port: int) -> None:
    assert b" 411 Length Required" in exchange(port, HEAD + b"\r\n", b"{}")
    for length in (b"-1", b"+5", b"1e3", b"", "٣".encode()):
        assert b" 411 " in exchange(port, HEAD + b"Content-Length: " + length + b"\r\n\r\n{}")
    endless = b"9" * 5000
    assert b" 413 " in exchange(port, HEAD + b"Content-Length: " + endless + b"\r\n\r\n{}")


def raw_delivery(delivery_id: str) -> tuple[bytes, bytes]:
    body, headers = delivery(delivery_id)
    lines = [f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items()]
    length = f"Content-Length: {len(body)}\r\n\r\n"
    return HEAD + "".join([*lines, length]).encode(), body


def test_a_body_that_is_cut_short_is_refused(port: int, work: Work) -> None:
    head, body = raw_delivery("d-1")
    assert b" 400 Bad Request" in exchange(port, head, body[:-1], end=True)
    assert b" 202 Accepted" in exchange(port, head, body[:-1], body[-1:])
    assert work.begun.get(timeout=10) == "d-1"


@pytest.mark.parametrize("part", ["head", "body"])
def test_a_sender_that_drips_is_cut_off_and_holds_up_nobody(
    port: int, monkeypatch: pytest.MonkeyPatch, part: str
) -> None:
    monkeypatch.setattr(example, "MAX_SECONDS", 0.3)
    head, body = raw_delivery("d-1")
    first, rest = (head[:10], head[10:]) if part == "head" else (head + body[:5], body[5:])
    received = b"nothing"
    with socket.create_connection(("127.0.0.1", port), timeout=10) as dripping:
        dripping.sendall(first)
        assert deliver(port, "d-2") == (202, "accepted")
        for letter in rest:
            dripping.settimeout(0.02)
            try:
                received = dripping.recv(65536)
                break
            except OSError:  # nothing yet
                dripping.sendall(bytes([letter]))
    # What is answered to half a head depends on where it was cut.
    assert received[:10] == b"HTTP/1.0 4" or (part == "head" and received == b"")


def test_a_sender_that_goes_away_is_a_line_of_the_log(
    port: int, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    with caplog.at_level("WARNING"), socket.create_connection(("127.0.0.1", port)) as leaving:
        leaving.sendall(HEAD[:10])
        # Without lingering, a close resets the connection.
        reset_on_close(leaving)
    deadline = time.monotonic() + 10
    while "lost the connection of 127.0.0.1" not in caplog.text:
        assert time.monotonic() < deadline
        time.sleep(0.001)
    assert "Traceback" not in capsys.readouterr().err


def test_a_slow_handler_delays_no_answer(port: int, work: Work) -> None:
    work.may_go_on.clear()
    assert [deliver(port, f"d-{each}")[0] for each in range(20)] == [202] * 20
    assert work.done == []


# --- what is believed, and shown --------------------------------------------------------------


def test_an_id_that_is_not_signed_does_not_make_a_delivery_new(port: int, work: Work) -> None:
    body = b'{"event": "accounts.updated", "data": {"account_id": "a-1"}}'
    headers = signed(body)
    answers = [
        ask(port, "POST", "/", body, X_Tesote_Webhook_Id=f"forged-{each}", **headers)[1]
        for each in range(3)
    ]
    assert answers == ["accepted", "duplicate", "duplicate"]


@pytest.mark.parametrize("secret", ["", SECRET + "\n", "\ufeff" + SECRET])
def test_a_secret_that_cannot_be_one_is_refused_before_anything_is_served(secret: str) -> None:
    threads = threading.active_count()
    with pytest.raises(InvalidArgumentError, match=r"^secret "):
        example.WebhookReceiver(secret, print)
    assert threading.active_count() == threads


def test_what_is_logged_holds_no_control_characters(
    port: int, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("INFO"):
        example.sync_accounts(
            WebhookEvent("1", "accounts\x1b[2J\n.updated", None, {}, ("a\u202e\r",), {})
        )
        exchange(port, b"GET /?\x1b[31m HTTP/1.1\r\n\r\n")
        assert "sync a?? after accounts?[2J?.updated" in caplog.text
        assert "GET /??[31m HTTP/1.1" in caplog.text
        assert "\x1b" not in caplog.text
