"""What an idle connection costs: Python's memory for each, and whether many slow a call down."""

from __future__ import annotations

import gc
from contextlib import ExitStack
from typing import TYPE_CHECKING
from unittest import mock

from tesote_sdk.transport import connections

from .memory import traced
from .peers import client
from .rounds import in_turns, repeated, single
from .targets import target

if TYPE_CHECKING:
    from tesote_sdk import V2Client

    from .runs import Run


def measure(run: Run) -> None:
    """Show the bytes of an idle connection, and the cost of a call beside many of them."""
    with mock.patch.object(connections, "MAX_IDLE", run.most):
        for tls in (False, True):
            kind = "TLS" if tls else "plain"
            for size in run.sizes():
                held = _bytes_each(run, size, tls=tls)
                run.figures.add(f"an idle connection of {size}, {kind}", "", "bytes", single(held))
        _measure_calls(run)


def _measure_calls(run: Run) -> None:
    sizes = [1, *run.sizes()]
    called = target(run.server, "status")
    with ExitStack() as stack:
        clients = {size: client(called, stack) for size in sizes}
        measures = {}
        for size, made in clients.items():
            _open_idle(made, size)
            measures[str(size)] = repeated(made.status, run.calls)
        costs = in_turns(measures, run.rounds)
    for size in sizes[1:]:
        run.figures.compare(
            f"a call beside {size} idle connections", "beside none", costs[str(size)], costs["1"]
        )


def _bytes_each(run: Run, size: int, *, tls: bool) -> float:
    """Return what Python has allocated for each of some idle connections; not what OpenSSL has."""
    with ExitStack() as stack:
        made = client(target(run.server, "status", tls=tls), stack)
        _open_idle(made, 1)
        gc.collect()
        with traced() as allocated:
            before = allocated()
            _open_idle(made, size)
            gc.collect()
            return (allocated() - before) / size


def _open_idle(made: V2Client, number: int) -> None:
    """Open that many further connections; the pool would use the one that it has."""
    idle = made._transport._opened().pool._idle
    kept = []
    for _ in range(number):
        kept += idle
        idle.clear()
        made.status()
    idle += kept
