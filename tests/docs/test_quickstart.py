"""The first command of the README does what it says."""

from __future__ import annotations

import doctest
import os
import re
import subprocess
import sys

from tesote_sdk.sandbox import Sandbox

from .markdown import ROOT, blocks

_SCRIPT = "docs/examples/quickstart.py"


def test_without_a_key_it_shows_the_accounts_of_a_sandbox() -> None:
    shown = _quickstart()

    assert (shown.returncode, shown.stderr) == (0, "")
    assert "sandbox" in shown.stdout.splitlines()[0]
    lines = shown.stdout.splitlines()
    assert lines[-3:] == ["and 100 more", "", "120 accounts"]
    assert len(lines) < 30
    assert not [line for line in lines[2:] if len(line) > 100]


def test_the_readme_shows_what_it_prints() -> None:
    (pictured,) = (
        block.code
        for block in blocks(ROOT / "README.md")
        if (block.section, block.info) == ("Try it", "text")
    )
    # The dates count back from today.
    readme, now = (
        re.sub(r"\d{4}-\d\d-\d\d", "a date", text) for text in (pictured, _quickstart().stdout)
    )

    assert doctest.OutputChecker().check_output(readme, now, doctest.ELLIPSIS)


def test_with_a_key_it_asks_the_api() -> None:
    with Sandbox(accounts=3, balances=False) as sandbox:
        shown = _quickstart(TESOTE_SDK_API_KEY=sandbox.api_key, TESOTE_SDK_API_URL=sandbox.url)

    assert (shown.returncode, shown.stderr) == (0, "")
    heading, *rows, _, count = shown.stdout.splitlines()
    assert heading.split() == ["ACCOUNT", "NUMBER", "CURRENCY", "BALANCE", "AS", "OF"]
    assert ["not shown" in row for row in rows] == [True] * 3
    assert count == "3 accounts"


ODD = [
    {"id": "1", "name": "Banco\x1b[2J\x07\n" + "x" * 90, "data": None},
    {"id": "2", "name": None, "data": {"masked_account_number": 3109, "balance_cents": "x"}},
    {"id": "3", "data": {"currency": "JPY", "balance_cents": "123450"}},
    {"id": "4", "data": {"currency": "USD", "balance_cents": 5, "balance_data_current_as_of": 7}},
    {"id": "5", "data": {"currency": "VES", "balance_cents": "9" * 40}},
]


def test_whatever_a_server_says_is_shown_without_control_characters() -> None:
    with Sandbox(accounts=1) as sandbox:
        sandbox.fail(200, body={"total": 5, "accounts": ODD, "pagination": {"total_pages": 1}})
        shown = _quickstart(TESOTE_SDK_API_KEY=sandbox.api_key, TESOTE_SDK_API_URL=sandbox.url)

    assert (shown.returncode, shown.stderr) == (0, "")
    assert [line for line in shown.stdout.splitlines() if not line.isprintable()] == []
    _, first, second, third, fourth, fifth, _, count = shown.stdout.splitlines()
    assert first.startswith("Banco?[2J??xxx")
    assert len(first) < 100
    assert "x cents" in second
    assert "123450 cents" in third
    assert " 0.05 " in fourth
    assert fifth.count(",999") == 12
    assert count == "5 accounts"


def test_a_failure_is_one_line_that_does_not_hold_the_key() -> None:
    with Sandbox(accounts=1) as sandbox:
        shown = _quickstart(TESOTE_SDK_API_KEY="sk_unknown_key", TESOTE_SDK_API_URL=sandbox.url)

    assert shown.returncode == 1
    (line,) = shown.stderr.splitlines()
    assert line.startswith("quickstart: ")
    assert "sk_unknown_key" not in shown.stdout + shown.stderr


def test_each_command_of_the_readme_is_one_line_that_begins_with_an_environment() -> None:
    commands = [
        line
        for block in blocks(ROOT / "README.md")
        if block.info == "sh"
        for line in block.code.splitlines()
        if "venv" in line
    ]

    run, test = commands
    assert run.startswith("python3 -m venv .venv && ")
    assert run.endswith(f"&& .venv/bin/python {_SCRIPT}")
    assert test.startswith("python3 -m venv .venv && ")
    assert test.endswith("&& .venv/bin/python -m tests")


def _quickstart(**environment: str) -> subprocess.CompletedProcess[str]:
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("TESOTE_") and "proxy" not in name.lower()
    }
    return subprocess.run(
        [sys.executable, "-W", "error", str(ROOT / _SCRIPT)],
        env={
            **kept,
            "PYTHONPATH": str(ROOT / "src"),
            "PYTHONIOENCODING": "utf-8",
            "PYTHONDONTWRITEBYTECODE": "1",
            **environment,
        },
        capture_output=True,
        encoding="utf-8",
        check=False,
        timeout=60,
    )
