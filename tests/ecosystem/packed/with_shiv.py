# needs: shiv
"""shiv's archive runs the SDK."""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

from tests.ecosystem.packed.running import PROGRAM, build, copy_sdk, run_packed
from tests.ecosystem.support import tell


def prove() -> str:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        packages = copy_sdk(folder / "packages")
        shutil.copy(PROGRAM, packages / "program.py")
        archive = folder / "program.pyz"
        command = [sys.executable, "-m", "shiv", "--site-packages", packages, "-o", archive]
        build([*map(str, command), "-e", "program:main"], folder)
        environment = {"SHIV_ROOT": str(folder / "unpacked")}
        run_packed([sys.executable, "-I", "-S", archive], environment=environment)
    return "an archive that unpacks itself and calls both versions of the API"


if __name__ == "__main__":
    tell(prove)
