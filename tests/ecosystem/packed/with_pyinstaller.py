# needs: pyinstaller
# limit: 180
"""PyInstaller finds all that the SDK imports."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from tests.ecosystem.packed.running import PROGRAM, build, run_packed
from tests.ecosystem.support import tell


def prove() -> str:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        command = [sys.executable, "-m", "PyInstaller", "--onefile", "--log-level", "ERROR"]
        build([*command, PROGRAM], folder)
        run_packed([folder / "dist" / "program"])
    return "one file, which calls both versions of the API"


if __name__ == "__main__":
    tell(prove)
