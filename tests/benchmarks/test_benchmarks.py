"""The benchmarks run from end to end: no figure is judged here, for a busy machine has its own."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from . import __main__ as benchmarks
from . import footprint, processes
from .chart import draw
from .figures import Figures, read_figures
from .publish import made
from .rounds import Spread, single

if TYPE_CHECKING:
    from pathlib import Path


def test_every_section_takes_its_figures(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    pytest.importorskip("tracemalloc", reason="PyPy cannot tell what memory is used")
    small = ["--rounds", "1", "--calls", "1", "--pages", "12", "--most", "10"]
    # Valgrind takes minutes.
    sections = [name for name in benchmarks.SECTIONS if name != "instructions"]
    written = tmp_path / "figures.json"
    benchmarks.main([*small, "--json", str(written), *sections], nginx=False)
    printed, errors = capfd.readouterr()
    assert errors == ""
    (run,) = json.loads(written.read_text("utf-8")).values()
    assert {section for section, *_ in run["figures"]} == {*sections} - {"profile"}
    assert "read_head" in printed, "the profile names the functions of a call"


def test_a_run_renews_its_own_figures_and_keeps_the_others(tmp_path: Path) -> None:
    path = tmp_path / "figures.json"
    path.write_text('{"3.1": {"figures": [["calls", "a", "b", "wall", [1, 2, 3]]]}}', "utf-8")
    for section, value in (("walk", 1.0), ("calls", 2.0), ("calls", 0.5)):
        figures = Figures("a server", 1)
        figures.begin(section)
        figures.add("status()", "http.client", "wall", single(value))
        figures.write(path)
    runs = json.loads(path.read_text("utf-8"))
    old, new = runs
    assert old == "3.1"
    assert [figure.spread for figure in read_figures(runs, old)] == [Spread(1, 2, 3)]
    assert [figure.spread[1] for figure in read_figures(runs, new)] == [1.0, 0.5]


def test_the_chart_shows_how_many_times_longer_each_peer_takes() -> None:
    figures = [
        ["calls", case, peer, "wall", [0.2, 0.25, 0.5]]
        for case in ("status()", "50 accounts")
        for peer in ("pycurl", "requests")
    ]
    about = {"python": "3.13.0", "server": "nginx", "date": "2026-03-02", "rounds": 5}
    chart = draw({"3.9": {}, "3.13": {**about, "figures": figures}})
    assert chart.count(">4.00</text>") == 4
    assert all(f">{name}</text>" in chart for name in ("pycurl", "requests", "tesote-sdk"))
    assert "Python 3.13.0, nginx" in chart


def test_the_published_chart_and_tables_are_those_of_the_published_figures() -> None:
    different = [path.name for path, text in made().items() if path.read_text("utf-8") != text]
    assert different == [], "run python -m tests.benchmarks.publish"


def test_the_footprint_is_counted(capfd: pytest.CaptureFixture[str]) -> None:
    footprint.main()
    printed, errors = capfd.readouterr()
    assert errors == ""
    expected = ["accounts.list(): ", "standard library: ", "longest file: ", "longest function: "]
    assert [text for text in expected if text not in printed] == []
    assert "accounts.list(): 0 calls" not in printed


def test_processes_that_share_a_limit_are_measured(capfd: pytest.CaptureFixture[str]) -> None:
    processes.main(["2", "--seconds", "0.3", "--window", "0.1", "--reset", "millis"])
    printed, errors = capfd.readouterr()
    assert errors == ""
    header, row = printed.splitlines()
    assert len(header.split()) > 5
    assert row.split()[0] == "2"
