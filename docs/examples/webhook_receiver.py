"""Receive Tesote webhooks: verify, drop duplicates, answer at once, work afterwards.

    python webhook_receiver.py                                       # a demonstration
    TESOTE_WEBHOOK_SECRET=... python webhook_receiver.py 8080

Tesote delivers to HTTPS addresses only, and waits 5 to 10 seconds for an answer. Put this behind
what ends TLS for you, and subscribe its address at https://equipo.tesote.com/webhook_subscriptions.
`WebhookReceiver` is a WSGI application: gunicorn, uWSGI and mod_wsgi run it as well as the server
of the standard library that is used below.

Without a port and without a secret, a sandbox on this machine makes deliveries to it.
"""

from __future__ import annotations

import logging
import os
import queue
import signal
import socket
import socketserver
import sys
import threading
import time
from collections import OrderedDict
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Callable
from urllib.parse import parse_qs
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from tesote_sdk.errors import InvalidArgumentError, WebhookSignatureError
from tesote_sdk.webhooks import WebhookEvent, verify

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from _typeshed.wsgi import StartResponse, WSGIEnvironment

logger = logging.getLogger("webhook_receiver")

MAX_BODY_BYTES = 1024 * 1024
MAX_WAITING = 1000
MAX_REMEMBERED = 10_000
MAX_SECONDS = 10.0  # for a request to arrive; Tesote itself waits no longer for the answer
MAX_DRAINED_BYTES = 64 * MAX_BODY_BYTES


class WebhookReceiver:
    """A WSGI application that hands every delivery to a function, once, in another thread.

    What waits and what was seen is kept in memory, which suits one process whose work can be
    made up for: a sync that starts from a stored cursor brings what an earlier one missed. Where
    each delivery counts, write it to a database before answering, with `event.id` as the key.
    That id is signed. The header with the delivery id is not: as a key it would let anybody who
    has seen a delivery send it again under a new one.

    Raises:
        InvalidArgumentError: The secret cannot be one; better now than at the first delivery.
    """

    def __init__(self, secret: str, handle: Callable[[WebhookEvent], None]) -> None:
        with suppress(WebhookSignatureError):  # there is no delivery here, only a secret to check
            verify(b"", {}, secret)
        self._secret = secret
        self._handle = handle
        self._lock = threading.Lock()
        self._seen: OrderedDict[str, None] = OrderedDict()
        self._waiting: queue.Queue[WebhookEvent | None] = queue.Queue(MAX_WAITING)
        self._closed = False
        self._worker = threading.Thread(target=self._work, name="webhook-worker")
        self._worker.start()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request, as PEP 3333 has it."""
        status, text = self._answer(environ)
        body = text.encode()
        headers = [
            ("Content-Type", "text/plain; charset=utf-8"),
            ("Content-Length", str(len(body))),
            ("X-Content-Type-Options", "nosniff"),
        ]
        if status.startswith("405"):
            headers.append(("Allow", "GET, POST"))
        start_response(status, headers)
        return [body]

    def close(self) -> None:
        """Accept nothing more, finish what was accepted, and stop the worker.

        Call it when the server stops, as in gunicorn's `worker_exit` hook: until then the worker
        keeps the process alive, so that what was accepted is not lost.
        """
        with self._lock:
            self._closed = True
        self._waiting.put(None)
        self._worker.join()

    def _answer(self, environ: WSGIEnvironment) -> tuple[str, str]:
        if environ["REQUEST_METHOD"] == "GET":
            # Tesote checks a new address with a GET, whose form is not documented.
            return "200 OK", parse_qs(environ.get("QUERY_STRING", "")).get("challenge", ["ok"])[0]
        if environ["REQUEST_METHOD"] != "POST":
            return "405 Method Not Allowed", "GET and POST only"
        length = environ.get("CONTENT_LENGTH") or ""
        if not length and environ.get("wsgi.input_terminated"):
            length = str(MAX_BODY_BYTES + 1)  # gunicorn undoes chunks, and ends the body itself
        elif not length.isdecimal():
            return "411 Length Required", "the request does not say how long its body is"
        elif len(length) > 10 or int(length) > MAX_BODY_BYTES:
            return "413 Content Too Large", f"at most {MAX_BODY_BYTES} bytes are read"
        payload = environ["wsgi.input"].read(int(length))
        if len(payload) > MAX_BODY_BYTES:
            return "413 Content Too Large", f"at most {MAX_BODY_BYTES} bytes are read"
        try:
            event = verify(payload, environ, self._secret)
        except WebhookSignatureError as error:
            # A body that was cut short ends here, too: it is not the one that was signed.
            logger.warning("refused a delivery: %s", error)
            return "400 Bad Request", str(error)
        return self._accept(event)

    def _accept(self, event: WebhookEvent) -> tuple[str, str]:
        """Queue a delivery. Any 2xx tells Tesote that it arrived; all else, to send it again."""
        with self._lock:
            if event.id in self._seen:
                return "200 OK", "duplicate"
            if self._closed or self._waiting.full():
                return "503 Service Unavailable", "try again later"
            self._waiting.put_nowait(event)
            self._seen[event.id] = None
            if len(self._seen) > MAX_REMEMBERED:
                self._seen.popitem(last=False)
        return "202 Accepted", "accepted"

    def _work(self) -> None:
        while True:
            event = self._waiting.get()
            if event is None:
                return
            try:
                self._handle(event)
            except Exception:
                logger.exception("could not handle %r", event)
                with self._lock:
                    # The dashboard can resend it, and then it is no duplicate.
                    self._seen.pop(event.id, None)


def sync_accounts(event: WebhookEvent) -> None:
    """Bring the accounts that a delivery names up to date."""
    for account_id in event.account_ids:
        # Here a real receiver goes on from the cursor that it stored for this account, with
        # V2Client().transactions.sync(account_id, cursor=...), until there is no more.
        logger.info("sync %s after %s", plain(account_id), plain(event.event))


def plain(text: object) -> str:
    """Return a text without characters that a terminal would obey or that end a line of a log."""
    return "".join(letter if letter.isprintable() else "?" for letter in str(text))


# --- the server of the standard library -------------------------------------------------------


class ThreadingServer(socketserver.ThreadingMixIn, WSGIServer):
    """A server that no sender holds up, and that answers also what it does not read."""

    daemon_threads = True

    def finish_request(self, request: socket.socket, client_address: object) -> None:
        """Serve one connection. A sender that drips is cut off, whatever it has sent by then."""
        timer = threading.Timer(MAX_SECONDS, end_of_input, [request])
        timer.daemon = True
        timer.start()
        try:
            super().finish_request(request, client_address)
        finally:
            timer.cancel()

    def shutdown_request(self, request: socket.socket) -> None:
        """End a connection so that the answer arrives.

        To close a socket with bytes that nobody has read is to reset the connection, and the
        sender of a body that is too large would see that in place of the 413.
        """
        with suppress(OSError):
            request.shutdown(socket.SHUT_WR)
            request.settimeout(1)
            deadline, drained = time.monotonic() + 2, 0
            while drained < MAX_DRAINED_BYTES and time.monotonic() < deadline:
                received = request.recv(65536)
                if not received:
                    break
                drained += len(received)
        self.close_request(request)

    def handle_error(self, request: object, client_address: tuple[str, int]) -> None:
        """Say in a line that a sender went away; socketserver prints a traceback."""
        logger.warning("lost the connection of %s: %s", client_address[0], sys.exc_info()[1])


class Handler(WSGIRequestHandler):
    """What serves a connection, and logs as the rest is logged."""

    def log_message(self, template: str, *values: object) -> None:
        """Log a request, whose line is whatever the sender wrote."""
        logger.info("%s %s", self.client_address[0], plain(template % values))


def end_of_input(connection: socket.socket) -> None:
    """Let whoever reads a connection find its end; an answer can still be written."""
    with suppress(OSError):  # it may just have been closed
        connection.shutdown(socket.SHUT_RD)


@contextmanager
def serving(port: int, receiver: WebhookReceiver) -> Iterator[WSGIServer]:
    """Yield a server; in the end, finish what the receiver has accepted."""
    try:
        with make_server("127.0.0.1", port, receiver, ThreadingServer, Handler) as server:
            yield server
    except KeyboardInterrupt:
        logger.info("finishing what was accepted")
    finally:
        receiver.close()


def demonstrate() -> None:
    """Have a sandbox make three deliveries: one of them is signed with another secret."""
    from tesote_sdk.sandbox import Sandbox

    logger.info("no secret, no port: a demonstration, with deliveries of a sandbox")
    secret = "whsec_demonstration"
    with serving(0, WebhookReceiver(secret, sync_accounts)) as server, Sandbox() as sandbox:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            for account_id, key in zip(sandbox.account_ids, (secret, "whsec_other", secret)):
                data = {"accounts_with_updates": [account_id]}
                url = f"http://127.0.0.1:{server.server_port}/"
                sandbox.deliver_webhook(url, "sync.updates_available", data, secret=key)
        finally:
            server.shutdown()
            thread.join()


def main() -> None:
    """Serve on the port that is given on the command line, until Ctrl-C or SIGTERM."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    secret, given = os.environ.get("TESOTE_WEBHOOK_SECRET", ""), sys.argv[1:]
    port = given[0] if given else "8080"
    try:
        # With a port somebody means to serve: a missing secret must not end in a demonstration.
        if not secret and not given:
            return demonstrate()
        if not secret:
            sys.exit("set TESOTE_WEBHOOK_SECRET to the HMAC secret of the subscription")
        if not (port.isdecimal() and int(port) < 65536):
            sys.exit(f"{port!r} is no port such as 8080")
        with serving(int(port), WebhookReceiver(secret, sync_accounts)) as server:
            logger.info("listening on http://127.0.0.1:%d", server.server_port)
            server.serve_forever()
    except (InvalidArgumentError, OSError) as error:
        sys.exit(f"webhook_receiver: {error}")


if __name__ == "__main__":
    main()
