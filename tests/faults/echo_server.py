"""A server in a process of its own, which tells each request's target and connection.

    python -m tests.faults.echo_server http

It answers requests below `/v2/things/together` when four of them have come.

Where a process forks with a server's threads in it, a child may inherit a lock of OpenSSL's that
such a thread held, and wait for it for ever: no client could help that.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

from tests.faults.harness import Wire
from tests.support.steps import Step, reply

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.http_messages import Request

_together = threading.Barrier(4)


def echo(request: Request) -> Step:
    if request.target.startswith("/v2/things/together/"):
        _together.wait(10)
    return reply(200, {"target": request.target, "connection": request.connection})


@contextlib.contextmanager
def echoing(wire: Wire) -> Iterator[str]:
    """The URL of such a server, until the block ends."""
    with subprocess.Popen(
        [sys.executable, "-m", __name__, wire.scheme],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        encoding="utf-8",
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.stdin.close()


if __name__ == "__main__":
    with Wire(sys.argv[1]).serve(echo) as server:
        print(server.url, flush=True)
        sys.stdin.read()
