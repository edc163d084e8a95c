"""What a cached call costs, as a share of the same call uncached:

    python -m tests.benchmarks.cache_hit [ROUNDS]

Both list the same 50 accounts of a sandbox in another process, in turns. The cached answer is
decoded anew each time, as every caller gets objects of its own.
"""

from __future__ import annotations

import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tesote_sdk import V2Client

from .rounds import in_turns, ratios, repeated

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .rounds import Ratios

_CALLS_A_ROUND = 20

_SERVER = """
import sys
from tesote_sdk.sandbox import Sandbox

with Sandbox(accounts=50) as sandbox:
    print(sandbox.url, sandbox.api_key, flush=True)
    sys.stdin.read()
"""


def measure(rounds: int = 50) -> Ratios:
    """Return the cost of a hit as a share of the call's."""
    with _sandbox() as (url, api_key), V2Client(api_key=api_key, base_url=url) as client:
        assert len(client.accounts.list(cache_ttl=3600).data) == 50
        costs = in_turns(
            {
                "hit": repeated(lambda: client.accounts.list(cache_ttl=3600), _CALLS_A_ROUND),
                "call": repeated(client.accounts.list, _CALLS_A_ROUND),
            },
            rounds,
        )
    return ratios(costs["hit"], costs["call"])


@contextmanager
def _sandbox() -> Iterator[tuple[str, str]]:
    with subprocess.Popen(
        [sys.executable, "-c", _SERVER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        url, api_key = process.stdout.readline().split()
        yield url, api_key


if __name__ == "__main__":
    compared = measure(*map(int, sys.argv[1:2]))
    print("a cached accounts.list() of 50 accounts, as a share of the call: median (quartiles)")
    print(f"wall {compared.wall}, CPU of the client {compared.cpu}")
