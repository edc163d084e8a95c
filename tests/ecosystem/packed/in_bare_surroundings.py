# needs:
"""-OO, -I, the C locale, warnings as errors, no home, and a disk that cannot be written to."""

from __future__ import annotations

import sys
from functools import partial
from typing import TYPE_CHECKING

from tests.ecosystem.packed.running import PROGRAM, run_packed
from tests.ecosystem.support import check, check_each, tell

if TYPE_CHECKING:
    from collections.abc import Callable

PLAIN = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
WATCHED = """
import os, runpy, sys

def hook(event, arguments):
    if event == "open":
        path, mode, flags = arguments
        if flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT) and isinstance(path, (str, bytes)):
            sys.stderr.write(f"it writes to {path}\\n")
            os._exit(1)
    elif event in ("os.mkdir", "os.rename", "os.remove", "tempfile.mkstemp", "tempfile.mkdtemp"):
        sys.stderr.write(f"{event} {arguments}\\n")
        os._exit(1)

sys.addaudithook(hook)
runpy.run_path(sys.argv[1], run_name="__main__")
"""


def prove() -> str:
    python: list[str] = [sys.executable]
    proofs: dict[str, Callable[[], object]] = {
        "-OO": partial(run_packed, [*python, "-OO", PROGRAM]),
        "-I": partial(run_packed, [*python, "-I", PROGRAM]),
        "-X dev -W error": partial(run_packed, [*python, "-X", "dev", "-W", "error", PROGRAM]),
        "C locale": partial(run_packed, [*python, PROGRAM], environment=PLAIN),
        "no home": partial(run_packed, [*python, PROGRAM], environment={"HOME": "/nowhere"}),
        "no file written": partial(run_packed, [*python, "-B", "-c", WATCHED, PROGRAM]),
        "read-only disk": _read_only,
    }
    return check_each(proofs)


def _read_only() -> None:
    """Run it where no file can grow by a byte, as on a disk that is read-only or full."""
    code = f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0)); {RUN}"
    run = run_packed([sys.executable, "-c", code, PROGRAM])
    check(not run.stderr, f"it complains: {run.stderr[-300:]}")


RUN = "import runpy, sys; runpy.run_path(sys.argv[1], run_name='__main__')"


if __name__ == "__main__":
    tell(prove)
