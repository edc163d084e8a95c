"""Runs the packed program against a sandbox, and copies the SDK from where it is installed."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import tesote_sdk
from tests.ecosystem.support import SandboxProcess, check

if TYPE_CHECKING:
    from collections.abc import Sequence

PROGRAM = Path(__file__).with_name("program.py")
PRINTED = ascii(["ok", "5", "ACCOUNT_NOT_FOUND", "Harina de maíz"])


def copy_sdk(to: Path) -> Path:
    """Copy the installed package into a folder, and return the folder."""
    source = Path(tesote_sdk.__file__).parent
    shutil.copytree(source, to / "tesote_sdk", ignore=shutil.ignore_patterns("__pycache__"))
    return to


def run_packed(
    command: Sequence[str | Path], *, environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run the packed program, and return how it ended.

    It finds no module but those that it brings along.

    Raises:
        Fault: It does not print what it should.
    """
    with SandboxProcess(accounts=5, transactions=3):
        inherited = {name: each for name, each in os.environ.items() if name != "PYTHONPATH"}
        run = subprocess.run(
            [str(word) for word in command],
            timeout=1800,
            env={**inherited, **(environment or {})},
            cwd="/",
            capture_output=True,
            encoding="utf-8",
            errors="replace",
        )
    problem = " / ".join(run.stderr.strip().splitlines()[-3:])
    check(run.returncode == 0 and run.stdout.strip() == PRINTED, f"{run.stdout.strip()} {problem}")
    return run


def build(command: Sequence[str | Path], folder: Path) -> None:
    """Run a packer in a folder.

    Raises:
        Fault: It fails.
    """
    run = subprocess.run(
        [str(word) for word in command],
        timeout=1800,
        cwd=folder,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
    )
    check(run.returncode == 0, f"the packer failed: {(run.stdout + run.stderr)[-600:]}")
