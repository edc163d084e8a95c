"""The clients and the types as `mypy --strict` sees them in users' programs."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest

import tesote_sdk
from tesote_sdk import V1Client, V2Client
from tests.typing.programs import CALLER, READER
from tests.v1.endpoint_table import public_methods
from tests.v1.harness import connected

MARK = re.compile(r"  # ([ER]): (.+)$")
# how older releases of mypy write `X | None`
OPTIONAL = re.compile(r"^Union\[(.+), None\]$")

Diagnostics = dict[str, list[tuple[int, str]]]


@pytest.fixture(scope="module")
def diagnostics(tmp_path_factory: pytest.TempPathFactory) -> Diagnostics:
    """What one run of mypy says about each program: numbers of lines, and texts."""
    pytest.importorskip("mypy", reason="mypy is not installed: it has no build for every Python")
    folder = tmp_path_factory.mktemp("programs")
    for name, program in (("reader", READER), ("caller", CALLER)):
        (folder / f"{name}.py").write_text(program, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MYPYPATH", str(Path(tesote_sdk.__path__[0]).parent))
        done = subprocess.run(
            [
                *(sys.executable, "-m", "mypy", "--strict", "--no-error-summary"),
                *("--no-color-output", "--hide-error-context", "--config-file", ""),
                *("--cache-dir", "cache", "--follow-imports", "silent", "reader.py", "caller.py"),
            ],
            cwd=folder,
            # It reads its own files in whatever encoding, and is not what is tested.
            env={**os.environ, "PYTHONWARNDEFAULTENCODING": ""},
            capture_output=True,
            encoding="utf-8",
            timeout=300,
            check=False,
        )
    assert done.stderr == ""
    said: Diagnostics = defaultdict(list)
    for line in done.stdout.splitlines():
        name, number, text = line.split(":", 2)
        said[name].append((int(number), text.strip()))
    return said


def _summary(diagnostic: str) -> str | None:
    """What a diagnostic of mypy comes down to: "E: code", "R: type", or None for a mere hint."""
    revealed = re.fullmatch(r'note: Revealed type is "(.+)"', diagnostic)
    if revealed:
        kind = re.sub(r"builtins\.|typing\.", "", revealed[1])
        return "R: " + OPTIONAL.sub(r"\1 | None", kind)
    refused = re.fullmatch(r"error: .* \[([a-z-]+)\]", diagnostic)
    return f"E: {refused[1]}" if refused else None


def test_a_program_that_reads_the_types_is_checked(diagnostics: Diagnostics) -> None:
    expected = {
        (number, f"{mark[1]}: {mark[2]}")
        for number, line in enumerate(READER.splitlines(), 1)
        if (mark := MARK.search(line))
    }
    found = ((number, _summary(text)) for number, text in diagnostics["reader.py"])
    assert {each for each in found if each[1]} == expected


def test_a_program_that_calls_the_clients_is_checked(diagnostics: Diagnostics) -> None:
    said: dict[int, str] = {}
    for number, text in diagnostics["caller.py"]:
        if text.startswith("error: "):
            said[number] = said.get(number, "") + text
    expected = {
        number: mark[2]
        for number, line in enumerate(CALLER.splitlines(), 1)
        if (mark := MARK.search(line))
    }
    assert {number: text for number, text in said.items() if number not in expected} == {}
    assert [text for number, text in expected.items() if text not in said.get(number, "")] == []


def test_the_program_calls_every_public_method() -> None:
    for name, kind in (("v1", V1Client), ("v2", V2Client)):
        with connected(kind, "http://127.0.0.1:9") as client:
            called = {call for call in public_methods(client) if f"{name}.{call}(" in CALLER}
            assert called == public_methods(client)
