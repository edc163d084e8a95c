"""What is measured with a sandbox in another process: a cached call, and the sandbox itself."""

from __future__ import annotations

import http.client
import subprocess
import sys
from contextlib import ExitStack, closing, contextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from tesote_sdk import V2Client

from .rounds import in_turns, ratios, repeated, spread
from .site import ACCOUNTS
from .targets import HEADERS, KEY, target

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .runs import Run
    from .targets import Call

_SERVER = f"""
import sys
from tesote_sdk.sandbox import Sandbox

with Sandbox(accounts={ACCOUNTS}) as sandbox:
    print(sandbox.url, sandbox.api_key, flush=True)
    sys.stdin.read()
"""


def measure(run: Run) -> None:
    """Compare a cached call with the call, and the sandbox with the benchmarks' server."""
    with ExitStack() as stack:
        url, api_key = stack.enter_context(_sandbox())
        server_url = target(run.server, "accounts").base_url
        client = stack.enter_context(V2Client(api_key=api_key, base_url=url))
        assert len(client.accounts.list(cache_ttl=3600).data) == ACCOUNTS
        costs = in_turns(
            {
                # The cached answer is decoded anew: every caller gets objects of its own.
                "hit": repeated(lambda: client.accounts.list(cache_ttl=3600), run.calls),
                "call": repeated(client.accounts.list, run.calls),
                "sandbox": repeated(_loop(url, api_key, stack), run.calls),
                "server": repeated(_loop(server_url, KEY, stack), run.calls),
            },
            run.rounds,
        )
    figures = run.figures
    figures.compare("50 accounts out of the cache", "the same call", costs["hit"], costs["call"])
    slower = ratios(costs["sandbox"], costs["server"]).wall
    figures.add("50 accounts of the sandbox", "the benchmarks' server", "wall", slower)
    a_second = spread([1 / cost.wall for cost in costs["sandbox"]])
    figures.add("50 accounts of the sandbox", "", "a second", a_second)


def _loop(url: str, api_key: str, stack: ExitStack) -> Call:
    """Return a call of http.client that reads the answer and does nothing with it."""
    place = urlsplit(url)
    connection = stack.enter_context(closing(http.client.HTTPConnection(place.netloc)))
    path = f"{place.path}/v2/accounts?per_page={ACCOUNTS}"
    headers = {**HEADERS, "Authorization": f"Bearer {api_key}"}

    def call() -> object:
        connection.request("GET", path, headers=headers)
        response = connection.getresponse()
        content = response.read()
        if response.status != 200:
            raise AssertionError(content)
        return content

    return call


@contextmanager
def _sandbox() -> Iterator[tuple[str, str]]:
    with subprocess.Popen(
        [sys.executable, "-c", _SERVER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        encoding="utf-8",
    ) as process:
        assert process.stdout is not None
        url, api_key = process.stdout.readline().split()
        yield url, api_key
