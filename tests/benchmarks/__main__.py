"""Measure the SDK against its peers, all in one run.

    python -m tests.benchmarks [--rounds N] [--calls N] [--pages N] [section ...]

docs/architecture/performance.md says how to read the figures.
"""

from __future__ import annotations

import argparse
import platform
import tempfile
from pathlib import Path

from . import calls, profiles, startup, threads, walk
from .peers import PEERS
from .servers import serve
from .site import write_site

_SECTIONS = ("calls", "startup", "walk", "threads", "profile")


def main(arguments: list[str] | None = None, *, nginx: bool = True) -> None:
    """Run the sections that are named, or all of them."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks")
    parser.add_argument("sections", nargs="*", metavar="section", help=", ".join(_SECTIONS))
    parser.add_argument("--rounds", type=int, default=50, help="rounds of one section (50)")
    parser.add_argument("--calls", type=int, default=40, help="calls a round and thread (40)")
    parser.add_argument("--pages", type=int, default=2000, help="pages of the walk (2000)")
    options = parser.parse_args(arguments)
    sections = options.sections or _SECTIONS
    unknown = set(sections) - set(_SECTIONS)
    if unknown:
        parser.error(f"no such section: {', '.join(sorted(unknown))}")
    with tempfile.TemporaryDirectory() as directory:
        site = write_site(Path(directory), options.pages if "walk" in sections else 1)
        with serve(site, nginx=nginx) as server:
            missing = calls.missing_peers()
            print(
                f"Python {platform.python_version()}, {server.name}, {options.rounds} rounds; "
                f"not installed and skipped: {', '.join(missing) or 'none'}"
            )
            print("ratios of the SDK to the peer: median (quartiles)")
            if "calls" in sections:
                present = [name for name in PEERS if name not in missing]
                calls.measure(server, options.rounds, options.calls, present)
            if "startup" in sections:
                startup.measure(server, site, options.rounds)
            if "walk" in sections:
                walk.measure(server, site, max(1, options.rounds // 10))
            if "threads" in sections:
                threads.measure(server, options.rounds, options.calls)
            if "profile" in sections:
                profiles.measure(server, options.calls * 50)


if __name__ == "__main__":
    main()
