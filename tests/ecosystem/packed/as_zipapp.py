# needs:
"""The SDK runs out of an archive: zipapp, and the layer that AWS Lambda unpacks."""

from __future__ import annotations

import shutil
import sys
import tempfile
import zipapp
from pathlib import Path

from tests.ecosystem.packed.running import PROGRAM, copy_sdk, run_packed
from tests.ecosystem.support import tell


def prove() -> str:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        application = copy_sdk(folder / "application")
        shutil.copy(PROGRAM, application / "__main__.py")
        zipapp.create_archive(application, folder / "program.pyz")
        # -S and -I: no site-packages and no environment help out.
        run_packed([sys.executable, "-I", "-S", folder / "program.pyz"])
        layer = copy_sdk(folder / "layer" / "python")
        start = f"import sys; sys.path.append({str(layer)!r}); sys.path.append({str(folder)!r})"
        shutil.copy(PROGRAM, folder / "handler.py")
        code = f"{start}; import handler; handler.main()"
        run_packed([sys.executable, "-I", "-S", "-c", code])
    return "an archive, and a Lambda layer with a handler, each without site-packages"


if __name__ == "__main__":
    tell(prove)
