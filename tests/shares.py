"""Which test file belongs to which share of the suite; `python -m tests` runs all shares at once.

A file is never divided, so that nothing is set up twice. Every process comes to the same division
by itself, from the names and the sizes of all files.
"""

from __future__ import annotations

import functools
from pathlib import Path

TESTS = Path(__file__).parent

HEAVY: dict[str, float] = {}
"""Seconds of the files that take longest, as one machine had them: only the balance needs them."""


@functools.cache
def shares_of(count: int) -> dict[Path, int]:
    """Divide the files of the suite into `count` shares, from 1, that take about as long."""
    costs = {path: _cost(path) for path in sorted(TESTS.rglob("test_*.py"))}
    loads = [0.0] * count
    shares = {}
    # The longest first: what comes last is small enough to even out what came before.
    for path in sorted(costs, key=costs.__getitem__, reverse=True):
        lightest = loads.index(min(loads))
        loads[lightest] += costs[path]
        shares[path] = lightest + 1
    return shares


def is_mine(path: Path, share: str) -> bool:
    """Tell whether a file belongs to a share, such as "1/2"; what is not of the suite does not.

    Raises:
        ValueError: There is no such share.
    """
    number, _, count = (int(part) if part.isdecimal() else -1 for part in share.partition("/"))
    if not 1 <= number <= count:
        raise ValueError(f"a share is one such as 1/2, not {share!r}")
    return shares_of(count).get(path) == number


def _cost(path: Path) -> float:
    name = path.relative_to(TESTS).as_posix()
    return HEAVY.get(name, 0.1 + path.stat().st_size / 30_000)
