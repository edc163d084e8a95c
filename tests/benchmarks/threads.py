"""Many threads on one client, against as many with a connection of http.client each."""

from __future__ import annotations

import gc
import threading
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING

from .calls import ACCOUNTS, STATUS
from .peers import raw, sdk
from .rounds import Cost, in_turns
from .targets import target

if TYPE_CHECKING:
    from typing import Callable

    from .runs import Run
    from .targets import Call

_CASES = {STATUS: "status", ACCOUNTS: "accounts"}
_THREADS = (8, 32)
_MOST = 100
"""A thousand threads would measure the system's scheduler."""


def measure(run: Run) -> None:
    """Compare what sharing a client costs, and show how that grows with the threads."""
    for case, name in _CASES.items():
        called = target(run.server, name)
        for number in _THREADS:
            with ExitStack() as stack:
                shared = sdk(called, stack)
                contenders = {
                    "one client": [shared] * number,
                    "http.client": [raw(called, stack) for _ in range(number)],
                    "own clients": [sdk(called, stack) for _ in range(number)],
                }
                costs = in_turns(
                    {name: _threaded(calls, run.calls) for name, calls in contenders.items()},
                    run.rounds,
                )
            title = f"{case}, {number} threads"
            run.figures.compare(
                title, "http.client, one a thread", costs["one client"], costs["http.client"]
            )
            run.figures.compare(
                title, "a client a thread", costs["one client"], costs["own clients"]
            )
    _measure_growth(run)


def _measure_growth(run: Run) -> None:
    sizes = [size for size in run.sizes() if size <= _MOST]
    with ExitStack() as stack:
        shared = sdk(target(run.server, "status"), stack)
        costs = in_turns(
            {str(size): _threaded([shared] * size, run.calls) for size in sizes}, run.rounds
        )
    for size in sizes[1:]:
        run.figures.compare(
            f"a call, {size} threads", f"a call, {sizes[0]} threads", costs[str(size)], costs["10"]
        )


def _threaded(contenders: list[Call], calls: int) -> Callable[[], Cost]:
    """Return a measure of one call where each of some calls is repeated in its own thread."""
    for call in contenders:
        call()
    made = len(contenders) * calls

    def repeat(call: Call) -> None:
        for _ in range(calls):
            call()

    def measure() -> Cost:
        gc.collect()
        threads = [threading.Thread(target=repeat, args=(call,)) for call in contenders]
        wall, cpu = time.perf_counter(), time.process_time()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
        return Cost(wall / made, cpu / made)

    return measure
