"""One call over a kept-alive connection: the SDK's cost as a share of each peer's."""

from __future__ import annotations

from contextlib import ExitStack
from importlib.util import find_spec
from typing import TYPE_CHECKING

from .libraries import LIBRARIES
from .peers import BY_HAND, sdk, sdk_logged
from .rounds import in_turns, repeated
from .targets import target

if TYPE_CHECKING:
    from .rounds import Cost
    from .runs import Run

STATUS, ACCOUNTS = "status()", "50 accounts"

LOGGED = "http.client (SDK with a log callback)"

_CASES = (
    (STATUS, "status", False, "/api"),
    (f"{STATUS}, TLS", "status", True, "/api"),
    (ACCOUNTS, "accounts", False, "/api"),
    (f"{ACCOUNTS}, TLS", "accounts", True, "/api"),
    (f"{ACCOUNTS}, gzip", "accounts", False, "/gzip"),
)


def missing_peers() -> list[str]:
    """Name the peers that are not installed."""
    return [name for name in LIBRARIES if find_spec(name) is None]


def measure(run: Run) -> None:
    """Compare what a call costs with what it costs with each peer."""
    missing = missing_peers()
    installed = {name: peer for name, peer in LIBRARIES.items() if name not in missing}
    peers = {**BY_HAND, **installed}
    for case, name, tls, base in _CASES:
        called = target(run.server, name, tls=tls, base=base)
        with ExitStack() as stack:
            contenders = {"sdk": sdk(called, stack), "sdk, logged": sdk_logged(called, stack)}
            for peer, connect in peers.items():
                contenders[peer] = connect(called, stack)
            costs = in_turns(
                {peer: repeated(call, run.calls) for peer, call in contenders.items()}, run.rounds
            )
        for peer in peers:
            run.figures.compare(case, peer, costs["sdk"], costs[peer])
        run.figures.compare(case, LOGGED, costs["sdk, logged"], costs["http.client"])
        _print_medians(costs)


def _print_medians(costs: dict[str, list[Cost]]) -> None:
    shown = []
    for name, taken in costs.items():
        middle = sorted(cost.cpu for cost in taken)[len(taken) // 2]
        shown.append(f"{name} {middle * 1e6:.0f}")
    print(f"  median client CPU in microseconds: {', '.join(shown)}")
