"""Several processes that share one rate limit, each with a limiter of its own.

    python -m tests.benchmarks.processes [--limiter none|own|redis://...] [--seconds 20]
        [--limit 40] [--window 2] [--reset seconds] [--rounds 1] [processes ...]

The server is a sandbox in this process. Each worker is a program of its own, which calls as fast as
it is let. A row tells what the workers met together, and how evenly they got on.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from tesote_sdk import RateLimiter, TesoteError, V2Client
from tesote_sdk.sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_ROOT = Path(__file__).parents[2]
_HEAD_START = 0.2
"""Seconds from when all workers are ready to their first call."""


class Tally(NamedTuple):
    """What one worker met.

    Attributes:
        answered: Calls that succeeded.
        refused: Answers of 429, those that were retried included.
        failed: Calls that ended in an error.
    """

    answered: int
    refused: int
    failed: int


def main(arguments: list[str] | None = None) -> None:
    """Measure, and print a table; or be a worker."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.processes")
    parser.add_argument("processes", nargs="*", type=int, help="how many (1 2 4 8)")
    parser.add_argument("--limiter", default="own", help="none, own or the URL of a Redis (own)")
    parser.add_argument("--seconds", type=float, default=20, help="of each measurement (20)")
    parser.add_argument("--limit", type=int, default=40, help="calls in a window (40)")
    parser.add_argument("--window", type=float, default=2, help="its seconds (2)")
    parser.add_argument("--reset", default="seconds", help="seconds, epoch, millis or iso")
    parser.add_argument("--rounds", type=int, default=1, help="measurements of each (1)")
    parser.add_argument("--worker", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.worker:
        url, api_key = options.worker
        tally = _work(url, api_key, options.limiter, options.seconds)
        print(json.dumps(tally))
        return
    print("processes   429s  failed  of the server's rate  least to mean")
    for count in options.processes or (1, 2, 4, 8):
        for _ in range(options.rounds):
            tallies = measure(count, options)
            answered = [tally.answered for tally in tallies]
            rate = sum(answered) / options.seconds / (options.limit / options.window)
            print(
                f"{count:9}{sum(tally.refused for tally in tallies):7}"
                f"{sum(tally.failed for tally in tallies):8}{rate:22.3f}"
                f"{min(answered) * count / sum(answered):15.2f}",
                flush=True,
            )


def measure(count: int, options: argparse.Namespace) -> Sequence[Tally]:
    """Let some workers call side by side, and return what each met."""
    with Sandbox(rate_limit_reset=options.reset) as sandbox:
        sandbox.limit_rate(options.limit, options.window)
        command = [sys.executable, "-m", "tests.benchmarks.processes", "--limiter", options.limiter]
        command += ["--seconds", str(options.seconds), "--worker", sandbox.url, sandbox.api_key]
        workers = [
            subprocess.Popen(
                command, cwd=_ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8"
            )
            for _ in range(count)
        ]
        for worker in workers:
            assert worker.stdout is not None
            assert worker.stdout.readline() == "ready\n"
        begins_at = time.time() + _HEAD_START
        for worker in workers:
            assert worker.stdin is not None
            worker.stdin.write(f"{begins_at}\n")
            worker.stdin.flush()
        return [Tally(*json.loads(worker.communicate(timeout=60)[0])) for worker in workers]


def _work(url: str, api_key: str, limiter: str, seconds: float) -> Tally:
    met: list[int] = []

    def note(event: Mapping[str, Any]) -> None:
        if event["phase"] == "response":
            met.append(event["status"])

    answered = failed = 0
    with V2Client(
        api_key=api_key, base_url=url, rate_limiter=_limiter(limiter), logger=note
    ) as client:
        print("ready", flush=True)
        begins_at = float(sys.stdin.readline())
        time.sleep(max(0.0, begins_at - time.time()))
        while True:
            try:
                client.status()
                succeeded = True
            except TesoteError as error:
                print(error, file=sys.stderr)
                succeeded = False
            if time.time() > begins_at + seconds:
                return Tally(answered, met.count(429), failed)
            answered += succeeded
            failed += not succeeded


def _limiter(name: str) -> RateLimiter | None:
    if name == "none":
        return None
    if name == "own":
        return RateLimiter()
    path = _ROOT / "docs" / "examples" / "redis_rate_limiter.py"
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    limiter: RateLimiter = module.connect(name)
    return limiter


if __name__ == "__main__":
    main()
