"""Instructions of a call, counted by valgrind, as a share of the same call by hand:

    python -m tests.benchmarks instructions

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
from typing import TYPE_CHECKING

from .calls import ACCOUNTS, STATUS
from .peers import client, raw, sdk
from .rounds import single
from .servers import Server
from .site import PER_PAGE
from .targets import target

if TYPE_CHECKING:
    from .runs import Run
    from .targets import Call, Target

_FEW, _MANY = 20, 220
"""Calls of the two runs: everything that loads and warms up has done so after the few."""


def _count(server: Server, account_id: str, case: str) -> float:
    """Return the instructions of one call."""
    few, many = (_total(server, account_id, case, calls) for calls in (_FEW, _MANY))
    return (many - few) / (_MANY - _FEW)


def _total(server: Server, account_id: str, case: str, calls: int) -> int:
    with tempfile.TemporaryDirectory() as directory:
        command = [
            *("valgrind", "--tool=callgrind", f"--callgrind-out-file={directory}/out"),
            *(sys.executable, "-m", "tests.benchmarks.instructions"),
            *(case, str(server.plain), str(server.tls), account_id, str(calls)),
        ]
        done = subprocess.run(
            command,
            env={**os.environ, "PYTHONHASHSEED": "0"},
            capture_output=True,
            encoding="utf-8",
            timeout=600,
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


def _page(who: str, called: Target, account_id: str, stack: ExitStack) -> Call:
    """Return a call that fetches a page of 100 transactions."""
    if who == "raw":
        path = f"accounts/{account_id}/transactions?per_page={PER_PAGE}"
        return raw(called._replace(name=path), stack)
    transactions = client(called, stack).transactions
    return lambda: transactions.list_for_account(account_id, per_page=PER_PAGE).next_params


_CASES = {
    STATUS: ("status", "http"),
    f"{STATUS}, TLS": ("status", "https"),
    ACCOUNTS: ("accounts", "http"),
    f"{ACCOUNTS}, TLS": ("accounts", "https"),
    "a page of 100 transactions": ("page", "http"),
}


def measure(run: Run) -> None:
    """Compare the instructions of a call."""
    if shutil.which("valgrind") is None:
        print("valgrind is not installed: no instructions are counted")
        return
    for case, (what, scheme) in _CASES.items():
        ours, theirs = (
            _count(run.server, run.site.account_id, f"{who}/{what}/{scheme}")
            for who in ("sdk", "raw")
        )
        ratio = ours / theirs
        print(f"{case}: {ours:,.0f} instructions, with http.client {theirs:,.0f}")
        run.figures.add(case, "http.client", "instructions", single(ratio))


if __name__ == "__main__":
    _child(*sys.argv[1:])
