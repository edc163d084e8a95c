"""The benchmarks run from end to end: no figure is judged here, for a busy machine has its own."""

from __future__ import annotations

import shutil

import pytest

from . import __main__ as benchmarks


@pytest.mark.parametrize("nginx", [False, True])
def test_every_section_prints_its_figures(
    capfd: pytest.CaptureFixture[str], *, nginx: bool
) -> None:
    if nginx and not shutil.which("nginx"):
        pytest.skip("nginx is not installed")
    sections = ["walk"] if nginx else ["calls", "startup", "walk", "threads", "profile"]
    benchmarks.main(["--rounds", "1", "--calls", "1", "--pages", "20", *sections], nginx=nginx)
    printed, errors = capfd.readouterr()
    assert errors == ""
    expected = ["items a second"]
    if "startup" in sections:
        expected += ["50 accounts, TLS", "first answer, TLS", "8 threads", "read_head"]
    assert [text for text in expected if text not in printed] == []
