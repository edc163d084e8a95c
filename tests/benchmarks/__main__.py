"""Measure the SDK against its peers, all in one run.

    python -m tests.benchmarks [--rounds N] [--calls N] [--pages N] [--json FILE] [section ...]

docs/architecture/performance.md says how to read the figures.
"""

from __future__ import annotations

import argparse
import platform
import tempfile
from pathlib import Path

from . import (
    calls,
    idle,
    instructions,
    orders,
    profiles,
    sandboxes,
    startup,
    steps,
    threads,
    walk,
)
from .figures import Figures
from .runs import Run
from .servers import serve
from .site import write_site

SECTIONS = {
    "calls": calls.measure,
    "orders": orders.measure,
    "startup": startup.measure,
    "walk": walk.measure,
    "threads": threads.measure,
    "idle": idle.measure,
    "sandbox": sandboxes.measure,
    "instructions": instructions.measure,
    "steps": steps.measure,
    "profile": profiles.measure,
}


def main(arguments: list[str] | None = None, *, nginx: bool = True) -> None:
    """Run the sections that are named, or all of them."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks")
    parser.add_argument("sections", nargs="*", metavar="section", help=", ".join(SECTIONS))
    parser.add_argument("--rounds", type=int, default=50, help="rounds of one section (50)")
    parser.add_argument("--calls", type=int, default=40, help="calls a round and thread (40)")
    parser.add_argument("--pages", type=int, default=2000, help="pages of the walk (2000)")
    parser.add_argument(
        "--most", type=int, default=1000, help="the largest number that growth is shown at (1000)"
    )
    parser.add_argument("--json", type=Path, help="a file that the figures are written in, too")
    options = parser.parse_args(arguments)
    sections = options.sections or list(SECTIONS)
    unknown = set(sections) - set(SECTIONS)
    if unknown:
        parser.error(f"no such section: {', '.join(sorted(unknown))}")
    with tempfile.TemporaryDirectory() as directory:
        site = write_site(Path(directory), options.pages if "walk" in sections else 1)
        with serve(site, nginx=nginx) as server:
            print(
                f"Python {platform.python_version()}, {server.name}, {options.rounds} rounds; "
                f"not installed and skipped: {', '.join(calls.missing_peers()) or 'none'}"
            )
            print("ratios of the SDK to what it is compared with: median (quartiles)\n")
            figures = Figures(server.name, options.rounds)
            run = Run(server, site, figures, options.rounds, options.calls, options.most)
            for section in sections:
                figures.begin(section)
                SECTIONS[section](run)
    if options.json:
        figures.write(options.json)


if __name__ == "__main__":
    main()
