"""Many threads on one client, against as many with a connection of http.client each."""

from __future__ import annotations

import gc
import threading
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING

from .peers import raw, sdk, target
from .rounds import Cost, in_turns, ratios

if TYPE_CHECKING:
    from typing import Callable

    from .servers import Server

_THREADS = 8


def measure(server: Server, rounds: int, calls: int) -> None:
    """Print what sharing a client costs."""
    print(f"\n{_THREADS} threads, a call each:     wall                          client CPU")
    for name in ("status", "accounts"):
        called = target(server, name, tls=False)
        with ExitStack() as stack:
            shared = sdk(called, stack)
            own = [sdk(called, stack) for _ in range(_THREADS)]
            raws = [raw(called, stack) for _ in range(_THREADS)]
            costs = in_turns(
                {
                    "one client": _threaded([shared] * _THREADS, calls),
                    "own clients": _threaded(own, calls),
                    "http.client": _threaded(raws, calls),
                    "one thread": _threaded([shared], calls),
                },
                rounds,
            )
        for peer, against in (
            ("http.client", "http.client, a connection a thread"),
            ("own clients", "a client of its own for each thread"),
            ("one thread", "the same client in one thread"),
        ):
            compared = ratios(costs["one client"], costs[peer])
            print(f"  {name:10}{compared.wall!s:30}{compared.cpu!s:30}{against}")


def _threaded(contenders: list[Callable[[], object]], calls: int) -> Callable[[], Cost]:
    """Return a measure of one call where each of some calls is repeated in its own thread."""
    for call in contenders:
        call()
    made = len(contenders) * calls

    def repeat(call: Callable[[], object]) -> None:
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
