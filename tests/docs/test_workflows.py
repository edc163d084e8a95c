"""The workflows keep the habits that nobody would notice them losing."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tesote_sdk import __version__

from .markdown import ROOT

if TYPE_CHECKING:
    from pathlib import Path

_WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


@pytest.mark.parametrize("workflow", _WORKFLOWS, ids=lambda path: path.name)
def test_each_action_is_pinned_by_its_commit_and_names_its_version(workflow: Path) -> None:
    lines = workflow.read_text(encoding="utf-8").splitlines()
    used = [line.split("uses:")[1].strip() for line in lines if "uses:" in line]

    assert used
    for action in used:
        assert re.fullmatch(r"\./\S+|[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", action)


def test_the_tests_run_on_each_python_that_the_package_names() -> None:
    named = re.findall(
        r"Programming Language :: Python :: (3\.\d+)",
        (ROOT / "pyproject.toml").read_text(encoding="utf-8"),
    )
    matrix = re.search(
        r"^ +python: \[(.*)\]$",
        (ROOT / ".github" / "workflows" / "tests.yml").read_text(encoding="utf-8"),
        re.MULTILINE,
    )

    assert matrix
    assert re.findall(r'"(3\.\d+)"', matrix[1]) == named


def test_the_whole_suite_runs_on_every_system() -> None:
    """What cannot run on one of them skips itself, and says why."""
    workflow = (ROOT / ".github" / "workflows" / "tests.yml").read_text(encoding="utf-8")

    assert "os: [ubuntu-latest, macos-latest, windows-latest]" in workflow
    assert re.findall(r"run: python -m pytest.*", workflow) == ["run: python -m pytest"]
    assert "runner.os" not in workflow


def test_the_changelog_has_the_version_or_what_will_be_in_it() -> None:
    """The release workflow refuses a version that has no heading of its own."""
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    versions = re.findall(r"^## \[(.+?)\]", changelog, re.MULTILINE)
    unreleased = changelog.partition("## [Unreleased]")[2].partition("\n## [")[0]

    assert versions[0] == "Unreleased"
    assert versions[1] == __version__ or "\n- " in unreleased
    for version in versions:
        assert f"\n[{version}]: https://github.com/tesote/sdk-python/" in changelog
