"""Writes the figures into docs/architecture/performance.md, between the marks that are for them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from .figures import read_figures, versions_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .rounds import Spread

_PLACE = re.compile(r"(<!-- figures: ([a-z ]+) -->\n).*?(<!-- end of figures -->)", re.DOTALL)


def filled(page: str, runs: dict[str, Any]) -> str:
    """Return a page whose tables hold the figures of a file.

    A place names the sections whose figures belong there: `<!-- figures: walk threads -->`. At
    `runs` it is told how they were taken.
    """

    def table(place: re.Match[str]) -> str:
        if place[2] == "runs":
            written = _runs_table(runs)
        elif place[2] == "calls":
            written = "\n".join(_peer_table(runs, version) for version in versions_of(runs))
        else:
            written = _section_table(runs, place[2].split())
        return f"{place[1]}\n{written}\n{place[3]}"

    return _PLACE.sub(table, page)


def _runs_table(runs: dict[str, Any]) -> str:
    names = ("python", "date", "server", "system", "rounds")
    return _table(
        [name.capitalize() for name in names],
        [[str(runs[version][name]) for name in names] for version in versions_of(runs)],
    )


def _peer_table(runs: dict[str, Any], version: str) -> str:
    """Return a table of one version whose rows are the peers and whose columns are the calls."""
    figures = [figure for figure in read_figures(runs, version) if figure.section == "calls"]
    cells = {figure.name[1:]: _shown(figure.spread) for figure in figures}
    cases = list(dict.fromkeys(figure.case for figure in figures))
    rows = [
        [peer, unit, *(cells.get((case, peer, unit), "") for case in cases)]
        for unit in ("wall", "CPU")
        for peer in dict.fromkeys(figure.against for figure in figures)
    ]
    return _table([f"Python {version}, against", "", *cases], rows)


def _section_table(runs: dict[str, Any], sections: Sequence[str]) -> str:
    """Return a table with a row for each figure, and a column for each version."""
    versions = versions_of(runs)
    cells = {
        (version, figure.name): _shown(figure.spread)
        for version in versions
        for figure in read_figures(runs, version)
        if figure.section in sections
    }
    rows = [
        [
            case,
            against,
            unit,
            *(cells.get((version, (section, case, against, unit)), "") for version in versions),
        ]
        for section, case, against, unit in dict.fromkeys(name for _, name in cells)
    ]
    return _table(["What", "Against", "", *versions], rows)


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _shown(spread: Spread) -> str:
    digits = 2 if spread.high < 10 else 1 if spread.high < 100 else 0
    low, median, high = (f"{value:,.{digits}f}" for value in spread)
    return median if low == high else f"{median} ({low} to {high})"
