"""Instructions of a call, counted by valgrind, as a share of the same call by hand:

    python -m tests.benchmarks.instructions [CALLS]

Times move with the machine; instructions do not. Counted is what runs in the client's process
outside the kernel, for one call more: the difference between a run of many calls and one of few.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from tesote_sdk import V2Client

from .peers import KEY, raw, sdk, target
from .servers import Server, serve
from .site import PER_PAGE, write_site

if TYPE_CHECKING:
    from typing import Callable

    from .peers import Target

_FEW = 20
"""Calls of the smaller run: everything that loads and warms up has done so by then."""


def count(server: Server, account_id: str, case: str, calls: int) -> float:
    """Return the instructions of one call."""
    totals = [_total(server, account_id, case, number) for number in (_FEW, _FEW + calls)]
    return (totals[1] - totals[0]) / calls


def _total(server: Server, account_id: str, case: str, calls: int) -> int:
    with tempfile.TemporaryDirectory() as directory:
        command = [
            *("valgrind", "--tool=callgrind", f"--callgrind-out-file={directory}/out"),
            *(sys.executable, "-m", "tests.benchmarks.instructions"),
            *("--child", case, str(server.plain), str(server.tls), account_id, str(calls)),
        ]
        done = subprocess.run(
            command,
            env={**os.environ, "PYTHONHASHSEED": "0"},
            capture_output=True,
            text=True,
            check=True,
        )
    counted = re.search(r"Collected : ([0-9]+)", done.stderr)
    assert counted is not None, done.stderr
    return int(counted[1])


def _child(case: str, plain: str, tls: str, account_id: str, calls: str) -> None:
    """Make the calls of one case; run under valgrind."""
    who, what, scheme = case.split("/")
    called = target(Server("", int(plain), int(tls)), what, tls=scheme == "https")
    with ExitStack() as stack:
        if what == "page":
            call = _page(who, called, account_id, stack)
        else:
            call = sdk(called, stack) if who == "sdk" else raw(called, stack)
        for _ in range(int(calls)):
            call()


def _page(who: str, called: Target, account_id: str, stack: ExitStack) -> Callable[[], object]:
    """Return a call that fetches a page of 100 transactions."""
    if who == "raw":
        path = f"accounts/{account_id}/transactions?per_page={PER_PAGE}"
        return raw(called._replace(name=path), stack)
    client = stack.enter_context(V2Client(KEY, base_url=called.base_url))
    return lambda: client.transactions.list_for_account(account_id, per_page=PER_PAGE).next_params


_CASES = {
    "status": ("status", "http"),
    "status, TLS": ("status", "https"),
    "50 accounts": ("accounts", "http"),
    "50 accounts, TLS": ("accounts", "https"),
    "a page of 100 transactions": ("page", "http"),
}


def main(calls: int = 200) -> None:
    """Print the table."""
    if shutil.which("valgrind") is None:
        print("valgrind is not installed: nothing is counted")
        return
    with tempfile.TemporaryDirectory() as directory:
        site = write_site(Path(directory), 1)
        with serve(site, nginx=True) as server:
            print("instructions a call: the SDK, by hand, and their ratio")
            for label, (what, scheme) in _CASES.items():
                ours, theirs = (
                    count(server, site.account_id, f"{who}/{what}/{scheme}", calls)
                    for who in ("sdk", "raw")
                )
                print(f"{label:28}{ours:12,.0f}{theirs:12,.0f}{ours / theirs:8.3f}", flush=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        _child(*sys.argv[2:])
    else:
        main(*map(int, sys.argv[1:2]))
