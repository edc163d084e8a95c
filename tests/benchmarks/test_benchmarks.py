"""The benchmarks run from end to end: no figure is judged here, for a busy machine has its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import __main__ as benchmarks
from . import footprint, processes

if TYPE_CHECKING:
    import pytest


def test_every_section_prints_its_figures(capfd: pytest.CaptureFixture[str]) -> None:
    benchmarks.main(["--rounds", "1", "--calls", "1", "--pages", "12"], nginx=False)
    printed, errors = capfd.readouterr()
    assert errors == ""
    expected = ["items a second", "50 accounts, TLS", "first answer, TLS", "8 threads", "read_head"]
    assert [text for text in expected if text not in printed] == []


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
