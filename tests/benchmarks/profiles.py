"""Where the time of a call goes, function by function."""

from __future__ import annotations

import cProfile
import pstats
from contextlib import ExitStack
from typing import TYPE_CHECKING

from .peers import sdk
from .targets import target

if TYPE_CHECKING:
    from .runs import Run

_LINES = 30


def measure(run: Run) -> None:
    """Print the profiles of both calls; profiling inflates what is called often."""
    calls = run.calls * 50
    for name in ("status", "accounts"):
        with ExitStack() as stack:
            call = sdk(target(run.server, name), stack)
            call()
            profile = cProfile.Profile()
            profile.enable()
            for _ in range(calls):
                call()
            profile.disable()
        print(f"\n{name}, plain, {calls} calls:")
        pstats.Stats(profile).strip_dirs().sort_stats("tottime").print_stats(_LINES)
