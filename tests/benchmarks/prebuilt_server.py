"""A server for the benchmarks where there is no nginx: it answers with bytes made beforehand.

    python -m tests.benchmarks.prebuilt_server DIRECTORY PLAIN_PORT TLS_PORT

It understands no more of HTTP than the benchmarks' clients send.
"""

from __future__ import annotations

import contextlib
import re
import socket
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from ..support.certificates import server_context
from .site import HEADERS

if TYPE_CHECKING:
    import ssl

_OWN_HEADERS = {
    "Server": "prebuilt",
    "Date": "Mon, 02 Mar 2026 10:00:00 GMT",
    "Content-Type": "application/json; charset=utf-8",
    "Last-Modified": "Mon, 02 Mar 2026 10:00:00 GMT",
    "Connection": "keep-alive",
    "Accept-Ranges": "bytes",
    "ETag": '"69a55f00-73a3"',
}


_LENGTH = re.compile(rb"content-length: ([0-9]+)", re.IGNORECASE).search


def _answer(body: bytes, status: str = "200 OK", **more: str) -> bytes:
    fields = {**_OWN_HEADERS, "Content-Length": str(len(body)), **HEADERS, **more}
    lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return f"HTTP/1.1 {status}\r\n{lines}\r\n".encode("latin-1") + body


class _Answers:
    def __init__(self, directory: Path) -> None:
        self._pages = directory / "pages"
        zipped = (directory / "accounts.json.gz").read_bytes()
        self._fixed = {
            b"/api/v2/status": _answer((directory / "status.json").read_bytes()),
            b"/api/v2/accounts": _answer((directory / "accounts.json").read_bytes()),
            b"/gzip/v2/accounts": _answer(zipped, **{"Content-Encoding": "gzip"}),
        }
        self._order = _answer((directory / "order.json").read_bytes(), "201 Created")

    def to(self, target: bytes) -> bytes:
        path, _, query = target.partition(b"?")
        fixed = self._fixed.get(path)
        if fixed is not None:
            return fixed
        if path.endswith(b"/transaction_orders"):
            return self._order
        cursor = query.partition(b"transactions_after_id=")[2].decode() or "first"
        return _answer((self._pages / f"{cursor}.json").read_bytes())


def _serve(sock: socket.socket, context: ssl.SSLContext | None, answers: _Answers) -> None:
    # A client that hangs up is its own business.
    with contextlib.suppress(OSError):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with context.wrap_socket(sock, server_side=True) if context else sock as stream:
            received = b""
            while piece := stream.recv(65536):
                received += piece
                while b"\r\n\r\n" in received:
                    head, _, received = received.partition(b"\r\n\r\n")
                    length = _LENGTH(head)
                    while length and len(received) < int(length[1]):
                        received += stream.recv(65536)
                    received = received[int(length[1]) :] if length else received
                    stream.sendall(answers.to(head.split(b" ", 2)[1]))
                    if b"connection: close" in head.lower():
                        return


def _accept(listener: socket.socket, context: ssl.SSLContext | None, answers: _Answers) -> None:
    while True:
        sock, _ = listener.accept()
        threading.Thread(target=_serve, args=(sock, context, answers), daemon=True).start()


def main(directory: str, plain_port: str, tls_port: str) -> None:
    """Serve until the process is ended."""
    answers = _Answers(Path(directory))
    plain = socket.create_server(("127.0.0.1", int(plain_port)), backlog=128)
    tls = socket.create_server(("127.0.0.1", int(tls_port)), backlog=128)
    threading.Thread(target=_accept, args=(plain, None, answers), daemon=True).start()
    _accept(tls, server_context(), answers)


if __name__ == "__main__":
    main(*sys.argv[1:])
