"""Measuring several things in turns, so that what disturbs one disturbs the others too."""

from __future__ import annotations

import gc
import statistics
import time
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Callable


class Cost(NamedTuple):
    """What one call took, in seconds: of the clock, and of this process's CPU."""

    wall: float
    cpu: float


class Spread(NamedTuple):
    """A median, and the quartiles around it."""

    low: float
    median: float
    high: float

    def __str__(self) -> str:
        quartiles = "" if self.low == self.high else f" ({self.low:.3f} to {self.high:.3f})"
        return f"{self.median:.3f}{quartiles}"


def single(value: float) -> Spread:
    """Return the spread of what was measured once."""
    return Spread(value, value, value)


def spread(values: Sequence[float]) -> Spread:
    """Return the median and the quartiles of some values."""
    if len(values) < 2:
        return single(values[0])
    return Spread(*statistics.quantiles(values, n=4, method="inclusive"))


class Ratios(NamedTuple):
    """How one thing's costs compare with another's, round by round."""

    wall: Spread
    cpu: Spread


def ratios(ours: Sequence[Cost], theirs: Sequence[Cost]) -> Ratios:
    """Divide the costs that were measured in the same round."""
    pairs = list(zip(ours, theirs))
    return Ratios(
        spread([one.wall / other.wall for one, other in pairs]),
        spread([one.cpu / other.cpu for one, other in pairs]),
    )


def in_turns(measures: Mapping[str, Callable[[], Cost]], rounds: int) -> dict[str, list[Cost]]:
    """Take every measure once a round, in an order that is reversed from round to round."""
    costs: dict[str, list[Cost]] = {name: [] for name in measures}
    names = list(measures)
    for _ in range(rounds):
        for name in names:
            costs[name].append(measures[name]())
        names.reverse()
    return costs


def repeated(call: Callable[[], object], times: int) -> Callable[[], Cost]:
    """Return a measure of one call: the mean of many in a row."""
    call()

    def measure() -> Cost:
        gc.collect()
        wall, cpu = time.perf_counter(), time.process_time()
        for _ in range(times):
            call()
        cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
        return Cost(wall / times, cpu / times)

    return measure
