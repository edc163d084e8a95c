"""One call over a kept-alive connection: the SDK's cost as a share of each peer's."""

from __future__ import annotations

from contextlib import ExitStack
from importlib.util import find_spec
from typing import TYPE_CHECKING

from .peers import PEERS, sdk, sdk_logged, target
from .rounds import in_turns, ratios, repeated

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .rounds import Cost
    from .servers import Server

_CASES = (
    ("status, plain", "status", False, "/api"),
    ("status, TLS", "status", True, "/api"),
    ("50 accounts, plain", "accounts", False, "/api"),
    ("50 accounts, TLS", "accounts", True, "/api"),
    ("50 accounts, gzip, plain", "accounts", False, "/gzip"),
)


def missing_peers() -> list[str]:
    """Name the peers that are not installed."""
    return [name for name in PEERS if find_spec(name) is None]


def measure(server: Server, rounds: int, calls: int, peers: Sequence[str]) -> None:
    """Print, for each case, what a call costs against what it costs with each peer."""
    print(f"\n{'case':26}{'against':22}{'wall':30}{'client CPU':30}")
    for label, name, tls, base in _CASES:
        called = target(server, name, tls=tls, base=base)
        with ExitStack() as stack:
            contenders = {"sdk": sdk(called, stack), "sdk, logged": sdk_logged(called, stack)}
            for peer in peers:
                contenders[peer] = PEERS[peer](called, stack)
            costs = in_turns(
                {peer: repeated(call, calls) for peer, call in contenders.items()}, rounds
            )
        for peer in peers:
            compared = ratios(costs["sdk"], costs[peer])
            print(f"{label:26}{peer:22}{compared.wall!s:30}{compared.cpu!s:30}")
        compared = ratios(costs["sdk, logged"], costs["http.client"])
        peer = "http.client (logged)"
        print(f"{label:26}{peer:22}{compared.wall!s:30}{compared.cpu!s:30}")
        _print_medians(costs)


def _print_medians(costs: dict[str, list[Cost]]) -> None:
    shown = []
    for name, taken in costs.items():
        middle = sorted(cost.cpu for cost in taken)[len(taken) // 2]
        shown.append(f"{name} {middle * 1e6:.0f}")
    print(f"  median client CPU in microseconds: {', '.join(shown)}")
