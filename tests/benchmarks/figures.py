"""The figures of a run: shown as they come, and kept in one file for several versions of Python."""

from __future__ import annotations

import json
import os
import platform
import time
from typing import TYPE_CHECKING, Any, NamedTuple

from .rounds import Spread, ratios

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from .rounds import Cost


class Figure(NamedTuple):
    """One thing that was measured.

    Attributes:
        section: The section of the benchmarks that measures it.
        case: What was done.
        against: What it is divided by; empty where it is no ratio.
        unit: `wall`, `CPU` or `instructions` of a ratio; of anything else its unit.
        spread: The median and the quartiles.
    """

    section: str
    case: str
    against: str
    unit: str
    spread: Spread

    @property
    def name(self) -> tuple[str, str, str, str]:
        """What it is a figure of."""
        return self.section, self.case, self.against, self.unit


class Figures:
    """Collects the figures of one run, and prints each of them."""

    def __init__(self, server: str, rounds: int) -> None:
        self._server = server
        self._rounds = rounds
        self._section = ""
        self._taken: list[Figure] = []

    def begin(self, section: str) -> None:
        """Take the next figures for a section's."""
        self._section = section

    def add(self, case: str, against: str, unit: str, spread: Spread) -> None:
        """Take a figure, and print it."""
        self._taken.append(Figure(self._section, case, against, unit, spread))
        print(f"{case:44}{against:34}{unit:16}{spread}", flush=True)

    def compare(
        self, case: str, against: str, ours: Sequence[Cost], theirs: Sequence[Cost]
    ) -> None:
        """Take the ratios of what one thing cost, round by round, to what another did."""
        compared = ratios(ours, theirs)
        self.add(case, against, "wall", compared.wall)
        self.add(case, against, "CPU", compared.cpu)

    def write(self, path: Path) -> None:
        """Write the figures in a file, beside those of other versions of Python.

        A figure takes the place of an earlier one of the same thing. One that this run did not
        take stays.
        """
        runs: dict[str, Any] = json.loads(path.read_text("utf-8")) if path.exists() else {}
        version = ".".join(platform.python_version_tuple()[:2])
        kept = {figure.name: figure for figure in read_figures(runs, version)}
        kept.update({figure.name: figure for figure in self._taken})
        runs[version] = {
            "python": platform.python_version(),
            "server": self._server,
            "system": f"{platform.system()} {platform.machine()}, {os.cpu_count()} processors",
            "date": time.strftime("%Y-%m-%d"),
            "rounds": self._rounds,
            "figures": [
                [*figure.name, [round(value, 4) for value in figure.spread]]
                for figure in kept.values()
            ],
        }
        path.write_text(_written(runs), "utf-8")


def read_figures(runs: dict[str, Any], version: str) -> list[Figure]:
    """Return the figures of one version of Python out of a file's content."""
    figures = runs.get(version, {}).get("figures", [])
    return [
        Figure(section, case, against, unit, Spread(*spread))
        for section, case, against, unit, spread in figures
    ]


def versions_of(runs: dict[str, Any]) -> list[str]:
    """Return the versions of Python that figures were taken with, the oldest first."""
    return sorted(runs, key=lambda version: [*map(int, version.split("."))])


def _written(runs: dict[str, Any]) -> str:
    """Return JSON with a figure a line, so that a renewed one is a line of the difference."""
    versions = []
    for version in versions_of(runs):
        run = dict(runs[version])
        figures = ",\n".join(f"      {json.dumps(figure)}" for figure in run.pop("figures"))
        about = "".join(
            f"    {json.dumps(name)}: {json.dumps(value)},\n" for name, value in run.items()
        )
        versions.append(f'  "{version}": {{\n{about}    "figures": [\n{figures}\n    ]\n  }}')
    return "{\n" + ",\n".join(versions) + "\n}\n"
