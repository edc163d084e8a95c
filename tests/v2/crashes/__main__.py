"""Kills the job at random moments, as often as was asked for, and counts what was paid.

    python -m tests.v2.crashes --kills 200

Each job is a process of its own; the server is in this one. A kill comes after a random part of the
time that an unhurt run takes, and every other one about when a write has reached the server; then
the job is run again at once. When a run comes through, the next list of suppliers begins. In the
end each supplier must have one order and one payment at the bank, whatever the kills hit.
"""

from __future__ import annotations

import argparse
import collections
import contextlib
import os
import random
import select
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import tesote_sdk
from tesote_sdk import V2Client
from tesote_sdk.sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tesote_sdk.sandbox import RecordedRequest

_JOB = Path(__file__).with_name("job.py")
_SUPPLIERS = 5
_NEAR = 0.002
"""Seconds after a write has reached the server, within which every other kill comes."""


class Toll(NamedTuple):
    """What came of it.

    Attributes:
        kills: How many runs were killed before they came through.
        last_requests: How often each request was the last that reached the server before a kill.
        paid: The suppliers' invoices that the runs paid, whole lists.
        orders: How many orders each invoice has.
        payments: How many payments each invoice has at the bank.
    """

    kills: int
    last_requests: dict[str, int]
    paid: list[str]
    orders: dict[str, int]
    payments: dict[str, int]

    def once(self) -> bool:
        """Tell whether every supplier of every list was paid exactly once."""
        exactly = dict.fromkeys(self.paid, 1)
        return exactly == self.orders == self.payments


def run_and_kill(kills: int, seed: int) -> Toll:
    """Run the job over lists of suppliers until so many runs were killed; then let one through.

    Raises:
        AssertionError: A run ended in an error instead of being killed.
    """
    chance = random.Random(seed)
    with Sandbox(accounts=1, transactions=0) as sandbox, _jobs(sandbox) as jobs:
        duration = _run(sandbox, jobs, "unhurt")
        assert duration is not None
        last: collections.Counter[str] = collections.Counter()
        lists = ["unhurt"]
        while sum(last.values()) < kills:
            lists.append(f"list{len(lists)}")
            done = None
            while done is None:
                left = kills - sum(last.values())
                if left == 0:
                    done = _run(sandbox, jobs, lists[-1])
                elif left % 2:
                    done = _run(sandbox, jobs, lists[-1], chance.uniform(0, duration))
                else:
                    soon = chance.uniform(0, _NEAR)
                    done = _run(sandbox, jobs, lists[-1], soon, after_a_write=True)
                if done is None:
                    last[_kind(sandbox.requests[-1])] += 1
        orders, payments = _count(sandbox)
    paid = [f"{name}-{number}" for name in lists for number in range(_SUPPLIERS)]
    return Toll(sum(last.values()), dict(last), paid, orders, payments)


@contextlib.contextmanager
def _jobs(sandbox: Sandbox) -> Iterator[subprocess.Popen[bytes]]:
    """The process from which jobs are forked."""
    environment = {
        **os.environ,
        "PYTHONPATH": str(Path(tesote_sdk.__path__[0]).parent),
        "TESOTE_SDK_API_KEY": sandbox.api_key,
        "TESOTE_SDK_API_URL": sandbox.url,
        "NO_PROXY": "127.0.0.1",
    }
    with subprocess.Popen(
        [sys.executable, str(_JOB)],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        bufsize=0,
    ) as jobs:
        yield jobs


def _run(
    sandbox: Sandbox,
    jobs: subprocess.Popen[bytes],
    name: str,
    kill_after: float | None = None,
    *,
    after_a_write: bool = False,
) -> float | None:
    """Run the job; return the seconds that it took, or None if it was killed before its end."""
    assert jobs.stdin is not None
    assert jobs.stdout is not None
    sandbox.clear_requests()
    jobs.stdin.write(f"{sandbox.account_ids[0]} {name} {_SUPPLIERS}\n".encode())
    said = jobs.stdout.readline()
    assert said == b"ready\n", said
    start = time.perf_counter()
    if kill_after is None:
        jobs.stdout.readline()
    else:
        while after_a_write and not _has_written(sandbox) and not _has_said_more(jobs):
            time.sleep(0.0002)
        time.sleep(kill_after)
    took = time.perf_counter() - start
    jobs.stdin.write(b"let\n" if kill_after is None else b"kill\n")
    while not (said := jobs.stdout.readline()).startswith(b"ended"):
        assert said == b"over\n", said
    status = int(said.split()[1])
    assert status in (0, signal.SIGKILL), f"the job ended with {status}"
    return took if status == 0 else None


def _has_said_more(jobs: subprocess.Popen[bytes]) -> bool:
    assert jobs.stdout is not None
    return bool(select.select([jobs.stdout], [], [], 0)[0])


def _has_written(sandbox: Sandbox) -> bool:
    return any(request.method != "GET" for request in sandbox.requests)


def _kind(request: RecordedRequest) -> str:
    name = request.path.rpartition("/")[2]
    known = name in ("status", "transaction_orders", "submit")
    return f"{request.method} {name if known else 'one ' + request.path.split('/')[-2]}"


def _count(sandbox: Sandbox) -> tuple[dict[str, int], dict[str, int]]:
    (account_id,) = sandbox.account_ids
    with V2Client(sandbox.api_key, base_url=sandbox.url) as client:
        orders = collections.Counter(
            str(order["idempotency_key"])
            for order in client.transaction_orders.list(account_id, limit=100)
        )
        payments = collections.Counter(
            str(row["data"]["description"]).replace("Invoice ", "")
            for row in client.transactions.list_for_account(account_id)
        )
    return dict(orders), dict(payments)


def main() -> int:
    parser = argparse.ArgumentParser(description="Kill a paying job, and count what was paid.")
    parser.add_argument("--kills", type=int, default=200, help="how many (%(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="of the moments (%(default)s)")
    chosen = parser.parse_args()
    start = time.perf_counter()
    toll = run_and_kill(chosen.kills, chosen.seed)
    print(
        f"{toll.kills} kills in {time.perf_counter() - start:.0f} s, {len(toll.paid)} suppliers: "
        + ("each paid exactly once" if toll.once() else f"NOT each paid once: {toll}")
    )
    for request, count in sorted(toll.last_requests.items()):
        print(f"  {count:4} after {request}")
    return 0 if toll.once() else 1


if __name__ == "__main__":
    sys.exit(main())
