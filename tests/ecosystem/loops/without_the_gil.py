# needs:
"""A client shared by eight threads that no lock of the interpreter's keeps apart."""

from __future__ import annotations

import shutil
import subprocess
import sys
import sysconfig
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tesote_sdk import V2Client
from tests.ecosystem.support import SandboxProcess, Skipped, check, tell


def prove() -> str:
    if not sysconfig.get_config_var("Py_GIL_DISABLED"):
        return _elsewhere()
    with SandboxProcess(accounts=60, transactions=1) as api, V2Client() as client:
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda each: client.accounts.get(each)["id"], api.account_ids))
        check(answers == api.account_ids, "an answer is another account's")
        if sys.version_info >= (3, 13):
            check(not sys._is_gil_enabled(), "the SDK's import has switched the lock back on")
    return "60 accounts by eight threads"


def _elsewhere() -> str:
    """Run this program with a free-threaded Python of this machine."""
    for name in ("python3.15t", "python3.14t", "python3.13t"):
        python = shutil.which(name)
        if python:
            sdk = Path(sys.modules["tesote_sdk"].__file__ or "").parents[1]
            run = subprocess.run(
                [python, "-c", f"import sys; sys.path.append({str(sdk)!r}); {CODE}"],
                timeout=1800,
                capture_output=True,
                encoding="utf-8",
            )
            check(run.returncode == 0, run.stdout[-500:] + run.stderr[-500:])
            return f"{name}: {run.stdout.strip()}"
    raise Skipped("there is no free-threaded Python here: python3.13t, python3.14t or newer")


CODE = "from tests.ecosystem.loops import without_the_gil; print(without_the_gil.prove())"


if __name__ == "__main__":
    tell(prove)
