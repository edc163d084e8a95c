# needs:
"""A subinterpreter, where no daemon thread may run, reaches a host by its name."""

from __future__ import annotations

import importlib.util
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.ecosystem.support import SandboxProcess, Skipped, check, tell

CODE = """
from pathlib import Path
from tesote_sdk import V2Client
try:
    with V2Client() as client:
        account = client.accounts.get({account_id!r})
        said = account["id"]
except BaseException as error:
    said = f"{{type(error).__name__}}: {{error}}"
Path({file!r}).write_text(said)
"""


def prove() -> str:
    module = _module()
    with SandboxProcess(accounts=3, transactions=1) as api, tempfile.TemporaryDirectory() as folder:
        for number, account_id in enumerate(api.account_ids):
            file = str(Path(folder, str(number)))
            interpreter = module.create()
            module.run_string(interpreter, CODE.format(account_id=account_id, file=file))
            module.destroy(interpreter)
            said = Path(file).read_text(encoding="utf-8")
            check(said == account_id, f"with {api.url} a subinterpreter got {said}")
    return f"three interpreters got an account each from {api.url}"


def _module() -> Any:
    """Return the module of the interpreters, which has no public name before Python 3.14."""
    for name in ("_interpreters", "_xxsubinterpreters"):
        if importlib.util.find_spec(name):
            return importlib.import_module(name)
    raise Skipped(f"Python {sys.version.split()[0]} shows no subinterpreters")


if __name__ == "__main__":
    tell(prove)
