# needs:
"""A client shared by eight threads that no lock of the interpreter's keeps apart."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tesote_sdk import InMemoryLRUCache, V2Client
from tests.ecosystem.support import SandboxProcess, Skipped, check, tell


def prove() -> str:
    if not sysconfig.get_config_var("Py_GIL_DISABLED"):
        return _elsewhere()
    with SandboxProcess(accounts=60, transactions=1) as api, ThreadPoolExecutor(8) as pool:
        client = V2Client(cache_backend=InMemoryLRUCache(max_entries=20))
        asked = [each for each in api.account_ids for _ in range(5)]
        fresh = pool.map(lambda each: client.accounts.get(each)["id"], asked)
        check(list(fresh) == asked, "an answer is another account's")
        kept = pool.map(lambda each: client.accounts.get(each, cache_ttl=60)["id"], asked)
        check(list(kept) == asked, "a kept answer is another account's")
        client.close()
        if sys.version_info >= (3, 13):
            check(not sys._is_gil_enabled(), "the SDK's import has switched the lock back on")
    return "60 accounts by eight threads, with a cache and without"


def _elsewhere() -> str:
    """Run this program with a free-threaded Python of this machine."""
    for name in ("python3.15t", "python3.14t", "python3.13t"):
        python = shutil.which(name)
        if python:
            sdk = Path(sys.modules["tesote_sdk"].__file__ or "").parent
            with tempfile.TemporaryDirectory() as alone:  # what is beside it is for another Python
                Path(alone, sdk.name).symlink_to(sdk)
                run = subprocess.run(
                    [python, "-c", CODE],
                    env={**os.environ, "PYTHONPATH": alone},
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
