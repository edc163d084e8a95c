"""Receive Tesote webhooks: verify, drop duplicates, answer at once, work afterwards.

    TESOTE_WEBHOOK_SECRET=... python webhook_receiver.py 8080

Tesote delivers to HTTPS addresses only, and waits 5 to 10 seconds for an answer. Put this behind
what ends TLS for you, and subscribe its address at https://equipo.tesote.com/webhook_subscriptions.
`WebhookReceiver` is a WSGI application: gunicorn, uWSGI and mod_wsgi run it as well as the server
of the standard library that is used below.
"""

from __future__ import annotations

import logging
import os
import queue
import signal
import socketserver
import sys
import threading
from collections import OrderedDict
from typing import TYPE_CHECKING, Callable
from urllib.parse import parse_qs
from wsgiref.simple_server import WSGIServer, make_server

from tesote_sdk.errors import WebhookSignatureError
from tesote_sdk.webhooks import WebhookEvent, verify

if TYPE_CHECKING:
    from collections.abc import Iterable

    from _typeshed.wsgi import StartResponse, WSGIEnvironment

logger = logging.getLogger("webhook_receiver")

MAX_BODY_BYTES = 1024 * 1024
MAX_WAITING = 1000
MAX_REMEMBERED = 10_000


class WebhookReceiver:
    """A WSGI application that hands every delivery to a function, once, in another thread.

    What waits and what was seen is kept in memory, which suits one process whose work can be
    made up for: a sync that starts from a stored cursor brings what an earlier one missed. Where
    each delivery counts, write it to a database before answering, with the delivery id as the key.
    """

    def __init__(self, secret: str, handle: Callable[[WebhookEvent], None]) -> None:
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
        """Accept nothing more, finish what was accepted, and stop the worker."""
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
        if not length.isdecimal():
            return "411 Length Required", "the request does not say how long its body is"
        if int(length) > MAX_BODY_BYTES:
            return "413 Content Too Large", f"at most {MAX_BODY_BYTES} bytes are read"
        payload = environ["wsgi.input"].read(int(length))
        try:
            event = verify(payload, environ, self._secret)
        except WebhookSignatureError as error:
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
        logger.info("sync %s after %s", account_id, event.event)


class ThreadingServer(socketserver.ThreadingMixIn, WSGIServer):
    """A server that one slow sender does not hold up."""

    daemon_threads = True


def main() -> None:
    """Serve on the port that is given on the command line, until Ctrl-C or SIGTERM."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    if not os.environ.get("TESOTE_WEBHOOK_SECRET"):
        sys.exit("set TESOTE_WEBHOOK_SECRET to the HMAC secret of the subscription")
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 8080
    receiver = WebhookReceiver(os.environ["TESOTE_WEBHOOK_SECRET"], sync_accounts)
    try:
        with make_server("127.0.0.1", port, receiver, server_class=ThreadingServer) as server:
            logger.info("listening on http://127.0.0.1:%d", server.server_port)
            server.serve_forever()
    except KeyboardInterrupt:
        logger.info("finishing what was accepted")
    finally:
        receiver.close()


if __name__ == "__main__":
    main()
